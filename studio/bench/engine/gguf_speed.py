"""Times our writing with a GGUF model beside llama.cpp alone, and candidates; child of the bench `gguf`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from studio.backends.story.engine.llama_cpp import LlamaCpp
from studio.backends.story.engine.writing import SamplingSettings

PROMPT = "Once upon a time"
CONTEXT = 2048


def main(told: dict[str, Any]) -> None:
    model = LlamaCpp(Path(told["path"]), CONTEXT, torch.get_num_threads(), 0)
    sampling = SamplingSettings(7, 0.0, 1.0, 0)
    asked = {
        "prompt": model.prefix + PROMPT,
        "n_predict": told["tokens"],
        "temperature": 0.0,
        "top_k": 0,
        "min_p": 0.0,
        "stream": True,
        "cache_prompt": False,
    }
    ours: list[tuple[float, float]] = []
    plain: list[tuple[float, float]] = []
    for turn in range(told["times"] + 1):
        model.forget()
        first = timed(
            lambda heard: model.write(PROMPT, told["tokens"], sampling, lambda _, count: heard() if count else None)
        )
        # The same file in the same memory: what differs is what we put around it.
        second = timed(lambda heard: model._server.handle_completions(asked, lambda _: heard()))
        if turn or told["times"] == 1:
            ours.append(first)
            plain.append(second)
    together = candidates(model, told["candidates"], told["words"], told["tokens"])
    model.close()
    found = {"ours": ours, "plain": plain, "threads": torch.get_num_threads(), "candidates": together}
    sys.stdout.write(json.dumps(found) + "\n")


def candidates(model: LlamaCpp, many: int, words: int, tokens: int) -> dict[str, float]:
    """Seconds of processors of so many texts with one beginning: ours, and each read and written by itself."""
    beginning = "The owl sat in the old tree and looked at the moon. " * (words // 12) + "Then"
    seeds = [SamplingSettings(seed, 0.7, 0.95, 60) for seed in range(7, 7 + many)]

    def write(forget: bool) -> float:
        begun = time.process_time()
        for each in seeds:
            if forget:
                model.forget()
            model.write(beginning, tokens, each, lambda *_: None)
        return time.process_time() - begun

    return {"together": write(False), "apart": write(True)}


def timed(call: Callable[[Callable[[], None]], Any]) -> tuple[float, float]:
    """Seconds of a whole call, and until it was first heard of."""
    begun, heard = time.perf_counter(), list[float]()
    call(lambda: heard.append(time.perf_counter()))
    return time.perf_counter() - begun, heard[0] - begun


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
