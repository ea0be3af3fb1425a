"""Families of models that the story medium knows: all language models that continue a text."""

from __future__ import annotations

from typing import Any

from studio.backends.story.check import check
from studio.models.families import Family, Mark

CONTROLS = frozenset({"prompt", "tokens", "temperature", "top_p", "top_k"})

TRIAL = "studio.backends.story.engine.trial"


def _family(name: str, title: str = "", **more: Any) -> Family:
    return Family(name, title, controls=CONTROLS, check_files=check, trial=TRIAL, **more)


FAMILIES = (
    _family("llama", "Llama language model"),
    _family("gpt2", "GPT-2 language model", defaults={"top_k": 40}),
    _family("qwen2", "Qwen2 language model", defaults={"top_p": 0.8, "top_k": 20}),
    _family("", marks=(Mark("architecture", "ForCausalLM"), Mark("architecture", "LMHeadModel"))),
)
