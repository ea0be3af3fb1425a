"""The details of the selected works: thumbnail, title, tags, request, origin, and commands for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QGridLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from studio.backends import medium
from studio.library import titles
from studio.library.library import Asset
from studio.media import codecs
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.commands import command
from studio.ui.library import send_to
from studio.ui.library.delegate import tint_waveform
from studio.ui.library.detail_parts import RelatedWorks, TagEditor
from studio.ui.library.model import title_of
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.pages.licences import terms
from studio.ui.preload import BuildSteps
from studio.ui.widgets import icons, placeholder
from studio.ui.widgets.controls import button, label, named, tool
from studio.ui.widgets.layout import add, clear_layout, column, fact_table, row, scrolling
from studio.ui.widgets.text import clock, count, gist, moment, request_lines, size, tr, worded
from studio.ui.widgets.theme import SIZE, theme


class ThumbnailView(QWidget):
    """The thumbnail of a work, larger."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(200)
        self._picture: QPixmap | None = None
        self._ground, self._icon = "mat", ""
        self._shape = placeholder.SQUARE
        theme().changed.connect(self.update)

    def show_picture(
        self, picture: QPixmap | None, ground: str, icon: str = "", shape: QSize = placeholder.SQUARE
    ) -> None:
        """Show it, on the theme's colour of that name: on paper it is a waveform.

        Without one, the icon of that name says that there is none, and an empty block of its `shape` that it is being
        read.
        """
        self._picture, self._ground, self._icon, self._shape = picture, ground, icon, shape
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        if self._picture is None or self._picture.isNull():
            box = placeholder.fitted(self._shape, QRectF(self.rect()))
            if self._icon:
                placeholder.missing(painter, box, self._icon)
            else:
                placeholder.block(painter, box)
            painter.end()
            return
        shown = QSize(self._picture.size()).scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        box = QRectF(0, 0, shown.width(), shown.height())
        box.moveCenter(QRectF(self.rect()).center())
        path = QPainterPath()
        path.addRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), SIZE.radius, SIZE.radius)
        painter.setClipPath(path)
        if self._picture.hasAlpha():
            painter.fillRect(box, theme().colour(self._ground))
        picture = tint_waveform(self._picture) if self._ground == "paper" else self._picture
        painter.drawPixmap(box, picture, QRectF(picture.rect()))
        painter.setClipping(False)
        painter.setPen(QPen(theme().colour("line"), 1))
        painter.drawPath(path)
        painter.end()


Lines = list[tuple[str, str]]
LONG, LINES = 300, 6  # characters and lines of a value that are shown among the others


def shortened(value: str) -> str:
    """The beginning of a value that would push all others out of sight."""
    cut = "\n".join(value.split("\n")[:LINES])[:LONG].rstrip()
    return value if len(value) <= len(cut) else f"{cut}…"


def summary(asset: Asset) -> str:
    parts = [moment(asset.created)]
    if asset.width and asset.height:
        parts.append(f"{asset.width} × {asset.height}")
    if asset.seconds is not None:
        parts.append(clock(asset.seconds))
    if asset.files:
        parts.append(count(len(asset.paths), "%n file", "%n files"))
    if asset.partial:
        parts.append(tr("unfinished"))
    return " · ".join(parts)


def request_facts(asset: Asset, called: Callable[[str], str], without: Collection[str] = ()) -> Lines:
    """The request without some of its fields, and the licences of its models. `called` gives the title of a model."""
    model = str(asset.request.get("model", ""))
    lines = [
        (name, called(value) if value == model and model else value)
        for name, value in request_lines(asset.request, without)
    ]
    model = asset.provenance.model
    _add(lines, tr("Model licence"), terms(model.licence).name if model and model.licence else None)
    for other in asset.provenance.models.values():
        name = tr("Licence of {model}").format(model=called(other.id))
        _add(lines, name, terms(other.licence).name if other.licence else None)
    return lines


def origin_facts(asset: Asset, called: Callable[[str], str]) -> Lines:
    """The rest of the provenance: model, device, versions, or the file that was brought in."""
    origin, model = asset.provenance, asset.provenance.model
    lines: Lines = []
    if model and not asset.request.get("model"):
        lines.append((tr("Model"), called(model.id)))
    _add(lines, tr("Device"), origin.device)
    _add(lines, tr("AIGC Studio"), origin.studio)
    _add(lines, tr("Libraries"), ", ".join(f"{name} {version}" for name, version in origin.libraries.items()))
    _add(lines, tr("Weights"), model.sha256[:12] if model else "")
    for other in origin.models.values():
        _add(lines, tr("Weights of {model}").format(model=called(other.id)), other.sha256[:12])
    _add(lines, tr("Imported from"), origin.imported)
    lines.append((tr("File"), _file_words(asset.path.name, asset.size)))
    for file in asset.files:
        named = file.path.suffix == f".{file.role}"  # SVG, but Captions and Stem drums
        name = file.role.upper() if named else file.role.replace("-", " ").capitalize()
        lines.append((name, _file_words(file.path.name, file.size)))
    return lines


def _file_words(name: str, number: int) -> str:
    """A file's name and its size, which stays on one line."""
    space = "\N{NO-BREAK SPACE}"
    return f"{name} ·{space}{size(number).replace(' ', space)}"


def _add(lines: Lines, name: str, value: Any) -> None:
    if isinstance(value, str) and value.strip():
        lines.append((name, value.strip()))


class WorkDetails(QFrame):
    """`command_requested` names a command to run on the selected works; the other signals ask for other changes."""

    command_requested = Signal(str)
    renamed = Signal(object, str)
    sent = Signal(str)
    tagged = Signal(str, bool)
    collected = Signal(str, bool)
    show_requested = Signal(object)

    def __init__(self, studio: Studio, thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setAccessibleName(tr("Details"))
        self._studio, self._thumbnails = studio, thumbnails
        self._works: list[Asset] = []
        self._unfolded = False  # where it comes from is shown
        self._buttons: dict[str, QAbstractButton] = {}
        self._columns: tuple[tuple[QWidget, ...], ...] = ()
        self.setFixedWidth(SIZE.inspector)

    def build_steps(self) -> BuildSteps:
        """Make what is in it, a few milliseconds' worth at a time."""
        inside = named(QWidget(), "form")
        self._whole = column(inside, spacing=12, margins=(16, 16, 16, 16))
        words = tr("Select an item to see its details. Hold Ctrl or Shift to select several.")
        self._nothing = label(words, "muted", name="nothingChosen", wrap=True)
        self._whole.addWidget(self._nothing)
        self._work = QWidget()
        self._whole.addWidget(self._work)
        self._whole.addStretch(1)
        area = scrolling(inside)
        # What lies in it keeps its place when a scroll bar comes beside it.
        area.verticalScrollBar().rangeChanged.connect(
            lambda _, last: self._whole.setContentsMargins(16, 16, 4 if last > 0 else 16, 16)
        )
        column(self, area, spacing=0)
        yield
        yield from self._build(column(self._work, spacing=12))
        self._thumbnails.ready.connect(self._on_thumbnails_ready)
        theme().changed.connect(self._fit)
        self.show_works((), 0)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """The first time, it has come into the window and its style."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._columns:
            self._fit()

    def _fit(self) -> None:
        """As wide as its widest words need, and never narrower than the theme says. Buttons that are hidden now count:
        the width is the same for every selection.
        """
        pair = sum(max(each.minimumSizeHint().width() for each in buttons) for buttons in self._columns) + SIZE.small
        self.setFixedWidth(max(SIZE.inspector, pair + 33, self._work.minimumSizeHint().width() + 33))

    def _build(self, whole: QVBoxLayout) -> BuildSteps:
        library = self._studio.library
        self.thumbnail = ThumbnailView()
        self.title = named(QLineEdit(), "workTitle", tr("Title"), tr("Title"))
        self.title.editingFinished.connect(self._rename)
        self.summary = label("", "caption", name="summary", wrap=True)
        self.remark = label("", "caption", name="workRemark", wrap=True, selectable=True)
        line = row((self.summary, 1), spacing=2)
        for name in ("favourite", "reveal", "bin"):
            yield
            each = command(name)
            checked = "star-full" if name == "favourite" else ""
            small = tool(each.icon, each.text(), f"details.{name}", checked=checked, keys=each.shortcut)
            self._put(name, small)
            line.addWidget(small)
        whole.addWidget(self.thumbnail)
        whole.addLayout(column(None, self.title, line, self.remark, spacing=0))
        yield
        grid = QGridLayout()
        grid.setSpacing(SIZE.small)
        whole.addLayout(grid)
        yield from self._actions(grid)
        whole.addSpacing(4)
        self._how = column(spacing=12)
        whole.addLayout(self._how)
        yield
        self.tags = TagEditor("tags", tr("Tags"), tr("Add a tag"), library.tags)
        self.tags.added.connect(lambda name: self.tagged.emit(name, True))
        self.tags.removed.connect(lambda name: self.tagged.emit(name, False))
        yield
        self.collections = TagEditor("collections", tr("Collections"), tr("Add to a collection"), library.collections)
        self.collections.added.connect(lambda name: self.collected.emit(name, True))
        self.collections.removed.connect(lambda name: self.collected.emit(name, False))
        yield
        self.parents = RelatedWorks("parents", tr("Made from"), self._thumbnails)
        self.children_ = RelatedWorks("children", tr("Used in"), self._thumbnails)
        self.parents.chosen.connect(self.show_requested)
        self.children_.chosen.connect(self.show_requested)
        self._more = button(tr("Details"), "details.more", "fold", clicked=self._unfold)
        icons.set_icon(self._more, "chevron-right", "muted", size=16)
        self._origin = column(spacing=6)
        add(whole, self.parents, self.children_, self.tags, self.collections, self._more, self._origin)

    def _actions(self, grid: QGridLayout) -> BuildSteps:
        for at, name in enumerate(("open", "recall", "again", "vary", "save")):
            yield
            grid.addWidget(self._action(name), *divmod(at, 2))
        for at, name in enumerate(("restore", "delete"), 3):  # in the bin only; side by side, they would be the widest
            yield
            grid.addWidget(self._action(name), at, 0, 1, 2)
        yield
        self._send = button(tr("Send to"), "details.send", "compact", icon="chevron-down", after=True)
        menu = QMenu(self._send)
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        menu.aboutToShow.connect(self._fill_send)
        self._send.setMenu(menu)
        grid.addWidget(self._send, 2, 1)
        named = self._buttons
        self._columns = (named["open"], named["again"], named["save"]), (named["recall"], named["vary"], self._send)

    def _action(self, name: str) -> QPushButton:
        each = command(name)
        made = button(each.text(), f"details.{name}", "compact", icon=each.icon, keys=each.shortcut)
        self._put(name, made)
        return made

    def _put(self, name: str, made: QAbstractButton) -> None:
        made.clicked.connect(lambda: self.command_requested.emit(name))
        self._buttons[name] = made

    def show_works(self, works: Sequence[Asset], number: int) -> None:
        """Show what is selected: `number` works, of which `works` are known, all of them where they are few."""
        self._works = list(works)
        self._work.setVisible(bool(works))
        self._nothing.setVisible(not works)
        if not works:
            return
        one = works[0] if number == 1 else None
        binned = works[0].binned
        self._show_thumbnail()
        self.title.setVisible(one is not None)
        if one is not None:
            self.title.setPlaceholderText(gist(one.request) or one.path.name)
            title = titles.without_marks(one.title)
            if self.title.text() != title:
                self.title.setText(title)
                self.title.setCursorPosition(0)
        self.summary.setText(summary(one) if one is not None else count(number, "%n item", "%n items"))
        remark = worded(one.remark) if one is not None else ""
        self.remark.setText(remark)
        self.remark.setVisible(bool(remark))
        self._buttons["favourite"].setChecked(all(asset.favourite for asset in works))
        for name, made in self._buttons.items():
            rule = command(name).works
            made.setVisible(rule is not None and rule.offered(works, number))
            made.setEnabled(rule is not None and rule.possible(works, number))
        self._buttons["save"].setText(command("save").text(number))
        self._send.setVisible(one is not None and not binned)
        why = send_to.obstacle(one) if one is not None else ""
        self._send.setEnabled(one is not None and not why)
        self._send.setToolTip(why)
        self._send.setAccessibleDescription(why)
        self.tags.setVisible(not binned)
        self.collections.setVisible(not binned)
        self.tags.show_names(sorted({name for asset in works for name in asset.tags}, key=str.casefold))
        self.collections.show_names(sorted({name for asset in works for name in asset.collections}, key=str.casefold))
        self._fill_facts(one)

    def _fill_facts(self, one: Asset | None) -> None:
        """Fill in the request, the related works and the origin."""
        clear_layout(self._how)
        clear_layout(self._origin)
        self._more.setVisible(one is not None)
        library = self._studio.library
        self.parents.show_works(library.get_many(one.parents) if one is not None else ())
        self.children_.show_works(library.children(one.id) if one is not None else ())
        if one is None:
            return
        lines = request_facts(one, self._studio.catalog.title_of, self._without_effect(one))
        if lines:
            self._how.addWidget(label(tr("Settings used"), "heading"))
            self._how.addWidget(fact_table([(name, shortened(value)) for name, value in lines], "told"))
            if any(shortened(value) != value for _, value in lines):
                whole = "\n\n".join(f"{name}\n{value}" for name, value in lines)
                show = button(tr("Show all…"), "details.whole", "quiet", clicked=lambda: self._show_whole(one, whole))
                self._how.addLayout(row(show, None))
        table = fact_table(origin_facts(one, self._studio.catalog.title_of), "origin")
        table.setVisible(self._unfolded)
        self._origin.addWidget(table)

    def _without_effect(self, one: Asset) -> frozenset[str]:
        """The fields of its request that models of its model's family do not heed; none where the model is gone."""
        origin = one.provenance.model
        model = self._studio.catalog.listed(origin.id) if origin is not None else None
        kind = Request.kinds.get(str(one.request.get("kind")))
        if model is None or kind is None:
            return frozenset()
        return medium(model.medium).family(model.family).without_effect(kind)

    def _show_whole(self, asset: Asset, words: str) -> None:
        from studio.ui.pages.text_dialog import TextDialog  # seldom needed

        TextDialog(self.window(), title_of(asset), words).open()

    def _unfold(self) -> None:
        self._unfolded = not self._unfolded
        icons.set_icon(self._more, "chevron-down" if self._unfolded else "chevron-right", "muted", size=16)
        for table in self._work.findChildren(QWidget, "origin"):
            table.setVisible(self._unfolded)

    def _fill_send(self) -> None:
        menu = self._send.menu()
        menu.clear()
        for target, words in send_to.offers(self._works[0]) if self._works else ():
            menu.addAction(words).triggered.connect(lambda _=False, target=target: self.sent.emit(target))

    def _rename(self) -> None:
        if len(self._works) == 1 and self.title.text().strip() not in ("", titles.without_marks(self._works[0].title)):
            self.renamed.emit(self._works[0], self.title.text().strip())

    def _on_thumbnails_ready(self, ids: frozenset[str]) -> None:
        if len(self._works) == 1 and self._works[0].id in ids:
            self._show_thumbnail()

    def _show_thumbnail(self) -> None:
        one = self._works[0] if len(self._works) == 1 else None
        self.thumbnail.setVisible(one is not None and one.path.suffix not in codecs.TEXT_SUFFIXES)
        if one is not None:
            ground = "paper" if one.is_audio else "mat"
            picture = self._thumbnails.get(one)
            none = picture is None and self._thumbnails.is_loaded(one.id)
            shape = QSize(one.width or 1, one.height or 1)
            self.thumbnail.show_picture(picture, ground, send_to.home_medium(one) if none else "", shape)
