"""Times writing with a GGUF model beside transformers on the same weights; child of the bench `gguf-transformers`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as transformers_library
from transformers.generation.streamers import BaseStreamer

from studio.backends.story.engine.llama_cpp import LlamaCpp
from studio.backends.story.engine.writing import SamplingSettings
from studio.bench.engine.gguf_speed import CONTEXT, PROMPT, timed

transformers: Any = transformers_library  # it does not say what it exports


class Heard(BaseStreamer):
    """Calls `heard` at each token that is made; the first call of `put` brings the prompt."""

    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard, self._prompt = heard, True

    def put(self, value: Any) -> None:
        if not self._prompt:
            self._heard()
        self._prompt = False

    def end(self) -> None:
        pass


def main(told: dict[str, Any]) -> dict[str, Any]:
    path, tokens = Path(told["path"]), told["tokens"]
    ours = LlamaCpp(path, CONTEXT, torch.get_num_threads(), 0)
    begun = time.perf_counter()
    plain = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, local_files_only=True)
    loading = time.perf_counter() - begun
    plain.eval()
    # As many tokens as we read; which ones they are does not change what they cost.
    read = torch.arange(ours.count(PROMPT))[None] % plain.config.vocab_size
    sampling = SamplingSettings(7, 0.0, 1.0, 0)
    settings = transformers.GenerationConfig(
        do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens, pad_token_id=0, eos_token_id=None
    )
    found: dict[str, Any] = {"ours": [], "plain": [], "loading": loading, "dtype": str(plain.dtype)}
    made = 0

    def write(heard: Callable[[], None]) -> None:
        def hear(_: object, count: int) -> None:
            nonlocal made
            made = count
            if count:
                heard()

        ours.write(PROMPT, tokens, sampling, hear)

    def generate(heard: Callable[[], None]) -> None:
        there = torch.ones_like(read)
        plain.generate(read, attention_mask=there, generation_config=settings, streamer=Heard(heard))

    for _ in range(told["times"]):
        found["ours"].append((*timed(write), made))
        found["plain"].append((*timed(generate), tokens))
    ours.close()
    return {**found, "threads": torch.get_num_threads()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
