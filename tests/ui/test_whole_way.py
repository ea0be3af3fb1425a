"""From a click to a file in the library: with the starters, past a killed engine, with a thousand works arriving."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from qasync import QEventLoop

from studio.library.library import LibraryQuery
from studio.media.payloads import Image
from studio.media.provenance import Provenance
from studio.studio import Studio
from studio.system.paths import AppPaths
from studio.ui.export.dialog import ExportDialog
from studio.ui.library.grid import WorkGrid
from studio.ui.library.page import LibraryPage
from tests.fakes import KILLED, SEVERAL_FILES
from tests.studios import fake_studio
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed

SMALL = {
    "avatar": {"style": "open-peeps"},
    "poster": {"prompt": "a lighthouse at night", "width": 256, "height": 256, "steps": 3},
    "story": {"prompt": "Once upon a time", "tokens": 16},
    "music": {"genre": "waltz", "seconds": 2.0},
}
"""Briefs that the starters answer in a second or two."""


def test_a_click_makes_a_work_of_every_starter_and_the_next_start_finds_it(home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, studio=Studio(AppPaths.under(home)))
    for name, brief in SMALL.items():
        desk.window.open(name)
        panel = desk.panel(name)
        keep_seed(desk, name, 7)
        panel.form.set_value(panel.form.value().replace(**brief))
        desk.click("generate")
        desk.until(lambda panel=panel: panel.asset is not None or panel.error.isVisible(), 240)
        assert not panel.error.message()
        assert panel.asset is not None
        assert panel.asset.request["seed"] == 7
        assert panel.asset.path.stat().st_size > 40
        desk.until(lambda panel=panel: panel.stage.isVisible())
    desk.close()
    again = Desk(home, loop, studio=Studio(AppPaths.under(home)))
    assert again.window.page == "music"
    for name in SMALL:
        assert again.panel(name).filmstrip.model().rowCount() == 1
        found = again.panel(name).asset
        assert found is not None
        assert found.medium == name
    again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_an_engine_that_is_killed_fails_its_job_in_words_and_no_other(home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, studio=fake_studio(home, isolated=True))
    panel = desk.panel("avatar")
    keep_seed(desk, "avatar", KILLED)
    desk.click("generate")
    desk.until(lambda: panel.error.isVisible())
    assert "engine process was killed" in panel.error.message()
    keep_seed(desk, "avatar", 1)
    desk.click("generate")
    desk.until(lambda: panel.asset is not None)
    assert not panel.error.isVisible()
    desk.close()


def test_a_work_of_several_files_is_shown_copied_and_binned_with_all_of_them(home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, studio=fake_studio(home, isolated=True))
    library, panel = desk.studio.library, desk.panel("poster")
    desk.window.open("poster")
    keep_seed(desk, "poster", SEVERAL_FILES)
    desk.click("generate")
    desk.until(lambda: panel.asset is not None)
    asset = panel.asset
    assert asset is not None
    assert (asset.width, asset.height) == (asset.request["width"], asset.request["height"])
    shown = desk.window.open("library")
    assert isinstance(shown, LibraryPage)
    desk.until(lambda: shown.grid.works.rowCount() == 1)
    shown.grid.setFocus()
    QTest.mouseClick(
        shown.grid.viewport(), Qt.MouseButton.LeftButton, pos=shown.grid.visualRect(shown.grid.works.index(0)).center()
    )
    assert shown.selected() == [asset]
    summary = desk.window.findChild(QLabel, "summary")
    assert summary is not None
    assert "3 files" in summary.text()
    dragged = shown.grid.works.mimeData([shown.grid.works.index(0)])
    assert [url.toLocalFile() for url in dragged.urls()] == [str(path) for path in asset.paths]
    panel.stage.copy()
    copied = QGuiApplication.clipboard().mimeData()
    assert copied.hasImage()
    assert [url.toLocalFile() for url in copied.urls()] == [str(path) for path in asset.paths]
    desk.window.work_actions.importer.import_data(copied)
    desk.until(lambda: desk.window.toast.message() == "1 file was here already.")
    assert library.count() == 1
    out = home.parent / "out"
    out.mkdir()
    desk.window.work_actions.copy_all([asset, asset], out)
    desk.until(lambda: desk.window.toast.message() == "2 copies saved.")
    stems = (asset.title, f"{asset.title} 2")
    names = [f"{stem}{ending}" for stem in stems for ending in (".png", ".svg", "-captions.md")]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert [(out / name).read_bytes() for name in names] == [path.read_bytes() for path in asset.paths] * 2
    desk.window.work_actions.copy_to(asset, out / "fox.png")
    desk.until(lambda: (out / "fox-captions.md").exists())
    desk.until(lambda: desk.window.toast.message() == "Saved as fox.png.")
    assert {path.name for path in out.glob("fox*")} == {"fox.png", "fox.svg", "fox-captions.md"}
    exported = home.parent / "exported"
    desk.window.work_actions.export(asset)
    dialog = desk.window.findChild(ExportDialog)
    assert dialog is not None
    dialog.send_to(str(exported))
    desk.until(lambda: dialog.go.isEnabled() and dialog.count_label.text() == "3 files")
    dialog.export()
    desk.until(lambda: desk.window.toast.message() == "3 files exported.")
    (folder,) = exported.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{asset.title}{ending}" for ending in (".png", ".svg", "-captions.md")
    )
    QTest.keyClick(shown.grid, Qt.Key.Key_Delete)
    desk.until(lambda: library.count() == 0)
    assert not any(path.exists() for path in asset.paths)
    desk.click("toastAction")
    desk.until(lambda: library.count() == 1)
    assert all(path.exists() for path in asset.paths)
    assert library.verify() == []
    desk.close()


def test_a_thousand_works_arrive_while_a_person_works(desk: Desk) -> None:
    def flood() -> None:
        for number in range(1000):
            pixels = np.full((8, 8, 3), number % 256, np.uint8)
            desk.studio.library.add(Image(pixels), medium="poster", request={"kind": "poster"}, provenance=Provenance())

    desk.window.open("poster")
    flooding = threading.Thread(target=flood)
    flooding.start()
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.until(lambda: desk.panel("poster").asset is not None)
    desk.until(lambda: not flooding.is_alive(), 120)
    desk.click("generate")
    desk.idle()
    assert desk.studio.library.count(LibraryQuery(medium="poster")) == 1002
    desk.until(lambda: desk.panel("poster").filmstrip.model().rowCount() == 1002)
    grid = desk.window.open("library").findChild(WorkGrid)
    assert grid is not None
    desk.until(lambda: grid.isVisible() and grid.model().rowCount() == 1002)
