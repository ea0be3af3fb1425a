"""Reads pickles without running them: a stack machine that makes inert values.

The opcodes are those that the standard library's pickletools documents for protocols 2 to 5. Where a pickle names a
function or a class, the machine looks the name up in a table; nothing is imported, and a name that is not in the table
is an error. Bytes are not copied: they are views of the file's memory.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from studio.checkpoints.errors import DamagedCheckpoint, UnsupportedCheckpoint
from studio.errors import Message

Value = Any
"""None, bool, int, float, str, memoryview, tuple, list, dict, set, PickledName, PickledCall, or what makers return."""

OPCODES = 3_000_000  # in one pickle; the largest official file has some 60,000
STACK, MARKS = 100_000, 500  # values on the stack, and nested marks
TEXT, TEXTS = 4_000_000, 64_000_000  # bytes of one string and of all; the source code in checkpoints has 100 KB
INTEGER = 16  # bytes of a long integer
CALL_ITEMS = 1_000_000  # items in the arguments of all calls, which let a short pickle grow without end
KEY = 2**32  # of integers as keys: larger ones can be chosen so that their hashes collide


@dataclass(frozen=True, slots=True)
class PickledName:
    """A function or class that the pickle names; only the name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class PickledCall:
    """A call that the pickle asks for; nothing was called. `state` is what it would set on the result."""

    name: PickledName
    args: tuple[Value, ...]
    state: Value = None


Maker = Callable[[tuple[Value, ...]], Value]
"""Replaces a call: gets its arguments, returns an inert value, raises UnsupportedCheckpoint or DamagedCheckpoint."""


@dataclass(frozen=True)
class AllowedNames:
    """The names a pickle may use. `makers` replace calls; a call of an `inert` name becomes a PickledCall.

    `prefixes` are beginnings of modules whose classes are inert. `reason` explains why a name is not allowed, or
    returns None.
    """

    makers: Mapping[tuple[str, str], Maker]
    inert: frozenset[tuple[str, str]]
    prefixes: tuple[str, ...]
    reason: Callable[[PickledName], Message | None]

    def check(self, name: PickledName) -> PickledName:
        key = (name.module, name.name)
        if (
            key in self.makers
            or key in self.inert
            or (name.module.startswith(self.prefixes) and name.name.isidentifier())
        ):
            return name
        raise UnsupportedCheckpoint(
            self.reason(name)
            or Message("it wants {name} to be called, which no checkpoint needs", name=str(name)[:120])
        )

    def call(self, name: Value, args: Value) -> Value:
        if not isinstance(name, PickledName) or not isinstance(args, tuple):
            raise UnsupportedCheckpoint("it wants something to be called that it has made itself")
        maker = self.makers.get((name.module, name.name))
        arguments = cast("tuple[Value, ...]", args)
        return PickledCall(name, arguments) if maker is None else maker(arguments)


class PickleMachine:
    """Reads the pickles in `data`, one at a time, of at most `steps` opcodes each.

    `persistent` turns a persistent id, which refers to data outside the pickle, into a value.
    """

    def __init__(
        self,
        data: memoryview,
        table: AllowedNames,
        persistent: Callable[[Value], Value] | None = None,
        steps: int = OPCODES,
    ) -> None:
        self._data, self._table, self._persistent, self._steps = data, table, persistent, steps
        self._at = 0
        self._stack: list[Value] = []
        self._marks: list[int] = []
        self._memo: dict[int, Value] = {}
        self._texts = self._call_items = 0

    def load(self, at: int = 0) -> tuple[Value, int]:
        """The value of the pickle that begins at byte `at`, and the byte where it ends.

        Raises UnsupportedCheckpoint or DamagedCheckpoint.
        """
        self._at, self._stack, self._marks, self._memo = at, [], [], {}
        try:
            return self._run(), self._at
        except (IndexError, KeyError):
            raise DamagedCheckpoint("its pickle takes what it has not put there") from None
        except (struct.error, UnicodeDecodeError):
            raise DamagedCheckpoint("its pickle is scrambled") from None

    def _run(self) -> Value:
        data, actions = self._data, ACTIONS
        for _ in range(self._steps):
            if self._at >= len(data):
                raise DamagedCheckpoint("its end is missing")
            opcode = data[self._at]
            self._at += 1
            if opcode == STOP:
                return self._stack.pop()
            action = actions.get(opcode)
            if action is None:
                raise (
                    UnsupportedCheckpoint(UNSUPPORTED[opcode])
                    if opcode in UNSUPPORTED
                    else DamagedCheckpoint("its pickle is scrambled")
                )
            action(self)
            if len(self._stack) > STACK or len(self._marks) > MARKS:
                raise UnsupportedCheckpoint("its pickle is nested far deeper than any checkpoint")
        raise UnsupportedCheckpoint("its pickle has far more steps than any checkpoint")

    def take(self, count: int) -> memoryview:
        """The next bytes."""
        if count > len(self._data) - self._at:
            raise DamagedCheckpoint("its end is missing")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, form: str) -> int:
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def line(self) -> str:
        """The text up to the next line feed."""
        for end in range(self._at, min(self._at + 250, len(self._data))):
            if self._data[end] == 10:
                text = str(self.take(end - self._at), "utf-8")
                self._at += 1
                return text
        raise DamagedCheckpoint("its pickle is scrambled")

    def text(self, length: int) -> None:
        self._texts += length
        if length > TEXT or self._texts > TEXTS:
            raise UnsupportedCheckpoint("it carries far more text than any checkpoint")
        self.push(str(self.take(length), "utf-8", "surrogatepass"))

    def integer(self, length: int) -> None:
        if not 0 <= length <= INTEGER:
            raise UnsupportedCheckpoint("it holds a number of far more digits than any checkpoint needs")
        self.push(int.from_bytes(self.take(length), "little", signed=True))

    def push(self, value: Value) -> None:
        self._stack.append(value)

    def pop(self) -> Value:
        if self._marks and len(self._stack) <= self._marks[-1]:
            raise IndexError
        return self._stack.pop()

    def top(self) -> Value:
        return self._stack[-1]

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def group(self) -> list[Value]:
        """All values since the last mark."""
        begin = self._marks.pop()
        values = self._stack[begin:]
        del self._stack[begin:]
        return values

    def tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.push(tuple(reversed(values)))

    def remember(self, index: int | None = None) -> None:
        self._memo[len(self._memo) if index is None else index] = self.top()

    def recall(self, index: int) -> None:
        self.push(self._memo[index])

    def append(self, values: list[Value]) -> None:
        target = self.top()
        if isinstance(target, PickledCall):
            return  # a subclass of list, which is inert
        if not isinstance(target, list):
            raise DamagedCheckpoint("its pickle is scrambled")
        cast("list[Value]", target).extend(values)

    def put(self, values: list[Value]) -> None:
        target = self.top()
        if isinstance(target, PickledCall):
            return
        if not isinstance(target, dict) or len(values) % 2:
            raise DamagedCheckpoint("its pickle is scrambled")
        fill(cast("dict[Value, Value]", target), zip(values[::2], values[1::2], strict=True))

    def insert(self, values: list[Value]) -> None:
        target = self.top()
        if not isinstance(target, set):
            raise DamagedCheckpoint("its pickle is scrambled")
        cast("set[Value]", target).update(unique(values))

    def name(self) -> None:
        module = self.line()
        self.push(self._table.check(PickledName(module, self.line())))

    def stacked_name(self) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise DamagedCheckpoint("its pickle is scrambled")
        self.push(self._table.check(PickledName(module, name)))

    def call(self) -> None:
        args, name = self.pop(), self.pop()
        for arg in cast("tuple[Value, ...]", args) if isinstance(args, tuple) else ():
            self._call_items += len(cast("list[Value]", arg)) if isinstance(arg, list | tuple) else 1
            self._texts += len(arg) if isinstance(arg, str) else 0
        if self._call_items > CALL_ITEMS or self._texts > TEXTS:
            raise UnsupportedCheckpoint("it makes far more of its parts than any checkpoint needs")
        self.push(self._table.call(name, args))

    def call_with_keywords(self) -> None:
        self.pop()
        self.call()

    def build(self) -> None:
        state, target = self.pop(), self.top()
        if isinstance(target, PickledCall):
            target.state = state
        elif isinstance(target, PickledName):
            raise UnsupportedCheckpoint(
                "it wants to change {target}, which no checkpoint needs", target=str(target)[:120]
            )

    def persistent_value(self) -> None:
        if self._persistent is None:
            raise UnsupportedCheckpoint("it refers to data that is not in it")
        self.push(self._persistent(self.pop()))


def unique(values: Any) -> list[Value]:
    """The values as a list, all of which may be keys: their hashes are fast and cannot be made to collide."""
    for value in values:
        small = isinstance(value, int) and abs(value) < KEY
        if not (small or isinstance(value, str) or value is None):
            raise UnsupportedCheckpoint("it uses as keys what no checkpoint does")
    return list(values)


def fill(target: dict[Value, Value], pairs: Any) -> None:
    """Put (key, value) pairs into a dict."""
    for key, value in pairs:
        unique([key])
        target[key] = value


STOP = ord(".")
REGISTRY = Message("its pickle takes a class from the extension registry of the program that wrote it")
FIRST_CALL = Message("its pickle calls a class in the manner of the first protocol, which no checkpoint uses")
TEXTUAL = Message("its pickle is of the first, textual protocol, which no checkpoint uses")
BUFFERS = Message("its pickle refers to buffers that are not in it")
UNSUPPORTED = {
    **dict.fromkeys(b"\x82\x83\x84", REGISTRY),
    **dict.fromkeys(b"io", FIRST_CALL),
    **dict.fromkeys(b"IFLSVdlgpP", TEXTUAL),
    **dict.fromkeys(b"\x97\x98", BUFFERS),
}
"""Why known opcodes are not supported."""

ACTIONS: dict[int, Callable[[PickleMachine], None]] = {
    0x80: lambda m: _protocol(m.number("B")),
    0x95: lambda m: _frame(m),
    ord("("): PickleMachine.mark,
    ord("0"): lambda m: _drop(m),
    ord("1"): lambda m: _ignore(m.group()),
    ord("2"): lambda m: m.push(m.top()),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("J"): lambda m: m.push(m.number("i")),
    ord("K"): lambda m: m.push(m.number("B")),
    ord("M"): lambda m: m.push(m.number("H")),
    0x8A: lambda m: m.integer(m.number("B")),
    0x8B: lambda m: m.integer(m.number("i")),
    ord("G"): lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    0x8C: lambda m: m.text(m.number("B")),
    ord("X"): lambda m: m.text(m.number("I")),
    0x8D: lambda m: m.text(m.number("Q")),
    ord("U"): lambda m: m.text(m.number("B")),
    ord("T"): lambda m: m.text(m.number("I")),
    ord("C"): lambda m: m.push(m.take(m.number("B"))),
    ord("B"): lambda m: m.push(m.take(m.number("I"))),
    0x8E: lambda m: m.push(m.take(m.number("Q"))),
    0x96: lambda m: m.push(m.take(m.number("Q"))),
    ord(")"): lambda m: m.push(()),
    ord("t"): lambda m: m.push(tuple(m.group())),
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    ord("]"): lambda m: m.push([]),
    ord("a"): lambda m: m.append([m.pop()]),
    ord("e"): lambda m: m.append(m.group()),
    ord("}"): lambda m: m.push({}),
    ord("s"): lambda m: m.put([m.pop(), m.pop()][::-1]),
    ord("u"): lambda m: m.put(m.group()),
    0x8F: lambda m: m.push(set()),
    0x90: lambda m: m.insert(m.group()),
    0x91: lambda m: m.push(set(unique(m.group()))),
    ord("q"): lambda m: m.remember(m.number("B")),
    ord("r"): lambda m: m.remember(m.number("I")),
    0x94: PickleMachine.remember,
    ord("h"): lambda m: m.recall(m.number("B")),
    ord("j"): lambda m: m.recall(m.number("I")),
    ord("c"): PickleMachine.name,
    0x93: PickleMachine.stacked_name,
    ord("R"): PickleMachine.call,
    0x81: PickleMachine.call,
    0x92: PickleMachine.call_with_keywords,
    ord("b"): PickleMachine.build,
    ord("Q"): PickleMachine.persistent_value,
}


def _protocol(number: int) -> None:
    if not 2 <= number <= 5:
        raise UnsupportedCheckpoint(
            "its pickle is of protocol {number}; checkpoints are of protocol 2 to 5", number=number
        )


def _frame(machine: PickleMachine) -> None:
    """Skip the length of a frame, which only helps readers that fetch the bytes in parts."""
    machine.number("Q")


def _drop(machine: PickleMachine) -> None:
    machine.pop()


def _ignore(_values: list[Value]) -> None:
    pass
