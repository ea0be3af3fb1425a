"""`studio models get`, `downloads` and `token`: fetches models, lists what is unfinished, keeps the hub's token."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from studio.backends import medium
from studio.cli.flags import add_accept_licence, add_json
from studio.cli.models.slow_task import SlowTask
from studio.cli.plugin import cli_plugin
from studio.cli.words import command, tr
from studio.errors import BadInput, Message, StudioError
from studio.models.sources.offers import Offer, offer
from studio.system.storage import format_estimate, format_size

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.models.model import Model

HEADS = (Message("ID"), Message("HERE"), Message("OF"), Message("STATE"), Message("TITLE"))


def add(actions: Any, media: Sequence[str]) -> argparse.ArgumentParser:
    """Add the actions; returns that of `get`, whose list of offers is made elsewhere."""
    get = actions.add_parser(
        "get",
        help=tr("fetch a model that the studio offers, or one from the hub or an address"),
        description=tr(
            "Fetch a model and import it: one that the studio offers, by its id; a repository of the model hub, as "
            "hub:owner/name, with @revision or :file behind it; or a file at an https address. What was fetched of it "
            "before, and cut off, is not fetched again. Without an id: list what is offered."
        ),
    )
    get.add_argument("id", nargs="?", metavar="ID", help=tr("the model's id, hub:owner/name, or an address"))
    get.add_argument(
        "--first", action="store_true", help=tr("those that a page uses instead of its starter (default: no)")
    )
    get.add_argument(
        "--medium", choices=media, default="", help=tr("what it makes, if it is from the hub or an address (detected)")
    )
    get.add_argument(
        "--update",
        action="store_true",
        help=tr("replace an installed model by its newest version, once that is there (default: no)"),
    )
    add_accept_licence(get)
    add_json(get)

    downloads = actions.add_parser(
        "downloads",
        help=tr("list the models that are not fetched whole yet"),
        description=tr(
            "List the models whose download was paused or cut off; `studio models get ID` goes on with one."
        ),
    )
    downloads.add_argument(
        "--discard", metavar="ID", default="", help=tr("delete what has come of this one (default: none)")
    )
    add_json(downloads)
    downloads.set_defaults(run=run_downloads)

    token = actions.add_parser(
        "token",
        help=tr("say whether there is a token for the model hub, set or remove it"),
        description=tr(
            "Say whether the studio has a token for the model hub, which publishers ask for who want their licence "
            "accepted first. It is kept in the keyring of the system, and never shown."
        ),
    )
    token.add_argument("what", nargs="?", choices=("set", "remove"), help=tr("set reads it from standard input"))
    add_json(token)
    token.set_defaults(run=run_token)
    return get


def run_get(values: argparse.Namespace, context: CliContext) -> int:
    catalog = context.catalog()
    if values.first:
        status = 0
        for each in catalog.offers:
            if each.first and catalog.listed(each.id) is None:
                try:
                    _get(each, values, context)
                except StudioError as error:
                    context.print_error(error.whole)
                    status = error.status
        return status
    if values.update:
        return _update(catalog.get(values.id), values, context)
    asked, target = values.id, values.medium
    if not any(asked == each.id for each in catalog.offers):
        for each in catalog.downloads():
            if each.id == asked:
                asked, target = each.asked, target or each.medium
    if ":" not in asked:
        return _get(offer(asked), values, context)
    shown = SlowTask(context)
    model = catalog.get_source(asked, target, shown.fetched, accept_licence=values.accept_licence)
    return tell_imported(model, values.json, context)


def _get(wanted: Offer, values: argparse.Namespace, context: CliContext) -> int:
    context.print_error(
        Message(
            "{title}: {sentence} {size}; licence: {licence}.",
            title=wanted.title,
            sentence=wanted.sentence,
            size=Message("about {size}", size=format_estimate(wanted.download))
            if wanted.download_computed
            else format_size(wanted.download),
            licence=wanted.licence,
        )
    )
    catalog, shown = context.catalog(), SlowTask(context)
    installed = catalog.listed(wanted.id)
    if installed is not None and not values.update and catalog.update(installed) is not None:
        raise BadInput(
            "{title} is installed, and the studio offers a newer version of it.",
            "Replace it with `studio models get {id} --update`.",
            title=wanted.title,
            id=wanted.id,
        )
    replaces = wanted.id if values.update and installed is not None else ""
    model = catalog.get_offered(wanted, shown.fetched, accept_licence=values.accept_licence, replaces=replaces)
    return tell_imported(model, values.json, context)


def _update(model: Model, values: argparse.Namespace, context: CliContext) -> int:
    """Replace a model by the version that the catalogue names, else by the newest one that the hub has."""
    catalog = context.catalog()
    offered = catalog.update(model)
    if offered is None and catalog.newer(model):
        offered = next((each for each in catalog.offers if each.id == model.id), None)
        if offered is None:
            shown, source = SlowTask(context), model.source.partition("@")[0]
            accepted = values.accept_licence
            found = catalog.get_source(source, model.medium, shown.fetched, accept_licence=accepted, replaces=model.id)
            return tell_imported(found, values.json, context)
    if offered is not None:
        return _get(offered, values, context)
    if values.json:
        context.print_json({"id": model.id, "update": None})
    else:
        context.print(Message("No newer version of {title} is known.", title=model.title))
    return 0


def run_downloads(values: argparse.Namespace, context: CliContext) -> int:
    catalog = context.catalog()
    if values.discard:
        catalog.discard_download(values.discard)
        if values.json:
            context.print_json({"discarded": values.discard})
        else:
            context.print(Message("What had come of {id} is deleted.", id=values.discard))
        return 0
    found = catalog.downloads()
    if values.json:
        names = ("id", "title", "medium", "done", "total", "running")
        context.print_json({"downloads": [{name: getattr(each, name) for name in names} for each in found]})
        return 0
    rows = [
        (
            each.id,
            format_size(each.done),
            format_size(each.total) if each.total else Message("unknown"),
            Message("running") if each.running else Message("stopped"),
            each.title,
        )
        for each in found
    ]
    context.print_table([HEADS, *rows]) if rows else ()
    if not rows:
        context.print_error(Message("No download is unfinished."))
    return 0


def run_token(values: argparse.Namespace, context: CliContext) -> int:
    from studio.models.sources import hub

    if values.what == "set":
        if sys.stdin.isatty():
            import getpass

            hub.set_token(getpass.getpass(tr("Token (it is not shown): ")))
        else:
            hub.set_token(sys.stdin.read(hub.TOKEN_LIMIT + 2))
    elif values.what == "remove" and not hub.remove_token():
        context.print_error(Message("The studio has kept no token."))
    place = hub.token_place()
    if values.json:
        context.print_json({"token": place})
        return 0
    said = {
        "keyring": Message("There is a token in the keyring of the system."),
        "HF_TOKEN": Message("There is a token in the variable HF_TOKEN."),
        "file": Message("There is a token in the file of the hub's own program."),
    }
    context.print(said.get(place, Message("There is no token. `studio models token set` reads one.")))
    return 0


def tell_imported(model: Model, json: bool, context: CliContext) -> int:
    if json:
        context.print_json({"id": model.id, "family": model.family, "licence": model.licence})
    else:
        context.print(f"{model.id}  ({model.family}, {model.licence}, {format_size(model.size)})")
        words = cli_plugin(medium(model.medium)).use or ("make", model.medium)
        usage = command(*words, "--model", model.id)
        context.print_error(Message("Use it with: {command}", command=usage))
    return 0
