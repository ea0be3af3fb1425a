"""`studio demo`, `bench`, `about`, `screenshots` and `doctor`."""

from __future__ import annotations

import argparse
import importlib
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import studio
from studio.bench import BENCHES
from studio.cli import jobs, progress
from studio.cli.context import output_folder
from studio.cli.flags import add_json
from studio.cli.make import add_output, describe
from studio.cli.words import one_line_json, program, table, tr, worded
from studio.errors import Message, StudioError
from studio.schema.request import Request
from studio.support import credits, demo_page, diagnostics
from studio.support.diagnostics import DiagnosticFinding
from studio.system import storage

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.jobs.job import Job
    from studio.library.asset import Asset


def add(verbs: Any) -> None:
    show = verbs.add_parser(
        "demo",
        help=tr("create one of everything, and a page that shows it"),
        description=tr("Create faces, a poster, a story, a piece of music and an index.html that shows them."),
    )
    show.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help=tr("output folder (default: demo)"))
    add_output(show)
    show.set_defaults(run=run_demo)

    bench = verbs.add_parser(
        "bench",
        help=tr("measure performance on this machine"),
        description=tr("Measure performance; one JSON object per line."),
    )
    bench.add_argument(
        "name",
        nargs="?",
        default="",
        metavar="NAME",
        help=tr("only one: {names} (default: all)", names=", ".join(BENCHES)),
    )
    bench.set_defaults(run=run_bench)

    made_of = verbs.add_parser(
        "about",
        help=tr("versions, licences and credits"),
        description=tr("Show the parts of the studio, their versions, licences and credits."),
    )
    add_json(made_of)
    made_of.set_defaults(run=run_about)

    pictures = verbs.add_parser(
        "screenshots",
        help=tr("take screenshots of every page of the window"),
        description=tr("Take screenshots of every page of the window, with works, in both themes and at two sizes."),
    )
    pictures.add_argument("--out", type=Path, required=True, metavar="DIR", help=tr("output folder (required)"))
    pictures.add_argument(
        "--home", type=Path, metavar="DIR", help=tr("a STUDIO_HOME whose works to show (default: create new works)")
    )
    pictures.set_defaults(run=run_screenshots)

    health = verbs.add_parser(
        "doctor",
        help=tr("check this machine, and say what is missing and how to get it"),
        description=tr("Check this machine. The exit status is 3 if something essential is missing."),
    )
    health.add_argument(
        "--report",
        action="store_true",
        help=tr("print Markdown for a bug report, without prompts, names or home folders (default: no)"),
    )
    add_json(health)
    health.set_defaults(run=run_doctor)


def run_screenshots(values: argparse.Namespace, context: CliContext) -> int:
    out = output_folder(values.out)
    # Named as a string, as engines are: the command line imports no Qt.
    importlib.import_module("studio.ui.screenshots").run(out, values.home)
    return 0


def run_demo(values: argparse.Namespace, context: CliContext) -> int:
    out = output_folder(values.out)
    requests = [Request.from_json(brief) for brief in demo_page.BRIEFS]
    made: list[dict[str, Any]] = []
    works: list[demo_page.DemoWork] = []
    display = progress.display(values.progress)

    with context.studio() as opened:

        def receive(job: Job, assets: list[Asset], partial: bool) -> None:
            for asset in assets:
                made.append(describe(job, asset, out, partial))
                works.append(
                    demo_page.DemoWork(
                        medium=asset.medium,
                        path=Path(made[-1]["path"]),
                        request=job.request.to_json(),
                        model=job.request.model,
                        licence=opened.catalog.get(job.request.model).licence,
                        seconds=job.seconds,
                        width=asset.width,
                        height=asset.height,
                    )
                )

        try:
            jobs.run(opened, requests, display, receive)
        finally:
            index = _write_page(out, works) if works else None
            if values.json:
                context.print_json({"assets": made, "index": index and str(index)})
            elif index is not None:
                context.print(str(index))
    return 0


def _write_page(out: Path, works: list[demo_page.DemoWork]) -> Path:
    """Write index.html; one that is not the demo's own stays, and the page gets another name."""
    machine = f"AIGC Studio {studio.__version__}, {platform.system()} {platform.machine()}"
    data = demo_page.page(works, machine, program()).encode("utf-8")
    target = out / "index.html"
    if not demo_page.is_ours(target):
        target = storage.free_path(target, "-")
    with storage.disk_errors_as("The page could not be written"):
        storage.write_atomic(target, data)
    return target


def run_bench(values: argparse.Namespace, context: CliContext) -> int:
    from studio import bench

    return 0 if bench.run(values.name, context.print) else StudioError.status


def run_about(values: argparse.Namespace, context: CliContext) -> int:
    parts = credits.parts(context.catalog())
    if values.json:
        context.print_json(
            {"parts": [{name: getattr(part, name) for name in credits.CreditedPart.__slots__} for part in parts]}
        )
        return 0
    own, *rest = parts
    context.print(f"{own.name} {own.version}, {own.licence}")
    titles = {"library": Message("Libraries"), "model": Message("Models")}
    for kind, title in titles.items():
        some = [part for part in rest if part.kind == kind]
        if some:
            context.print()
            context.print(title)
            for line in table([(part.name, part.version, part.licence, part.credits) for part in some]):
                context.print(f"  {line}")
    return 0


def findings_text(findings: Sequence[DiagnosticFinding]) -> str:
    """The findings by section, then what is missing and how to get it."""
    lines: list[str] = []
    for section in dict.fromkeys(finding.section for finding in findings):
        lines.append(worded(Message.of(section)))
        lines += [
            f"  {worded(Message.of(finding.name)):<22} {worded(finding.value)}"
            for finding in findings
            if finding.section == section
        ]
        lines.append("")
    missing = [finding for finding in findings if finding.missing]
    lines.append(tr("What is missing, and how to get it") if missing else tr("Nothing is missing."))
    lines += [f"  - {worded(finding.missing)} {worded(finding.remedy)}".rstrip() for finding in missing]
    return "\n".join(lines)


def run_doctor(values: argparse.Namespace, context: CliContext) -> int:
    findings = diagnostics.examine(context.places, context.catalog())
    if values.json:
        rows = [diagnostics.to_json(one) for one in findings]
        words = one_line_json({"findings": rows})
        context.print(diagnostics.anonymous(words, context.places) if values.report else words)
    else:
        words = diagnostics.report(findings, context.places) if values.report else findings_text(findings)
        for line in words.split("\n"):
            context.print(line)
    return StudioError.status if any(one.essential and one.missing for one in findings) else 0
