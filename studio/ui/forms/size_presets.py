"""The menu of picture sizes above width and height, and the button that swaps them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from studio.schema.picture_sizes import PictureSize
from studio.ui.widgets.controls import ComboBox, label, named, tool
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE


class SizePresets(QWidget):
    """Shows the size by its name, and the last one without a name as the person's own.

    `chosen(width, height)` when a person takes another.
    """

    chosen = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._size = self.own = (0, 0)
        self._sizes: tuple[PictureSize, ...] = ()
        title = label(tr("Size"), "label")
        self.box = named(ComboBox(), "sizePresets", tr("Size"))
        title.setBuddy(self.box)
        self.swap = tool("swap", tr("Swap width and height"), "sizeSwap", clicked=self._swap)
        column(self, title, row((self.box, 1), self.swap, spacing=SIZE.hair), spacing=SIZE.hair)
        self.box.activated.connect(self._take)

    def offer(self, sizes: Sequence[PictureSize]) -> None:
        """Offer these sizes, and the person's own."""
        self._sizes = tuple(sizes)
        self.setVisible(bool(sizes))
        self._fill()

    def show_size(self, width: int, height: int) -> None:
        """Name the size that is set."""
        self._size = width, height
        if self._sizes and all((each.width, each.height) != self._size for each in self._sizes):
            self.own = self._size
        self._fill()

    def remember(self, own: tuple[int, int]) -> None:
        """Offer this as the person's own size, until another is set."""
        if self.own != self._size:
            self.own = own
            self._fill()

    def _fill(self) -> None:
        with QSignalBlocker(self.box):
            self.box.clear()
            for each in self._sizes:
                self._add(tr(each.label), (each.width, each.height))
            if all(self.own):
                self.box.insertSeparator(self.box.count())
                self._add(tr("Your size"), self.own)
            sizes = [self.box.itemData(at) for at in range(self.box.count())]
            self.box.setCurrentIndex(sizes.index(self._size) if self._size in sizes else -1)

    def _add(self, words: str, size: tuple[int, int]) -> None:
        wide, high = size
        self.box.addItem(tr("{name}, {width} x {height}").format(name=words, width=wide, height=high), size)

    def _take(self, at: int) -> None:
        size = self.box.itemData(at)
        if size is not None and size != self._size:
            self.chosen.emit(*size)

    def _swap(self) -> None:
        wide, high = self._size
        self.chosen.emit(high, wide)
