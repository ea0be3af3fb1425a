"""Counts what one thread reads of the disk: files opened, folders listed and stats taken."""

from __future__ import annotations

import builtins
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CALLS = ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat"), (os, "lstat"), (os, "scandir"), (os, "listdir"))


@contextmanager
def disk_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The calls of this thread inside the block, as "name path"; those of other threads are not counted."""
    mine, found = threading.get_ident(), list[str]()

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            path = args[0] if args else ""
            # Numbers are open files, such as pipes; devices are not on the disk.
            if threading.get_ident() == mine and not isinstance(path, int) and not str(path).startswith("/dev/"):
                found.append(f"{name} {path}")
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        for module, name in CALLS:
            patched.setattr(module, name, counted(name, getattr(module, name)))
        yield found
