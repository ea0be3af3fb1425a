"""What painting a picture takes: the denoiser's feature maps or tokens, and the decoder's at full size, the peak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

from studio.models.fit.demand import Demand, Machine, ModelFacts, Part, attention, attention_layers, conv
from studio.schema.request import Request

LIBRARIES = 230_000_000
"""Bytes of diffusers and transformers once they are imported and have run."""
MAKING = 3.0
"""Maps that a convolution holds: what comes in, the same in the layout that oneDNN computes in, and what it makes."""
BLOCK = 20.0
"""Maps of a block of attention: both halves of its feed-forward part (8), the gate made active (4), their product (4),
and what came in, normed, attended and added."""
CALLS, ATTENDING = 400, 1000
"""Small operations that take as long as starting those of a UNet's layer does, and of a layer of attention in it."""
NORMED, COPIED = 500, 270
"""Operations of convolutions that take as long as norming a value and making it active, and as enlarging one."""
PREVIEW = 24
"""Latents of the longer side of a preview, where the decoder makes it; as in the engine."""
PREVIEWS = 0.1
"""Share of the time that further previews take; as in the engine."""
HEAP = 256_000_000
"""Bytes that the C library keeps of what was freed: pieces below 32 MiB, into which later ones do not always fit."""
TOKENS = 14.0
"""Values of a transformer's width that it holds for each token: queries, keys, values, and four for each feed-forward
input and output."""
ONE_AREA = ("PixArtTransformer2DModel", "SanaTransformer2DModel")
"""Networks whose pipelines paint at the area that they were trained for, and bring the picture to its size."""
WORDS = 256
"""Tokens of a prompt, as most text encoders fill it up."""
DECODER_CHANNELS = (128, 256, 512, 512)
"""Those of Stable Diffusion's autoencoder, and of most after it."""
SCENES = 8
"""Sets of rows that a scene model computes at once: four, each with the prompt and without it."""
DRAWING = 16
"""Bytes for each pixel of a drawing: as it is drawn, as a PNG at worst, and as it is read from that, twice."""
DRAWERS = 40_000_000
"""Bytes of what draws, once it is there."""
UNET_CHANNELS = (320, 640, 1280)


def demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of a PosterRequest, with any pipeline of diffusers."""
    value = machine.bytes_per_value(facts)
    width, height = painted_size(facts, int(getattr(request, "width", 512)), int(getattr(request, "height", 512)))
    steps = int(getattr(request, "steps", 20))
    batch = 2 if float(getattr(request, "guidance", 0.0)) > 1 else 1
    decoder = facts.part("vae")
    shrink = shrinking(decoder)
    latents = (width // shrink) * (height // shrink)
    unet = facts.part("unet")
    if unet.values or unet.config:
        held, flops, convolved, calls = _unet(unet, latents, batch)
    else:
        held, flops, calls = _transformer(facts, decoder, latents, batch)
        convolved = 0.0
    decoding, decoding_flops = decode(decoder, width * height)
    encoding = 0.0
    if getattr(request, "picture", None):
        steps = max(1, int(steps * float(getattr(request, "strength", 1.0))))
        encoding = decoding_flops  # its encoder is its decoder's mirror
    previewing = 0.0
    if "latent_rgb" not in facts.part("").config and (unet.values or unet.config):
        shrink = max(1, max(width, height) // shrink // PREVIEW) ** 2
        previewing = decode(decoder, width * height // shrink)[1] + PREVIEWS * steps * convolved
    kept = min(HEAP, value * (held + decoding)) if machine.device == "cpu" else 0
    return Demand(
        weights=facts.values * value,
        working=int(value * max(held, decoding) + kept),
        loading=facts.largest,
        libraries=LIBRARIES,
        flops=steps * flops,
        convolutions=steps * convolved + encoding + decoding_flops + previewing,
        calls=steps * calls + CALLS * 20,
        value=value,
    )


def painted_size(facts: ModelFacts, width: int, height: int) -> tuple[int, int]:
    """What is painted for a picture of that size: the model's native area, where its config.json says one or its
    pipeline paints no other.
    """
    network = facts.part("transformer")
    native = facts.part("").counts("native")
    if network.config.get("_class_name") in ONE_AREA:
        native = (network.count("sample_size") * shrinking(facts.part("vae")),) * 2
    if len(native) != 2 or not all(native):
        return width, height
    scale = math.sqrt(native[0] * native[1] / (width * height))
    return max(8, round(width * scale)), max(8, round(height * scale))


def decoder_channels(decoder: Part) -> Sequence[int]:
    """Channels of its levels, that at full size first."""
    found = decoder.counts("block_out_channels", "decoder_block_out_channels")
    if found:
        return found
    times = decoder.counts("dim_mult")
    return tuple(decoder.count("base_dim") * each for each in times) if times else DECODER_CHANNELS


def shrinking(decoder: Part) -> int:
    """Pixels of the picture for each latent, along a side."""
    return 2 ** (len(decoder_channels(decoder)) - 1)


def decode(decoder: Part, pixels: int) -> tuple[float, float]:
    """(values that the decoder holds at its peak, its operations) for a picture of so many pixels.

    Each level begins with the channels of the one below it, enlarged, while what they were before that, and what came
    into their block, are still there: for Stable Diffusion 256 channels at full size, three times and three quarters.
    """
    channels = decoder_channels(decoder)
    layers = decoder.count("layers_per_block", usual=2) + 1
    held = flops = 0.0
    for level, own in enumerate(channels):
        there = pixels / 4**level
        entering, before = (channels[min(level + up, len(channels) - 1)] for up in (1, 2))
        enlarged = MAKING * entering + (entering + before) / 4
        held = max(held, max(enlarged, MAKING * entering + own) * there)
        flops += conv(1, 1, entering, own) * there + (2 * layers - 1) * conv(1, 1, own, own) * there
        flops += conv(1, 1, entering, entering) * there
        flops += there * (2 * layers * NORMED * own + COPIED * entering)
    return held, flops


def _unet(unet: Part, latents: int, batch: int) -> tuple[float, float, float, float]:
    """(values held, operations of matrices and of convolutions, calls) of one pass of a UNet."""
    channels = unet.counts("block_out_channels") or UNET_CHANNELS
    layers = unet.count("layers_per_block", usual=2)
    blocks = unet.config.get("down_block_types")
    kinds = [str(kind) for kind in cast("list[Any]", blocks)] if isinstance(blocks, list) else []
    depths = unet.counts("transformer_layers_per_block") or (1,) * len(channels)
    kept = widest = flops = convolved = calls = 0.0
    for level, own in enumerate(channels):
        there = latents / 4**level
        attends = level < len(kinds) and "Attn" in kinds[level]
        kept += (layers + 1) * own * there
        # On its way up a convolution reads twice the channels.
        widest = max(widest, (BLOCK if attends else 2 * MAKING) * own * there)
        # Down: two convolutions a layer. Up: one layer more, whose first reads twice the channels.
        convolved += there * (2 * layers + 3 * (layers + 1)) * (conv(1, 1, own, own) + NORMED * own)
        calls += (2 * layers + 1) * CALLS
        if attends:
            depth = depths[min(level, len(depths) - 1)] * (2 * layers + 1)
            heads = unet.counts("num_attention_heads", "attention_head_dim") or (unet.count("attention_head_dim"),)
            flops += attention_layers(int(there), own, depth, 6 * own, heads[min(level, len(heads) - 1)] or 8)
            calls += depth * ATTENDING
    # The weights of a convolution are brought into oneDNN's layout whenever it runs.
    copied = 9.0 * 2 * channels[-1] ** 2
    return batch * kept + max(batch * widest, copied), batch * flops, batch * convolved, calls


def _transformer(facts: ModelFacts, decoder: Part, latents: int, batch: int) -> tuple[float, float, float]:
    """The same of a transformer, all of whose weights are used for each token. One of which only the number of its
    weights is known is taken to be 64 times as wide as deep.
    """
    network = facts.part("transformer")
    values = network.values or facts.values
    guess = int((values * 16 / 3) ** (1 / 3)) or 1024
    width = network.count("num_attention_heads", "n_heads") * network.count("attention_head_dim")
    width = width or network.count("dim", "hidden_size", usual=guess)
    layers = sum(
        network.count(name) for name in ("num_layers", "num_single_layers", "n_layers", "num_mmdit_layers",
                                         "num_single_dit_layers")
    ) or max(1, guess // 64)  # fmt: skip
    tokens = latents // _patch(network, decoder) + WORDS
    heads = network.count("num_attention_heads", "n_heads", usual=max(1, width // 64))
    flops = 2.0 * values * tokens + layers * attention(tokens, width, heads)
    return batch * TOKENS * width * tokens, batch * flops, float(layers * CALLS)


def _patch(network: Part, decoder: Part) -> int:
    """Latents that make one token."""
    side = network.count("patch_size")
    if side > 1:
        return side * side
    latent = decoder.count("latent_channels", "z_dim")
    return 1 if side == 1 and latent and network.count("in_channels") == latent else 4


def scene_demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of a PosterRequest, with a scene model: a few sets of rows in 32 bits, and the drawing at full size."""
    root = facts.part("")
    width, layers = root.count("width", usual=128), root.count("layers", usual=5)
    rows = root.count("slots", usual=32) * SCENES
    steps = int(getattr(request, "steps", 60))
    pixels = int(getattr(request, "width", 512)) * int(getattr(request, "height", 768))
    return Demand(
        weights=facts.values * 4,
        working=int(4 * BLOCK * rows * width + DRAWING * pixels),
        loading=facts.largest,
        libraries=DRAWERS,
        flops=steps * 2.0 * rows * layers * 12 * width * width,
        calls=steps * layers * 40.0,
    )
