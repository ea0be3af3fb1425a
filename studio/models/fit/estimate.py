"""Will it run on this machine? What a model and a request take, compared with the memory and the time there is."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from studio.errors import BadInput, Message
from studio.models.families import Families, Family, family_named
from studio.models.fit.demand import Demand, Machine, ModelFacts, Part, read_facts
from studio.models.fit.history import MeasuredRun, RunHistory
from studio.models.model import Model
from studio.models.sources.offers import Offer
from studio.schema.fields import Range, WorkKey
from studio.schema.nested import works_of
from studio.schema.request import Request
from studio.system.storage import format_estimate, format_size

log = logging.getLogger(__name__)

SLOW = 180.0
"""Seconds of one work beyond which a model runs slowly: longer than a person waits without doing something else."""
SPARE = 0.9
"""How much of a machine's memory can be had at all, the rest being the system's."""
PIXELS = 64
"""Sides that would fit are multiples of this."""
PICTURES = 1000
"""Sizes of pictures that are kept in memory."""
STEPS = 24
"""How many smaller requests are tried."""

Verdict = Literal["well", "slowly", "no"]


@dataclass(frozen=True, slots=True)
class OtherOffer:
    """A model that can be fetched and fits where another one does not, or runs well where that one runs slowly. `form`
    is its dtype or quantisation where it is that model in a smaller form, else empty.
    """

    offer: Offer
    fit: Fit
    form: str = ""

    @property
    def words(self) -> Message:
        """What it would do, in a sentence."""
        return self.words_with(self.offer.title)

    def words_with(self, name: str) -> Message:
        """The same sentence, where the offer is called by that name."""
        title = Message("{title} in {form}", title=name, form=self.form) if self.form else name
        if self.fit.verdict == "well":
            return Message("{title} would run well.", title=title)
        return Message("{title} would fit.", title=title)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a request fits. `memory` is in bytes, `free` those there are for it; `seconds` of one work, None where nobody
    can know. `learned` says that runs of this model, or of its family, have corrected the memory. `ram` are the bytes
    of the part that stays in the memory beside a graphics card, `ram_free` those there are for it.

    Where it does not fit, `smaller` is a request that would, None where none is known, and `choice` names what that one
    has in place of this one's, such as "768 x 768". `other` is a model that can be fetched and serves better here.
    """

    memory: int
    free: int
    seconds: float | None
    learned: bool = False
    smaller: Request | None = None
    choice: Message | None = None
    other: OtherOffer | None = None
    ram: int = 0
    ram_free: int = 0

    @property
    def verdict(self) -> Verdict:
        if self.memory > self.free or self.ram > self.ram_free:
            return "no"
        return "slowly" if self.seconds is not None and self.seconds > SLOW else "well"

    @property
    def takes(self) -> Message:
        """The time and the memory it takes, without the verdict; where it does not fit, the memory there is."""
        if self.verdict == "no":  # the two may differ by little
            card = self.memory > self.free
            need, free = (self.memory, self.free) if card else (self.ram, self.ram_free)
            need, free = format_size(need), format_size(free)
            return Message("Needs about {need} of memory; {free} are free.", need=need, free=free)
        need = format_estimate(self.memory)
        if self.ram:
            ram = format_estimate(self.ram)
            return Message("Needs about {need} on the graphics card and {ram} beside it.", need=need, ram=ram)
        if self.seconds is None:
            return Message("Needs about {need} of memory.", need=need)
        return Message("About {time}, {need} of memory.", time=spoken(self.seconds), need=need)

    @property
    def words(self) -> Message:
        """How it fits, in a sentence."""
        if self.verdict != "slowly" or self.seconds is None:
            return self.takes
        need = format_estimate(self.memory)
        return Message("Runs slowly here: about {time}, {need} of memory.", time=spoken(self.seconds), need=need)

    @property
    def instead(self) -> tuple[Message, ...]:
        """What would fit, in a sentence, where it is known."""
        return () if self.choice is None else (Message("{choice} would fit.", choice=self.choice),)


@dataclass(frozen=True, slots=True)
class Correction:
    """What this machine's own runs say: how many times the foretold bytes and seconds were real; None if none ran."""

    memory: float | None = None
    time: float | None = None


AS_RECKONED = Correction()


def estimate(
    facts: ModelFacts,
    family: Family,
    request: Request,
    machine: Machine,
    correction: Correction = AS_RECKONED,
    *,
    loaded: bool = False,
) -> Fit:
    """How a request fits the memory that is free on a machine. `loaded`: the model is in memory already."""
    demand = family.demand(facts, request, machine)
    memory = corrected(demand, correction, loaded=loaded)
    seconds = None if demand.ram else seconds_of(demand, machine, correction)
    fit = Fit(memory, machine.free, seconds, learned=correction.memory is not None)
    if demand.ram:
        fit = replace(fit, ram=demand.beside_card(), ram_free=machine.ram_free)
    if fit.verdict != "no":
        return fit
    smaller = smaller_request(facts, family, request, machine, correction)
    return fit if smaller is None else replace(fit, smaller=smaller, choice=choice_of(request, smaller))


def corrected(demand: Demand, correction: Correction, *, loaded: bool = False) -> int:
    """Bytes, as this machine's own runs correct them."""
    return int(demand.memory(loaded=loaded) * (correction.memory or 1.0))


def seconds_of(demand: Demand, machine: Machine, correction: Correction) -> float | None:
    """Of one work; None on a graphics card that was not measured and on which nothing has run, since cards differ a
    hundredfold.
    """
    if correction.time is None and machine.device != "cpu" and not machine.measured:
        return None
    return demand.seconds(machine) * (correction.time or 1.0)


def smaller_request(
    facts: ModelFacts, family: Family, request: Request, machine: Machine, correction: Correction = AS_RECKONED
) -> Request | None:
    """The largest request like this one that fits; None where none does."""
    for smaller in _smaller(request):
        demand = family.demand(facts, smaller, machine)
        if corrected(demand, correction) <= machine.free and demand.beside_card() <= machine.ram_free:
            return smaller
    return None


def choice_of(request: Request, smaller: Request) -> Message:
    """What a smaller request has in place of this one's: its size, or the one value that differs."""
    values = changes(request, smaller)
    if {"width", "height"} <= values.keys():
        return Message("{width} x {height}", width=values["width"], height=values["height"])
    name, value = next(iter(values.items()))
    known = dict(type(request).fields())[name]
    unit = known.unit if isinstance(known, Range) else ""
    return Message("{value:g} {unit}", value=value, unit=Message.of(unit))


def changes(request: Request, smaller: Request) -> dict[str, float]:
    """The numbers in which a smaller request differs; both sides of a size."""
    found = {
        name: float(getattr(smaller, name)) for name, each in type(request).fields()
        if isinstance(each, Range) and getattr(smaller, name) != getattr(request, name)
    }  # fmt: skip
    sides = [name for name, _ in _sized(request, "px")]
    return {name: getattr(smaller, name) for name in (sides if found.keys() & set(sides) else found)}


def _smaller(request: Request) -> Iterator[Request]:
    """Requests like this one, ever smaller: in pixels where it has a size, else in seconds or tokens."""
    sides = _sized(request, "px")
    measures = sides or _sized(request, "seconds") or _sized(request, "tokens")
    seen = {request}
    for step in range(1, STEPS):
        share = (1 - step / STEPS) if not sides else (1 - step / STEPS) ** 0.5
        values: dict[str, float] = {}
        for name, known in measures:
            value = getattr(request, name) * share
            unit = PIXELS if sides else 1
            values[name] = max(unit, int(value) // unit * unit)
            if values[name] < known.low:
                return
        if not values:
            return
        try:
            made = request.replace(**values)
        except BadInput:
            return
        if made not in seen:
            seen.add(made)
            yield made


def _sized(request: Request, unit: str) -> list[tuple[str, Range]]:
    return [
        (name, each)
        for name, each in type(request).fields()
        if isinstance(each, Range) and each.unit == unit and not (unit == "seconds" and each.low < 1)
    ]


def spoken(seconds: float) -> Message:
    """A time as one says it."""
    if seconds < 1.5:
        return Message("a second")
    if seconds < 90:
        return Message("{n} seconds", n=round(seconds))
    if seconds < 5400:
        return Message("{n} minutes", n=round(seconds / 60))
    return Message("{n} hours", n=round(seconds / 3600))


def facts_of_offer(memory: Mapping[str, int], parameters: int) -> ModelFacts:
    """The facts of a model that is only offered, of the smallest form it comes in: `memory` are bytes of its weights by
    dtype or quantisation, `parameters` their number, 0 where it is not known.
    """
    dtype, size = min(memory.items(), key=lambda each: each[1], default=("", 0))
    return ModelFacts({"": Part({}, parameters or size // 2, size, size)}, dtype.startswith(("q", "iq")), offered=True)


def other_offer(fit: Fit, id: str, offers: Sequence[Offer], fit_of: Callable[[Offer], Fit | None]) -> OtherOffer | None:
    """What to fetch in place of the model of that id, which fits like this: of the offers of its medium the same model
    in a smaller form, else the largest one that runs well, else the largest one that fits at all where this one does
    not. None where this one runs well, or no offer does better. `fit_of` is how each of them fits, None where nobody
    knows.
    """
    if fit.verdict == "well":
        return None
    this = next((each for each in offers if each.id == id), None)
    found: list[tuple[tuple[bool, bool, int], OtherOffer]] = []
    for offer in offers:
        theirs = None if offer.unsupported or offer.id == id else fit_of(offer)
        if theirs is None or theirs.verdict == "no" or (fit.verdict, theirs.verdict) == ("slowly", "slowly"):
            continue
        same = this is not None and _is_smaller_form(offer, this)
        form = min(offer.memory, key=lambda name: offer.memory[name]) if same else ""
        found.append(((same, theirs.verdict == "well", offer.size), OtherOffer(offer, theirs, form)))
    return max(found, key=lambda each: each[0])[1] if found else None


def _is_smaller_form(offer: Offer, than: Offer) -> bool:
    """Whether an offer is another one in a dtype or quantisation that takes less."""
    same = (offer.form_of or offer.id) == (than.form_of or than.id)
    return same and bool(offer.memory) and min(offer.memory.values()) < min(than.memory.values(), default=0)


class FitCheck:
    """Answers for the models and requests of one studio.

    `families` are those of each medium; `machine()` asks the system, with the memory that engines hold counted as free,
    since they give way. Facts of a model are read once and kept until its files change: `of` and `facts` may read the
    disk and take a second, so the window asks them in a thread; `seconds` answers from memory. `picture` is the size
    of the one that a request enlarges, (0, 0) where it enlarges none or it cannot be read.
    """

    def __init__(
        self,
        history: RunHistory,
        families: Families,
        machine: Callable[[], Machine],
        picture: Callable[[Request], tuple[int, int]] = lambda request: (0, 0),
    ) -> None:
        self.history = history
        self._families, self._machine, self._picture = families, machine, picture
        self._pictures: dict[tuple[WorkKey, ...], tuple[int, int]] = {}
        self._facts: dict[Path, tuple[str, ModelFacts]] = {}
        self._device: Machine | None = None
        self._lock = threading.Lock()

    def machine(self) -> Machine:
        """This machine now."""
        self._device = found = self._machine()
        return found

    def now(self) -> FitCheck:
        """Answers for the machine as it is at this moment, asked once: for many models."""
        found, machine = copy.copy(self), self.machine()
        found._machine = lambda: machine
        return found

    def facts(self, model: Model) -> ModelFacts:
        """Those of an installed model."""
        with self._lock:
            known = self._facts.get(model.folder)
        if known is None or known[0] != model.fingerprint:
            known = (model.fingerprint, read_facts(model))
            with self._lock:
                self._facts[model.folder] = known
        return known[1]

    def of(self, request: Request, model: Model) -> Fit:
        """How a request fits now."""
        facts, family = self._asked(request, model), self.family(model.medium, model.family)
        machine = self.machine().for_model(facts)
        return estimate(facts, family, request, machine, self.correction(request.kind, machine, family.name, model.id))

    def demand(self, request: Request, model: Model) -> tuple[Machine, Demand]:
        """This machine as the engine of a model sees it, and what a request takes of it by the formula alone."""
        facts, family = self._asked(request, model), self.family(model.medium, model.family)
        machine = self.machine().for_model(facts)
        return machine, family.demand(facts, request, machine)

    def _asked(self, request: Request, model: Model) -> ModelFacts:
        """The facts of a model, with those of the picture that it is to enlarge."""
        works = tuple(works_of(request))
        size = self._picture(request) if works else (0, 0)
        if works:
            if len(self._pictures) >= PICTURES:
                self._pictures.clear()
            self._pictures[works] = size
        return replace(self.facts(model), picture=size)

    def offered(self, offer: Offer, request: Request, form: str = "") -> Fit | None:
        """How a request would fit with a model that is not there yet, of which only what is free counts not: all of the
        machine's memory does, but the system's share. None where nobody knows what its weights take. `form` is a dtype
        or quantisation that it comes in; the smallest where it is empty.
        """
        memory = {form: offer.memory[form]} if form else offer.memory
        if not memory and not offer.size:
            return None
        machine = self.machine()
        facts = facts_of_offer(memory or {"": offer.size}, offer.parameters)
        ram = max(machine.ram_free, int(SPARE * machine.ram_total))
        machine = replace(machine, free=max(machine.free, int(SPARE * machine.total)), ram_free=ram).for_model(facts)
        found = self.family(offer.medium, offer.family)
        return estimate(facts, found, request, machine, self.correction(request.kind, machine, found.name, offer.id))

    def family(self, medium: str, name: str) -> Family:
        """The family of that name among those of the medium."""
        return family_named(self._families.get(medium, ()), name)

    def correction(self, kind: str, machine: Machine, family: str, model: str) -> Correction:
        """What this machine's own runs say of such requests with a model. Where its family never ran here, and how fast
        the machine is was not measured, other runs tell of its speed.
        """
        time = self.history.time_ratio(kind, machine.device, family, model)
        if time is None and not machine.measured:
            time = self.history.machine_ratio(machine.device)
        return Correction(self.history.memory_ratio(kind, machine.device, family, model), time)

    def other_model(self, request: Request, models: Sequence[Model]) -> Model | None:
        """The largest of these models with which the request would fit."""
        for model in sorted(models, key=lambda each: -each.size):
            if model.id != request.model and self.of(request, model).verdict != "no":
                return model
        return None

    def seconds(self, request: Request, model: Model | None) -> float | None:
        """How long a job will take, from earlier ones: of this model and as large as this request; else of the kind.

        From memory alone: None too where the history or the facts of the model were not read yet.
        """
        if not self.history.known:
            return None
        machine = self._device
        with self._lock:
            known = self._facts.get(model.folder) if model is not None else None
            works = tuple(works_of(request))
            picture = self._pictures.get(works) if works else (0, 0)
        if machine is not None and model is not None and known is not None and picture is not None:
            facts, family = replace(known[1], picture=picture), self.family(model.medium, model.family)
            machine = machine.for_model(facts)
            ratio = self.history.own_time_ratio(request.kind, machine.device, model.id)
            if ratio is not None:
                return family.demand(facts, request, machine).seconds(machine) * ratio
        return self.history.typical_seconds(request.kind, request.model)

    def record(
        self,
        request: Request,
        model: Model | None,
        seconds: float,
        memory: int,
        loading: float,
        running: float,
        share: float = 1.0,
    ) -> None:
        """Keep what a job took that was done; see `MeasuredRun`. Never fails: it is not worth a work.

        `share` is how much of what was asked was made: a text may end long before its length. Where nobody has asked
        what fits, the machine is not known, and only the seconds are kept: asking it may take seconds itself.
        """
        try:
            run, machine = MeasuredRun(request.kind, "", "", request.model, seconds), self._device
            if machine is not None and model is not None and running > 0 and share > 0:
                facts, family = self._asked(request, model), self.family(model.medium, model.family)
                machine = machine.for_model(facts)
                demand = family.demand(facts, request, machine)
                if facts.gguf and machine.device == "cuda":
                    memory = 0  # that of the card is not known, since llama.cpp counts none
                run = replace(
                    run,
                    device=machine.device,
                    family=family.name,
                    memory=memory,
                    foretold=demand.memory(loaded=not loading) if memory else 0,
                    running=running,
                    reckoned=demand.seconds(machine) * share,
                )
            self.history.record(run)
        except Exception:
            log.exception("what a job took was not recorded")
