"""The studio's models and what adds, checks, moves and removes them."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from studio.errors import NOTHING, BadInput, Message, StudioError
from studio.models import links, weights
from studio.models.families import Families
from studio.models.importing import AlreadyInstalled, Copied, LicenceToAccept, ModelToImport, import_model
from studio.models.installed import STAGING, InstalledModels
from studio.models.model import Model, text_of
from studio.models.sources.offers import Offer, names_commit, offers, update_among
from studio.system import storage
from studio.system.paths import RESOURCES
from studio.system.storage import sha256_of

if TYPE_CHECKING:
    from studio.models.sources.fetch import UnfinishedDownload, WantedModel
    from studio.models.sources.programs import FoundModel, ModelScan

log = logging.getLogger(__name__)

FETCHING = ".fetching-"
DOWNLOADS = ".downloads"
"""The folder among the user's models in which each unfinished download has a folder, named by its id."""

NO_FAMILIES: Families = MappingProxyType({})


class Catalog(InstalledModels):
    """The models that come with the studio, and the user's own, and all that adds, changes and removes some of these.

    `families` are those that can be imported, `offers` the models that can be fetched, installed or not.
    """

    def __init__(
        self, bundled: Path = RESOURCES / "models", own: Path | None = None, families: Families = NO_FAMILIES
    ) -> None:
        super().__init__(bundled, own)
        self.families = families
        self._sources: dict[str, str] = {}  # what this process was asked to fetch, secrets and all, by its download

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The models that can be fetched. Reads them when it is first asked."""
        return offers()

    def verify(self, model: Model) -> list[Message]:
        """What is wrong with the files of a model, one message each; reads all of them."""
        if model.links and (reason := links.state_of(model).reason) is not None:
            return [reason]
        files = weights.weight_files(model.folder)
        if not files:
            return [Message("{id} has no weights in {folder}.", id=model.id, folder=model.folder)]
        problems: list[Message] = []
        for path in files:
            try:
                weights.check_file(path)
            except StudioError as error:
                problems.append(error.whole)
        if not problems:
            try:
                size, sha256 = weights.fingerprint(model.folder, files)
            except OSError as error:
                return [Message("The weights of {id} cannot be read: {reason}.", id=model.id, reason=error.strerror)]
            if model.sha256 and sha256 != model.sha256:
                problems.append(
                    Message(
                        "The weights of {id} have changed: {size:,} bytes with sha256 {sha256}.",
                        id=model.id,
                        size=size,
                        sha256=sha256,
                    )
                )
        problems += [_changed(model, name) for name in model.files if not _is_as_imported(model, name)]
        if not problems and model.linked:
            self._keep_times(model)
        return problems

    def import_(
        self,
        path: Path,
        medium: str,
        *,
        accept_licence: bool = False,
        licence: str = "",
        report: Copied = lambda done, total: None,
    ) -> Model:
        """Copy a model into the user's folder, all of it or nothing, and write its model.toml.

        `report(done, total)` is called with bytes copied; what it raises ends the import and passes through.
        `path` is a folder in the format of diffusers or transformers, that of a training run, a single .safetensors
        or .gguf file, or a checkpoint of a StyleGAN (.pkl, .pt) or an upscaler (.pth, .param), which is converted.
        `licence` replaces the one that the files name. BadInput for other pickles, for models of another medium and,
        unless `accept_licence`, for licences that are unknown or restrict the use of works; AlreadyInstalled for
        weights that are installed already with the same settings; StudioError for damaged files, those that the family
        cannot run, and full disks.
        """
        return self._add(ModelToImport(path, medium, licence, accept_licence), report)

    def scan(
        self,
        folders: Sequence[Path] = (),
        *,
        usual: bool = True,
        report: Callable[[int, str], object] = lambda found, folder: None,
    ) -> ModelScan:
        """The models of other programs: where these keep them, unless `usual` is off, and in further folders; see
        `programs.scan`.
        """
        from studio.models.sources import programs

        places = None if usual else ()
        return programs.scan(self.families, folders, places, self.models(), tuple(self._places()), report)

    def link(
        self,
        found: FoundModel,
        *,
        accept_licence: bool = False,
        licence: str = "",
        report: Copied = lambda done, total: None,
    ) -> Model:
        """Add a model of another program by links to its files where they lie; nothing of it is copied or changed.

        The files are checked as `import_` does, and read once for the sha256 that works name the model by:
        `report(done, total)` is called with bytes read. One that must be converted is imported instead, see
        `FoundModel.converted`. Raises what `import_` does; BadInput for one that the studio cannot run.
        """
        if found.why_not is not None:
            raise BadInput(found.why_not)
        there = self._linked_to(found.files)
        if there is not None:
            raise AlreadyInstalled(found.title, there)
        linked = None if found.converted else found.program
        licence = licence or found.licence
        return self._add(ModelToImport(found.path, found.medium, licence, accept_licence, found.title, linked), report)

    def move(self, id: str, folder: Path | None, report: Copied = lambda done, total: None) -> Model:
        """Move the weights of a model of the user's to a folder on another disk, or with None back to its own; see
        `links.move`. BadInput for one that is bundled or linked, or is there already.
        """
        model = self.get(id)
        if model.bundled:
            raise BadInput("{title} is part of the studio and cannot be moved.", title=model.title)
        if model.linked:
            raise BadInput(
                "{title} is read from {folder}, which belongs to another program.",
                "Move it there, and link it again.",
                title=model.title,
                folder=model.linked,
            )
        self.demand_usable(model)
        if folder is not None:
            folder = Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100 - links are kept
            if self._own is not None and folder.is_relative_to(self._own):
                raise BadInput("{folder} is inside of the folder of all models.", "Choose another one.", folder=folder)
        elif not model.moved:
            raise BadInput("{title} lies in the studio's own folder.", title=model.title)
        try:
            if folder is None:
                links.move_back(model, report)
            else:
                links.move(model, folder, report)
        except OSError as error:
            raise storage.disk_error(Message("{title} could not be moved", title=model.title), error) from error
        finally:
            self.refresh()
        return self.get(id)

    def _add(self, wanted: ModelToImport, report: Copied) -> Model:
        if self._own is None:
            raise StudioError("This catalog has no folder for models of your own.")
        own = self._own
        self.sweep()
        folder = import_model(wanted, own, self.families, self.models, lambda stem: self._free_id(stem, own), report)
        self.refresh()
        return self._read(folder)

    def remove(self, id: str) -> str:
        """Delete a model of the user's: of a linked one the links only, of one that was moved its weights too. Returns
        the folder of weights that could not be reached, and stay there. BadInput for a bundled or unknown one.
        """
        model = self.get(id)
        if model.bundled:
            raise BadInput("{title} is part of the studio and cannot be removed.", title=model.title)
        removed = model.folder.with_name(f"{STAGING}{uuid.uuid4().hex}")
        try:
            with links.alone(model):
                moved = links.moved_place(model.folder)
                model.folder.rename(removed)  # not a model any more, even if deleting is interrupted
            left = moved if moved and not links.delete_moved(Path(moved), model.folder.parent, id) else ""
            with contextlib.suppress(FileNotFoundError):  # another studio sweeps it meanwhile
                shutil.rmtree(removed)
        except OSError as error:
            raise StudioError(
                "{title} could not be removed: {reason}.", title=model.title, reason=error.strerror
            ) from error
        finally:
            self.refresh()
        return left

    def update(self, model: Model) -> Offer | None:
        """The offer that a model was fetched from, where it has another version of it now; asks nobody else."""
        return update_among(self.offers, model.id, model.source)

    def get_offered(
        self,
        offer: Offer,
        report: Copied = lambda done, total: None,
        *,
        accept_licence: bool = False,
        replaces: str = "",
    ) -> Model:
        """Fetch a model that the studio offers, and import it. What had come of it before is not fetched again.

        `report(done, total)` is called with bytes of the download; what it raises ends it and passes through, and what
        has come stays, until `discard_download`. `replaces` is the id of an installed model, which stays until this
        one is there, and then gives it its place and its id. AlreadyInstalled where it is there; BadInput, unless
        `accept_licence`, for a licence that may limit what is done with works; StudioError as `fetch.fetch` and
        `import_`.
        """
        from studio.models.sources import fetch  # only fetching pays for it

        if offer.unsupported:
            raise BadInput("{name} cannot be fetched yet.", Message.of(offer.unsupported), name=offer.title)
        return self._get(
            fetch.wanted_offer(offer),
            offer.medium,
            report,
            accept_licence,
            Message.of(offer.terms),
            self.listed(offer.id),
            replaces,
        )

    def get_source(
        self,
        source: str,
        medium: str = "",
        report: Copied = lambda done, total: None,
        *,
        accept_licence: bool = False,
        replaces: str = "",
    ) -> Model:
        """Fetch the model at "hub:owner/name[@revision][:file]" or at an address, and import it, as `get_offered`.

        An empty `medium` is the one that the model is for. BadInput for a source of another kind.
        """
        from studio.models.sources import fetch

        wanted = fetch.wanted_source(source)
        self._sources[wanted.id] = source
        return self._get(wanted, medium, report, accept_licence, replaces=replaces)

    def downloads(self) -> list[UnfinishedDownload]:
        """The downloads that have begun and are not imported, by title: paused, cut off, or running just now.

        What this process was asked itself is `asked` as a whole, with any secrets in it, which are written nowhere.
        """
        from studio.models.sources import fetch

        found = [] if self._own is None else fetch.unfinished(self._own / DOWNLOADS)
        return [dataclasses.replace(each, asked=self._sources.get(each.id, each.asked)) for each in found]

    def discard_download(self, id: str) -> None:
        """Delete what has come of a download. BadInput where there is none, StudioError while a studio fetches it."""
        from studio.models.sources import fetch

        fetch.discard((self._own or Path()) / DOWNLOADS, id)

    def newer(self, model: Model) -> str:
        """The commit that the hub has now of a model that was fetched from it at another one; empty where it is the
        same, or the model is from elsewhere, or the catalogue says which commit it is to be, see `update`. OutOfReach
        where the hub is not asked or does not answer.
        """
        from studio.models.sources import hub

        repo, commit = hub.parse_commit(model.source)
        if any(each.id == model.id and names_commit(each, repo) for each in self.offers):
            return ""
        newest = hub.newest_commit(repo) if repo else ""
        return "" if newest == commit else newest

    def _get(
        self,
        wanted: WantedModel,
        medium: str,
        report: Copied,
        accept_licence: bool,
        terms: Message = NOTHING,
        installed: Model | None = None,
        replaces: str = "",
    ) -> Model:
        from studio.models import detect
        from studio.models.sources import fetch
        from studio.models.sources.download_folder import claimed

        if self._own is None:
            raise StudioError("This catalog has no folder for models of your own.")

        def accept(licence: str) -> None:
            if not accept_licence and licence.lower() not in detect.FREE:
                raise LicenceToAccept(wanted.title, licence, terms)

        folder = self._own / DOWNLOADS / wanted.id
        old = self.get(replaces) if replaces else None
        recorded = ""
        try:
            with claimed(folder, wanted.title):
                if installed is not None and old is None:
                    raise AlreadyInstalled(wanted.title, installed)  # what an update has begun stays
                try:
                    found = fetch.fetch(wanted, folder, report, medium=medium, accept=accept)
                    recorded = text_of(found.facts.get("source"))
                    target = medium or detect.recognise(found.path, self.families).medium
                    model = self._add(
                        ModelToImport(
                            found.path, target, found.licence, accept_licence, wanted.name, fetched=found.facts
                        ),
                        report,
                    )
                except AlreadyInstalled as error:
                    fetch.remove(folder)
                    if old is None or error.model.id != old.id or not recorded:
                        raise
                    links.describe(old.folder, source=recorded)  # another version of other files than the weights
                    self.refresh()
                    return self.get(old.id)
                except StudioError:  # of what was refused before its first byte, there is nothing to go on with
                    if not fetch.has_begun(folder):
                        fetch.remove(folder)
                    raise
                finally:
                    if not (folder / fetch.PLAN).exists():
                        fetch.remove(folder)  # nothing has come
                fetch.remove(folder)
                return model if old is None else self._take_place(model, old)
        except OSError as error:
            raise storage.disk_error(
                Message("{name} could not be saved in {folder}", name=wanted.title, folder=self._own), error
            ) from error

    def _take_place(self, new: Model, old: Model) -> Model:
        """Delete a model, and give its id, and what a person added to it, to the one that replaces it. Where the old
        one cannot be removed, since it is in use, both stay.
        """
        if new.id == old.id:  # the old one was removed meanwhile
            return new
        if not (new.folder / weights.ADDED).exists() and (old.folder / weights.ADDED).is_file():
            previews = old.folder / weights.ADDED_PREVIEWS
            if previews.is_dir():
                shutil.copytree(previews, new.folder / weights.ADDED_PREVIEWS, dirs_exist_ok=True)
            shutil.copy2(old.folder / weights.ADDED, new.folder / weights.ADDED)
        try:
            self.remove(old.id)
        except StudioError as error:
            log.warning("%s stays beside %s: %s", old.id, new.id, error)
            return new
        new.folder.rename(old.folder)
        self.refresh()
        return self.get(old.id)

    def sweep(self) -> None:
        """Delete what killed downloads, imports and removals left in the user's folder."""
        if self._own is not None:
            for removed in self._own.glob(f"{STAGING}*"):  # killed before the weights on another disk were deleted
                place = links.moved_place(removed)
                if place and all(model.moved != place for model in self.models()):
                    links.delete_moved(Path(place), self._own)
            for prefix in (STAGING, FETCHING):
                storage.sweep_staging(self._own, prefix)
            if (self._own / DOWNLOADS).is_dir():
                from studio.models.sources import fetch

                fetch.sweep(self._own / DOWNLOADS)

    def _linked_to(self, files: Iterable[Path]) -> Model | None:
        """The model that links to these files already."""
        wanted = {os.path.realpath(path) for path in files if path.suffix in (".safetensors", weights.GGUF, "")}
        for model in self.models():
            if not model.linked or model.unavailable is not None:
                continue
            theirs = {os.path.realpath(each.path) for each in model.links.values()}
            if wanted and wanted <= theirs:
                return model
        return None

    def _keep_times(self, model: Model) -> None:
        """Note when the files that a model links to were changed, once their content was found to be the same."""
        with contextlib.suppress(OSError):
            now = {name: dataclasses.asdict(links.described(Path(each.path))) for name, each in model.links.items()}
            if now != {name: dataclasses.asdict(each) for name, each in model.links.items()}:
                links.describe(model.folder, links=now)
                self.refresh()

    def _free_id(self, stem: str, own: Path) -> str:
        """The stem, or the stem with the first number that no model has."""
        taken = {folder.name for place in self._places() if place.is_dir() for folder in place.iterdir()}
        return storage.unique_name(stem, taken.__contains__, "-")


def _is_as_imported(model: Model, name: str) -> bool:
    """Whether a file of the model is what it was when the model was imported."""
    try:
        return sha256_of(model.folder / name) == model.files[name]
    except OSError:
        return False


def _changed(model: Model, name: str) -> Message:
    return Message("{name} of {id} has changed or is missing. Import the model again.", name=name, id=model.id)
