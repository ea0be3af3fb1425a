"""The interface of every stage: show a result or its preview, copy it, drag it out, and offer commands for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QContextMenuEvent, QDrag, QGuiApplication, QMouseEvent, QPixmap
from PySide6.QtWidgets import QApplication, QMenu, QToolButton, QWidget

from studio.jobs.previews import Preview
from studio.library.library import Asset
from studio.media.payloads import Payload
from studio.schema.request import Request
from studio.schema.settings import Settings
from studio.ui.commands import command, for_works
from studio.ui.forms.undo import Undoable
from studio.ui.widgets.text import tr

MenuEntry = tuple[str, Callable[[], object]] | None
"""An entry of the context menu, "words<tab>shortcut" and what it does; None is a separator."""


class Stage(QWidget):
    """Shows one work.

    `stepped(+1 or -1)`: show the next or previous work. `show_requested(asset)`: show that one. `message(words, hint)`.
    `command_requested(name)`: a command for the work that is shown. `save_requested(payload)`: save a payload as a new
    work, made from the one that is shown. `edited`: a person has edited it, or undone that. `loaded` or
    `load_failed(error)` follows `show_asset` while it is `loading`.
    """

    stepped = Signal(int)
    show_requested = Signal(object)
    message = Signal(str, str)
    command_requested = Signal(str)
    save_requested = Signal(object)
    edited = Signal()
    loaded = Signal()
    load_failed = Signal(object)
    suffixes: tuple[str, ...] = ()
    """Suffixes of the files that it can show."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stage")
        self.asset: Asset | None = None
        self._press: QPoint | None = None  # where a drag of the work's file may begin

    def show_asset(self, asset: Asset) -> None:
        """Show a work. Raises StudioError or OSError if its file cannot be read."""
        raise NotImplementedError

    @property
    def loading(self) -> bool:
        """Whether the file of the work is still being read; what was shown before stays until then."""
        return False

    def preview(self, payload: Preview) -> None:
        """Show a preview of what is being made; called repeatedly."""
        raise NotImplementedError

    def show_live(self, payload: Payload, side: int, *, rough: bool) -> None:
        """Show a live result that is no work yet, `side` pixels wide whatever its own size; a `rough` one is
        followed by another in a moment.
        """
        self.preview(payload)

    def expect(self, request: Request) -> None:
        """Prepare for previews of this request."""

    def apply_settings(self, settings: Settings) -> None:
        """Apply changed settings."""

    def clear(self) -> None:
        raise NotImplementedError

    def copy(self) -> None:
        """Put the work on the clipboard."""
        raise NotImplementedError

    def copy_prompt(self) -> None:
        """Put the prompt of the work on the clipboard."""
        prompt = str(self.asset.request.get("prompt", "")).strip() if self.asset is not None else ""
        if prompt:
            QGuiApplication.clipboard().setText(prompt)
            self.message.emit(tr("Prompt copied."), "")
        elif self.asset is not None:
            self.message.emit(tr("There is no prompt to copy."), "")

    def copy_seed(self) -> None:
        seed = self.asset.request.get("seed") if self.asset is not None else None
        if seed is not None:
            QGuiApplication.clipboard().setText(str(seed))
            self.message.emit(tr("Seed copied."), "")
        elif self.asset is not None:
            self.message.emit(tr("There is no seed to copy."), "")

    def title(self) -> str:
        """The title that the work gives itself, such as the first heading of a text; empty if none."""
        return ""

    def tools(self) -> Sequence[QToolButton]:
        return ()

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """What commands do here and now; `cancel` if there is something to end."""
        if self.asset is None:
            return {}
        return {"copy": self.copy, "copy.prompt": self.copy_prompt, "copy.seed": self.copy_seed}

    def undoable(self) -> Undoable | None:
        """The edits of what is shown that undo takes back; None where there can be none."""
        return None

    def menu_entries(self) -> Sequence[MenuEntry]:
        """Entries of the context menu for this kind of result."""
        return ()

    def toggle(self) -> None:
        """Play or pause, for sounds and clips."""

    def deactivate(self) -> None:
        """The page is hidden or closed: stop playing, free memory."""

    def menu(self) -> QMenu:
        """The context menu of the work that is shown."""
        made = QMenu(self)
        made.setObjectName("stageMenu")
        made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        request = self.asset.request if self.asset is not None else {}
        for entry in self.menu_entries():
            _put(made, entry)
        if str(request.get("prompt", "")).strip():
            _put(made, (command("copy.prompt").text(), self.copy_prompt))
        if "seed" in request:
            _put(made, (command("copy.seed").text(), self.copy_seed))
        if self.asset is not None:
            _put(made, None)
            group = -1
            for each in for_works([self.asset], 1):
                if each.works is None or not each.works.possible([self.asset], 1) or each.name == "open":
                    continue
                if group not in (-1, each.works.group):
                    _put(made, None)
                group = each.works.group
                _put(made, (each.text(), lambda name=each.name: self.command_requested.emit(name)))
        return made

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press = event.position().toPoint() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.asset is not None and self._press is not None and is_drag(self._press, event.position().toPoint()):
            self._press = None
            start_file_drag(self, self.asset)

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
    """The files of works, for the clipboard and for drags."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for asset in assets for path in asset.paths])
    return data


def start_file_drag(source: QWidget, asset: Asset, picture: QPixmap | None = None) -> None:
    """Start dragging the work's files to another program."""
    drag = QDrag(source)
    drag.setMimeData(file_mime_data([asset]))
    if picture is not None and not picture.isNull():
        small = picture.scaled(96, 96, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        drag.setPixmap(small)
        drag.setHotSpot(QPoint(small.width() // 2, small.height() // 2))
    drag.exec(Qt.DropAction.CopyAction)


def is_drag(start: QPoint, now: QPoint) -> bool:
    return (now - start).manhattanLength() >= QApplication.startDragDistance()
