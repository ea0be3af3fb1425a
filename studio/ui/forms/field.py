"""What every field of a form is: a control with its label, and the value it was given; knows no kind of note."""

from __future__ import annotations

from typing import Any, Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.schema.request import Field
from studio.ui.widgets.basic import column, label
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

Shape = Literal["slider", "below", "beside"]
BESIDE = 260  # pixels of a choice beside its label


class FormField(QWidget):
    """A control with its label. What was set comes back exactly as it was set until a person changes it."""

    changed = Signal()

    def __init__(self, name: str, note: Field) -> None:
        super().__init__()
        self.name, self.note = name, note
        self.setObjectName(f"field.{name}")
        self.rows = column(self, spacing=SIZE.hair)
        self.title = label(tr(note.label), "label")
        self.setToolTip(tr(note.help))
        self._given: Any = None
        self._setting = False

    def value(self) -> Any:
        return self._given if self._given is not None else self.read()

    def set_value(self, value: Any) -> None:
        self._setting = True
        try:
            self.write(value)
        finally:
            self._setting = False
        self._given = value
        self.changed.emit()

    def touched(self) -> None:
        """A person changed it."""
        if not self._setting:
            self._given = None
            self.changed.emit()

    def named(self, control: QWidget, suffix: str = "") -> None:
        """Give the control its names, for tests, screen readers and the label's shortcut."""
        control.setObjectName(f"{self.name}{suffix}")
        control.setAccessibleName(tr(self.note.label))
        control.setAccessibleDescription(tr(self.note.help))
        if not suffix:
            self.title.setBuddy(control)
            self.setFocusProxy(control)

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError
