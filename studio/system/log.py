"""The studio's log: a rotating file and a trace of native crashes, with the texts of requests redacted.

`conceal` registers the texts of a request, which are then removed from every line.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import threading
from collections.abc import Generator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from studio.schema.fields import FreeText
from studio.schema.request import Request

FILE_SIZE = 1_000_000  # bytes of one log file
BACKUPS = 3  # older ones beside it
MIN_LETTERS = 4  # letters; shorter words are not private, and redacting them would make the rest unreadable
MIN_SIGNS = 2  # the same in scripts like Chinese, where two characters are a name
MAX_LINES = 50  # of each text, which are also redacted one by one
MAX_LETTERS = 4_000_000  # of all of them together
MAX_TEXTS = 1000  # texts that are redacted; older ones belong to jobs that ended long ago
REDACTED = "[...]"
QUIET = ("httpx2",)
"""Libraries that log the address of each file that they fetch, with the keys of the user in it: only their warnings are
kept.
"""

_secrets: dict[str, None] = {}
_lock = threading.Lock()


def path(folder: Path, name: str = "studio") -> Path:
    """The log file of a program of that name."""
    return folder / f"{name}.log"


def crash_path(folder: Path, name: str = "studio") -> Path:
    """The file that a native crash of that program is traced to."""
    return folder / f"{name}.crash"


def start(folder: Path, name: str = "studio", level: int = logging.INFO) -> list[str]:
    """Start logging to `folder`; returns messages where that cannot be written to. Never raises.

    Warnings of Python and of libraries are logged as well. `stop` undoes it.
    """
    root = logging.getLogger()
    stop()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path(folder, name), maxBytes=FILE_SIZE, backupCount=BACKUPS, encoding="utf-8")
        crashes = crash_path(folder, name).open("a", encoding="utf-8")
    except OSError as error:
        return [f"There will be no log: {folder} cannot be written to ({error.strerror})."]
    handler.setFormatter(ConcealingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(level)
    for library in QUIET:
        logging.getLogger(library).setLevel(max(level, logging.WARNING))
    ours = not faulthandler.is_enabled()  # with -X faulthandler it writes to standard error already
    if ours:
        faulthandler.enable(crashes)
    _running.append((handler, crashes, ours))
    return []


def stop() -> None:
    """Close what `start` opened."""
    while _running:
        handler, crashes, ours = _running.pop()
        logging.getLogger().removeHandler(handler)
        handler.close()
        if ours:
            faulthandler.disable()
        crashes.close()


@contextlib.contextmanager
def logging_to(folder: Path, name: str) -> Generator[None]:
    """`start` before a block and `stop` after it; the block also runs where no log can be written."""
    start(folder, name)
    try:
        yield
    finally:
        stop()


def conceal(request: Request) -> None:
    """Redact the texts of a request in all lines that are logged from now on."""
    texts = [getattr(request, name) for name, note in request.fields() if isinstance(note, FreeText)]
    with _lock:
        for text in texts:
            for line in (text, repr(text)[1:-1], *text.splitlines()[:MAX_LINES]):
                word = line.strip()
                if len(word) >= (MIN_LETTERS if word.isascii() else MIN_SIGNS):
                    _secrets.pop(word, None)
                    _secrets[word] = None
        while len(_secrets) > MAX_TEXTS or sum(map(len, _secrets)) > MAX_LETTERS:
            del _secrets[next(iter(_secrets))]


def redact(text: str) -> str:
    """The text without those that were concealed."""
    with _lock:
        secrets = sorted(_secrets, key=len, reverse=True)
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text


class ConcealingFormatter(logging.Formatter):
    """Formats a record, tracebacks included, without the texts that were concealed."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


_running: list[tuple[RotatingFileHandler, TextIO, bool]] = []
