"""Writes models of random weights for the bench `fit`, large enough to be told from the process itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers as diffusers_library
import tomli_w
import torch
import transformers as transformers_library

from studio.backends.avatar.engine.files import write as write_faces
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.backends.music.engine.codec import small_codec
from studio.backends.music.engine.prior import small_prior
from studio.backends.poster.engine.network import PosterShape
from studio.backends.poster.engine.network import train_tokenizer as clip_tokenizer
from studio.backends.story.engine.texts import train_tokenizer
from studio.backends.upscale.engine.networks import network
from studio.models import weights

diffusers: Any = diffusers_library  # neither says what it exports
transformers: Any = transformers_library

WORDS = "a red fox in the snow"
STORY = [f"{WORDS}. The owl sat in the tree. " * 20]
CODEC = (64, 128, 256, 256)
TOY_WRITER, WRITER = (64, 2, 4), (768, 12, 12)
"""Width, layers and heads of the models that write."""


def codec(toy: bool) -> Any:
    channels = (8, 8, 8, 8) if toy else CODEC
    return diffusers.AutoencoderKL(
        block_out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        norm_num_groups=8,
    )


def stable_diffusion(folder: Path, toy: bool) -> None:
    shape = PosterShape(codec=8, latent=4, denoiser=(8, 16), groups=2, words=64, word_layers=1, vocabulary=560)
    words = clip_tokenizer([WORDS] * 3, shape)
    wide = 64 if toy else 512
    encoder = transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            vocab_size=len(words), hidden_size=wide, intermediate_size=4 * wide, num_hidden_layers=6,
            num_attention_heads=8, max_position_embeddings=words.model_max_length, bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
        )
    )  # fmt: skip
    channels = (16, 32, 32) if toy else (128, 256, 512)
    unet = diffusers.UNet2DConditionModel(
        sample_size=64,
        block_out_channels=channels,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=2,
        norm_num_groups=8,
        cross_attention_dim=wide,
        attention_head_dim=8,
    )
    diffusers.StableDiffusionPipeline(
        vae=codec(toy),
        text_encoder=encoder,
        tokenizer=words,
        unet=unet,
        scheduler=diffusers.DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(dtype=torch.float16).save_pretrained(folder)


def pixart(folder: Path, toy: bool) -> None:
    words = _plain_tokenizer()
    wide = 64 if toy else 512
    encoder = transformers.T5EncoderModel(
        transformers.T5Config(
            vocab_size=len(words), d_model=wide, d_kv=64, d_ff=4 * wide, num_layers=2 if toy else 8, num_heads=8
        )
    )
    transformer = diffusers.PixArtTransformer2DModel(
        sample_size=64,
        num_layers=2 if toy else 12,
        num_attention_heads=8,
        attention_head_dim=8 if toy else 72,
        cross_attention_dim=64 if toy else 576,
        caption_channels=wide,
        in_channels=4,
        out_channels=8,
    )
    diffusers.PixArtSigmaPipeline(
        tokenizer=words,
        text_encoder=encoder,
        vae=codec(toy),
        transformer=transformer,
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    ).save_pretrained(folder)


def _plain_tokenizer() -> Any:
    known = train_tokenizer(STORY, 300, 512)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=known.backend_tokenizer,
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        model_max_length=512,
    )


def llama(folder: Path, toy: bool) -> None:
    wide, layers, heads = TOY_WRITER if toy else WRITER
    config = transformers.LlamaConfig(
        vocab_size=32_000, hidden_size=wide, intermediate_size=4 * wide, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=4, max_position_embeddings=2048,
    )  # fmt: skip
    _language(folder, transformers.LlamaForCausalLM(config))


def gpt2(folder: Path, toy: bool) -> None:
    wide, layers, heads = TOY_WRITER if toy else WRITER
    config = transformers.GPT2Config(vocab_size=32_000, n_embd=wide, n_layer=layers, n_head=heads, n_positions=1024)
    _language(folder, transformers.GPT2LMHeadModel(config))


def _language(folder: Path, model: Any) -> None:
    model.generation_config.eos_token_id = None  # so that it never ends a text early
    model.to(torch.bfloat16).save_pretrained(folder)
    train_tokenizer(STORY, 300, 1024).save_pretrained(folder)


def musicgen(folder: Path, toy: bool) -> None:
    sound: Any = small_codec(
        rate=32_000, ratios=(8, 5, 4, 4), filters=8 if toy else 64, dimensions=128, entries=2048, codebooks=4
    )
    for layer in sound.quantizer.layers:
        torch.nn.init.normal_(layer.codebook.embed)
    decoder: Any = small_prior(
        4, 2048, width=64 if toy else 768, layers=2 if toy else 12, context=2048
    ).config.to_dict()
    words = _plain_tokenizer()
    encoder = transformers.T5Config(vocab_size=len(words), d_model=64, d_kv=8, d_ff=64, num_layers=2, num_heads=8)
    parts = {"text_encoder": encoder.to_dict(), "audio_encoder": sound.config.to_dict(), "decoder": decoder}
    model: Any = transformers.MusicgenForConditionalGeneration(transformers.MusicgenConfig(**parts))
    model.audio_encoder = sound
    settings = {"guidance_scale": 3.0, "do_sample": True, "decoder_start_token_id": 2048, "pad_token_id": 2048}
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(folder)
    words.save_pretrained(folder)


def faces(folder: Path, toy: bool) -> None:
    folder.mkdir(parents=True)
    channels = (32, 32, 32, 16) if toy else (512, 512, 512, 512, 512, 256, 128, 64)
    write_faces(Generator(GeneratorShape(channels=channels, planes=3)), folder, None)


def upscaler(family: str) -> Callable[[Path, bool], None]:
    sizes = {
        "srvgg": {"features": 64, "layers": 16, "scale": 4},
        "rrdb": {"features": 64, "growth": 32, "blocks": 6, "scale": 4, "squares": 1},
    }

    def write(folder: Path, toy: bool) -> None:
        from safetensors.torch import save_file

        folder.mkdir(parents=True)
        save_file(network(family, sizes[family]).state_dict(), folder / "model.safetensors")
        config = {"model_type": family, **sizes[family]}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    return write


MODELS: dict[str, tuple[str, str, Callable[[Path, bool], None]]] = {
    "sd": ("poster", "sd", stable_diffusion),
    "pixart": ("poster", "pixart", pixart),
    "llama": ("story", "llama", llama),
    "gpt2": ("story", "gpt2", gpt2),
    "musicgen": ("music", "musicgen", musicgen),
    "stylegan2": ("avatar", "stylegan2", faces),
    "srvgg": ("upscale", "srvgg", upscaler("srvgg")),
    "rrdb": ("upscale", "rrdb", upscaler("rrdb")),
}


def main(folder: Path, names: list[str], toy: bool) -> list[str]:
    """Write the models of these names into folders of a catalog; returns their ids."""
    torch.manual_seed(3)
    for name in names:
        medium, family, write = MODELS[name]
        write(folder / name, toy)
        size, sha256 = weights.fingerprint(folder / name)
        said = {"medium": medium, "family": family, "title": name, "licence": "own", "size": size, "sha256": sha256}
        (folder / name / "model.toml").write_text(tomli_w.dumps(said), encoding="utf-8")
    return names


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    made = main(Path(told["folder"]), told["names"] or list(MODELS), told["toy"])
    sys.stdout.write(json.dumps({"ids": made}) + "\n")
