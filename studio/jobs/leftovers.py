"""Removes what is left on the disk and named by nothing: copies of files, pasted files, cut-off imports and exports."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from studio.errors import StudioError
from studio.jobs.io.host import IoRequest
from studio.jobs.io.imports import remove_pasted
from studio.library.used_works import UsedWorks
from studio.models.catalog import Catalog
from studio.schema.request import Request
from studio.system import storage
from studio.system.paths import AppPaths

log = logging.getLogger(__name__)

START_DELAY = 3.0  # seconds in which the window opens without a thread beside it
CLOSE_TIMEOUT = 10.0  # seconds that the thread may take to end when the studio closes


class LeftoverSweep:
    """Runs `sweep` once, START_DELAY after the start, in a thread of its own. Only for the studio that holds the queue:
    another one does not know what waits there. `requests` returns all that are queued, interrupted or listed.
    """

    def __init__(
        self, paths: AppPaths, catalog: Catalog, used_works: UsedWorks, requests: Callable[[], Sequence[Request]]
    ) -> None:
        self._closing = threading.Event()

        def run() -> None:
            if self._closing.wait(START_DELAY):
                return
            catalog.sweep()
            sweep(paths, used_works, requests(), self._closing.is_set)

        self._thread = threading.Thread(target=run, name="leftovers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop and wait for the thread, though not without end: its disk may not answer."""
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT)


def sweep(
    paths: AppPaths,
    used_works: UsedWorks,
    requests: Sequence[Request],
    stopped: Callable[[], bool] = lambda: False,
    now: float | None = None,
) -> None:
    """Remove what killed studios did not finish, pasted files that no request is to import, and copies of files that no
    work, request, preset, document, character or state of the window names. Where one of these cannot be read, no copy
    is removed. `now` is in seconds since 1970.
    """

    def until_stopped(texts: Iterable[str]) -> Iterator[str]:
        for text in texts:
            if stopped():
                raise InterruptedError("the studio closes")
            yield text

    from studio.documents import document  # only the sweep needs it: the window starts sooner without it

    for place in {each.unfinished for each in requests if isinstance(each, IoRequest)}:
        if place is not None:
            storage.sweep_staging(*place)
    try:
        document.sweep(paths.documents)
        remove_pasted(paths.state, requests, now)
        used_works.remove_unused(until_stopped(_texts(paths, requests)), now)
    except (OSError, sqlite3.Error, ValueError, LookupError, TypeError, StudioError) as error:
        log.info("copies of files were not swept: %s", error)


def _texts(paths: AppPaths, requests: Iterable[Request]) -> Iterator[str]:
    """Every text outside the library that may name a copy."""
    from studio.documents import document

    for folder in (paths.config, paths.identities, paths.state):
        for path in folder.rglob("*.json"):
            yield path.read_text("utf-8", "replace")
    yield from document.texts(paths.documents)
    for request in requests:
        yield json.dumps(request.to_json())
