"""Families of models that the story medium knows: all language models that continue a text."""

from __future__ import annotations

from studio.backends.story.check import check
from studio.models.families import Family, Mark

CONTROLS = frozenset({"prompt", "tokens", "temperature", "top_p", "top_k"})

FAMILIES = (
    Family("llama", "Llama language model", controls=CONTROLS, check_files=check),
    Family("gpt2", "GPT-2 language model", defaults={"top_k": 40}, controls=CONTROLS, check_files=check),
    Family("qwen2", "Qwen2 language model", defaults={"top_p": 0.8, "top_k": 20}, controls=CONTROLS, check_files=check),
    Family(
        "",
        marks=(Mark("architecture", "ForCausalLM"), Mark("architecture", "LMHeadModel")),
        controls=CONTROLS,
        check_files=check,
    ),
)
