"""What the models page lists: installed models, those to get, and other programs'; searched, filtered and sorted."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QUrl

from studio.backends import MEDIA, PAGELESS
from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.models.fit.estimate import Fit, FitCheck, other_offer
from studio.models.model import Model
from studio.models.sources.offers import SOLD, Offer, Sells
from studio.ui.models.downloads import SourceDownload
from studio.ui.pages.licences import terms
from studio.ui.widgets.text import rough_size, size, tr, worded

if TYPE_CHECKING:
    from studio.models.sources.programs import FoundModel

Place = Literal["installed", "available", "machine"]
Order = Literal["medium", "title", "largest", "smallest"]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model in the list: `model` where it is installed, `offer` where it can be fetched, `found` where another
    program has it. `id` is unique in its place.

    `size` is in bytes; `reason` is why it cannot be used here and now; `fit` is whether this machine has the memory,
    None while nobody knows; `update` is what the catalogue has in place of an installed model; `words` is everything
    that a search looks at, in small letters.
    """

    place: Place
    id: str
    medium: str
    title: str
    sentence: str
    licence: str
    size: int
    sells: Sells
    words: str = ""
    model: Model | None = None
    offer: Offer | None = None
    found: FoundModel | None = None
    download: SourceDownload | None = None
    reason: str = ""
    fit: Fit | None = None
    update: Offer | None = None

    @property
    def is_fetched(self) -> bool:
        """Whether there may be a download of it, which has its id."""
        return self.place == "available" or self.update is not None

    @property
    def size_words(self) -> str:
        """Its size, as exactly as it is known; empty where it is not."""
        estimated = self.offer is not None and self.offer.computed
        return (rough_size if estimated else size)(self.size) if self.size else ""

    @property
    def key(self) -> str:
        """What it is found again by after the list was read anew."""
        return f"{self.place}:{self.id}"


@dataclass(frozen=True, slots=True)
class ModelQuery:
    """What the page shows. `largest` is in bytes, 0 for any size; an empty `medium` is every medium."""

    place: Place = "installed"
    text: str = ""
    medium: str = ""
    fits: bool = False
    sold: bool = False
    largest: int = 0
    order: Order = "medium"

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves anything of its place out."""
        return self != ModelQuery(place=self.place, order=self.order)

    def finds(self, entry: ModelEntry) -> bool:
        """Whether the entry is shown."""
        return (
            entry.place == self.place
            and self.medium in ("", entry.medium)
            and (not self.fits or (entry.fit is not None and entry.fit.verdict != "no"))
            and (not self.sold or entry.sells in SOLD)
            and (not self.largest or entry.size <= self.largest)
            and all(word in entry.words for word in self.text.casefold().split())
        )


def medium_named(name: str) -> Medium | None:
    """The medium of that name, with a page or without; None where the studio has none."""
    return next((each for each in (*MEDIA, *PAGELESS) if each.name == name), None)


def medium_title(name: str) -> str:
    """The title of a medium; the name of one that the studio does not have."""
    if not name:
        return tr("Not known yet")
    found = medium_named(name)
    return name if found is None else tr(found.title)


def of_model(model: Model) -> ModelEntry:
    """The entry of an installed model."""
    entry = ModelEntry(
        "installed",
        model.id,
        model.medium,
        model.title,
        " ".join(model.description.split()),
        model.licence,
        model.size,
        terms(model.licence).sells,
        model=model,
        reason="" if model.unavailable is None else worded(model.unavailable),
    )
    return _searchable(entry, model.family, model.credits, *model.languages)


def of_offer(offer: Offer) -> ModelEntry:
    """The entry of a model that can be fetched."""
    sentence = tr(offer.sentence)
    entry = ModelEntry(
        "available", offer.id, offer.medium, offer.title, sentence, offer.licence, offer.size, offer.sells, offer=offer
    )
    entry = replace(entry, reason=tr(offer.unsupported))
    return _searchable(entry, offer.family, offer.credits, *offer.languages)


def of_download(download: SourceDownload) -> ModelEntry:
    """The entry of a model that is fetched from an address which a person gave."""
    source = download.asked if download.asked.startswith("hub:") else QUrl(download.asked).host()
    sentence = tr("From {source}").format(source=source.removeprefix("hub:"))
    entry = ModelEntry(
        "available",
        download.id,
        download.medium,
        download.title,
        sentence,
        "",
        download.total,
        "unknown",
        download=download,
    )
    return _searchable(entry)


def of_found(found: FoundModel) -> ModelEntry:
    """The entry of a model of another program."""
    medium, licence = medium_named(found.medium), found.licence
    family = "" if medium is None else tr(medium.family(found.family).title)
    entry = ModelEntry(
        "machine",
        str(found.path),
        found.medium,
        found.title,
        family or found.family,
        licence,
        found.size,
        terms(licence).sells,
        found=found,
        reason="" if found.why_not is None else worded(found.why_not),
    )
    return _searchable(entry, program_title(found.program), *found.also)


def program_title(program: str) -> str:
    """The name of a program; of a folder that a person added, that."""
    return program or tr("Other folders")


def _searchable(entry: ModelEntry, *others: str) -> ModelEntry:
    said = (entry.title, entry.id, entry.sentence, medium_title(entry.medium), terms(entry.licence).name, *others)
    return replace(entry, words=" ".join(said).casefold())


def selected(entries: Iterable[ModelEntry], query: ModelQuery) -> list[str | ModelEntry]:
    """The entries that the query finds, in its order; with `medium`, each medium, or each program, below a heading."""
    found = [entry for entry in entries if query.finds(entry)]
    by_title = sorted(found, key=lambda entry: (entry.title.casefold(), entry.id))
    if query.order == "title":
        return list(by_title)
    if query.order == "medium":
        return _below_programs(by_title) if query.place == "machine" else _below_headings(found)
    by_size = sorted(by_title, key=lambda entry: entry.size, reverse=query.order == "largest")
    return list(by_size)


def _below_headings(found: Sequence[ModelEntry]) -> list[str | ModelEntry]:
    """Each medium below its title, in the order of the sidebar; within a medium the order stays."""
    known = [medium.name for medium in (*MEDIA, *PAGELESS)]
    rows: list[str | ModelEntry] = []
    for name in [*known, *sorted({entry.medium for entry in found} - set(known))]:
        some = [entry for entry in found if entry.medium == name]
        rows += [medium_title(name), *some] if some else []
    return rows


def _below_programs(found: Sequence[ModelEntry]) -> list[str | ModelEntry]:
    """Each program's below its name, what can be used first; folders that a person added come last."""
    programs = {entry.found.program for entry in found if entry.found is not None}
    rows: list[str | ModelEntry] = []
    for name in sorted(programs, key=lambda name: (not name, name.casefold())):
        some = [entry for entry in found if entry.found is not None and entry.found.program == name]
        rows += [program_title(name), *sorted(some, key=lambda entry: bool(entry.reason))]
    return rows


def fits_of(check: FitCheck, entries: Iterable[ModelEntry], offers: Sequence[Offer]) -> dict[str, Fit]:
    """How the usual request of each model's medium fits this machine, by the key of the entry, with the one of the
    `offers` that would serve better; reads files.
    """
    found: dict[str, Fit] = {}
    media = {each.name: each for each in (*MEDIA, *PAGELESS)}

    @functools.cache
    def offered(offer: Offer) -> Fit | None:
        return check.offered(offer, media[offer.medium].usual_request(offer.family))

    for entry in entries:
        medium, model = media.get(entry.medium), entry.model
        if medium is None or entry.reason or (model is None and entry.offer is None):
            continue
        with contextlib.suppress(StudioError, OSError):
            if model is not None:
                fit = check.of(medium.usual_request(model.family, model).replace(model=model.id), model)
            else:
                assert entry.offer is not None
                fit = offered(entry.offer)
            if fit is not None:
                among = [each for each in offers if each.medium == entry.medium]
                id = model.id if model is not None else entry.id
                found[entry.key] = replace(fit, other=other_offer(fit, id, among, offered))
    return found
