"""An engine for stories that continues a prompt with given pieces, each when the test lets it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import ClassVar

from studio.backends import MEDIA
from studio.backends.medium import Resources
from studio.backends.story.prompt import prepare_prompt
from studio.errors import BadInput
from studio.jobs.job import Cancelled, Progress, Report
from studio.jobs.previews import TextDelta
from studio.media.payloads import Payload, Text
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import AppPaths
from tests.studios import FAKE, starters, with_trainer


class WriterEngine:
    """Writes `pieces` after the prompt, one for each `gate.release()`; an empty piece is an error."""

    pieces: ClassVar[list[str]] = []
    asked: ClassVar[list[Request]] = []
    gate: ClassVar[threading.Semaphore] = threading.Semaphore(0)

    @classmethod
    def prepare(cls, *pieces: str, waiting: bool = False) -> None:
        """What to write from now on; `waiting`: each piece waits for the gate."""
        cls.pieces[:], cls.asked[:] = pieces, []
        cls.gate = threading.Semaphore(0 if waiting else 1000)

    def load(self, resources: Resources, report: Report) -> None:
        pass

    def close(self) -> None:
        pass

    def run(self, request: Request, report: Report) -> list[Payload]:
        self.asked.append(request)
        text = prompt = prepare_prompt(str(getattr(request, "prompt", "")))
        total = len(self.pieces)
        report(Progress("writing", 0, total, TextDelta(0, prompt)))
        try:
            for done, piece in enumerate(self.pieces):
                while not self.gate.acquire(timeout=0.005):
                    report(Progress("writing", done, total, TextDelta(len(text), "")))
                if not piece:
                    raise BadInput("This text cannot be continued.")
                report(Progress("writing", done + 1, total, TextDelta(len(text), piece)))
                text += piece
        except Cancelled:
            raise Cancelled([Text(text.strip() + "\n")] if text != prompt else ()) from None
        return [Text(text.strip() + "\n")]


def writer_studio(home: Path) -> Studio:
    """A studio with this engine for stories."""
    bundled = home.parent / "bundled"
    if not bundled.exists():
        starters(bundled)
    engines = {"story": "tests.writer:WriterEngine"}
    media = [
        with_trainer(medium.with_engines(lambda _, name=medium.name: engines.get(name, FAKE)), FAKE) for medium in MEDIA
    ]
    return Studio(AppPaths.under(home), isolated=False, media=media, bundled=bundled, platform="")
