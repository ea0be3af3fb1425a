"""The story engine: continues a text with a local language model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from typing import LiteralString

import torch

from studio.backends.engine import device
from studio.backends.medium import Resources
from studio.backends.story.check import gguf_file
from studio.backends.story.engine.writing import LanguageModel, SamplingSettings
from studio.backends.story.memory import CONTEXT
from studio.backends.story.prompt import clean, left_out, prepare_prompt
from studio.backends.story.requests import StoryRequest
from studio.errors import NOTHING, BadInput, Message, counted
from studio.jobs.job import Cancelled, Progress, Report
from studio.jobs.previews import Preview, PreviewJoiner, TextDelta, TextPreview
from studio.media.payloads import Payload, Text
from studio.schema.request import Request

LEAST_CONTEXT = 128
"""Tokens: with fewer nothing would be left of a beginning beside what is written."""
LONGEST_FRAGMENT = 120  # characters of what was left out at the end that its remark says
SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*(?=\s|$)|[。！？][”’」』]*")


class StoryEngine:
    """Engine of `story`: causal language models of transformers in folders, and those in GGUF files on llama.cpp."""

    def __init__(self) -> None:
        self.model: LanguageModel | None = None

    def load(self, resources: Resources, report: Report) -> None:
        model = resources.main
        if model is None:
            raise BadInput("A story needs a model.", "`studio models list` shows the models there are.")
        report(Progress("loading"))
        path = gguf_file(model.folder)
        context = max(LEAST_CONTEXT, device.context or CONTEXT)
        # Only what is used is imported: transformers takes seconds.
        if path is not None:
            from studio.backends.story.engine.llama_cpp import LlamaCpp

            layers = 0 if device.device().type == "cpu" else device.gpu_layers
            self.model = LlamaCpp(path, context, torch.get_num_threads(), layers)
            return
        from studio.backends.story.engine.generation import TransformersModel

        self.model = TransformersModel(model.folder, device.dtype_for(model.size), context)

    def close(self) -> None:
        if self.model is not None:
            self.model.close()
        self.model = None

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """One Text: the beginning and what follows. A cancel keeps what was written, where anything was."""
        if not isinstance(request, StoryRequest):
            raise BadInput("A story model cannot run {kind}.", kind=request.kind)
        assert self.model is not None
        prompt = prepare_prompt(request.prompt)
        sampling = SamplingSettings(request.seed, request.temperature, request.top_p, request.top_k)
        joiner = PreviewJoiner()
        sofar: Preview | None = None
        stage: LiteralString | Message = "writing"

        def report_text(new: TextDelta, count: int) -> None:
            nonlocal sofar
            delta = TextDelta(len(prompt) + new.at, new.text) if sofar is not None else TextDelta(0, prompt + new.text)
            sofar = joiner.join(delta)
            report(Progress(stage, count, request.tokens, delta))

        def report_cut(count: int, longest: int) -> None:
            nonlocal stage
            stage = Message("writing after the last {longest} of {count} tokens", longest=longest, count=count)

        report(Progress(stage, 0, request.tokens))
        try:
            text, ended = self.model.write(
                prompt,
                request.tokens,
                sampling,
                report_text,
                report_cut,
                stop=request.stop_texts,
                grammar=request.grammar,
            )
        except Cancelled:
            if isinstance(sofar, TextPreview) and sofar.length > len(prompt):
                raise Cancelled([Text(sofar.text.strip() + "\n")]) from None
            raise
        lost, text = left_out(text), clean(text)
        fragment = quote = ""
        if request.whole_sentences and not ended:
            text, fragment, quote = trim_to_sentence(text, prompt)
        return [Text((prompt + text + quote).strip() + "\n", _remark(lost, fragment, quote))]


def _remark(lost: int, fragment: str, quote: str) -> Message:
    """Says what the model wrote and is not in the work, and what is in the work and was not written."""
    said: list[Message] = []
    if lost:
        said.append(
            counted(
                lost,
                "The model wrote a character that cannot be shown, which was left out.",
                "The model wrote {n} characters that cannot be shown, which were left out.",
            )
        )
    if quote:
        said.append(Message("A closing quote was added."))
    words = " ".join(fragment.split())
    if words:
        short = words if len(words) <= LONGEST_FRAGMENT else words[: LONGEST_FRAGMENT - 1].rstrip() + "…"
        said.append(Message("Left out at the end: {words}", words=short))
    return reduce(lambda first, rest: Message("{first} {rest}", first=first, rest=rest), said) if said else NOTHING


def trim_to_sentence(text: str, before: str = "") -> tuple[str, str, str]:
    """`text`, which follows `before`, up to its last sentence end; the fragment that is cut off; and the quote that
    closes a speech, where one is open at that end. All of it, "" and "" where no sentence ends in it.
    """
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    if not ends:
        return text, "", ""
    text, fragment = text[: ends[-1]], text[ends[-1] :]
    is_open = (before + text).rsplit("\n\n", 1)[-1].count('"') % 2
    return text, fragment, '"' if is_open else ""
