"""How models fit this machine: what `studio models info` says of it, and which `search --fits` lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from studio.backends import families
from studio.backends import medium as find_medium
from studio.cli.words import worded
from studio.errors import Message
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


def fit_check(context: CliContext) -> FitCheck:
    """What tells how models fit, from this machine and what has run on it."""
    settings, state = context.settings(), context.places.state
    machine = MeasuredSpeed(state / "speed.json", settings.threads).of(hardware.machine(settings.device))
    return FitCheck(RunHistory(state / "runs.sqlite"), families(), lambda: machine)


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
