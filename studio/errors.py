"""Messages and errors: a template in English with named parameters, worded in the reader's language where shown."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, LiteralString, cast

MENDS = ("models", "folders", "room", "smaller", "diagnostics")
"""Another model; another folder; room on the disk; a smaller work; a look at what the machine lacks."""


class Message:
    """A sentence, or a part of one, that can be translated: `template` with a placeholder for each of `params`.

    The template is written out where the message is made, with the syntax of `str.format` ("{name} is no picture.",
    "{size:,} bytes"); it is what a translation is looked up by. A parameter is a text, a number, or a message itself;
    an exception stands for the reason that it gives, anything else for its text. `str` gives the English sentence.
    """

    __slots__ = ("one", "params", "template")

    def __init__(self, template: LiteralString, /, **params: object) -> None:
        self.template: str = template
        self.one = ""
        self.params: dict[str, str | int | float | Message] = {name: _plain(value) for name, value in params.items()}

    @classmethod
    def of(cls, text: str, /, **params: object) -> Message:
        """A message whose template is no literal here: a label of the schema, or one that was written to a file."""
        return cls(cast(LiteralString, text), **params)

    def to_json(self) -> dict[str, Any]:
        """The template and the parameters."""
        params = {name: value.to_json() if isinstance(value, Message) else value for name, value in self.params.items()}
        return {"template": self.template, "one": self.one, "params": params}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Message:
        """Raises ValueError for anything that `to_json` did not write."""
        template, one, params = data.get("template"), data.get("one", ""), data.get("params", {})
        if not isinstance(template, str) or not isinstance(one, str) or not isinstance(params, dict):
            raise ValueError("it is no message")
        message = cls.of(template)
        message.one = one
        for name, value in cast("dict[str, Any]", params).items():
            message.params[name] = cls.from_json(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        return message

    def __str__(self) -> str:
        return self.filled(self.one if self.one and self.params.get("n") == 1 else self.template)

    def filled(self, template: str) -> str:
        """`template`, which may be a translation, with the parameters in their places."""
        try:
            return template.format(**self.params)
        except (LookupError, ValueError, AttributeError, TypeError):  # words of others, with braces of their own
            return template

    def __repr__(self) -> str:
        return f"Message({self.template!r}, {self.params!r})"

    def __bool__(self) -> bool:
        return bool(self.template)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.template, str(self)))

    def _key(self) -> tuple[Any, ...]:
        return self.template, self.one, self.params


LONG_NAME = re.compile(r"[^/\\]{256,}")
"""A name in a path that no file can have; Python 3.14 takes such a file for a missing one."""

NOTHING = Message("")
"""Nothing to say."""


def quiet(_said: Message) -> None:
    """Ignore a warning: for callers that show none."""


def counted(n: int, one: LiteralString, many: LiteralString, /, **params: object) -> Message:
    """`one` or `many`, as the number asks for; `{n}` in either is the number. Languages may have other forms."""
    message = Message(many, n=n, **params)
    message.one = one
    return message


def reason(error: BaseException) -> Message | str:
    """Why something failed, as the end of a sentence: what a `Flaw` or a ValueError of ours says, the words of the
    system or of the database; never those of Python or a library, which are for the log.
    """
    if isinstance(error, Flaw):
        return error.said
    if isinstance(error, StudioError):
        return error.whole
    if isinstance(error, UnicodeError):
        return Message("it is not in UTF-8")
    if isinstance(error, json.JSONDecodeError):
        return Message("line {line} is no JSON", line=error.lineno)
    if getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE):
        return Message("the disk is full")
    if type(error) is ValueError or isinstance(error, sqlite3.Error):
        return str(error)
    if isinstance(error, KeyError):
        return Message("it lacks {name:.60}", name=str(error.args[0]) if error.args else "")
    return foreign_reason(error)


def foreign_reason(error: BaseException) -> Message | str:
    """Why a library failed at a file, as the end of a sentence; whatever it says itself is for the log."""
    if isinstance(error, ImportError):
        return Message("a Python package that it needs is not installed")
    if isinstance(error, OSError):
        return error.strerror or Message("a file of it is missing or cannot be read")
    if isinstance(error, TypeError | AttributeError | LookupError | ArithmeticError):
        return Message("a value in it is of another kind than it should be")
    return Message("its contents are damaged, or do not fit each other")


def _message(template: LiteralString | Message, params: Mapping[str, object]) -> Message:
    return template if isinstance(template, Message) else Message(template, **params)


def _plain(value: object) -> str | int | float | Message:
    if isinstance(value, Message):
        return value
    if isinstance(value, BaseException):
        return reason(value)
    if type(value) in (int, float, str):
        return value  # type: ignore[return-value]
    if isinstance(value, PurePath):
        return LONG_NAME.sub(lambda name: f"{name[0][:80]}…{name[0][-40:]}", str(value))
    return str(value)


class StudioError(Exception):
    """An error that the user caused or can mend.

    `template` says what happened, `hint` what to do about it: sentences with placeholders for `params`, see `Message`.
    `status` is the exit status of the command line: 3, a model or machine problem, unless a subclass says otherwise.
    `mend` names what would help, for whoever can offer it with a button: one of MENDS, or nothing.
    """

    status = 3

    def __init__(
        self, template: LiteralString | Message, hint: LiteralString | Message = "", /, mend: str = "", **params: object
    ) -> None:
        super().__init__(template, hint)
        self.said = _message(template, params)
        self.advice = _message(hint, params)
        self.mend = mend

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles without `__init__`, whose arguments a class may choose for itself."""
        return _unpickled, (type(self), self.args, self.__dict__)

    @property
    def template(self) -> str:
        """What happened, with placeholders: what tells one error from another."""
        return self.said.template

    @property
    def params(self) -> dict[str, str | int | float | Message]:
        """What fills the placeholders."""
        return self.said.params

    @property
    def message(self) -> str:
        """What happened, in English."""
        return str(self.said)

    @property
    def hint(self) -> str:
        """What to do about it, in English."""
        return str(self.advice)

    @property
    def whole(self) -> Message:
        """What happened and what to do about it."""
        return Message("{said} {advice}", said=self.said, advice=self.advice) if self.advice else self.said

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


def _unpickled(kind: type[StudioError], args: tuple[Any, ...], state: dict[str, Any]) -> StudioError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class BadInput(StudioError):
    """What the user asked for cannot be done as asked: a field out of range, a file that is no picture."""

    status = 2


class OutOfMemory(StudioError):
    """The device ran out of memory; the lane evicts what it can and tries once more before a person sees this."""

    def __init__(
        self,
        template: LiteralString | Message,
        hint: LiteralString | Message = "",
        /,
        mend: str = "smaller",
        **params: object,
    ) -> None:
        super().__init__(template, hint, mend, **params)


class Flaw(ValueError):
    """What is wrong with a file, as the end of a sentence that starts with its name: "it ends too early"."""

    def __init__(self, template: LiteralString | Message, /, **params: object) -> None:
        super().__init__(template)
        self.said = _message(template, params)

    def __str__(self) -> str:
        return str(self.said)
