"""What a medium brings to its training page: the form, the check of the data, and the words about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QScrollArea, QWidget

from studio.schema.request import TrainRequest


class TrainingForm(QScrollArea):
    """`changed`: something that decides how the data is used.

    `folder` is the folder of data, None where none is chosen; `choose` is the button that asks for it; `form` holds all
    fields, and is disabled while a training runs.
    """

    changed = Signal()
    folder: Path | None
    choose: QPushButton
    form: QWidget

    def add_below(self, widget: QWidget) -> None:
        """Place a widget under all fields."""
        raise NotImplementedError

    def ask_folder(self) -> None:
        """Ask for the folder of data."""
        raise NotImplementedError

    def set_folder(self, folder: Path) -> None:
        """Train on the data in this folder."""
        raise NotImplementedError

    def request(self, out: Path) -> TrainRequest:
        """The request that the form describes. Raises BadInput if something is missing."""
        raise NotImplementedError

    def show_request(self, request: TrainRequest) -> None:
        """Show the settings of a running training."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Models were added, removed or changed."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        raise NotImplementedError

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state; ignore what is not valid."""
        raise NotImplementedError


class DatasetCheck(QWidget):
    """Shows what of the data is used. `checked`: a check is done; `failed(title, hint)`: the folder cannot be used."""

    checked = Signal()
    failed = Signal(str, str)
    ready = False
    """Whether what was found last suffices for a training."""

    def check(self) -> None:
        """Check the data that the form names; `checked` or `failed` follows, unless another check replaces this one."""
        raise NotImplementedError

    def close_down(self) -> None:
        """The window closes."""


@dataclass(frozen=True, slots=True)
class TrainingWords:
    """What the page says, translated: `start` what its button does, `drop` what can be dropped on it.

    `intro` is shown before a folder is chosen: a heading, what to choose, and lines about how training goes.
    """

    start: str
    drop: str
    intro: tuple[str, ...]
