"""Requests: frozen values that decide one work, and the notes on their fields that forms, flags and files come from.

Nothing here knows how a request is run or shown.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

from studio.errors import BadInput, Message

SEED_LIMIT = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a form, a flag or a document needs to know of one field. `label` and `help` are English source texts.

    `hidden` fields have no control in a form, which carries them along; files and flags know them like any other.
    """

    label: str
    help: str
    group: str = ""
    advanced: bool = False
    hidden: bool = False

    def check(self, name: str, value: Any) -> Any:
        """Return `value` in its canonical type, or raise BadInput that names the field."""
        raise NotImplementedError

    def plain(self, value: Any) -> Any:
        """A checked value as JSON has it."""
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Field):
    """A number between `low` and `high`, both included; whole when `step` is an int.

    `low_word` is what forms show in place of `low` where that value means something of its own, such as "Automatic".
    `shown` is (factor, unit) where forms show the value otherwise than it is kept: (100, "%") shows 0.7 as 70 %.
    """

    low: float
    high: float
    step: float = 1
    unit: str = ""
    low_word: str = ""
    shown: tuple[float, str] | None = None

    @property
    def whole(self) -> bool:
        return isinstance(self.step, int)

    def check(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadInput("{name} must be a number, not {value}.", self._hint(), name=name, value=shown(value))
        # First of all, since no float can hold some numbers that stand in files; infinities and NaN end here too.
        if not self.low <= value <= self.high:
            raise BadInput("{name} is {value}, which is out of range.", self._hint(), name=name, value=shown(value))
        if self.whole and value != int(value):
            raise BadInput("{name} must be a whole number, not {value}.", self._hint(), name=name, value=shown(value))
        return int(value) if self.whole else float(value)

    def _hint(self) -> Message:
        if self.unit:
            return Message(
                "Give a value from {low:g} to {high:g} {unit}.", low=self.low, high=self.high, unit=self.unit
            )
        return Message("Give a value from {low:g} to {high:g}.", low=self.low, high=self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Field):
    """One of `options`, each (value, label). `open` admits other words, for models that know more than the starter."""

    options: tuple[tuple[str, str], ...]
    open: bool = False

    def check(self, name: str, value: Any) -> str:
        known = [option for option, _ in self.options]
        if not isinstance(value, str) or (value not in known and not self.open) or len(value) > 200:
            raise BadInput(
                "{name} cannot be {value}.",
                "Choose one of: {names}.",
                name=name,
                value=shown(value),
                names=", ".join(known),
            )
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeText(Field):
    """Words of the user's, at most `limit` characters; `lines` is how tall a form shows it."""

    limit: int = 4000
    lines: int = 1
    placeholder: str = ""

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise BadInput("{name} must be text, not {value}.", name=name, value=shown(value))
        if len(value) > self.limit:
            raise BadInput(
                "{name} has {length:,} characters; at most {limit:,} are used.",
                "Shorten it and try again.",
                name=name,
                length=len(value),
                limit=self.limit,
            )
        # Lone surrogates cannot be written to a file and NUL ends a C string: neither says anything to a model.
        return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Field):
    """Yes or no."""

    def check(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise BadInput("{name} must be true or false, not {value}.", name=name, value=shown(value))
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed(Field):
    """The number that all randomness of a work comes from: 0 to 2**31 - 1."""

    def check(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < SEED_LIMIT:
            raise BadInput(
                "{name} cannot be {value}.",
                "Give a whole number from 0 to {limit}.",
                name=name,
                value=shown(value),
                limit=SEED_LIMIT - 1,
            )
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelId(Field):
    """The id of a model in the catalog; empty means the medium's own default, resolved when the job is submitted."""

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > 200:
            raise BadInput(
                "{name} cannot be {value}.",
                "`studio models list` shows the models there are.",
                name=name,
                value=shown(value),
            )
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class PathTo(Field):
    """A file or folder of the user's, as text. Whether it exists is found out when the request runs."""

    folder: bool = False

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or "\0" in value:
            raise BadInput("{name} must be a path, not {value}.", name=name, value=shown(value))
        return value


def field(default: Any, about: Field) -> Any:
    """A dataclass field of a Request: `psi: float = field(0.7, Range(...))`."""
    return dataclasses.field(default=default, metadata={"field": about})


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides one work. Subclasses add fields with `field(default, Field)` and set `kind` and `medium`.

    `kind` names the class in JSON ("avatar", "avatar.train"); `medium` the panel it belongs to; `work` says what it
    makes where that is not what the medium is about. Values are checked and made canonical on construction; BadInput
    names the field at fault. Keys of a newer studio's file that this one does not know are kept in `unknown`, as
    canonical JSON text, and written back by `to_json`.
    """

    kind: ClassVar[str]
    medium: ClassVar[str]
    work: ClassVar[str] = ""
    kinds: ClassVar[dict[str, type[Request]]] = {}

    seed: int = field(0, Seed(label="Seed", help="The number the randomness comes from; the same seed, the same work."))
    model: str = field("", ModelId(label="Model", help="The model to use; empty uses the studio's own starter."))
    unknown: str = dataclasses.field(default="{}", repr=False)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        kind = cls.__dict__.get("kind")
        if kind is not None:
            Request.kinds[kind] = cls

    def __post_init__(self) -> None:
        for name, each in self.fields():
            object.__setattr__(self, name, each.check(name, getattr(self, name)))

    @classmethod
    def fields(cls) -> Iterator[tuple[str, Field]]:
        """The fields a person may set, in the order they are shown: (name, Field)."""
        found = [each for each in dataclasses.fields(cls) if "field" in each.metadata]
        own = [each for each in found if each.name not in ("seed", "model")]
        shared = [each for each in found if each.name in ("model", "seed")]
        for each in [*own, *shared]:
            yield each.name, each.metadata["field"]

    def replace(self, **changes: Any) -> Self:
        return dataclasses.replace(self, **changes)

    def candidates(self, many: int) -> list[Self]:
        """So many works to choose from: the same with this seed, the next, and so on, the first after the last seed.

        Who has a `name` is somebody else each time, and called so: X, X 2, X 3.
        """
        known = dict(self.fields()).get("name")
        name = str(getattr(self, "name", ""))
        made = [self.replace(seed=(self.seed + at) % SEED_LIMIT) for at in range(many)]
        if not (isinstance(known, FreeText) and name):
            return made
        ends = ["", *(f" {number}" for number in range(2, many + 1))]
        return [each.replace(name=name[: known.limit - len(end)] + end) for each, end in zip(made, ends, strict=True)]

    def to_json(self) -> dict[str, Any]:
        """Plain values, `kind` first; unknown keys of a newer version last."""
        values = {name: each.plain(getattr(self, name)) for name, each in self.fields()}
        return {"kind": self.kind, **values, **json.loads(self.unknown)}

    @staticmethod
    def from_json(data: Any) -> Request:
        """The request that `to_json` described. Raises BadInput for a kind or a value that cannot be."""
        if not isinstance(data, Mapping):
            raise BadInput("This is not a request.", "A request is a JSON object with the key `kind`.")
        data = cast("Mapping[str, Any]", data)
        cls = Request.kinds.get(str(data.get("kind")))
        if cls is None:
            kinds = ", ".join(sorted(Request.kinds))
            raise BadInput(
                "Nothing here can make {kind}.", "Known kinds: {kinds}.", kind=shown(data.get("kind")), kinds=kinds
            )
        known = dict(cls.fields())
        values = {name: data[name] for name in known if name in data}
        rest = {name: value for name, value in data.items() if name not in known and name != "kind"}
        try:
            unknown = json.dumps(rest, sort_keys=True, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            # Python's reader takes NaN for JSON; a work that carried it could not be written.
            raise BadInput("A field that this studio does not know holds no proper JSON.", "Take it out.") from error
        return cls(**values, unknown=unknown)


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Request):
    """Learn a model of one medium from a folder; `model` is the one to start from, empty for a new one."""

    model: str = field("", ModelId(label="Model", help="The model to go on from; empty begins a new one."))
    data: str = field("", PathTo(label="Data", help="The folder to learn from.", folder=True))
    out: str = field("", PathTo(label="Result", help="The folder that receives checkpoints and model.", folder=True))
    minutes: float = field(
        60.0, Range(label="Minutes", help="How long to train.", low=0.01, high=60 * 24 * 14, step=0.5, unit="minutes")
    )
    resume: bool = field(False, Flag(label="Resume", help="Go on from the last checkpoint in the result folder."))
    title: str = field(
        "", FreeText(label="Name", help="Adds the model to the studio under this name when it is finished.", limit=80)
    )


def fresh_seed() -> int:
    """A seed that nobody chose."""
    return random.SystemRandom().randrange(SEED_LIMIT)


def shown(value: Any) -> str:
    """A value as a complaint quotes it: short."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than some thousand digits
        return "a number far too long to show"
    return text if len(text) <= 60 else text[:57] + "..."
