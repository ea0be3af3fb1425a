"""`studio upscale`: enlarges pictures by a network."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends.upscale.requests import UpscaleRequest
from studio.cli import jobs
from studio.cli.flags import add_fields, given_fields
from studio.cli.inputs import find_work
from studio.cli.make import MadeWorks, add_out, add_output
from studio.cli.plugin import CliPlugin
from studio.cli.words import tr
from studio.schema.fields import WorkKey

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.jobs.job import Job
    from studio.library.library import Library


def add_verbs(verbs: Any) -> None:
    verbs.add_parser(
        "upscale",
        help=tr("enlarge pictures"),
        description=tr(
            "Enlarge pictures 2, 3 or 4 times by a model, such as Real-ESRGAN, that `studio models get` or `import` "
            "added. The results are saved in the library beside their originals; --out also saves copies."
        ),
        fill=_add_flags,
    )


def _add_flags(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("pictures", nargs="+", metavar="FILE", help=tr("a picture, or the id of a work of the library"))
    add_fields(verb.add_argument_group(tr("settings")), UpscaleRequest, without=("picture", "seed"))
    add_out(verb)
    add_output(verb)
    verb.set_defaults(run=run)


def run(values: argparse.Namespace, context: CliContext) -> int:
    stems = [Path(word).stem for word in values.pictures]

    def name(job: Job) -> str:
        assert isinstance(job.request, UpscaleRequest)
        return f"{stems[job.member]}-{job.request.factor}x"

    made = MadeWorks(values, context, name)
    with context.studio() as studio, made:
        given = given_fields(UpscaleRequest, values)
        requests = [UpscaleRequest(picture=_picture(studio.library, word), **given) for word in values.pictures]
        jobs.run(studio, requests, made.display, made.receive)
    return 0


def _picture(library: Library, word: str) -> WorkKey:
    """The picture that a word names. BadInput where there is none."""
    path, work = find_work(library, word)
    return WorkKey(path=str(path)) if work is None else WorkKey(id=work.id)


PLUGIN = CliPlugin(add_verbs=add_verbs, use=("upscale", "FILE"))
