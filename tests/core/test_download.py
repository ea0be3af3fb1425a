"""Downloads: resumed from the last byte whatever ended them, verified, and patient with servers of every kind."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled
from studio.models.sources import download as module
from studio.models.sources import download_folder
from studio.models.sources.download import DownloadRefused, OutOfReach, Patience, download
from studio.models.sources.download_folder import (
    FilePart,
    RemoteFile,
    claimed,
    demand_names,
    is_claimed,
    without_secrets,
)
from studio.system import log, storage
from tests import fakes
from tests.file_server import (
    Fault,
    FileServer,
    Handler,
    cut,
    hold,
    instead,
    no_ranges,
    page,
    redirect,
    silent,
    status,
    unnamed_page,
)

DATA = bytes(range(256)) * 1200
QUICK = Patience(waits=(0.0, 0.0, 0.0), stall=5.0, longest=1.0)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({"/model.gguf": DATA}) as made:
        yield made


def remote(server: FileServer, path: str = "/model.gguf", data: bytes = DATA, **changes: Any) -> RemoteFile:
    file = RemoteFile(server.url + path, path.strip("/"), len(data), hashlib.sha256(data).hexdigest())
    return replace(file, **changes)


def blind(server: FileServer, path: str = "/model.gguf") -> RemoteFile:
    """A file of which nothing is published."""
    return RemoteFile(server.url + path, path.strip("/"))


def fetch(folder: Path, *files: RemoteFile, patience: Patience = QUICK, **how: Any) -> list[Path]:
    with claimed(folder, "Toy"):
        return download(files, folder, patience=patience, **how)


def test_files_come_side_by_side_with_progress_over_all_of_them(server: FileServer, tmp_path: Path) -> None:
    names = ["图像 模型.safetensors", "text encoder/config.json", "a" * 200, "空.bin"]
    datas = [DATA, b"{}", DATA[:1000], b""]
    server.files = {f"/{name}": data for name, data in zip(names, datas, strict=True)}
    git = hashlib.sha1(b"blob 2\0{}").hexdigest()
    files = [remote(server, f"/{name}", data) for name, data in zip(names, datas, strict=True)]
    files[1] = replace(files[1], sha256="", git_sha1=git)
    seen: list[tuple[int, int]] = []
    paths = fetch(tmp_path / "d", *files, report=lambda *at: seen.append(at))
    assert [path.read_bytes() for path in paths] == datas
    assert [path.relative_to(tmp_path / "d" / "files").as_posix() for path in paths] == names
    whole = sum(map(len, datas))
    assert seen[-1] == (whole, whole)
    assert all(done <= total == whole for done, total in seen)
    served = len(server.log)
    assert fetch(tmp_path / "d", *files) == paths
    assert len(server.log) == served  # what is whole is not asked for again


def test_three_files_are_fetched_at_once_and_no_more(server: FileServer, tmp_path: Path) -> None:
    busy, most, met = 0, 0, threading.Barrier(3, timeout=20)
    lock = threading.Lock()

    def together(handler: Handler, data: bytes) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        met.wait()
        with lock:
            busy -= 1
        handler.serve(data)

    server.files = {f"/{at}": DATA for at in range(6)}
    server.faults = {path: [together] for path in server.files}
    fetch(tmp_path / "d", *(remote(server, path) for path in server.files))
    assert most == 3


@pytest.mark.parametrize(
    "faults",
    [
        [cut(0), cut(1), cut(70_000), cut(200_000), cut(len(DATA) - 1)],
        [status(503), status(429, Retry_After="0"), status(500)],
        [page, unnamed_page],
        [cut(90_000), page, cut(90_000), cut(120_000), status(502)],
        [redirect("/model.gguf")],
        [status(503, Retry_After="Thu, 01 Jan 2015 00:00:00 GMT")],
    ],
)
def test_a_bad_server_costs_time_and_no_byte_is_fetched_twice(
    faults: list[Fault], server: FileServer, tmp_path: Path
) -> None:
    server.faults["/model.gguf"] = faults
    (path,) = fetch(tmp_path / "d", remote(server))
    assert path.read_bytes() == DATA
    assert sum(sent for _, sent in server.bodies("/model.gguf")) == len(DATA)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (page, "web page"),
        (status(503), r"busy \(HTTP 503\)"),
        (cut(0), "broke off"),
        (redirect("/model.gguf"), "circle"),
        (instead(DATA[:-1]), "307,199 bytes of it instead of 307,200"),
        (status(429, Retry_After="4000"), "429"),
    ],
)
def test_a_server_that_stays_bad_is_named_and_what_came_is_kept(
    fault: Fault, said: str, server: FileServer, tmp_path: Path
) -> None:
    server.faults["/model.gguf"] = [cut(90_000), *[fault] * 9]
    with pytest.raises(StudioError, match=said) as caught:
        fetch(tmp_path / "d", remote(server))
    assert "goes on from there" in str(caught.value)
    server.faults.clear()
    (path,) = fetch(tmp_path / "d", remote(server))
    assert path.read_bytes() == DATA
    assert [one.start for one in server.log if one.path == "/model.gguf"][-1] == 90_000


def test_a_wait_that_a_server_asks_for_is_kept(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    server.faults["/model.gguf"] = [status(503, Retry_After="40"), status(503), cut(5), status(503)]
    fetch(tmp_path / "d", remote(server), patience=Patience(waits=(1.0, 2.0, 4.0)))
    assert waited == [40.0, 2.0, 1.0, 2.0]


def test_a_server_that_stalls_is_left_and_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [hold(50_000)]
    (path,) = fetch(tmp_path / "d", remote(server), patience=replace(QUICK, stall=0.2))
    assert path.read_bytes() == DATA
    assert server.bodies("/model.gguf") == [(0, 50_000), (50_000, len(DATA) - 50_000)]


@pytest.mark.parametrize("change", [DATA[::-1], DATA + b"more", DATA[:200_000]])
def test_a_file_that_changes_meanwhile_begins_anew_and_is_never_mixed(
    change: bytes, server: FileServer, tmp_path: Path
) -> None:
    def changed(handler: Handler, data: bytes) -> None:
        handler.owner.files["/model.gguf"] = change
        handler.serve(data, 90_000)

    server.faults["/model.gguf"] = [changed]
    (path,) = fetch(tmp_path / "d", blind(server))
    assert path.read_bytes() == change


def test_a_server_without_ranges_begins_anew(server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [cut(90_000), no_ranges]
    (path,) = fetch(tmp_path / "d", remote(server))
    assert path.read_bytes() == DATA


def test_ranges_that_are_not_what_was_asked_for_are_dropped(server: FileServer, tmp_path: Path) -> None:
    def elsewhere(handler: Handler, data: bytes) -> None:
        handler.answer(206, data[5:], {"Content-Range": f"bytes 5-{len(data) - 1}/{len(data)}"})

    def grown(handler: Handler, data: bytes) -> None:
        handler.answer(206, data[60_000:], {"Content-Range": f"bytes 60000-{len(data)}/{len(data) + 1}"})

    server.faults["/model.gguf"] = [cut(90_000), elsewhere, cut(60_000), grown]
    (path,) = fetch(tmp_path / "d", blind(server), patience=replace(QUICK, waits=(0.0,) * 5))
    assert path.read_bytes() == DATA


def test_lengths_that_are_lies_are_seen(server: FileServer, tmp_path: Path) -> None:
    def longer(handler: Handler, data: bytes) -> None:
        handler.answer(200, data, {"Content-Length": str(len(data) + 9)})
        handler.close_connection = True

    def endless(handler: Handler, data: bytes) -> None:
        handler.answer(200, data + b"more", {"Content-Length": "", "Connection": "close"})

    server.faults["/model.gguf"] = [longer, endless]
    (path,) = fetch(tmp_path / "d", remote(server))
    assert path.read_bytes() == DATA
    server.faults["/model.gguf"] = [endless]
    (path,) = fetch(tmp_path / "e", blind(server))
    assert path.read_bytes() == DATA + b"more"  # nobody has said how long it is


def test_another_file_is_dropped_and_named(server: FileServer, tmp_path: Path) -> None:
    other = bytes(len(DATA))
    server.files["/model.gguf"] = other
    with pytest.raises(StudioError, match="hash differs"):
        fetch(tmp_path / "d", remote(server))
    assert not any(path.is_file() for path in (tmp_path / "d").rglob("*"))
    with pytest.raises(StudioError, match="hash differs"):
        fetch(tmp_path / "d", remote(server, sha256="", git_sha1=hashlib.sha1(b"blob 9\0").hexdigest()))


def test_a_part_that_a_crash_has_torn_is_fetched_once_more(server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [cut(90_000), status(410)]
    with pytest.raises(OutOfReach, match="no file"):
        fetch(tmp_path / "d", remote(server))
    (part,) = (tmp_path / "d" / "parts").glob("*.part")
    part.write_bytes(bytes(90_000))
    (path,) = fetch(tmp_path / "d", remote(server))
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_is_not_asked_twice(code: int, server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [status(code)] * 2
    with pytest.raises(DownloadRefused) as caught:
        fetch(tmp_path / "d", remote(server), token="hf_secret")
    assert caught.value.code == code
    assert len(server.log) == 1
    assert "secret" not in f"{caught.value!r} {caught.value}"


def test_a_token_stays_with_its_host(server: FileServer, tmp_path: Path) -> None:
    with FileServer({"/blob": DATA}) as other:
        server.faults["/model.gguf"] = [redirect("/there")]
        server.faults["/there"] = [redirect(f"{other.url}/blob")]
        (path,) = fetch(tmp_path / "d", remote(server), token="hf_secret")
    assert path.read_bytes() == DATA
    assert [one.headers.get("Authorization") for one in server.log] == ["Bearer hf_secret"] * 2
    assert [one.headers.get("Authorization") for one in other.log] == [None]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/model.gguf"])
def test_redirects_elsewhere_are_refused(target: str, server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [redirect(target)]
    with pytest.raises(StudioError, match="without encryption"):
        fetch(tmp_path / "d", remote(server))


def test_encryption_is_not_given_up_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx2

    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(302, headers={"Location": "http://models.example/model.gguf"})

    real = httpx2.AsyncClient
    monkeypatch.setattr(httpx2, "AsyncClient", lambda **how: real(transport=httpx2.MockTransport(answer), **how))
    with pytest.raises(StudioError, match="without encryption"):
        fetch(tmp_path / "d", RemoteFile("https://models.example/model.gguf?key=secret", "model.gguf"))
    assert asked == ["https://models.example/model.gguf?key=secret"]


def test_a_dead_address_is_said_after_one_more_try(tmp_path: Path) -> None:
    with FileServer() as gone:
        pass
    file = RemoteFile(f"{gone.url}/model.gguf?key=secret".replace("//", "//user:secret@"), "model.gguf")
    waits = (0.0, 60.0)
    with pytest.raises(OutOfReach, match=r"127\.0\.0\.1:\d+ is out of reach") as caught:
        fetch(tmp_path / "d", file, patience=Patience(waits=waits))
    assert "secret" not in f"{caught.value} {file!r}"


def test_what_does_not_fit_is_said_before_anything_is_asked(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="Free some space"):
        fetch(tmp_path / "d", remote(server, size=1 << 60))
    assert server.log == []


def test_a_disk_that_fills_up_keeps_what_is_there(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FilePart.append

    def full(self: Any, data: bytes) -> None:
        if self.length > 60_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, data)

    monkeypatch.setattr(FilePart, "append", full)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is what counts
        fetch(tmp_path / "d", remote(server))
    assert storage.is_full(caught.value)
    monkeypatch.setattr(FilePart, "append", real)
    (path,) = fetch(tmp_path / "d", remote(server))
    assert path.read_bytes() == DATA
    assert server.log[-1].start > 60_000


def test_what_the_report_raises_ends_it_at_once_and_keeps_what_came(server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [hold(60_000)]

    def cancel(done: int, _total: int) -> None:
        if done == 60_000:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(tmp_path / "d", remote(server), report=cancel, patience=Patience())
    fetch(tmp_path / "d", remote(server))
    assert server.bodies("/model.gguf") == [(0, 60_000), (60_000, len(DATA) - 60_000)]


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "a\\b", "C:x", "a\0b", "CON", "sub/nul.txt", "Lpt1.safetensors", "", ".", "a//b",
     "x.", "x ", "线" * 86, "\ud800"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str, server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="may be called"):
        fetch(tmp_path / "d", RemoteFile(f"{server.url}/model.gguf", name))
    assert not (tmp_path / "d" / "files").exists()
    assert server.log == []


@pytest.mark.parametrize(
    "names", [("a", "a"), ("a", "A"), ("a", "a/b"), ("a/b", "a"), ("é", "e\u0301"), ("D/a", "d/b")]
)
def test_two_files_in_one_place_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(BadInput, match="two files"):
        demand_names(names)


def test_names_that_only_look_odd_are_kept() -> None:
    demand_names(
        ["console.txt", "a/b", "a/c", "线" * 85, ".gitattributes", "model-00001-of-00002.safetensors", "컴 퓨터"]
    )


CHILD = """
import json, sys, time
from pathlib import Path
from studio.models.sources.download import download
from studio.models.sources.download_folder import FilePart, RemoteFile, claimed
url, folder, size, sha256, stop = json.loads(sys.argv[1])
if stop:
    def wait(self):
        Path(folder, "verified").touch()
        time.sleep(60)
    FilePart.finish = wait
with claimed(Path(folder), "Toy"):
    download([RemoteFile(url, "model.gguf", size, sha256)], Path(folder))
"""


def child(file: RemoteFile, folder: Path, stop: bool = False) -> subprocess.Popen[bytes]:
    said = json.dumps([file.url, str(folder), file.size, file.sha256, stop])
    return subprocess.Popen([sys.executable, "-c", CHILD, said], env={**os.environ, "PYTHONPATH": "."})


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def part_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "parts").glob("[!.]*.part"))


def test_a_killed_process_loses_nothing(server: FileServer, tmp_path: Path) -> None:
    folder, steps = tmp_path / "Ящик 図 é", (1, 150_000, len(DATA) - 1)
    for step in steps:
        server.faults["/model.gguf"] = [hold(step)]
        process = child(remote(server), folder)
        fakes.until(lambda step=step, process=process: part_size(folder) == step or process.poll() is not None, 30)
        kill(process)
        assert part_size(folder) == step
    process = child(remote(server), folder, stop=True)  # all bytes are there, and verified
    fakes.until(lambda: (folder / "verified").exists() or process.poll() is not None, 30)
    kill(process)
    assert part_size(folder) == len(DATA)
    (path,) = fetch(folder, remote(server))
    assert path.read_bytes() == DATA
    starts = [0, *steps]
    assert server.bodies("/model.gguf") == [
        (start, end - start) for start, end in zip(starts, [*steps, len(DATA)], strict=True)
    ]


def test_two_processes_do_not_fetch_into_one_folder(server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [hold(1)]
    first = child(remote(server), tmp_path / "d")
    try:
        fakes.until(lambda: part_size(tmp_path / "d") == 1 or first.poll() is not None, 30)
        assert is_claimed(tmp_path / "d")
        with pytest.raises(StudioError, match="Toy is being fetched already"):
            fetch(tmp_path / "d", remote(server))
    finally:
        kill(first)
    assert not is_claimed(tmp_path / "d")
    (path,) = fetch(tmp_path / "d", remote(server))
    assert path.read_bytes() == DATA


def test_looking_whether_a_download_runs_does_not_stop_one_that_begins(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_folder, "MOMENT", 60.0)  # for a busy machine
    held = storage.try_lock(tmp_path / "d.lock")  # as `is_claimed` has it for a moment
    assert held is not None
    looking = threading.Timer(0.05, held.release)
    looking.start()
    fetch(tmp_path / "d", remote(server))
    looking.join()


def test_nobody_holds_a_deleted_lock(tmp_path: Path) -> None:
    lock = tmp_path / "d.lock"
    for _ in range(20):
        held = storage.try_lock(lock)
        assert held is not None
        there: list[bool] = []

        def take(there: list[bool] = there) -> None:
            taken = storage.try_lock(lock, 10.0)
            assert taken is not None
            there.append(lock.exists())
            taken.release()

        other = threading.Thread(target=take)
        other.start()
        storage.release_and_remove(held, lock)
        other.join()
        assert there == [True]


def test_progress_has_no_total_while_a_size_is_unknown(server: FileServer, tmp_path: Path) -> None:
    server.files["/second.gguf"] = DATA
    server.faults["/second.gguf"] = [silent]
    files, seen = (blind(server), blind(server, "/second.gguf")), list[tuple[int, int]]()

    def report(done: int, total: int) -> None:
        seen.append((done, total))
        if server.reached.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(tmp_path / "d", *files, report=report, patience=replace(QUICK, parallel=1))
    assert seen[-1] == (len(DATA), 0)
    assert {total for _, total in seen} == {0}
    fetch(tmp_path / "d", *files, report=lambda *at: seen.append(at))
    assert seen[-1] == (2 * len(DATA), 2 * len(DATA))


def test_the_keys_in_an_address_do_not_get_into_the_log(server: FileServer, tmp_path: Path) -> None:
    with log.logging_to(tmp_path / "logs", "studio"):
        file = remote(server)
        fetch(tmp_path / "d", replace(file, url=f"{file.url}?key=hush"))
    assert len(server.log) == 1
    assert "hush" not in log.path(tmp_path / "logs").read_text("utf-8")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://me:word@host:8/a/b.gguf", "https://host:8/a/b.gguf"),
        ("https://host/get?file=b.gguf&version=2&download=1", "https://host/get?file=b.gguf&version=2&download=1"),
        ("https://host/b?API_KEY=1&id=5&access_token=2", "https://host/b?id=5"),
        ("https://s3/b?X-Amz-Credential=1&X-Amz-Date=2&X-Amz-Signature=3&versionId=4", "https://s3/b?versionId=4"),
        ("https://cdn/b?Expires=1&Signature=2&Key-Pair-Id=3&Policy=4", "https://cdn/b"),
        ("https://az/b?sv=1&st=2&se=3&sr=b&sp=r&sig=4&comp=5", "https://az/b?comp=5"),
        ("https://host/b?se=3&sp=r#token=1", "https://host/b?se=3&sp=r"),
        ("https://host/b?%74oken=1&&x=%20", "https://host/b?x=%20"),
        ("hub:owner/name@main:a?token=1", "hub:owner/name@main:a?token=1"),
    ],
)
def test_an_address_is_told_without_what_lets_in(address: str, kept: str) -> None:
    assert without_secrets(address) == kept
    assert RemoteFile(address, "b").place == kept


def test_an_own_proxy_is_used(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    file = RemoteFile("http://models.example/model.gguf", "model.gguf", len(DATA))
    (path,) = fetch(tmp_path / "d", file)
    assert path.read_bytes() == DATA
    assert server.log[0].headers["Host"] == "models.example"


def test_it_is_quick_to_end_while_a_server_makes_it_wait(server: FileServer, tmp_path: Path) -> None:
    server.faults["/model.gguf"] = [status(503, Retry_After="100")]
    begun = time.monotonic()

    def cancel(_done: int, _total: int) -> None:
        if server.log:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(tmp_path / "d", remote(server), report=cancel, patience=Patience())
    assert time.monotonic() - begun < 50
