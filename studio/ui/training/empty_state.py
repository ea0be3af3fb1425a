"""What the training page says before there is a folder: what comes of it, what it takes; chooses nothing itself."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from studio.ui.widgets.basic import button, column, label, row
from studio.ui.widgets.text import tr

WORDS = 480  # pixels that the words are wide


class TrainingIntro(QWidget):
    """`choose` asks for a folder."""

    def __init__(self, choose: Callable[[], object]) -> None:
        super().__init__()
        told = (
            label(tr("A model that draws in the manner of your pictures"), "title", wrap=True),
            label(tr("Choose or drop a folder of pictures of one kind: faces, characters, icons."), wrap=True),
            label(tr("A few hundred are enough to begin with. Nothing leaves this computer."), "muted", wrap=True),
            label(tr("Without a graphics card first shapes take hours, good ones days."), "muted", wrap=True),
            label(tr("It gives way while you work, and can be paused or stopped at any time."), "muted", wrap=True),
        )
        inside = column(spacing=6)
        for words in told:
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            words.setFixedWidth(WORDS)
            inside.addWidget(words)
        inside.insertSpacing(1, 6)
        inside.addSpacing(12)
        asked = button(tr("Choose a folder…"), "emptyChoose", icon="folder", clicked=choose)
        inside.addLayout(row(None, asked, None))
        middle = row()
        middle.addStretch(1)
        middle.addLayout(inside)
        middle.addStretch(1)
        whole = column(self)
        whole.addStretch(2)
        whole.addLayout(middle)
        whole.addStretch(3)
