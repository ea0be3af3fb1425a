"""Credits: versions, licences and authors of the studio's libraries and models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

import studio
from studio.models.catalog import Catalog

LICENCE = "Apache-2.0"
LIBRARIES = (
    "torch", "diffusers", "transformers", "accelerate", "tokenizers", "safetensors", "xllamacpp", "jinja2",
    "scipy", "pyloudnorm", "numpy", "pillow", "charset-normalizer", "vtracer", "resvg-py", "soundfile", "platformdirs",
    "filelock", "httpx2", "huggingface_hub", "keyring", "psutil", "tqdm", "pyyaml", "tomli-w", "PySide6-Essentials",
    "qasync", "sounddevice",
)  # fmt: skip
"""What the studio asks for itself, as pyproject.toml has it; a checkout that is not installed cannot say."""


@dataclass(frozen=True, slots=True)
class CreditedPart:
    """The studio, a library or a model, and on which terms it is here."""

    kind: str
    name: str
    version: str
    licence: str
    credits: str = ""


def parts(catalog: Catalog) -> list[CreditedPart]:
    """The studio itself first, then its libraries by name, then the models there are."""
    own = CreditedPart("studio", "AIGC Studio", studio.__version__, LICENCE)
    return [own, *sorted(_libraries(), key=lambda part: part.name.lower()), *_models(catalog)]


def _libraries() -> Iterator[CreditedPart]:
    """What is installed of what the studio asks for, with what that asks for in turn."""
    wanted, seen = ["aigc-studio", *LIBRARIES], set[str]()
    while wanted:
        name = wanted.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue
        seen.add(key)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        # Extras are asked for by nobody here; other markers are settled by what is installed.
        wanted += [_name(line) for line in found.requires or [] if "extra ==" not in line]
        if key != "aigc-studio":
            yield CreditedPart("library", found.metadata["Name"] or name, found.version, _licence(found))


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return found[0] if found else requirement


def _licence(found: metadata.Distribution) -> str:
    """The licence as the package states it: an expression, else its classifiers, else the first line of its field."""
    for expression in found.metadata.get_all("License-Expression") or []:
        return expression
    every = found.metadata.get_all("Classifier") or []
    classifiers = [line.split(" :: ")[-1] for line in every if line.startswith("License")]
    if classifiers:
        return ", ".join(dict.fromkeys(classifiers))
    lines = "\n".join(found.metadata.get_all("License") or []).strip().splitlines()
    return lines[0].strip()[:60] if lines else "see the package"


def _models(catalog: Catalog) -> Iterator[CreditedPart]:
    for model in catalog.models():
        credits = " ".join(model.credits.split())
        yield CreditedPart("model", model.title, f"{model.family} {model.sha256[:12]}".strip(), model.licence, credits)
