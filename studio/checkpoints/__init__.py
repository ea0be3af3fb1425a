"""Reads checkpoints of other programs safely: nothing in them is run."""

from __future__ import annotations

from pathlib import Path

from studio.checkpoints.checkpoint import NVIDIA, SUFFIXES, ForeignCheckpoint, read_checkpoint
from studio.checkpoints.upscalers import UpscalerCheckpoint, read_upscaler

__all__ = [
    "NCNN", "NVIDIA", "SUFFIXES", "ForeignCheckpoint", "UpscalerCheckpoint", "read_checkpoint", "read_foreign",
    "read_upscaler",
]  # fmt: skip

NCNN = ".param"
"""The suffix of the table of an ncnn network; its numbers are in the .bin beside it."""


def read_foreign(path: Path) -> ForeignCheckpoint | UpscalerCheckpoint:
    """The network in the file at `path`, whichever is known. Raises as `read_checkpoint` does."""
    return read_upscaler(path) or read_checkpoint(path)
