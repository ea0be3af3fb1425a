"""The form over the studio's settings: it saves as one changes them, and says what holds only from the next start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from studio.errors import BadInput, StudioError
from studio.schema.settings import Settings
from studio.support import hardware
from studio.ui.background import BackgroundTasks, Failure
from studio.ui.forms.form import MARGIN, Form
from studio.ui.forms.registry import CHOICE_WIDTH
from studio.ui.widgets.basic import ComboBox, MessageBar, column, label, row
from studio.ui.widgets.sound_player import outputs
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import theme

if TYPE_CHECKING:
    from studio.studio import Studio

SHOWN = (
    "theme",
    "text_size",
    "reduced_motion",
    "device",
    "threads",
    "memory_budget_gb",
    "library_folder",
    "models_folder",
    "embed_metadata",
)
LATER = ("device", "threads", "memory_budget_gb", "library_folder", "models_folder")
FOLDERS = ("library_folder", "models_folder")
DELAY = 300  # milliseconds after the last change


class SettingsForm(QWidget):
    """`notice` is for whoever shows this form to place where it is always seen."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("form")
        self._studio = studio
        self._first = studio.settings
        self._aside = BackgroundTasks(self)
        self.form = Form[Settings](studio.settings, names=SHOWN, shape="beside")
        self.notice = MessageBar("settings")
        self.sound = OutputDeviceField(studio.settings.audio_output)
        whole = column(self, spacing=0)
        whole.addWidget(self.form)
        whole.addWidget(self.sound)
        whole.addStretch(1)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(DELAY)
        self._late.timeout.connect(self.save)
        self.form.changed.connect(self._late.start)
        self.sound.box.activated.connect(lambda _: self.save())
        self._aside.run(outputs, self.sound.offer, self._silent)

    def _silent(self, error: Failure) -> None:
        self.sound.lack(" ".join(failure(error)))

    def save(self) -> None:
        """Keep what has changed, and let it hold at once where it can."""
        self._late.stop()
        before = self._studio.settings
        try:
            after = self.form.value().replace(audio_output=self.sound.chosen())
            names = (*SHOWN, "audio_output")
            changes = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
            for name in FOLDERS:
                _demand_folder(str(changes.get(name, "")))
            if changes:
                self._studio.change_settings(**changes)
        except StudioError as error:
            self.notice.show_message(*failure(error), kind="error")
            return
        theme().choose(after.theme)
        theme().set_text_size(after.text_size)
        theme().set_reduced_motion(after.reduced_motion)
        if any(getattr(after, name) != getattr(self._first, name) for name in LATER):
            words = tr("What you chose for machine and folders holds from the next start on.")
            self.notice.show_message(tr("Kept."), words, closable=False)
        else:
            self.notice.hide()

    def follow(self) -> None:
        """The settings were changed elsewhere."""
        if not self._late.isActive() and self.form.value() != self._studio.settings:
            self.form.set_value(self._studio.settings)
            self._late.stop()

    def finish(self) -> None:
        """Keep what was changed a moment ago."""
        if self._late.isActive():
            self.save()

    def close_down(self) -> None:
        self.finish()
        self._aside.close()


class OutputDeviceField(QWidget):
    """Which device sounds are played on; one that is not connected now stays chosen."""

    def __init__(self, chosen: str) -> None:
        super().__init__()
        self.box = ComboBox()
        self.box.setObjectName("audio_output")
        self.box.setAccessibleName(tr("Audio output"))
        self.box.setToolTip(tr("The device sounds play on"))
        self.box.addItem(tr("The system's own"), "")
        if chosen:
            self.box.addItem(chosen, chosen)
            self.box.setCurrentIndex(1)
        self.words = label("", "caption", wrap=True, selectable=True)
        self.words.setObjectName("audioWords")
        self.words.hide()
        title = label(tr("Audio output"), "label")
        title.setBuddy(self.box)
        whole = column(self, spacing=4, margins=(MARGIN, 8, MARGIN, 16))
        whole.addWidget(label(tr("Sound"), "heading"))
        whole.addSpacing(10)
        whole.addLayout(row(title, None, self.box))
        whole.addWidget(self.words)
        theme().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self.box.setFixedWidth(theme().scaled(CHOICE_WIDTH))

    def chosen(self) -> str:
        return str(self.box.currentData() or "")

    def offer(self, names: list[str]) -> None:
        for name in names:
            if self.box.findData(name) < 0:
                self.box.addItem(name, name)

    def lack(self, why: str) -> None:
        self.box.setEnabled(False)
        self.words.setText(why)
        self.words.show()


def _demand_folder(path: str) -> None:
    if path and not Path(path).expanduser().is_absolute():
        raise BadInput(
            "“{folder}” does not say where it is.",
            "Write the whole path, such as {example}, or choose the folder.",
            folder=path,
            example=Path.home() / path,
        )
    if path and not hardware.writable(Path(path).expanduser()):
        raise BadInput("{folder} cannot be written to.", "Choose another, or change its permissions.", folder=path)
