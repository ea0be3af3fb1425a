"""The side panel of the avatar page: puts the session and its tools together, and answers to the panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QApplication

from studio.backends.avatar.requests import AvatarProjectRequest, AvatarSheetRequest, AvatarWalkRequest
from studio.errors import StudioError
from studio.jobs.job import Job
from studio.library.library import Asset
from studio.schema.request import Request
from studio.ui.avatar.characters_tab import CharactersTab
from studio.ui.avatar.directions import DirectionsTab
from studio.ui.avatar.face_ops import face_of
from studio.ui.avatar.face_sources import FaceSources
from studio.ui.avatar.inspector_tabs import InspectorTabs
from studio.ui.avatar.live_jobs import SLOT, LiveJob
from studio.ui.avatar.match_tab import MatchTab
from studio.ui.avatar.mix_tab import MixTab
from studio.ui.avatar.morph_tab import MorphTab
from studio.ui.avatar.portraits import PortraitLoader
from studio.ui.avatar.session import FaceSession
from studio.ui.avatar.trait_sliders import TraitSliders
from studio.ui.commands import Run, keys_of
from studio.ui.panel.inspector import PanelInspector, PanelParts
from studio.ui.widgets.basic import button, column, tip, tool
from studio.ui.widgets.text import tr


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
        column(self, spacing=0).addWidget(self.tabs)
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
        if self._in_morph():
            history = self.morph.history
            found["undo"] = self.morph.undo if history.can_undo else None
            found["redo"] = self.morph.redo if history.can_redo else None
        if self._stage.choosing and not self.parts.busy():
            found["cancel"] = self.session.leave_candidates
        return found

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
