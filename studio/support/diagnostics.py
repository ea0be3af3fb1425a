"""Diagnostics: what this machine has, what is missing and how to get it."""

from __future__ import annotations

import ctypes.util
import getpass
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

import studio
from studio.errors import NOTHING, Message
from studio.models.catalog import Catalog
from studio.schema import settings
from studio.support import hardware
from studio.support.credits import LIBRARIES
from studio.system import log
from studio.system.paths import RESOURCES, AppPaths

ROOM_GB = 2.0  # free disk below which works and models soon fail to be kept
MEMORY_GB = 4.0  # memory below which the starters still work, and little else


@dataclass(frozen=True, slots=True)
class DiagnosticFinding:
    """One thing that was looked at. `missing` says what is wrong with it and `remedy` what to do, if anything is.

    A `value` that is no message is a name or a number, the same in every language. `essential` marks what the studio
    cannot work without.
    """

    section: str
    name: str
    value: str | Message
    missing: Message = NOTHING
    remedy: Message = NOTHING
    essential: bool = False


def examine(places: AppPaths, catalog: Catalog) -> list[DiagnosticFinding]:
    """Look at everything. Takes a few seconds, most of them for asking torch in a process of its own."""
    found: list[DiagnosticFinding] = []
    for look in (_studio, _machine, _graphics, _libraries, _sound, _window):
        found += look()
    found += _models(catalog)
    found += _folders(places)
    found += _history(places)
    return found


def to_json(finding: DiagnosticFinding) -> dict[str, str | bool]:
    """A finding as the command line gives it, in English."""
    return {
        name: value if isinstance(value, bool) else str(value)
        for name, value in ((name, getattr(finding, name)) for name in DiagnosticFinding.__slots__)
    }


def report(findings: Sequence[DiagnosticFinding], places: AppPaths) -> str:
    """The same as Markdown for others to read: no home folder, no user name, nothing of what was asked for."""
    lines = ["### AIGC Studio report", "", "| | | |", "|---|---|---|"]
    for finding in findings:
        cells = (finding.section, finding.name, finding.value)
        lines.append("| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    missing = [finding for finding in findings if finding.missing]
    lines += ["", *[f"- {finding.missing} {finding.remedy}".rstrip() for finding in missing]]
    return anonymous("\n".join(lines).rstrip(), places)


def anonymous(words: str, places: AppPaths) -> str:
    """`words` without the paths of this user's places and home, the user's name and the machine's name."""
    paths = {str(path): f"<{name}>" for name, path in ((name, getattr(places, name)) for name in AppPaths.__slots__)}
    chosen, _ = settings.load(places.config / "settings.toml")
    for name, folder in (("library", chosen.library_folder), ("models", chosen.models_folder)):
        if folder:
            paths[str(settings.folder(folder, Path()))] = f"<{name}>"
    home = os.environ.get("STUDIO_HOME")
    if home:
        paths[str(Path(home).expanduser().resolve())] = "<studio>"
    paths[str(Path.home())] = "~"
    paths[tempfile.gettempdir()] = "<temporary>"
    for path, name in sorted(paths.items(), key=lambda item: -len(item[0])):
        if len(path) > 1:
            words = words.replace(path, name)
    # Models of one's own bear names of one's own; what follows one without a slash goes with it.
    words = re.sub(r"<models>[/\\]+[^/\\\n\"]+", "<models>/<one>", words)
    for name in (_user(), platform.node()):
        if len(name) > 1:
            words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<name>", words, flags=re.IGNORECASE)
    return words


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user in the system's list
        return ""


def _studio() -> Iterator[DiagnosticFinding]:
    yield DiagnosticFinding("Studio", "version", studio.__version__)
    yield DiagnosticFinding("Studio", "Python", f"{platform.python_version()} ({platform.python_implementation()})")
    yield DiagnosticFinding("Studio", "packaged", Message("yes") if getattr(sys, "frozen", False) else Message("no"))
    asked = os.environ.get("STUDIO_DEVICE")
    if asked:
        yield DiagnosticFinding("Studio", "STUDIO_DEVICE", asked)


def _machine() -> Iterator[DiagnosticFinding]:
    yield DiagnosticFinding("Machine", "system", f"{platform.system()} {platform.release()} {platform.machine()}")
    cores = psutil.cpu_count(logical=False) or 0
    yield DiagnosticFinding(
        "Machine",
        "processor",
        Message(
            "{name}, {cores} cores, {threads} threads",
            name=hardware.processor(),
            cores=cores,
            threads=psutil.cpu_count(),
        ),
    )
    memory = psutil.virtual_memory()
    total, free = memory.total / 1e9, memory.available / 1e9
    little = total < MEMORY_GB
    yield DiagnosticFinding(
        "Machine",
        "memory",
        Message("{total:.1f} GB, {free:.1f} GB free", total=total, free=free),
        Message("This machine has only {total:.1f} GB of memory.", total=total) if little else NOTHING,
        Message("The starter models work; larger ones may not.") if little else NOTHING,
    )


def _graphics() -> Iterator[DiagnosticFinding]:
    cards = hardware.nvidia()
    told = hardware.ask_torch()
    if isinstance(told, Message):
        yield DiagnosticFinding("Graphics", "torch", told, Message("The engines cannot start."), told, essential=True)
        return
    yield DiagnosticFinding(
        "Graphics",
        "models run on",
        Message("{device}, {threads} threads, {cpu}", device=told["device"], threads=told["threads"], cpu=told["cpu"]),
    )
    yield DiagnosticFinding("Graphics", "torch is built for", str(told["built for"]))
    for card in cards or told["cards"]:
        yield DiagnosticFinding("Graphics", "card", card)
    if cards and told["device"] == "cpu" and not os.environ.get("STUDIO_DEVICE"):
        yield DiagnosticFinding(
            "Graphics",
            "use of the card",
            Message("none"),
            Message("There is an NVIDIA card, but the installed torch does not use it."),
            Message(
                "Run `python3 run.py` once more with the card's driver in place: it installs the build that uses it."
            ),
        )
    elif not cards and not told["cards"] and told["device"] == "cpu":
        yield DiagnosticFinding("Graphics", "card", Message("none found; the processor is used"))


def _libraries() -> Iterator[DiagnosticFinding]:
    for name in LIBRARIES:
        try:
            yield DiagnosticFinding("Libraries", name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield DiagnosticFinding(
                "Libraries",
                name,
                Message("missing"),
                Message("{name} is not installed.", name=name),
                Message("`python3 run.py` installs it."),
                essential=True,
            )


def _sound() -> Iterator[DiagnosticFinding]:
    # Its wheels bring PortAudio along everywhere but on Linux.
    there = not sys.platform.startswith("linux") or bool(ctypes.util.find_library("portaudio"))
    yield DiagnosticFinding(
        "Sound",
        "PortAudio",
        Message("found") if there else Message("missing"),
        NOTHING if there else Message("Music can be made but not played: PortAudio is missing."),
        NOTHING
        if there
        else Message(
            "Install it with `sudo apt install libportaudio2` (Debian, Ubuntu) or `sudo dnf install portaudio`."
        ),
    )


def _window() -> Iterator[DiagnosticFinding]:
    if not sys.platform.startswith("linux"):
        return
    shown = [name for name in ("WAYLAND_DISPLAY", "DISPLAY") if os.environ.get(name)]
    drawn = bool(shown) or os.environ.get("QT_QPA_PLATFORM") == "offscreen"  # as for pictures of the window
    yield DiagnosticFinding(
        "Window",
        "display",
        Message("yes") if shown else Message("none"),
        NOTHING if drawn else Message("There is no display, so only the command line works."),
        NOTHING if drawn else Message("Start it in a desktop session."),
    )
    wanted = {
        "EGL": "libegl1",
        "GL": "libgl1",
        "xkbcommon": "libxkbcommon0",
        "fontconfig": "libfontconfig1",
        "dbus-1": "libdbus-1-3",
        "gssapi_krb5": "libgssapi-krb5-2",
    }
    if "WAYLAND_DISPLAY" not in shown:
        wanted |= {
            "xcb-cursor": "libxcb-cursor0",
            "xcb-icccm": "libxcb-icccm4",
            "xcb-keysyms": "libxcb-keysyms1",
            "xcb-shape": "libxcb-shape0",
            "xkbcommon-x11": "libxkbcommon-x11-0",
        }
    missing = [package for name, package in wanted.items() if not (ctypes.util.find_library(name) or _packaged(name))]
    yield DiagnosticFinding(
        "Window",
        "system libraries",
        Message("missing: {names}", names=", ".join(missing)) if missing else Message("complete"),
        Message("The window needs libraries that are missing.") if missing else NOTHING,
        Message("Install them with `sudo apt install {names}`.", names=" ".join(missing)) if missing else NOTHING,
    )
    yield from _fonts()


def _packaged(library: str) -> bool:
    """Whether a packaged studio brings a library of the system along, beside its resources."""
    return any(RESOURCES.parent.glob(f"lib{library}.so*"))


def _fonts() -> Iterator[DiagnosticFinding]:
    program = shutil.which("fc-list")
    if program is None:
        yield DiagnosticFinding("Window", "fonts", Message("not known, for fc-list is missing"))
        return
    number, chinese = (len((hardware.output([program, *ask], 20) or "").splitlines()) for ask in ((), (":lang=zh-cn",)))
    missing = remedy = NOTHING
    if not number:
        missing = Message("There are no fonts, so the window shows no text.")
        remedy = Message("Run `sudo apt install fonts-dejavu-core`.")
    elif not chinese:
        missing = Message("No font with Chinese characters is installed.")
        remedy = Message("Run `sudo apt install fonts-noto-cjk` to see them.")
    value = Message("{number}, {chinese} of them Chinese", number=number, chinese=chinese)
    yield DiagnosticFinding("Window", "fonts", value, missing, remedy)


def _models(catalog: Catalog) -> Iterator[DiagnosticFinding]:
    models = catalog.models()
    for warning in catalog.warnings:
        yield DiagnosticFinding("Models", "unreadable", Message("one model"), warning)
    for model in models:
        problems = catalog.verify(model) if model.bundled else []
        name = model.id if model.bundled else f"{model.medium} of one's own"
        state = Message("whole") if model.bundled else Message("not checked")
        if problems:
            state = Message("damaged")
        yield DiagnosticFinding(
            "Models",
            name,
            Message("{family}, {size:.1f} MB, {state}", family=model.family, size=model.size / 1e6, state=state),
            problems[0] if problems else NOTHING,
            Message("Reinstall the studio.") if problems else NOTHING,
            essential=bool(problems),
        )
    if not any(model.bundled for model in models):
        yield DiagnosticFinding(
            "Models",
            "starters",
            Message("missing"),
            Message("The starter models are missing."),
            Message("Reinstall the studio."),
            essential=True,
        )


def _folders(places: AppPaths) -> Iterator[DiagnosticFinding]:
    chosen, warnings = settings.load(places.config / "settings.toml")
    for warning in warnings:
        yield DiagnosticFinding("Folders", "settings", Message("a value or the file is wrong"), warning)
    folders = {
        "library": settings.folder(chosen.library_folder, places.library),
        "models": settings.folder(chosen.models_folder, places.models),
        "state": places.state,
    }
    for name, folder in folders.items():
        free = hardware.free_gb(folder)
        writable = hardware.writable(folder)
        missing = remedy = NOTHING
        if not writable:
            missing = Message("The folder for {name} cannot be written to: {folder}.", name=name, folder=folder)
            remedy = Message("Choose another in the settings.")
        elif free is not None and free < ROOM_GB:
            missing = Message("Only {free:.1f} GB are free where {name} is kept.", free=free, name=name)
            remedy = Message("Free some space.")
        room = Message("room unknown") if free is None else Message("{free:.1f} GB free", free=free)
        state = Message("writable") if writable else Message("not writable")
        yield DiagnosticFinding(
            "Folders",
            name,
            Message("{room}, {state}", room=room, state=state),
            missing,
            remedy,
            essential=not writable,
        )


def _history(places: AppPaths) -> Iterator[DiagnosticFinding]:
    """When the program last crashed natively, and where; of the log only how many errors it holds."""
    for name in ("studio", "command-line", "worker-device", "worker-training"):
        crash = log.crash_path(places.logs, name)
        if crash.is_file() and crash.stat().st_size:
            words = crash.read_text(encoding="utf-8", errors="replace")
            # The last crash, from its first line on: what follows its frames is a long list of modules.
            head = words[max(0, words.rfind("Fatal Python error")) :][:4000]
            frames = re.findall(r'File "[^"]*?([^"/\\]+)", line (\d+) in (\w+)', head)
            where = " < ".join(f"{file}:{line} {function}" for file, line, function in frames[:5])
            cause = next((line for line in head.splitlines() if "rror" in line), "a native crash")
            yield DiagnosticFinding("History", f"crash of {name}", f"{cause}: {where}")
        written = log.path(places.logs, name)
        if written.is_file():
            count = written.read_text(encoding="utf-8", errors="replace").count(" ERROR ")
            if count:
                yield DiagnosticFinding("History", f"errors logged ({name})", str(count))
