"""An editor for tags or collections: chips that can be removed, and a field to add one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QSize, QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from studio.ui.widgets.basic import FlowLayout, button, clear_layout, column, label, named
from studio.ui.widgets.text import tr

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
