"""Text-to-image families that the poster engine runs: one entry makes one known everywhere.

The engine opens what diffusers' DiffusionPipeline opens, so a family that it has needs no more than its entry.
"""

from __future__ import annotations

from studio.models.families import Family, Mark


def _pipelines(*names: str) -> tuple[Mark, ...]:
    return tuple(Mark("pipeline", name) for name in names)


FAMILIES = (
    Family("dit", "DiT network", _pipelines("DiTPipeline")),
    Family(
        "sdxl",
        "Stable Diffusion XL network",
        (*_pipelines("StableDiffusionXLPipeline"), Mark("tensor", "conditioner.embedders.1.")),
    ),
    Family(
        "sd3",
        "Stable Diffusion 3 network",
        (*_pipelines("StableDiffusion3Pipeline"), Mark("tensor", "joint_blocks.0.")),
    ),
    Family("flux", "FLUX network", (*_pipelines("FluxPipeline"), Mark("tensor", "double_blocks.0.img_attn"))),
    # Its tensors' names begin like those of the families above: looked for after them.
    Family(
        "sd", "Stable Diffusion network", (*_pipelines("StableDiffusionPipeline"), Mark("tensor", "cond_stage_model."))
    ),
    Family("flux2", "FLUX.2 network", _pipelines("Flux2Pipeline", "Flux2KleinPipeline")),
    Family("qwen-image", "Qwen-Image network", _pipelines("QwenImagePipeline")),
    Family("z-image", "Z-Image network", _pipelines("ZImagePipeline")),
    Family("sana", "Sana network", _pipelines("SanaPipeline")),
    Family("chroma", "Chroma network", _pipelines("ChromaPipeline")),
    Family("cogview4", "CogView4 network", _pipelines("CogView4Pipeline")),
    Family("lumina2", "Lumina 2 network", _pipelines("Lumina2Pipeline")),
    Family("pixart", "PixArt network", _pipelines("PixArtAlphaPipeline", "PixArtSigmaPipeline")),
    Family("kandinsky22", "Kandinsky 2.2 network", _pipelines("KandinskyV22Pipeline")),
)
