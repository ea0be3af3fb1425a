"""The settings of the studio: one frozen value, kept in a TOML file."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import tomli_w

from studio.errors import BadInput, Message
from studio.schema.fields import Checked, Choice, Flag, FreeText, PathTo, Range, field
from studio.system import storage

VERSION = 1
SIZE_LIMIT = 1_000_000  # bytes; a settings file is a few hundred


@dataclass(frozen=True, kw_only=True)
class Settings(Checked):
    """All settings, checked and made canonical on construction; BadInput names the one at fault.

    The settings page shows them in this order, without the hidden ones, whose controls are made apart.
    """

    theme: str = field(
        "system",
        Choice(
            label="Theme",
            help="Light, dark, or the same as the system.",
            group="Window",
            options=(("system", "Match system"), ("light", "Light"), ("dark", "Dark")),
        ),
    )
    language: str = field(
        "system",
        Choice(
            label="Language",
            help="The language of the window.",
            group="Window",
            hidden=True,
            options=(("system", "Match system"), ("en", "English"), ("zh_CN", "简体中文")),
        ),
    )
    text_size: float = field(
        1.0,
        Range(
            label="Text size",
            help="How large text is; 1 is the system's size.",
            group="Window",
            low=0.75,
            high=2.5,
            step=0.05,
            shown=(100, "%"),
        ),
    )
    reduced_motion: bool = field(False, Flag(label="Reduced motion", help="Turn off animations.", group="Window"))
    device: str = field(
        "auto",
        Choice(
            label="Device",
            help="Where models run; automatic uses the fastest device.",
            group="Machine",
            restart=True,
            options=(
                ("auto", "Automatic"),
                ("cpu", "Processor (CPU)"),
                ("cuda", "NVIDIA or AMD GPU"),
                ("mps", "Apple GPU"),
            ),
        ),
    )
    threads: int = field(
        0,
        Range(
            label="Processor threads",
            help="How many processor threads models use; 0 is automatic.",
            low_word="Automatic",
            group="Machine",
            restart=True,
            low=0,
            high=512,
        ),
    )
    memory_budget_gb: float = field(
        0.0,
        Range(
            label="Memory for models",
            help="How much memory loaded models may use together; 0 is automatic.",
            low_word="Automatic",
            group="Machine",
            restart=True,
            low=0,
            high=4096,
            step=0.5,
            unit="GB",
        ),
    )
    context: int = field(
        0,
        Range(
            label="Text that models read",
            help="How many tokens a language model looks back at, where it can; more take more memory. 0 is automatic.",
            low_word="Automatic",
            group="Machine",
            advanced=True,
            restart=True,
            low=0,
            high=1_000_000,
            unit="tokens",
        ),
    )
    gpu_layers: int = field(
        -1,
        Range(
            label="Layers on the GPU",
            help="How many layers of a GGUF model run on the graphics card; -1 is as many as it holds.",
            low_word="Automatic",
            group="Machine",
            advanced=True,
            restart=True,
            low=-1,
            high=1000,
        ),
    )
    library_folder: str = field(
        "",
        PathTo(
            label="Library",
            help="Where works are stored; empty uses the default folder.",
            group="Folders",
            folder=True,
            restart=True,
        ),
    )
    models_folder: str = field(
        "",
        PathTo(
            label="Models",
            help="Where models are stored; empty uses the default folder.",
            group="Folders",
            folder=True,
            restart=True,
        ),
    )
    model_folders: str = field(
        "",
        FreeText(
            label="Folders of other programs",
            help="Where to look for models of other programs, one folder a line.",
            group="Folders",
            hidden=True,
            limit=20_000,
        ),
    )
    audio_output: str = field(
        "",
        FreeText(
            label="Audio output",
            help="The device to play sound on; empty uses the system default.",
            group="Sound",
            hidden=True,
            limit=300,
        ),
    )
    embed_metadata: str = field(
        "all",
        Choice(
            label="Metadata in files",
            help="What each file records about how it was made.",
            group="Privacy",
            options=(("all", "Settings and origin"), ("provenance", "Origin only"), ("none", "Nothing")),
        ),
    )
    version: int = dataclasses.field(default=VERSION)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "version", VERSION)

    def replace(self, **changes: Any) -> Self:
        """These settings with some changed. Raises BadInput for a name or a value that cannot be."""
        known = dict(self.fields())
        for name in changes:
            if name not in known:
                raise BadInput(
                    "There is no setting {name}.", "The settings are: {names}.", name=name, names=", ".join(known)
                )
        return dataclasses.replace(self, **changes)


Migration = Callable[[dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""MIGRATIONS[n] turns what version n wrote into what version n + 1 reads."""


def load(path: Path) -> tuple[Settings, list[Message]]:
    """The settings in `path` and sentences on what was wrong with them. Always gives settings: the defaults, at worst.

    A file that cannot be read as TOML is renamed to settings.broken-1.toml (or the next free number), so that nothing
    is lost and the next save does not overwrite it. A single value that cannot be is replaced by its default.
    """
    try:
        data = _read(path)
    except FileNotFoundError:
        return Settings(), []
    except OSError as error:
        return Settings(), [
            Message(
                "{path} cannot be read ({reason}). The studio uses its default settings.",
                path=path,
                reason=error.strerror,
            )
        ]
    except ValueError as error:
        return Settings(), [_set_aside(path, error)]
    warnings: list[Message] = []
    try:
        version = _version(data)
        if version > VERSION:
            warnings.append(
                Message(
                    "{name} was written by a newer version. Unknown settings are kept but not used.", name=path.name
                )
            )
        data = _migrated(data, version)
    except (ValueError, KeyError, TypeError) as error:
        return Settings(), [_set_aside(path, error)]
    values: dict[str, Any] = {}
    for name, each in Settings.fields():
        if name in data:
            try:
                values[name] = each.check(name, data[name])
            except BadInput as error:
                warnings.append(
                    Message("In {name}, {problem} The default is used.", name=path.name, problem=error.said)
                )
    return Settings(**values), warnings


def change(path: Path, now: Settings, **changes: Any) -> Settings:
    """Save changes of the settings `now`, and return the new settings; other changes of the file are kept.

    Raises BadInput for a name or a value that cannot be, StudioError where the file cannot be written.
    """
    now.replace(**changes)  # before anything is written
    try:
        _version(_read(path))
        file, _ = load(path)
    except (OSError, ValueError):
        file = now  # there is no file yet, or it was damaged by hand since the start
    changed = file.replace(**changes)
    save(path, changed)
    return changed


def folder(chosen: str, usual: Path) -> Path:
    """The folder of a setting. A relative path starts at the home folder; `usual` is used where nothing was chosen."""
    return Path.home() / Path(chosen).expanduser() if chosen else usual


def save(path: Path, settings: Settings) -> None:
    """Write the settings atomically; keys in the file that this studio does not know are kept.

    A file of a newer version is first copied to settings.version-N.toml, a broken one set aside as `load` does. Raises
    StudioError where it cannot be written.
    """
    with storage.disk_errors_as(Message("The settings could not be saved to {path}", path=path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            before = _read(path)
            version = _version(before)
            if version > VERSION:
                storage.write_atomic(path.with_name(f"{path.stem}.version-{version}{path.suffix}"), path.read_bytes())
            kept = _migrated(before, version)
        except FileNotFoundError:
            kept = {}
        except (ValueError, KeyError, TypeError) as error:
            _set_aside(path, error)  # damaged by hand since the start: a copy is kept
            kept = {}
        # Tables come last in TOML, so unknown tables must not stand between plain values.
        whole = {**dataclasses.asdict(settings), **{key: kept[key] for key in kept if key not in _names()}}
        storage.write_atomic(path, tomli_w.dumps(whole).encode("utf-8"))


def _names() -> set[str]:
    return {setting.name for setting in dataclasses.fields(Settings)}


def _read(path: Path) -> dict[str, Any]:
    """What the file says. ValueError for anything that is no TOML file of a sane size."""
    with path.open("rb") as file:
        raw = file.read(SIZE_LIMIT + 1)
    if len(raw) > SIZE_LIMIT:
        raise ValueError("it is far too large")
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _version(data: dict[str, Any]) -> int:
    version = data.get("version", VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"its version is {version!r}")
    return version


def _migrated(data: dict[str, Any], version: int) -> dict[str, Any]:
    for step in range(version, VERSION):
        data = MIGRATIONS[step](data)
    return data


def _set_aside(path: Path, why: Exception) -> Message:
    name = f"{path.stem}.broken"
    aside = path.with_stem(storage.numbered_name(name, lambda stem: os.path.lexists(path.with_stem(stem)), mark="-"))
    reason = str(why).rstrip(".")
    try:
        path.rename(aside)
    except OSError:
        return Message("{path} is damaged ({reason}). The studio uses its default settings.", path=path, reason=reason)
    return Message(
        "{name} was damaged ({reason}) and is now {aside}. The studio uses its default settings.",
        name=path.name,
        reason=reason,
        aside=aside,
    )
