"""Runs a poster with the engine that its model's family needs: scenes, or any pipeline of diffusers."""

from __future__ import annotations

from collections.abc import Sequence

from studio.backends.medium import Engine, Resources
from studio.backends.poster.scene import SCENE
from studio.errors import BadInput
from studio.jobs.job import Report
from studio.media.payloads import Payload
from studio.schema.request import Request


class PosterFamilyEngine:
    """Engine of PosterRequest. What a family does not need is not imported: scenes start without diffusers."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def load(self, resources: Resources, report: Report) -> None:
        """Raises what the engine of the family raises."""
        if resources.main is not None and resources.main.family == SCENE:
            from studio.backends.poster.engine.scenes import SceneEngine

            self._engine = SceneEngine()
        else:
            from studio.backends.poster.engine.engine import PosterEngine

            self._engine = PosterEngine()
        self._engine.load(resources, report)

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        if self._engine is None:
            raise BadInput("A poster needs a model.", "`studio models list` shows the models there are.")
        return self._engine.run(request, report)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = None
