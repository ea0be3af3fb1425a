"""The part at the right of a panel, which some media have: what a panel asks of it and who brings one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFrame

from studio.jobs.job import Job
from studio.library.library import Asset
from studio.schema.request import Request
from studio.ui.commands import Run

if TYPE_CHECKING:
    from studio.ui.panel.panel import Panel

OWN = {"avatar": "studio.ui.avatar.inspector:AvatarInspector"}
"""The media that bring one: module and class, loaded with their panel."""


class PanelInspector(QFrame):
    """What every panel may ask. This one is that of media without an inspector, and never seen."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.panel = panel

    def commands(self) -> Mapping[str, Run | None]:
        """What commands of the table do here now, before anything else does them; None where nobody shall."""
        return {}

    def take(self, request: Request) -> None:
        """Take up a request of the medium that is not one of its works, such as a walk."""

    def arrived(self, job: Job, asset: Asset) -> None:
        """A job that was asked for here has made a work."""

    def models_changed(self) -> None:
        """Models came or went."""

    def leave(self) -> None:
        """Another page is shown: what is under the hand is let go."""

    def close_down(self) -> None:
        """The window closes."""
        self.leave()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state; what cannot be used is left as it is."""


def inspector(panel: Panel) -> PanelInspector:
    """The inspector of a panel's medium."""
    module, _, name = OWN.get(panel.medium.name, "").partition(":")
    made = (getattr(importlib.import_module(module), name) if module else PanelInspector)(panel)
    if not module:
        made.hide()
    return made
