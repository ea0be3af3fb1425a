"""Token-by-token generation with any causal language model of transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from studio.backends.engine.device import free_memory, generator, translate_out_of_memory
from studio.backends.engine.loaded import errors_of_networks
from studio.backends.story.engine.loading import load
from studio.backends.story.engine.texts import END
from studio.backends.story.engine.writing import OnCut, OnToken, SamplingSettings, StopTexts
from studio.backends.story.prompt import clean
from studio.errors import BadInput, StudioError
from studio.jobs.previews import TextDelta

LONGEST = 16  # tokens that may still become one character, of at most four bytes


class TransformersModel:
    """A causal language model of transformers, from a folder with safetensors, and its tokenizer."""

    def __init__(self, folder: Path, dtype: torch.dtype, context: int) -> None:
        """`context` is the number of tokens it may look back at, if it can. StudioError where it cannot be loaded."""
        self._folder = folder
        self.network: Any
        self.tokenizer: Any
        self.network, self.tokenizer = load(folder, dtype)
        config = self.network.config.get_text_config()
        said = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None) or 1024
        self.context = min(int(said), context)

    def close(self) -> None:
        """Give back its memory."""
        self.network = self.tokenizer = None
        free_memory()

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
        """See `LanguageModel`; it follows no grammar: its family says that the field has no effect."""
        start = encode(self.tokenizer, text)
        if not start:
            raise BadInput("The model's tokenizer knows none of this beginning.", "Write another one.")
        longest = max(self.context // 2, self.context - tokens)
        if len(start) > longest:
            on_cut(len(start), longest)
            start = start[-longest:]
        with errors_of_networks(self._folder), translate_out_of_memory():
            return generate(self.network, self.tokenizer, start, tokens, self.context, sampling, on_token, stop)


class SeededSampler(LogitsProcessor):
    """Samples each token with a generator of its own and masks all others.

    So `generate` runs greedily and never touches torch's global random state, and a seed means the same everywhere.
    Weights may have more rows than `tokenizer` has tokens, to fill up to a round number: those are never drawn.
    """

    def __init__(self, sampling: SamplingSettings, tokenizer: Any) -> None:
        self.sampling = sampling
        self.generator = generator(sampling.seed)
        self._tokenizer = tokenizer
        self._spare: torch.Tensor | None = None  # [V] of bool, from the first scores on

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> Any:
        if self._spare is None:
            self._spare = torch.ones(scores.shape[-1], dtype=torch.bool)
            self._spare[sorted(set(self._tokenizer.get_vocab().values()))] = False
            self._spare = self._spare.to(scores.device)
        scores = scores.masked_fill(self._spare, -torch.inf)
        # On the CPU in float32, so that the draw does not depend on the device.
        logits = scores[0].float().cpu()
        if bool(torch.isnan(logits).any()) or bool((logits == torch.inf).any()):
            raise StudioError(
                "The model's results are not numbers.", "Its weights are damaged: import or train it again."
            )
        if self.sampling.temperature == 0:
            return scores
        # No colder than a float32 can divide by: the likeliest has all the chance long before that.
        logits, order = torch.sort(logits / max(self.sampling.temperature, 1e-3), descending=True, stable=True)
        if self.sampling.top_k:
            logits, order = logits[: self.sampling.top_k], order[: self.sampling.top_k]
        chances = torch.softmax(logits, dim=-1)
        # A token stays when those before it have not yet reached top_p, so the likeliest one always stays.
        chances[chances.cumsum(0) - chances > self.sampling.top_p] = 0
        drawn = order[torch.multinomial(chances, 1, generator=self.generator)]
        only = torch.full_like(scores, -torch.inf)
        only[0, drawn.to(scores.device)] = 0
        return only


class TokenCallback(StoppingCriteria):
    """Hands every new token to `call`, which says whether to stop."""

    def __init__(self, call: Callable[[int], bool]) -> None:
        self.call = call

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> Any:
        ended = self.call(int(input_ids[0, -1]))
        return torch.full((input_ids.shape[0],), ended, dtype=torch.bool, device=input_ids.device)


def generate(
    model: Any,
    tokenizer: Any,
    start: list[int],
    tokens: int,
    context: int,
    sampling: SamplingSettings,
    on_token: OnToken,
    stop: Sequence[str] = (),
) -> tuple[str, bool]:
    """The text that follows `start` (token ids), as its tokenizer reads it, and whether the model ended it itself or
    at a text in `stop`.

    At most `tokens` tokens; where they do not fit into `context` together with `start`, the model goes on from the
    tail of what there is. `on_token` is called after every token; what it raises passes through and the model stays
    usable.
    """
    ends = _end_tokens(model, tokenizer)
    whole = list(start)
    draw, stream, stops = SeededSampler(sampling, tokenizer), StreamDecoder(tokenizer, start), StopTexts(stop)

    def step(token: int) -> bool:
        if token not in ends:
            whole.append(token)
            on_token(stops.add(stream.add(token)), len(whole) - len(start))
        return stops.found

    while (left := len(start) + tokens - len(whole)) > 0:
        room = min(left, context // 2 if len(whole) >= context // 2 else context - len(whole))
        tail = whole[-(context - room) :]
        with torch.inference_mode():
            ids = model.generate(
                torch.tensor([tail], device=model.device),
                attention_mask=torch.ones(1, len(tail), dtype=torch.long, device=model.device),
                max_new_tokens=room,
                do_sample=False,
                eos_token_id=sorted(ends) or None,
                pad_token_id=min(ends, default=0),
                logits_processor=LogitsProcessorList([draw]),
                stopping_criteria=StoppingCriteriaList([TokenCallback(step)]),
            )
        if stops.found:
            return stops.cut(decode(tokenizer, whole[len(start) :], start)), True
        if int(ids[0, -1]) in ends:
            return decode(tokenizer, whole[len(start) :], start), True
    return decode(tokenizer, whole[len(start) :], start), False


class StreamDecoder:
    """Decodes the tokens that follow `start` one by one, at a cost that does not grow with their number.

    Only the tokens since the last whole character are decoded, behind those before them, since a tokenizer may decode
    the first token of a text otherwise than the same token within it.
    """

    def __init__(self, tokenizer: Any, start: list[int]) -> None:
        self._tokenizer = tokenizer
        self._ids = start[-LONGEST:]  # those of the last whole character, for their neighbours, and those since
        self._whole = len(self._ids)  # how many of them are done
        self._length = 0  # characters of the text up to there
        self._shown = ""  # what was told of the text since

    def add(self, token: int) -> TextDelta:
        """What `token` changes, so that the text becomes `decode` of all tokens so far: as a rule it only adds."""
        self._ids.append(token)
        new = self._decode(self._ids)[len(self._decode(self._ids[: self._whole])) :]
        waiting = len(self._ids) - self._whole
        # Half a character, or perhaps half a line end: damaged ones never become whole, and are let go.
        half = new.endswith(("\ufffd", "\r")) and waiting < LONGEST
        text, shown = clean(new.rstrip("\ufffd") if half else new), self._shown
        kept = len(shown) if text.startswith(shown) else 0
        delta = TextDelta(self._length + kept, text[kept:])
        if half:
            self._shown = text
        else:
            self._length += len(text)
            self._ids, self._whole, self._shown = self._ids[self._whole :], waiting, ""
        return delta

    def _decode(self, ids: list[int]) -> str:
        return _plain(self._tokenizer, ids)


def encode(tokenizer: Any, text: str) -> list[int]:
    """`text` as token ids with what the tokenizer adds by itself; names of special tokens in it are plain text.

    Tokenizers trained here add nothing, but their models have learned that a text begins with `END`.
    """
    ids: list[int] = tokenizer(text, split_special_tokens=True, verbose=False).input_ids
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    if tokenizer.bos_token == tokenizer.eos_token == END and ids[:1] != [begin]:
        return [begin, *ids]
    # A model needs something to go on from, where a tokenizer knows none of the text.
    return ids or [one for one in (begin, end) if one is not None][:1]


def decode(tokenizer: Any, ids: list[int], start: list[int]) -> str:
    """The text of `ids` as it goes on from that of `start`, which may decide whether a space is between them.

    Special tokens and the first bytes of an unfinished character are left out.
    """
    before = start[-LONGEST:]
    known, whole = _plain(tokenizer, before), _plain(tokenizer, before + ids)
    text = whole.removeprefix(known) if whole.startswith(known) else _plain(tokenizer, ids)
    return text.rstrip("\ufffd")


def _plain(tokenizer: Any, ids: list[int]) -> str:
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def _end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """The ids that end a text."""
    said = (tokenizer.eos_token_id, model.generation_config.eos_token_id)
    return {int(token) for one in said for token in (one if isinstance(one, list) else [one]) if token is not None}
