"""Parts of the details of works: an editor for tags or collections, and the thumbnails of related works."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QRectF, QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QCompleter, QLineEdit, QWidget

from studio.library.library import Asset
from studio.ui.library import send_to
from studio.ui.library.model import title_of
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.widgets import icons
from studio.ui.widgets.controls import button, label, named
from studio.ui.widgets.layout import FlowLayout, clear_layout, column
from studio.ui.widgets.text import count, tr
from studio.ui.widgets.theme import SIZE, theme

LONGEST = 26  # characters of a name that a chip shows


class TagEditor(QWidget):
    """`added(name)` and `removed(name)`: a name to give to the selected works, or to take from them."""

    added = Signal(str)
    removed = Signal(str)

    def __init__(self, name: str, heading: str, invitation: str, known: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self.setObjectName(name)
        self._known = known
        self._names: Sequence[str] = ()
        self._chips = QWidget()
        self._flow = FlowLayout()
        self._chips.setLayout(self._flow)
        self.field = named(QLineEdit(), f"{name}.field")
        self.field.setPlaceholderText(invitation)
        self.field.setAccessibleName(invitation)
        self.field.setToolTip(invitation)
        self.field.setMaxLength(100)
        self.field.returnPressed.connect(self._enter)
        self.field.textEdited.connect(lambda _: self._offer())
        self._offered = QStringListModel(self)
        completer = QCompleter(self._offered, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.field.setCompleter(completer)
        self.popup = completer.popup()  # a window of its own
        if self.popup is not None:
            theme().style(self.popup)
        column(self, label(heading, "heading"), self._chips, self.field, spacing=6)

    def show_names(self, names: Sequence[str]) -> None:
        if tuple(names) != tuple(self._names) or not self._flow.count():
            self._names = tuple(names)
            self._fill()

    def _fill(self) -> None:
        clear_layout(self._flow)
        for name in self._names:
            short = name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"
            chip = button(short.replace("&", "&&"), "chip", "chip", icon="close", after=True)
            chip.setIconSize(QSize(15, 12))
            chip.setAccessibleName(tr("Remove “{name}”").format(name=name))
            chip.setToolTip(tr("Remove “{name}”").format(name=name))
            chip.clicked.connect(lambda _=False, name=name: self.removed.emit(name))
            self._flow.addWidget(chip)
            chip.show()
        self._chips.setVisible(bool(self._names))
        self._flow.invalidate()
        self._chips.updateGeometry()

    def _offer(self) -> None:
        """Offer the names that are in use, once a person types."""
        if not self._offered.stringList():
            self._offered.setStringList(list(self._known()))

    def forget_known(self) -> None:
        """Read the names again when a person types next."""
        self._offered.setStringList([])

    def _enter(self) -> None:
        name = " ".join(self.field.text().split())
        self.field.clear()
        self.forget_known()
        if name:
            self.added.emit(name)


SIDE = 52  # pixels of a related work
MOST = 12  # works that are shown; more are counted


class WorkThumb(QAbstractButton):
    """One work, as a button."""

    def __init__(self, thumbnails: ThumbnailLoader, asset: Asset) -> None:
        super().__init__()
        self._thumbnails, self._asset = thumbnails, asset
        self.setObjectName("kin")
        self.setFixedSize(SIDE, SIDE)
        self.setAccessibleName(title_of(asset))
        self.setToolTip(title_of(asset))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        thumbnails.ready.connect(self._drawn)

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def _drawn(self, ids: frozenset[str]) -> None:
        if self._asset.id in ids:
            self.update()

    def paintEvent(self, e: QPaintEvent) -> None:
        look = theme()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        path = QPainterPath()
        path.addRoundedRect(box, SIZE.radius, SIZE.radius)
        picture = self._thumbnails.get(self._asset)
        painter.fillPath(path, look.colour("hover" if picture is None else "mat"))
        painter.setClipPath(path)
        if picture is None:
            icons.paint(painter, send_to.home_medium(self._asset), box.adjusted(14, 14, -14, -14), "muted")
        else:
            wide, high = picture.width(), picture.height()
            scale = max(box.width() / wide, box.height() / high)
            shown = QRectF(0, 0, wide * scale, high * scale)
            shown.moveCenter(box.center())
            painter.drawPixmap(shown, picture, QRectF(picture.rect()))
        painter.setClipping(False)
        marked = "accent" if self.hasFocus() else "outline" if self.underMouse() else "line"
        painter.setPen(QPen(look.colour(marked), 2 if self.hasFocus() else 1))
        painter.drawRoundedRect(box, SIZE.radius, SIZE.radius)
        painter.end()


class RelatedWorks(QWidget):
    """A heading and the works below it; hidden without works. `chosen(asset)`: one was clicked."""

    chosen = Signal(object)

    def __init__(self, name: str, heading: str, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self.setObjectName(name)
        self._thumbnails = thumbnails
        self._ids: list[str] = []
        inside = QWidget()
        self._flow = FlowLayout()
        inside.setLayout(self._flow)
        self._more = label("", "caption")
        column(self, label(heading, "heading"), inside, self._more, spacing=6)
        self.hide()

    def show_works(self, works: Sequence[Asset]) -> None:
        if [asset.id for asset in works] != self._ids:
            self._ids = [asset.id for asset in works]
            self._fill(works)
        self.setVisible(bool(works))

    def _fill(self, works: Sequence[Asset]) -> None:
        clear_layout(self._flow)
        for asset in works[:MOST]:
            face = WorkThumb(self._thumbnails, asset)
            face.clicked.connect(lambda _=False, asset=asset: self.chosen.emit(asset))
            self._flow.addWidget(face)
            face.show()
        rest = len(works) - MOST
        self._more.setText(count(rest, "and %n more", "and %n more"))
        self._more.setVisible(rest > 0)
