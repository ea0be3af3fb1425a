"""Picture models of random weights in folders, as a hub would give them: one of each family the studio runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import diffusers as diffusers_library
import torch
import transformers as transformers_library
from tokenizers.processors import TemplateProcessing

from studio.backends.poster.engine.network import PosterShape
from studio.backends.poster.engine.network import train_tokenizer as clip_like
from studio.backends.story.engine.texts import train_tokenizer as bpe_like

diffusers: Any = diffusers_library  # neither says what it exports
transformers: Any = transformers_library

PROMPT = "a red fox in the snow"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}{{ c.text }}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WIDE = 16  # numbers that every text encoder gives for a token
FLOW = diffusers.FlowMatchEulerDiscreteScheduler


def made(kind: Any, *config: Any, **values: Any) -> Any:
    """A network of that class with weights that are large enough to be seen, the same every time."""
    torch.manual_seed(3)
    network = kind(*config, **values).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.ndim > 1 and not name.endswith("pos_embed"):
                weight.normal_(0, 0.15)
            elif not weight.any():
                weight.normal_(0, 0.05)
    return network


@cache
def clip_tokenizer() -> Any:
    shape = PosterShape(codec=8, latent=4, denoiser=(8, 16), groups=2, words=WIDE, word_layers=1, vocabulary=560)
    return clip_like([PROMPT] * 3, shape)


@cache
def tokenizer() -> Any:
    """One with a chat template and an ending that it adds, as T5's does."""
    known = bpe_like([f"{PROMPT}. The owl sat in the tree. " * 20], 300, 128).backend_tokenizer
    known.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<pad>"])
    known.post_processor = TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", known.token_to_id("<|endoftext|>"))]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=known,
        eos_token="<|endoftext|>",
        pad_token="<pad>",
        model_max_length=512,
        chat_template=TEMPLATE,
    )


@cache
def clip(projection: bool = False) -> Any:
    words = clip_tokenizer()
    config = transformers.CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=WIDE,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=words.model_max_length,
        projection_dim=WIDE,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return made(transformers.CLIPTextModelWithProjection if projection else transformers.CLIPTextModel, config)


@cache
def t5(kind: Any = transformers.T5EncoderModel, config: Any = transformers.T5Config) -> Any:
    return made(kind, config(vocab_size=len(tokenizer()), d_model=WIDE, d_kv=8, d_ff=16, num_layers=1, num_heads=2))


@cache
def language(kind: Any, config: Any, layers: int = 2) -> Any:
    """A text encoder that is a language model."""
    return made(
        kind,
        config(
            vocab_size=len(tokenizer()),
            hidden_size=WIDE,
            intermediate_size=16,
            num_hidden_layers=layers,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            max_position_embeddings=512,
            pad_token_id=tokenizer().pad_token_id,
            bos_token_id=None,
            eos_token_id=None,
        ),
    )


@cache
def codec(halvings: int = 3, quant: bool = True, **config: Any) -> Any:
    return made(
        diffusers.AutoencoderKL,
        block_out_channels=(8,) * (halvings + 1),
        down_block_types=("DownEncoderBlock2D",) * (halvings + 1),
        up_block_types=("UpDecoderBlock2D",) * (halvings + 1),
        norm_num_groups=2,
        use_quant_conv=quant,
        use_post_quant_conv=quant,
        **config,
    )


def unet(**config: Any) -> Any:
    return made(
        diffusers.UNet2DConditionModel,
        **{
            "sample_size": 16,
            "block_out_channels": (8, 16),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
            "layers_per_block": 1,
            "norm_num_groups": 2,
            "cross_attention_dim": WIDE,
            "attention_head_dim": 4,
            **config,
        },
    )


def sd(kind: Any = diffusers.StableDiffusionPipeline, **config: Any) -> Any:
    return kind(
        vae=codec(),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        unet=unet(**config),
        scheduler=diffusers.DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def lcm() -> Any:
    pipe = sd(diffusers.LatentConsistencyModelPipeline, time_cond_proj_dim=16)
    return diffusers.LatentConsistencyModelPipeline(
        **{**pipe.components, "scheduler": diffusers.LCMScheduler()}, requires_safety_checker=False
    )


def sdxl() -> Any:
    return diffusers.StableDiffusionXLPipeline(
        vae=codec(),
        text_encoder=clip(),
        text_encoder_2=clip(projection=True),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=unet(
            cross_attention_dim=2 * WIDE,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDE,
        ),
        scheduler=diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
    )


def sd3() -> Any:
    network = made(
        diffusers.SD3Transformer2DModel,
        sample_size=32,
        in_channels=16,
        out_channels=16,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=2 * WIDE,
        caption_projection_dim=32,
        pooled_projection_dim=2 * WIDE,
        pos_embed_max_size=96,
    )
    return diffusers.StableDiffusion3Pipeline(
        transformer=network,
        scheduler=FLOW(),
        vae=codec(latent_channels=16, shift_factor=0.06),
        text_encoder=clip(projection=True),
        tokenizer=clip_tokenizer(),
        text_encoder_2=clip(projection=True),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=made(
            transformers.T5EncoderModel,
            transformers.T5Config(
                vocab_size=len(tokenizer()), d_model=2 * WIDE, d_kv=8, d_ff=16, num_layers=1, num_heads=2
            ),
        ),
        tokenizer_3=tokenizer(),
    )


def flux(guided: bool = True) -> Any:
    network = made(
        diffusers.FluxTransformer2DModel,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDE,
        pooled_projection_dim=WIDE,
        guidance_embeds=guided,
        axes_dims_rope=(4, 4, 8),
    )
    return diffusers.FluxPipeline(
        scheduler=FLOW(use_dynamic_shifting=guided),
        vae=codec(shift_factor=0.1),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=tokenizer(),
        transformer=network,
    )


def flux2_transformer(layers: int) -> Any:
    return made(
        diffusers.Flux2Transformer2DModel,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=layers * WIDE,
        axes_dims_rope=(4, 4, 4, 4),
    )


def flux2_codec() -> Any:
    return made(
        diffusers.AutoencoderKLFlux2,
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
    )


def klein(distilled: bool = False) -> Any:
    return diffusers.Flux2KleinPipeline(
        scheduler=FLOW(use_dynamic_shifting=True),
        vae=flux2_codec(),
        text_encoder=language(transformers.Qwen3ForCausalLM, transformers.Qwen3Config, 28),
        tokenizer=tokenizer(),
        transformer=flux2_transformer(3),
        is_distilled=distilled,
    )


def qwen_image() -> Any:
    vision = {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 16, "out_hidden_size": WIDE}
    words = {
        "vocab_size": len(tokenizer()),
        "hidden_size": WIDE,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    config = transformers.Qwen2_5_VLConfig(text_config=words, vision_config=vision)
    network = made(
        diffusers.QwenImageTransformer2DModel,
        in_channels=16,
        out_channels=4,
        num_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDE,
        axes_dims_rope=(4, 4, 8),
    )
    pictures = made(
        diffusers.AutoencoderKLQwenImage,
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1],
        num_res_blocks=1,
        temperal_downsample=[False],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    )
    return diffusers.QwenImagePipeline(
        scheduler=FLOW(use_dynamic_shifting=True),
        vae=pictures,
        text_encoder=made(transformers.Qwen2_5_VLForConditionalGeneration, config),
        tokenizer=tokenizer(),
        transformer=network,
    )


def z_image() -> Any:
    network = made(
        diffusers.ZImageTransformer2DModel,
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=WIDE,
        axes_dims=[8, 4, 4],
        axes_lens=[640, 64, 64],
    )
    return diffusers.ZImagePipeline(
        scheduler=FLOW(shift=3.0),
        vae=codec(quant=False, shift_factor=0.0),
        text_encoder=language(transformers.Qwen3Model, transformers.Qwen3Config),
        tokenizer=tokenizer(),
        transformer=network,
    )


def sana() -> Any:
    network = made(
        diffusers.SanaTransformer2DModel,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=WIDE,
        sample_size=16,  # 512 pixels, the least that its pipeline paints
    )
    pictures = made(
        diffusers.AutoencoderDC,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock",) * 5 + ("EfficientViTBlock",),
        decoder_block_types=("ResBlock",) * 5 + ("EfficientViTBlock",),
        encoder_block_out_channels=(4,) * 5 + (8,),
        decoder_block_out_channels=(4,) * 5 + (8,),
        encoder_layers_per_block=(1,) * 6,
        decoder_layers_per_block=(1,) * 6,
        encoder_qkv_multiscales=((),) * 5 + ((5,),),
        decoder_qkv_multiscales=((),) * 5 + ((5,),),
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.41407,
    )
    return diffusers.SanaPipeline(
        tokenizer=tokenizer(),
        text_encoder=language(transformers.Gemma2Model, transformers.Gemma2Config),
        vae=pictures,
        transformer=network,
        scheduler=FLOW(shift=3.0),
    )


def chroma() -> Any:
    network = made(
        diffusers.ChromaTransformer2DModel,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDE,
        axes_dims_rope=(4, 4, 8),
        approximator_num_channels=8,
        approximator_hidden_dim=16,
        approximator_layers=1,
    )
    return diffusers.ChromaPipeline(
        scheduler=FLOW(), vae=codec(shift_factor=0.1), text_encoder=t5(), tokenizer=tokenizer(), transformer=network
    )


def cogview4() -> Any:
    network = made(
        diffusers.CogView4Transformer2DModel,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        attention_head_dim=4,
        num_attention_heads=4,
        text_embed_dim=WIDE,
        time_embed_dim=8,
        condition_dim=4,
    )
    return diffusers.CogView4Pipeline(
        tokenizer=tokenizer(),
        text_encoder=language(transformers.GlmModel, transformers.GlmConfig),
        vae=codec(),
        transformer=network,
        scheduler=FLOW(use_dynamic_shifting=True, base_shift=0.25, max_shift=0.75),
    )


def lumina2() -> Any:
    network = made(
        diffusers.Lumina2Transformer2DModel,
        sample_size=16,
        in_channels=4,
        hidden_size=24,
        num_layers=1,
        num_refiner_layers=1,
        num_attention_heads=3,
        num_kv_heads=1,
        multiple_of=2,
        ffn_dim_multiplier=1.3,
        axes_dim_rope=(4, 2, 2),
        axes_lens=(300, 64, 64),
        cap_feat_dim=WIDE,
    )
    return diffusers.Lumina2Pipeline(
        transformer=network,
        scheduler=FLOW(),
        vae=codec(shift_factor=0.1),
        text_encoder=language(transformers.Gemma2Model, transformers.Gemma2Config),
        tokenizer=tokenizer(),
    )


def pixart(kind: Any, **config: Any) -> Any:
    network = made(
        diffusers.PixArtTransformer2DModel,
        sample_size=32,  # 256 pixels, the least that its pipeline paints
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=WIDE,
        **config,
    )
    return kind(
        tokenizer=tokenizer(),
        text_encoder=t5(),
        vae=codec(),
        transformer=network,
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )


def aura_flow() -> Any:
    network = made(
        diffusers.AuraFlowTransformer2DModel,
        sample_size=32,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=WIDE,
        caption_projection_dim=16,
        pos_embed_max_size=1024,
    )
    return diffusers.AuraFlowPipeline(
        tokenizer=tokenizer(),
        text_encoder=t5(transformers.UMT5EncoderModel, transformers.UMT5Config),
        vae=codec(),
        transformer=network,
        scheduler=FLOW(),
    )


TOYS: dict[str, Callable[[], Any]] = {
    "sd": sd,
    "lcm": lcm,
    "sdxl": sdxl,
    "sd3": sd3,
    "flux": flux,
    "flux-schnell": lambda: flux(guided=False),
    "flux2-klein": klein,
    "flux2-klein-distilled": lambda: klein(distilled=True),
    "qwen-image": qwen_image,
    "z-image": z_image,
    "sana": sana,
    "chroma": chroma,
    "cogview4": cogview4,
    "lumina2": lumina2,
    "pixart-alpha": lambda: pixart(diffusers.PixArtAlphaPipeline, use_additional_conditions=False),
    "pixart-sigma": lambda: pixart(diffusers.PixArtSigmaPipeline, use_additional_conditions=False),
    "auraflow": aura_flow,
}
"""A pipeline for each, made anew."""


def picture_model(folder: Path, name: str) -> Path:
    """`folder` with that pipeline."""
    TOYS[name]().save_pretrained(folder)
    return folder


def pipeline_named(folder: Path, kind: str) -> Path:
    """`folder` with a whole pipeline of Stable Diffusion that calls itself otherwise."""
    picture_model(folder, "sd")
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "_class_name": kind}), encoding="utf-8")
    return folder
