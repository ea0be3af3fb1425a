"""Checks the files of a scene model before it is loaded: JSON and headers only, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from studio.backends.poster.scene import SCENE
from studio.backends.poster.scene.elements import FIELDS
from studio.backends.poster.scene.rows import NAMES, SLOTS, WIDTH
from studio.backends.poster.scene.words import FORMATS
from studio.errors import Message, StudioError
from studio.models import weights
from studio.models.folders import CONFIG, HINT, check_quantisation, check_sizes, read_tensors, refuse_value

MOST_WORDS = 100_000
TIMES = 64
"""Sines and cosines that a step's time is told in."""


def check(folder: Path) -> None:
    """Raises StudioError, which names the file at fault, for a scene model that cannot run."""
    path = folder / CONFIG
    config = weights.read_json(path)
    tensors = read_tensors(folder)
    check_quantisation(folder, config, tensors)
    if config.get("model_type") != SCENE:
        refuse_value(path, "model_type", config.get("model_type"), Message("{name!r}", name=SCENE))
    for name in ("width", "layers", "heads"):
        if type(config.get(name)) is not int:
            refuse_value(path, name, config.get(name), Message("a whole number of at least {least}", least=1))
    check_sizes(path, config, tensors, ("layers",), ("width", "heads"))
    if config["width"] % config["heads"]:
        refuse_value(path, "heads", config["heads"], Message("a divisor of {width}", width=config["width"]))
    for name, ours in (("kinds", list(NAMES)), ("fields", list(FIELDS)), ("slots", SLOTS)):
        if config.get(name) != ours or type(config[name]) is not type(ours):
            raise StudioError(
                "{path} is for scenes of other {name} than this version of the studio draws.",
                HINT,
                path=path,
                name=name,
            )
    listed: Any = config.get("words")
    words = cast("list[Any]", listed) if isinstance(listed, list) else []
    if not words or len(words) > MOST_WORDS or not all(isinstance(word, str) for word in words):
        refuse_value(path, "words", listed, Message("a list of words"))
    if len(set(words)) < len(words):
        refuse_value(path, "words", listed, Message("a list in which no word stands twice"))
    wanted = shapes(config["width"], config["layers"], len(words))
    there = {name: one.shape for name, one in tensors.items()}
    odd = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    if odd:
        raise StudioError(
            "The weights in {folder} are not those that its config.json describes: {name} is another.",
            HINT,
            folder=folder,
            name=odd[0][:200],
        )


def shapes(width: int, layers: int, words: int) -> Mapping[str, tuple[int, ...]]:
    """The shapes of all weights of a scene network, by their names."""

    def linear(name: str, into: int, out: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}

    found: dict[str, tuple[int, ...]] = {
        **linear("enter", 2 * WIDTH, width),
        "slot": (SLOTS, width),
        **linear("time.0", TIMES, width),
        **linear("time.2", width, width),
        "word.weight": (words + 1, width),
        **linear("caption.0", width, 2 * width),
        **linear("caption.2", 2 * width, width),
        "format.weight": (len(FORMATS), width),
        "norm.weight": (width,),
        "norm.bias": (width,),
        **linear("leave", width, WIDTH),
        **linear("told", width, SLOTS * width),
    }
    for layer in range(layers):
        for name, into, out in (("qkv", 1, 3), ("out", 1, 1), ("up", 1, 4), ("down", 4, 1), ("condition", 1, 6)):
            found |= linear(f"layers.{layer}.{name}", into * width, out * width)
    return found
