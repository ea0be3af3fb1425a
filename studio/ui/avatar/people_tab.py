"""Whom one keeps: the ways to keep the face that is looked at and to show its moods, and everybody who is kept, by name
and portrait; keeps nobody itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QIcon, QImage, QKeyEvent, QPainter, QPixmap, QShowEvent
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
from studio.ui.avatar.portraits import paint_portrait
from studio.ui.commands import keys_of
from studio.ui.widgets.basic import button, column, label, row, tip, tool
from studio.ui.widgets.text import count, tr
from studio.ui.widgets.theme import theme

SIDE = 48
VISIBLE_ROWS = 3  # people that are seen at once in the lowest window; as many as there is room for elsewhere
IDENTITY = Qt.ItemDataRole.UserRole


class NameRow(QStyledItemDelegate):
    """The line in which a name is typed is as high as any other, not as high as the portrait beside it."""

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().updateEditorGeometry(editor, option, index)
        box, middle = editor.geometry(), editor.geometry().center()
        box.setHeight(min(box.height(), editor.sizeHint().height()))
        box.moveCenter(middle)
        editor.setGeometry(box)


class PeopleTab(QWidget):
    """`chosen` has the identity whose face is wanted, `renamed` its id and the new name, `removed` its id,
    `wanted_back` the id of one in the bin; `shown` says that the list is to be seen.
    """

    chosen = Signal(object)
    renamed = Signal(str, str)
    removed = Signal(str)
    wanted_back = Signal(str)
    shown = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._filling = False
        self._wanted: tuple[str, bool] | None = None  # who is to be marked once there, and whether to name them anew
        self._portraits: Mapping[str, QImage] = {}
        self.keep = button(tr("Keep as an identity"), "keepIdentity", "compact", icon="plus")
        self.keep.setToolTip(
            tip(tr("Keep this face under its name, to have the same person again"), keys_of("identity"))
        )
        self.moods = button(tr("Expressions"), "expressions", "compact")
        self.moods.setToolTip(tip(tr("This person in several moods to choose from"), keys_of("expressions")))
        self.sheet = button(tr("Character sheet"), "characterSheet", "compact")
        self.sheet.setToolTip(tip(tr("One picture of this person in several moods, for the library"), keys_of("sheet")))
        self._moodless = label("", "muted", wrap=True)
        self._moodless.setObjectName("moodless")
        self._moodless.hide()
        self._nobody = label(
            tr("Nobody is kept yet. Name a face in the brief and keep it, to have the same person again at any time."),
            "muted",
            wrap=True,
        )
        self.list = QListWidget()
        self.list.setObjectName("people")
        self.list.setAccessibleName(tr("Kept people"))
        self.list.setToolTip(tr("A click brings the face back; F2 renames, Delete removes"))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setItemDelegate(NameRow(self.list))
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setSpacing(2)
        self.list.installEventFilter(self)
        self.list.itemClicked.connect(lambda item: self.chosen.emit(item.data(IDENTITY)))
        self.list.itemActivated.connect(lambda item: self.chosen.emit(item.data(IDENTITY)))
        self.list.itemChanged.connect(self._edited)
        self.list.currentRowChanged.connect(lambda _: self._mark())
        self.rename = button(tr("Rename"), "renamePerson", "compact", clicked=self._name_anew)
        self.rename.setToolTip(tr("Give this person another name"))
        self.remove = tool("trash", tr("Put this person into the bin"), "removePerson", clicked=self._remove, size=16)
        self.gone = button(tr("People in the bin"), "removedPeople", "quiet")
        self.gone.setToolTip(tr("Bring back somebody who was put into the bin"))
        self.bin = QMenu(self.gone)
        self.bin.setObjectName("removedMenu")
        self.gone.setMenu(self.bin)
        self._binned: list[Identity] = []
        self._build()
        self._mark()
        theme().changed.connect(self._portray)

    def _build(self) -> None:
        now = column(spacing=8)
        now.addWidget(label(tr("This face"), "heading"))
        for widget in (self.keep, self.moods, self.sheet, self._moodless):
            now.addWidget(widget)
        kept = column(spacing=8)
        kept.addWidget(label(tr("Kept people"), "heading"))
        kept.addWidget(self._nobody)
        kept.addWidget(self.list)
        self.foot = QWidget()  # always to be seen, below what may be scrolled
        self.foot.setLayout(row(self.gone, None, self.rename, self.remove, spacing=4))
        whole = column(self, spacing=24)
        whole.addLayout(now)
        whole.addLayout(kept)

    def show_moods(self, why_not: str) -> None:
        """Offer expressions, or say why there are none."""
        self.moods.setEnabled(not why_not)
        self.sheet.setEnabled(not why_not)
        self._moodless.setText(why_not)
        self._moodless.setVisible(bool(why_not))

    def show_people(
        self, people: Sequence[Identity], gone: Sequence[Identity], portraits: Mapping[str, QImage]
    ) -> None:
        """Everybody who is kept, and who is in the bin; `portraits` by id, of those whose picture can be read."""
        marked, naming = self._wanted or (self._at(), False)
        if self._wanted is not None:
            QTimer.singleShot(0, self, self._into_sight)  # once all has its place
        self._wanted = None
        # The same people stand there already after a change from here: a name that is being typed is left alone.
        self._portraits, self._binned = portraits, list(gone)
        if list(people) != [self.list.item(at).data(IDENTITY) for at in range(self.list.count())]:
            self._filling = True
            self.list.clear()
            for one in people:
                item = QListWidgetItem(one.name)
                item.setData(IDENTITY, one)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                self.list.addItem(item)
            self._portray()
            self._filling = False
        self._offer_back()
        at = next((at for at, one in enumerate(people) if one.id == marked), -1)
        self.list.setCurrentRow(at)
        self._mark()
        if naming and at >= 0:
            self._name_anew()

    def _offer_back(self) -> None:
        """Who is in the bin, each with their portrait, to be brought back by one choice."""
        self.bin.clear()
        for one in self._binned:
            deed = self.bin.addAction(self._icon(self._portraits.get(one.id)), one.name.replace("&", "&&"))
            deed.triggered.connect(lambda _=False, id=one.id: self.wanted_back.emit(id))
        number = len(self._binned)
        self.gone.setText(count(number, "%n in the bin", "%n in the bin"))
        self.gone.setAccessibleName(count(number, "%n person in the bin", "%n people in the bin"))
        self.gone.setVisible(number > 0)
        self._show_foot()

    def _into_sight(self) -> None:
        """Scroll to whom was kept last, where the window is low."""
        above = self._above()
        if above is not None:
            above.ensureWidgetVisible(self.list)
        self.list.scrollToItem(self.list.currentItem())

    def _above(self) -> QScrollArea | None:
        """What all of this is scrolled in."""
        above = self.parentWidget()
        while above is not None and not isinstance(above, QScrollArea):
            above = above.parentWidget()
        return above

    def _fit(self) -> None:
        """As many people as there is room for below the rest, so that there is one thing to scroll and not two."""
        high = max(SIDE + 4, self.list.sizeHintForRow(0) + 4)
        above, layout = self._above(), self.layout()
        inside = above.widget() if above is not None else None
        seen = VISIBLE_ROWS
        if above is not None and inside is not None and layout is not None:
            layout.activate()
            top = self.list.mapTo(inside, QPoint(0, 0)).y()
            seen = max(VISIBLE_ROWS, (above.viewport().height() - top - 20) // high)
        self.list.setFixedHeight(min(self.list.count(), seen) * high + (4 if self.list.count() <= seen else 0))
        self.list.scrollToItem(self.list.currentItem())

    def mark(self, id: str, *, naming: bool) -> None:
        """Mark this one when the list is shown next, and ask for a name where it has none of its own yet."""
        self._wanted = (id, naming)

    def _at(self) -> str:
        item = self.list.currentItem()
        return "" if item is None else item.data(IDENTITY).id

    def _mark(self) -> None:
        number, at = self.list.count(), self.list.currentRow()
        self._nobody.setVisible(number == 0)
        self.list.setVisible(number > 0)
        for control in (self.rename, self.remove):
            control.setVisible(number > 0)
            control.setEnabled(at >= 0)
        self._show_foot()
        self._fit()

    def _show_foot(self) -> None:
        """Where there is anybody to do something with."""
        self.foot.setVisible(self.list.count() > 0 or bool(self._binned))

    def _name_anew(self) -> None:
        self.list.setFocus()
        self.list.editItem(self.list.currentItem())

    def _edited(self, item: QListWidgetItem) -> None:
        one: Identity = item.data(IDENTITY)
        if self._filling or item.text() == one.name:
            return
        name = item.text()[:NAME_LIMIT]
        self._filling = True
        item.setText(one.name)  # until it is known that it can be called so
        self._filling = False
        if name.strip():
            self.renamed.emit(one.id, name)

    def _remove(self) -> None:
        if self._at():
            self.removed.emit(self._at())

    def _portray(self) -> None:
        """The portraits, on the ground that they have in this theme."""
        filling, self._filling = self._filling, True
        for at in range(self.list.count()):
            item = self.list.item(at)
            item.setIcon(self._icon(self._portraits.get(item.data(IDENTITY).id)))
        for deed, one in zip(self.bin.actions(), self._binned, strict=False):
            deed.setIcon(self._icon(self._portraits.get(one.id)))
        self._filling = filling

    def _icon(self, image: QImage | None) -> QIcon:
        ratio = self.devicePixelRatioF()
        icon = QPixmap(QSize(SIDE, SIDE) * ratio)
        icon.setDevicePixelRatio(ratio)
        icon.fill(Qt.GlobalColor.transparent)
        painter = QPainter(icon)
        paint_portrait(painter, QRectF(0, 0, SIDE, SIDE), None if image is None else QPixmap.fromImage(image))
        painter.end()
        shown = QIcon(icon)
        shown.addPixmap(icon, QIcon.Mode.Selected)  # a face keeps its colours where it is marked
        return shown

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete puts the marked one into the bin; more room shows more people."""
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
        above = self._above()
        if above is not None:
            above.viewport().installEventFilter(self)
        self.shown.emit()
