"""Why a checkpoint cannot be imported: damaged or unsupported."""

from __future__ import annotations

from studio.errors import Flaw


class CheckpointError(Flaw):
    """What is wrong with a checkpoint. One of the two below is raised, never this."""


class UnsupportedCheckpoint(CheckpointError):
    """The file is whole, and is nothing that the studio takes: a program, another model, too much of a thing."""


class DamagedCheckpoint(CheckpointError):
    """The file is cut, scrambled or contradicts itself: another copy of it may be well."""
