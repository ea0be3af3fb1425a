"""A medium that is its own folders and one line makes works through studio, form, command line and page."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from qasync import QEventLoop

import studio.backends
from studio.backends import MEDIA
from studio.cli import flags
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import AppPaths
from studio.ui import commands
from studio.ui.forms.form import Form
from studio.ui.panel.panel import Panel
from tests.studios import FAKE, starters, with_trainer
from tests.ui.conftest import Desk

REQUESTS = '''
from dataclasses import dataclass

from studio.backends.medium import Medium, OnboardingText, Task
from studio.models.families import Family, Mark
from studio.schema.fields import Range, field
from studio.schema.request import Request


@dataclass(frozen=True, kw_only=True)
class TileRequest(Request):
    """One tile."""

    kind = "tiles-of-tests"
    medium = "tiles-of-tests"

    shade: int = field(7, Range(label="Shade", help="How bright it is.", low=0, high=255))


MEDIUM = Medium(
    name="tiles-of-tests",
    title="Tiles",
    icon="poster",
    tasks=(Task(TileRequest, "toy_tiles.engine:TileEngine"),),
    starter="tiles-of-tests-starter",
    stage="image",
    families=(Family("tile", "Tile network", (Mark("model_type", "tile"),)),),
    onboarding=OnboardingText("Lay a tile", "Choose a shade.", ({"shade": 99},)),
    plugin="toy_tiles.ui",
)
'''
ENGINE = """
import numpy as np

from studio.jobs.job import Progress
from studio.media.payloads import Image


class TileEngine:
    def load(self, resources, report):
        assert resources.main.id == "tiles-of-tests-starter"

    def run(self, request, report):
        made = Image(np.full((16, 16, 3), request.shade, np.uint8))
        report(Progress("laying", 1, 1, made))
        return [made]

    def close(self):
        pass
"""
WINDOW = """
from studio.ui.plugin import Plugin

PLUGIN = Plugin(inspector="toy_tiles.inspector:TileInspector", commands="toy_tiles.commands:COMMANDS")
"""
COMMANDS = """
from studio.ui.commands import CREATE, Command

COMMANDS = (Command("polish", "P&olish the tile", CREATE, "Ctrl+Alt+P"),)
"""
INSPECTOR = """
from PySide6.QtWidgets import QLabel, QVBoxLayout

from studio.ui.panel.inspector import PanelInspector


class TileInspector(PanelInspector):
    def __init__(self, parts):
        super().__init__(parts)
        self.setAccessibleName("Tile tools")
        QVBoxLayout(self).addWidget(QLabel("Tools for tiles"))

    def commands(self):
        return {"polish": self._polish}

    def _polish(self):
        form = self.parts.brief.form
        form.set_value(form.value().replace(shade=255))
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The medium, from a package of its own, and the one line: its place in MEDIA."""
    package = tmp_path / "packages" / "toy_tiles"
    package.mkdir(parents=True)
    for name, text in (
        ("__init__", ""),
        ("requests", REQUESTS),
        ("engine", ENGINE),
        ("ui", WINDOW),
        ("inspector", INSPECTOR),
        ("commands", COMMANDS),
    ):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(package.parent))
    found = importlib.import_module("toy_tiles.requests").MEDIUM
    for module in (studio.backends, commands):
        monkeypatch.setattr(module, "MEDIA", (*MEDIA, found))
    commands.of_media.cache_clear()
    yield found
    commands.of_media.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_tiles"]:
        del sys.modules[name]
    del Request.kinds["tiles-of-tests"]


@pytest.fixture
def opened(home: Path, toy: Any) -> Iterator[Studio]:
    bundled = starters(home.parent / "bundled")
    place = bundled / toy.starter
    place.mkdir()
    (place / "model.toml").write_text(f'medium = "{toy.name}"\nfamily = "tile"\ntitle = "Tiles"\n', encoding="utf-8")
    media = [*(with_trainer(each.with_engines(lambda _: FAKE), FAKE) for each in MEDIA), toy]
    made = Studio(AppPaths.under(home), isolated=False, media=media, bundled=bundled, platform="")
    yield made
    made.close()


def test_it_makes_a_work_from_flags(opened: Studio, toy: Any) -> None:
    parser = argparse.ArgumentParser()
    flags.add_fields(parser, toy.default_task.request)
    request = flags.request_from(toy.default_task.request, parser.parse_args(["--shade", "40", "--seed", "3"]))
    (work,) = opened.submit(request).future.result(20)
    assert (work.medium, work.request["shade"], work.request["seed"]) == ("tiles-of-tests", 40, 3)
    assert work.request["model"] == toy.starter
    assert Request.from_json(work.request) == request.replace(model=toy.starter)


def test_its_page_makes_a_work_and_shows_its_inspector(opened: Studio, toy: Any, home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, studio=opened)
    panel = Panel(opened, desk.window.bridge, toy, desk.window.thumbnails, desk.window.work_actions)
    panel.resize(1200, 700)
    panel.show()
    try:
        assert panel.inspector.accessibleName() == "Tile tools"
        assert isinstance(panel.form, Form)
        assert set(panel.form.fields) == {"shade", "model", "seed"}
        panel.form.set_value(panel.form.value().replace(shade=120))
        assert "polish" in desk.window.menu_actions
        assert commands.command("polish").text() == "Polish the tile"
        panel.commands()["polish"]()
        panel.brief.generate.click()
        desk.until(lambda: opened.library.count() == 1)
        desk.until(lambda: panel.asset is not None)
        assert opened.library.page()[0].request["shade"] == 255
    finally:
        panel.close_down()
        panel.hide()
        panel.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        desk.close()
