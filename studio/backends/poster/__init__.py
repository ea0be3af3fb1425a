"""Posters: pictures painted by a diffusion model. No torch here; it stays below the package engine."""
