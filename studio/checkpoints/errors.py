"""Why a checkpoint cannot be imported: damaged or unsupported."""

from __future__ import annotations

from studio.errors import Flaw


class CheckpointError(Flaw):
    """What is wrong with a checkpoint: always one of the two below."""


class UnsupportedCheckpoint(CheckpointError):
    """The file is whole, but not one that the studio imports: a program, another model, beyond a limit."""


class DamagedCheckpoint(CheckpointError):
    """The file is cut, scrambled or contradicts itself: another copy of it may be intact."""
