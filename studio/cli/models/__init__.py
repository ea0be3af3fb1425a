"""`studio models`: list, show, fetch and import models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends import MEDIA, PAGELESS
from studio.cli.flags import add_accept_licence, add_json
from studio.cli.models import downloads, fit, linked, offered
from studio.cli.models.downloads import tell_imported
from studio.cli.models.slow_task import SlowTask
from studio.cli.plugin import cli_plugin
from studio.cli.words import command, tr, worded
from studio.errors import BadInput, Message
from studio.system.storage import format_size

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.models.model import Model

HEADS = (Message("ID"), Message("MEDIUM"), Message("FAMILY"), Message("LICENCE"), Message("SIZE"), Message("TITLE"))


def add(verbs: Any) -> None:
    verbs.add_parser(
        "models",
        help=tr("list, describe, import and remove models"),
        description=tr("List, describe, import and remove models."),
        fill=_add_actions,
    )


def _add_actions(models: argparse.ArgumentParser) -> None:
    actions = models.add_subparsers(title=tr("actions"), metavar="ACTION", required=True)
    names = [one.name for one in (*MEDIA, *PAGELESS)]

    listing = actions.add_parser("list", help=tr("list models"), description=tr("List all models."))
    listing.add_argument("--medium", choices=names, help=tr("only those of one medium (default: all)"))
    add_json(listing)
    listing.set_defaults(run=run_list)

    info = actions.add_parser(
        "info",
        help=tr("show the details of one model"),
        description=tr("Show the details of one model, installed or to be fetched: licence, terms, size, memory."),
    )
    info.add_argument("id", metavar="ID", help=tr("the model's id, as `studio models list` or `search` shows it"))
    info.add_argument(
        "--verify", action="store_true", help=tr("check its weights against their checksum (default: no)")
    )
    add_json(info)
    info.set_defaults(run=run_info)

    downloads.add(actions, names).set_defaults(run=run_get)

    bring = actions.add_parser(
        "import",
        help=tr("copy your own model into the studio"),
        description=tr(
            "Import a folder in the format of diffusers or transformers, a folder made by `studio train`, a "
            "single .safetensors or .gguf file, a StyleGAN2 or StyleGAN3 checkpoint (.pkl, .pt) or an upscaler (.pth, "
            "or .param with its .bin), which are converted without running any code in them. Other pickles are "
            "refused, because they can run code."
        ),
    )
    bring.add_argument("path", type=Path, metavar="PATH", help=tr("the folder or file"))
    bring.add_argument("--medium", choices=names, required=True, help=tr("what it makes (required)"))
    add_accept_licence(bring)
    bring.add_argument(
        "--licence",
        default="",
        metavar="NAME",
        help=tr("its licence, if you know it, such as own or cc0-1.0 (default: as the file says)"),
    )
    add_json(bring)
    bring.set_defaults(run=run_import)

    offered.add(actions, names)
    linked.add(actions)
    fit.add(actions)
    for one in (*MEDIA, *PAGELESS):
        cli_plugin(one).add_model_actions(actions)


def run_list(values: argparse.Namespace, context: CliContext) -> int:
    catalog = context.catalog()
    models = catalog.models(values.medium)
    context.print_error(*catalog.warnings)
    if values.json:
        context.print_json({"models": [_facts(model) for model in models]})
        return 0
    rows = [
        (model.id, model.medium, model.family, model.licence, format_size(model.size), model.title) for model in models
    ]
    context.print_table(rows, HEADS)
    return 0


def run_info(values: argparse.Namespace, context: CliContext) -> int:
    catalog = context.catalog()
    try:
        model = catalog.get(values.id)
    except BadInput:
        named = next((each for each in catalog.offers if each.id == values.id), None)
        if named is None:
            raise
        offered.show(named, catalog.offers, values.json, context)
        return 0
    problems = catalog.verify(model) if values.verify else []
    facts = _facts(model)
    fits = fit.of_model(fit.fit_check(context), model, catalog.offers)
    facts["fit"] = fit.facts(fits)
    newer = catalog.update(model) is not None
    facts["update"] = command("models", "get", model.id, "--update") if newer else None
    if values.verify:
        facts["problems"] = list(map(worded, problems))
    if values.json:
        context.print_json(facts)
    else:
        shown = {key: value for key, value in facts.items() if value not in ("", [], None) and key != "problems"}
        shown["size"] = format_size(model.size)
        shown["fit"] = fit.said(fits)
        context.print_table([(key, _shown(value)) for key, value in shown.items()])
        if values.verify and not problems:
            context.print(Message("The weights are complete and unchanged."))
    context.print_error(*problems)
    return 3 if problems else 0


def run_get(values: argparse.Namespace, context: CliContext) -> int:
    if not values.id and not values.first:
        catalog = context.catalog()
        offered.show_list(catalog.offers, catalog, values.json, context)
        return 0
    return downloads.run_get(values, context)


def run_import(values: argparse.Namespace, context: CliContext) -> int:
    model = context.catalog().import_(
        values.path,
        values.medium,
        accept_licence=values.accept_licence,
        licence=values.licence,
        report=SlowTask(context).fetched,
    )
    return tell_imported(model, values.json, context)


def _facts(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "medium": model.medium,
        "family": model.family,
        "title": model.title,
        "licence": model.licence,
        "size": model.size,
        "sha256": model.sha256,
        "source": model.source,
        "bundled": model.bundled,
        "description": model.description,
        "credits": model.credits,
        "languages": list(model.languages),
        "native": list(model.native) if any(model.native) else None,
        "folder": str(model.folder),
        "linked": model.linked or None,
        "moved": model.moved or None,
        "unavailable": None if model.unavailable is None else worded(model.unavailable),
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType]
    return " ".join(str(value).split())
