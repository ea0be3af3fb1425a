"""Avatars: faces drawn by a StyleGAN. No torch here; it stays below the package engine."""
