"""The kinds of fields that requests and settings have: what a form, a flag and a file need to know of each."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

from studio.errors import BadInput, Message

SEED_LIMIT = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a form, a flag or a document needs to know of one field. `label` and `help` are English source texts.

    `hidden` fields have no control in a form, which carries them along; files and flags know them like any other. A
    setting that is read at the start only takes effect after a `restart`.
    """

    label: str
    help: str
    group: str = ""
    advanced: bool = False
    hidden: bool = False
    restart: bool = False

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
    `shown` is (factor, unit) where forms show the value in another unit: (100, "%") shows 0.7 as 70 %.
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
        # Checked first: some integers in files are too large for a float. Infinities and NaN fail here too.
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
    """Text, at most `limit` characters; a form shows it `lines` lines high."""

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
        # Lone surrogates cannot be written to a file, and NUL ends a C string.
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
    """The id of a model in the catalog. `role` is what the request uses it for, such as "lora" or "control".

    Without a role it is the model that does the work: empty then means the medium's default, found when the request is
    submitted. With a role, empty means none.
    """

    role: str = ""

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
        _check_length(name, value)
        return value


@dataclass(frozen=True, slots=True)
class WorkKey:
    """Which work a request uses: one of the library by its `id`, or any file by its `path` until it is used.

    `sha256` is that of the file, by which it is found where its id or path is no longer there. Empty for none.
    """

    id: str = ""
    sha256: str = ""
    path: str = ""

    def __bool__(self) -> bool:
        return bool(self.id or self.sha256 or self.path)

    def __str__(self) -> str:
        return self.path or self.id or self.sha256

    @property
    def name(self) -> str:
        """What `Resources.works` calls it."""
        return self.sha256 or self.id or self.path


WORK_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}", re.ASCII)
"""What the ids of works in the library look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRef(Field):
    """A work that the request uses: a picture (or the first of a clip), a sound or a text, as `takes` says.

    Text is taken as the id of a work where it looks like one, else as the path of a file. In JSON it is an object with
    `id` and `sha256`; a path only until the request runs, when the studio keeps the file by its sha256.
    """

    takes: Literal["picture", "sound", "text"] = "picture"

    def check(self, name: str, value: Any) -> WorkKey:
        if isinstance(value, WorkKey):
            key = value
        elif isinstance(value, str):
            key = WorkKey(id=value) if WORK_ID.fullmatch(value) else WorkKey(path=value)
        elif isinstance(value, Mapping):
            given = {str(part): each for part, each in cast("Mapping[Any, Any]", value).items()}
            parts = {part: given.get(part, "") for part in ("id", "sha256", "path")}
            if not all(isinstance(part, str) for part in parts.values()) or (given and not any(parts.values())):
                raise self._no_work(name, value)
            key = WorkKey(**parts)
        else:
            raise self._no_work(name, value)
        if "\0" in key.path or (key.id and not WORK_ID.fullmatch(key.id)) or len(key.sha256) not in (0, 64):
            raise self._no_work(name, value)
        _check_length(name, key.path)
        return key

    def plain(self, value: Any) -> Any:
        if value.id or value.sha256:
            return {part: text for part, text in (("id", value.id), ("sha256", value.sha256)) if text}
        return value.path

    def _no_work(self, name: str, value: Any) -> BadInput:
        return BadInput(
            "{name} cannot be {value}.",
            "Give the path of a file, or the id of a work as `studio library list` shows it.",
            name=name,
            value=shown(value),
        )


PATH_LIMIT, NAME_LIMIT = 4096, 255
"""The longest path, and the longest name in it, that a system takes: in bytes on Linux, in characters elsewhere."""


def _check_length(name: str, path: str) -> None:
    in_bytes = sys.platform == "linux"
    sizes = [len(part.encode("utf-8", "surrogatepass") if in_bytes else part) for part in re.split(r"[/\\]", path)]
    if max(sizes) > NAME_LIMIT or sum(sizes) + len(sizes) > PATH_LIMIT:
        raise BadInput("{name} cannot be {value}: no file can have so long a name.", name=name, value=shown(path))


def field(default: Any, about: Field) -> Any:
    """A dataclass field of a Request: `psi: float = field(0.7, Range(...))`."""
    return dataclasses.field(default=default, metadata={"field": about})


class Checked:
    """A frozen dataclass whose fields are made with `field`: checked and made canonical on construction."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __post_init__(self) -> None:
        for name, each in self.fields():
            object.__setattr__(self, name, each.check(name, getattr(self, name)))

    @classmethod
    def fields(cls) -> Iterator[tuple[str, Field]]:
        """The fields a person may set, in their order: (name, Field)."""
        for each in dataclasses.fields(cls):
            if "field" in each.metadata:
                yield each.name, each.metadata["field"]


def shown(value: Any) -> str:
    """A value as an error message quotes it, shortened."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to write numbers of several thousand digits
        return "a number too long to show"
    return text if len(text) <= 60 else text[:57] + "..."
