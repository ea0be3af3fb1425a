"""Imports a model into a folder of models: recognises it, copies, converts or links to it, tries and describes it."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from studio.errors import NOTHING, BadInput, Message, StudioError
from studio.models import links, trial, weights
from studio.models.families import Families, Family, family_named
from studio.models.installed import STAGING
from studio.models.model import LinkedFile, Model, list_of, picture_size, plain_entries, text_of
from studio.system import storage
from studio.system.storage import sha256_of

if TYPE_CHECKING:
    from studio.models.detect import DetectedModel

Copied = Callable[[int, int], object]


class AlreadyInstalled(BadInput):
    """The weights that were to be imported are installed already, as `model`."""

    def __init__(self, name: str, model: Model) -> None:
        super().__init__(
            "The weights of {name} are installed already, as {id}.",
            "Use that one, or remove it first.",
            name=name,
            id=model.id,
        )
        self.model = model


class LicenceToAccept(BadInput):
    """The licence of what is to be imported may limit what is done with works, and was not accepted."""

    def __init__(self, name: str, licence: str, terms: Message = NOTHING) -> None:
        said = Message(
            "The licence of {name} is {licence}: it may limit what you do with its works.",
            name=name,
            licence=licence or Message("unknown"),
        )
        super().__init__(
            Message("{said} {terms}", said=said, terms=terms) if terms else said,
            "Read it; if you agree, add --accept-licence.",
        )
        self.licence = licence


@dataclass(frozen=True, slots=True)
class ModelToImport:
    """The file or folder at `path`, which is to become a model of `medium`.

    `licence` replaces the one that its files name, `accept_licence` says that its terms are accepted, and `name` is
    what the model is to be called, where that is not the name of the file. `linked` is the program whose files are
    linked to instead of being copied, which may have no name; None where they are copied. `fetched` are the facts of a
    model that was fetched to `path`: they go before what the files say, and the files get a second name where the disk
    can give them one, instead of being copied.
    """

    path: Path
    medium: str
    licence: str = ""
    accept_licence: bool = False
    name: str = ""
    linked: str | None = None
    fetched: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Import:
    """A model that was recognised and may be imported: its `files`, relative to `found.root`, and what it is called."""

    wanted: ModelToImport
    found: DetectedModel
    files: tuple[Path, ...]
    family: Family
    name: str


def import_model(
    wanted: ModelToImport,
    own: Path,
    families: Families,
    installed: Callable[[str], list[Model]],
    free_id: Callable[[str], str],
    report: Copied,
) -> Path:
    """Put a model into the folder of models `own`, all of it or nothing; returns its folder there.

    `installed(medium)` are the models that there are, `free_id(stem)` makes an id that none of them has, and
    `report(done, total)` is called with bytes. Raises as `Catalog.import_`.
    """
    one = _recognised(wanted, families)
    copying = Message("{name} could not be copied to {folder}", name=wanted.path.name, folder=own)
    with storage.disk_errors_as(copying):
        own.mkdir(parents=True, exist_ok=True)
        with storage.staging(own, STAGING) as staging:
            stem, total = _fill(one, staging, own, installed, report)
            if one.family.trial:
                trial.run(one.family.trial, staging, one.found.root, lambda: report(total, total))
            while True:
                folder = own / free_id(stem)
                try:
                    staging.rename(folder)
                    break
                except OSError:
                    if not folder.exists():
                        raise
        storage.sync_folder(own)
    return folder


def _recognised(wanted: ModelToImport, families: Families) -> _Import:
    """What is to be imported, once its files and its licence were checked."""
    from studio.models import detect  # needs numpy for checkpoints: only imports pay for it

    path = wanted.path
    found = detect.recognise(path, families)
    detect.demand(found, wanted.medium)
    if wanted.licence:
        found = replace(found, licence=wanted.licence)
    if wanted.fetched is not None:
        found = replace(found, facts={**found.facts, **wanted.fetched})
    files = tuple(file for file in found.files if found.foreign or file.suffix.lower() not in detect.PICKLES)
    for file in files:
        if file.suffix in (".safetensors", weights.GGUF) and not found.foreign:
            weights.check_file(found.root / file)
    family = family_named(families.get(wanted.medium, ()), found.family)
    if not found.foreign and not found.bare:
        family.check_files(found.root if path.is_dir() else found.root / files[0])
    if not wanted.accept_licence and found.licence.lower() not in detect.FREE:
        raise LicenceToAccept(path.name, found.licence)
    return _Import(wanted, found, files, family, wanted.name or (path.name if path.is_dir() else path.stem))


def _fill(
    one: _Import, staging: Path, own: Path, installed: Callable[[str], list[Model]], report: Copied
) -> tuple[str, int]:
    """Put the files of a model and its model.toml into the folder `staging`; returns what its id begins with, and the
    bytes that were reported. AlreadyInstalled where its weights are there already, with the same settings.
    """
    from studio import checkpoints

    found, files, linked = one.found, one.files, one.wanted.linked
    foreign = checkpoints.read_foreign(found.root / files[0]) if found.foreign else None
    taken = [file for file in files if linked is None or found.bare or file.suffix in (".safetensors", weights.GGUF)]
    need = foreign.size if foreign else sum((found.root / file).stat().st_size for file in taken)
    joined = one.wanted.fetched is not None and not foreign and storage.can_link(found.root / files[0], own)
    if linked is None and not joined:
        storage.demand_free_space(own, need, one.name)
    copied = 0

    def step(size: int) -> None:
        nonlocal copied
        copied += size
        report(copied, need)

    if foreign:
        foreign.write(staging, found.medium, found.licence or "unknown", step)
    linked_files: dict[str, LinkedFile] = {}
    for file in () if foreign else files:
        place = staging / found.inside(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        if joined:  # a second name for the file itself: the first one is deleted with the download
            place.hardlink_to(found.root / file)
            step(place.stat().st_size)
        elif linked is None:
            # Links are followed: a hub's cache consists of them.
            storage.copy(found.root / file, place, step)
        elif file != Path("model.toml"):  # which is the link's own
            links.make(found.root / file, place)
            linked_files[place.relative_to(staging).as_posix()] = links.described(found.root / file)
    if found.bare:
        _check_as(found.root / files[0], staging, one.family)
    stem = _stem(found, one.name)
    settings = weights.settings_files(staging)
    more: dict[str, str] = {}
    if linked is not None:
        more = {"source": f"linked from {linked or found.root}", "linked": str(found.root)}
    shown = one.name if more or stem == _plain(one.name) else stem
    sha256 = _describe(staging, found, shown, settings, more, linked_files, step if more else _unheard)
    for model in installed(found.medium):
        if model.sha256 == sha256 and (foreign or _same_settings(settings, model)):
            raise AlreadyInstalled(one.name, model)
    return stem, need


def _plain(name: str) -> str:
    """The name as part of an id: a to z, 0 to 9, dots and dashes."""
    return re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")[:60].rstrip("-._")


def _stem(found: DetectedModel, name: str) -> str:
    """What a model's id begins with: the name of the folder or file; where that is generic, the title without accents,
    if it has plain letters; else the family.
    """
    plain = _plain(name)
    if plain not in ("", "model", "snapshot") and not re.fullmatch(r"[0-9a-f]{40}", plain):
        return plain
    titled = _plain(unicodedata.normalize("NFKD", text_of(found.facts.get("title"))).encode("ascii", "ignore").decode())
    return titled if re.search("[a-z]", titled) else _plain(f"{found.medium}-{found.family}")


def _unheard(_bytes: int) -> None:
    pass


def _check_as(path: Path, folder: Path, family: Family) -> None:
    """Raises StudioError, which names the file at `path`, where the family cannot run what `folder` holds of it."""
    try:
        family.check_files(folder)
    except StudioError as error:
        inside = next(iter(weights.weight_files(folder)), folder)
        said, advice = (trial.renamed(said, inside, path) for said in (error.said, error.advice))
        raise StudioError(said, advice) from error


def _describe(
    folder: Path,
    found: DetectedModel,
    name: str,
    settings: Mapping[str, str],
    more: Mapping[str, str],
    linked: Mapping[str, LinkedFile],
    on_chunk: Callable[[int], object],
) -> str:
    """Write the model.toml of an imported model with the hashes of its `settings` and `more` facts, and return the hash
    of its weights; `on_chunk(bytes)` is called while they are read. `linked` are files that lie elsewhere.

    It has no id: that is the name of the folder.
    """
    size, sha256 = weights.fingerprint(folder, on_chunk=on_chunk)
    facts: dict[str, Any] = {
        "medium": found.medium,
        "family": found.family,
        "title": text_of(found.facts.get("title")) or name,
        "licence": found.licence or "unknown",
        "size": size,
        "sha256": sha256,
        "source": text_of(found.facts.get("source")) or "imported",
        "credits": text_of(found.facts.get("credits")),
        "description": text_of(found.facts.get("description")),
        "languages": [str(item) for item in list_of(found.facts.get("languages"))],
        "native": list(picture_size(found.facts.get("native"))),
        **more,
    }
    defaults = plain_entries(found.facts.get("defaults"))
    if defaults:
        facts["defaults"] = defaults
    if settings:
        facts["files"] = dict(settings)
    if linked:
        facts["links"] = {name: dataclasses.asdict(each) for name, each in linked.items()}
    storage.write_synced(folder / "model.toml", tomli_w.dumps(facts).encode("utf-8"))
    return sha256


def _same_settings(settings: Mapping[str, str], installed: Model) -> bool:
    """Whether a model with the weights of the installed one is that one: with a mended config it is another version.

    Of one that was imported before its files were recorded, those that the new one has are looked at.
    """
    if installed.files:
        return installed.files == settings
    paths = {name: installed.folder / name for name in settings}
    return all(path.is_file() and sha256_of(path) == settings[name] for name, path in paths.items())
