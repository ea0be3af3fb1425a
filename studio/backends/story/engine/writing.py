"""What every language model here does: how it draws tokens, what it tells of them, which characters a text may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from studio.jobs.previews import TextDelta

OnToken = Callable[[TextDelta, int], None]
"""Told what is new of the text and the number of tokens, after every token; may raise to stop the writing."""

OnCut = Callable[[int, int], None]
"""Told how many tokens a text has and how many of them, at its end, the model goes on from."""

UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffd]")
"""Control characters, and bytes that are no character."""


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How the next token is drawn: `temperature` 0 is the likeliest, `top_k` 0 is all of them."""

    seed: int
    temperature: float
    top_p: float
    top_k: int


class LanguageModel(Protocol):
    """A language model in memory. Only one thread may use it at a time."""

    def write(
        self, text: str, tokens: int, sampling: SamplingSettings, on_token: OnToken, on_cut: OnCut
    ) -> tuple[str, bool]:
        """What follows `text`, at most `tokens` tokens, and whether the model ended it itself.

        What the callbacks raise ends the writing and passes through; the model stays usable. BadInput for a text that
        the model cannot begin with.
        """
        ...

    def close(self) -> None:
        """Give back its memory."""
        ...


def clean(text: str) -> str:
    """`text` with one kind of line end, and without `UNSHOWN`."""
    return UNSHOWN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def left_out(text: str) -> int:
    """How many characters `clean` leaves out."""
    return len(UNSHOWN.findall(text.replace("\r", "\n")))
