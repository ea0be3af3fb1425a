"""What every language model here does: how it draws tokens, and what it tells of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from studio.jobs.previews import TextDelta

OnToken = Callable[[TextDelta, int], None]
"""Told what is new of the text and the number of tokens, after every token; may raise to stop the writing."""

OnCut = Callable[[int, int], None]
"""Told how many tokens a text has and how many of them, at its end, the model goes on from."""


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
        self,
        text: str,
        tokens: int,
        sampling: SamplingSettings,
        on_token: OnToken,
        on_cut: OnCut,
        *,
        stop: Sequence[str] = (),
        grammar: str = "",
    ) -> tuple[str, bool]:
        """What follows `text`, at most `tokens` tokens, and whether the model ended it itself or at a text in `stop`.

        It ends before the first of the texts in `stop`, of which nothing is told either. `grammar` allows only what
        it describes (GBNF). What the callbacks raise ends the writing and passes through; the model stays usable.
        BadInput for a text that the model cannot begin with, and for a grammar that is none.
        """
        ...

    def close(self) -> None:
        """Give back its memory."""
        ...


class StopTexts:
    """What is told of a text that grows, so that it ends before the first of some texts and shows nothing of them."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._text = self.told = ""
        self.found = False

    def add(self, new: TextDelta) -> TextDelta:
        """What to tell after this change. An end that one of the texts may begin with waits for what follows it."""
        if not self._stops:
            return new
        if self.found:
            return TextDelta(len(self.told), "")
        self._text = self._text[: new.at] + new.text
        ends = [at for at in map(self._text.find, self._stops) if at >= 0]
        self.found = bool(ends)
        told = self._text[: min(ends) if ends else len(self._text) - self._waiting()]
        kept = len(self.told) if told.startswith(self.told) else min(new.at, len(self.told), len(told))
        self.told = told
        return TextDelta(kept, told[kept:])

    def cut(self, text: str) -> str:
        """`text` up to the first of the texts."""
        ends = [at for at in map(text.find, self._stops) if at >= 0]
        return text[: min(ends)] if ends else text

    def _waiting(self) -> int:
        """How many characters at the end one of the texts may begin with."""
        longest = max(map(len, self._stops)) - 1
        for size in range(min(longest, len(self._text)), 0, -1):
            if any(stop.startswith(self._text[-size:]) for stop in self._stops):
                return size
        return 0
