"""Sound models of random weights in folders, as a hub would give them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers as diffusers_library
import torch
import transformers as transformers_library
from diffusers.pipelines.ace_step import modeling_ace_step
from diffusers.pipelines.audioldm2 import modeling_audioldm2
from diffusers.pipelines.stable_audio import modeling_stable_audio
from diffusers.pipelines.stable_audio_3 import modeling_stable_audio_3
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    MusicgenConfig,
    MusicgenForConditionalGeneration,
    MusicgenMelodyConfig,
    MusicgenMelodyForConditionalGeneration,
    PreTrainedTokenizerFast,
    T5Config,
)

from studio.backends.music.engine.codec import small_codec
from studio.backends.music.engine.prior import small_prior
from tests.backends.picture_models import WIDE, codec, language, made, t5, tokenizer

diffusers: Any = diffusers_library  # neither says what it exports
transformers: Any = transformers_library

RATE, HOP = 4000, 100
CODEC: dict[str, Any] = {
    "rate": RATE, "ratios": (5, 5, 4), "filters": 8, "dimensions": 40, "entries": 64, "codebooks": 2,
}  # fmt: skip
MUSICGENS = ("mono", "stereo", "melody")
T5: dict[str, Any] = {"vocab_size": 8, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}


def musicgen(folder: Path, kind: str = "mono") -> Path:
    """`folder` with a whole MusicGen, as transformers saves one, with a tokenizer of a few words."""
    torch.manual_seed(0)
    sides = 2 if kind == "stereo" else 1
    decoder: Any = small_prior(2 * sides, 64, width=32, layers=1, context=60).config.to_dict()
    decoder |= {"audio_channels": sides, "initializer_factor": 0.3}
    encodec: Any = small_codec(**CODEC)
    for layer in encodec.quantizer.layers:
        torch.nn.init.normal_(layer.codebook.embed)
    parts = {"text_encoder": T5Config(**T5).to_dict(), "audio_encoder": encodec.config.to_dict(), "decoder": decoder}
    if kind == "melody":
        decoder["model_type"] = "musicgen_melody_decoder"
        config = MusicgenMelodyConfig(**parts, num_chroma=12, chroma_length=5)
        model: Any = MusicgenMelodyForConditionalGeneration(config)
    else:
        model = MusicgenForConditionalGeneration(MusicgenConfig(**parts))
    model.audio_encoder = encodec
    settings = {"guidance_scale": 3.0, "do_sample": True, "decoder_start_token_id": 64, "pad_token_id": 64}
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(folder)
    words().save_pretrained(folder)
    return folder


def words() -> PreTrainedTokenizerFast:
    """A tokenizer of a few words, for a text encoder with eight."""
    known = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2, "march": 3, "sad": 4}, unk_token="<unk>"))
    known.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    return PreTrainedTokenizerFast(
        tokenizer_object=known, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=16
    )


def oobleck(*ratios: int, gain: float) -> Any:
    """A decoder that makes so many samples of a latent, multiplied; `gain` is that of each of its layers."""
    network = made(
        diffusers.AutoencoderOobleck,
        encoder_hidden_size=8,
        downsampling_ratios=list(ratios),
        channel_multiples=[1, 2, 2],
        decoder_channels=8,
        decoder_input_channels=4,
        audio_channels=2,
        sampling_rate=RATE,
    )
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name.endswith("weight_g"):
                weight.fill_(gain)
    return network


def loud(kind: Any, **values: Any) -> Any:
    """A network as `made`, with weights so large that a change of what it is told is heard."""
    network = made(kind, **values)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.mul_(3)
    return network


EDM: dict[str, Any] = {"sigma_min": 0.3, "sigma_max": 500, "sigma_data": 1.0, "prediction_type": "v_prediction"}


def stable_audio() -> Any:
    network = loud(
        diffusers.StableAudioDiTModel,
        sample_size=600,  # more than its decoder takes at once
        in_channels=4,
        out_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        num_key_value_attention_heads=1,
        cross_attention_dim=WIDE,
        time_proj_dim=8,
        global_states_input_dim=2 * WIDE,
        cross_attention_input_dim=WIDE,
    )
    return diffusers.StableAudioPipeline(
        vae=oobleck(2, 2, 4, gain=0.7),
        text_encoder=t5(),
        projection_model=loud(
            modeling_stable_audio.StableAudioProjectionModel,
            text_encoder_dim=WIDE,
            conditioning_dim=WIDE,
            min_value=0,
            max_value=512,
        ),
        tokenizer=tokenizer(),
        transformer=network,
        scheduler=diffusers.EDMDPMSolverMultistepScheduler(sigma_schedule="exponential", **EDM),
    )


def stable_audio_3(distilled: bool = True) -> Any:
    network = loud(
        diffusers.StableAudio3DiTModel,
        io_channels=4,
        embed_dim=16,
        depth=1,
        num_heads=2,
        cond_token_dim=WIDE,
        global_cond_dim=WIDE,
        local_add_cond_dim=5,
        timestep_features_dim=8,
        ff_mult=2.0,
        num_memory_tokens=2,
    )
    sounds = made(
        diffusers.AutoencoderSAME,
        patch_size=4,
        encoder_channels=8,
        encoder_c_mults=(2,),
        encoder_strides=(5,),
        encoder_transformer_depths=(1,),
        latent_dim=4,
        dim_heads=8,
        ff_mult=2,
        sampling_rate=RATE,
    )
    words = transformers.T5GemmaModuleConfig(
        vocab_size=len(tokenizer()),
        hidden_size=WIDE,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        query_pre_attn_scalar=8,
        max_position_embeddings=512,
        pad_token_id=tokenizer().pad_token_id,
        bos_token_id=None,
        eos_token_id=None,
    )
    config = transformers.T5GemmaConfig(
        encoder=words, decoder=words, is_encoder_decoder=False, vocab_size=len(tokenizer())
    )
    return diffusers.StableAudio3Pipeline(
        vae=sounds,
        text_encoder=made(transformers.T5GemmaEncoderModel, config),
        tokenizer=tokenizer(),
        duration_embedder=made(modeling_stable_audio_3.StableAudio3DurationEmbedder, output_dim=WIDE, fourier_dim=8),
        transformer=network,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, stochastic_sampling=distilled),
    )


def clap() -> Any:
    words = transformers.ClapTextConfig(
        vocab_size=64,
        hidden_size=WIDE,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        projection_dim=WIDE,
    )
    sounds = transformers.ClapAudioConfig(
        spec_size=32,
        window_size=2,
        num_mel_bins=16,
        hidden_size=32,
        projection_dim=WIDE,
        depths=(1, 1),
        num_attention_heads=(1, 1),
        patch_embeds_hidden_size=16,
        num_hidden_layers=2,
        patch_size=2,
        patch_stride=2,
    )
    return made(
        transformers.ClapModel, transformers.ClapConfig(text_config=words, audio_config=sounds, projection_dim=WIDE)
    )


def audioldm2() -> Any:
    known = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyzTĠ"]
    network = made(
        modeling_audioldm2.AudioLDM2UNet2DConditionModel,
        sample_size=16,
        block_out_channels=(8, 16),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=2,
        cross_attention_dim=(None, WIDE),
        attention_head_dim=4,
    )
    writer = transformers.GPT2Config(
        vocab_size=16, n_embd=WIDE, n_layer=1, n_head=2, n_positions=99, bos_token_id=0, eos_token_id=0
    )
    writer.max_new_tokens = 8
    vocoder = transformers.SpeechT5HifiGanConfig(
        model_in_dim=8,
        sampling_rate=RATE,
        upsample_initial_channel=8,
        upsample_rates=[2, 4],
        upsample_kernel_sizes=[4, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        normalize_before=False,
    )
    return diffusers.AudioLDM2Pipeline(
        vae=codec(1, in_channels=1, out_channels=1),
        text_encoder=clap(),
        text_encoder_2=t5(),
        projection_model=made(
            modeling_audioldm2.AudioLDM2ProjectionModel,
            text_encoder_dim=WIDE,
            text_encoder_1_dim=WIDE,
            langauge_model_dim=WIDE,
        ),
        language_model=made(transformers.GPT2LMHeadModel, writer),
        tokenizer=transformers.RobertaTokenizerFast(
            vocab={word: place for place, word in enumerate(known)}, merges=[], model_max_length=16
        ),
        tokenizer_2=transformers.T5TokenizerFast(
            vocab=[(word, -1.0) for word in ("<pad>", "</s>", "<unk>", "▁", "▁sad", "▁march", "▁rain")],
            extra_ids=0,
            model_max_length=16,
        ),
        feature_extractor=transformers.ClapFeatureExtractor(feature_size=16),
        unet=network,
        scheduler=diffusers.DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, steps_offset=1),
        vocoder=made(transformers.SpeechT5HifiGan, vocoder),
    )


def ace_step(turbo: bool = True) -> Any:
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "sliding_window": 8,
    }
    conditions = loud(
        modeling_ace_step.AceStepConditionEncoder,
        text_hidden_dim=WIDE,
        timbre_hidden_dim=4,
        num_lyric_encoder_hidden_layers=1,
        num_timbre_encoder_hidden_layers=1,
        **sizes,
    )
    conditions.silence_latent.normal_(0, 0.3)
    return diffusers.AceStepPipeline(
        vae=oobleck(2, 4, 10, gain=1.5),
        text_encoder=language(transformers.Qwen3Model, transformers.Qwen3Config),
        tokenizer=tokenizer(),
        transformer=loud(
            diffusers.AceStepTransformer1DModel,
            num_hidden_layers=2,
            in_channels=12,
            audio_acoustic_hidden_dim=4,
            is_turbo=turbo,
            **sizes,
        ),
        condition_encoder=conditions,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    )


PIPELINES: dict[str, Callable[[], Any]] = {
    "stable-audio": stable_audio,
    "stable-audio-3": stable_audio_3,
    "stable-audio-3-base": lambda: stable_audio_3(distilled=False),
    "audioldm2": audioldm2,
    "ace-step": ace_step,
    "ace-step-base": lambda: ace_step(turbo=False),
}
"""A pipeline for each, made anew."""


def sound_pipeline(folder: Path, name: str) -> Path:
    """`folder` with that pipeline."""
    PIPELINES[name]().save_pretrained(folder)
    return folder
