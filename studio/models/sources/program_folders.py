"""Where other programs keep models on this machine, and how each of them lays out its folders."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, cast

from studio.errors import Message, reason
from studio.models import weights

HUB, COMFY, A1111, FORGE = "Hugging Face", "ComfyUI", "A1111", "Forge"
INVOKE, LM_STUDIO, OLLAMA, KOBOLD, FOLDER = "InvokeAI", "LM Studio", "Ollama", "KoboldCpp", ""

DEPTH = 8  # folders within each other
FILES = 100_000  # names that are looked at in one place
SECONDS = 120.0  # that one place may take
SMALL = 2_000_000  # bytes of a manifest, a list of folders and the like

LONE = (".safetensors", weights.GGUF, ".ckpt", ".pt", ".pth", ".pkl", ".param")
"""Files that can be a model by themselves."""

PARTS: Mapping[str, Message] = {
    "vae": Message("a VAE"),
    "vae_approx": Message("a preview decoder"),
    "vae-approx": Message("a preview decoder"),
    "controlnet": Message("a ControlNet"),
    "t2i_adapter": Message("a ControlNet"),
    "clip": Message("a text encoder"),
    "text_encoder": Message("a text encoder"),
    "text_encoders": Message("a text encoder"),
    "clip_vision": Message("a picture encoder"),
    "embeddings": Message("an embedding"),
    "loras": Message("a LoRA"),
    "lora": Message("a LoRA"),
    "lycoris": Message("a LoRA"),
    "hypernetworks": Message("a hypernetwork"),
    "ipadapter": Message("an adapter"),
    "ip_adapter": Message("an adapter"),
    "style_models": Message("an adapter"),
}
"""Folders of ComfyUI, A1111 and Forge by their names in small letters, and what lies in them: additions to models."""

DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
OLLAMA_LAYER = "application/vnd.ollama.image."
COMMIT = re.compile(r"[0-9a-f]{40}")
LATER_PART = re.compile(r".*-(?!00001)\d{5}-of-\d{5}\.gguf")


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A folder in which a program keeps models."""

    program: str
    folder: Path


@dataclass(frozen=True, slots=True)
class ModelCandidate:
    """A file or folder that may be a model. `part` is what others of its folder are, if it is none; `only` says why the
    studio cannot use it even where it is one.
    """

    path: Path
    title: str
    part: Message | None = None
    only: Message | None = None
    licence: str = ""


class VisitEnded(Exception):
    """The place is no longer wanted: it took too long, or the scan was cancelled."""


class PlaceVisit:
    """One look at a place: counts what is looked at, and says to the one who waits that its disk answers."""

    def __init__(self, note: Callable[[Message], object]) -> None:
        self.note = note
        self.beat = time.monotonic()
        self.wanted = True
        self._left = FILES
        self._until = self.beat + SECONDS
        self.too_much = False

    def answered(self, count: int = 1) -> None:
        """Called after each answer of the disk. Raises VisitEnded where this is to end."""
        self.beat = time.monotonic()
        self._left -= count
        if not self.wanted:
            raise VisitEnded
        if self._left < 0 or self.beat > self._until:
            self.too_much = True
            raise VisitEnded

    def names(self, folder: Path) -> list[os.DirEntry[str]]:
        """What is in a folder, by name; one that cannot be read is noted."""
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except FileNotFoundError:
            found = []
        except OSError as error:
            self.note(Message("{folder} cannot be read: {reason}.", folder=folder, reason=reason(error)))
            found = []
        self.answered(len(found) + 1)
        return found

    def text(self, path: Path) -> str:
        """A small file; empty where it is not there, or cannot be read."""
        try:
            with path.open("rb") as file:
                raw = file.read(SMALL + 1)
        except (OSError, ValueError):
            raw = b""
        self.answered()
        return "" if len(raw) > SMALL else raw.decode("utf-8", "replace")


def usual_places(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> list[ModelPlace]:
    """Where other programs keep their models by default, and where their environment variables say; not all exist."""
    home = Path.home() if home is None else home
    local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    places: list[ModelPlace] = []

    def add(program: str, *folders: str | Path | None) -> None:
        places.extend(ModelPlace(program, home / _expanded(str(folder))) for folder in folders if folder)

    def under(name: str, *parts: str) -> Path | None:
        return Path(environ[name], *parts) if environ.get(name) else None

    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    add(HUB, environ.get("HF_HUB_CACHE"), environ.get("HUGGINGFACE_HUB_CACHE"), under("HF_HOME", "hub"))
    add(HUB, cache / "huggingface" / "hub")
    add(COMFY, environ.get("COMFYUI_PATH"), home / "ComfyUI", home / "comfy" / "ComfyUI")
    add(COMFY, home / "Documents" / "ComfyUI", home / "ComfyUI_windows_portable" / "ComfyUI")
    add(COMFY, roaming / "ComfyUI", home / "Library" / "Application Support" / "ComfyUI", home / ".config" / "ComfyUI")
    for name in ("stable-diffusion-webui", "stable-diffusion-webui-forge", "stable-diffusion-webui-reForge", "forge"):
        add(A1111, home / name, home / "Documents" / name)
    add(INVOKE, environ.get("INVOKEAI_ROOT"), home / "invokeai")
    pointer = home / ".lmstudio-home-pointer"
    with contextlib.suppress(OSError, ValueError):
        add(LM_STUDIO, pointer.read_text("utf-8")[:4096].strip())
    add(LM_STUDIO, home / ".lmstudio", cache / "lm-studio", home / ".cache" / "lm-studio")
    add(OLLAMA, environ.get("OLLAMA_MODELS"), under("OLLAMA_HOME", "models"), home / ".ollama" / "models")
    if sys.platform == "win32":
        add(OLLAMA, local / "Ollama" / "models")
    else:
        add(OLLAMA, "/usr/share/ollama/.ollama/models", "/var/lib/ollama/models", "/var/lib/ollama")
    return list(dict.fromkeys(places))


def candidates(place: ModelPlace, skip: set[str], visit: PlaceVisit) -> Iterator[tuple[str, ModelCandidate]]:
    """What may be a model in a place, with the program that it belongs to."""
    folder = place.folder
    there = False
    try:
        there = S_ISDIR(folder.stat().st_mode)
    except PermissionError as error:
        visit.note(Message("{folder} cannot be read: {reason}.", folder=folder, reason=reason(error)))
        return
    except (OSError, ValueError):  # such as a path that no file can have
        pass
    if not there:
        if place.program == FOLDER:
            visit.note(Message("{folder} is no folder.", folder=folder))
        return
    names = {entry.name for entry in visit.names(folder)}
    program = place.program or _program_of(folder, names)
    if program == HUB:
        found = _in_hub(folder, visit)
    elif program == OLLAMA:
        found = _in_ollama(folder, visit)
    elif program == INVOKE:
        found = _in_invoke(folder, skip, visit)
    elif program == LM_STUDIO:
        found = _in_lm_studio(folder, skip, visit)
    elif program == COMFY:
        found = _in_comfy(folder, skip, visit)
    elif program == A1111:
        program = FORGE if "modules_forge" in names else A1111
        found = _in_folder(folder / "models", skip, visit)
    else:
        found = _in_folder(folder, skip, visit)
    yield from ((program, one) for one in found)


def _program_of(folder: Path, names: set[str]) -> str:
    """The program that a folder belongs to, by what is in it; empty for a folder of no program."""
    if any(name.startswith("models--") for name in names):
        return HUB
    if {"manifests", "blobs"} <= names:
        return OLLAMA
    if "invokeai.yaml" in names or is_file(folder / "databases" / "invokeai.db"):
        return INVOKE
    models = folder / "models"
    if _is_dir(models / "Stable-diffusion"):
        return A1111
    if {"extra_model_paths.yaml", "extra_models_config.yaml", "comfy"} & names or _is_dir(models / "checkpoints"):
        return COMFY
    if any(name.lower().startswith("koboldcpp") for name in names):
        return KOBOLD
    return FOLDER


def _in_folder(folder: Path, skip: set[str], visit: PlaceVisit) -> Iterator[ModelCandidate]:
    """Everything below a folder that may be a model: folders of diffusers and transformers as a whole, else files."""
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[Path, int, Message | None]] = [(folder, 0, None)]
    while waiting:
        place, depth, part = waiting.pop()
        try:
            stat = place.stat()
        except (OSError, ValueError):  # a path that no file can have, in a file of the program
            continue
        if (stat.st_dev, stat.st_ino) in seen or os.path.realpath(place) in skip:
            continue  # a link in a circle, or what the studio has itself
        seen.add((stat.st_dev, stat.st_ino))
        entries = visit.names(place)
        names = {entry.name for entry in entries}
        part = PARTS.get(place.name.lower(), part)
        whole = "model_index.json" in names or (
            "config.json" in names and any(name.endswith((".safetensors", ".safetensors.index.json")) for name in names)
        )
        if whole:
            yield ModelCandidate(place, place.name, part)
            continue
        folders: list[tuple[Path, int, Message | None]] = []
        for entry in entries:
            path = place / entry.name
            if entry.name.startswith("."):
                continue
            mode = _mode(path)
            visit.answered()
            if S_ISDIR(mode) and depth < DEPTH:
                folders.append((path, depth + 1, part))
            elif S_ISREG(mode) and path.suffix.lower() in LONE and not LATER_PART.fullmatch(entry.name):
                yield ModelCandidate(path, title_of(path), part)
        waiting += reversed(folders)


def _in_hub(folder: Path, visit: PlaceVisit) -> Iterator[ModelCandidate]:
    """The models of a Hugging Face cache: the snapshot that refs/main names, else the newest."""
    for entry in visit.names(folder):
        kind, _, name = entry.name.partition("--")
        if kind != "models" or not name:
            continue
        repo = folder / entry.name
        commit = visit.text(repo / "refs" / "main").strip()
        snapshot = repo / "snapshots" / commit
        if not COMMIT.fullmatch(commit) or not _is_dir(snapshot):
            there = [each for each in visit.names(repo / "snapshots") if _is_dir(repo / "snapshots" / each.name)]
            if not there:
                continue
            newest = max(there, key=lambda each: each.stat(follow_symlinks=False).st_mtime)
            snapshot = repo / "snapshots" / newest.name
        yield from _in_snapshot(snapshot, name.replace("--", "/"), visit)


def _in_snapshot(folder: Path, title: str, visit: PlaceVisit) -> Iterator[ModelCandidate]:
    """A snapshot as a whole where it is a folder of diffusers or transformers, else its files."""
    names = sorted(entry.name for entry in visit.names(folder))
    suffixes = {Path(name).suffix for name in names}
    if "model_index.json" in names or ("config.json" in names and ".safetensors" in suffixes):
        yield ModelCandidate(folder, title)
        return
    files = list(_in_folder(folder, set(), visit))
    broken = [name for name in names if os.path.islink(folder / name) and not (folder / name).exists()]  # noqa: PTH114
    for name in broken:
        if Path(name).suffix in LONE and not LATER_PART.fullmatch(name):
            files.append(ModelCandidate(folder / name, title))
    if len(files) == 1:
        yield replace(files[0], title=title)
        return
    yield from (replace(file, title=f"{title} {file.path.stem}") for file in files)


def _in_ollama(folder: Path, visit: PlaceVisit) -> Iterator[ModelCandidate]:
    """The models that Ollama's manifests name: manifests/HOST/NAMESPACE/MODEL/TAG, a JSON file each."""
    waiting: list[tuple[Path, tuple[str, ...]]] = [(folder / "manifests", ())]
    while waiting:
        place, parts = waiting.pop()
        for entry in visit.names(place):
            path = place / entry.name
            mode = _mode(path)
            if S_ISDIR(mode) and len(parts) < 3 and not entry.is_symlink():
                waiting.append((path, (*parts, entry.name)))
            elif S_ISREG(mode) and parts and not entry.name.startswith("."):
                spaces = [each for each in parts[1:] if each != "library"]
                candidate = _in_manifest(folder / "blobs", path, f"{'/'.join(spaces)}:{entry.name}", visit)
                if candidate is not None:
                    yield candidate


def _in_manifest(blobs: Path, path: Path, title: str, visit: PlaceVisit) -> ModelCandidate | None:
    """The model of one manifest of Ollama; None, with a note, where it names none that can be found."""
    try:
        said = weights.parse(visit.text(path).encode())
    except ValueError:
        visit.note(Message("{path} is damaged: it is no manifest of Ollama.", path=path))
        return None
    listed: Any = said.get("layers")
    entries = cast("list[Any]", listed) if isinstance(listed, list) else []
    layers = [cast("dict[str, Any]", each) for each in entries if isinstance(each, dict)]
    named: dict[str, list[Path]] = {}
    for layer in layers:
        kind = str(layer.get("mediaType")).removeprefix(OLLAMA_LAYER)
        digest = DIGEST.fullmatch(str(layer.get("digest")))
        if digest is None:
            visit.note(
                Message(
                    "{path} names a file outside of its folder: {name!r}.",
                    path=path,
                    name=str(layer.get("digest"))[:80],
                )
            )
            return None
        named.setdefault(kind, []).append(blobs / f"sha256-{digest[1]}")
    models = named.get("model", [])
    if not models:
        return None  # one that runs on Ollama's own machines
    only = None
    if len(models) > 1:
        only = Message("{name} consists of several files, which only Ollama joins.", name=title)
    elif "adapter" in named:
        only = Message("{name} is a model with a LoRA on it, which only Ollama joins.", name=title)
    licence = next((visit.text(each) for each in named.get("license", [])), "")
    return ModelCandidate(models[0], title, only=only, licence=_licence(licence))


def _in_invoke(folder: Path, skip: set[str], visit: PlaceVisit) -> Iterator[ModelCandidate]:
    """The models that InvokeAI's database lists, then those that only lie in its folder."""
    said = _yaml(visit.text(folder / "invokeai.yaml"))
    models = folder / str(said.get("models_dir") or "models")
    database = folder / str(said.get("db_dir") or "databases") / "invokeai.db"
    listed: set[str] = set()
    for name, title in _invoke_rows(database, visit):
        path = Path(name)
        if not path.is_absolute():
            path = Path(os.path.normpath(models / name))
            if not path.is_relative_to(os.path.normpath(models)):
                visit.note(
                    Message("{path} names a file outside of its folder: {name!r}.", path=database, name=name[:80])
                )
                continue
        mode = _mode(path)
        visit.answered()
        if S_ISREG(mode) or S_ISDIR(mode):
            listed.add(os.path.realpath(path))
            yield ModelCandidate(path, title or title_of(path))
    for one in _in_folder(models, skip, visit):
        real = os.path.realpath(one.path)
        if real not in listed and not any(real.startswith(each + os.sep) for each in listed):
            yield one


def _invoke_rows(database: Path, visit: PlaceVisit) -> Iterator[tuple[str, str]]:
    """(path, name) of each model in InvokeAI's database, which is opened without writing a byte beside it."""
    if not is_file(database):
        return
    rows: list[Any] = []
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            table = next((name for name in ("models", "model_config") if name in tables), "")
            if table:
                rows = db.execute(f"SELECT config FROM {table}").fetchmany(10_000)
    except (sqlite3.Error, ValueError) as error:
        visit.note(Message("{path} cannot be read: {reason}.", path=database, reason=reason(error)))
    visit.answered(len(rows))
    for (config,) in rows:
        with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
            said: dict[str, Any] = json.loads(config)
            if isinstance(said.get("path"), str) and said["path"] and "\0" not in said["path"]:
                yield said["path"], str(said.get("name") or "")


def _in_lm_studio(folder: Path, skip: set[str], visit: PlaceVisit) -> Iterator[ModelCandidate]:
    """LM Studio: publisher/repository/file below its folder of models, which its settings may name."""
    models = folder / "models"
    with contextlib.suppress(ValueError):
        chosen = weights.parse(visit.text(folder / "settings.json").encode() or b"{}").get("downloadsFolder")
        if isinstance(chosen, str) and chosen and "\0" not in chosen:
            models = folder / chosen
    yield from _in_folder(models, skip, visit)


def _in_comfy(folder: Path, skip: set[str], visit: PlaceVisit) -> Iterator[ModelCandidate]:
    """ComfyUI: its folder of models, and those that its file of further paths names."""
    yield from _in_folder(folder / "models", skip, visit)
    for name in ("extra_model_paths.yaml", "extra_models_config.yaml"):
        for kind, extra in _extra_folders(folder, _yaml(visit.text(folder / name))):
            part = PARTS.get(kind)
            yield from (replace(one, part=one.part or part) for one in _in_folder(extra, skip, visit))


def _extra_folders(folder: Path, said: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """(kind, folder) of each entry in ComfyUI's file of further paths: one path a line, relative to a base."""
    for section in said.values():
        if not isinstance(section, dict):
            continue
        entries = cast("dict[Any, Any]", section)
        base = _expanded(str(entries.get("base_path") or "."))
        for kind, lines in entries.items():
            if kind in ("base_path", "is_default", "custom_nodes", "configs") or not isinstance(lines, str):
                continue
            for line in lines.splitlines():
                if line.strip() and "\0" not in line:
                    yield str(kind).lower(), folder / base / line.strip()


def _yaml(text: str) -> dict[str, Any]:
    """A mapping in YAML, read without building any object of its own kind; empty where it is none."""
    import yaml  # only the files of two programs need it

    try:
        said: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


def _licence(text: str) -> str:
    from studio.models import detect

    head = " ".join(text.lower().split())[:400]
    return next((licence for words, licence in detect.LICENCE_TEXTS if words in head), "")


def title_of(path: Path) -> str:
    return path.stem if path.suffix.lower() in LONE else path.name


def _expanded(text: str) -> Path:
    """A path with its variables and its home filled in, as far as they are known."""
    return Path(os.path.expanduser(os.path.expandvars(text)))  # noqa: PTH111 - which raises for an unknown user


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _is_dir(path: Path) -> bool:
    return S_ISDIR(_mode(path))


def is_file(path: Path) -> bool:
    return S_ISREG(_mode(path))
