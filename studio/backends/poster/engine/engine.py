"""The poster engine: runs any diffusers text-to-image pipeline folder."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.backends.engine import pipelines
from studio.backends.engine.device import dtype_for, free_memory, generator, translate_out_of_memory
from studio.backends.medium import Resources
from studio.backends.poster.engine.preview import LatentPreview
from studio.backends.poster.enlarge import fit, refuse_slim
from studio.backends.poster.requests import MEDIUM, PosterRequest
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Image, Payload
from studio.models.model import Model
from studio.schema.request import Request


class PosterEngine:
    """Engine of PosterRequest."""

    def __init__(self) -> None:
        self._pipe: Any = None
        self._folder = Path()
        self._notes: dict[str, Any] = {}
        self._calls: Mapping[str, inspect.Parameter] = {}
        self._unused: frozenset[str] = frozenset()

    def load(self, resources: Resources, report: Report) -> None:
        """Load `model.folder`. StudioError for what is no pipeline, is damaged or would run code of its own."""
        model = resources.main
        if model is None:
            raise BadInput("A poster needs a model.", "`studio models list` shows the models there are.")
        report(Progress("loading"))
        self.hold(model, pipelines.read(model.folder, dtype=dtype_for(model.size)))
        with translate_out_of_memory():
            pipelines.to_device(self._pipe, model.size)
        report(Progress("loading", 1, 1))

    def hold(self, model: Model, pipe: Any) -> None:
        """Paint with `pipe`, that of `model`, where it lies."""
        self._folder, self._pipe = model.folder, pipe
        self._pipe.set_progress_bar_config(disable=True)
        self._notes = _read_config(model.folder)
        self._unused = MEDIUM.family(model.family).without_effect(PosterRequest, model)
        self._calls = inspect.signature(type(self._pipe).__call__).parameters

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """One Image of exactly the asked size, painted at the size the model is best at and fitted to it."""
        assert isinstance(request, PosterRequest)
        pixels, withheld = self.paint(request, report)
        if withheld:
            raise StudioError("The model's own safety checker withheld the picture.", "Try another prompt or seed.")
        report(Progress("finishing", request.steps, request.steps))
        return [Image(fit(pixels, request.width, request.height))]

    def paint(self, request: PosterRequest, report: Report) -> tuple[np.ndarray[Any, Any], bool]:
        """[H, W, 3], uint8, at the size that the model paints; and whether its safety checker made it black."""
        width, height = self._working_size(request.width, request.height)
        total = request.steps
        report(Progress("painting", 0, total))
        preview = LatentPreview(self._pipe, self._notes.get("latent_rgb"), request.width / request.height)

        def after(step: int, latents: torch.Tensor | None) -> None:
            report(Progress("painting", min(step + 1, total), total, preview(latents)))

        try:
            with (
                translate_out_of_memory(),
                torch.inference_mode(),
                pipelines.step_callback(self._pipe, after) as watching,
            ):
                made = self._pipe(**self._arguments(request, width, height), **watching)
        except (StudioError, Cancelled):
            raise
        except Exception as error:  # a hostile config may raise anything in there
            raise pipelines.cannot_run(self._folder, error) from error
        finally:
            self._pipe.maybe_free_model_hooks()
        withheld: Any = getattr(made, "nsfw_content_detected", None) or [False]
        pixels = np.asarray(made.images[0].convert("RGB"))
        if not (pixels.any() or withheld[0]):
            raise StudioError("The model made a black picture.", "Try another prompt, seed or a lower guidance.")
        return pixels, bool(withheld[0])

    def close(self) -> None:
        self._pipe = None
        free_memory()

    def _working_size(self, width: int, height: int) -> tuple[int, int]:
        """The size to paint at: the asked one, or for a model with a native size that area in the asked proportions."""
        refuse_slim(width, height)
        unit = max(8, int(getattr(self._pipe, "vae_scale_factor", 8)))  # many pipelines insist on eights
        network = getattr(getattr(self._pipe, "transformer", None), "config", None)
        latent = getattr(getattr(getattr(self._pipe, "vae", None), "config", None), "latent_channels", 0)
        if network is not None and (network.get("patch_size"), network.get("in_channels")) != (1, latent):
            unit *= 2  # most transformers read latents in patches of two
        native = self._notes.get("native")
        scale = math.sqrt(native[0] * native[1] / (width * height)) if native else 1.0
        rounding = round if native else math.ceil
        sides = (max(unit, rounding(side * scale / unit) * unit) for side in (width, height))
        return next(sides), next(sides)

    def _arguments(self, request: PosterRequest, width: int, height: int) -> dict[str, Any]:
        """What this pipeline's call understands of the request."""
        wanted: dict[str, Any] = {
            "prompt": request.prompt,
            "width": width,
            "height": height,
            "num_inference_steps": request.steps,
            self._guidance(): request.guidance,
            "generator": generator(request.seed),
            "output_type": "pil",
        }
        if "negative" not in self._unused and (request.negative or "true_cfg_scale" in wanted):
            wanted["negative_prompt"] = request.negative or " "  # a true guidance counts only beside one
        return {name: value for name, value in wanted.items() if name in self._calls}

    def _guidance(self) -> str:
        """What this pipeline calls its guidance: `guidance_scale`, unless that is for distilled models that it may have
        one day, and a true guidance is beside it.
        """
        own = self._calls.get("guidance_scale")
        network = getattr(self._pipe, "transformer", None)
        optional = (
            own is not None
            and own.default is None
            and not getattr(getattr(network, "config", None), "guidance_embeds", False)
        )
        return "true_cfg_scale" if optional and "true_cfg_scale" in self._calls else "guidance_scale"


def _read_config(folder: Path) -> dict[str, Any]:
    """What config.json of our own models says: native size, latent colours. Empty for other models."""
    try:
        notes = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(notes, dict):
        return {}
    native = notes.get("native")
    fits = isinstance(native, list) and len(native) == 2 and all(isinstance(n, int) and 16 <= n <= 4096 for n in native)
    return {**notes, "native": native if fits else None}
