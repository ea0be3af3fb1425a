"""`studio make` and `studio train`: requests from flags and files, results copied to a folder."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends import MEDIA, PAGELESS
from studio.backends import medium as find_medium
from studio.cli import flags, jobs, progress
from studio.cli.context import output_folder
from studio.cli.inputs import find_work, from_file, unknown_fields
from studio.cli.plugin import NO_FLAGS, MakeFlags, cli_plugin
from studio.cli.words import command, tr, worded
from studio.errors import BadInput, Message, StudioError
from studio.export import copies
from studio.media.payloads import Weights
from studio.schema.picture_sizes import PICTURE_SIZES, has_sides, size_of
from studio.schema.request import Request, TrainRequest

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.jobs.job import Job
    from studio.library.asset import Asset
    from studio.media.provenance import Provenance
    from studio.models.families import Family
    from studio.models.model import Model
    from studio.studio import Studio

COUNT_LIMIT = 1000


def _kinds() -> dict[str, type[Request]]:
    """What can be made, by the name of its kind."""
    return {task.request.kind: task.request for one in (*MEDIA, *PAGELESS) for task in one.work_tasks}


def _flags_of(kind: type[Request]) -> MakeFlags:
    return cli_plugin(find_medium(kind.medium)).make_flags


def add_make(verbs: Any) -> None:
    verbs.add_parser(
        "make",
        help=tr("create avatars, posters, stories or music"),
        description=tr(
            "Create works. They are saved in the library; --out also saves copies and never overwrites a file."
        ),
        epilog=tr("`studio make MEDIUM --help` shows the options of each medium."),
        fill=_add_media,
    )


def _add_media(make: argparse.ArgumentParser) -> None:
    _add_shared(make, first=True)
    make.set_defaults(run=run_make, medium=None)
    media = make.add_subparsers(title=tr("media"), metavar="MEDIUM", dest="medium")
    for kind in _kinds().values():
        fill = functools.partial(_add_flags, kind)
        media.add_parser(kind.kind, help=_about(kind), description=_about(kind), fill=fill)


def _add_flags(kind: type[Request], parser: argparse.ArgumentParser) -> None:
    fields = parser.add_argument_group(tr("settings"))
    flags.add_fields(fields, kind)
    if has_sides(kind):
        fields.add_argument(
            "--size",
            default=None,
            metavar="SIZE",
            help=tr(
                "width and height at once, such as 1024x1536, or by name: {names} (default: none)",
                names=", ".join(size.name for size in PICTURE_SIZES),
            ),
        )
    _flags_of(kind).add(parser, kind)
    _add_shared(parser, first=False)


def _add_shared(parser: argparse.ArgumentParser, *, first: bool) -> None:
    """The flags that stand before the medium as well as after it; only the first set has defaults."""

    def default(value: Any) -> Any:
        return value if first else argparse.SUPPRESS

    group = parser.add_argument_group(tr("number and folder"))
    group.add_argument(
        "--count",
        type=flags.whole_number("--count", 1, COUNT_LIMIT),
        default=default(1),
        metavar="N",
        help=tr("number of works, each with the next seed; 1 to {limit} (default: 1)", limit=COUNT_LIMIT),
    )
    group.add_argument(
        "--request",
        type=Path,
        default=default(None),
        metavar="FILE",
        help=tr(
            "reuse the settings of a request file (JSON) or of a work made by the studio; other flags change them "
            "(default: none)"
        ),
    )
    add_out(group, default(None))
    add_output(parser, first=first)


def add_out(parser: Any, default: Any = None) -> None:
    """The flag --out."""
    parser.add_argument(
        "--out",
        type=Path,
        default=default,
        metavar="DIR",
        help=tr("folder for copies, created if needed (default: none, the library only)"),
    )


def add_output(parser: argparse.ArgumentParser, *, first: bool = True) -> None:
    group = parser.add_argument_group(tr("output"))
    group.add_argument(
        "--json",
        action="store_true",
        default=False if first else argparse.SUPPRESS,
        help=tr("print one JSON object on standard output (default: no)"),
    )
    group.add_argument(
        "--progress",
        choices=("bar", "json"),
        default="bar" if first else argparse.SUPPRESS,
        help=tr("show progress on standard error as a bar (lines if not a terminal) or as JSON lines (default: bar)"),
    )


def run_make(values: argparse.Namespace, context: CliContext) -> int:
    from studio.jobs.make_again import request_to_repeat  # with the library, which `--help` does not need

    requests, origin = _requests(values, context)
    made = MadeWorks(values, context)
    with context.studio() as studio, made:
        if origin is not None:
            requests = [request_to_repeat(each, origin, studio.catalog, studio.library) for each in requests]
        ignored = _ignored(studio, requests[0], flags.given_fields(type(requests[0]), values))
        if ignored is not None:
            context.print_error(ignored)
        unknown = _unknown(studio, requests[0])
        if unknown is not None:
            context.print_error(unknown)
        requests = _flags_of(type(requests[0])).requests(values, studio, requests)
        warn_of_memory(studio, requests, context)
        jobs.run(studio, requests, made.display, made.receive)
    return 0


def warn_of_memory(studio: Studio, requests: Sequence[Request], context: CliContext) -> None:
    """Say on standard error what does not fit the memory that is free, and what would; it is tried all the same."""
    for request in {each.replace(seed=0): each for each in requests}.values():
        fit = studio.fits(request)
        if fit is not None and fit.verdict == "no":
            context.print_error(fit.words, *fit.instead)
            return


class MadeWorks:
    """The works that a command makes: copied to --out, printed as they come; with --json, entered and left, as one
    object at the end, whatever ends it.

    `name` is what the copies are called; empty for their kind and seed. BadInput where --out cannot be used.
    """

    def __init__(
        self, values: argparse.Namespace, context: CliContext, name: Callable[[Job], str] = lambda _: ""
    ) -> None:
        self._context, self._json, self._name = context, values.json, name
        self._out = output_folder(values.out) if values.out is not None else None
        self._made: list[dict[str, Any]] = []
        self.display = progress.display(values.progress)

    def receive(self, job: Job, assets: list[Asset], partial: bool) -> None:
        for asset in assets:
            try:
                entry = describe(job, asset, self._out, partial, self._name(job))
            except StudioError:
                self._context.print_error(Message("It is saved in the library: {path}", path=asset.path))
                raise
            self._made.append(entry)
            if not self._json:
                self.display.close()
                self._context.print(Message("{path}  (partial)", path=entry["path"]) if partial else entry["path"])
            if asset.remark:
                self._context.print_error(asset.remark)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        if self._json:
            self._context.print_json({"assets": self._made})


def add_again(actions: Any) -> None:
    again = actions.add_parser(
        "again",
        help=tr("make works again, or variations of them"),
        description=tr("Make works of the library again with the same settings and seeds, all or none."),
    )
    again.add_argument(
        "works", nargs="+", metavar="WORK", help=tr("a work's id, as `studio library list` shows it, or its file")
    )
    again.add_argument(
        "--vary", action="store_true", help=tr("make a variation of each, with a new seed (default: no)")
    )
    add_out(again)
    add_output(again)
    again.set_defaults(run=run_again)


def run_again(values: argparse.Namespace, context: CliContext) -> int:
    from studio.jobs.make_again import works_to_repeat  # with the library, which `--help` does not need

    made = MadeWorks(values, context)
    with context.studio() as studio, made:
        works = [_work(studio, word) for word in values.works]
        found = works_to_repeat(works, studio.catalog, studio.library, vary=values.vary)
        if found.errors:
            raise found.errors[0]
        jobs.run(studio, found.requests, made.display, made.receive, dict(enumerate(found.parents)))
    return 0


def _work(studio: Studio, word: str) -> Asset:
    path, work = find_work(studio.library, word)
    if work is None:
        raise BadInput("{name} is not in the library.", "Use `studio make --request FILE`.", name=path.name)
    return work


def _suited(kind: type[Request], values: argparse.Namespace, context: CliContext) -> dict[str, Any]:
    """The values that suit the model that is asked for, for the fields that no flag was given for."""
    family, model = _family(kind, getattr(values, "model", ""), context)
    return {} if model is None else family.suited(kind, model)


def _family(kind: type[Request], id: str, context: CliContext) -> tuple[Family, Model | None]:
    """The model that is asked for, and its family; without one where there is none, which submitting it says."""
    medium, catalog = find_medium(kind.medium), context.catalog(warn=False)
    try:
        model = catalog.get(id) if id else catalog.default(medium.name)
    except StudioError:
        return medium.family(""), None
    return medium.family(model.family), model


def _sides(kind: type[Request], id: str, values: argparse.Namespace, context: CliContext) -> dict[str, int]:
    """Width and height as --size asks for them; nothing without it."""
    text = getattr(values, "size", None)
    if text is None or not has_sides(kind):
        return {}
    family, model = _family(kind, id, context)
    wide, high = size_of(text, family.picture_sizes(kind, model))
    return {"width": wide, "height": high}


def _ignored(studio: Studio, request: Request, given: Collection[str]) -> Message | None:
    """What of the request changes nothing with its model; `given` are the fields that flags were given for."""
    catalog = studio.catalog
    model = catalog.get(request.model) if request.model else catalog.default(request.medium)
    return studio.media[request.medium].family(model.family).ignored(request, model, given)


def _unknown(studio: Studio, request: Request) -> Message | None:
    """The words of the prompt that its model does not know; None where it knows all."""
    catalog = studio.catalog
    model = catalog.get(request.model) if request.model else catalog.default(request.medium)
    found = studio.media[request.medium].family(model.family).understood_of(request, model)
    return None if found is None else found.warning(model.title or model.id)


def describe(job: Job, asset: Asset, out: Path | None, partial: bool, name: str = "") -> dict[str, Any]:
    """The JSON entry of a work, once it has been copied to `out`, if there is one, as `name` or by kind and seed."""
    path, files = asset.path, [file.path for file in asset.files]
    if out is not None:
        kind = str(asset.request.get("kind", asset.medium)).replace(".", "-")  # a sheet is no face
        path, *files = copies.copy_work(asset, out, name or f"{kind}-{job.request.seed}", "-")
    entry: dict[str, Any] = {
        "path": str(path),
        "medium": asset.medium,
        "seed": job.request.seed,
        "model": job.request.model,
        "sha256": asset.sha256,
        "seconds": round(job.seconds, 3),
    }
    if files:
        entry["files"] = [
            {"role": file.role, "path": str(where), "sha256": file.sha256}
            for file, where in zip(asset.files, files, strict=True)
        ]
    if asset.remark:
        entry["remark"] = worded(asset.remark)
    if partial:
        entry["partial"] = True
    return entry


def _requests(values: argparse.Namespace, context: CliContext) -> tuple[list[Request], Provenance | None]:
    """The requests of one command: from a file, from flags, or from a file that flags change; and the provenance in the
    file, None without one.
    """
    kind = _kinds().get(values.medium)
    extra = NO_FLAGS if kind is None else _flags_of(kind)
    known = extra.known(values, context)
    origin: Provenance | None = None
    if values.request is not None:
        request, origin = from_file(values.request)
        if isinstance(request, TrainRequest):
            raise BadInput("{name} is a training request.", "Use `studio train`.", name=values.request.name)
        if request.kind not in _kinds():
            raise BadInput(
                "{name} is a request for {kind}, which makes no work.", name=values.request.name, kind=request.kind
            )
        if values.medium not in (None, request.kind):
            raise BadInput(
                "{name} is a request for {kind}, not {medium}.",
                name=values.request.name,
                kind=request.kind,
                medium=values.medium,
            )
        given = flags.given_fields(type(request), values)
        request = request.replace(**{**_sides(type(request), request.model, values, context), **given})
        unknown = unknown_fields(request)
        if unknown:
            context.print_error(
                Message(
                    "{name} has unknown fields, which are ignored: {unknown}.",
                    name=values.request.name,
                    unknown=unknown,
                )
            )
    elif kind is not None:
        sides = _sides(kind, getattr(values, "model", ""), values, context)
        request = flags.request_from(kind, values, {**_suited(kind, values, context), **sides, **known})
        context.print_error(*extra.warnings(values, known, request))
    else:
        raise BadInput("No medium was given.", "Choose one of: {names}.", names=", ".join(one.name for one in MEDIA))
    request.replace(seed=request.seed + values.count - 1)  # refused where there are not so many seeds
    return list(request.candidates(values.count)), origin


def add_train(verbs: Any) -> None:
    verbs.add_parser(
        "train",
        help=tr("train a model on your own data"),
        description=tr("Train a model. Checkpoints are saved, so that --resume can continue a stopped training run."),
        epilog=tr("`studio train MEDIUM --help` shows the options of each medium."),
        fill=_add_trainings,
    )


def _add_trainings(train: argparse.ArgumentParser) -> None:
    media = train.add_subparsers(title=tr("media"), metavar="MEDIUM", dest="medium", required=True)
    for one in MEDIA:
        if one.training_task is None:
            continue
        kind = one.training_task.request
        parser = media.add_parser(one.name, help=_about(kind), description=_about(kind))
        group = parser.add_argument_group(tr("settings"))
        flags.add_fields(group, kind, required=("data", "out"))
        add_output(parser)
        parser.set_defaults(run=run_train, kind=kind)


def run_train(values: argparse.Namespace, context: CliContext) -> int:
    request = flags.request_from(values.kind, values)
    if not Path(request.data).exists():
        raise BadInput(
            "{folder} does not exist.", "Give the folder with training data with --data.", folder=request.data
        )
    output_folder(Path(request.out))
    models: list[dict[str, Any]] = []
    display = progress.display(values.progress)

    def receive(job: Job, made: list[Any], partial: bool) -> None:
        for weights in made:
            if isinstance(weights, Weights):
                seconds = round(job.seconds, 3)
                models.append({"path": str(weights.folder), "medium": values.medium, "seconds": seconds})
                if partial:
                    models[-1]["partial"] = True
                if job.duplicate_of:
                    context.print_error(
                        Message("Training changed nothing: the model is the same as {model}.", model=job.duplicate_of)
                    )

    with context.studio() as studio:
        try:
            jobs.run(studio, [request], display, receive)
        finally:
            if values.json:
                context.print_json({"models": models})
            else:
                for model in models:
                    context.print(model["path"])
                    usage = _usage_command(Path(model["path"]), values.medium, context)
                    context.print_error(Message("Use it with: {command}", command=usage))
    return 0


def _about(kind: type[Request]) -> str:
    """The first sentence of a request's docstring, for help."""
    first = (kind.__doc__ or kind.kind).strip().split("\n\n")[0]
    return worded(Message.of(" ".join(first.split()))).replace("%", "%%")


def _usage_command(folder: Path, medium: str, context: CliContext) -> str:
    """The command that makes works with a trained model, or first adds it to the others."""
    if any(model.folder == folder for model in context.catalog().models(medium)):
        return command("make", medium, "--model", folder.name)
    return command("models", "import", str(folder), "--medium", medium)
