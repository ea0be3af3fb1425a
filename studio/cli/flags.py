"""Command-line flags from the fields of a Request, and Requests from flags."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

from studio.cli.words import as_typed, tr, worded
from studio.errors import BadInput, Message
from studio.schema.fields import SEED_LIMIT, WORK_ID, Choice, Field, Flag, FreeText, PathTo, Range, Seed, WorkRef
from studio.schema.nested import FloatArray, ListOf, NestedRequest
from studio.schema.request import Request, fresh_seed

SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*(|B|[kKMGT]B?)", re.IGNORECASE)
UNITS = {"": 1, "B": 1, **{f"{unit}{end}": 1000**power for power, unit in enumerate("KMGT", 1) for end in ("", "B")}}

Asked = TypeVar("Asked", bound=Request)


class ArgumentParser(argparse.ArgumentParser):
    """An ArgumentParser that raises BadInput and takes no abbreviations.

    `fill(parser)` adds its arguments once they are asked for: a command waits for those of its own verb only.
    """

    def __init__(self, *, fill: Callable[[ArgumentParser], object] | None = None, **options: Any) -> None:
        defaults: dict[str, Any] = {"allow_abbrev": False, "formatter_class": WideHelpFormatter}
        super().__init__(**(defaults | options))
        self._fill = fill

    def complete(self) -> None:
        """Add the arguments that wait to be asked for."""
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.complete()
        # Asked here, and not by the parser of all verbs, so that the help that is named is that of the verb.
        try:
            values, rest = super().parse_known_args(args, namespace)
        except _BadValue as error:
            raise self._refused(error.said) from None
        if rest:
            raise self._refused(Message("Unrecognized arguments: {names}.", names=" ".join(rest)[:200]))
        return values, rest

    def format_help(self) -> str:
        self.complete()
        return as_typed(super().format_help())

    def error(self, message: str) -> NoReturn:
        words = message[:1].upper() + message[1:].rstrip(".") + "."
        found = ((each, _like(each).fullmatch(words)) for each in REFUSALS)
        known = (Message.of(each, **match.groupdict()) for each, match in found if match)
        raise self._refused(next(known, Message("{words}", words=words)))

    def _refused(self, said: Message) -> BadInput:
        return BadInput(said, "`{program} --help` shows what can be given.", program=self.prog)


REFUSALS = (
    "The following arguments are required: {names}.",
    "Argument {name}: invalid choice: {value} (choose from {choices}).",
    "Argument {name}: invalid float value: {value}.",
    "Argument {name}: expected one argument.",
    "Argument {name}: expected at least one argument.",
    "Argument {name}: expected {n} arguments.",
    "Argument {name}: ignored explicit argument {value}.",
)
"""The sentences of argparse, so that they can be translated; one that is not here is shown as it is."""


def _like(template: str) -> re.Pattern[str]:
    """A pattern for what a template becomes."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*?)", re.escape(template)), re.DOTALL)


class _BadValue(Exception):
    """A value that a flag refuses; `said` names both."""

    def __init__(self, said: Message) -> None:
        super().__init__(said)
        self.said = said


class WideHelpFormatter(argparse.HelpFormatter):
    """Help whose flags stand left of their explanation, as long as there is room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def flag(name: str) -> str:
    """The flag of a field: `top_p` is --top-p."""
    return "--" + name.replace("_", "-")


def add_fields(
    parser: Any, kind: type[Request], *, required: Iterable[str] = (), without: Collection[str] = ()
) -> None:
    """One flag for every field of a request but those `without`, with its range and default. What is not given is not
    in the namespace.
    """
    defaults = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    for name, note in kind.fields():
        if name in without:
            continue
        needed = name in required
        options: dict[str, Any] = {"dest": name, "default": argparse.SUPPRESS, "required": needed}
        options["help"] = _help(name, note, defaults.get(name), needed).replace("%", "%%")
        if isinstance(note, Flag):
            parser.add_argument(flag(name), action=argparse.BooleanOptionalAction, **options)
        else:
            parser.add_argument(flag(name), metavar=_metavar(note), **options)


def given_fields(kind: type[Request], values: argparse.Namespace) -> dict[str, Any]:
    """The fields that flags were given for, as the values that the Request checks; paths made absolute."""
    return {name: _value(note, getattr(values, name)) for name, note in kind.fields() if hasattr(values, name)}


def flags_of(request: Request, usual: Request) -> list[str]:
    """Flags for the values that differ from those of the `usual` request, and for model and seed."""
    words: list[str] = []
    for name, note in request.fields():
        value = getattr(request, name)
        if value == getattr(usual, name) and name not in ("model", "seed"):
            continue
        if isinstance(note, Flag):
            words += [flag(name if value else f"no_{name}")]
            continue
        text = json.dumps(note.plain(value), ensure_ascii=False) if isinstance(note, ListOf) else str(value)
        # Taken for another flag if it stood alone.
        words += [f"{flag(name)}={text}"] if text.startswith("-") else [flag(name), text]
    return words


def request_from(
    kind: type[Asked], values: argparse.Namespace, known: Mapping[str, Any] = MappingProxyType({})
) -> Asked:
    """The request that flags describe, beside what is `known` of it; without a seed one that nobody chose."""
    return kind(**{"seed": fresh_seed(), **known, **given_fields(kind, values)})


def add_accept_licence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help=tr("confirm that you have read and accept a licence that is unknown or restrictive (default: no)"),
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """The flag that asks for one JSON object."""
    parser.add_argument("--json", action="store_true", help=tr("print one JSON object (default: no)"))


def whole_number(name: str, low: int, high: int) -> Any:
    """A `type=` for whole numbers between two bounds, both included; `name` is that of the flag."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise _BadValue(
                Message("Argument {flag}: {value!r} is not a whole number.", flag=name, value=text[:60])
            ) from None
        if not low <= number <= high:
            raise _BadValue(
                Message(
                    "Argument {flag}: {number} is not between {low} and {high}.",
                    flag=name,
                    number=number,
                    low=low,
                    high=high,
                )
            )
        return number

    return convert


def byte_count(name: str) -> Any:
    """A `type=` for sizes such as 4GB, 1.5 GB or 500000 (bytes); `name` is that of the flag."""

    def convert(text: str) -> int:
        found = SIZE.fullmatch(text.strip())
        if found is None:
            raise _BadValue(
                Message("Argument {flag}: {value!r} is not a size, such as 4GB or 500MB.", flag=name, value=text[:60])
            )
        return int(float(found[1]) * UNITS[found[2].upper()])

    return convert


def _value(note: Field, value: Any) -> Any:
    """Text from the command line as the note's own type where it reads as one; what does not is left to its check."""
    if not isinstance(value, str):
        return value
    if isinstance(note, Seed | Range):
        for convert in (int, float):
            try:
                return convert(value)
            except ValueError:
                continue
    if isinstance(note, ListOf):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(note, WorkRef) and value and not WORK_ID.fullmatch(value):
        return str(Path(value).expanduser().absolute())
    if isinstance(note, PathTo) and value:
        return str(Path(value).expanduser().absolute())
    return value


def _metavar(note: Field) -> str:
    if isinstance(note, Choice):
        return "NAME"
    if isinstance(note, Range | Seed):
        return "N"
    if isinstance(note, PathTo):
        return "DIR" if note.folder else "FILE"
    if isinstance(note, WorkRef):
        return "FILE"
    if isinstance(note, ListOf | NestedRequest):
        return "JSON"
    return "TEXT" if isinstance(note, FreeText | FloatArray) else "ID"


def _help(name: str, note: Field, default: Any, needed: bool) -> str:
    about = worded(Message.of(note.help)).rstrip(".")
    if isinstance(note, Range):
        unit = worded(Message.of(note.unit))
        about = tr("{about}; {low:g} to {high:g} {unit}", about=about, low=note.low, high=note.high, unit=unit).rstrip()
    elif isinstance(note, Choice):
        words = ", ".join(value for value, _ in note.options)
        if note.open:
            about = tr("{about}: {values}, or another that the model knows", about=about, values=words)
        else:
            about = tr("{about}: {values}", about=about, values=words)
    elif isinstance(note, Seed):
        about = tr("{about}; {low} to {high}", about=about, low=0, high=SEED_LIMIT - 1)
    elif isinstance(note, ListOf):
        names = ", ".join(f'"{key}"' for key, _ in note.of.fields())
        about = tr("{about}; a JSON list of objects with {names}", about=about, names=names)
    elif isinstance(note, FreeText):
        about = tr("{about}; at most {limit:,} characters", about=about, limit=note.limit)
    if needed:
        return tr("{about} (required)", about=about)
    return tr("{about} (default: {default})", about=about, default=_default(note, default))


def _default(note: Field, default: Any) -> str:
    if isinstance(note, Seed):
        return tr("a new one each time")
    if isinstance(default, bool):
        return tr("yes") if default else tr("no")
    if isinstance(default, float):
        return f"{default:g}"
    return str(default) if default not in ("", None, ()) else tr("none")
