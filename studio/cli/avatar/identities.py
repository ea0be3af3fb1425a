"""`studio identities`, and the flags of `studio make avatar` that use saved characters."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends.avatar.expressions import MANY, sheet
from studio.backends.avatar.requests import AvatarRequest
from studio.cli import flags, inputs
from studio.cli.inputs import from_work
from studio.cli.plugin import MakeFlags
from studio.cli.words import moment, tr
from studio.errors import BadInput, Message
from studio.library.identities import Identities, Identity
from studio.media import codecs
from studio.media.payloads import Image
from studio.schema.request import Request

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.library.asset import Asset
    from studio.studio import Studio

MOST = 24
HEADS = (Message("ID"), Message("KEPT"), Message("NAME"))


def add(verbs: Any) -> None:
    verbs.add_parser(
        "identities",
        help=tr("list, save and rename characters"),
        description=tr("Saved characters: faces that you have saved under a name."),
        epilog=tr("`studio make avatar --identity NAME` uses one; other flags change it."),
        fill=_add_actions,
    )


def _add_actions(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title=tr("actions"), metavar="ACTION", required=True)

    listing = actions.add_parser(
        "list", help=tr("list saved characters"), description=tr("List saved characters by name.")
    )
    listing.add_argument("--bin", action="store_true", help=tr("list those in the bin instead (default: no)"))
    flags.add_json(listing)
    listing.set_defaults(run=run_list)

    show = _one(actions, "show", tr("show one character"), tr("Show all that is saved of one character."))
    show.set_defaults(run=run_show)

    keep = actions.add_parser(
        "keep",
        help=tr("save the face of a work as a character"),
        description=tr("Save the face of a work as a character."),
    )
    keep.add_argument(
        "work",
        metavar="WORK",
        help=tr("a work's id, as `studio library list` shows it, its file, or a copy of its file"),
    )
    keep.add_argument(
        "--name",
        metavar="TEXT",
        help=tr("name of the character; a saved one of that name gets this face (default: the face's own name)"),
    )
    flags.add_json(keep)
    keep.set_defaults(run=run_keep)

    rename = _one(actions, "rename", tr("rename a character"), tr("Rename a character."))
    rename.add_argument("name", metavar="TEXT", help=tr("the new name"))
    rename.set_defaults(run=run_rename)

    remove = _one(
        actions,
        "remove",
        tr("move a character to the bin"),
        tr("Move a character to the bin, from where it can be restored."),
    )
    remove.set_defaults(run=run_remove)

    restore = _one(actions, "restore", tr("restore a character from the bin"), tr("Restore a character from the bin."))
    restore.set_defaults(run=run_restore)


def _one(actions: Any, name: str, about: str, description: str) -> Any:
    parser = actions.add_parser(name, help=about, description=description)
    parser.add_argument("who", metavar="NAME", help=tr("a name, or an id as `studio identities list` shows it"))
    flags.add_json(parser)
    return parser


def run_list(values: argparse.Namespace, context: CliContext) -> int:
    people = _identities(context)
    found = people.binned() if values.bin else people.all()
    if values.json:
        context.print_json({"identities": [_facts(one) for one in found]})
    elif found:
        rows = [(one.id, moment(one.created), one.name) for one in found]
        context.print_table(rows, HEADS)
    else:
        empty, none = (
            Message("The bin is empty."),
            Message("No characters yet: `studio identities keep WORK` saves one."),
        )
        context.print_error(empty if values.bin else none)
    return 0


def run_show(values: argparse.Namespace, context: CliContext) -> int:
    one = _identities(context).get(values.who)
    facts = {**_facts(one), "face": one.face.to_json()}
    if values.json:
        context.print_json(facts)
        return 0
    face = json.dumps(facts["face"], ensure_ascii=False)
    shown = {**facts, "kept": moment(one.created), "changed": moment(one.changed), "face": face}
    context.print_table([(name, str(value)) for name, value in shown.items() if value not in ("", None)])
    return 0


def run_keep(values: argparse.Namespace, context: CliContext) -> int:
    with context.library() as library:
        path, asset = inputs.find_work(library, values.work)
    face = _face_of(path, asset)
    name = face.name if values.name is None else values.name
    if not name.strip():
        raise BadInput("This face has no name.", "Give it one with --name.")
    picture = codecs.read(path)
    if not isinstance(picture, Image):
        raise BadInput("{name} is not a picture.", "Choose a work that shows a face.", name=path.name)
    kept = _identities(context).save(name, face, picture, asset.id if asset is not None else "")
    return _done(values, context, kept, Message("{name} is saved.", name=kept.name))


def run_rename(values: argparse.Namespace, context: CliContext) -> int:
    people = _identities(context)
    one = people.rename(people.get(values.who).id, values.name)
    return _done(values, context, one, Message("{name} is the new name.", name=one.name))


def run_remove(values: argparse.Namespace, context: CliContext) -> int:
    one = _identities(context).remove(values.who)
    said = Message("{name} is in the bin; `studio identities restore {id}` restores it.", name=one.name, id=one.id)
    return _done(values, context, one, said)


def run_restore(values: argparse.Namespace, context: CliContext) -> int:
    one = _identities(context).restore(values.who)
    return _done(values, context, one, Message("{name} is restored.", name=one.name))


def _done(values: argparse.Namespace, context: CliContext, one: Identity, said: Message) -> int:
    if values.json:
        context.print_json(_facts(one))
    else:
        context.print(said)
    return 0


def _identities(context: CliContext) -> Identities:
    return Identities(context.places.identities)


def _face_of(path: Path, asset: Asset | None) -> AvatarRequest:
    """The face that a work shows. Raises BadInput where it shows none."""
    request: Request | None = None
    if asset is None:
        request = from_work(path)
    elif asset.request:
        request = Request.from_json(asset.request)
    if not isinstance(request, AvatarRequest):
        raise BadInput(
            "The work {id} does not show a face made by a model.",
            "Choose one made by `studio make avatar`; `studio make avatar.project` matches a face to a picture.",
            id=asset.id if asset is not None else path.name,
        )
    return request


def _facts(one: Identity) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "work": one.work,
        "portrait": str(one.portrait),
        "kept": one.created,
        "changed": one.changed,
    }


class FaceFlags(MakeFlags):
    """--identity, which starts from a saved character, and --expressions, which makes a character sheet."""

    def add(self, parser: argparse.ArgumentParser, kind: type[Request]) -> None:
        if not kind.keeps_identity:
            return
        group = parser.add_argument_group(tr("character"))
        group.add_argument(
            "--identity",
            default=None,
            metavar="NAME",
            help=tr("start from a saved character; other flags change it (default: from the seed)"),
        )
        group.add_argument(
            "--expressions",
            type=flags.whole_number("--expressions", 0, MOST),
            default=0,
            metavar="N",
            help=tr(
                "make a character sheet: the face large and in up to N expressions, titled with --name; {many} is a "
                "good number; 0 to {most} (default: 0, the face alone)",
                many=MANY,
                most=MOST,
            ),
        )

    def known(self, values: argparse.Namespace, context: CliContext) -> dict[str, Any]:
        word = getattr(values, "identity", None)
        if word is None:
            return {}
        face = _identities(context).get(word).face
        if values.request is not None:
            raise BadInput("--identity and --request cannot be used together.", "Use one of them.")
        return {name: getattr(face, name) for name, _ in face.fields()}

    def warnings(self, values: argparse.Namespace, known: Mapping[str, Any], request: Request) -> list[Message]:
        """What makes somebody else of the saved character."""
        if not known or not isinstance(request, AvatarRequest):
            return []
        # A face that was found in a picture is its latent, whatever seed and style say.
        telling = ("model", "latent") if request.latent else ("model", "style", "label", "seed", "near", "latent")
        other = [Message("{flag}", flag=flags.flag(name)) for name in telling if getattr(request, name) != known[name]]
        name = known["name"]
        if other:
            together = reduce(lambda first, second: Message("{first} and {second}", first=first, second=second), other)
            what = Message(
                "With another {flags} this is not the saved {name}, but a different person.", flags=together, name=name
            )
            return [what]
        if values.count > 1 and not request.latent:
            return [Message("Only the first of these is the saved {name}: the others have other seeds.", name=name)]
        return []

    def requests(self, values: argparse.Namespace, studio: Studio, requests: list[Request]) -> list[Request]:
        """The character sheets of the faces, where --expressions asks for them."""
        count = getattr(values, "expressions", 0)
        if not count:
            return requests
        catalog = studio.catalog
        made: list[Request] = []
        for face in requests:
            assert isinstance(face, AvatarRequest)
            model = catalog.get(face.model) if face.model else catalog.default(face.medium)
            made.append(sheet(model.folder, face, count))
        return made
