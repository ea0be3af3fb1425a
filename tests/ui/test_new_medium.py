"""A medium that is its own folders and one line makes works through studio, form, command line and page."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QMenu
from qasync import QEventLoop

import studio.backends
from studio.backends import MEDIA
from studio.cli import flags, main, make, models
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import AppPaths
from studio.ui import commands
from studio.ui.forms.form import Form
from studio.ui.panel.panel import Panel
from studio.ui.shell import window
from studio.ui.training.page import TrainingPage
from tests.core.cli_runs import Runs
from tests.studios import FAKE, starters, with_trainer
from tests.ui.conftest import Desk

REQUESTS = '''
from dataclasses import dataclass

from studio.backends.medium import Medium, OnboardingText, Task
from studio.models.families import Family, Mark
from studio.schema.fields import Range, field
from studio.schema.request import Request, TrainRequest


@dataclass(frozen=True, kw_only=True)
class TileRequest(Request):
    """One tile."""

    kind = "tiles-of-tests"
    medium = "tiles-of-tests"

    shade: int = field(7, Range(label="Shade", help="How bright it is.", low=0, high=255))


@dataclass(frozen=True, kw_only=True)
class TileTrainRequest(TrainRequest):
    """Train on tiles."""

    kind = "tiles-of-tests.train"
    medium = "tiles-of-tests"


MEDIUM = Medium(
    name="tiles-of-tests",
    title="Tiles",
    icon="poster",
    tasks=(
        Task(TileRequest, "toy_tiles.engine:TileEngine"),
        Task(TileTrainRequest, "toy_tiles.engine:TileTrainer", result="model", lane="training"),
    ),
    starter="tiles-of-tests-starter",
    stage="image",
    families=(Family("tile", "Tile network", (Mark("model_type", "tile"),)),),
    onboarding=OnboardingText("Lay a tile", "Choose a shade.", ({"shade": 99},)),
    plugin="toy_tiles.ui",
    cli="toy_tiles.cli",
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


class TileTrainer(TileEngine):
    def load(self, resources, report):
        pass

    def run(self, request, report):
        for step in range(1, 1_000_000):
            report(Progress("training", step, 1_000_000, values={"step": float(step)}))
        return []
"""
WINDOW = """
from studio.ui.plugin import Plugin

PLUGIN = Plugin(
    inspector="toy_tiles.inspector:TileInspector",
    commands="toy_tiles.commands:COMMANDS",
    training_page="toy_tiles.training:training_page",
)
"""
CLI = """
from studio.cli.plugin import CliPlugin, MakeFlags


def _count(verbs):
    parser = verbs.add_parser("tiles", help="count the tiles")
    parser.set_defaults(run=lambda values, context: context.print("7 tiles.") or 0)


def _wear(actions):
    parser = actions.add_parser("wear", help="say how worn a model of tiles is")
    parser.set_defaults(run=lambda values, context: context.print("It is new.") or 0)


class DarkFlag(MakeFlags):
    def add(self, parser, kind):
        parser.add_argument("--dark", action="store_true", help="lay a dark tile")

    def known(self, values, context):
        return {"shade": 9} if values.dark else {}

    def warnings(self, values, known, request):
        return ["A dark tile shows dust."] if request.shade < 10 else []

    def requests(self, values, studio, requests):
        return requests[::-1] if getattr(values, "dark", False) else requests


PLUGIN = CliPlugin(_count, _wear, DarkFlag())
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
TRAINING = """
from pathlib import Path

from PySide6.QtWidgets import QPushButton, QWidget

from studio.ui.training.page import TrainingPage
from studio.ui.training.parts import DatasetCheck, TrainingForm, TrainingWords
from toy_tiles.requests import MEDIUM, TileTrainRequest


class TileForm(TrainingForm):
    def __init__(self):
        super().__init__()
        self.folder = None
        self.form = QWidget()
        self.choose = QPushButton("Choose tiles", self.form)
        self.setWidget(self.form)

    def add_below(self, widget):
        widget.setParent(self.form)

    def set_folder(self, folder):
        self.folder = folder
        self.changed.emit()

    def ask_folder(self):
        pass

    def request(self, out):
        return TileTrainRequest(data=str(self.folder), out=str(out), title="Own tiles", seed=1)

    def show_request(self, request):
        self.folder = Path(request.data)

    def refresh(self):
        pass

    def state(self):
        return {"folder": str(self.folder or "")}

    def restore(self, state):
        pass


class TileCheck(DatasetCheck):
    def check(self):
        self.ready = True
        self.checked.emit()


def training_page(studio, bridge, open_panel):
    words = TrainingWords("Train on these tiles", "Drop tiles", ("Train on tiles", "Choose tiles."))
    return TrainingPage(studio, bridge, open_panel, MEDIUM, TileForm(), TileCheck(), words)
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
        ("cli", CLI),
        ("inspector", INSPECTOR),
        ("commands", COMMANDS),
        ("training", TRAINING),
    ):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(package.parent))
    found = importlib.import_module("toy_tiles.requests").MEDIUM
    for module in (studio.backends, commands, window, main, make, models):
        monkeypatch.setattr(module, "MEDIA", (*MEDIA, found))
    commands.of_media.cache_clear()
    yield found
    commands.of_media.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_tiles"]:
        del sys.modules[name]
    for kind in ("tiles-of-tests", "tiles-of-tests.train"):
        del Request.kinds[kind]


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


def test_it_adds_verbs_and_flags_to_the_command_line(
    opened: Studio, toy: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Runs(capsys, lambda _places: opened)
    assert run("tiles").out == "7 tiles.\n"
    assert run("models", "wear").out == "It is new.\n"
    assert "--dark" in run("make", toy.name, "--help").out
    assert "--dark" not in run("make", "story", "--help").out
    ended = run("make", toy.name, "--dark", "--seed", 3, "--count", 2, "--json")
    assert [made["seed"] for made in ended.json["assets"]] == [4, 3]
    assert "A dark tile shows dust." in ended.err
    assert [
        json.loads(Path(made["path"]).with_suffix(".json").read_text("utf-8"))["request"]["shade"]
        for made in ended.json["assets"]
    ] == [9, 9]


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


def test_its_models_are_trained_on_a_page_of_its_own(opened: Studio, toy: Any, home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, studio=opened)
    try:
        desk.window.open("library")
        desk.act("train")  # from no medium's page: two can be trained, so one is chosen
        menu = desk.window.findChild(QMenu, "chooseTraining")
        assert menu is not None
        assert [action.text() for action in menu.actions()] == ["Avatar", "Tiles"]
        menu.actions()[0].trigger()
        assert desk.window.page == "training"
        menu.close()
        desk.window.open(toy.name)
        desk.click("trainOwn")
        shown = desk.window.pages.currentWidget()
        assert isinstance(shown, TrainingPage)
        assert desk.window.page == "training.tiles-of-tests"
        assert not shown.start_button.isEnabled()
        shown.form.set_folder(home)
        desk.click("trainBegin")
        desk.until(lambda: shown.save_button.isEnabled())
        others = desk.window.open("training")
        assert isinstance(others, TrainingPage)
        assert not others.busy, "the page of another medium does not follow it"
        desk.window.open(toy.name)
        desk.window._show_result(shown.progress.job)
        assert desk.window.page == "training.tiles-of-tests"
        shown._cancel()
        desk.until(lambda: "No model was added" in shown.bar.message())
    finally:
        desk.close()
