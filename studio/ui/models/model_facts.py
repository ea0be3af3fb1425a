"""What is known of a model, installed, offered or another program's, as rows of words."""

from __future__ import annotations

import re

from PySide6.QtCore import QLocale, QUrl

from studio.models.families import Family
from studio.models.model import Model
from studio.models.sources.offers import HubSource, Offer, PackageSource, Source
from studio.schema.fields import Choice, Field
from studio.schema.request import Request
from studio.ui.models.entries import ModelEntry, medium_named, program_title
from studio.ui.widgets.text import rough_size, size, tr, value_text

LANGUAGES = {
    "en": "English",
    "zh": "Chinese",
    "ar": "Arabic",
    "cs": "Czech",
    "de": "German",
    "el": "Greek",
    "es": "Spanish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
}


def entry_facts(entry: ModelEntry) -> list[tuple[str, str]]:
    """What is known of a model, as (name, value) rows."""
    if entry.model is not None:
        return model_facts(entry.model)
    if entry.found is not None:
        return found_facts(entry)
    if entry.offer is not None:
        return offer_facts(entry)
    return [(tr("Size"), size(entry.size))] if entry.size else []


def found_facts(entry: ModelEntry) -> list[tuple[str, str]]:
    """What is known of a model of another program."""
    found, medium = entry.found, medium_named(entry.medium)
    assert found is not None
    facts = [(tr("Belongs to"), ", ".join((program_title(found.program), *found.also)))]
    facts += [] if medium is None else [(tr("Makes"), tr(medium.makes))]
    facts.append((tr("Size"), size(found.size)))
    return facts


def model_facts(model: Model) -> list[tuple[str, str]]:
    """What is known of an installed model."""
    medium = medium_named(model.medium)
    family = Family(model.family) if medium is None else medium.family(model.family)
    facts = [] if medium is None else [(tr("Makes"), tr(medium.makes))]
    facts.append((tr("Size"), size(model.size)))
    if all(model.native):
        facts.append((tr("Native size"), "{} × {}".format(*model.native)))
    if model.languages:
        facts.append((tr("Languages"), ", ".join(tr(LANGUAGES.get(each, each)) for each in model.languages)))
    facts.append((tr("Type"), tr(family.title) if family.title else model.family))
    if medium is not None:
        facts += _suited(family, model, medium.default_task.request)
    facts.append((tr("Source"), tr("Built in") if model.bundled else _recorded(model.source)))
    return facts


def offer_facts(entry: ModelEntry) -> list[tuple[str, str]]:
    """What is known of a model before it is fetched."""
    offer, medium = entry.offer, medium_named(entry.medium)
    assert offer is not None
    facts = [] if medium is None else [(tr("Makes"), tr(medium.makes))]
    download, there = download_size(offer), entry.size_words
    facts += (
        [(tr("Download"), download)] if download == there else [(tr("Download"), download), (tr("Size on disk"), there)]
    )
    if offer.languages:
        facts.append((tr("Languages"), ", ".join(tr(LANGUAGES.get(each, each)) for each in offer.languages)))
    if offer.family and medium is not None:
        facts.append((tr("Type"), tr(medium.family(offer.family).title) or offer.family))
    if offer.parameters:
        facts.append((tr("Parameters"), _parameters(offer.parameters)))
    facts.append((tr("Source"), _source(offer.sources[0])))
    if offer.gated:
        facts.append((tr("Access"), tr("With a free account that has accepted its licence")))
    return facts


def download_size(offer: Offer) -> str:
    """The bytes to fetch; rounded where they are an estimate."""
    return (rough_size if offer.download_computed else size)(offer.download)


def _parameters(number: int) -> str:
    """How many numbers a network has: 135 million."""
    if number >= 1_000_000_000:
        return tr("{number} billion").format(number=QLocale().toString(number / 1e9, "f", 1))
    return tr("{number} million").format(number=QLocale().toString(max(1, round(number / 1e6))))


def _recorded(source: str) -> str:
    """Where an installed model was fetched from, with its version, as `_source` says it of one to fetch."""
    hub = re.fullmatch(r"hub:([^@]+)@([0-9a-f]{12})[0-9a-f]{28}", source)
    if hub is not None:
        return f"{hub[1]} ({hub[2]})"
    return tr("Imported") if source in ("", "imported") else source.removeprefix("package ")


def _source(source: Source) -> str:
    """Where a model comes from, with its version."""
    if isinstance(source, PackageSource):
        return f"{source.name} {source.version}"
    if isinstance(source, HubSource):
        return source.repo if source.revision == "main" else f"{source.repo} ({source.revision[:12]})"
    return QUrl(source.url).host()


def _suited(family: Family, model: Model, request: type[Request]) -> list[tuple[str, str]]:
    """What the form is set to for a model, and what it leaves out."""
    fields = dict(request.fields())
    suited = [
        f"{tr(fields[name].label)} {_said(fields[name], value)}"
        for name, value in family.suited(request, model).items()
    ]
    without = family.without_effect(request, model)  # reads a file of the model
    unused = [tr(each.label) for name, each in fields.items() if name in without and not each.hidden]
    rows = ((tr("Suggested settings"), suited), (tr("Does not use"), [words for words in unused if words]))
    return [(name, ", ".join(words)) for name, words in rows if words]


def _said(field: Field, value: object) -> object:
    """A value of a field; of a switch, its position, of a choice, what it is called."""
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    return value_text(field, value) if isinstance(field, Choice) else value
