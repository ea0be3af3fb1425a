"""Request fields that hold more than one value: lists of records, packed numbers, other requests."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from studio.errors import BadInput, Message
from studio.schema.fields import Checked, Field, ModelId, WorkKey, WorkRef, shown
from studio.schema.request import Request

AnyRequest = TypeVar("AnyRequest", bound=Request)


@dataclass(frozen=True)
class Record(Checked):
    """One entry of a field of `ListOf`. Subclasses add fields with `field(default, Field)`.

    Values are checked on construction. Keys of a newer studio's file are kept in `unknown`, as requests keep theirs.
    """

    unknown: str = dataclasses.field(default="{}", repr=False, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        values = {name: each.plain(getattr(self, name)) for name, each in self.fields()}
        return {**values, **json.loads(self.unknown)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(Field):
    """Records of one class, at most `limit`: a tuple of `of`, in JSON a list of objects."""

    of: type[Record]
    limit: int = 64
    hidden: bool = True

    def check(self, name: str, value: Any) -> tuple[Record, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise BadInput("{name} must be a list, not {value}.", self._hint(), name=name, value=shown(value))
        rows = cast("Sequence[Any]", value)
        if len(rows) > self.limit:
            raise BadInput(
                "{name} has {length:,} entries; at most {limit} are used.",
                "Leave some out.",
                name=name,
                length=len(rows),
                limit=self.limit,
            )
        return tuple(self._row(f"{name}[{i}]", row) for i, row in enumerate(rows))

    def plain(self, value: Any) -> list[dict[str, Any]]:
        return [row.to_json() for row in value]

    def _row(self, name: str, row: Any) -> Record:
        if isinstance(row, self.of):
            return row
        if not isinstance(row, Mapping):
            raise BadInput("{name} must be an object, not {value}.", self._hint(), name=name, value=shown(row))
        given = {str(key): item for key, item in cast("Mapping[Any, Any]", row).items()}
        known = dict(self.of.fields())
        values = {key: known[key].check(f"{name}.{key}", given.pop(key)) for key in known if key in given}
        try:
            unknown = json.dumps(given, sort_keys=True, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise BadInput("{name} has a field with invalid JSON.", "Remove it.", name=name) from error
        return self.of(**values, unknown=unknown)

    def _hint(self) -> Message:
        names = ", ".join(f'"{key}": ...' for key, _ in self.of.fields())
        return Message("Give a JSON list such as [{{{names}}}].", names=names)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatArray(Field):
    """Numbers as base64 of little-endian float16, at most `limit` of them; empty for none."""

    limit: int = 65_536
    hidden: bool = True

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise BadInput("{name} must be text, not {value}.", name=name, value=shown(value))
        if len(value) > self.limit * 8 // 3 + 4:
            raise BadInput("{name} has far too many numbers; at most {limit:,} are used.", name=name, limit=self.limit)
        try:
            raw = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadInput("{name} is not base64.", "Copy it from a work that has it.", name=name) from error
        if len(raw) % 2:
            raise BadInput(
                "{name} does not hold whole numbers of 16 bits.", "Copy it from a work that has it.", name=name
            )
        import numpy as np  # only for such fields: most requests have none

        if not np.isfinite(np.frombuffer(raw, "<f2")).all():
            raise BadInput(
                "{name} contains values that are not numbers.", "Copy it from a work that has it.", name=name
            )
        return base64.b64encode(raw).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedRequest(Field):
    """Another request, of the kind `kind`, as JSON text; empty for none. Objects and requests become text."""

    kind: str
    limit: int = 200_000
    hidden: bool = True

    def check(self, name: str, value: Any) -> str:
        if value == "":
            return ""
        if isinstance(value, str) and len(value) > self.limit:
            raise self._too_long(name, value)
        try:
            text = _checked_once(self.kind, value) if isinstance(value, str) else _checked(self.kind, value)
        except (ValueError, RecursionError) as error:
            raise BadInput(
                "{name} is not JSON.", "A request is a JSON object with the key `kind`.", name=name
            ) from error
        except BadInput as error:
            raise BadInput("{name}: {problem}", error.advice, name=name, problem=error.said) from error
        if len(text) > self.limit:
            raise self._too_long(name, text)
        return text

    def _too_long(self, name: str, text: str) -> BadInput:
        return BadInput(
            "{name} has {length:,} characters; at most {limit:,} are used.",
            "Requests are nested too deep in it: each level nearly doubles its length. Use one with fewer levels.",
            name=name,
            length=len(text),
            limit=self.limit,
        )


def _checked(kind: str, value: Any) -> str:
    """The JSON text of a request of that kind; `value` is the request, its JSON text, or the object read from it."""
    data = json.loads(value) if isinstance(value, str) else value
    request = data if isinstance(data, Request) else Request.from_json(data)
    if request.kind != kind:
        raise BadInput("It is a request for {kind}, not for {wanted}.", kind=request.kind, wanted=kind)
    return json.dumps(request.to_json(), ensure_ascii=False)


# A row is checked when it is read and again when it is made. Without the cache the work doubles with every level of
# nesting, many times a second while a slider is dragged.
_checked_once = lru_cache(128)(_checked)


def models_by_role(request: Request) -> dict[str, str]:
    """The ids of the models that a request names, by their roles; the main model's role is empty."""
    named = {each.role: str(getattr(request, name)) for name, each in request.fields() if isinstance(each, ModelId)}
    return {role: id for role, id in named.items() if id}


def works_of(request: Request) -> list[WorkKey]:
    """The works that a request uses, also those of its rows and of the requests within it, in their order."""
    return [key for _, key in work_fields(request)]


def work_fields(request: Request) -> list[tuple[WorkRef, WorkKey]]:
    """The same, each with its field."""
    return list(_works(request)) if _may_use_works(type(request)) else []


def map_works(request: AnyRequest, change: Callable[[WorkRef, WorkKey], WorkKey]) -> AnyRequest:
    """The request with each work that it uses changed, also those of its rows and of the requests within it. `change`
    gets the field of each, too.
    """
    return request.replace(**_changed_works(request, change)) if _may_use_works(type(request)) else request


def _works(holder: Request | Record) -> Iterator[tuple[WorkRef, WorkKey]]:
    for name, each in holder.fields():
        value = getattr(holder, name)
        if not value:
            continue
        if isinstance(each, WorkRef):
            yield each, value
        elif isinstance(each, ListOf) and _may_use_works(each.of):
            for row in value:
                yield from _works(row)
        elif isinstance(each, NestedRequest) and _may_use_works(Request.kinds[each.kind]):
            yield from _works(Request.from_json(json.loads(value)))


def _changed_works(holder: Request | Record, change: Callable[[WorkRef, WorkKey], WorkKey]) -> dict[str, Any]:
    """The fields that hold works, directly or not, with their new values."""
    changed: dict[str, Any] = {}
    for name, each in holder.fields():
        value = getattr(holder, name)
        if not value:
            continue
        if isinstance(each, WorkRef):
            changed[name] = change(each, value)
        elif isinstance(each, ListOf) and _may_use_works(each.of):
            changed[name] = tuple(dataclasses.replace(row, **_changed_works(row, change)) for row in value)
        elif isinstance(each, NestedRequest) and _may_use_works(Request.kinds[each.kind]):
            changed[name] = map_works(Request.from_json(json.loads(value)), change)
    return changed


@cache
def _may_use_works(holder: type[Request] | type[Record]) -> bool:
    """Whether a field of it, of its rows, or of the requests within it is a `WorkRef`."""
    seen: set[type[Request] | type[Record]] = set()
    left = [holder]
    while left:
        one = left.pop()
        if one in seen:
            continue
        seen.add(one)
        for _, each in one.fields():
            if isinstance(each, WorkRef):
                return True
            if isinstance(each, ListOf):
                left.append(each.of)
            elif isinstance(each, NestedRequest):
                left.append(Request.kinds[each.kind])
    return False
