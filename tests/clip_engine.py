"""An engine that writes clips into a temporary folder, as morphs do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from studio.jobs.job import Cancelled, Progress, Report
from studio.media import clips, temp_clips
from studio.media.payloads import Clip
from studio.models.resources import Resources
from studio.schema.request import Request

LATE, KILLED = 9201, 9202
"""Seeds: its clip is finished when it is cancelled; it is killed while it writes."""


class ClipEngine:
    def load(self, resources: Resources, report: Report) -> None:
        report(Progress("loading"))

    def run(self, request: Request, report: Report) -> list[Clip]:
        clip = clips.write(self._shades(request.seed), temp_clips.new_path(".webp"), 10)
        try:
            while request.seed == LATE:
                report(Progress("late"))
                time.sleep(0.005)
        except Cancelled:
            pass
        return [clip]

    def _shades(self, seed: int) -> Iterator[NDArray[np.uint8]]:
        for at in range(1, 6):
            yield np.full((12, 16, 4), 20 * at, np.uint8)
            if seed == KILLED:
                os.kill(os.getpid(), signal.SIGKILL)

    def close(self) -> None:
        pass
