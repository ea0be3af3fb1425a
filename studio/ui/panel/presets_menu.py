"""The menus of recent settings and of presets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeySequence
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from studio.backends import medium
from studio.errors import BadInput, StudioError
from studio.library import titles
from studio.schema import presets as files
from studio.schema.presets import Preset, Presets
from studio.schema.request import Request
from studio.ui.commands import keys_of
from studio.ui.widgets.controls import tool
from studio.ui.widgets.dialogs import LineDialog, ask_paths
from studio.ui.widgets.text import failure, tr
from studio.ui.widgets.theme import theme

MAX_RECENT = 30  # briefs
MAX_TEXT_WIDTH = 300  # pixels of a brief's first words
FILTER = "JSON (*.json)"


class PresetMenus(QObject):
    """`chosen(request)`: show this request. `message(words)` for a toast."""

    chosen = Signal(object)
    message = Signal(str)

    def __init__(self, presets: Presets, kind: type[Request], current: Callable[[], Request], parent: QWidget) -> None:
        super().__init__(parent)
        self._presets, self._kind, self._current, self._window = presets, kind, current, parent
        self.recent: list[Request] = []
        self.recent_button = self._button("history", tr("Recent settings"), "history", self._fill_recent)
        self.presets_button = self._button("preset", tr("Presets"), "presets", self._fill_presets)

    def add_recent(self, request: Request) -> None:
        """Remember settings that were used; the seed does not count."""
        settings = request.replace(seed=0)
        self.recent = [settings, *(other for other in self.recent if other != settings)][:MAX_RECENT]

    def state(self) -> list[dict[str, Any]]:
        return [request.to_json() for request in self.recent]

    def restore(self, state: object) -> None:
        """Restore a state; ignore what is not valid."""
        for each in state[:MAX_RECENT] if isinstance(state, list) else ():
            try:
                request = Request.from_json(each)
            except StudioError:
                continue
            if isinstance(request, self._kind):
                self.recent.append(request)

    def ask_name(self) -> None:
        """Ask for a name, and save the settings under it."""

        def save() -> None:
            dialog.accept()
            self.save_as(dialog.line.text().strip())

        go = (tr("Save"), "presetSave")
        dialog = LineDialog(self._window.window(), "presetName", tr("Save as preset"), "", tr("Name"), go, save)
        dialog.line.setText(_words(self._current())[:40])
        dialog.line.selectAll()
        dialog.open()

    def save_as(self, name: str) -> None:
        self._attempt(
            lambda: self._presets.save(name, self._current()), tr("Saved as preset “{name}”.").format(name=name)
        )

    def import_file(self, path: Path) -> None:
        """Import a preset from a file, and show it."""

        def take() -> None:
            preset = files.read(path)
            if not isinstance(preset.request, self._kind):
                raise BadInput("This preset belongs to another page.", "Open that page and import it there.")
            self._presets.save(preset.name, preset.request)
            self.chosen.emit(preset.request)

        self._attempt(take, tr("Preset imported."))

    def ask_import(self) -> None:
        title, take = tr("Import preset"), lambda paths: self.import_file(paths[0])
        ask_paths(self._window, title, "presetBring", take, start=_documents(), types=FILTER)

    def export_file(self, preset: Preset, path: Path) -> None:
        """Write a preset to a file that can be imported."""
        words = tr("Saved as {name}.").format(name=path.name)
        self._attempt(lambda: files.write(path, preset.name, preset.request), words)

    def remove(self, preset: Preset) -> None:
        self._attempt(lambda: self._presets.remove(preset), tr("Preset “{name}” removed.").format(name=preset.name))

    def _ask_export(self, preset: Preset) -> None:
        title, name, take = tr("Export preset"), preset.path.name, lambda paths: self.export_file(preset, paths[0])
        ask_paths(self._window, title, "presetShare", take, start=_documents(), types=FILTER, save_as=name)

    def _attempt(self, act: Callable[[], object], words: str) -> None:
        try:
            act()
        except StudioError as error:
            words = " ".join(failure(error))
        except OSError as error:
            words = tr("The file could not be saved: {why}.").format(why=error.strerror)
        self.message.emit(words)

    def _button(self, icon: str, text: str, name: str, fill: Callable[[QMenu], None]) -> QToolButton:
        made = tool(icon, text, name)
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(made)
        menu.setObjectName(f"{name}Menu")
        menu.aboutToShow.connect(lambda: (menu.clear(), fill(menu)))
        made.setMenu(menu)
        return made

    def _fill_recent(self, menu: QMenu) -> None:
        self._add_requests(menu, [(_words(request), request) for request in self.recent])
        if not self.recent:
            menu.addAction(tr("Nothing generated yet")).setEnabled(False)

    def _fill_presets(self, menu: QMenu) -> None:
        kept = self._presets.of(self._kind.kind)
        self._add_requests(menu, [(preset.name, preset.request) for preset in kept])
        if kept:
            menu.addSeparator()
        # Told after a tab: a shortcut of its own would compete with the one in the menu bar, and neither would work.
        keys = keys_of("preset.keep").toString(QKeySequence.SequenceFormat.NativeText)
        menu.addAction(f"{tr('Save as preset…')}\t{keys}", self.ask_name)
        menu.addAction(tr("Import preset…"), self.ask_import)
        if kept:
            share, remove = menu.addMenu(tr("Export")), menu.addMenu(tr("Remove"))
            for preset in kept:
                share.addAction(_menu_text(preset.name), lambda preset=preset: self._ask_export(preset))
                remove.addAction(_menu_text(preset.name), lambda preset=preset: self.remove(preset))

    def _add_requests(self, menu: QMenu, briefs: Sequence[tuple[str, Request]]) -> None:
        for words, request in briefs:
            menu.addAction(_menu_text(words), lambda request=request: self.chosen.emit(request))


def _documents() -> str:
    return QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)


def _words(request: Request) -> str:
    return titles.describe_settings(request.to_json(), tr) or tr(medium(request.medium).title)


def _menu_text(words: str) -> str:
    """Text for a menu: shortened, its & doubled."""
    metrics = QFontMetrics(theme().font())
    return metrics.elidedText(words, Qt.TextElideMode.ElideRight, MAX_TEXT_WIDTH).replace("&", "&&")
