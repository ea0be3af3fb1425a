"""Text-to-image families that the poster engine runs: one entry makes one known everywhere.

The engine opens what diffusers' DiffusionPipeline opens, so a family that it has needs no more than its entry. Steps
and guidance are those that each pipeline has by itself.
"""

from __future__ import annotations

from studio.models.families import Family, Mark

CONTROLS = frozenset({"prompt", "negative", "width", "height", "steps", "guidance"})


def _family(
    name: str,
    title: str,
    pipelines: tuple[str, ...],
    *,
    tensor: str = "",
    side: int = 1024,
    steps: int,
    guidance: float | None,
    negative: bool = True,
) -> Family:
    """A family of pictures of `side` pixels; without `guidance` or `negative` where the pipeline does not use it."""
    marks = [Mark("pipeline", pipeline) for pipeline in pipelines]
    defaults: dict[str, float] = {"width": side, "height": side, "steps": steps}
    unused = {"negative"} if not negative else set[str]()
    if guidance is None:
        unused.add("guidance")
    else:
        defaults["guidance"] = guidance
    return Family(
        name,
        title,
        (*marks, Mark("tensor", tensor)) if tensor else tuple(marks),
        defaults=defaults,
        controls=CONTROLS - unused,
    )


FAMILIES = (
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
    # Guided by its negative prompt alone.
    _family("qwen-image", "Qwen-Image network", ("QwenImagePipeline",), steps=50, guidance=None),
    _family("z-image", "Z-Image network", ("ZImagePipeline",), steps=50, guidance=5.0),
    _family("sana", "Sana network", ("SanaPipeline",), steps=20, guidance=4.5),
    _family("chroma", "Chroma network", ("ChromaPipeline",), steps=35, guidance=5.0),
    _family("cogview4", "CogView4 network", ("CogView4Pipeline",), steps=50, guidance=5.0),
    _family("lumina2", "Lumina 2 network", ("Lumina2Pipeline",), steps=30, guidance=4.0),
    _family("pixart", "PixArt network", ("PixArtAlphaPipeline", "PixArtSigmaPipeline"), steps=20, guidance=4.5),
    # What `studio train poster` makes. It suits the request's own values.
    Family("diffusers", "AIGC Studio poster model", controls=CONTROLS),
)
