"""What every stage can do: show a work, or one that still grows, copy from it, drag it out, and offer its tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QGuiApplication, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QWidget

from studio.jobs.previews import Preview
from studio.library.library import Asset
from studio.media.payloads import Payload
from studio.schema.request import Request
from studio.schema.settings import Settings
from studio.ui.widgets.text import tr

STAGE_COMMANDS = ("copy", "copy.prompt", "copy.seed", "fit", "actual", "compare", "play", "loop")
"""The actions of the menus that are a stage's business; which of them it can do depends on what it shows."""

MenuEntry = tuple[str, Callable[[], object]] | None
"""A line of the menu, "words<tab>shortcut" and what it does; None draws a rule."""


class Stage(QWidget):
    """Shows one work. `stepped` asks for the next (+1) or previous (-1) work, `turned` for that work; `said` has words.

    `asked` names a deed for the work that is shown: favourite, recall, again, vary, export, save, reveal,
    bin. `kept` has a
    payload that is to become a work of its own, made from the one that is shown.
    """

    stepped = Signal(int)
    show_requested = Signal(object)
    message = Signal(str, str)
    command_requested = Signal(str)
    save_requested = Signal(object)
    suffixes: tuple[str, ...] = ()
    """Endings of the files that it can show."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage")
        self.asset: Asset | None = None

    def show_asset(self, asset: Asset) -> None:
        """Show a work of the library. Raises StudioError or OSError where its file cannot be read."""
        raise NotImplementedError

    def preview(self, payload: Preview) -> None:
        """Show what there is so far; called again and again while it grows."""
        raise NotImplementedError

    def show_live(self, payload: Payload, side: int, *, rough: bool) -> None:
        """Show what is under a person's hand and no work yet, `side` pixels wide whatever it has itself; a `rough` one
        is followed by another in a moment.
        """
        self.preview(payload)

    def expect(self, request: Request) -> None:
        """A work of this request is about to be made: previews that follow are its."""

    def apply_settings(self, settings: Settings) -> None:
        """Settings hold from now on."""

    def clear(self) -> None:
        raise NotImplementedError

    def copy(self) -> None:
        """Put the work on the clipboard."""
        raise NotImplementedError

    def copy_prompt(self) -> None:
        """Put the words that the work was asked for by on the clipboard."""
        prompt = str(self.asset.request.get("prompt", "")).strip() if self.asset is not None else ""
        if prompt:
            QGuiApplication.clipboard().setText(prompt)
            self.message.emit(tr("The prompt is on the clipboard."), "")
        elif self.asset is not None:
            self.message.emit(tr("This work was made without a prompt."), "")

    def copy_seed(self) -> None:
        seed = self.asset.request.get("seed") if self.asset is not None else None
        if seed is not None:
            QGuiApplication.clipboard().setText(str(seed))
            self.message.emit(tr("The seed is on the clipboard."), "")
        elif self.asset is not None:
            self.message.emit(tr("This work has no seed."), "")

    def title(self) -> str:
        """What the work calls itself; empty where it does not."""
        return ""

    def tools(self) -> Sequence[QToolButton]:
        return ()

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """What the actions of the menus do here and now; `cancel` where there is something to end."""
        if self.asset is None:
            return {}
        return {"copy": self.copy, "copy.prompt": self.copy_prompt, "copy.seed": self.copy_seed}

    def act(self, name: str) -> bool:
        """Do what an action says; whether it is one that means something here and now."""
        deed = self.commands().get(name)
        if deed is not None:
            deed()
        return deed is not None

    def menu_entries(self) -> Sequence[MenuEntry]:
        """What the menu offers here beside what it offers everywhere."""
        return ()

    def toggle(self) -> None:
        """What the space bar does here: play or pause, for sounds."""

    def deactivate(self) -> None:
        """The page is hidden or closed: stop what plays, give back what is held."""

    def menu(self) -> QMenu:
        """All that can be done with the work that is shown."""
        made = QMenu(self)
        made.setObjectName("stageMenu")
        made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        request = self.asset.request if self.asset is not None else {}
        for entry in self.menu_entries():
            _put(made, entry)
        if str(request.get("prompt", "")).strip():
            _put(made, (tr("Copy prompt"), self.copy_prompt))
        if "seed" in request:
            _put(made, (tr("Copy seed"), self.copy_seed))
        if self.asset is not None:
            _put(made, None)
            deeds = [("favourite", tr("Favourite")), ("save", tr("Save a copy…")), ("reveal", tr("Show in folder"))]
            if self.asset.drawn:
                deeds.insert(1, ("export", tr("Export…")))
            if request:
                deeds = [("recall", tr("Use its brief")), ("again", tr("Make again")), ("vary", tr("Vary")), *deeds]
            for name, words in deeds:
                _put(made, (words, lambda name=name: self.command_requested.emit(name)))
            _put(made, None)
            _put(made, (tr("Move to the bin"), lambda: self.command_requested.emit("bin")))
        return made

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        made = self.menu()
        if made.actions():
            made.popup(event.globalPos())
        else:
            made.deleteLater()


def _put(menu: QMenu, entry: MenuEntry) -> None:
    if entry is None:
        menu.addSeparator()
    else:
        words, act = entry
        menu.addAction(words).triggered.connect(lambda: act())


def file_mime_data(assets: Sequence[Asset]) -> QMimeData:
    """The files of works, as other programs take them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(asset.path)) for asset in assets])
    return data


def start_file_drag(source: QWidget, asset: Asset, picture: QPixmap | None = None) -> None:
    """Let a person drag the work's file to another program."""
    drag = QDrag(source)
    drag.setMimeData(file_mime_data([asset]))
    if picture is not None and not picture.isNull():
        small = picture.scaled(96, 96, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        drag.setPixmap(small)
        drag.setHotSpot(QPoint(small.width() // 2, small.height() // 2))
    drag.exec(Qt.DropAction.CopyAction)


def is_drag(start: QPoint, now: QPoint) -> bool:
    return (now - start).manhattanLength() >= QApplication.startDragDistance()
