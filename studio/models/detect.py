"""Detects which family a model folder or file is of, by its headers, JSON and pickles; no weights are loaded."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from studio import checkpoints
from studio.errors import BadInput, Message, StudioError
from studio.models import weights
from studio.models.families import Families, marks, recognised
from studio.models.folders import named

PICKLES = frozenset({*checkpoints.SUFFIXES, ".bin", ".ckpt"})
# Files of trainers beside the weights; never read.
LEFTOVERS = ("optimizer", "scheduler", "rng_state", "training_args", "scaler", "checkpoint")
PROJECTORS = ("clip",)  # architectures that turn pictures or sounds into tokens of a language model
ENCODERS = (
    "bert", "modern-bert", "neo-bert", "eurobert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3",
    "gemma-embedding", "t5encoder",
)  # fmt: skip
"""Architectures of llama.cpp that turn texts into numbers, and write none."""
PLAIN = frozenset(
    {
        ".safetensors", ".gguf", ".json", ".txt", ".model", ".tiktoken", ".jinja", ".md", ".toml",
        ".png", ".jpg", ".jpeg", ".webp",
    }
)  # fmt: skip

GENERATORS = ("synthesis.b4.", "synthesis.L0_", "to_rgb1.conv.")
"""How names of tensors begin by which a StyleGAN generator is recognised."""

FREE = frozenset(
    {
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "cc0-1.0", "unlicense", "0bsd", "zlib",
        "cc-by-4.0", "cc-by-3.0", "cc-by-sa-4.0", "cc-by-sa-3.0", "own",
    }
)  # fmt: skip
"""Licences that do not restrict the use of works; `own` is for models that the user trained. Others are asked about."""

OF_SOUND = re.compile("Audio|Music|AceStep|DanceDiffusion")
"""In the names of diffusers' pipelines that make sound."""

LICENCES = ("LICENSE", "LICENCE")
LICENCE_TEXTS = (
    ("apache license", "apache-2.0"),
    ("mit license", "mit"),
    ("creativeml open rail", "openrail"),
    ("creative commons attribution 4.0", "cc-by-4.0"),
    ("cc0 1.0 universal", "cc0-1.0"),
)


@dataclass(frozen=True, slots=True)
class DetectedModel:
    """A model in a folder or file: the files to copy (paths relative to `root`), and what they say about themselves.

    `foreign` marks a checkpoint of another program, a single file, which is converted instead of copied; `bare` a GGUF
    file without its suffix, as Ollama keeps it.
    """

    root: Path
    files: tuple[Path, ...]
    medium: str
    family: str
    licence: str
    facts: Mapping[str, Any]
    foreign: bool = False
    bare: bool = False

    def inside(self, file: Path) -> Path:
        """What one of the files is called in a model's folder."""
        return Path(f"model{weights.GGUF}") if self.bare else file


def recognise(path: Path, families: Families) -> DetectedModel:
    """The model in the folder or file at `path`, of one of `families`.

    Raises BadInput where there is none, StudioError for damaged files. Only pickles of StyleGAN generators and of
    upscalers are read, by a reader that runs nothing; others are refused.
    """
    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would follow links out of a hub's cache
    if path.is_dir():
        return _folder(path, families)
    hint = "Give a model folder, or a .safetensors or .gguf file."
    if not path.exists():
        raise BadInput("{path} does not exist.", hint, path=path)
    if not path.is_file():  # reading a pipe would wait for ever
        raise BadInput("{path} is not a file.", hint, path=path)
    if path.suffix.lower() in checkpoints.SUFFIXES or _is_ncnn(path):
        return _foreign(path, families)
    if path.suffix.lower() in PICKLES:
        raise BadInput(_pickle(path), "Look for the same model as safetensors.")
    if path.suffix == weights.GGUF:
        parts = _parts(path)
        return _gguf(parts[0], parts, families)
    if not path.suffix and _is_gguf(path):
        return replace(_gguf(path, [path], families), bare=True)
    if path.suffix != ".safetensors":
        raise BadInput("{name} is not a model.", hint, name=path.name)
    return _single(path, families)


def _folder(path: Path, families: Families) -> DetectedModel:
    if (path / "checkpoint.pt").exists() and (path / "model" / "config.json").exists():
        path = path / "model"  # the folder of a training run: its finished model is beside its checkpoint
    trained_here = path.name == "model" and (path.parent / "checkpoint.pt").exists()
    files = tuple(_files(path))
    tables = sorted(path.glob(f"*{checkpoints.NCNN}"))
    if tables and not any(file.suffix == ".safetensors" for file in files):
        if len(tables) > 1:
            raise _several(path, tables)
        found = _foreign(tables[0], families)
        facts = {**found.facts, **_toml(path / "model.toml")}
        return replace(found, licence=str(facts.get("licence") or _licence(path, files)), facts=facts)
    _refuse_pickles(path, files)
    first = [path / file for file in files if file.suffix == weights.GGUF and _parts(path / file)[0] == path / file]
    if first and not any(file.suffix == ".safetensors" for file in files):
        if len(first) > 1:
            raise _several(path, first)
        found = _gguf(first[0], _parts(first[0]), families)
        facts = {**found.facts, **_toml(path / "model.toml")}
        licences = [file for file in files if file.name.upper().startswith(LICENCES)]
        licence = str(facts.get("licence") or found.licence or _licence(path, files))
        return replace(found, files=(*found.files, *licences), licence=licence, facts=facts)
    files = tuple(file for file in files if file.suffix != weights.GGUF)
    if not any(file.suffix == ".safetensors" for file in files):
        raise BadInput(
            "{path} holds no .safetensors file.", "Give the folder of a model, not the one above it.", path=path
        )
    index, config = _table(path / "model_index.json"), _table(path / "config.json")
    facts = {**config, **_toml(path / "model.toml")}
    if index:
        files = tuple(file for file in files if len(file.parts) > 1 or file.suffix != ".safetensors")
    medium, family = _kind(path, facts, index, families)
    licence = str(facts.get("licence") or _licence(path, files) or ("own" if trained_here else ""))
    return DetectedModel(path, files, medium, family, licence, facts)


def _several(folder: Path, files: Sequence[Path]) -> BadInput:
    return BadInput(
        "{folder} holds {count} models: {names}.",
        "Import one of the files.",
        folder=folder,
        count=len(files),
        names=named([one.name for one in files]),
    )


def _kind(path: Path, facts: Mapping[str, Any], index: Mapping[str, Any], families: Families) -> tuple[str, str]:
    """(medium, family), by the classes that the files name, else by what model.toml or config.json say."""
    named = (str(facts.get("medium") or ""), str(facts.get("family") or ""))
    if index:
        name = str(index.get("_class_name"))
        found = recognised(families, "pipeline", lambda mark: mark == name)
        if found is None:
            raise BadInput(
                "{name} needs {needed} of diffusers, which the studio cannot run.",
                _instead(name, families),
                name=path.name,
                needed=name[:80],
            )
        return found[0], named[1] or found[1].name
    kind = str(facts.get("model_type") or "")
    found = recognised(families, "model_type", lambda mark: mark == kind)
    if found is not None:
        return found[0], named[1] or kind
    classes = facts.get("architectures")
    names = [str(name) for name in cast(list[Any], classes)] if isinstance(classes, list) else []
    found = recognised(families, "architecture", lambda mark: any(name.endswith(mark) for name in names))
    if kind and found is not None:
        if "auto_map" in facts:
            raise BadInput(
                "{name} brings program code of its own, which the studio never runs.",
                "Choose a model that works without it.",
                name=path.name,
            )
        return found[0], named[1] or kind
    if all(named):
        return named
    if not facts:
        raise BadInput(
            "{path} has neither config.json nor model_index.json.", "Give the folder of a whole model.", path=path
        )
    needed = (names or [kind])[0]
    if needed:
        raise BadInput(
            "{name} needs {needed} of transformers, which the studio cannot run.",
            "Choose another model.",
            name=path.name,
            needed=needed[:80],
        )
    raise BadInput(
        "The studio does not know what {name} is.", "Its config.json names no kind it can run.", name=path.name
    )


def _instead(pipeline: str, families: Families) -> Message:
    """What to do about a pipeline that the studio cannot run: those that it can, of sound or of pictures."""
    sound = bool(OF_SOUND.search(pipeline))
    known = [name for name in marks(families, "pipeline") if bool(OF_SOUND.search(name)) == sound]
    return Message("It can run: {names}.", names=", ".join(known))


def _single(path: Path, families: Families) -> DetectedModel:
    header = weights.read_header(path)
    if any(name.startswith(GENERATORS) for name in header.tensors) or checkpoints.read_upscaler(path) is not None:
        return _foreign(path, families)
    found = recognised(families, "tensor", lambda mark: any(mark in name for name in header.tensors))
    if found is not None:
        licence = header.metadata.get("modelspec.license", "").strip().lower()
        return DetectedModel(path.parent, (Path(path.name),), found[0], found[1].name, licence, {})
    if any("lora_" in name or ".lora" in name for name in header.tensors):
        raise BadInput("{name} is a LoRA, an addition to a model.", "Import a whole model.", name=path.name)
    raise BadInput(
        "The studio does not know what {name} is.",
        "Import the folder it belongs to, with its config.json.",
        name=path.name,
    )


def _gguf(path: Path, parts: Sequence[Path], families: Families) -> DetectedModel:
    """A language model in one GGUF file, or in several: `path` is the first of `parts`."""
    header = weights.read_gguf(path)
    missing = [part for part in parts if not part.exists()]
    if missing:
        raise BadInput("{name} is missing.", "Download or copy all parts of the model.", name=missing[0].name)
    kind, name = header.text("general.type"), header.architecture
    if kind == "adapter":
        raise BadInput("{name} is a LoRA, an addition to a model.", "Import a whole model.", name=path.name)
    if name in PROJECTORS or kind == "mmproj":
        raise BadInput(
            "{name} is the eye or ear of another model, and no model by itself.",
            "Import the language model it belongs to.",
            name=path.name,
        )
    if name in ENCODERS:
        raise BadInput(
            "{name} is a text encoder: it reads texts and writes none.", "Choose a language model.", name=path.name
        )
    found = recognised(families, "gguf", lambda mark: bool(header.metadata.get(mark)))
    if found is None or not name:
        raise BadInput(
            "{name} holds {needed}, which the studio cannot run.",
            "Choose a language model.",
            name=path.name,
            needed=name[:80] or Message("a network without a name"),
        )
    facts = {
        "credits": header.text("general.author") or header.text("general.organization"),
        "description": header.text("general.description"),
        "languages": header.metadata.get("general.languages"),
        "source": header.text("general.source.url") or header.text("general.url"),
    }
    licence = header.text("general.license").strip().lower()[:100]
    files = tuple(part.relative_to(path.parent) for part in parts)
    return DetectedModel(path.parent, files, found[0], name, licence, facts)


def _is_ncnn(path: Path) -> bool:
    """Whether a file is one of the two of an ncnn network. A .bin alone is a pickle of torch."""
    suffix = path.suffix.lower()
    return suffix == checkpoints.NCNN or (suffix == ".bin" and path.with_suffix(checkpoints.NCNN).is_file())


def _is_gguf(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GGUF"
    except OSError as error:
        raise StudioError(
            "{path} cannot be read: {reason}.", "Check that the file is there.", path=path, reason=error.strerror
        ) from error


def _parts(path: Path) -> list[Path]:
    """The files of the GGUF model that the file at `path` belongs to, the first one first."""
    part = re.fullmatch(r"(.*)-(\d{5})-of-(\d{5})\.gguf", path.name)
    if part is None:
        return [path]
    count = min(int(part[3]), 1000)
    return [path.with_name(f"{part[1]}-{number:05}-of-{part[3]}.gguf") for number in range(1, count + 1)]


def _foreign(path: Path, families: Families) -> DetectedModel:
    checkpoint = checkpoints.read_foreign(path)
    facts = {**checkpoint.facts, "source": f"imported from {path.name}"}
    family = checkpoint.family
    found = recognised(families, "checkpoint", lambda mark: mark == family)
    if found is None:
        raise BadInput("{name} holds a {family}, which the studio cannot run.", name=path.name, family=family)
    return DetectedModel(path.parent, (Path(path.name),), found[0], family, checkpoint.licence, facts, True)


def _files(folder: Path) -> Iterator[Path]:
    """The plain files under a folder that a model may consist of, relative to it, sorted; pickles are included."""
    found: list[Path] = []
    for parent, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            suffix = Path(name).suffix.lower()
            licence = name.upper().startswith((*LICENCES, "NOTICE"))
            if not name.startswith(".") and (suffix in PLAIN or suffix in PICKLES or licence):
                found.append((Path(parent) / name).relative_to(folder))
        if len(found) > 5000:
            raise BadInput(
                "{folder} holds far too many files for one model.", "Give the folder of a single model.", folder=folder
            )
    yield from sorted(found)


def _refuse_pickles(folder: Path, files: Sequence[Path]) -> None:
    safe = {file.parent for file in files if file.suffix == ".safetensors"}
    for file in files:
        if file.suffix.lower() in PICKLES and file.parent not in safe and not file.name.startswith(LEFTOVERS):
            alone = not safe and file.suffix.lower() in checkpoints.SUFFIXES
            hint = "If it is a StyleGAN, give the file itself." if alone else "Look for the same model as safetensors."
            raise BadInput(_pickle(folder / file), hint)


def _pickle(path: Path) -> Message:
    return Message(
        "{name} is a pickle, which can run any program when it is opened; the studio does not open it.", name=path.name
    )


def _table(path: Path) -> dict[str, Any]:
    return weights.read_json(path) if path.exists() else {}


def _toml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_bytes()[: weights.JSON_LIMIT].decode("utf-8"))
    except OSError as error:
        raise StudioError(
            "{path} cannot be read: {reason}.", "Check that the file is there.", path=path, reason=error.strerror
        ) from error
    except (ValueError, RecursionError) as error:
        raise StudioError(
            "{path} is damaged: it is not valid TOML.", "Download or copy it again.", path=path
        ) from error


def _licence(folder: Path, files: Sequence[Path]) -> str:
    """The licence that a card or a licence text names, as an SPDX id where it is known; empty where none is found."""
    for name in ("README.md", "card.md", "model_card.md"):
        if Path(name) in files:
            for line in _head(folder / name).splitlines()[:60]:
                key, _, value = line.strip().partition(":")
                if key.lower().strip("*-# ") in ("license", "licence") and value.strip(" *"):
                    return value.strip(" *'\"").rstrip(".").lower()[:100]
    for file in files:
        if len(file.parts) == 1 and file.name.upper().startswith(LICENCES):
            head = " ".join(_head(folder / file).lower().split())[:400]
            return next((licence for words, licence in LICENCE_TEXTS if words in head), "")
    return ""


def _head(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(20_000).decode("utf-8", "replace")


def demand(found: DetectedModel, medium: str) -> None:
    """Raises BadInput that names the medium of the model, unless that is `medium`."""
    if found.medium != medium:
        raise BadInput(
            "{name} is a {family} model, which belongs to {medium}.",
            "Import it with --medium {medium}.",
            name=found.root.name,
            family=found.family,
            medium=found.medium,
        )
