"""A field that holds a file or a folder of the person's; it opens none."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit

from studio.schema.request import PathTo
from studio.ui.forms.field import FormField, Shape
from studio.ui.widgets.basic import row, tool
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE


class PathField(FormField):
    """A file or folder, below its label or beside it."""

    def __init__(self, name: str, field: PathTo, shape: Shape = "below") -> None:
        super().__init__(name, field)
        self._folder = field.folder
        self.line = QLineEdit()
        self.line.setPlaceholderText(tr("Default folder"))
        self.name_control(self.line)
        self.line.textChanged.connect(lambda _: self.on_edited())
        self.browse = tool("folder", tr("Choose…"), f"{name}.browse", clicked=self._choose)
        line = row(spacing=SIZE.hair)
        if shape == "beside":
            line.addWidget(self.title, 1)
            line.addWidget(self.line, 2)
        else:
            self.rows.addWidget(self.title)
            line.addWidget(self.line, 1)
        line.addWidget(self.browse)
        self.rows.addLayout(line)

    def read(self) -> str:
        return self.line.text()

    def write(self, value: str) -> None:
        self.line.setText(value)

    def _choose(self) -> None:
        dialog = QFileDialog(self, tr(self.field.label), self.line.text() or str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory if self._folder else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()
