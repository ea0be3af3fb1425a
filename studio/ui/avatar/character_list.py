"""The list of saved characters: portraits, renaming in place, and a menu of those in the bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QIcon, QImage, QKeyEvent, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QScrollArea,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.library.identities import NAME_LIMIT, Identity
from studio.ui.avatar.live_jobs import portrait_icon
from studio.ui.widgets.controls import button, label, named, tool
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import count, tr
from studio.ui.widgets.theme import theme

SIDE = 48
VISIBLE_ROWS = 3  # characters that are seen at once in the lowest window; as many as there is room for elsewhere
IDENTITY = Qt.ItemDataRole.UserRole


class NameDelegate(QStyledItemDelegate):
    """Edits a name in a field as high as any other, not as high as the portrait beside it."""

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().updateEditorGeometry(editor, option, index)
        box, middle = editor.geometry(), editor.geometry().center()
        box.setHeight(min(box.height(), editor.sizeHint().height()))
        box.moveCenter(middle)
        editor.setGeometry(box)


class CharacterList(QWidget):
    """`chosen(identity)`: its face is wanted. `renamed(id, name)`, `removed(id)`, `restored(id)` from the bin.

    `buttons` are shown below the list, outside of what scrolls.
    """

    chosen = Signal(object)
    renamed = Signal(str, str)
    removed = Signal(str)
    restored = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._filling = False
        self._select: tuple[str, bool] | None = None  # whom to select when they are in the list, and whether to rename
        self._portraits: Mapping[str, QImage] = {}
        self._binned: list[Identity] = []
        self._empty = label(
            tr("No characters yet. Save a face here to use the same person again at any time."), "muted", wrap=True
        )
        self.list = named(QListWidget(), "people", tr("Saved characters"))
        self.list.setToolTip(tr("Click to use the face. F2 renames, Delete moves to the bin."))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setItemDelegate(NameDelegate(self.list))
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setSpacing(2)
        self.list.installEventFilter(self)
        self.list.itemClicked.connect(lambda item: self.chosen.emit(item.data(IDENTITY)))
        self.list.itemActivated.connect(lambda item: self.chosen.emit(item.data(IDENTITY)))
        self.list.itemChanged.connect(self._edited)
        self.list.currentRowChanged.connect(lambda _: self._update_buttons())
        self.rename = button(tr("Rename"), "renamePerson", "compact", clicked=self._edit_name)
        self.rename.setToolTip(tr("Rename this character"))
        self.remove = tool("trash", tr("Move this character to the bin"), "removePerson", clicked=self._remove, size=16)
        self.gone = button(tr("Characters in the bin"), "removedPeople", "quiet")
        self.gone.setToolTip(tr("Restore a character from the bin"))
        self.bin = QMenu(self.gone)
        self.bin.setObjectName("removedMenu")
        self.gone.setMenu(self.bin)
        self.buttons = QWidget()
        self.buttons.setLayout(row(self.gone, None, self.rename, self.remove, spacing=4))
        column(self, label(tr("Saved characters"), "heading"), self._empty, self.list, spacing=8)
        self._update_buttons()
        theme().changed.connect(self._update_icons)

    def show_characters(
        self, found: Sequence[Identity], binned: Sequence[Identity], portraits: Mapping[str, QImage]
    ) -> None:
        """Show the saved characters and those in the bin; `portraits` by id, of those that can be read."""
        selected, rename = self._select or (self._current_id(), False)
        if self._select is not None:
            QTimer.singleShot(0, self, self._scroll_to_current)  # after the layout
        self._select = None
        self._portraits, self._binned = portraits, list(binned)
        # After a change from here the list is right already: leave a name alone that is being typed.
        if list(found) != [self.list.item(at).data(IDENTITY) for at in range(self.list.count())]:
            self._filling = True
            self.list.clear()
            for one in found:
                item = QListWidgetItem(one.name)
                item.setData(IDENTITY, one)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self.list.addItem(item)
            self._update_icons()
            self._filling = False
        self._fill_bin_menu()
        at = next((at for at, one in enumerate(found) if one.id == selected), -1)
        self.list.setCurrentRow(at)
        self._update_buttons()
        if rename and at >= 0:
            self._edit_name()

    def select_when_shown(self, id: str, *, rename: bool) -> None:
        """Select this one when the list is shown next, and edit its name if nobody gave it one yet."""
        self._select = (id, rename)

    def _fill_bin_menu(self) -> None:
        self.bin.clear()
        for one in self._binned:
            action = self.bin.addAction(self._icon(self._portraits.get(one.id)), one.name.replace("&", "&&"))
            action.triggered.connect(lambda _=False, id=one.id: self.restored.emit(id))
        number = len(self._binned)
        self.gone.setText(count(number, "%n in the bin", "%n in the bin"))
        self.gone.setAccessibleName(count(number, "%n character in the bin", "%n characters in the bin"))
        self.gone.setVisible(number > 0)
        self._show_buttons()

    def _scroll_to_current(self) -> None:
        """In a low window, scroll to the one that was saved last."""
        area = self._scroll_area()
        if area is not None:
            area.ensureWidgetVisible(self.list)
        self.list.scrollToItem(self.list.currentItem())

    def _scroll_area(self) -> QScrollArea | None:
        """The area that this scrolls in."""
        above = self.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        return above

    def _fit(self) -> None:
        """As many rows as there is room for below the rest, so that there is one thing to scroll and not two."""
        high = max(SIDE + 4, self.list.sizeHintForRow(0) + 4)
        area = self._scroll_area()
        inside = area.widget() if area is not None else None
        rows = VISIBLE_ROWS
        if area is not None and inside is not None:
            for holder in (self, self.parentWidget()):
                layout = holder.layout() if holder is not None else None
                if layout is not None:
                    layout.activate()
            top = self.list.mapTo(inside, QPoint(0, 0)).y()
            rows = max(VISIBLE_ROWS, (area.viewport().height() - top - 20) // high)
        self.list.setFixedHeight(min(self.list.count(), rows) * high + (4 if self.list.count() <= rows else 0))
        self.list.scrollToItem(self.list.currentItem())

    def _current_id(self) -> str:
        item = self.list.currentItem()
        return "" if item is None else item.data(IDENTITY).id

    def _update_buttons(self) -> None:
        number, at = self.list.count(), self.list.currentRow()
        self._empty.setVisible(number == 0)
        self.list.setVisible(number > 0)
        for control in (self.rename, self.remove):
            control.setVisible(number > 0)
            control.setEnabled(at >= 0)
        self._show_buttons()
        self._fit()

    def _show_buttons(self) -> None:
        self.buttons.setVisible(self.list.count() > 0 or bool(self._binned))

    def _edit_name(self) -> None:
        self.list.setFocus()
        self.list.editItem(self.list.currentItem())

    def _edited(self, item: QListWidgetItem) -> None:
        one: Identity = item.data(IDENTITY)
        if self._filling or item.text() == one.name:
            return
        name = item.text()[:NAME_LIMIT]
        self._filling = True
        item.setText(one.name)  # until the name is known to be valid
        self._filling = False
        if name.strip():
            self.renamed.emit(one.id, name)

    def _remove(self) -> None:
        if self._current_id():
            self.removed.emit(self._current_id())

    def _update_icons(self) -> None:
        """Portraits, on the background that they have in this theme."""
        filling, self._filling = self._filling, True
        for at in range(self.list.count()):
            item = self.list.item(at)
            item.setIcon(self._icon(self._portraits.get(item.data(IDENTITY).id)))
        for action, one in zip(self.bin.actions(), self._binned, strict=False):
            action.setIcon(self._icon(self._portraits.get(one.id)))
        self._filling = filling

    def _icon(self, image: QImage | None) -> QIcon:
        picture = None if image is None else QPixmap.fromImage(image)
        return portrait_icon(picture, SIDE, self.devicePixelRatioF())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete moves the selected one to the bin; a higher window shows more rows."""
        if watched is not self.list:
            if event.type() == QEvent.Type.Resize:
                QTimer.singleShot(0, self, self._fit)
            return False
        pressed = event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and Qt.Key(event.key())
        if pressed in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove()
            return True
        return False

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        area = self._scroll_area()
        if area is not None:
            area.viewport().installEventFilter(self)
