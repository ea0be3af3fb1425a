"""Text-to-image families that the poster engine runs: one entry makes one known everywhere.

The engine opens what diffusers' DiffusionPipeline opens, so a family that it has needs no more than its entry. Steps
and guidance are those that each pipeline has by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from studio.backends.poster.memory import demand, scene_demand
from studio.backends.poster.scene import SCENE
from studio.models import weights
from studio.models.families import Family, Mark
from studio.models.fit.demand import Demand, Machine, ModelFacts
from studio.models.folders import CONFIG
from studio.models.model import Model
from studio.models.pipelines import INDEX, check
from studio.models.vocabulary import UnderstoodPrompt, read_words
from studio.schema.fields import WorkKey
from studio.schema.request import Request

CONTROLS = frozenset({"prompt", "negative", "width", "height", "steps", "guidance"})
TRIAL = "studio.backends.poster.engine.trial"

FROM_PICTURE: Mapping[str, tuple[str, str]] = {
    "StableDiffusionPipeline": ("StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"),
    "StableDiffusionXLPipeline": ("StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline"),
    "StableDiffusion3Pipeline": ("StableDiffusion3Img2ImgPipeline", "StableDiffusion3InpaintPipeline"),
    "FluxPipeline": ("FluxImg2ImgPipeline", "FluxInpaintPipeline"),
    "Flux2Pipeline": ("Flux2Pipeline", ""),
    "Flux2KleinPipeline": ("Flux2KleinPipeline", ""),
    "QwenImagePipeline": ("QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline"),
    "ZImagePipeline": ("ZImageImg2ImgPipeline", "ZImageInpaintPipeline"),
    "ChromaPipeline": ("ChromaImg2ImgPipeline", ""),
    "LatentConsistencyModelPipeline": ("LatentConsistencyModelImg2ImgPipeline", ""),
}
"""By pipeline: those of the same networks that start from a picture, and that paint a part of one anew. FLUX.2 looks at
a picture while it paints another, so nothing of it changes. Chroma's for parts asks its network for a setting that this
does not have (diffusers 0.42.1).
"""

DISTILLED: Mapping[str, tuple[str, str, Any, Mapping[str, Any]]] = {
    "FluxPipeline": ("transformer/config.json", "guidance_embeds", False, {"steps": 4}),  # schnell
    "Flux2KleinPipeline": (INDEX, "is_distilled", True, {"steps": 4}),
    "ZImagePipeline": ("scheduler/scheduler_config.json", "shift", 3.0, {"steps": 8, "guidance": 0.0}),  # Turbo
}
"""By pipeline: the file, the key and the value that tell its model of few steps from the others, and what suits that;
without a guidance where it has no effect.
"""


def from_picture(pipeline: str) -> frozenset[str]:
    """The fields of a request about a picture to start from that count with a pipeline."""
    starts, repaints = FROM_PICTURE.get(pipeline, ("", ""))
    fields = {"picture": starts, "strength": starts not in ("", pipeline), "mask": repaints}
    return frozenset(name for name, counts in fields.items() if counts)


def _distilled(model: Model) -> Mapping[str, Any] | None:
    """The values that suit a model which was distilled to few steps; None for one that was not."""
    name, key, value, values = DISTILLED.get(
        str(weights.json_or_empty(model.folder / INDEX).get("_class_name")), (INDEX, "", None, {})
    )
    return values if key and weights.json_or_empty(model.folder / name).get(key) == value else None


def _defaults(model: Model) -> Mapping[str, Any]:
    return _distilled(model) or {}


def _unused(model: Model) -> frozenset[str]:
    values = _distilled(model)
    return frozenset() if values is None or "guidance" in values else frozenset({"guidance"})


SIDE_STEP = 16
"""Pixels; the coarsest that the pipelines below ask for: eight to a latent, and two latents to a token."""
FEW_TOKENS = 10_000
"""A tokenizer of fewer was learned from the captions of a small model; those of large ones have 32,000 and more."""
_SILENT = "a an the of with and in at near by on as to from into over is are there it its this that"
SILENT = frozenset(_SILENT.split())
"""Words of English that say nothing of what is shown."""


@functools.lru_cache(maxsize=16)
def _words_of_scenes(model: Model) -> frozenset[str]:
    listed: Any = weights.json_or_empty(model.folder / CONFIG).get("words")
    return frozenset(str(word) for word in cast("list[Any]", listed)) if isinstance(listed, list) else frozenset()


def _understood_by_scenes(model: Model, prompt: str) -> UnderstoodPrompt | None:
    words = _words_of_scenes(model)
    if not words:
        return None  # a folder that cannot be loaded either, which says why
    from studio.backends.poster.scene.prompt import read  # with its tables: the window starts without

    found = read(prompt, words)
    return UnderstoodPrompt(found.understood, found.unknown)


@functools.lru_cache(maxsize=16)
def _words_of_tokenizer(model: Model) -> frozenset[str]:
    """The words that the byte pairs of a small tokenizer make whole; none for a large one, which knows any."""
    told: Any = weights.json_or_empty(model.folder / "tokenizer" / "tokenizer.json").get("model")
    vocabulary: Any = cast("dict[str, Any]", told).get("vocab") if isinstance(told, dict) else None
    if not isinstance(vocabulary, dict) or len(cast("dict[str, Any]", vocabulary)) > FEW_TOKENS:
        return frozenset()
    whole = (token.removesuffix("</w>") for token in cast("dict[str, Any]", vocabulary) if token.endswith("</w>"))
    return frozenset(word for word in whole if len(word) > 1)


def _understood_by_tokens(model: Model, prompt: str) -> UnderstoodPrompt | None:
    words = _words_of_tokenizer(model)
    return read_words(prompt, words.__contains__, SILENT) if words else None


def _demand_with(controls: frozenset[str]) -> Callable[[ModelFacts, Request, Machine], Demand]:
    """`demand` of a family with these controls: a picture to start from takes and spares nothing where it does not
    count, and of one without a strength all steps are run.
    """
    without = {"picture": WorkKey(), "strength": 1.0}

    def asked(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
        changes = {name: value for name, value in without.items() if name not in controls and hasattr(request, name)}
        return demand(facts, request.replace(**changes), machine)

    return asked


def _family(
    name: str,
    title: str,
    pipelines: tuple[str, ...],
    *,
    tensor: str = "",
    side: int = 1024,
    steps: int,
    guidance: float,
    negative: bool = True,
) -> Family:
    """A family of pictures of `side` pixels; without `negative` where the pipeline does not use it."""
    marks = [Mark("pipeline", pipeline) for pipeline in pipelines]
    controls = CONTROLS.union(*(from_picture(pipeline) for pipeline in pipelines))
    controls = controls if negative else controls - {"negative"}
    return Family(
        name,
        title,
        (*marks, Mark("tensor", tensor)) if tensor else tuple(marks),
        defaults={"width": side, "height": side, "steps": steps, "guidance": guidance},
        controls=controls,
        unused=_unused,
        defaults_of=_defaults,
        check_files=check,
        demand=_demand_with(controls),
        trial=TRIAL,
        understood=_understood_by_tokens,
        side_step=SIDE_STEP,
    )


def _check_scene(folder: Path) -> None:
    from studio.backends.poster.scene.check import check  # with numpy: the window starts without

    check(folder)


FAMILIES = (
    # It says what stands where, and the studio draws that: there are no pixels that a prompt could keep away.
    Family(
        SCENE,
        "AIGC Studio scene model",
        (Mark("model_type", SCENE),),
        defaults={"steps": 60, "guidance": 1.5, "variety": 0.7},
        limits={"guidance": (1, 4)},
        controls=CONTROLS - {"negative"} | {"variety"},
        check_files=_check_scene,
        demand=scene_demand,
        trial="studio.backends.poster.engine.scene_trial",
        understood=_understood_by_scenes,
    ),
    _family(
        "sdxl",
        "Stable Diffusion XL network",
        ("StableDiffusionXLPipeline",),
        tensor="conditioner.embedders.1.",
        steps=50,
        guidance=5.0,
    ),
    _family(
        "sd3",
        "Stable Diffusion 3 network",
        ("StableDiffusion3Pipeline",),
        tensor="joint_blocks.0.",
        steps=28,
        guidance=7.0,
    ),
    # Its negative prompt counts only beside a second guidance, which would double the time of every step.
    _family(
        "flux",
        "FLUX network",
        ("FluxPipeline",),
        tensor="double_blocks.0.img_attn",
        steps=28,
        guidance=3.5,
        negative=False,
    ),
    # Its tensors' names begin like those of the families above: looked for after them.
    _family(
        "sd",
        "Stable Diffusion network",
        ("StableDiffusionPipeline",),
        tensor="cond_stage_model.",
        side=512,
        steps=50,
        guidance=7.5,
    ),
    _family("flux2", "FLUX.2 network", ("Flux2Pipeline", "Flux2KleinPipeline"), steps=50, guidance=4.0, negative=False),
    _family("qwen-image", "Qwen-Image network", ("QwenImagePipeline",), steps=50, guidance=4.0),
    _family("z-image", "Z-Image network", ("ZImagePipeline",), steps=50, guidance=5.0),
    _family("sana", "Sana network", ("SanaPipeline",), steps=20, guidance=4.5),
    _family("chroma", "Chroma network", ("ChromaPipeline",), steps=35, guidance=5.0),
    _family("cogview4", "CogView4 network", ("CogView4Pipeline",), steps=50, guidance=5.0),
    _family("lumina2", "Lumina 2 network", ("Lumina2Pipeline",), steps=30, guidance=4.0),
    _family("pixart", "PixArt network", ("PixArtAlphaPipeline", "PixArtSigmaPipeline"), steps=20, guidance=4.5),
    _family("auraflow", "AuraFlow network", ("AuraFlowPipeline",), steps=50, guidance=3.5),
    _family(
        "lcm",
        "Latent Consistency network",
        ("LatentConsistencyModelPipeline",),
        side=512,
        steps=4,
        guidance=8.5,
        negative=False,
    ),
    # What `studio train poster` makes. It suits the request's own values.
    Family(
        "diffusers",
        "AIGC Studio poster model",
        controls=CONTROLS | from_picture("StableDiffusionPipeline"),
        check_files=check,
        demand=demand,
        trial=TRIAL,
        understood=_understood_by_tokens,
        side_step=SIDE_STEP,
    ),
)
