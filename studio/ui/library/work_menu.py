"""The context menu of works: a view of the commands that apply to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

from studio.library.library import Asset
from studio.ui.commands import MARK, USE, Command, for_works
from studio.ui.library import send_to
from studio.ui.widgets.text import tr


class WorkMenu(QMenu):
    """For `number` works, of which `works` are known. `run` gets a command's name, `send` a medium's."""

    def __init__(
        self,
        parent: QWidget,
        works: Sequence[Asset],
        number: int,
        run: Callable[[str], object],
        send: Callable[[str], object],
    ) -> None:
        super().__init__(parent)
        self.setObjectName("workMenu")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._works, self._number, self._run = works, number, run
        group = 0
        for command in for_works(works, number):
            if command.works is not None and command.works.group != group:
                if group == USE and number == 1 and not works[0].binned:
                    self._add_targets(works[0], send)
                if group:
                    self.addSeparator()
                group = command.works.group
            self._add(command)

    def _add(self, command: Command) -> None:
        action = self.addAction(command.text(self._number))
        action.setObjectName(f"menu.{command.name}")
        action.triggered.connect(lambda: self._run(command.name))
        if command.works is not None:
            action.setEnabled(command.works.possible(self._works, self._number))
            action.setCheckable(command.works.group == MARK)
            action.setChecked(all(asset.favourite for asset in self._works))

    def _add_targets(self, one: Asset, send: Callable[[str], object]) -> None:
        menu = self.addMenu(tr("Send to"))
        for medium, words in send_to.offers(one):
            menu.addAction(words).triggered.connect(lambda _=False, medium=medium: send(medium))
        why = send_to.obstacle(one)
        menu.menuAction().setEnabled(not why)
        menu.menuAction().setToolTip(why)
        menu.setAccessibleDescription(why)
        self.setToolTipsVisible(True)
