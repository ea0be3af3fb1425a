"""Families of models that the story medium knows: all language models that continue a text."""

from __future__ import annotations

import functools
from typing import Any

from studio.backends.story.check import check, gguf_file
from studio.backends.story.memory import demand
from studio.models.families import Family, Mark
from studio.models.model import Model

CONTROLS = frozenset({"prompt", "tokens", "temperature", "top_p", "top_k", "whole_sentences", "stop", "grammar"})

TRIAL = "studio.backends.story.engine.trial"


@functools.lru_cache
def _unused(model: Model) -> frozenset[str]:
    """Grammars are llama.cpp's, which runs GGUF alone."""
    return frozenset({"grammar"}) if gguf_file(model.folder) is None else frozenset()


def _family(name: str, title: str = "", marks: tuple[Mark, ...] = (), **defaults: Any) -> Family:
    return Family(
        name,
        title,
        marks,
        defaults={"whole_sentences": False, **defaults},
        controls=CONTROLS,
        unused=_unused,
        check_files=check,
        demand=demand,
        trial=TRIAL,
    )


FAMILIES = (
    _family("llama", "Llama language model"),
    _family("gpt2", "GPT-2 language model", top_k=40),
    _family("qwen2", "Qwen2 language model", top_p=0.8, top_k=20),
    # It also sees pictures, which no request gives it.
    _family("gemma3", "Gemma 3 language model", (Mark("architecture", "Gemma3ForConditionalGeneration"),)),
    _family(
        "",
        "",
        (
            Mark("architecture", "ForCausalLM"),
            Mark("architecture", "LMHeadModel"),
            Mark("gguf", "tokenizer.ggml.tokens"),
        ),
    ),
)
