"""The bar above the stage: title of the work, and buttons of the commands for it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QToolButton, QWidget

from studio.library.library import Asset
from studio.ui.commands import command
from studio.ui.stages.stage import Stage
from studio.ui.widgets.controls import ElidedLabel, button, named, tool
from studio.ui.widgets.layout import add, row
from studio.ui.widgets.text import gist, tr
from studio.ui.widgets.theme import SIZE, theme

NARROW, ROOMY = 440, 640  # pixels of width below which the stage's tools, and the scale, are hidden
TIGHT = 270  # and below which two of the buttons for the work are


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
        self._work_buttons = [self.star, self.recall, self.vary, self.export, self.save, self.bin]
        self._tools: list[QWidget] = list(stage.tools())
        percent = getattr(stage, "percent", None)
        self._percent = percent if isinstance(percent, QWidget) else None
        if self._percent is not None:
            self._tools.insert(0, self._percent)
        self._rule = rule = named(QFrame(), "rule")
        rule.setFixedSize(1, 20)
        self._live_widgets: list[QWidget] = []  # buttons for unsaved results
        self._has_work = self._roomy = True  # there is a work; there is room for all tools
        self._parts = ("", "", "")  # the title of a work, its size, a remark
        self._line = row(self.back, (self.caption, 1), spacing=2, margins=(SIZE.medium, 0, 12, 0))
        self._line.addStretch(0)  # keeps the tools at the right when the title is cut off
        add(self._line, *self._tools, 6, rule, 6, *self._work_buttons)
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
            if live:
                self._live_widgets.append(widget)
                widget.hide()

    def show_asset(self, asset: Asset | None, words: str = "", *, live: bool = False) -> None:
        """Show `words`, or else the title of the work. `live`: not saved yet, but it can be."""
        for widget in self._live_widgets:
            widget.setVisible(live)
        self._has_work = asset is not None
        for widget in self._work_buttons:
            widget.setVisible(self._has_work)
        if asset is None:
            self._update_visible()
            self.caption.set_text(words)
            return
        self.export.setVisible(asset.is_image)
        self.star.setChecked(asset.favourite)
        self.recall.setEnabled(bool(asset.request))
        self.vary.setEnabled(bool(asset.request))
        size = f"{asset.width} × {asset.height}" if asset.width and asset.height else ""
        self._parts = (words or _caption(asset), size, tr("unfinished") if asset.partial else "")
        self._update_visible()

    def show_back(self, on: bool) -> None:
        """Show the button that goes back to the candidates."""
        self.back.setVisible(on)
        self._update_visible()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_visible()

    def minimumSizeHint(self) -> QSize:
        """The width without the tools that are hidden where there is little room."""
        shown = [*self._tools, self.save] if self._roomy else []
        shown += [widget for widget in (self.recall, self.vary) if not widget.isHidden()]
        looks = sum(widget.sizeHint().width() + self._line.spacing() for widget in shown)
        return QSize(max(0, super().minimumSizeHint().width() - looks), self.height())

    def _update_visible(self) -> None:
        """Hide the stage's tools and some buttons, which are in the menu too, if there is little room."""
        self._roomy = self.width() >= theme().scaled(NARROW)
        self.back.setText(tr("All candidates") if self._roomy else "")
        for widget in [*self._tools, self._rule]:
            widget.setVisible(self._has_work and self._roomy)
        self.save.setVisible(self._has_work and self._roomy)
        room = self._roomy or (self.back.isHidden() and self.width() >= theme().scaled(TIGHT))
        for widget in (self.recall, self.vary):  # before the title
            widget.setVisible(self._has_work and room)
        if self._has_work:
            called, size, more = self._parts
            self.caption.set_text("  ·  ".join(part for part in (called, size if self._roomy else "", more) if part))
        if self._percent is not None and self.width() < theme().scaled(ROOMY):
            self._percent.hide()


def _caption(asset: Asset) -> str:
    """The title of a work; its prompt, if the title is only the beginning of it."""
    words = gist(asset.request)
    same = words.startswith(asset.title.removesuffix("\N{HORIZONTAL ELLIPSIS}").strip("# "))
    return words if words and same else asset.title or words
