"""The side panel of the avatar page: its tools in tabs, put together around one session; it answers to the panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QGridLayout,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from studio.backends.avatar.requests import AvatarProjectRequest, AvatarSheetRequest, AvatarWalkRequest
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.library.library import Asset
from studio.schema.request import Request
from studio.ui.avatar.characters_tab import CharactersTab
from studio.ui.avatar.directions import DirectionsTab
from studio.ui.avatar.faces import FaceSources, face_of
from studio.ui.avatar.live_jobs import SLOT, LiveJob, PortraitLoader
from studio.ui.avatar.match_tab import MatchTab
from studio.ui.avatar.mix_tab import MixTab
from studio.ui.avatar.morph_tab import MorphTab
from studio.ui.avatar.session import FaceSession
from studio.ui.avatar.sliders import LabelledSlider, TraitSliders
from studio.ui.commands import Run, keys_of
from studio.ui.forms.undo import Undoable
from studio.ui.panel.inspector import PanelInspector, PanelParts
from studio.ui.widgets.controls import button, label, named, segment, tip, tool
from studio.ui.widgets.layout import column, row, scrolling
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

SPREAD = 0.35
SIDES = 8  # pixels beside the tabs
WIDEST = 336  # pixels; the smallest window may have less
EDGE = 16  # pixels at both sides; a scroll bar takes 12 of them


class InspectorTabs(QWidget):
    """Tools in tabs below `sixteen`, `near` and, where needed, `show_edit`: buttons that the inspector connects."""

    def __init__(self) -> None:
        super().__init__()
        self.sixteen = button(tr("New faces"), "faces", "compact")
        self.sixteen.setToolTip(tip(tr("16 new faces with these settings"), keys_of("faces")))
        self.near = button(tr("More like this"), "near", "compact")
        self.near.setToolTip(tip(tr("16 faces similar to the one you see"), keys_of("near")))
        self.show_edit = button(tr("Show"), "showEdit", "compact")
        self._hidden_edit = QWidget()
        words = label(tr("Generate and New faces use an edit that is not on the stage."), "muted", wrap=True)
        self._hidden_edit.setLayout(row((words, 1), self.show_edit))
        self._hidden_edit.hide()
        self.spread = LabelledSlider(
            "spread", tr("Variation"), 0.05, 0.95, 18, tr("How much similar faces may differ from this one")
        )
        self.spread.show_value(SPREAD, moved=False)
        self.spread.reset_clicked.connect(lambda: self.spread.show_value(SPREAD, moved=False))
        self.tabs: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._pages = QStackedWidget()
        self._segments = QGridLayout()
        self._segments.setSpacing(0)
        self._segments.setContentsMargins(SIDES, 0, SIDES, 0)
        self._head = head = QFrame()
        head.setLayout(self._segments)
        self._buttons = line = row((self.sixteen, 1), (self.near, 1))
        top = column(None, self._hidden_edit, line, self.spread, spacing=8, margins=(EDGE, 4, EDGE, 12))
        column(self, head, top, (self._pages, 1), spacing=0)
        theme().changed.connect(self._fit)

    def add(self, name: str, words: str, parts: Sequence[QWidget], foot: QWidget | None = None) -> None:
        """Add a tab: its parts below each other, and `foot` below what scrolls. The first tab is shown."""
        inside = named(QWidget(), "form")
        inner = column(inside, spacing=24, margins=(EDGE, 4, EDGE, 16))
        for part in parts:
            inner.addWidget(part)
        inner.addStretch(1)
        area = scrolling(inside)
        # Nothing moves when the scroll bar appears.
        area.verticalScrollBar().rangeChanged.connect(
            lambda _, last: inner.setContentsMargins(EDGE, 4, EDGE - 12 if last > 0 else EDGE, 16)
        )
        page = QWidget()
        column(page, (area, 1), spacing=0)
        if foot is not None:
            page.layout().addWidget(self._make_foot(foot))  # type: ignore[union-attr]
        self._pages.addWidget(page)
        tab = segment(words, f"tab.{name}", "tab", hint=words)
        tab.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        tab.clicked.connect(lambda: self.show_tab(name))
        self._group.addButton(tab)
        self.tabs[name] = tab
        if len(self.tabs) == 1:
            self.show_tab(name)
        self._fit()

    def _make_foot(self, inside: QWidget) -> QFrame:
        foot = named(QFrame(), "toolFoot")
        column(foot, inside, margins=(EDGE, 12, EDGE, 12))
        if inside.isHidden():  # isVisible is False for all of them: the window is not shown yet
            foot.hide()
        inside.installEventFilter(self)
        return foot

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hide a foot while there is nothing in it."""
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent) and isinstance(watched, QWidget):
            foot = watched.parentWidget()
            if foot is not None:
                foot.setHidden(watched.isHidden())
        return False

    def offer_edit(self, on: bool) -> None:
        """Say that the settings have an edit that is not seen, and offer to show it."""
        self._hidden_edit.setVisible(on)

    @property
    def tab(self) -> str:
        """The name of the tab that is shown."""
        return list(self.tabs)[self._pages.currentIndex()]

    def show_tab(self, name: str) -> None:
        self.tabs[name].setChecked(True)
        self._pages.setCurrentIndex(list(self.tabs).index(name))
        self.spread.setVisible(name == next(iter(self.tabs)))

    def state(self) -> dict[str, Any]:
        return {"tab": self.tab, "spread": self.spread.value}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state; ignore what is not valid."""
        if state.get("tab") in self.tabs:
            self.show_tab(str(state["tab"]))
        spread = state.get("spread")
        if isinstance(spread, float) and 0.05 <= spread <= 0.95:
            self.spread.show_value(spread, moved=spread != SPREAD)

    def sizeHint(self) -> QSize:
        return QSize(self._wanted_width(), super().sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """The first time, it has come into the window and its style."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _wanted_width(self) -> int:
        """As wide as the tabs need, from SIZE.inspector to WIDEST."""
        return max(SIZE.inspector, min(self._tabs_width(), WIDEST))

    def _tabs_width(self) -> int:
        return sum(tab.sizeHint().width() for tab in self.tabs.values()) + 2 * SIDES

    def _fit(self) -> None:
        """Texts or fonts have changed. In a narrow window the panel gets less than it wants."""
        self.setMinimumWidth(SIZE.inspector)
        self.setMaximumWidth(self._wanted_width())
        self.updateGeometry()
        self._arrange()

    def _arrange(self) -> None:
        """Tabs that are too wide take two rows; buttons that are too wide are stacked."""
        columns = len(self.tabs) if self._tabs_width() <= self.width() else -(-len(self.tabs) // 2)
        for at, tab in enumerate(self.tabs.values()):
            self._segments.addWidget(tab, at // columns, at % columns)
        self._head.setFixedHeight(max(48, self._segments.sizeHint().height() + 12))
        both = self.sixteen.sizeHint().width() + self.near.sizeHint().width() + SIZE.small + 2 * EDGE
        direction = QBoxLayout.Direction
        self._buttons.setDirection(direction.TopToBottom if both > self.width() else direction.LeftToRight)


class AvatarInspector(PanelInspector):
    def __init__(self, parts: PanelParts) -> None:
        super().__init__(parts)
        self.setAccessibleName(tr("Side panel"))
        studio, bridge, actions = parts.studio, parts.bridge, parts.work_actions
        self._brief, self._stage = parts.brief, parts.stage_area
        sources = FaceSources(studio.library, parts.thumbnails, actions.notify)
        self.session = FaceSession(studio, parts.brief, parts.stage_area, actions, parts.submit, sources, self)
        self.session.failed.connect(parts.show_error)
        self.session.failed.connect(lambda _: self._set_exporting(False))
        self._portraits = PortraitLoader(studio, self)
        self._search = LiveJob(studio, bridge, f"{SLOT}.directions", self)
        self.traits = TraitSliders(self.session)
        self.directions = DirectionsTab(self.session, self._search)
        self.mix = MixTab(self.session, self._portraits)
        self.morph = MorphTab(self.session, self._portraits, LiveJob(studio, bridge, SLOT, self))
        self.match = MatchTab(self.session, actions.importer)
        self.characters = CharactersTab(self.session, studio, bridge)
        self.tabs = InspectorTabs()
        self.tabs.add("face", tr("Face"), [self.traits, self.directions])
        self.tabs.add("mix", tr("Mix"), [self.mix])
        self.tabs.add("walk", tr("Morph"), [self.morph], self.morph.foot)
        self.tabs.add("find", tr("Match"), [self.match], self.match.foot)
        self.tabs.add("people", tr("People"), [self.characters], self.characters.foot)
        column(self, self.tabs, spacing=0)
        self.save = button(tr("Save"), "keepFace", "compact", icon="plus", clicked=self.session.save)
        self.save.setToolTip(tip(tr("Save this face to the library"), keys_of("keep")))
        self.toggle = tool("sliders", tr("Show or hide the side panel"), "foldInspector", keys=keys_of("inspector"))
        self.toggle.setCheckable(True)
        self.toggle.setChecked(True)
        self._stage.header.add_widgets(self.save, live=True)
        self._stage.header.add_widgets(self.toggle, live=False)
        self._exporting = False  # whether the face that is being saved is exported then
        self.toggle.toggled.connect(self.setVisible)
        self.tabs.sixteen.clicked.connect(lambda: self.session.offer_random())
        self.tabs.near.clicked.connect(self._offer_similar)
        self.tabs.show_edit.clicked.connect(self.session.draw)
        self.session.changed.connect(lambda: self.tabs.offer_edit(self.session.hides_edit))
        self.characters.attention.connect(lambda: self._show_tab("people"))
        self.session.saved.connect(self._saved)
        self.session.models_changed()

    def arrived(self, job: Job, asset: Asset) -> None:
        face = face_of(asset)
        if isinstance(job.request, AvatarProjectRequest) and face is not None:
            self._brief.form.set_value(face)
            self.match.found(asset)

    def take(self, request: Request) -> None:
        if isinstance(request, AvatarWalkRequest):
            self.morph.show_request(request)
            self._show_tab("walk")
        elif isinstance(request, AvatarSheetRequest):
            self.characters.show_request(request)

    def commands(self) -> Mapping[str, Run | None]:
        ready = self.session.live is not None and not self.session.saving
        found: dict[str, Run | None] = {
            "faces": self.session.offer_random,
            "near": self._offer_similar,
            "keep": self.session.save if ready else None,
            "inspector": self.toggle.toggle,
            **self.characters.commands(),
        }
        if self.session.live is not None:
            found["export"] = self._save_and_export if ready else None
        if self._stage.choosing:
            found["cancel"] = self.session.leave_candidates
        return found

    def undoable(self) -> Undoable | None:
        morph = self.morph
        return Undoable(morph.history, morph.undo, morph.redo) if self._in_morph() else None

    def _save_and_export(self) -> None:
        self._set_exporting(True)
        self.session.save()  # what is exported is a work

    def models_changed(self) -> None:
        self.session.models_changed()

    def leave(self) -> None:
        self.morph.cancel_preview()
        self.session.pause()

    def close_down(self) -> None:
        self._search.stop()
        self.morph.stop_preview()
        self.characters.close_down()
        self.session.close()
        self._portraits.close()

    def state(self) -> dict[str, Any]:
        return {"folded": not self.toggle.isChecked(), "walk": self.morph.request().to_json(), **self.tabs.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.toggle.setChecked(state.get("folded") is not True)
        self.tabs.restore(state)
        try:
            morph = Request.from_json(state.get("walk"))
        except StudioError:
            return
        if isinstance(morph, AvatarWalkRequest):
            self.morph.restore(morph)

    def _offer_similar(self) -> None:
        self.session.offer_similar(self.tabs.spread.value)

    def _show_tab(self, name: str) -> None:
        self.toggle.setChecked(True)
        self.tabs.show_tab(name)

    def _saved(self, asset: Asset) -> None:
        if self._exporting:
            self._set_exporting(False)
            self.parts.work_actions.export(asset)

    def _set_exporting(self, on: bool) -> None:
        self._exporting = on

    def _in_morph(self) -> bool:
        """Whether the keyboard is in the morph tab, which has an undo history of its own."""
        focused = QApplication.focusWidget()
        return focused is not None and any(part.isAncestorOf(focused) for part in (self.morph, self.morph.foot))
