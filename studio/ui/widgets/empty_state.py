"""What a page of works shows where there are none: why, and the way out; knows not what was asked for."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from studio.ui.panel.onboarding import LargeIcon
from studio.ui.widgets.basic import button, column, label, row


class EmptyState(QWidget):
    """`left` says that a person takes the way out."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._words = label("", "title", wrap=True)
        self._words.setObjectName("nothing")
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._hint = label("", "muted", wrap=True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._out = button("", "wayOut", clicked=self.left.emit)
        whole = column(self, spacing=12, margins=(32, 0, 32, 0))
        whole.addStretch(1)
        whole.addLayout(row(None, LargeIcon("library"), None))
        whole.addWidget(self._words)
        whole.addWidget(self._hint)
        whole.addLayout(row(None, self._out, None))
        whole.addStretch(1)

    def say(self, words: str, hint: str, way_out: str) -> None:
        """Say why there is nothing; without words for a way out, no button."""
        self._words.setText(words)
        self._hint.setText(hint)
        self._out.setText(way_out)
        self._out.setAccessibleName(way_out)
        self._out.setVisible(bool(way_out))
