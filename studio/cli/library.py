"""`studio library`: list, search, import, verify and repair works, and make them again."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends import MEDIA
from studio.cli import inputs, make
from studio.cli.flags import add_json, whole_number
from studio.cli.words import moment, tr, worded
from studio.errors import BadInput, Message, StudioError, counted
from studio.library.titles import describe, title_of
from studio.system.storage import format_size

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.library.asset import Asset

LIMIT = 100_000
HEADS = (Message("ID"), Message("MADE"), Message("MEDIUM"), Message("TITLE"))


def add(verbs: Any) -> None:
    verbs.add_parser(
        "library",
        help=tr("find, check and import works"),
        description=tr("Find, check and import works in the library."),
        fill=_add_actions,
    )


def _add_actions(library: argparse.ArgumentParser) -> None:
    actions = library.add_subparsers(title=tr("actions"), metavar="ACTION", required=True)

    listing = actions.add_parser(
        "list", help=tr("list works, newest first"), description=tr("List works, newest first.")
    )
    _filters(listing)
    listing.set_defaults(run=run_list, text="")

    search = actions.add_parser(
        "search", help=tr("find works"), description=tr("Find works by title, prompt, tag or model.")
    )
    search.add_argument("text", metavar="TEXT", help=tr("words that must all occur"))
    _filters(search)
    search.set_defaults(run=run_list)

    show = actions.add_parser(
        "show",
        help=tr("show the details of one work"),
        description=tr("Show the details of one work and how it was made."),
    )
    show.add_argument(
        "work",
        metavar="WORK",
        help=tr("a work's id, as `studio library list` shows it, its file, or a copy of its file"),
    )
    add_json(show)
    show.set_defaults(run=run_show)

    verify = actions.add_parser(
        "verify", help=tr("check every file"), description=tr("Read every file and report problems.")
    )
    add_json(verify)
    verify.set_defaults(run=run_verify)

    rebuild = actions.add_parser(
        "rebuild", help=tr("rebuild the index"), description=tr("Rebuild the index from the files in the library.")
    )
    add_json(rebuild)
    rebuild.set_defaults(run=run_rebuild)

    make.add_again(actions)

    bring = actions.add_parser(
        "import",
        help=tr("copy your own files into the library"),
        description=tr("Import pictures, sounds, clips and texts."),
    )
    bring.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="FILE",
        help=tr("PNG, JPEG, WebP, GIF, MP4, WAV, FLAC, MP3, Markdown ..."),
    )
    add_json(bring)
    bring.set_defaults(run=run_import)


def _filters(parser: argparse.ArgumentParser) -> None:
    names = [one.name for one in MEDIA]
    parser.add_argument("--medium", choices=names, help=tr("only one medium (default: all)"))
    parser.add_argument("--model", metavar="ID", help=tr("only works made with this model (default: all)"))
    parser.add_argument("--tag", metavar="TAG", help=tr("only works with this tag (default: all)"))
    parser.add_argument("--collection", metavar="NAME", help=tr("only works in this collection (default: all)"))
    parser.add_argument("--favourite", action="store_true", default=None, help=tr("only favourites (default: all)"))
    parser.add_argument("--bin", action="store_true", help=tr("list works in the bin instead (default: no)"))
    parser.add_argument(
        "--limit",
        type=whole_number("--limit", 1, LIMIT),
        default=50,
        metavar="N",
        help=tr("maximum number of works; 1 to {limit} (default: 50)", limit=LIMIT),
    )
    parser.add_argument(
        "--offset",
        type=whole_number("--offset", 0, 10**9),
        default=0,
        metavar="N",
        help=tr("skip the first N works; 0 or more (default: 0)"),
    )
    add_json(parser)


def run_list(values: argparse.Namespace, context: CliContext) -> int:
    from studio.library.library import LibraryQuery

    query = LibraryQuery(
        text=values.text,
        medium=values.medium,
        model=values.model,
        favourite=values.favourite,
        tag=values.tag,
        collection=values.collection,
        binned=values.bin,
    )
    with context.library() as library:
        assets = library.page(query, values.offset, values.limit)
        total = library.count(query)
    if values.json:
        context.print_json({"total": total, "assets": [_facts(asset) for asset in assets]})
        return 0
    rows = [(asset.id, moment(asset.created), asset.medium, _title(asset)) for asset in assets]
    context.print_table(rows, HEADS)
    last = values.offset + len(assets)
    if not total:
        context.print_error(Message("No works found."))
    elif last < total:
        context.print_error(Message("{last} of {total} works; continue with --offset {last}.", last=last, total=total))
    return 0


def run_show(values: argparse.Namespace, context: CliContext) -> int:
    with context.library() as library:
        path, asset = inputs.find_work(library, values.work)
        if asset is None:
            raise BadInput("{name} is not in the library.", "`studio library import` adds it.", name=path.name)
        children = [child.id for child in library.children(asset.id)]
    facts = {**_facts(asset), "children": children, "request": asset.request, "provenance": asset.provenance.to_json()}
    if values.json:
        context.print_json(facts)
        return 0
    shown = {**facts, "created": moment(asset.created), "size": format_size(asset.size)}
    rows = [(key, _shown(value)) for key, value in shown.items() if value not in (None, "", [], {}, False)]
    context.print_table(rows)
    return 0


def run_verify(values: argparse.Namespace, context: CliContext) -> int:
    with context.library() as library:
        problems = library.verify()
        total = library.count()
    if values.json:
        found = [
            {"path": one.path, "kind": one.kind, "message": worded(one.message), "hint": worded(one.hint)}
            for one in problems
        ]
        context.print_json({"works": total, "problems": found})
    elif problems:
        for one in problems:
            said = Message("{path}: {problem}", path=one.path, problem=one.message)
            context.print(Message("{said} {hint}", said=said, hint=one.hint) if one.hint else said)
    else:
        context.print(counted(total, "No problems found in 1 work.", "No problems found in {n} works."))
    return StudioError.status if problems else 0


def run_rebuild(values: argparse.Namespace, context: CliContext) -> int:
    with context.library() as library:
        total = library.rebuild()
    if values.json:
        context.print_json({"works": total})
    else:
        context.print(
            counted(
                total, "The index has been rebuilt; it holds 1 work.", "The index has been rebuilt; it holds {n} works."
            )
        )
    return 0


def run_import(values: argparse.Namespace, context: CliContext) -> int:
    """Import files one by one; the first that cannot be imported ends it, and those before it stay."""
    assets: list[Asset] = []
    with context.library() as library:
        try:
            for path in values.paths:
                asset = library.import_file(path.expanduser(), context.print_error)
                assets.append(asset)
                if not values.json:
                    context.print(f"{asset.id}  {asset.path}")
        finally:
            if values.json:
                context.print_json({"assets": [_facts(asset) for asset in assets]})
    return 0


def _facts(asset: Asset) -> dict[str, Any]:
    return {
        "id": asset.id,
        "path": str(asset.path),
        "medium": asset.medium,
        "title": asset.title,
        "created": round(asset.created, 3),
        "model": asset.request.get("model"),
        "seed": asset.request.get("seed"),
        "sha256": asset.sha256,
        "size": asset.size,
        "width": asset.width,
        "height": asset.height,
        "seconds": asset.seconds,
        "favourite": asset.favourite,
        "tags": list(asset.tags),
        "collections": list(asset.collections),
        "partial": asset.partial,
        "binned": asset.binned,
        "parents": list(asset.parents),
        **({"files": [{"role": file.role, "path": str(file.path)} for file in asset.files]} if asset.files else {}),
    }


def _title(asset: Asset) -> str:
    return " ".join(title_of(asset, describe(asset.request)).split())


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    return tr("yes") if value is True else json.dumps(value, ensure_ascii=False)
