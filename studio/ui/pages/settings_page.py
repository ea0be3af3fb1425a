"""The settings page: settings that are saved as they are changed, diagnostics and about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QFrame, QScrollArea, QStackedWidget, QWidget

from studio.errors import BadInput, StudioError
from studio.schema.fields import PathTo
from studio.schema.settings import Settings
from studio.studio import Studio
from studio.support import hardware
from studio.ui.background import BackgroundTasks, Failure
from studio.ui.forms.fields import CHOICE_WIDTH
from studio.ui.forms.form import MARGIN, Form
from studio.ui.widgets.controls import ComboBox, label, named, segment
from studio.ui.widgets.layout import ScaledSize, add, column, row, scrolling
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import Page, timer
from studio.ui.widgets.sound_player import outputs
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import theme

WIDTH = 640  # pixels: longer lines are hard to read
DELAY = 300  # milliseconds after the last change


class SettingsPage(Page):
    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._sections: dict[str, Page] = {}
        self._areas: dict[str, QScrollArea] = {}
        self.settings = SettingsForm(studio)
        self.form = self.settings.form
        self._factories: dict[str, tuple[str, Callable[[], Page]]] = {
            "settings": (tr("Settings"), lambda: self.settings),
            "diagnostics": (tr("Diagnostics"), self._diagnostics),
            "about": (tr("About"), self._about),
        }
        self._stack = QStackedWidget()
        notice = self.settings.notice  # not scrolled away with the fields
        notice.setMaximumWidth(WIDTH - 2 * MARGIN)
        line = row(None, (notice, 100), None, margins=(16, 0, 28, 8))  # a scroll bar stands below, at the right
        column(self, self._head(), 8, line, (self._stack, 1), spacing=0)
        self.show_section("settings")

    def _head(self) -> QWidget:
        head = named(QFrame(), "libraryHead")
        self._buttons = QButtonGroup(self)
        self._buttons.setExclusive(True)
        line = row(spacing=4, margins=(16, 10, 16, 10))
        for name, (title, _) in self._factories.items():
            made = segment(title, f"section.{name}")
            made.clicked.connect(lambda _=False, name=name: self.show_section(name))
            self._buttons.addButton(made)
            line.addWidget(made)
        line.addStretch(1)
        head.setLayout(line)
        head.setMinimumHeight(54)  # as on the other pages
        return head

    @property
    def section(self) -> str:
        """The name of the section that is shown."""
        shown = self._stack.currentWidget()
        return next((name for name, area in self._areas.items() if area is shown), "")

    def show_section(self, name: str) -> None:
        """Show settings, diagnostics or about."""
        if name not in self._areas:
            made = self._sections[name] = self._factories[name][1]()
            self._areas[name] = _scrolled(made)
            self._stack.addWidget(self._areas[name])
        self._stack.setCurrentWidget(self._areas[name])
        if name != "settings":
            self.settings.notice.hide()
        self._buttons.buttons()[list(self._factories).index(name)].setChecked(True)

    def _diagnostics(self) -> Page:
        from studio.ui.pages.diagnostics import DiagnosticsPage

        return DiagnosticsPage(self._studio)

    def _about(self) -> Page:
        from studio.ui.pages.about import AboutPage

        return AboutPage(self._studio.catalog)

    def follow(self) -> None:
        """The settings were changed elsewhere."""
        self.settings.follow()

    def save(self) -> None:
        """Save the settings now."""
        self.settings.save()

    def leave(self) -> None:
        self.settings.finish()
        self.show_section("settings")  # shown first the next time

    def close_down(self) -> None:
        for section in self._sections.values():
            section.close_down()


def _scrolled(section: QWidget) -> QScrollArea:
    """A section in the middle of the page, WIDTH wide."""
    section.setMaximumWidth(WIDTH)
    inside = named(QWidget(), "form")
    inside.setLayout(row(None, (section, 100), None, spacing=0, margins=(16, 4, 16, 4)))
    return scrolling(inside)


class SettingsForm(Page):
    """Saves settings as they are changed. `notice` is placed by the page, where it does not scroll away."""

    def __init__(self, studio: Studio) -> None:
        super().__init__("form")
        self._studio = studio
        self._first = studio.settings
        self._tasks = BackgroundTasks(self)
        self.form = Form[Settings](studio.settings, shape="beside")
        self.notice = MessageBar("settings")
        self.sound = OutputDeviceField(studio.settings.audio_output)
        column(self, self.form, self.sound, None, spacing=0)
        self._save_timer = timer(self, self.save, DELAY)
        self.form.changed.connect(self._save_timer.start)
        self.sound.box.activated.connect(lambda _: self.save())
        self._tasks.run(outputs, self.sound.offer, self._no_outputs)

    def _no_outputs(self, error: Failure) -> None:
        self.sound.show_unavailable(" ".join(failure(error)))

    def save(self) -> None:
        """Save what has changed, and apply it at once if possible."""
        self._save_timer.stop()
        before = self._studio.settings
        try:
            after = self.form.value().replace(audio_output=self.sound.chosen())
            fields = {name: each for name, each in after.fields() if name in self.form.fields or name == "audio_output"}
            changes = {name: getattr(after, name) for name in fields if getattr(after, name) != getattr(before, name)}
            for name, value in changes.items():
                if isinstance(fields[name], PathTo):
                    _check_folder(value)
            if changes:
                self._studio.change_settings(**changes)
        except StudioError as error:
            self.notice.show_error(error)
            return
        theme().choose(after.theme)
        theme().set_text_size(after.text_size)
        theme().set_reduced_motion(after.reduced_motion)
        at_start = [name for name, each in fields.items() if each.restart]
        if any(getattr(after, name) != getattr(self._first, name) for name in at_start):
            self.notice.show_message(tr("Saved."), tr("Takes effect after a restart."), closable=False)
        else:
            self.notice.hide()

    def follow(self) -> None:
        """The settings were changed elsewhere."""
        if not self._save_timer.isActive() and self.form.value() != self._studio.settings:
            self.form.set_value(self._studio.settings)
            self._save_timer.stop()

    def finish(self) -> None:
        """Save what was changed a moment ago."""
        if self._save_timer.isActive():
            self.save()

    def close_down(self) -> None:
        self.finish()
        self._tasks.close()


class OutputDeviceField(QWidget):
    """The audio output; a device that is not connected now stays selected."""

    def __init__(self, chosen: str) -> None:
        super().__init__()
        self.box = named(ComboBox(), "audio_output", tr("Audio output"), tr("The device that plays sound"))
        self.box.addItem(tr("System default"), "")
        if chosen:
            self.box.addItem(chosen, chosen)
            self.box.setCurrentIndex(1)
        self.words = label("", "caption", name="audioWords", wrap=True, selectable=True)
        self.words.hide()
        title = label(tr("Audio output"), "label")
        title.setBuddy(self.box)
        whole = column(self, spacing=4, margins=(MARGIN, 2, MARGIN, 8))
        add(whole, label(tr("Sound"), "heading"), 6, row(title, None, self.box), self.words)
        ScaledSize(self.box, wide=CHOICE_WIDTH)

    def chosen(self) -> str:
        return str(self.box.currentData() or "")

    def offer(self, names: list[str]) -> None:
        for name in names:
            if self.box.findData(name) < 0:
                self.box.addItem(name, name)

    def show_unavailable(self, why: str) -> None:
        self.box.setEnabled(False)
        self.words.setText(why)
        self.words.show()


def _check_folder(path: str) -> None:
    if path and not Path(path).expanduser().is_absolute():
        raise BadInput(
            "“{folder}” is not a full path.",
            "Enter the full path, such as {example}, or choose the folder.",
            folder=path,
            example=Path.home() / path,
        )
    if path and not hardware.writable(Path(path).expanduser()):
        raise BadInput("{folder} cannot be written to.", "Choose another, or change its permissions.", folder=path)
