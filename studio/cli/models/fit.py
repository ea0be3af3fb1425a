"""How models fit this machine: what `studio models info` says of it, and which `search --fits` lists."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from studio.backends import families
from studio.backends import medium as find_medium
from studio.cli.flags import add_json
from studio.cli.words import tr, worded
from studio.errors import Message, StudioError
from studio.models.fit.demand import PACKED
from studio.models.fit.estimate import Fit, FitCheck, other_offer
from studio.models.fit.history import RunHistory
from studio.support import hardware
from studio.support.speed import MeasuredSpeed

if TYPE_CHECKING:
    from studio.cli.context import CliContext
    from studio.models.model import Model
    from studio.models.sources.offers import Offer
    from studio.schema.request import Request

HERE = Message("on this machine")
KINDS = {4: "float32", 2: "bfloat16", PACKED: "gguf"}
NAMES = {
    "float32": Message("32 bits"),
    "bfloat16": Message("16 bits"),
    "gguf": Message("GGUF"),
}
HEADS = (
    Message("VALUES"),
    Message("PRODUCTS (billion/s)"),
    Message("CONVOLUTIONS (billion/s)"),
    Message("WEIGHTS READ (GB/s)"),
)


def fit_check(context: CliContext) -> FitCheck:
    """What tells how models fit, from this machine and what has run on it."""
    settings = context.settings()
    found = _measured_speed(context).of(hardware.machine(settings.device))
    machine = replace(found, context=settings.context, gpu_layers=settings.gpu_layers)
    return FitCheck(RunHistory(context.places.state / "runs.sqlite"), families(), lambda: machine)


def _measured_speed(context: CliContext) -> MeasuredSpeed:
    return MeasuredSpeed(context.places.state / "speed.json", context.settings().threads)


def add(actions: Any) -> None:
    speed = actions.add_parser(
        "speed",
        help=tr("show how fast this machine computes, or measure it again"),
        description=tr(
            "Show how fast this machine computes: the times that are foretold follow from it. It is measured the first "
            "time, when the machine, its power or the libraries change, and after six weeks."
        ),
    )
    speed.add_argument("--measure", action="store_true", help=tr("measure it now (default: as it was measured)"))
    add_json(speed)
    speed.set_defaults(run=run_speed)


def run_speed(values: argparse.Namespace, context: CliContext) -> int:
    device = hardware.machine(context.settings().device).device
    found = _measured_speed(context).measurement(device, anew=values.measure)
    if found is None:
        raise StudioError(
            "How fast this machine computes could not be measured.",
            "`studio doctor` says whether torch works here.",
        )
    if values.json:
        speeds = {KINDS[value]: asdict(each) for value, each in sorted(found.speeds.items()) if value in KINDS}
        context.print_json({"device": device, "measured": found.at, "llama_card": found.llama_card, "speeds": speeds})
        return 0
    rows = [
        (
            NAMES[KINDS[value]],
            *(f"{number / 1e9:,.1f}" for number in (each.matrices, each.convolutions, each.bandwidth)),
        )
        for value, each in sorted(found.speeds.items(), reverse=True)
        if value in KINDS
    ]
    context.print_table(rows, HEADS)
    context.print(
        Message(
            "Measured on {date}, on {device}.", date=time.strftime("%Y-%m-%d", time.localtime(found.at)), device=device
        )
    )
    return 0


def of_model(check: FitCheck, model: Model, offers: Sequence[Offer] = ()) -> Fit:
    """How the usual request of its medium fits, with an installed model; where it does not run well, which of the
    offers of that medium would.
    """
    request = find_medium(model.medium).usual_request(model.family, model).replace(model=model.id)
    return _with_offer(check, check.of(request, model), model.id, model.medium, offers)


def of_offer(check: FitCheck, one: Offer, offers: Sequence[Offer] = ()) -> Fit | None:
    """The same of a model that is not there yet; None where nobody knows what its weights take."""
    fit = check.offered(one, _usual(one))
    return None if fit is None else _with_offer(check, fit, one.id, one.medium, offers)


def _usual(one: Offer) -> Request:
    return find_medium(one.medium).usual_request(one.family)


def _with_offer(check: FitCheck, fit: Fit, id: str, medium: str, offers: Sequence[Offer]) -> Fit:
    """The same, naming an offer that serves better here."""
    among = [each for each in offers if each.medium == medium]
    return replace(fit, other=other_offer(fit, id, among, lambda each: check.offered(each, _usual(each))))


def said(fit: Fit) -> str:
    """How it fits, and what would do better where it does not."""
    other = ()
    if fit.other is not None:
        offer = fit.other.offer
        other = (fit.other.words_with(f"{offer.title} ({offer.id})"),)
    return " ".join(map(worded, (fit.words, *fit.instead, *other)))


def facts(fit: Fit | None) -> dict[str, Any] | None:
    """The same for programs; None where nobody knows."""
    if fit is None:
        return None
    return {"verdict": fit.verdict, "memory": fit.memory, "free": fit.free, "seconds": fit.seconds, "words": said(fit)}
