"""`studio models search`, and what `info` says of a model that can be fetched."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from studio.cli.flags import add_json, byte_count
from studio.cli.models import fit
from studio.cli.words import command, tr, worded
from studio.errors import Message
from studio.models.sources.offers import SOLD, HubSource, Offer, PackageSource, Source, UrlSource, provenance, search
from studio.system.storage import format_estimate, format_size

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.models.catalog import Catalog

HEADS = (
    Message("ID"),
    Message("MEDIUM"),
    Message("SIZE"),
    Message("WORKS SOLD"),
    Message("INSTALLED"),
    Message("GOOD AT"),
)
SELLS = {
    "yes": Message("yes"),
    "no": Message("no"),
    "conditions": Message("on conditions"),
    "unknown": Message("not known"),
}
KINDS: dict[type[Source], str] = {PackageSource: "package", HubSource: "hub", UrlSource: "url"}


def add(actions: Any, media: Collection[str]) -> None:
    finding = actions.add_parser(
        "search",
        help=tr("find models that can be fetched"),
        description=tr(
            "Find open models that can be fetched: all of them, or those with every word in their id, title, family, "
            "sentence, makers or licence."
        ),
    )
    finding.add_argument("words", nargs="*", metavar="WORD", help=tr("what to look for (default: everything)"))
    finding.add_argument("--medium", choices=media, help=tr("only those of one medium (default: all)"))
    finding.add_argument(
        "--may-be-sold",
        action="store_true",
        help=tr("only those whose works may be sold, if need be on conditions (default: all)"),
    )
    finding.add_argument(
        "--largest",
        type=byte_count("--largest"),
        default=0,
        metavar="SIZE",
        help=tr("only those that take no more room, such as 4GB or 500MB (default: all)"),
    )
    finding.add_argument(
        "--fits", action="store_true", help=tr("only those that this machine has the memory for (default: all)")
    )
    add_json(finding)
    finding.set_defaults(run=run_search)


def run_search(values: argparse.Namespace, context: CliContext) -> int:
    catalog = context.catalog()
    sells = SOLD if values.may_be_sold else ()
    found = search(catalog.offers, " ".join(values.words), values.medium or "", sells, values.largest)
    if values.fits:
        check = fit.fit_check(context)
        known = [(each, fit.of_offer(check, each)) for each in found]
        found = [each for each, fits in known if fits is not None and fits.verdict != "no"]
    show_list(found, catalog, values.json, context)
    if not values.json and not found:
        context.print_error(Message("No model fits. `studio models search` alone lists all."))
    return 0


def show_list(offers: Sequence[Offer], catalog: Catalog, json: bool, context: CliContext) -> None:
    """A table of models that can be fetched, or all that is known of them as JSON."""
    installed = {each.id for each in offers if catalog.listed(each.id) is not None}
    if json:
        context.print_json({"offers": [_facts(each, each.id in installed) for each in offers]})
        return
    rows = [
        (
            each.id,
            each.medium,
            size_words(each),
            SELLS[each.sells],
            tr("yes") if each.id in installed else tr("no"),
            each.sentence if not each.unsupported else each.unsupported,
        )
        for each in offers
    ]
    context.print_table(rows, HEADS)


def show(one: Offer, offers: Sequence[Offer], json: bool, context: CliContext) -> None:
    """All that is known of a model that can be fetched; `offers` are those of which one may fit instead."""
    fits = fit.of_offer(fit.fit_check(context), one, offers)
    if json:
        context.print_json({**_facts(one, False), "fit": fit.facts(fits)})
        return
    rows: list[tuple[str | Message, str | Message]] = [
        (Message("id"), one.id),
        (Message("title"), one.title),
        (Message("medium"), one.medium),
        (Message("family"), one.family),
        (Message("good at"), one.sentence),
        (Message("credits"), one.credits),
        (Message("languages"), ", ".join(one.languages)),
        (Message("licence"), one.licence),
        (Message("works may be sold"), SELLS[one.sells]),
        (Message("terms"), one.terms),
        (Message("read it at"), one.licence_url),
        (Message("account needed"), tr("yes") if one.gated else tr("no")),
        (Message("size"), size_words(one)),
        (Message("parameters"), f"{one.parameters:,}" if one.parameters else ""),
        (Message("memory"), ", ".join(f"{format_size(size)} ({dtype})" for dtype, size in one.memory.items())),
        (fit.HERE, fit.said(fits) if fits is not None else ""),
        *((Message("source"), _place(source)) for source in one.sources),
        (Message("facts"), provenance(one)),
        (Message("not yet"), one.unsupported),
    ]
    context.print_table([row for row in rows if row[1]])
    if not one.unsupported:
        context.print_error(Message("Fetch it with: {command}", command=command("models", "get", one.id)))


def size_words(one: Offer) -> Message | str:
    """Its size on disk; rounded where it is an estimate."""
    return Message("about {size}", size=format_estimate(one.size)) if one.computed else format_size(one.size)


def _place(source: Source) -> str | Message:
    """Where a source is, with the size of its download where that is known."""
    if isinstance(source, PackageSource):
        name, place = "package", f"{source.name} {source.version}"
    elif isinstance(source, HubSource):
        name, place = "hub", f"{source.repo}@{source.revision}"
    else:
        name, place = "url", source.url
    if not source.size:
        return f"{name} {place}"
    return Message("{kind} {place} ({size})", kind=name, place=place, size=format_size(source.size))


def _facts(one: Offer, installed: bool) -> dict[str, Any]:
    """An offer as JSON: its sources say their kind, and what is known of its facts is in words."""
    sources = [
        {
            "kind": KINDS[type(source)],
            **(dataclasses.asdict(source.wheels[0]) if isinstance(source, PackageSource) else {}),
            **dataclasses.asdict(source),
        }
        for source in one.sources
    ]
    return {
        **dataclasses.asdict(one),
        "sources": sources,
        "download": one.download,
        "facts": worded(provenance(one)),
        "installed": installed,
    }
