"""Stages show results: pictures and clips, texts, sounds, or several candidates."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from studio.ui.stages.stage import Stage


def stage(kind: Literal["image", "text", "audio"], documents: Path | None = None) -> Stage:
    """A new stage for a kind of result, imported when it is first needed; text drafts are saved in `documents`."""
    if kind == "image":
        from studio.ui.stages.image import ImageStage

        return ImageStage()
    if kind == "text":
        from studio.ui.stages.text import TextStage

        return TextStage(documents)
    from studio.ui.stages.audio import AudioStage

    return AudioStage()


__all__ = ["Stage", "stage"]
