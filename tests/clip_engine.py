"""An engine that makes clips in a temporary place, as walks do."""

from __future__ import annotations

import numpy as np

from studio import clips
from studio.catalog import Model
from studio.job import Progress, Report
from studio.media import Clip
from studio.request import Request


class ClipEngine:
    def load(self, model: Model | None, report: Report) -> None:
        report(Progress("loading"))

    def run(self, request: Request, report: Report) -> list[Clip]:
        shades = (np.full((12, 16, 4), 20 * at, np.uint8) for at in range(1, 6))
        return [clips.write(shades, clips.place(".webp"), 10)]

    def close(self) -> None:
        pass
