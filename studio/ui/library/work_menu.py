"""The menu of works under the pointer: all that can be done with one of them, or with several; does nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from studio.library.library import Asset
from studio.ui.library import send_to
from studio.ui.widgets.text import tr


class WorkMenu(QMenu):
    """`ask` gets the name of a deed; `send` a medium. Goes with the menu when that is closed."""

    def __init__(
        self,
        parent: QWidget,
        works: Sequence[Asset],
        number: int,
        ask: Callable[[str], object],
        send: Callable[[str], object],
    ) -> None:
        super().__init__(parent)
        self.setObjectName("workMenu")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._ask = ask
        one = works[0] if number == 1 else None
        if works[0].binned:
            self._deed("restore", tr("Put back"))
            self._deed("delete", tr("Delete…"))
            return
        if one is not None:
            self._deed("open", tr("Open"))
            for deed, words in (("recall", tr("Use its brief")), ("again", tr("Make again")), ("vary", tr("Vary"))):
                self._deed(deed, words).setEnabled(bool(one.request))
            self._targets(one, send)
            self.addSeparator()
        favourite = self._deed("favourite", tr("Favourite"))
        favourite.setCheckable(True)
        favourite.setChecked(all(asset.favourite for asset in works))
        self.addSeparator()
        if one is not None and one.drawn:
            self._deed("export", tr("Export…"))
        self._deed("save", tr("Save a copy…") if one is not None else tr("Save copies…"))
        if one is not None:
            self._deed("reveal", tr("Show in folder"))
        self.addSeparator()
        self._deed("bin", tr("Move to the bin"))

    def _deed(self, deed: str, words: str) -> QAction:
        made = self.addAction(words)
        made.setObjectName(f"menu.{deed}")
        made.triggered.connect(lambda: self._ask(deed))
        return made

    def _targets(self, one: Asset, send: Callable[[str], object]) -> None:
        menu = self.addMenu(tr("Send to"))
        for medium, words in send_to.offers(one):
            menu.addAction(words).triggered.connect(lambda _=False, medium=medium: send(medium))
        why = send_to.obstacle(one)
        menu.menuAction().setEnabled(not why)
        menu.menuAction().setToolTip(why)
        menu.setAccessibleDescription(why)
        self.setToolTipsVisible(True)
