"""Runs a language model in GGUF on llama.cpp, through xllamacpp: text goes in, text comes out token by token."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import xllamacpp

from studio.backends.story.engine.chat_template import render
from studio.backends.story.engine.writing import OnCut, OnToken, SamplingSettings
from studio.backends.story.prompt import clean
from studio.errors import BadInput, StudioError
from studio.jobs.previews import TextDelta
from studio.models.gguf import GgufHeader
from studio.models.weights import read_gguf

CONTROL = 3  # the type of a token that is a sign to the model and no text
SEEDS = 2**32 - 1  # llama.cpp's, of which the last means "any"
LAST_WORD = "exiting due to model loading error"
NOTHING_NEW = (TextDelta(0, ""), 0)  # what is told while a prompt is read
BATCH = 256  # tokens read between two looks at whether the job is to stop

SYSTEM, STORY, TITLED = (
    "You are a novelist. You write vivid, well-made prose.",
    "Write a story.",
    'Write a story called "{title}".',
)
"""What a model that was trained to answer is told. It takes a text for the beginning of its answer, and begins one by
itself where there is a title only: small ones list headings and dates after a title that they find there.
"""
TITLE = re.compile(r"#+[ \t]+([^\n]*\S)\s*")


class LlamaCpp:
    """One model file in memory. Only one thread may use it at a time."""

    def __init__(self, path: Path, context: int, threads: int, gpu_layers: int) -> None:
        """`context` is the number of tokens that it may look back at; `gpu_layers` is -1 for as many as fit.

        StudioError for a file that llama.cpp does not open.
        """
        header = read_gguf(path)
        self.context = min(header.count(".context_length") or context, context)
        self._header = header
        self.prefix = chat_prefix(header)
        self._special = _special_tokens(header)
        self._single = {text: i for i, text in enumerate(_tokens(header)) if len(text) == 1}
        self._server: Any = _open(path, self.context, threads, gpu_layers)
        self._read: str | list[str | int] | None = None  # the prompt that is in its memory, as `_read_prompt` left it
        self._left = -1  # tokens of that prompt that each text reads again

    def close(self) -> None:
        """Give back its memory."""
        self._server = None

    def forget(self) -> None:
        """Have the next text read its beginning, whatever is in memory."""
        self._read = None

    def write(
        self,
        text: str,
        tokens: int,
        sampling: SamplingSettings,
        on_token: OnToken,
        on_cut: OnCut = lambda count, longest: None,
        *,
        stop: Sequence[str] = (),
        grammar: str = "",
    ) -> tuple[str, bool]:
        """See `LanguageModel`. `on_token` is called with nothing new while a long text is read, too.

        Texts that go on from one beginning, as candidates do, read it once, and each is what it is when made alone.
        """
        asked = {
            "n_predict": tokens,
            "seed": sampling.seed % SEEDS,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": 0.0,
            "samplers": ["temperature", "top_k", "top_p"],
            "stop": list(stop),
            "grammar": grammar,
        }
        whole = 0
        while True:
            try:
                return self._go_on(self._prompt(text), asked, on_token)
            except _TooLong as error:
                if not text:
                    raise StudioError(
                        "What this model is told by its chat template is longer than it can look back at.",
                        "Choose another model.",
                    ) from None
                longest = max(self.context // 2, self.context - tokens)
                if whole == 0:
                    whole = error.tokens
                    on_cut(whole, longest)
                text = _tail(text, error.tokens, longest)

    def count(self, text: str) -> int:
        """The tokens of `text` with what is told before it."""
        found = 0

        def look(answer: Any) -> bool:
            nonlocal found
            found = answer.get("usage", {}).get("prompt_tokens", found)
            return False

        self.forget()
        self._server.handle_completions({"prompt": self._prompt(text), "n_predict": 0, "stream": True}, look)
        return found

    def _go_on(self, prompt: str | list[str | int], asked: dict[str, Any], on_token: OnToken) -> tuple[str, bool]:
        """What follows the prompt, which is read unless it is in memory.

        How many tokens are read at once changes the last digits of what is computed, and so, seldom, the draw. So every
        text, also the first, reads the same few last tokens of the prompt again, and finds those before them as one
        reading of the whole prompt left them. Where llama.cpp would read more of it again, since what it had kept is
        gone (a context that was moved on, a sliding window that has passed), the whole prompt is read anew.
        """
        kept = self._read is not None and prompt == self._read
        if not kept:
            self._read = None
            self._complete({"prompt": prompt, "n_predict": 0, "cache_prompt": False}, lambda *_: on_token(*NOTHING_NEW))
            self._read, self._left = prompt, -1
        try:
            return self._complete({**asked, "prompt": prompt, "cache_prompt": True}, on_token)
        except _Forgotten:
            self._read = None
            return self._go_on(prompt, asked, on_token)

    def _complete(self, asked: dict[str, Any], on_token: OnToken) -> tuple[str, bool]:
        """The text of one call of llama.cpp. _Forgotten where it reads more of the prompt again than it did before."""
        pieces, length, count, reason = list[str](), 0, 0, ""
        asked = {
            **asked,
            "stream": True,
            "return_progress": True,
            "timings_per_token": True,  # which say how many tokens: one may be a part of a character
        }
        raised: BaseException | None = None
        failed: dict[str, Any] = {}

        def hear(answer: dict[str, Any]) -> bool:
            """Whether to stop."""
            nonlocal length, count, reason, raised, failed
            if "error" in answer:
                failed = answer["error"]
                return True
            timings = answer.get("timings", {})
            if self._read is not None and timings.get("predicted_n"):
                if self._left < 0:
                    self._left = timings["prompt_n"]
                elif self._left != timings["prompt_n"]:
                    raised = _Forgotten()
                    return True
            choice = answer["choices"][0]
            reason = choice.get("finish_reason") or reason
            pieces.append(choice.get("text") or "")
            shown = clean(pieces[-1])
            count = timings.get("predicted_n", count)
            try:
                on_token(TextDelta(length, shown), count)
            except BaseException as error:  # noqa: BLE001 - raised again below, where it does not cross C++
                raised = error
                return True
            length += len(shown)
            return False

        self._server.handle_completions(asked, hear)
        if raised is not None:
            raise raised
        if failed:
            if failed.get("type") == "exceed_context_size_error":
                raise _TooLong(int(failed.get("n_prompt_tokens", 0)))
            if "grammar" in str(failed.get("message")):
                raise BadInput("The grammar is none that llama.cpp can read.", "Write it in GBNF.")
            raise StudioError("llama.cpp cannot go on with this text.", "Try again, or choose another model.")
        return "".join(pieces), reason == "stop"

    def _prompt(self, text: str) -> str | list[str | int]:
        """The prefix and `text`, in which names of special tokens are plain text.

        llama.cpp would read them as what they name. So their first character is given as its own token.
        """
        title = TITLE.fullmatch(text)
        if title is not None and self.prefix:
            plain = self._special.sub("", title[1]) if self._special is not None else title[1]
            return chat_prefix(self._header, TITLED.format(title=plain))
        if self._special is None or not self._special.search(text):
            return self.prefix + text
        parts: list[str | int] = [self.prefix] if self.prefix else []
        for piece in re.split(f"({self._special.pattern})", text):
            first = self._single.get(piece[:1]) if self._special.fullmatch(piece) else None
            if first is not None:
                parts += [first, piece[1:]]
            elif piece:
                parts.append(piece)
        return parts if any(isinstance(part, int) for part in parts) else self.prefix + text


def try_file(path: Path) -> None:
    """Raises StudioError, with llama.cpp's reason, for a file that it does not open; reads as little as it can.

    For a process of its own: what llama.cpp prints is read from its standard error, and some files end it.
    """
    chat_prefix(read_gguf(path))
    # Appended to, so that reading it meanwhile moves nothing.
    with tempfile.TemporaryFile("a+b") as printed, _redirected(printed.fileno()):
        try:
            _open(path, 64, 1, 0, trial=True)
        except StudioError as error:
            reason = _reason(printed)
            if not reason:
                raise
            raise StudioError(
                "llama.cpp cannot open {name}: {reason}.",
                "Download or copy it again, or choose another one.",
                name=path.name,
                reason=reason,
            ) from error


def _reason(printed: BinaryIO) -> str:
    """Why llama.cpp did not load a model, from what it printed; empty where it did not say.

    It prints in a thread of its own: its last word is waited for, for as long as a busy machine may take.
    """
    until = time.monotonic() + 5
    while True:
        printed.seek(0)
        text = printed.read().decode("utf-8", "replace")
        if LAST_WORD in text or time.monotonic() > until:
            found = re.search(r"error loading model: (.*)", text)
            return found[1].strip().rstrip(".")[:200] if found else ""
        time.sleep(0.01)


def _open(path: Path, context: int, threads: int, gpu_layers: int, *, trial: bool = False) -> Any:
    """llama.cpp with that file; a trial copies no weights, and prints what is wrong."""
    params: Any = xllamacpp.CommonParams()  # pyright: ignore[reportAttributeAccessIssue]
    params.model.path = str(path)
    params.n_ctx = context
    params.n_batch = params.n_ubatch = min(BATCH, context)
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_gpu_layers = gpu_layers
    params.no_extra_bufts = trial
    params.verbosity = 1 if trial else -1
    params.warmup = False
    params.ctx_shift = True
    params.cache_ram_mib = 0
    params.endpoint_metrics = True
    # The file's own template is a program: it runs in our sandbox only, never in there.
    params.use_jinja = False
    params.chat_template = "chatml"
    try:
        server: Any = xllamacpp.Server(params)  # pyright: ignore[reportAttributeAccessIssue]
    except RuntimeError as error:
        raise StudioError(
            "llama.cpp cannot open {name}.", "Download or copy it again, or choose another one.", name=path.name
        ) from error
    # Answered by its thread: one whose thread has not begun could never be ended.
    server.handle_metrics()
    return server


@contextlib.contextmanager
def _redirected(to: int) -> Generator[None]:
    """Standard error of this process goes to another file."""
    sys.stderr.flush()
    before = os.dup(2)
    os.dup2(to, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


class _Forgotten(Exception):
    """What was read of a prompt is no longer in llama.cpp's memory."""


class _TooLong(Exception):
    """A prompt of more tokens than the model can look back at."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens


def chat_prefix(header: GgufHeader, asked: str = STORY) -> str:
    """What a model that was trained to answer is told before a text; empty for others. StudioError as `render`."""
    template = header.text("tokenizer.chat_template")
    if not template:
        return ""
    tokens = _tokens(header)
    named = dict[str, str]()
    for name in ("bos", "eos"):
        id = header.metadata.get(f"tokenizer.ggml.{name}_token_id")
        named[f"{name}_token"] = tokens[id] if isinstance(id, int) and 0 <= id < len(tokens) else ""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": asked}]
    try:
        text = render(template, messages, named)
    except StudioError:  # some take no system message
        text = render(template, messages[1:], named)
    # llama.cpp puts it there itself.
    adds = header.metadata.get("tokenizer.ggml.add_bos_token") is not False
    return text.removeprefix(named["bos_token"]) if adds else text


def _tokens(header: GgufHeader) -> list[str]:
    found = header.metadata.get("tokenizer.ggml.tokens")
    return found if isinstance(found, list) else []


def _special_tokens(header: GgufHeader) -> re.Pattern[str] | None:
    """Matches the name of any special token; None where there is none."""
    kinds = header.metadata.get("tokenizer.ggml.token_type")
    kinds = kinds if isinstance(kinds, list) else []
    names = [name for name, kind in zip(_tokens(header), kinds, strict=False) if kind == CONTROL and len(name) > 1]
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True)))) if names else None


def _tail(text: str, tokens: int, most: int) -> str:
    """The end of a text of so many tokens that has about `most`, from the beginning of a word on."""
    keep = min(len(text) - 1, int(len(text) * most / max(tokens, most + 1) * 0.98))
    tail = text[len(text) - max(keep, 0) :]
    with contextlib.suppress(ValueError):
        tail = tail[tail.index(" ", 0, 40) + 1 :]
    return tail
