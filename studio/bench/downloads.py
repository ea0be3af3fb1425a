"""Bench of downloads: megabytes a second from a server on this machine, beside a plain loop that only copies."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from studio.bench.measurement import BenchSettings, Measurement
from studio.models.sources.download import download
from studio.models.sources.download_folder import RemoteFile, claimed

SIZE, TIMES, FILES = 128 * 10**6, 5, 3
CHUNK = 1 << 20


def lines(setting: BenchSettings) -> Iterator[Measurement]:
    """One file and three, verified by their sha256, each in turn with httpx2 that streams the same bytes to a file."""
    size, times = (10**6, 1) if setting.toy else (SIZE, TIMES)
    with tempfile.TemporaryDirectory() as name, _server(Path(name)) as url:
        folder = Path(name)
        part = hashlib.sha256(b"download").digest() * (CHUNK // 32)
        digest = hashlib.sha256()
        with (folder / "file").open("wb") as file:
            for at in range(0, size, CHUNK):
                file.write(part[: size - at])
                digest.update(part[: size - at])
        seconds: dict[str, list[float]] = {"plain": [], "one": [], "three": []}
        for turn in range(times + 1):  # the first one warms the disk
            for kind, fetch in {
                "plain": lambda: _plain(f"{url}/file", folder / "copy"),
                "one": lambda: _ours(url, folder, 1, size, digest.hexdigest()),
                "three": lambda: _ours(url, folder, FILES, size, digest.hexdigest()),
            }.items():
                taken = _time(fetch)
                if turn or times == 1:
                    seconds[kind].append(taken)
    median = {kind: statistics.median(taken) for kind, taken in seconds.items()}
    megabytes = size / 1e6
    more = {"megabytes": megabytes, "times": times}
    yield Measurement("download.plain", megabytes / median["plain"], "MB/s", more=more)
    ratio = median["one"] / median["plain"]
    yield Measurement("download.one", megabytes / median["one"], "MB/s", ratio=ratio, more=more)
    ratio = median["three"] / FILES / median["plain"]
    yield Measurement("download.three", FILES * megabytes / median["three"], "MB/s", ratio=ratio, more=more)


def _time(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def _plain(url: str, path: Path) -> None:
    import httpx2

    with httpx2.stream("GET", url) as answer, path.open("wb") as file:
        for chunk in answer.iter_raw():
            file.write(chunk)


def _ours(url: str, folder: Path, count: int, size: int, sha256: str) -> None:
    place = folder / "ours"
    with claimed(place, "bench"):
        download([RemoteFile(f"{url}/file?{at}", f"file{at}", size, sha256) for at in range(count)], place)
        shutil.rmtree(place)


@contextlib.contextmanager
def _server(folder: Path) -> Generator[str]:
    """The address of a server of the folder's files, in a process of its own."""
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            assert child.stdout is not None
            found = re.search(r"port (\d+)", child.stdout.readline())
            assert found is not None
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            child.kill()
