"""The networks that the studio trains for posters, in diffusers' and transformers' classes, and their folder.

Latent diffusion after Rombach et al. 2022. Codec: AutoencoderTiny, which has no normalisation, so that crops teach it
whole pictures. Denoiser: a small UNet2DConditionModel that predicts v (Salimans and Ho 2022), with the noise schedule
ending in pure noise (Lin et al. 2023), conditioned on words by cross attention and by a pooled vector beside the time.
Knows neither data nor training.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from tokenizers import Tokenizer, trainers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

SPREAD = 4.0  # how far colours reach in latents at the start
BOS, EOS = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True)
class PosterShape:
    """How large the networks are. `encoder` and `decoder` are numbers of blocks, one for each resolution."""

    codec: int = 32
    encoder: tuple[int, ...] = (0, 1, 2)
    decoder: tuple[int, ...] = (2, 1, 0)
    latent: int = 6
    denoiser: tuple[int, ...] = (32, 64, 128)
    groups: int = 4
    words: int = 128
    word_layers: int = 2
    vocabulary: int = 1200
    length: int = 32

    @property
    def factor(self) -> int:
        """Pixels to a side of one latent."""
        return 2 ** (len(self.encoder) - 1)


def make_autoencoder(shape: PosterShape) -> AutoencoderTiny:
    """Pictures `[N, 3, H, W]` in [-1, 1] to latents `[N, latent, H / factor, W / factor]` and back.

    It starts as a reducing and enlarging of the picture: colours pass through untouched, and learning adds detail.
    """
    levels = len(shape.encoder)
    made = AutoencoderTiny(
        encoder_block_out_channels=(shape.codec,) * levels,
        decoder_block_out_channels=(shape.codec,) * levels,
        num_encoder_blocks=shape.encoder,
        num_decoder_blocks=shape.decoder,
        latent_channels=shape.latent,
    )
    with torch.no_grad():
        for conv in made.modules():
            if isinstance(conv, nn.Conv2d):
                nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        for block in list(made.modules()):
            if type(block).__name__ == "AutoencoderTinyBlock":
                last = block.get_submodule("conv.4")
                last.get_parameter("weight").mul_(0.3)[:3] = 0
                last.get_parameter("bias").zero_()
        chains: list[list[nn.Module]] = [list(made.encoder.layers), list(made.decoder.layers)]
        for chain in chains:
            for conv in chain:
                if isinstance(conv, nn.Conv2d):
                    _pass_colours(conv)
        last, first = chains[0][-1], chains[1][0]
        assert isinstance(last, nn.Conv2d)
        assert isinstance(first, nn.Conv2d)
        assert last.bias is not None
        last.weight[:3] *= SPREAD
        last.bias[:3] = -SPREAD / 2
        assert first.bias is not None
        first.weight[:3] /= SPREAD
        first.bias[:3] = 0.5
    return made


def _pass_colours(conv: nn.Conv2d) -> None:
    """Make the first three channels copy their input, averaged over 2 x 2 where the convolution halves the picture."""
    conv.weight[:3] = 0
    if conv.bias is not None:
        conv.bias[:3] = 0
    taps, value = ((1, 2), 0.25) if conv.stride[0] == 2 else ((1,), 1.0)
    for colour in range(3):
        for row in taps:
            for column in taps:
                conv.weight[colour, colour, row, column] = value


def make_denoiser(shape: PosterShape, rows: int, columns: int) -> UNet2DConditionModel:
    """Noisy latents, timestep and words to v. Attention brings words to the lowest level, a pooled vector to all."""
    levels = len(shape.denoiser)
    made = UNet2DConditionModel(
        sample_size=(rows, columns),
        in_channels=shape.latent,
        out_channels=shape.latent,
        block_out_channels=shape.denoiser,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("CrossAttnDownBlock2D",),
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("CrossAttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
        cross_attention_dim=shape.words,
        attention_head_dim=max(1, shape.denoiser[-1] // 32),
        norm_num_groups=2 * shape.groups,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    _zero_init_half(made.conv_in)
    return made


def _zero_init_half(conv: nn.Conv2d) -> None:
    """Let half of the channels start as constants.

    Zero padding changes them at the borders, which tells every layer its position however noisy the latents are; a
    convolutional network has nothing else to tell top from bottom by.
    """
    still = conv.out_channels // 2
    with torch.no_grad():
        conv.weight[still:] = 0
        if conv.bias is not None:
            conv.bias[still:] = torch.linspace(-1.5, 1.5, 4).repeat(still)[: conv.out_channels - still]


def make_scheduler() -> DDIMScheduler:
    """v-prediction on a cosine schedule that ends in pure noise, so that a night may be dark all over."""
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def train_tokenizer(captions: Iterable[str], shape: PosterShape) -> CLIPTokenizer:
    """Byte pairs learned from `captions`: any text has tokens, though only the captions' words mean anything."""
    plain = CLIPTokenizer()
    learner = Tokenizer(BPE(end_of_word_suffix="</w>", unk_token=EOS))
    learner.normalizer = plain.backend_tokenizer.normalizer
    learner.pre_tokenizer = plain.backend_tokenizer.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=shape.vocabulary,
        special_tokens=[BOS, EOS],
        initial_alphabet=_bytes(),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    merges: Any = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    # The learner numbers letters in an order that differs from run to run; a resumed training needs the same numbers.
    letters = _bytes()
    names = [BOS, EOS, *letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=shape.length)


def _bytes() -> list[str]:
    return sorted(ByteLevel.alphabet())


def make_text_encoder(shape: PosterShape, tokens: CLIPTokenizer) -> CLIPTextModel:
    """A small CLIP text encoder: token ids `[N, length]` to states `[N, length, words]`."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens),
            hidden_size=shape.words,
            intermediate_size=4 * shape.words,
            num_hidden_layers=shape.word_layers,
            num_attention_heads=4,
            max_position_embeddings=shape.length,
            projection_dim=shape.words,
            bos_token_id=tokens.get_vocab()[BOS],
            eos_token_id=tokens.get_vocab()[EOS],
            pad_token_id=tokens.get_vocab()[EOS],
        )
    )


def make_pipeline(vae: Any, unet: Any, text: Any, tokens: CLIPTokenizer) -> StableDiffusionPipeline:
    """The parts as one, in diffusers' most widely read pipeline. It declares narrower types than it takes."""
    parts: dict[str, Any] = {"scheduler": make_scheduler(), "safety_checker": None, "feature_extractor": None}
    return StableDiffusionPipeline(
        vae=vae, unet=unet, text_encoder=text, tokenizer=tokens, requires_safety_checker=False, **parts
    )


def save(pipe: StableDiffusionPipeline, folder: Path, notes: dict[str, object]) -> None:
    """The pipeline folder in 16 bits, and config.json with what diffusers has no place for (`notes`)."""
    halves: dict[str, Any] = {
        name: copy.deepcopy(part).half() if isinstance(part, nn.Module) else part
        for name, part in pipe.components.items()
    }
    StableDiffusionPipeline(**halves, requires_safety_checker=False).save_pretrained(folder, safe_serialization=True)
    (folder / "config.json").write_text(json.dumps(notes, indent=2) + "\n", encoding="utf-8")
