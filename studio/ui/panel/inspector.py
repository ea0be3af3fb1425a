"""The side panel of a medium's page, for media that bring one: what a page asks of it, and what it may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QFrame

from studio.backends.medium import Medium
from studio.jobs.engine_cache import resolve
from studio.jobs.job import Job
from studio.library.library import Asset
from studio.schema.request import Request
from studio.studio import Studio
from studio.ui.bridge import Bridge
from studio.ui.commands import Run
from studio.ui.forms.undo import Undoable
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.library.work_actions import WorkActions
from studio.ui.panel.brief import Brief
from studio.ui.panel.stage_area import StageArea
from studio.ui.plugin import plugin


@dataclass(frozen=True, slots=True)
class PanelParts:
    """What an inspector may use of its panel. `submit` queues a request."""

    studio: Studio
    bridge: Bridge
    brief: Brief
    stage_area: StageArea
    work_actions: WorkActions
    thumbnails: ThumbnailLoader
    submit: Callable[..., None]
    show_error: Callable[[BaseException], None]


class PanelInspector(QFrame):
    """The interface of side panels. This one is for media without a side panel, and stays hidden."""

    def __init__(self, parts: PanelParts) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.parts = parts

    def commands(self) -> Mapping[str, Run | None]:
        """The commands that run here instead of on the page; None disables a command."""
        return {}

    def undoable(self) -> Undoable | None:
        """What undo steps back in instead of the brief, while that is edited here."""
        return None

    def finish(self, then: Run) -> bool:
        """Put what is being edited here into the brief, then call `then`; False where nothing is being edited."""
        return False

    def take(self, request: Request) -> None:
        """Show a request of another task of the medium, such as a morph."""

    def arrived(self, job: Job, asset: Asset) -> None:
        """A job of this page has made a work."""

    def models_changed(self) -> None:
        """Models were added, removed or changed."""

    def leave(self) -> None:
        """Another page is shown: end what is being edited."""

    def close_down(self) -> None:
        """The window closes."""
        self.leave()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state; ignore what is not valid."""


def inspector(medium: Medium, parts: PanelParts) -> PanelInspector:
    """The inspector of a medium's panel; hidden where the medium brings none."""
    name = plugin(medium).inspector
    if name:
        return resolve(name)(parts)
    none = PanelInspector(parts)
    none.hide()
    return none
