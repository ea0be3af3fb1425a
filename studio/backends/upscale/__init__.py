"""Upscaling: pictures enlarged by a network. No torch here; it stays below the package engine."""
