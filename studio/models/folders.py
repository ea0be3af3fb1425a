"""Checks folders of weights by headers and JSON: shards, quantisation, values that cannot be. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn, cast

from studio.errors import Message, StudioError
from studio.models import weights
from studio.models.weights import TensorHeader

HINT = Message("Download or copy the whole model again, or choose another one.")
CONFIG = "config.json"

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt")
"""Files that transformers makes a tokenizer from by itself."""

PACKAGES = (("*.model", "sentencepiece"), ("*.tiktoken", "tiktoken"), ("tekken.json", "mistral_common"))
"""Files that it makes one from with a further package."""

QUANTISED = re.compile(
    r"(^|\.)(scale_weight|weight_scale(_inv|_2)?|scale_input|input_scale|scaled_fp8|qweight|qzeros|absmax"
    r"|weight_packed|quant_map|SCB|.*\.quant_state\..*)$"
)
"""Names of tensors that only quantised weights have: without their numbers, the weights beside them mean nothing."""


def read_tensors(folder: Path, stem: str = "model", variant: str = "") -> dict[str, TensorHeader]:
    """The headers of all weights called `stem` that a library would read: those of the one file, else of the index.

    Raises StudioError, which names the file at fault. `variant` is "fp16" and the like, as in a file's name.
    """
    part = f".{variant}" if variant else ""
    single, index = f"{stem}{part}.safetensors", f"{stem}.safetensors.index{part}.json"
    if (folder / single).exists():
        return dict(weights.read_header(folder / single).tensors)
    if not (folder / index).exists():
        said = Message("{folder} has neither {single} nor {index}.", folder=folder, single=single, index=index)
        raise StudioError(said, HINT)
    listed = weights.read_json(folder / index).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise StudioError("{path} is damaged: it names no weights.", HINT, path=folder / index)
    found: dict[str, TensorHeader] = {}
    for name in sorted({str(file) for file in cast("dict[str, Any]", listed).values()}):
        if len(PurePosixPath(name).parts) != 1 or not (folder / name).is_file():
            raise StudioError("{path} names {name}, which is missing.", HINT, path=folder / index, name=name[:200])
        more = weights.read_header(folder / name).tensors
        twice = sorted(found.keys() & more.keys())
        if twice:  # which of them a library takes is chance
            raise StudioError(
                "{path} is damaged: it has {tensor}, as another file of the same weights has.",
                HINT,
                path=folder / name,
                tensor=twice[0][:200],
            )
        found |= more
    missing = sorted(set(cast("dict[str, Any]", listed)) - set(found))
    if missing:
        raise StudioError(
            "{path} names {tensor}, which is in none of its files.", HINT, path=folder / index, tensor=missing[0][:200]
        )
    return found


def check_quantisation(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, TensorHeader], readable: tuple[str, ...] = ()
) -> None:
    """Raises StudioError for weights that are quantised, unless by one of the `readable` methods."""
    how: Any = config.get("quantization_config")
    method = str(cast("dict[str, Any]", how).get("quant_method")) if isinstance(how, dict) else ""
    if method in readable:
        return
    scale = next((name for name in sorted(tensors) if QUANTISED.search(name)), None)
    if not method and scale is None:
        return
    types = sorted({tensors[name].dtype for name in tensors if name.endswith("weight")})
    raise StudioError(
        "{folder} is quantised in a way that the studio cannot read: {how}.",
        "Look for the same model in bfloat16 or float16.",
        folder=folder,
        how=method[:80]
        if scale is None
        else Message("{scale} beside weights in {types}", scale=scale, types=", ".join(types)),
    )


def check_sizes(
    path: Path,
    config: Mapping[str, Any],
    tensors: Mapping[str, TensorHeader],
    counts: Iterable[str],
    widths: Iterable[str],
) -> None:
    """Raises StudioError for a number in `config`, of the file at `path`, that is none or larger than the weights have:
    it would cost memory and minutes before an error. `counts` are numbers of layers and the like, `widths` of values.
    """
    sides = {side for one in tensors.values() for side in one.shape}
    for names, there in ((counts, len(tensors)), (widths, max(sides, default=0))):
        for name in names:
            value = config.get(name)
            if value is not None and (type(value) is not int or value < 1):
                refuse_value(path, name, value, Message("a whole number of at least {least}", least=1))
            if value is not None and value > there:
                refuse_value(path, name, value, Message("no more than {there}, as the weights have", there=there))


def check_tokenizer(folder: Path) -> None:
    """Raises StudioError for a folder without a tokenizer that can be read here."""
    if any((folder / name).exists() for name in TOKENIZERS):
        return
    found = [(file.name, package) for pattern, package in PACKAGES for file in sorted(folder.glob(pattern))]
    if not found:
        raise StudioError(
            "{folder} has no tokenizer: neither tokenizer.json nor tokenizer.model is there.", HINT, folder=folder
        )
    if not any(find_spec(package) for _, package in found):
        name, package = found[0]
        raise StudioError(
            "The only tokenizer in {folder} is {name}, which the Python package {package} would read; it is not "
            "installed.",
            "Look for the same model with a tokenizer.json.",
            folder=folder,
            name=name,
            package=package,
        )


def refuse_value(path: Path, name: str, value: object, wanted: Message) -> NoReturn:
    """Raises the StudioError of a value in a JSON file that cannot be."""
    raise StudioError(
        "{path} is damaged: {name} is {value}, and should be {wanted}.",
        HINT,
        path=path,
        name=name,
        value=repr(value)[:80],
        wanted=wanted,
    )


def named(names: list[str] | set[str]) -> str:
    """The first three names, and how many more there are."""
    rest = len(names) - 3
    return ", ".join(sorted(map(str, names))[:3]) + (f", … (+{rest})" if rest > 0 else "")
