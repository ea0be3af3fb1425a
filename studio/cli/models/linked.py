"""`studio models scan`, `move` and `remove`: models of other programs, other disks, and what depends on a model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli.flags import add_accept_licence, add_json
from studio.cli.models.slow_task import SlowTask
from studio.cli.words import command, tr, worded
from studio.errors import BadInput, Message, StudioError, counted
from studio.models.model import Model, ModelUses
from studio.schema import settings
from studio.system.storage import format_size

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.models.catalog import Catalog
    from studio.models.sources.programs import FoundModel

HEADS = (
    Message("PROGRAM"),
    Message("MEDIUM"),
    Message("SIZE"),
    Message("TITLE"),
    Message("STATE"),
    Message("PATH"),
)


def add(actions: Any) -> None:
    scan = actions.add_parser(
        "scan",
        help=tr("find models of other programs"),
        description=tr(
            "Find models of other programs on this machine: in the Hugging Face cache and the folders of ComfyUI, "
            "A1111, Forge, InvokeAI, LM Studio and Ollama. Nothing of theirs is changed. With --link one is used from "
            "where it lies, without a copy."
        ),
    )
    scan.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help=tr("further folders to look in; they are remembered (default: those of earlier times)"),
    )
    scan.add_argument(
        "--forget", action="store_true", help=tr("forget the folders that were given earlier (default: no)")
    )
    scan.add_argument(
        "--link", action="append", default=[], metavar="TITLE", help=tr("use a model, by its title or path as shown")
    )
    add_accept_licence(scan)
    scan.add_argument("--all", action="store_true", help=tr("also show what the studio cannot run (default: no)"))
    add_json(scan)
    scan.set_defaults(run=run_scan)

    move = actions.add_parser(
        "move",
        help=tr("move a model to another disk"),
        description=tr(
            "Move the weights of a model to a folder on another disk. The model stays listed and is used from there."
        ),
    )
    move.add_argument("id", metavar="ID", help=tr("the model's id, as `studio models list` shows it"))
    move.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help=tr("the folder on the other disk"))
    move.add_argument("--back", action="store_true", help=tr("bring it back to the studio's own folder (default: no)"))
    add_json(move)
    move.set_defaults(run=run_move)

    remove = actions.add_parser(
        "remove",
        help=tr("delete an imported model"),
        description=tr(
            "Delete an imported model, and say what depends on it. Of a model that is linked, the files of the other "
            "program stay."
        ),
    )
    remove.add_argument("id", metavar="ID", help=tr("the model's id; built-in models cannot be removed"))
    remove.add_argument("--yes", action="store_true", help=tr("do not ask on a terminal (default: no)"))
    add_json(remove)
    remove.set_defaults(run=run_remove)


def run_scan(values: argparse.Namespace, context: CliContext) -> int:
    catalog = context.catalog()
    folders = _folders(values, context)
    shown = SlowTask(context)
    found = catalog.scan(folders, report=shown.looked)
    context.print_error(*found.notes)
    if values.link:
        return _link(values, found.models, catalog, context)
    listed = [one for one in found.models if one.why_not is None or values.all or values.json]
    if values.json:
        facts = [_facts(one) for one in listed]
        context.print_json({"models": facts, "notes": list(map(worded, found.notes))})
        return 0
    rows = [
        (", ".join((one.program or tr("folder"), *one.also)), one.medium, format_size(one.size), one.title, _state(one),
         str(one.path))
        for one in listed
    ]  # fmt: skip
    context.print_table([HEADS, *rows]) if rows else ()
    left = len(found.models) - len(listed)
    if not found.models:
        context.print_error(Message("No models of other programs were found."))
    if left:
        context.print_error(
            counted(
                left,
                "1 more cannot be run here. `studio models scan --all` says why.",
                "{n} more cannot be run here. `studio models scan --all` says why.",
            )
        )
    usable = next((one for one in listed if one.why_not is None and not one.installed), None)
    if usable is not None:
        usage = command("models", "scan", "--link", usable.title)
        context.print_error(Message("Use one without a copy: {command}", command=usage))
    return 0


def run_move(values: argparse.Namespace, context: CliContext) -> int:
    if values.back == (values.folder is not None):
        raise BadInput("Where should {id} lie?", "Give a folder, or --back.", id=values.id)
    shown = SlowTask(context)
    model = context.catalog().move(values.id, values.folder, shown.fetched)
    if values.json:
        context.print_json({"id": model.id, "moved": model.moved or None})
    elif model.moved:
        context.print(Message("{id} lies in {folder} now.", id=model.id, folder=model.moved))
    else:
        context.print(Message("{id} lies in the studio's own folder again.", id=model.id))
    return 0


def run_remove(values: argparse.Namespace, context: CliContext) -> int:
    catalog = context.catalog()
    model = catalog.get(values.id)
    uses = None if model.bundled else _uses(catalog, model, context)
    if uses:
        context.print_error(*uses.said)
        if not values.yes and not values.json and sys.stdin is not None and sys.stdin.isatty():
            context.print_error(Message("Remove {title} all the same? Type yes and press Return.", title=model.title))
            if sys.stdin.readline().strip().lower() not in ("y", "yes", tr("yes")):
                context.print_error(Message("{id} stays.", id=model.id))
                return 1
    left = catalog.remove(values.id)
    if left:
        context.print_error(
            Message("Its weights in {folder} could not be reached: delete them there yourself.", folder=left)
        )
    if values.json:
        facts: dict[str, Any] = {"removed": values.id}
        if uses:
            facts["uses"] = {
                "works": uses.works,
                "characters": list(uses.characters),
                "documents": list(uses.documents),
                "directions": uses.directions,
            }
        context.print_json(facts)
    elif model.linked:
        context.print(Message("{id} is removed. Its files stay in {folder}.", id=values.id, folder=model.linked))
    else:
        context.print(Message("{id} is removed.", id=values.id))
    return 0


def _folders(values: argparse.Namespace, context: CliContext) -> list[Path]:
    """The folders to look in: those given, which are remembered, and those of earlier times."""
    from studio.models.sources import programs

    given = [folder.expanduser().absolute() for folder in values.folders]
    for folder in given:
        if not folder.is_dir():
            raise BadInput("{folder} is no folder.", "Give a folder that holds models.", folder=folder)
    own = context.settings()
    text = programs.remember("" if values.forget else own.model_folders, given)
    if text != own.model_folders:
        settings.change(context.places.config / "settings.toml", own, model_folders=text)
    return programs.remembered(text)


def _link(values: argparse.Namespace, found: list[FoundModel], catalog: Catalog, context: CliContext) -> int:
    linked: list[dict[str, Any]] = []
    status = 0
    for word in values.link:
        matching = [one for one in found if word in (one.title, str(one.path))]
        if not matching:
            raise BadInput("No model called {title!r} was found.", "`studio models scan` lists them.", title=word[:200])
        shown = SlowTask(context)
        try:
            model = catalog.link(matching[0], accept_licence=values.accept_licence, report=shown.fetched)
        except StudioError as error:
            context.print_error(error.whole)
            status = status or error.status
            continue
        linked.append(
            {"id": model.id, "family": model.family, "licence": model.licence, "linked": model.linked or None}
        )
        if not values.json:
            context.print(f"{model.id}  ({model.family}, {model.licence}, {format_size(model.size)})")
            if not model.linked:
                context.print_error(
                    Message("{title} had to be converted: {id} is a copy.", title=matching[0].title, id=model.id)
                )
    if values.json:
        context.print_json({"models": linked})
    return status


def _uses(catalog: Catalog, model: Model, context: CliContext) -> ModelUses:
    """What depends on a model; nothing, and the reason in words, where the library cannot be read."""
    from studio.jobs.model_uses import model_uses
    from studio.library.identities import Identities

    places = context.places
    try:
        with context.library() as library:
            return model_uses(model, catalog, library, Identities(places.identities), places.documents)
    except StudioError as error:
        context.print_error(Message("What depends on {id} is not known: {reason}", id=model.id, reason=error.said))
        return ModelUses()


def _facts(one: FoundModel) -> dict[str, Any]:
    return {
        "program": one.program,
        "also": list(one.also),
        "title": one.title,
        "medium": one.medium or None,
        "family": one.family or None,
        "licence": one.licence or None,
        "size": one.size,
        "path": str(one.path),
        "installed": one.installed or None,
        "converted": one.converted,
        "why_not": None if one.why_not is None else worded(one.why_not),
    }


def _state(one: FoundModel) -> str:
    if one.installed:
        return tr("is {id}", id=one.installed)
    if one.why_not is not None:
        return worded(one.why_not)
    return tr("is converted") if one.converted else tr("usable")
