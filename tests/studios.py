"""A studio whose media are the real ones with the fake engine behind them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from studio.backends import MEDIA
from studio.studio import Studio
from studio.system.paths import AppPaths


def starters(folder: Path) -> Path:
    """A folder of bundled models, one tiny one for every medium."""
    for medium in MEDIA:
        place = folder / medium.starter
        place.mkdir(parents=True)
        (place / "model.toml").write_text(
            f'id = "{medium.starter}"\nmedium = "{medium.name}"\nfamily = "fake"\ntitle = "Fake {medium.name}"\n'
            'licence = "Apache-2.0"\nsource = "tests"\nsize = 8\nsha256 = ""\n',
            encoding="utf-8",
        )
        (place / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


FAKE = "tests.fakes:FakeEngine"


def fake_studio(home: Path, *, isolated: bool = False, trainer: str = FAKE, **changes: Any) -> Studio:
    """A studio whose media are the real ones with the fake engine behind them."""
    media = [dataclasses.replace(medium, engine=FAKE, trainer=trainer) for medium in MEDIA]
    bundled = home.parent / "bundled"
    if not bundled.exists():
        starters(bundled)
    return Studio(AppPaths.under(home), isolated=isolated, media=media, bundled=bundled, platform="", **changes)
