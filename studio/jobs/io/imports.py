"""Tasks that import the user's files: models into the catalog, works into the library."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from studio.errors import Message, StudioError, reason
from studio.jobs.io.host import IoEngine, IoRequest, IoResult, ModelIoRequest
from studio.jobs.job import Cancelled, Progress, Report
from studio.library.asset import Asset
from studio.media import codecs
from studio.models.model import Model
from studio.models.sources.offers import offer, offers
from studio.schema import request as schema
from studio.schema.nested import ListOf, Record
from studio.schema.request import Flag, FreeText, PathTo, Request

PASTED = "pasted-"
"""How the names of the folders begin that hold one pasted file each, and are deleted once it is imported."""

DAY = 86_400.0


@dataclass(frozen=True, kw_only=True)
class ModelImportRequest(ModelIoRequest):
    """Copy or convert a model into the user's own models. An empty `target` is the medium that the model is for."""

    kind: ClassVar[str] = "import.model"
    title: ClassVar[str] = "Import model"

    path: str = schema.field("", PathTo(label="File", help="A folder or file of weights."))
    target: str = schema.field("", FreeText(label="Medium", help="What the model makes; empty detects it.", limit=40))
    licence: str = schema.field("", FreeText(label="Licence", help="The licence, if known.", limit=200))
    accept_licence: bool = schema.field(False, Flag(label="Licence accepted", help="Whether its terms are accepted."))

    @property
    def subject(self) -> str:
        return Path(self.path).name


class ModelImportEngine(IoEngine):
    """Results: the imported Model. Progress is in bytes."""

    def run(self, request: Request, report: Report) -> list[Model]:
        assert isinstance(request, ModelImportRequest)
        from studio.models import detect  # needs numpy for checkpoints: only imports pay for it

        path = Path(request.path)
        report(Progress("reading"))

        def copied(done: int, total: int) -> None:
            report(Progress("copying" if done < total else "checking", done, total, unit="B"))

        target = request.target or detect.recognise(path, self._context.catalog.families).medium
        model = self._context.catalog.import_(
            path,
            target,
            accept_licence=request.accept_licence,
            licence=request.licence,
            report=copied,
        )
        self._context.changed("models")
        return [model]


@dataclass(frozen=True, kw_only=True)
class ModelGetRequest(ModelIoRequest):
    """Fetch a model and import it: one that the studio offers, or that at a `source`, as "hub:owner/name".

    A job that is cancelled or cut off keeps what has come: the next one goes on from there, and
    `Catalog.discard_download` deletes it. An empty `target` is the medium that the model at the source is for.
    """

    kind: ClassVar[str] = "get.model"
    title: ClassVar[str] = "Get model"

    offer: str = schema.field("", FreeText(label="Model", help="The id of an offered model.", limit=80))
    source: str = schema.field(
        "", FreeText(label="Source", help="hub:owner/name, or an address; instead of an offered model.", limit=2000)
    )
    target: str = schema.field("", FreeText(label="Medium", help="What the model makes; empty detects it.", limit=40))
    accept_licence: bool = schema.field(False, Flag(label="Licence accepted", help="Whether its terms are accepted."))
    replaces: str = schema.field(
        "", FreeText(label="Replaces", help="The id of an installed model whose place it takes.", limit=80)
    )

    @property
    def subject(self) -> str:
        if self.source:
            from studio.models.sources import fetch  # not at the start of the window

            with contextlib.suppress(StudioError):
                return fetch.wanted_source(self.source).title
            return ""
        return next((each.title for each in offers() if each.id == self.offer), self.offer)

    @property
    def storable(self) -> Self:
        from studio.models.sources.download_folder import without_secrets

        return self.replace(source=without_secrets(self.source))

    @property
    def download(self) -> str:
        """The id of its download, as `Catalog.downloads` and `Catalog.discard_download` have it."""
        from studio.models.sources import fetch

        return fetch.wanted_source(self.source).id if self.source else self.offer


class ModelGetEngine(IoEngine):
    """Results: the fetched Model. Progress is in bytes of the download."""

    def run(self, request: Request, report: Report) -> list[Model]:
        assert isinstance(request, ModelGetRequest)
        catalog = self._context.catalog
        accepted, replaces = request.accept_licence, request.replaces

        def fetched(done: int, total: int) -> None:
            whole = 0 < total <= done  # it is tried and put in its place then
            report(Progress("checking" if whole else "fetching", done, total, unit="B"))

        if request.source:
            model = catalog.get_source(
                request.source, request.target, fetched, accept_licence=accepted, replaces=replaces
            )
        else:
            found = offer(request.offer)
            model = catalog.get_offered(found, fetched, accept_licence=accepted, replaces=replaces)
        self._context.changed("models")
        return [model]


@dataclass(frozen=True)
class ImportPath(Record):
    """One file or folder."""

    path: str = schema.field("", PathTo(label="File", help="A file, or a folder of files."))


@dataclass(frozen=True, kw_only=True)
class WorkImportRequest(IoRequest):
    """Copy files into the library: those named, and those in folders at any depth that the studio can read."""

    kind: ClassVar[str] = "import.works"
    title: ClassVar[str] = "Import"
    icon: ClassVar[str] = "library"
    page: ClassVar[str] = "library"

    paths: tuple[ImportPath, ...] = schema.field(
        (), ListOf(of=ImportPath, limit=100_000, label="Files", help="Files and folders.")
    )
    temporary: bool = schema.field(False, Flag(label="Temporary", help="Delete pasted files afterwards."))

    @property
    def subject(self) -> str:
        return ", ".join(Path(each.path).name for each in self.paths[:3]) + ("…" if len(self.paths) > 3 else "")


@dataclass(slots=True)
class ImportedFiles(IoResult):
    """What came of an import: the works, those of them that were there before, the name of each file that could not be
    read, with the reason, and what was guessed or ignored.
    """

    known: list[Asset] = field(default_factory=list[Asset])
    failed: list[tuple[str, Message | str]] = field(default_factory=list[tuple[str, Message | str]])
    warnings: list[Message] = field(default_factory=list[Message])


class WorkImportEngine(IoEngine):
    """Results: one ImportedFiles. A cancelled import keeps the works that it has added."""

    def run(self, request: Request, report: Report) -> list[ImportedFiles]:
        assert isinstance(request, WorkImportRequest)
        report(Progress("reading"))
        paths = [Path(each.path) for each in request.paths]
        found, imported, added = list(_files(paths)), ImportedFiles(), set[Path]()
        try:
            for at, path in enumerate(found):
                report(Progress("importing", at, len(found)))
                if self._add(path, imported):
                    added.add(path)
        except Cancelled:
            # Pasted files stay: a closing studio cancels too, and offers the import again. See `remove_pasted`.
            raise Cancelled([imported] if imported.works else []) from None  # type: ignore[list-item]
        if request.temporary:
            kept = {path.parent for path in paths if path not in added}
            for folder in {path.parent for path in paths if path.parent.name.startswith(PASTED)} - kept:
                shutil.rmtree(folder, ignore_errors=True)
        return [imported]

    def _add(self, path: Path, imported: ImportedFiles) -> bool:
        """Import one file; returns whether that succeeded."""
        try:
            imported.works.append(
                self._context.library.import_file(path, imported.warnings.append, imported.known.append)
            )
        except StudioError as error:
            imported.failed.append((path.name, error.said))
        except OSError as error:
            imported.failed.append((path.name, reason(error)))
        else:
            self._context.changed("library")
            return True
        return False


def remove_pasted(folder: Path, requests: Iterable[Request], now: float | None = None) -> int:
    """Delete the folders of pasted files below `folder` that none of these requests is to import, unless they are
    younger than a day; returns how many.
    """
    oldest = (time.time() if now is None else now) - DAY
    wanted = {
        Path(each.path).parent
        for request in requests
        if isinstance(request, WorkImportRequest)
        for each in request.paths
    }
    removed = 0
    for pasted in folder.glob(f"{PASTED}*"):
        if pasted not in wanted and pasted.is_dir() and pasted.stat().st_mtime < oldest:
            shutil.rmtree(pasted, ignore_errors=True)
            removed += 1
    return removed


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for each in sorted(path.rglob("*")):
            if each.suffix.lower() in codecs.SUFFIXES and each.is_file() and not each.name.startswith("."):
                yield each
