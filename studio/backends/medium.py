"""What a medium is, and what an engine of one must offer; no torch, so that windows and command lines may ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from studio.jobs.job import Report
from studio.media.payloads import Payload
from studio.models.catalog import Model
from studio.schema.request import Request, TrainRequest


class Engine(Protocol):
    """Runs the requests of one medium with one model. Made without arguments; only one thread ever touches it."""

    def load(self, model: Model | None, report: Report) -> None:
        """Make the weights in `model.folder` ready to run; None for engines that need none, such as trainings."""
        ...

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """Make the work. Calls `report` at least once a step; what it raises (Cancelled) must pass through."""
        ...

    def close(self) -> None:
        """Give back all memory."""
        ...


def _nothing(_request: Request, _model: Model) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Medium:
    """What a panel is about. Engines are named "module:Class" and resolved where they run.

    `more` are the kinds of request beside making and training that its engine runs. `unheeded` says in a sentence what
    of a request changes nothing with a model; nothing where all of it counts.
    """

    name: str
    title: str
    icon: str
    make: type[Request]
    train: type[TrainRequest]
    engine: str
    trainer: str
    starter: str
    stage: Literal["image", "text", "audio"]
    more: tuple[type[Request], ...] = ()
    unheeded: Callable[[Request, Model], str] = _nothing

    @property
    def kinds(self) -> tuple[type[Request], ...]:
        """Every kind of request that its engine runs: making first."""
        return (self.make, *self.more)

    def engine_of(self, request: Request) -> str:
        return self.trainer if isinstance(request, TrainRequest) else self.engine
