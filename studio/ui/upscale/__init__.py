"""Enlarging works by a network: a command wherever pictures are shown, one or many."""

from __future__ import annotations

from collections.abc import Sequence

from studio.library.library import Asset
from studio.ui.commands import ITEM, USE, Command, OnWorks, WorkOwner
from studio.ui.plugin import Plugin


def ask(owner: WorkOwner, works: Sequence[Asset], ids: Sequence[str]) -> None:
    """Ask how many times and by which model, then queue them all."""
    from studio.ui.upscale.dialog import UpscaleDialog  # rarely used

    UpscaleDialog(owner, works, ids).open()


COMMANDS = (
    Command("upscale", "&Upscale…", ITEM, "Ctrl+U", works=OnWorks(True, needs="picture", group=USE), on_works=ask,
            icon="fit"),
)  # fmt: skip

PLUGIN = Plugin(commands="studio.ui.upscale:COMMANDS")
