"""Reads checkpoints of other programs safely: nothing in them is run."""

from __future__ import annotations

from studio.checkpoints.checkpoint import NVIDIA, SUFFIXES, ForeignCheckpoint, read_checkpoint

__all__ = ["NVIDIA", "SUFFIXES", "ForeignCheckpoint", "read_checkpoint"]
