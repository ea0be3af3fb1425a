"""A request on its way: its progress, its cancel and its outcome; knows neither lanes nor engines."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.media import Payload
    from studio.request import Request


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands: step `done` of `total` of a stage, in the stage's own unit (0 of 0 where nobody can know).

    `preview` is cumulative (the picture, the text so far, the sound so far), so that dropping one loses nothing;
    `values` are measurements worth plotting, such as a loss.
    """

    stage: str
    done: int = 0
    total: int = 0
    preview: Payload | None = None
    values: Mapping[str, float] = field(default_factory=dict)


Report = Callable[[Progress], None]
"""Publishes a Progress, and raises Cancelled when the job has been cancelled. The only way to stop an engine."""


class Cancelled(Exception):
    """The job was cancelled. `made` is what was finished enough to keep; it is kept, marked partial."""

    def __init__(self, made: Sequence[Payload] = ()) -> None:
        super().__init__("cancelled")
        self.made = list(made)
