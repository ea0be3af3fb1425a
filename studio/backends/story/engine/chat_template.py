"""Renders the chat template of a model, a program by its author: in a sandbox, bounded in time and size.

Import does it first, in a process whose memory is bounded: a template that passes there makes the same text later.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from jinja2 import TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from studio.errors import StudioError

SECONDS = 1.0
LONGEST = 1_000_000  # characters that a template may make, or multiply a text to
PADDING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "wordwrap"})
"""Filters and methods of texts that make one of any length out of a number. No template needs them."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """No way out of the template, no value changed, and no text or number that fills the memory."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sizes = [len(side) for side in (left, right) if isinstance(side, str | list | tuple)]
        factors = [side for side in (left, right) if isinstance(side, int)]
        if operator == "*" and sizes and factors and max(sizes) * max(factors) > LONGEST:
            raise _TooMuch
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise _TooMuch  # no template needs them, and both can ask for any size
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return super().is_safe_attribute(obj, attr, value) and not (isinstance(obj, str) and attr in PADDING)


class _TooMuch(Exception):
    """The template took too long, or made too much."""


def render(template: str, messages: Sequence[Mapping[str, str]], tokens: Mapping[str, str]) -> str:
    """The text of `messages` ("role" and "content" each) with the opening of an answer, as `template` writes it.

    `tokens` are the names that it may use, such as "bos_token". StudioError for a template that is damaged, takes more
    than a second or makes more than a million characters.
    """
    environment = _Sandbox(trim_blocks=True, lstrip_blocks=True, undefined=Undefined)
    environment.filters = {name: one for name, one in environment.filters.items() if name not in PADDING}
    environment.globals = {name: environment.globals[name] for name in ("range", "dict", "namespace")}
    environment.globals["raise_exception"] = _refuse
    try:
        with _Deadline(SECONDS):
            # Piece by piece, so that one without an end is stopped where it is too long.
            pieces, length = list[str](), 0
            program = environment.from_string(template)
            for piece in program.generate(messages=list(messages), add_generation_prompt=True, **tokens):
                pieces.append(piece)
                length += len(piece)
                if length > LONGEST:
                    raise _TooMuch
            return "".join(pieces)
    except (_TooMuch, MemoryError, OverflowError):
        raise StudioError(
            "The chat template of this model takes more than a second, or makes too much.",
            "Choose another model, or one file of it that somebody mended.",
        ) from None
    except (
        TemplateError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise StudioError(
            "The chat template of this model is damaged.",
            "Choose another model, or one file of it that somebody mended.",
        ) from error


def _refuse(_words: object = "") -> None:
    raise TemplateError("the template refuses these messages")


class _Deadline:
    """Raises _TooMuch in the code it is around, at the first line that begins after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._end = time.monotonic() + self._seconds
        self._before = sys.gettrace()
        sys.settrace(self._look)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _look(self, _frame: FrameType, _event: str, _arg: object) -> Any:
        if time.monotonic() > self._end:
            raise _TooMuch
        return self._look
