"""What went wrong, in words a person can act on; knows nothing of who shows them."""

from __future__ import annotations

MENDS = ("models", "folders", "room", "smaller", "diagnostics")
"""Another model; another folder; room on the disk; a smaller work; a look at what the machine lacks."""


class StudioError(Exception):
    """An error that the user caused or can mend.

    `message` says what happened, `hint` what to do about it; both are sentences. `status` is the exit status of the
    command line: 3, a model or machine problem, unless a subclass says otherwise. `mend` names what would help, for
    whoever can offer it with a button: one of MENDS, or nothing.
    """

    status = 3

    def __init__(self, message: str, hint: str = "", mend: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadInput(StudioError):
    """What the user asked for cannot be done as asked: a field out of range, a file that is no picture."""

    status = 2


class OutOfMemory(StudioError):
    """The device ran out of memory; the lane evicts what it can and tries once more before a person sees this."""

    def __init__(self, message: str, hint: str = "", mend: str = "smaller") -> None:
        super().__init__(message, hint, mend)
