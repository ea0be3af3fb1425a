"""Checks folders in the format of diffusers by their JSON and headers: each part of a pipeline, no torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from studio.errors import Message, StudioError
from studio.models import weights
from studio.models.folders import CONFIG, HINT, check_quantisation, read_tensors, refuse_value
from studio.models.weights import TensorHeader

INDEX = "model_index.json"
SCHEDULER = "scheduler_config.json"

LIBRARIES = ("diffusers", "transformers")
WITHOUT_WEIGHTS = re.compile("Tokenizer|Processor|FeatureExtractor")
"""Classes that read texts or pictures."""

PACKAGES = {"PixtralProcessor": "torchvision"}
"""Classes of transformers that need a package which the studio does without."""

OF_DIFFUSERS = "diffusion_pytorch_model"
"""How the names of files of weights begin that diffusers wrote."""

VARIANTS = ("fp16", "bf16")

LAYERS = re.compile(r"^(?!max_window|num_decoder).*(layers?|layers_per_block|res_blocks|depth)$")
"""Numbers of layers: each has tensors."""

LARGEST = {"sample_size": 8192, "axes_lens": 65536, "num_train_timesteps": 100_000}
LARGE = 1 << 20
"""The largest value of other whole numbers, unless a tensor is as large."""

FREE = re.compile(r"theta|token|max_length|seed|_id$|_ids$|base$|size_limit")
"""Numbers that cost nothing, however large."""

LARGEST_FLOAT = 3.4028235e38
"""The largest number of float32; no network or scheduler computes with what is larger, infinite or none (NaN)."""
ENDLESS = ("lambda_min_clipped", "time_step_limit")
"""Bounds that are infinite unless a model has others."""
TYPES = re.compile(r"b?float16|float32|float64|float8_\w+|float|half|double")
"""What torch calls the types that weights may have."""
EPSILON = re.compile(r"(^|_)eps(ilon)?\d?$")
"""Numbers that are added to what is a divisor or under a root."""


@dataclass(frozen=True, slots=True)
class PipelinePart:
    """One part of a pipeline, as model_index.json names it: the class, and the library or pipeline that has it.

    `stem` is what the files of its weights are called; empty for a part that has none.
    """

    name: str
    library: str
    kind: str
    stem: str


@dataclass(frozen=True, slots=True)
class PipelineIndex:
    """What model_index.json says: the class, the parts that are there, those left out, and further arguments."""

    kind: str
    parts: tuple[PipelinePart, ...]
    absent: frozenset[str]
    values: Mapping[str, Any]


def read_index(folder: Path) -> PipelineIndex:
    """Raises StudioError where there is none, it is damaged, or a part is not of a library that the studio has."""
    path = folder / INDEX
    if folder.is_file():
        raise StudioError(
            "{path} is a model in one file, of which the studio cannot run this kind.",
            "Look for the same model as a folder in diffusers' format, with a model_index.json.",
            path=folder,
        )
    if not path.is_file():
        raise StudioError("{folder} is not a diffusers pipeline.", "It has no model_index.json.", folder=folder)
    index = weights.read_json(path)
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        refuse_value(path, "_class_name", kind, Message("the name of a pipeline"))
    parts: list[PipelinePart] = []
    absent: set[str] = set()
    values: dict[str, Any] = {}
    for name, value in index.items():
        if name.startswith("_"):
            continue
        pair = cast("list[Any]", value) if isinstance(value, list) else []
        if len(pair) != 2 or not all(one is None or isinstance(one, str) for one in pair):
            values[name] = value
        elif not name.isidentifier():  # it would be a path out of the folder
            raise StudioError("{path} is damaged: {part} is no name of a part.", HINT, path=path, part=name[:80])
        elif None in pair:
            absent.add(name)
        elif pair[0] in LIBRARIES or _is_pipeline(pair[0]):
            library, part = pair
            parts.append(PipelinePart(name, library, part, _stem(folder / name, library, part)))
        else:
            raise StudioError(
                "{name} brings code of its own, which is never run: {part} is of {library}.",
                "Choose another model.",
                name=folder.name,
                part=name[:80],
                library=pair[0][:80],
            )
    return PipelineIndex(kind, tuple(parts), frozenset(absent), values)


def _stem(place: Path, library: str, kind: str) -> str:
    """What the files of a part's weights are called. A network of a pipeline's own may be of either library."""
    if kind.endswith("Scheduler") or (library == "transformers" and WITHOUT_WEIGHTS.search(kind)):
        return ""
    if library == "transformers":
        return "model"
    own = library != "diffusers" and not any(place.glob(f"{OF_DIFFUSERS}*"))
    return "model" if own else OF_DIFFUSERS


def check(folder: Path) -> None:
    """Raises StudioError, which names the file at fault, for a pipeline that cannot be opened."""
    for part in read_index(folder).parts:
        place = folder / part.name
        if not place.is_dir() or not any(place.iterdir()):
            raise StudioError(
                "{folder} has no {part}, which its {index} names.", HINT, folder=folder, part=part.name, index=INDEX
            )
        package = PACKAGES.get(part.kind)
        if package is not None and find_spec(package) is None:
            raise StudioError(
                "{name} needs {needed} of transformers, for which the Python package {package} would have to be "
                "installed.",
                "Choose another model.",
                name=folder.name,
                needed=part.kind,
                package=package,
            )
        if part.stem:
            config = weights.read_json(place / CONFIG)
            tensors = read_tensors(place, part.stem, variant_of(place, part.stem))
            check_quantisation(place, config, tensors)
            _check_numbers(place / CONFIG, config, tensors)
            if part.library == "transformers":
                _check_type(place / CONFIG, config)
        elif part.kind.endswith("Scheduler"):
            _check_numbers(place / SCHEDULER, weights.read_json(place / SCHEDULER), {})


def variant_of(folder: Path, stem: str) -> str:
    """ "fp16" or "bf16" where the weights are there in that variant only; else empty."""
    if (folder / f"{stem}.safetensors").exists() or (folder / f"{stem}.safetensors.index.json").exists():
        return ""
    for variant in VARIANTS:
        names = (f"{stem}.{variant}.safetensors", f"{stem}.safetensors.index.{variant}.json")
        if any((folder / name).exists() for name in names):
            return variant
    return ""


def _check_numbers(path: Path, config: Mapping[str, Any], tensors: Mapping[str, TensorHeader]) -> None:
    """Raises StudioError for a number that would cost memory or minutes before an error, or make a black picture."""
    most = max((side for one in tensors.values() for side in one.shape), default=0)
    for name, value in _numbers(config):
        if isinstance(value, float) and not abs(value) <= LARGEST_FLOAT and not (math.isinf(value) and name in ENDLESS):
            refuse_value(path, name, value, Message("a number that a network can compute with"))
        if value < 0 and EPSILON.search(name):
            refuse_value(path, name, value, Message("at least {least}", least=0))
        if isinstance(value, float) or FREE.search(name):
            continue
        limit = LARGEST.get(name, max(LARGE, most))
        if tensors and LAYERS.match(name):
            limit = len(tensors)
        if abs(value) > limit:
            refuse_value(path, name, value, Message("no more than {limit}", limit=limit))


def _check_type(path: Path, config: Mapping[str, Any]) -> None:
    """Raises StudioError for weights of a type that is none; a table of them, one for each network, is left alone."""
    name = "dtype" if "dtype" in config else "torch_dtype"
    value = config.get(name)
    if value is not None and not isinstance(value, dict) and not (isinstance(value, str) and TYPES.fullmatch(value)):
        refuse_value(path, name, value, Message("a type of numbers such as float32"))


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, int | float]]:
    """All numbers in a JSON value, each with the name of the entry that it is in."""
    if type(value) is int or isinstance(value, float):
        yield name, value
    elif isinstance(value, dict):
        for key, each in cast("dict[str, Any]", value).items():
            yield from _numbers(each, key)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _numbers(each, name)


@cache
def _is_pipeline(library: str) -> bool:
    """Whether diffusers has a folder of pipelines of that name, such as "stable_diffusion"; it is not imported."""
    found = find_spec("diffusers")
    places = found.submodule_search_locations if found is not None else None
    return bool(re.fullmatch(r"[a-z0-9_]{1,80}", library)) and any(
        (Path(place) / "pipelines" / library / "__init__.py").is_file() for place in places or ()
    )
