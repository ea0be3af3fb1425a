"""`studio models directions`: list, rename and delete the latent directions of a model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from studio.backends.avatar import directions
from studio.cli.flags import add_json
from studio.cli.words import command, tr
from studio.errors import BadInput, Message

if TYPE_CHECKING:
    from studio.cli.context import CliContext

HEADS = (Message("ID"), Message("NAME"), Message("METHOD"), Message("LAYERS"), Message("DEVIATION"))


def add(actions: Any) -> None:
    parser = actions.add_parser(
        "directions",
        help=tr("list, rename or delete the directions of an avatar model"),
        description=tr(
            "List, rename or delete the directions that were found on an avatar model. "
            "`studio make avatar.directions` finds more."
        ),
    )
    parser.add_argument("id", metavar="ID", help=tr("the model's id, as `studio models list` shows it"))
    parser.add_argument(
        "--rename",
        nargs=2,
        action="append",
        default=[],
        metavar=("DIRECTION", "NAME"),
        help=tr("rename a direction after what it changes, such as Smile; may be repeated (default: none)"),
    )
    parser.add_argument(
        "--delete",
        action="append",
        default=[],
        metavar="DIRECTION",
        help=tr("delete a direction; faces that use it cannot be made again; may be repeated (default: none)"),
    )
    add_json(parser)
    parser.set_defaults(run=run_directions)


def run_directions(values: argparse.Namespace, context: CliContext) -> int:
    model = context.catalog().get(values.id)
    if model.medium != "avatar":
        raise BadInput(
            "{title} is for {medium}.", "Only avatar models have directions.", title=model.title, medium=model.medium
        )
    known = {one.id for one in directions.directions(model)}
    unknown = [id for id in [*(id for id, _ in values.rename), *values.delete] if id not in known]
    if unknown:
        raise BadInput(
            "{title} has no direction {id!r}.",
            "`studio models directions {model}` lists those it has.",
            title=model.title,
            id=unknown[0][:60],
            model=model.id,
        )
    for id, name in values.rename:
        directions.rename(model, id, name)
    for id in dict.fromkeys(values.delete):
        directions.remove(model, id)
    found = directions.directions(model)
    if values.json:
        context.print_json({"model": model.id, "directions": [_facts(one) for one in found]})
        return 0
    if not found:
        context.print(Message("{title} has no directions.", title=model.title))
        search = command("make", "avatar.directions", "--model", model.id)
        context.print_error(Message("Find some with: {command}", command=search))
        return 0
    rows = [(one.id, one.name, one.method, one.layers, f"{one.std:.3g}") for one in found]
    context.print_table(rows, HEADS)
    return 0


def _facts(one: directions.SavedDirection) -> dict[str, Any]:
    preview = str(one.preview) if one.preview.is_file() else None
    return {
        "id": one.id,
        "name": one.name,
        "method": one.method,
        "layers": one.layers,
        "deviation": one.std,
        "preview": preview,
    }
