"""The training set of texts: reads .txt, .md and .jsonl files, splits off held-out ones, packs tokens into batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from studio.errors import BadInput

END = "<|end|>"
MAX_FILE_BYTES = 1 << 30  # bytes of one file
IGNORE_INDEX = -100  # what fills up a batch; losses leave it out
SORT_WINDOW = 96  # pieces that are sorted by length at a time
HELD_OUT = 40  # one group of texts in so many is never learned from


@dataclass(frozen=True, slots=True)
class TrainingText:
    """One text, and the group (a book, a story in several versions) with which it is held out or learned from."""

    text: str
    group: str

    @property
    def held_out(self) -> bool:
        """The same on every machine and in every run."""
        return int.from_bytes(hashlib.sha256(self.group.encode()).digest()[:8], "big") % HELD_OUT == 0


def read_texts(folder: Path) -> list[TrainingText]:
    """Every text in `folder` and the folders in it, in the order of their names. Raises BadInput where there is none.

    .txt and .md files are a text each; a line of a .jsonl file is a JSON object with "text" and, if wanted, "group".
    """
    if not folder.is_dir():
        raise BadInput("{folder} is not a folder.", "Choose a folder of .txt, .md or .jsonl files.", folder=folder)
    found = [writing for path in sorted(folder.rglob("*")) for writing in _read(path)]
    if sum(len(writing.text) for writing in found) < 200:
        raise BadInput(
            "There is too little text in {folder}.",
            "Put stories as .txt, .md or .jsonl files there: a few pages at least.",
            folder=folder,
        )
    return found


def _read(path: Path) -> Iterator[TrainingText]:
    if path.suffix.lower() not in (".txt", ".md", ".jsonl") or path.stem.isupper() or not path.is_file():
        return  # README, CREDITS, LICENSE: about the texts, not one of them
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInput("{name} is larger than a gigabyte.", "Split it into several files.", name=path.name)
        raw = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("{name} is not UTF-8 text.", "Save it as UTF-8 and try again.", name=path.name) from error
    except OSError as error:
        raise BadInput("{name} cannot be read: {reason}.", name=path.name, reason=error.strerror) from error
    if path.suffix.lower() != ".jsonl":
        if raw.strip():
            yield TrainingText(raw.strip(), path.stem)
        return
    for number, line in enumerate(raw.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
            text = str(row["text"]).strip()
            group = str(row.get("group", text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                'Line {number} of {name} is no object with a "text".',
                'Each line has the form {{"text": "..."}}.',
                number=number,
                name=path.name,
            ) from error
        if text:
            yield TrainingText(text, group)


def train_tokenizer(texts: list[str], size: int, context: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer (Sennrich et al. 2016, over bytes): every text of every script survives it."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue]
    bpe.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=[END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return wrap_tokenizer(bpe, context)


def wrap_tokenizer(bpe: Tokenizer, context: int) -> PreTrainedTokenizerFast:
    """`bpe` in the format that transformers saves and loads. One token both begins and ends a text."""
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=END, eos_token=END, model_max_length=context, clean_up_tokenization_spaces=False
    )


class TokenDataset:
    """Texts as chunks of at most `context` tokens. Each is trained on by itself: no chunk sees another text."""

    def __init__(self, texts: list[str], tokenizer: Any, context: int) -> None:
        self.context = context
        end = tokenizer.eos_token_id
        begin = end if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        options = {"split_special_tokens": True, "add_special_tokens": False, "verbose": False}
        self.pieces: list[NDArray[np.int64]] = []
        for ids in tokenizer(texts, **options).input_ids if texts else []:
            whole = [begin, *ids, end]
            # A long text goes on in the next piece, which begins in mid-sentence.
            self.pieces += [np.array(whole[at : at + context]) for at in range(0, len(whole) - 1, context)]

    @property
    def tokens(self) -> int:
        return sum(len(piece) for piece in self.pieces)

    def batches(self, generator: torch.Generator, size: int) -> Iterator[torch.Tensor]:
        """`[N, T]` int64 without end, about `size * context` tokens each; NOTHING fills up behind the shorter pieces.

        Every time round all pieces come in a new order, those of like length together, so that little is filled up.
        """
        while True:
            order = torch.randperm(len(self.pieces), generator=generator).tolist()
            for at in range(0, len(order), SORT_WINDOW):
                some = sorted((self.pieces[n] for n in order[at : at + SORT_WINDOW]), key=len)
                groups: list[list[NDArray[np.int64]]] = [[]]
                for piece in some:
                    if groups[-1] and (len(groups[-1]) + 1) * len(piece) > size * self.context:
                        groups.append([])
                    groups[-1].append(piece)
                for n in torch.randperm(len(groups), generator=generator).tolist():
                    yield _pad(groups[n])


def _pad(pieces: list[NDArray[np.int64]]) -> torch.Tensor:
    batch = np.full((len(pieces), max(map(len, pieces))), IGNORE_INDEX)
    for row, piece in zip(batch, pieces, strict=True):
        row[: len(piece)] = piece
    return torch.from_numpy(batch)
