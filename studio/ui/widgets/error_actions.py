"""The buttons that help with an error: a command of the window, or the same request for a smaller work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

from studio.errors import StudioError
from studio.schema.fields import Range
from studio.schema.request import Request
from studio.ui.widgets.text import tr

Button = tuple[str, str, Callable[[], object]]
"""Words, object name, what it does: as a MessageBar takes them."""

COMMANDS = {
    "models": ("Show models", "page.models"),
    "room": ("Remove a model", "page.models"),
    "folders": ("Open settings", "settings"),
    "diagnostics": ("Open diagnostics", "diagnostics"),
}
"""What helps with an error: the words on the button, and the command that it runs."""

LESSER = {"width": 0.75, "height": 0.75, "seconds": 0.5, "tokens": 0.5}
"""What the size of a work depends on, and how much of it to leave when memory was too short."""


@runtime_checkable
class CommandRunner(Protocol):
    """A window with commands."""

    def run_command(self, name: str) -> None: ...


def buttons(
    error: BaseException,
    widget: QWidget,
    request: Request | None = None,
    make: Callable[[Request], object] = lambda request: None,
) -> Sequence[Button]:
    """The buttons that help with an error shown on `widget`; `make` gets a smaller request if that may help."""
    if not isinstance(error, StudioError):
        return [_command_button("diagnostics", widget)]
    if error.mend in COMMANDS:
        return [_command_button(error.mend, widget)]
    smaller = lesser(request) if request is not None and error.mend == "smaller" else None
    if smaller is None:
        return []
    words = tr("Make it smaller") if hasattr(smaller, "width") else tr("Make it shorter")
    return [(words, "mend.smaller", lambda: make(smaller))]


def lesser(request: Request) -> Request | None:
    """The same request for a smaller work; None where there is none."""
    changes: dict[str, float] = {}
    for name, note in request.fields():
        if name in LESSER and isinstance(note, Range):
            steps = int(getattr(request, name) * LESSER[name] / note.step)
            less = max(note.low, steps * note.step)
            if less < getattr(request, name):
                changes[name] = int(less) if note.whole else less
    return request.replace(**changes) if changes else None


def run_command(widget: QWidget, name: str) -> None:
    """Run a command of the window that `widget` is in."""
    window = widget.window()
    if not isinstance(window, CommandRunner) and (parent := window.parentWidget()) is not None:
        window = parent.window()  # a dialog's
    if isinstance(window, CommandRunner):
        window.run_command(name)


def _command_button(mend: str, widget: QWidget) -> Button:
    words, command = COMMANDS[mend]
    return tr(words), f"mend.{mend}", lambda: run_command(widget, command)
