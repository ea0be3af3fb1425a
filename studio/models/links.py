"""Models whose files lie elsewhere: links to another program's files, or to the model's own on another disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
import tomllib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

import tomli_w

from studio.errors import Message, StudioError
from studio.models import weights
from studio.models.model import LinkedFile, Model, is_inside
from studio.system import storage

PATIENCE = 1.0  # seconds in which the files of all linked models must answer, once their disks are awake
MOVING = ".moving-"
"""How names of what a move has not finished begin, on either disk."""
MARK = "moved-model.toml"
"""The file beside weights that were moved: which model of which studio they are."""

Done = Callable[[int, int], object]
Step = Callable[[str], object]


def _no_step(_step: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class LinkState:
    """Whether the files that a model links to can be read: `reason` why they cannot, `warning` what is odd."""

    reason: Message | None = None
    warning: Message | None = None


def described(path: Path) -> LinkedFile:
    """What a model.toml says of a file that is linked to. Raises OSError."""
    stat = path.stat()
    return LinkedFile(str(path), stat.st_size, stat.st_mtime_ns)


def make(path: Path, link: Path) -> None:
    """Let `link` lead to the file at `path`, as a symbolic link or, where the system allows none, a hard one."""
    try:
        link.symlink_to(path)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, FileExistsError):
            raise
        try:
            os.link(os.path.realpath(path), link)
        except (OSError, NotImplementedError) as again:
            raise StudioError(
                "{path} cannot be linked to: this system allows no links from {folder}.",
                "Turn on the developer mode of Windows, or import the model, which copies it.",
                path=path,
                folder=link.parent,
            ) from again


def state_of(model: Model) -> LinkState:
    """Whether the files that a model links to are there and as they were; waits for their disk."""
    touched = ""
    for name, each in model.links.items():
        try:
            stat = (model.folder / name).stat()
        except OSError:
            return LinkState(
                Message(
                    "{title} cannot be used now: {path} is not there. Plug in its disk, or put it back.",
                    title=model.title,
                    path=each.path,
                )
            )
        if not S_ISREG(stat.st_mode) or (stat.st_size != each.size and model.linked):
            return LinkState(
                Message(
                    "{title} cannot be used: {path} has changed since it was linked. Remove the model and link it "
                    "again.",
                    title=model.title,
                    path=each.path,
                )
            )
        if model.linked and stat.st_mtime_ns != each.modified:
            touched = touched or each.path
    if not touched:
        return LinkState()
    return LinkState(
        warning=Message(
            "{path} of {title} was written to since it was linked. `studio models info {id} --verify` compares it.",
            path=touched,
            title=model.title,
            id=model.id,
        )
    )


class LinkWatch:
    """Looks at the files that models link to, in a thread of its own: a disk that does not answer stops nobody."""

    def __init__(self) -> None:
        self._hanging: dict[Path, threading.Thread] = {}

    def look(self, models: list[Model]) -> dict[Path, LinkState]:
        """The state of each of these models that links to files, by its folder."""
        waiting = [model for model in models if model.links]
        found: dict[Path, LinkState] = {}
        for folder, thread in list(self._hanging.items()):  # two threads may look at once
            if not thread.is_alive():
                self._hanging.pop(folder, None)
        for model in waiting:
            if model.folder in self._hanging:
                found[model.folder] = _silent(model)
        waiting = [model for model in waiting if model.folder not in found]
        while waiting:
            answered: dict[Path, LinkState] = {}

            def ask(models: list[Model] = waiting, into: dict[Path, LinkState] = answered) -> None:
                for model in models:
                    into[model.folder] = state_of(model)

            thread = threading.Thread(target=ask, name="links", daemon=True)
            thread.start()
            thread.join(PATIENCE)
            found |= dict(answered)
            waiting = [model for model in waiting if model.folder not in found]
            if waiting:
                mounts = _mounts()
                disk = _disk_of(waiting[0], mounts)
                for model in [model for model in waiting if _disk_of(model, mounts) == disk]:
                    self._hanging[model.folder] = thread
                    found[model.folder] = _silent(model)
                waiting = [model for model in waiting if model.folder not in found]
        return found


def _mounts() -> list[str]:
    """Where disks are mounted, the longest path first; no disk is asked."""
    import psutil  # only a disk that does not answer needs it

    return sorted((each.mountpoint for each in psutil.disk_partitions(all=True)), key=len, reverse=True)


def _disk_of(model: Model, mounts: list[str]) -> str:
    """Where the disk is mounted that a model's files lie on."""
    folder = Path(model.linked or model.moved)
    return next((mount for mount in mounts if folder.is_relative_to(mount)), folder.anchor)


def _silent(model: Model) -> LinkState:
    return LinkState(
        Message(
            "{title} cannot be used now: {folder} does not answer.",
            title=model.title,
            folder=model.linked or model.moved,
        )
    )


def move(model: Model, folder: Path, report: Done = lambda done, total: None, step: Step = _no_step) -> None:
    """Move the weights of a model of the user's to a folder on another disk, and leave links to them.

    Each file is copied and compared before the model changes. Whenever this ends, the model is whole: its weights lie
    in its own folder, in the new one, or some of them in either. A move that was cut off is taken up by the next one.
    Raises StudioError and OSError; what `report(done, total)` raises, with bytes, passes through.
    """
    _demand_links(model.folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    with alone(model):
        _sweep_parts(model.folder)
        files = {path: path.relative_to(model.folder).as_posix() for path in weights.weight_files(model.folder)}
        before = moved_place(model.folder)  # `model` may be what it was before another move
        whole = bool(before) and all((Path(before) / name).is_file() for name in files.values())
        if whole:
            _lead_to(Path(before), model, files, step)  # which a move that was cut off has not done
        if not whole or Path(before).parent != folder:
            place = _copied_to(model, folder, files, report, step)
            links = {name: asdict(described(place / name)) for name in files.values()}
            describe(model.folder, moved=str(place), links=links, left="" if before == str(place) else before)
            step("described")
            _lead_to(place, model, files, step)


def _lead_to(place: Path, model: Model, files: Mapping[Path, str], step: Step) -> None:
    """Make the weights of a model links to `place`, where it is moved to, and delete them where they were before."""
    for path, name in files.items():
        if path.is_symlink() and path.readlink() == place / name:
            continue
        part = path.with_name(f"{MOVING}{os.getpid()}.part")
        part.symlink_to(place / name)
        step("linked")
        part.replace(path)
        step("replaced")
    storage.sync_folder(model.folder)
    for left in _left(model.folder):
        delete_moved(left, model.folder.parent, model.id)
        step("deleted")
        describe(model.folder, left="")


def _copied_to(model: Model, folder: Path, files: Mapping[Path, str], report: Done, step: Step) -> Path:
    """Copies of files by their names, in a new folder below `folder`, compared."""
    storage.demand_free_space(folder, sum(path.stat().st_size for path in files), model.title)
    storage.sweep_staging(folder, MOVING)
    with storage.staging(folder, MOVING) as staging:
        _copy_compared(model, {path: staging / name for path, name in files.items()}, report)
        _write_mark(staging, model, list(files.values()))
        step("copied")
        place = folder / model.id
        if place.exists():
            delete_moved(place, model.folder.parent, model.id)  # what a move that was cut off has left
        if place.exists():
            place = folder / storage.unique_name(model.id, lambda name: (folder / name).exists(), "-")
        staging.rename(place)
    storage.sync_folder(folder)
    step("placed")
    return place


def move_back(model: Model, report: Done = lambda done, total: None, step: Step = _no_step) -> None:
    """Bring weights that were moved back into the model's own folder, as `move` does, and delete them there."""
    linked = [model.folder / name for name in model.links if (model.folder / name).is_symlink()]
    size = sum(path.stat().st_size for path in linked)
    storage.demand_free_space(model.folder, size, model.title)
    with alone(model):
        _sweep_parts(model.folder)
        parts = {path: path.with_name(f"{MOVING}{number}.part") for number, path in enumerate(linked)}
        _copy_compared(model, parts, report)
        step("copied")
        for path, part in parts.items():
            part.replace(path)
            step("replaced")
        storage.sync_folder(model.folder)
        for place in (Path(model.moved), *_left(model.folder)):
            delete_moved(place, model.folder.parent, model.id)
            step("deleted")
        describe(model.folder, moved="", links={}, left="")


def delete_moved(place: Path, models: Path, id: str = "") -> bool:
    """Delete the weights that were moved from a model below `models` to `place`; returns whether that could be done.

    Only files that its mark lists are deleted, and only where it names this folder of models, and the model if one is
    given.
    """
    mark = place / MARK
    try:
        said = tomllib.loads(mark.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    if said.get("models") != str(models) or (id and said.get("id") != id):
        return False
    listed: list[Any] = said.get("files", [])
    try:
        for name in (*map(str, listed), MARK):
            if is_inside(name):
                (place / name).unlink(missing_ok=True)
        for folder, _, _ in os.walk(place, topdown=False):
            with contextlib.suppress(OSError):  # what the user has put there stays
                Path(folder).rmdir()
    except OSError:
        return False
    return True


def moved_place(folder: Path) -> str:
    """Where a model.toml says that the weights were moved to; empty where it says nothing, or cannot be read."""
    try:
        moved = tomllib.loads((folder / "model.toml").read_text("utf-8")).get("moved", "")
    except (OSError, ValueError):
        return ""
    return moved if isinstance(moved, str) else ""


def describe(folder: Path, **changes: Any) -> None:
    """Change values in a model.toml; empty ones are taken out. Raises OSError."""
    path = folder / "model.toml"
    said = tomllib.loads(path.read_text("utf-8")) | changes
    kept = {key: value for key, value in said.items() if value or key not in changes}
    storage.write_atomic(path, tomli_w.dumps(kept).encode("utf-8"))


def _left(folder: Path) -> Iterator[Path]:
    """The place that a third disk was moved from, where that was cut off."""
    left = tomllib.loads((folder / "model.toml").read_text("utf-8")).get("left", "")
    if isinstance(left, str) and left:
        yield Path(left)


def _copy_compared(model: Model, copies: Mapping[Path, Path], report: Done) -> None:
    """Copy files, read the copies again, and compare them with the originals and with what the model is known by."""
    total = 2 * sum(path.stat().st_size for path in copies)
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size
        report(done, total)

    lines: list[str] = []
    for path, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        storage.copy(path, copy, count, digest.update)
        sha256 = digest.hexdigest()
        if storage.sha256_of(copy, count) != sha256:
            raise StudioError(
                "{name} could not be moved: the copy differs from the original.",
                "Check the disk. Nothing was changed.",
                name=path.name,
            )
        lines.append(f"{sha256}  {path.relative_to(model.folder).as_posix()}\n")
    whole = len(copies) == len(weights.weight_files(model.folder))
    if whole and model.sha256 and hashlib.sha256("".join(sorted(lines)).encode()).hexdigest() != model.sha256:
        raise StudioError(
            "The weights of {title} have changed since it was imported; they were not moved.",
            "Import the model again.",
            title=model.title,
        )


def _write_mark(folder: Path, model: Model, files: list[str]) -> None:
    said = {"id": model.id, "title": model.title, "models": str(model.folder.parent), "files": files}
    storage.write_synced(folder / MARK, tomli_w.dumps(said).encode("utf-8"))


@contextlib.contextmanager
def alone(model: Model) -> Generator[None]:
    """Raises StudioError where another studio moves the model at this moment."""
    path = model.folder.with_name(f"{MOVING}{model.id}.lock")
    held = storage.try_lock(path)
    if held is None:
        raise StudioError("{title} is being moved just now.", "Wait until that is done.", title=model.title)
    try:
        yield
    finally:
        storage.release_and_remove(held, path)


def _demand_links(folder: Path) -> None:
    """Raises StudioError where the system allows no symbolic link in a folder."""
    probe = folder / f"{MOVING}{os.getpid()}.probe"
    try:
        probe.unlink(missing_ok=True)
        probe.symlink_to(folder / "model.toml")
        probe.unlink()
    except (OSError, NotImplementedError) as error:
        raise StudioError(
            "The model cannot be moved: this system allows no links to other disks.",
            "Turn on the developer mode of Windows, or choose another folder for all models in the settings.",
        ) from error


def _sweep_parts(folder: Path) -> None:
    for part in folder.rglob(f"{MOVING}*"):
        with contextlib.suppress(OSError):
            shutil.rmtree(part) if part.is_dir() and not part.is_symlink() else part.unlink()
