"""A studio whose media are the real ones with the fake engine behind them."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from studio.backends import MEDIA, PAGELESS
from studio.backends.medium import Medium
from studio.jobs.queue_store import QueueEntry, QueueStore
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import RESOURCES, AppPaths


@functools.cache
def _card(medium: str, starter: str) -> str:
    real = tomllib.loads((RESOURCES / "models" / starter / "model.toml").read_text(encoding="utf-8"))
    about = {
        "id": starter,
        "medium": medium,
        "family": real["family"],
        "title": f"Fake {medium}",
        "licence": "Apache-2.0",
        "source": "tests",
        "size": 8,
        "sha256": "",
        "native": real.get("native", []),
        "defaults": real.get("defaults", {}),
    }
    return tomli_w.dumps(about)


def starters(folder: Path) -> Path:
    """Fill the folder with bundled models: for every medium a tiny one, of the family and size of its starter."""
    for medium in MEDIA:
        place = folder / medium.starter
        place.mkdir(parents=True)
        (place / "model.toml").write_text(_card(medium.name, medium.starter), encoding="utf-8")
        (place / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


FAKE = "tests.fakes:FakeEngine"


def with_trainer(medium: Medium, trainer: str) -> Medium:
    """The medium with another engine for its training."""
    return medium.with_engines(lambda task: trainer if task is medium.training_task else task.engine)


def fake_studio(home: Path, *, isolated: bool = False, trainer: str = FAKE, **changes: Any) -> Studio:
    """A studio whose media are the real ones with the fake engine behind them."""
    media = [with_trainer(medium.with_engines(lambda _: FAKE), trainer) for medium in (*MEDIA, *PAGELESS)]
    bundled = home.parent / "bundled"
    if not bundled.exists():
        starters(bundled)
    return Studio(AppPaths.under(home), isolated=isolated, media=media, bundled=bundled, platform="", **changes)


def interrupt(home: Path, request: Request) -> None:
    """Leave the request in the queue file as one that ran when the studio, which must be closed, ended."""
    store = QueueStore(AppPaths.under(home).state / "queue.sqlite")
    store.replace([QueueEntry("1", request, (), "running")])
    store.close()
