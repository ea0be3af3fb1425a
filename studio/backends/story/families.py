"""Families of models that the story medium knows: all language models that continue a text."""

from __future__ import annotations

from studio.models.families import Family, Mark

FAMILIES = (
    Family("llama", "Llama language model"),
    Family("gpt2", "GPT-2 language model"),
    Family("qwen2", "Qwen2 language model"),
    Family("", marks=(Mark("architecture", "ForCausalLM"), Mark("architecture", "LMHeadModel"))),
)
