"""The engine of scene models: says what stands where, keeps the best of a few, and draws it as vectors and pixels."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from studio.backends.engine.device import free_memory, translate_out_of_memory
from studio.backends.medium import Resources
from studio.backends.poster.engine.scene_network import SceneModel, sample
from studio.backends.poster.enlarge import refuse_slim
from studio.backends.poster.requests import PosterRequest
from studio.backends.poster.scene import prompt
from studio.backends.poster.scene.check import check
from studio.backends.poster.scene.elements import Scene
from studio.backends.poster.scene.raster import pixels
from studio.backends.poster.scene.render import format_for, svg
from studio.backends.poster.scene.vary import spread, varied
from studio.errors import BadInput, StudioError
from studio.jobs.job import Progress, Report
from studio.media.payloads import Bundle, Image, Payload, Svg
from studio.schema.request import Request

AMONG = 4
"""Scenes that are made at once, of which the one nearest to the prompt and with the fewest faults is kept."""
PREVIEW_SIDE = 256
"""Pixels of a preview's longer side."""
PREVIEW_EVERY = 5
"""Steps."""


class SceneEngine:
    """Engine of PosterRequest with a scene model. It runs on the processor: a seed means the same everywhere."""

    def __init__(self) -> None:
        self._model: SceneModel | None = None

    def load(self, resources: Resources, report: Report) -> None:
        """StudioError for a folder that is no scene model."""
        model = resources.main
        if model is None:
            raise BadInput("A poster needs a model.", "`studio models list` shows the models there are.")
        report(Progress("loading"))
        check(model.folder)
        with translate_out_of_memory():
            self._model = SceneModel.load(model.folder)
        report(Progress("loading", 1, 1))

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """A picture of exactly the asked size, and the same as an SVG; what was understood is its remark."""
        assert isinstance(request, PosterRequest)
        asked, scene = self.scene(request, report)
        report(Progress("finishing", request.steps, request.steps))
        drawing = svg(scene, request.width, request.height)
        return [Bundle(Image(pixels(drawing), remark=asked.remark(scene)), {"svg": Svg(drawing)})]

    def scene(self, request: PosterRequest, report: Report) -> tuple[prompt.ReadPrompt, Scene]:
        """What was understood of the prompt, and the best of AMONG scenes."""
        if self._model is None:
            raise StudioError("The model is not loaded.")
        refuse_slim(request.width, request.height)
        asked = prompt.read(request.prompt, self._model.index.keys())
        scale = PREVIEW_SIDE / max(request.width, request.height)
        small = max(1, round(request.width * scale)), max(1, round(request.height * scale))

        def best(scenes: Sequence[Scene]) -> Scene:
            made = [varied(asked.dressed(scene), request.seed, request.variety) for scene in scenes]
            return min(made, key=lambda scene: prompt.misses(scene, asked))

        def after(step: int, scenes: Callable[[], list[Scene]]) -> None:
            shown = step % PREVIEW_EVERY == 0 and step < request.steps
            preview = Image(pixels(svg(best(scenes()), *small))) if shown else None
            report(Progress("painting", step, request.steps, preview))

        report(Progress("painting", 0, request.steps))
        seeds = random.Random(request.seed)
        with translate_out_of_memory():
            made = sample(
                self._model,
                [" ".join(asked.told)] * AMONG,
                [format_for(request.width, request.height)] * AMONG,
                [seeds.getrandbits(48) for _ in range(AMONG)],
                request.steps,
                request.guidance,
                spread(request.variety),
                after,
            )
        return asked, best(made)

    def close(self) -> None:
        self._model = None
        free_memory()
