"""Errors in words with the buttons that mend them: which page helps, and what smaller work may do; catches nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from PySide6.QtWidgets import QWidget

from studio.errors import StudioError
from studio.schema.request import Range, Request
from studio.ui.widgets.text import tr

Button = tuple[str, str, Callable[[], object]]
"""Words, object name, what it does: as a Bar takes them."""

PAGES = {
    "models": ("Show the models", "models", ""),
    "room": ("Remove a model", "models", ""),
    "folders": ("Open the settings", "settings", "settings"),
    "diagnostics": ("Open the diagnostics", "settings", "diagnostics"),
}
LESSER = {"width": 0.75, "height": 0.75, "seconds": 0.5, "tokens": 0.5}
"""What the size of a work depends on, and how much of it to leave when memory was too short."""


@runtime_checkable
class PageOpener(Protocol):
    """A window with pages."""

    def open(self, name: str) -> Any: ...


def buttons(
    error: BaseException,
    widget: QWidget,
    request: Request | None = None,
    make: Callable[[Request], object] = lambda request: None,
) -> Sequence[Button]:
    """The buttons that mend an error shown on `widget`; `make` is called with a smaller request where that may do."""
    if not isinstance(error, StudioError):
        return [_page("diagnostics", widget)]
    if error.mend in PAGES:
        return [_page(error.mend, widget)]
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


def open_page(widget: QWidget, page: str, section: str = "") -> None:
    """Show a page of the window that `widget` stands in."""
    window = widget.window()
    if isinstance(window, PageOpener):
        shown = window.open(page)
        if section:
            shown.show_section(section)


def _page(mend: str, widget: QWidget) -> Button:
    words, page, section = PAGES[mend]
    return tr(words), f"mend.{mend}", lambda: open_page(widget, page, section)
