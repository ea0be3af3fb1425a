"""The bar above the stage: title of the work, and buttons of the commands for it; a menu holds what has no room."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QMenu, QToolButton, QWidget

from studio.library.library import Asset
from studio.ui.commands import command
from studio.ui.stages.stage import Stage
from studio.ui.widgets.controls import ElidedLabel, button, named, tool
from studio.ui.widgets.layout import add, row
from studio.ui.widgets.text import gist, tr
from studio.ui.widgets.theme import SIZE, theme

CAPTION, LEAST = 64, 32  # pixels that the title keeps before buttons go into the menu, and in the narrowest window
ROOMY = 640  # pixels of width below which the scale is hidden, and the button back has no words
FIRST = ("save", "exportWork")  # the main deeds: they never go into the menu
AFTER = ("star", "compare", "fit", "vary", "recall", "copy", "bin", "actual")
"""The other buttons by their names, in the order in which they have room; those of a stage that are not named go first
into the menu."""


class StageHeader(QFrame):
    """`command_requested` names a command to run on the work that is shown, or "all" to go back to all candidates."""

    command_requested = Signal(str)

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.setObjectName("stageHead")
        self.setFixedHeight(48)
        self.back = button(
            tr("All candidates"),
            "back",
            "quiet",
            icon="chevron-left",
            clicked=lambda: self.command_requested.emit("all"),
        )
        self.back.setToolTip(tr("All candidates"))
        self.caption = named(ElidedLabel(role="muted"), "caption")
        self.star = self._command_button("favourite", "star", checked="star-full")
        self.recall = self._command_button("recall", "recall")
        self.vary = self._command_button("vary", "vary")
        self.save = self._command_button("save", "save")
        self.export = self._command_button("export", "exportWork")
        self.bin = self._command_button("bin", "bin")
        # The bin not at the end: what is saved there takes the place of a button that was just pressed.
        self._work_buttons = [self.bin, self.recall, self.vary, self.star, self.export, self.save]
        self._tools = list(stage.tools())
        self.more = tool("more", tr("More"), "more")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more)
        menu.setObjectName("moreMenu")
        menu.aboutToShow.connect(self._fill_more)
        self.more.setMenu(menu)
        percent = getattr(stage, "percent", None)
        self._percent = percent if isinstance(percent, QWidget) else None
        shown_first = [] if self._percent is None else [self._percent]
        self._rule = rule = named(QFrame(), "rule")
        rule.setFixedSize(1, 20)
        self._extra: list[QWidget] = []  # what others added
        self._live_widgets: list[QWidget] = []  # of these, buttons for unsaved results
        self._has_work, self._is_image = True, True
        self._hidden: list[QToolButton] = []  # buttons that are in the menu
        self._parts = ("", "", "")  # the title of a work, its size, a remark
        self._line = row(self.back, (self.caption, 1), spacing=2, margins=(SIZE.medium, 0, 12, 0))
        self._line.addStretch(0)  # keeps the tools at the right when the title is cut off
        add(self._line, *shown_first, *self._tools, 6, rule, 6, *self._work_buttons, self.more)
        self.setLayout(self._line)
        self.back.hide()
        self.show_asset(None)

    def _command_button(self, name: str, object_name: str, *, checked: str = "") -> QToolButton:
        each = command(name)
        run = partial(self.command_requested.emit, name)
        return tool(each.icon, each.text(), object_name, checked=checked, keys=each.shortcut, clicked=run)

    def add_widgets(self, *widgets: QWidget, live: bool) -> None:
        """Add buttons at the right, shown always or only with `live` results."""
        for widget in widgets:
            self._line.addSpacing(6)
            self._line.addWidget(widget)
            self._extra.append(widget)
            if live:
                self._live_widgets.append(widget)
                widget.hide()

    def show_asset(self, asset: Asset | None, words: str = "", *, live: bool = False) -> None:
        """Show `words`, or else the title of the work. `live`: not saved yet, but it can be."""
        for widget in self._live_widgets:
            widget.setVisible(live)
        self._has_work, self._is_image = asset is not None, asset is not None and asset.is_image
        if asset is None:
            self._update_visible()
            self.caption.set_text(words)
            return
        self.star.setChecked(asset.favourite)
        self.recall.setEnabled(bool(asset.request))
        self.vary.setEnabled(bool(asset.request))
        size = f"{asset.width} × {asset.height}" if asset.width and asset.height else ""
        self._parts = (words or _caption(asset), size, tr("unfinished") if asset.partial else "")
        self._update_visible()

    def fit(self) -> None:
        """Share the width out anew: a button that others added has come or gone."""
        self._update_visible()

    def show_back(self, on: bool) -> None:
        """Show the button that goes back to the candidates."""
        self.back.setVisible(on)
        self._update_visible()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_visible()

    def minimumSizeHint(self) -> QSize:
        """The width with all that can go into the menu in it."""
        wide = self._fixed_width(words=False) + LEAST
        if self._has_work:
            wide += sum(self._width(each) for each in self._offered() if each.objectName() in FIRST)
            wide += self._width(self.more)
        return QSize(wide, self.height())

    def _width(self, widget: QWidget) -> int:
        return widget.sizeHint().width() + self._line.spacing()

    def _fixed_width(self, *, words: bool) -> int:
        """What is taken by all but the title and the buttons for the work; `words`: the button back has its words."""
        around = self._line.contentsMargins()
        wide = (
            around.left() + around.right() + sum(6 + self._width(each) for each in self._extra if not each.isHidden())
        )
        if not self.back.isHidden():
            wide += self._width(self.back)
            if not words and self.back.text():
                wide -= self.back.fontMetrics().horizontalAdvance(self.back.text())
        return wide

    def _offered(self) -> list[QToolButton]:
        """The buttons for the work that is shown, the most wanted first."""
        order = (*FIRST, *AFTER)
        buttons = [each for each in (*self._work_buttons, *self._tools) if each is not self.export or self._is_image]
        rank = {each: order.index(each.objectName()) if each.objectName() in order else len(order) for each in buttons}
        return sorted(buttons, key=lambda each: rank[each])

    def _update_visible(self) -> None:
        """Show the buttons that there is room for; the others are in the menu."""
        roomy = self.width() >= theme().scaled(ROOMY)
        self.back.setText(tr("All candidates") if roomy else "")
        offered = self._offered() if self._has_work else []
        room = self.width() - self._fixed_width(words=roomy) - theme().scaled(CAPTION) - 2 * 6 - self._rule.width()
        shown = [each for each in offered if each.objectName() in FIRST]
        room -= sum(self._width(each) for each in shown)
        others = [each for each in offered if each not in shown]
        if sum(self._width(each) for each in others) > room:
            room -= self._width(self.more)
        for each in others:
            room -= self._width(each)
            if room < 0:
                break
            shown.append(each)
        self._hidden = [each for each in offered if each not in shown]
        for each in (*self._work_buttons, *self._tools):
            each.setVisible(each in shown)
        self.more.setVisible(bool(self._hidden))
        self._rule.setVisible(any(each in shown for each in self._tools))
        if self._has_work:
            called, size, more = self._parts
            self.caption.set_text("  ·  ".join(part for part in (called, size if roomy else "", more) if part))
        if self._percent is not None:
            spare = room >= self._width(self._percent) + theme().scaled(CAPTION)
            self._percent.setVisible(self._has_work and roomy and not self._hidden and spare)

    def _fill_more(self) -> None:
        """Offer what the hidden buttons do, in their order, the bin last and apart."""
        menu = self.more.menu()
        menu.clear()
        for each in (*self._tools, *self._work_buttons[1:], self.bin):
            if each in self._hidden:
                if each is self.bin:
                    menu.addSeparator()
                action = menu.addAction(each.icon(), each.accessibleName().replace("&", "&&"), each.click)
                action.setObjectName(f"more.{each.objectName()}")
                action.setEnabled(each.isEnabled())
                action.setCheckable(each.isCheckable())
                action.setChecked(each.isChecked())


def _caption(asset: Asset) -> str:
    """The title of a work; its prompt, if the title is only the beginning of it."""
    words = gist(asset.request)
    same = words.startswith(asset.title.removesuffix("\N{HORIZONTAL ELLIPSIS}").strip("# "))
    return words if words and same else asset.title or words
