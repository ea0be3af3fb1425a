"""The sizes of an export: check boxes, and a field for others."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from studio.export.sizes import FEEDS, networks
from studio.ui.export.remembered import SQUARES, RememberedExport
from studio.ui.widgets.controls import CheckBox, label, named
from studio.ui.widgets.layout import add, column, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

ACROSS = 3


class SizeChoices(QWidget):
    """`original`: width and height of the picture."""

    changed = Signal()

    def __init__(self, choice: RememberedExport, original: tuple[int, int]) -> None:
        super().__init__()
        self.ticks: dict[str, CheckBox] = {}
        whole = column(self, label(tr("Sizes in pixels"), "label"), spacing=SIZE.small)
        words = tr("Original: {width} × {height}").format(width=original[0], height=original[1])
        whole.addWidget(self._tick("original", words, tr("The whole picture, as large as it is"), choice))
        whole.addWidget(label(tr("Squares"), "label"))
        line = row(spacing=SIZE.medium)
        for side in SQUARES:
            line.addWidget(self._tick(side, side, tr("{side} × {side} pixels").format(side=side), choice))
        line.addStretch(1)
        whole.addLayout(line)
        self.other = named(QLineEdit(choice.other), "otherSizes", tr("Other sizes"))
        self.other.setToolTip(tr("Other sizes, separated by commas"))
        self.other.setPlaceholderText(tr("Others, such as 64, 1080x1350"))
        self.other.textChanged.connect(self.changed)
        add(whole, self.other, 4, label(tr("Social networks: profile and posts"), "label"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(SIZE.small)
        grid.setVerticalSpacing(0)
        for at, network in enumerate(networks()):
            grid.addWidget(
                self._tick(network.lower(), tr(network), _tooltip(network), choice), at // ACROSS, at % ACROSS
            )
        whole.addLayout(grid)
        whole.addSpacing(4)
        words = tr("For macOS, Windows, iOS, Android and the web, each in a folder of its own")
        whole.addWidget(self._tick("icons", tr("App icons"), words, choice))

    @property
    def ticked(self) -> tuple[str, ...]:
        return tuple(name for name, tick in self.ticks.items() if tick.isChecked())

    @property
    def order(self) -> list[QWidget]:
        """The tab order."""
        ticks = list(self.ticks.values())
        before = 1 + len(SQUARES)
        return [*ticks[:before], self.other, *ticks[before:]]

    def _tick(self, name: str, words: str, hint: str, choice: RememberedExport) -> CheckBox:
        made = self.ticks[name] = CheckBox(words, f"size.{name}")
        made.setChecked(name in choice.ticked)
        made.setToolTip(hint)
        made.setAccessibleDescription(hint)
        made.toggled.connect(self.changed)
        return made


def _tooltip(network: str) -> str:
    """The sizes of a social network, one a line."""
    shown = [feed for feed in FEEDS if feed.network == network]
    lines = [
        tr("{use}: {width} × {height}").format(use=tr(feed.use), width=feed.width, height=feed.height)
        + (tr(", shown as a circle") if feed.round else "")
        for feed in shown
    ]
    return "\n".join(lines)
