"""The settings page: a form over the studio's settings that saves as one changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from studio.errors import StudioError
from studio.settings import Settings
from studio.ui.form import EDGE, Form
from studio.ui.theme import theme
from studio.ui.widgets import Bar, column, label, row
from studio.ui.words import failure, tr

if TYPE_CHECKING:
    from studio.studio import Studio

SHOWN = (
    "theme",
    "text_size",
    "device",
    "threads",
    "memory_budget_gb",
    "library_folder",
    "models_folder",
    "embed_metadata",
)
DELAY = 300  # milliseconds after the last change


class SettingsPage(QWidget):
    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("page")
        self._studio = studio
        self.form = Form[Settings](studio.settings, names=SHOWN, shape="beside")
        self.error = Bar("settings")
        inside = QWidget()
        inside.setObjectName("form")
        middle = column(spacing=4)
        title = label(tr("Settings"), "title")
        title.setContentsMargins(EDGE, 0, EDGE, 0)
        middle.addWidget(title)
        words = tr("Changes are kept at once. Those of machine and folders hold from the next start on.")
        hint = label(words, "muted", wrap=True)
        hint.setContentsMargins(EDGE, 0, EDGE, 0)
        middle.addWidget(hint)
        middle.addWidget(self.error)
        middle.addWidget(self.form)
        middle.addStretch(1)
        holder = QWidget()
        holder.setObjectName("form")
        holder.setFixedWidth(600)
        holder.setLayout(middle)
        inside.setLayout(row(None, holder, None, margins=(24, 32, 24, 32)))
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        column(self, spacing=0).addWidget(area)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(DELAY)
        self._late.timeout.connect(self.save)
        self.form.changed.connect(self._late.start)

    def save(self) -> None:
        """Keep what has changed."""
        self._late.stop()
        before = self._studio.settings
        try:
            after = self.form.value()
            changes = {name: getattr(after, name) for name in SHOWN if getattr(after, name) != getattr(before, name)}
            if changes:
                self._studio.change_settings(**changes)
        except StudioError as error:
            self.error.say(*failure(error), kind="error")
            return
        self.error.hide()
        theme().choose(after.theme)
        theme().resize(after.text_size)

    def follow(self) -> None:
        """The settings were changed elsewhere."""
        if not self._late.isActive() and self.form.value() != self._studio.settings:
            self.form.set_value(self._studio.settings)
            self._late.stop()

    def focus_first(self) -> None:
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        if self._late.isActive():
            self.save()

    def close_down(self) -> None:
        self.leave()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Any) -> None:
        """The settings are their own memory."""
