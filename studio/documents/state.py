"""The state of a document as bytes with a checksum."""

from __future__ import annotations

import json
import zlib
from typing import Any, cast

from studio.errors import BadInput


def encode(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> dict[str, Any]:
    """Raises ValueError where the bytes are no JSON object."""
    try:
        value: object = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return cast("dict[str, Any]", value)


def fingerprint(state: dict[str, Any]) -> int:
    """A checksum that equal states share, whatever the order of their keys."""
    return zlib.crc32(json.dumps(state, sort_keys=True).encode())


def checked(state: dict[str, Any]) -> dict[str, Any]:
    """The state, if it has the shape of a document's. Raises BadInput."""
    kinds = {"kind": str, "title": str, "works": list, "content": dict}
    if not all(isinstance(state.get(name), kind) for name, kind in kinds.items()):
        raise BadInput("This document is damaged.")
    return state


def unsealed(data: bytes, crc: object) -> dict[str, Any]:
    """The state in `data`. Raises ValueError where it does not fit its checksum or is no document's."""
    try:
        state = checked(decode(data))
    except BadInput as error:
        raise ValueError("not a document") from error
    if fingerprint(state) != crc:
        raise ValueError("wrong checksum")
    return state
