"""The models on disk: which there are, by id and medium; read again when their folders change."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG

from studio.errors import BadInput, Message, StudioError
from studio.models.links import LinkState, LinkWatch
from studio.models.model import ID, Model, read_model
from studio.models.sources.offers import first_offers

STAGING = ".importing-"
BESIDE = ".beside"

Stamp = tuple[int, ...]
"""Time, size and inode of a model.toml, and the times of the model's folder and of the one beside it, which change when
a file is changed or replaced.
"""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The content of the folders when they were last read. `models` are by id, `ordered` by medium (None for all),
    `defaults` by medium, `stamps`, `states` and `damaged` by the folder of a model; `states` are those of models that
    link to files.
    """

    stamps: Mapping[Path, Stamp]
    states: Mapping[Path, LinkState]
    models: Mapping[str, Model]
    ordered: Mapping[str | None, tuple[Model, ...]]
    defaults: Mapping[str, Model]
    damaged: Mapping[Path, Message]


class InstalledModels:
    """The models in two folders: `bundled`, which come with the studio, and `own`, the user's, which may be None.

    A model.toml is read once, and again when its stamp changes. Every method compares the stamps, until `follow` has a
    thread do that: from then on methods answer from memory.
    """

    def __init__(self, bundled: Path, own: Path | None) -> None:
        self._bundled = bundled
        self._own = own
        self._snapshot: _Snapshot | None = None
        self._reading = threading.Lock()
        self._followed = False
        self._changed: Callable[[], object] = lambda: None
        self._link_watch = LinkWatch()

    @property
    def warnings(self) -> list[Message]:
        """Why models cannot be read or used, one message each."""
        current = self._current()
        said = [one for state in current.states.values() for one in (state.reason, state.warning) if one is not None]
        return [*current.damaged.values(), *said]

    def models(self, medium: str | None = None) -> list[Model]:
        """All models, or those of one medium: bundled ones first, then by title. Unreadable ones become warnings."""
        return list(self._current().ordered.get(medium, ()))

    def get(self, id: str) -> Model:
        """The model of that id. BadInput if there is none, StudioError if it is damaged."""
        found = self._current().models.get(id)
        if found is None and self._followed:
            self.refresh()  # it may have been added since the thread last looked
            found = self._current().models.get(id)
        if found is not None:
            return found
        if ID.fullmatch(id):
            for place in self._places():
                if (place / id / "model.toml").is_file():
                    return self._read(place / id)
        raise unknown_model(id)

    def listed(self, id: str) -> Model | None:
        """The model of that id; None if there is none, or it is damaged. After `follow`, no folder is read."""
        return self._current().models.get(id)

    def title_of(self, id: str) -> str:
        """The title of the model of that id; of one that is gone, whose works may still be there, the id."""
        model = self.listed(id)
        return id if model is None else model.title

    def find(self, id: str, sha256: str = "") -> Model | None:
        """The model of that id or, where there is none or its weights have another sha256, one with these weights; else
        the model of that id, if there is one. StudioError if it is damaged. Looks at the folders.
        """
        self.refresh()
        try:
            named = self.get(id)
        except BadInput:
            named = None
        if not sha256 or (named is not None and named.sha256 in ("", sha256)):
            return named
        return next((model for model in self.models() if model.sha256 == sha256), named)

    def choices(self, medium: str) -> list[Model]:
        """The models of one medium, its default first."""
        models = self.models(medium)
        if not models:
            return []
        default = self.default(medium)
        return [default, *(model for model in models if model.id != default.id)]

    def default(self, medium: str) -> Model:
        """The model a medium uses when none is named: the first of those offered for it, where that is installed, else
        the first of those that came with the studio, by their ids, those named after the medium before others; else
        its first. StudioError if it has none.
        """
        found = self._current().defaults.get(medium)
        if found is None:
            raise StudioError(
                "There is no model for {medium}.",
                "Add one with `studio models import PATH --medium {medium}`.",
                mend="models",
                medium=medium,
            )
        return found

    def refresh(self) -> bool:
        """Read what has changed in the folders; returns whether anything has."""
        with self._reading:
            before = self._snapshot
            self._snapshot = now = self._read_all(before)
        changed = before is not None and now is not before
        if changed:
            self._changed()
        return changed

    def follow(self, changed: Callable[[], object], seconds: float = 2.0) -> Callable[[], None]:
        """Start a thread that looks at the folders every `seconds`. `changed` is called from any thread after models
        were added, removed or changed. Returns a function that stops the thread.
        """
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(seconds):
                with contextlib.suppress(OSError):
                    self.refresh()

        def end() -> None:
            ended.set()
            thread.join()
            self._followed = False

        self._changed, self._followed = changed, True
        thread = threading.Thread(target=look, name="catalog", daemon=True)
        thread.start()
        return end

    def demand_usable(self, model: Model) -> None:
        """Return if the files that a model links to can be read at this moment. StudioError otherwise."""
        state = self._link_watch.look([model]).get(model.folder)
        if state is not None and state.reason is not None:
            raise StudioError(state.reason, "Its works stay as they are.", mend="models")

    def _places(self) -> Iterator[Path]:
        yield self._bundled
        if self._own is not None:
            yield self._own

    def _current(self) -> _Snapshot:
        if self._snapshot is None or not self._followed:
            self.refresh()
        assert self._snapshot is not None
        return self._snapshot

    def _stamps(self) -> dict[Path, Stamp]:
        """The folders that hold a model, bundled ones first, each with the stamp of its model.toml."""
        found: dict[Path, Stamp] = {}
        for place in self._places():
            try:
                names = sorted(entry.name for entry in os.scandir(place))
            except OSError:
                continue  # no folder, no models
            for name in names:
                folder = place / name
                with contextlib.suppress(OSError):
                    stat = (folder / "model.toml").stat()
                    if S_ISREG(stat.st_mode) and not name.startswith(STAGING):
                        times = [folder.stat().st_mtime_ns]
                        beside = self._beside(folder)
                        if beside not in (None, folder):
                            with contextlib.suppress(OSError):  # made when something is first added
                                times.append(beside.stat().st_mtime_ns)
                        found[folder] = (stat.st_mtime_ns, stat.st_size, stat.st_ino, *times)
        return found

    def _read_all(self, before: _Snapshot | None) -> _Snapshot:
        """The content of the folders; `before` itself where nothing has changed since."""
        stamps = self._stamps()
        if before is not None and stamps == before.stamps:
            states = self._link_watch.look(list(before.models.values()))
            return before if states == before.states else self._with_states(before, states)
        known = {} if before is None else {model.folder: model for model in before.models.values()}
        models: dict[str, Model] = {}
        damaged: dict[Path, Message] = {}
        for folder, stamp in stamps.items():
            same = before is not None and before.stamps.get(folder) == stamp
            try:
                model = known[folder] if same and folder in known else self._read(folder)
            except StudioError as error:
                damaged[folder] = error.whole
                continue
            models.setdefault(model.id, model)
        read = _Snapshot(stamps, {}, models, {}, {}, damaged)
        return self._with_states(read, self._link_watch.look(list(models.values())))

    def _with_states(self, read: _Snapshot, states: Mapping[Path, LinkState]) -> _Snapshot:
        """The content of the folders, with what was found of the files that models link to."""
        models = {
            id: replace(model, unavailable=states[model.folder].reason) if model.folder in states else model
            for id, model in read.models.items()
        }
        ordered: dict[str | None, list[Model]] = {}
        for model in sorted(models.values(), key=lambda model: (not model.bundled, model.title.lower(), model.id)):
            ordered.setdefault(None, []).append(model)
            ordered.setdefault(model.medium, []).append(model)
        by_medium = {medium: tuple(some) for medium, some in ordered.items()}
        defaults = {medium: _default(medium, some) for medium, some in by_medium.items() if medium is not None}
        return _Snapshot(read.stamps, states, models, by_medium, defaults, read.damaged)

    def _read(self, folder: Path) -> Model:
        model = read_model(folder, bundled=folder.parent == self._bundled)
        return replace(model, beside=self._beside(folder))

    def _beside(self, folder: Path) -> Path | None:
        if folder.parent != self._bundled:
            return folder
        return self._own / BESIDE / folder.name if self._own else None


def _default(medium: str, models: Sequence[Model]) -> Model:
    """Which of the models of a medium, at least one, it uses when none is named; see `InstalledModels.default`."""
    by_id = {model.id: model for model in models}
    first = by_id.get(first_offers().get(medium, ""))
    if first is not None and first.unavailable is None:
        return first
    starters = [model for model in models if model.bundled]
    if starters:
        return min(starters, key=lambda model: (not model.id.startswith(f"{medium}-"), model.id))
    return next((model for model in models if model.unavailable is None), models[0])


def unknown_model(id: str) -> BadInput:
    """There is no model of that id."""
    return BadInput(
        "There is no model {id!r}.", "`studio models list` shows the models there are.", mend="models", id=id[:80]
    )
