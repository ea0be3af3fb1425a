"""The poster engine: runs any diffusers text-to-image pipeline folder, from words or from a picture."""

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
from studio.backends.poster.engine.start_picture import StartPicture, read_start
from studio.backends.poster.enlarge import fit, refuse_slim
from studio.backends.poster.families import FROM_PICTURE
from studio.backends.poster.requests import MEDIUM, PosterRequest
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Image, Payload
from studio.models.model import Model
from studio.schema.fields import WorkKey
from studio.schema.request import Request


class PosterEngine:
    """Engine of PosterRequest."""

    def __init__(self) -> None:
        self._pipe: Any = None
        self._folder = Path()
        self._notes: dict[str, Any] = {}
        self._unused: frozenset[str] = frozenset()

    def load(self, resources: Resources, report: Report) -> None:
        """Load `model.folder`. StudioError for what is no pipeline, is damaged or would run code of its own."""
        model = resources.main
        if model is None:
            raise BadInput("A poster needs a model.", "`studio models list` shows the models there are.")
        report(Progress("loading"))

        def after(done: int, total: int) -> None:
            report(Progress("loading", done, total))

        self.hold(model, pipelines.read(model.folder, after=after, dtype=dtype_for(model.size)))
        with translate_out_of_memory():
            pipelines.to_device(self._pipe, model.size)

    def hold(self, model: Model, pipe: Any) -> None:
        """Paint with `pipe`, that of `model`, where it lies."""
        self._folder, self._pipe = model.folder, pipe
        self._pipe.set_progress_bar_config(disable=True)
        self._notes = _read_config(model.folder)
        self._unused = MEDIUM.family(model.family).without_effect(PosterRequest, model)

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """One Image of exactly the asked size, painted at the size the model is best at and fitted to it."""
        assert isinstance(request, PosterRequest)
        refuse_slim(request.width, request.height)
        counts = {name: WorkKey() for name in ("picture", "mask") if name in self._unused}
        start = read_start(request.replace(**counts))
        pixels, withheld = self.paint(request, report, start)
        if withheld:
            raise StudioError("The model's own safety checker withheld the picture.", "Try another prompt or seed.")
        report(Progress("finishing", request.steps, request.steps))
        made = fit(pixels, request.width, request.height)
        return [Image(made if start is None else start.with_painted(made))]

    def paint(
        self, request: PosterRequest, report: Report, start: StartPicture | None = None
    ) -> tuple[np.ndarray[Any, Any], bool]:
        """[H, W, 3], uint8, at the size that the model paints; and whether its safety checker made it black."""
        width, height = self._working_size(request.width, request.height)
        pipe = self._pipe if start is None else self._from_picture(start.mask is not None)
        given = self._arguments(pipe, request, width, height, start)
        total = max(1, int(request.steps * given.get("strength", 1.0)))
        tell = pipelines.PatientReport(report)
        tell(Progress("painting", 0, total))
        preview = LatentPreview(self._pipe, self._notes.get("latent_rgb"), width, height)

        def after(step: int, latents: torch.Tensor | None) -> None:
            whole = total if start is None else getattr(pipe, "num_timesteps", total)  # how many a strength leaves
            tell(Progress("painting", min(step + 1, whole), whole, preview(latents)))

        try:
            with (
                translate_out_of_memory(),
                torch.inference_mode(),
                pipelines.step_callback(pipe, after) as watching,
                tell.asking(pipe),
            ):
                made = pipe(**given, **watching)
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

    def _from_picture(self, masked: bool) -> Any:
        """The pipeline of the same networks that starts from a picture, or paints a part of one anew."""
        name = FROM_PICTURE[type(self._pipe).__name__][masked]
        return self._pipe if name == type(self._pipe).__name__ else pipelines.sharing(self._pipe, name)

    def _arguments(
        self, pipe: Any, request: PosterRequest, width: int, height: int, start: StartPicture | None
    ) -> dict[str, Any]:
        """What this pipeline's call understands of the request."""
        calls = inspect.signature(type(pipe).__call__).parameters
        guidance = self._guidance(calls)
        wanted: dict[str, Any] = {
            "prompt": request.prompt,
            "width": width,
            "height": height,
            "num_inference_steps": request.steps,
            guidance: request.guidance,
            "generator": generator(request.seed),
            "output_type": "pil",
        }
        if "negative" not in self._unused and (request.negative or guidance == "true_cfg_scale"):
            wanted["negative_prompt"] = request.negative or " "  # a true guidance counts only beside one
        if start is not None:
            picture, mask = start.scaled(width, height)
            # With less than a step's worth nothing would be painted; pipelines take no more than 1.
            strength = max(request.strength, min(1.0, 1.001 / request.steps))
            wanted |= {"image": picture, "strength": strength}
            if mask is not None:
                wanted["mask_image"] = mask
        return {name: value for name, value in wanted.items() if name in calls}

    def _guidance(self, calls: Mapping[str, inspect.Parameter]) -> str:
        """What a call with these parameters calls the guidance: `guidance_scale`, unless that is for distilled models
        that it may have one day, and a true guidance is beside it.
        """
        own = calls.get("guidance_scale")
        network = getattr(self._pipe, "transformer", None)
        optional = (
            own is not None
            and own.default is None
            and not getattr(getattr(network, "config", None), "guidance_embeds", False)
        )
        return "true_cfg_scale" if optional and "true_cfg_scale" in calls else "guidance_scale"


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
