"""A studio whose media are the real ones with the fake engine behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.backends import MEDIA
from studio.backends.medium import Medium
from studio.studio import Studio
from studio.system.paths import AppPaths


def starters(folder: Path) -> Path:
    """Fill the folder with bundled models, a tiny one for every medium."""
    for medium in MEDIA:
        family = medium.families[0].name if medium.families else "fake"
        place = folder / medium.starter
        place.mkdir(parents=True)
        (place / "model.toml").write_text(
            f'id = "{medium.starter}"\nmedium = "{medium.name}"\nfamily = "{family}"\ntitle = "Fake {medium.name}"\n'
            'licence = "Apache-2.0"\nsource = "tests"\nsize = 8\nsha256 = ""\n',
            encoding="utf-8",
        )
        (place / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


FAKE = "tests.fakes:FakeEngine"


def with_trainer(medium: Medium, trainer: str) -> Medium:
    """The medium with another engine for its training."""
    return medium.with_engines(lambda task: trainer if task is medium.training_task else task.engine)


def fake_studio(home: Path, *, isolated: bool = False, trainer: str = FAKE, **changes: Any) -> Studio:
    """A studio whose media are the real ones with the fake engine behind them."""
    media = [with_trainer(medium.with_engines(lambda _: FAKE), trainer) for medium in MEDIA]
    bundled = home.parent / "bundled"
    if not bundled.exists():
        starters(bundled)
    return Studio(AppPaths.under(home), isolated=isolated, media=media, bundled=bundled, platform="", **changes)
