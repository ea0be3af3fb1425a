"""The story engine: continues a text with a local language model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, LiteralString

from studio.backends.engine.device import dtype_for, free_memory, translate_out_of_memory
from studio.backends.medium import Resources
from studio.backends.story.engine.generation import SamplingSettings, clean, encode, generate, left_out
from studio.backends.story.engine.loading import load
from studio.backends.story.requests import StoryRequest
from studio.errors import NOTHING, BadInput, Message, counted
from studio.jobs.job import Cancelled, Progress, Report
from studio.jobs.previews import Preview, PreviewJoiner, TextDelta, TextPreview
from studio.media.payloads import Payload, Text
from studio.schema.request import Request

TITLE_MARK = "#"  # what a story of the model's own begins with: the mark of a title
MAX_CONTEXT = 4096  # tokens looked back at, whatever a large model could: memory grows with them
SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*(?=\s|$)|[。！？][”’」』]*")


class StoryEngine:
    """Engine of `story`: any causal language model of transformers, from a folder with safetensors."""

    def __init__(self) -> None:
        self.model: Any = None
        self.tokenizer: Any = None
        self.context = 0

    def load(self, resources: Resources, report: Report) -> None:
        model = resources.main
        if model is None:
            raise BadInput("A story needs a model.", "`studio models list` shows the models there are.")
        report(Progress("loading"))
        with translate_out_of_memory():
            self.model, self.tokenizer = load(model.folder, dtype_for(model.size))
        config = self.model.config.get_text_config()
        said = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 1024
        self.context = min(int(said), MAX_CONTEXT)

    def close(self) -> None:
        self.model = self.tokenizer = None
        free_memory()

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """One Text: the beginning and what follows. A cancel keeps what was written, where anything was."""
        if not isinstance(request, StoryRequest):
            raise BadInput("A story model cannot run {kind}.", kind=request.kind)
        prompt = prepare_prompt(request.prompt)
        start = encode(self.tokenizer, prompt)
        if not start:
            raise BadInput("The model's tokenizer knows none of this beginning.", "Write another one.")
        stage, start = self._fit_context(start, request.tokens)
        sampling = SamplingSettings(request.seed, request.temperature, request.top_p, request.top_k)
        joiner = PreviewJoiner()
        sofar: Preview | None = None

        def report_text(new: TextDelta, count: int) -> None:
            nonlocal sofar
            delta = TextDelta(len(prompt) + new.at, new.text) if sofar is not None else TextDelta(0, prompt + new.text)
            sofar = joiner.join(delta)
            report(Progress(stage, count, request.tokens, delta))

        report(Progress(stage, 0, request.tokens))
        try:
            with translate_out_of_memory():
                text, ended = generate(
                    self.model, self.tokenizer, start, request.tokens, self.context, sampling, report_text
                )
        except Cancelled:
            if isinstance(sofar, TextPreview) and sofar.length > len(prompt):
                raise Cancelled([Text(sofar.text.strip() + "\n")]) from None
            raise
        lost, text = left_out(text), clean(text)
        if request.whole_sentences and not ended:
            text = trim_to_sentence(text)
        return [Text((prompt + text).strip() + "\n", _remark(lost))]

    def _fit_context(self, start: list[int], tokens: int) -> tuple[LiteralString | Message, list[int]]:
        """The stage to report, and the tail of `start` that leaves the model room to write."""
        longest = max(self.context // 2, self.context - tokens)
        if len(start) <= longest:
            return "writing", start
        stage = Message("writing after the last {longest} of {count} tokens", longest=longest, count=len(start))
        return stage, start[-longest:]


def _remark(lost: int) -> Message:
    """Says that as many characters of the text are not in the work."""
    return (
        counted(
            lost,
            "The model wrote a character that cannot be shown, which was left out.",
            "The model wrote {n} characters that cannot be shown, which were left out.",
        )
        if lost
        else NOTHING
    )


def prepare_prompt(prompt: str) -> str:
    """The start of the text: `prompt` without control characters and trailing spaces."""
    prompt = clean(prompt).strip(" \t").lstrip("\n")
    if not prompt.strip():
        return TITLE_MARK
    prompt = re.sub(r"[ \t]+$", "", prompt)
    only_title = prompt.startswith("#") and "\n" not in prompt.strip()
    return prompt.strip() + "\n\n" if only_title and len(prompt.strip("# \n")) > 0 else prompt


def trim_to_sentence(text: str) -> str:
    """`text` up to its last sentence end, a dangling fragment cut off; unchanged where no sentence ends in it."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    if not ends:
        return text
    text = text[: ends[-1]]
    # A speech that was opened and never closed ends where the sentence does.
    return text + '"' if text.rsplit("\n\n", 1)[-1].count('"') % 2 else text
