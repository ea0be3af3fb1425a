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
CHOICE_WIDTH = 260  # pixels of a choice beside its label


class FormField(QWidget):
    """A control with its label. What was set comes back exactly as it was set until a person changes it."""

    changed = Signal()

    def __init__(self, name: str, field: Field) -> None:
        super().__init__()
        self.name, self.field = name, field
        self.setObjectName(f"field.{name}")
        self.rows = column(self, spacing=SIZE.hair)
        self.title = label(tr(field.label), "label")
        self.setToolTip(tr(field.help))
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

    def on_edited(self) -> None:
        """A person changed it."""
        if not self._setting:
            self._given = None
            self.changed.emit()

    def name_control(self, control: QWidget, suffix: str = "") -> None:
        """Give the control its names, for tests, screen readers and the label's shortcut."""
        control.setObjectName(f"{self.name}{suffix}")
        control.setAccessibleName(tr(self.field.label))
        control.setAccessibleDescription(tr(self.field.help))
        if not suffix:
            self.title.setBuddy(control)
            self.setFocusProxy(control)

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError
