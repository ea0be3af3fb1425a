"""Checkpoints that other programs wrote, read safely: nothing in them is run; knows no catalog, no torch, no window."""

from __future__ import annotations

from studio.checkpoints.checkpoint import NVIDIA, SUFFIXES, ForeignCheckpoint, read_checkpoint

__all__ = ["NVIDIA", "SUFFIXES", "ForeignCheckpoint", "read_checkpoint"]
