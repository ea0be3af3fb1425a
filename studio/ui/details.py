"""What a work is and what made it, in words, with what can be done with it; shows the works that are selected."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QAbstractButton, QFormLayout, QFrame, QGridLayout, QLineEdit, QScrollArea, QWidget

from studio.library import Asset
from studio.ui.theme import SIZE, theme
from studio.ui.widgets import button, column, label, row, tool
from studio.ui.words import clock, count, gist, moment, size, told, tr
from studio.ui.works import Thumbnails


class Glance(QWidget):
    """The thumbnail of a work, larger."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(200)
        self._picture: QPixmap | None = None
        self._ground = "mat"
        theme().changed.connect(self.update)

    def show_picture(self, picture: QPixmap | None, ground: str) -> None:
        """Show it, on the theme's colour of that name."""
        self._picture, self._ground = picture, ground
        self.setVisible(picture is not None and not picture.isNull())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture is None or self._picture.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        shown = QSize(self._picture.size()).scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        box = QRectF(0, 0, shown.width(), shown.height())
        box.moveCenter(QRectF(self.rect()).center())
        if self._picture.hasAlpha():
            painter.fillRect(box, theme().colour(self._ground))
        painter.drawPixmap(box, self._picture, QRectF(self._picture.rect()))
        painter.end()


class Details(QFrame):
    """`asked` names a deed for the selected works: recall, again, vary, save, reveal, favourite, bin, restore."""

    asked = Signal(str)
    renamed = Signal(object, str)

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setFixedWidth(SIZE.inspector)
        self._thumbnails = thumbnails
        self._works: list[Asset] = []
        self.glance = Glance()
        self.title = QLineEdit()
        self.title.setObjectName("workTitle")
        self.title.setAccessibleName(tr("Title"))
        self.title.editingFinished.connect(self._rename)
        self.summary = label("", "caption", wrap=True)
        self.summary.setObjectName("summary")
        self._deeds = QGridLayout()
        self._deeds.setSpacing(SIZE.small)
        self._buttons: dict[str, QAbstractButton] = {}
        for at, (deed, words, icon) in enumerate(
            (
                ("recall", tr("Use its brief"), "recall"),
                ("again", tr("Make again"), "again"),
                ("vary", tr("Vary"), "vary"),
                ("save", tr("Save a copy…"), "save"),
            )
        ):
            made = button(words, f"details.{deed}", icon=icon, clicked=lambda deed=deed: self.asked.emit(deed))
            self._buttons[deed] = made
            self._deeds.addWidget(made, at // 2, at % 2)
        line = row(self.summary, spacing=2)
        line.setStretch(0, 1)
        for deed, words, icon, checked in (
            ("favourite", tr("Favourite"), "star", "star-full"),
            ("reveal", tr("Show in folder"), "folder", ""),
            ("bin", tr("Move to the bin"), "trash", ""),
            ("restore", tr("Put back"), "restore", ""),
        ):
            small = tool(
                icon, words, f"details.{deed}", checked=checked, clicked=lambda deed=deed: self.asked.emit(deed)
            )
            self._buttons[deed] = small
            line.addWidget(small)
        self._told_at = column()
        inside = QWidget()
        inside.setObjectName("form")
        whole = column(inside, spacing=12, margins=(16, 16, 16, 16))
        whole.addWidget(self.glance)
        whole.addWidget(self.title)
        whole.addLayout(line)
        whole.addLayout(self._deeds)
        whole.addSpacing(4)
        whole.addLayout(self._told_at)
        whole.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        column(self, spacing=0).addWidget(area)
        thumbnails.ready.connect(self._drawn)

    def show_works(self, works: Sequence[Asset]) -> None:
        self._works = list(works)
        one = works[0] if len(works) == 1 else None
        binned = bool(works) and works[0].binned
        self._glance()
        self.title.setVisible(one is not None)
        if one is not None:
            self.title.setPlaceholderText(gist(one.request) or one.path.name)
        if one is not None and self.title.text() != one.title:
            self.title.setText(one.title)
            self.title.setCursorPosition(0)
        self.summary.setText(_summary(one) if one is not None else count(len(works), "%n work", "%n works"))
        self._buttons["favourite"].setChecked(bool(works) and all(asset.favourite for asset in works))
        for deed, made in self._buttons.items():
            wanted = (deed == "restore") == binned and deed != "favourite" if binned else deed != "restore"
            several = deed in ("favourite", "bin", "restore")
            made.setVisible(wanted and (one is not None or several))
            if deed in ("recall", "again", "vary"):
                made.setEnabled(one is not None and bool(one.request))
        self._tell(one)

    def _tell(self, one: Asset | None) -> None:
        """The request and where the work comes from, in words."""
        while (old := self._told_at.takeAt(0)) is not None:
            widget = old.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if one is None:
            return
        lines = told(one.request)
        made_by = one.provenance.get("model")
        if isinstance(made_by, dict) and made_by.get("licence"):
            lines.append((tr("Licence of the model"), str(made_by["licence"])))
        if not lines:
            return
        table = QWidget()
        table.setObjectName("told")
        form = QFormLayout(table)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for name, value in lines:
            form.addRow(label(name, "caption"), label(value, wrap=True, selectable=True))
        self._told_at.addWidget(label(tr("How it was made"), "heading"))
        self._told_at.addWidget(table)

    def _rename(self) -> None:
        if len(self._works) == 1 and self.title.text().strip() not in ("", self._works[0].title):
            self.renamed.emit(self._works[0], self.title.text().strip())

    def _drawn(self, id: str) -> None:
        if len(self._works) == 1 and self._works[0].id == id:
            self._glance()

    def _glance(self) -> None:
        one = self._works[0] if len(self._works) == 1 else None
        ground = "paper" if one is not None and one.seconds is not None else "mat"
        self.glance.show_picture(self._thumbnails.get(one) if one is not None else None, ground)


def _summary(asset: Asset) -> str:
    parts = [moment(asset.created)]
    if asset.width and asset.height:
        parts.append(f"{asset.width} × {asset.height}")
    if asset.seconds is not None:
        parts.append(clock(asset.seconds))
    parts.append(size(asset.size))
    if asset.partial:
        parts.append(tr("unfinished"))
    return " · ".join(parts)
