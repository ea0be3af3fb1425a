"""Finds models of other programs on this machine: looks at their places, and tells by headers what is there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.errors import Message, StudioError, quiet, reason
from studio.models import weights
from studio.models.families import Families, family_named
from studio.models.model import Model
from studio.models.sources.program_folders import (
    FOLDER,
    ModelCandidate,
    ModelPlace,
    PlaceVisit,
    VisitEnded,
    candidates,
    is_file,
    title_of,
    usual_places,
)

SILENCE = 8.0  # seconds without an answer from a disk, after which its place is left alone
SAMPLES, SAMPLE = 16, 4096  # parts of a file that it is compared by, and bytes of each


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model of another program: `path` is the file or folder that it consists of, `files` all files of it.

    `medium` and `family` are empty where the studio does not know it; `why_not` says why it cannot run. `also` are
    other programs that have the same files, `installed` is the id of the model that has them in the studio. One that
    is `converted` cannot be read in place: a copy is made of it in another format.
    """

    program: str
    path: Path
    files: tuple[Path, ...]
    medium: str
    family: str
    title: str
    size: int
    why_not: Message | None = None
    licence: str = ""
    converted: bool = False
    also: tuple[str, ...] = ()
    installed: str = ""


@dataclass(slots=True)
class ModelScan:
    """What was found, by program and title, and what was left out and why."""

    models: list[FoundModel] = field(default_factory=list[FoundModel])
    notes: list[Message] = field(default_factory=list[Message])


def scan(
    families: Families,
    folders: Sequence[Path] = (),
    places: Sequence[ModelPlace] | None = None,
    installed: Sequence[Model] = (),
    skipped: Sequence[Path] = (),
    report: Callable[[int, str], object] = lambda found, folder: None,
) -> ModelScan:
    """The models in the usual `places` and in `folders`, whose kind is seen by what is in them.

    `installed` are the models that the studio has, `skipped` the folders that it keeps them in. `report(found, folder)`
    is called several times a second, also while a disk does not answer; what it raises ends the scan and passes
    through. Folders that cannot be read, do not answer or are too large become notes.
    """
    found = ModelScan()
    skip = {os.path.realpath(folder) for folder in skipped}
    wanted = [ModelPlace(FOLDER, folder) for folder in folders]
    wanted += usual_places() if places is None else places
    visited: set[str] = set()
    for place in wanted:
        real = os.path.abspath(place.folder)  # noqa: PTH100 - a link to a disk that does not answer is not followed
        if real not in visited:
            visited.add(real)
            _visit(place, families, skip, found, report)
    found.models = _merged(found.models, installed, report)
    return found


def remembered(text: str) -> list[Path]:
    """The folders in the setting `model_folders`, one a line."""
    return [Path(line) for line in text.splitlines() if line.strip()]


def remember(text: str, folders: Iterable[Path]) -> str:
    """The setting with further folders."""
    return "\n".join(dict.fromkeys([*map(str, remembered(text)), *map(str, folders)]))


def find(path: Path, families: Families, program: str = FOLDER, title: str = "", licence: str = "") -> FoundModel:
    """What the file or folder at `path` is, by its headers."""
    return _examined(program, ModelCandidate(path, title or title_of(path), licence=licence), families)


def _visit(
    place: ModelPlace,
    families: Families,
    skip: set[str],
    found: ModelScan,
    report: Callable[[int, str], object],
) -> None:
    """Look at a place in a thread of its own, which is left behind where a disk does not answer."""
    answers: queue.SimpleQueue[FoundModel | None] = queue.SimpleQueue()
    visit = PlaceVisit(found.notes.append)

    def work() -> None:
        try:
            with contextlib.suppress(VisitEnded):
                for program, candidate in candidates(place, skip, visit):
                    visit.answered()
                    answers.put(_examined(program, candidate, families))
                    visit.answered()
        except OSError as error:  # its disk went away meanwhile
            visit.note(Message("{folder} cannot be read: {reason}.", folder=place.folder, reason=reason(error)))
        finally:
            answers.put(None)

    thread = threading.Thread(target=work, name="model scan", daemon=True)
    thread.start()
    try:
        while True:
            report(len(found.models), str(place.folder))
            try:
                answer = answers.get(timeout=0.2)
            except queue.Empty:
                if time.monotonic() - visit.beat > SILENCE:
                    found.notes.append(Message("{folder} does not answer; it was left out.", folder=place.folder))
                    visit.note = quiet
                    return
                continue
            if answer is None:
                break
            found.models.append(answer)
        if visit.too_much:
            found.notes.append(
                Message(
                    "{folder} is too large to be looked at as a whole: some of it was left out.", folder=place.folder
                )
            )
    finally:
        visit.wanted = False
        thread.join(1.0)


def _examined(program: str, candidate: ModelCandidate, families: Families) -> FoundModel:
    """What a candidate is, by its headers."""
    from studio.models import detect  # needs numpy for checkpoints

    path = candidate.path
    unknown = FoundModel(program, path, (path,), "", "", candidate.title, _size([path]))
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return replace(unknown, why_not=Message("{name} has a name that is no Unicode.", name=path.name))
    if candidate.only is not None:
        return replace(unknown, why_not=candidate.only)
    try:
        found = detect.recognise(path, families)
        files = tuple(found.root / file for file in found.files)
        missing = next((file for file in files if not is_file(file)), None)
        if missing is not None:
            raise StudioError("{name} is missing: the download is not complete.", name=missing.name)
        heavy = [file for file in files if file.suffix in (".safetensors", weights.GGUF) or found.foreign or found.bare]
        known = replace(
            unknown,
            files=files,
            medium=found.medium,
            family=found.family,
            size=_size(heavy),
            licence=found.licence or candidate.licence,
            converted=found.foreign,
        )
        if not found.foreign and not found.bare:
            family = family_named(families.get(found.medium, ()), found.family)
            family.check_files(found.root if path.is_dir() else files[0])
        return known
    except StudioError as error:
        part = _is_a(candidate, path) if candidate.part is not None else error.said
        return replace(unknown, why_not=part)
    except OSError as error:
        said = Message("{path} cannot be read: {reason}.", path=path, reason=reason(error))
        return replace(unknown, why_not=said)


def _is_a(candidate: ModelCandidate, path: Path) -> Message:
    return Message(
        "{name} is {part}; the studio uses whole models.", name=candidate.title or path.name, part=candidate.part
    )


def _merged(
    models: Sequence[FoundModel], installed: Sequence[Model], report: Callable[[int, str], object]
) -> list[FoundModel]:
    """One entry for the same files, whichever programs have them, each with the model that has them in the studio.

    Contents are read only of models of the same size.
    """
    installed = [model for model in installed if model.unavailable is None]  # whose disk answers
    sizes = Counter(one.size for one in dict(zip(map(_inodes, models), models, strict=True)).values())
    sizes.update({model.size for model in installed})
    merged: dict[tuple[Any, ...], FoundModel] = {}
    contents: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for one in models:
        inode = _inodes(one)
        if inode not in contents:
            report(len(models), str(one.path))
            contents[inode] = (_content(one.files) if sizes[one.size] > 1 else ()) or inode
        key = contents[inode]
        before = merged.get(key)
        if before is None:
            merged[key] = one
        elif one.program != before.program:
            merged[key] = replace(before, also=tuple(dict.fromkeys((*before.also, one.program))))
    wanted = {one.size for one in merged.values()}
    theirs = {_content(weights.weight_files(model.folder)): model.id for model in installed if model.size in wanted}
    linked = {os.path.realpath(file.path): model.id for model in installed for file in model.links.values()}
    found = [
        replace(one, installed=theirs.get(key) or linked.get(os.path.realpath(_weights(one.files)[0]), ""))
        for key, one in merged.items()
    ]
    return sorted(found, key=lambda one: (one.why_not is not None, one.program, one.title.lower()))


def _weights(files: Sequence[Path]) -> list[Path]:
    return [file for file in files if file.suffix in (".safetensors", weights.GGUF)] or list(files)


def _inodes(one: FoundModel) -> tuple[Any, ...]:
    found: list[Any] = []
    for file in _weights(one.files):
        with contextlib.suppress(OSError):
            stat = file.stat()
            found.append((stat.st_dev, stat.st_ino))
    return tuple(found) or (str(one.path),)


def _content(files: Sequence[Path]) -> tuple[Any, ...]:
    """(size, hash) of each file of weights, the hash of its beginning, its end and parts between; empty where one
    cannot be read. Fine-tuned models have the same size and header: only their numbers differ.
    """
    found: list[Any] = []
    try:
        for path in _weights(files):
            size = path.stat().st_size
            digest = hashlib.sha256()
            with path.open("rb") as file:
                for at in sorted({size * number // SAMPLES for number in range(SAMPLES)} | {max(0, size - SAMPLE)}):
                    file.seek(at)
                    digest.update(file.read(SAMPLE))
            found.append((size, digest.hexdigest()))
    except OSError:
        return ()
    return tuple(sorted(found))


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        with contextlib.suppress(OSError, ValueError):
            total += file.stat().st_size if is_file(file) else 0
    return total
