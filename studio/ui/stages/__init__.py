"""Stages, what shows a result: a picture or clip, a text, a sound, or several candidates; one for each medium."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from studio.ui.stages.stage import Stage


def stage(kind: Literal["image", "text", "audio"], documents: Path | None = None) -> Stage:
    """The stage for a kind of medium, imported when it is first wanted; what is written there goes to `documents`."""
    if kind == "image":
        from studio.ui.stages.moving import MovingStage

        return MovingStage()
    if kind == "text":
        from studio.ui.stages.text import TextStage

        return TextStage(documents)
    from studio.ui.stages.audio import AudioStage

    return AudioStage()


__all__ = ["Stage", "stage"]
