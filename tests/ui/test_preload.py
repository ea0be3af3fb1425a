"""What is made before it is asked for: in pieces, at once where it is wanted now, and again where it failed."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from studio.errors import StudioError
from studio.system import memory
from studio.ui import preload
from studio.ui.library.page import LibraryPage
from studio.ui.preload import PageBuild, PagePreloader
from studio.ui.widgets.page import LazyRefresh
from tests.ui.conftest import Desk, Room
from tests.ui.test_library_page import fill


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preload, "START", 0)


class Maker:
    """Makes a page in three pieces, the second of which waits for `answer`; an error there is raised once."""

    def __init__(self, error: Exception | None = None) -> None:
        self.answer: Future[None] = Future()
        self.error = error
        self.told: list[str] = []

    def pieces(self) -> PageBuild:
        self.told.append("begun")
        hurried = yield self.answer
        self.told.append("hurried" if hurried else "waited")
        error, self.error = self.error, None
        if error is not None:
            raise error
        yield
        self.told.append("made")
        return QWidget()


def test_idle_moments_make_it_and_wait_for_what_is_awaited(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    maker, owner = Maker(), QObject()
    monkeypatch.setattr(memory, "return_freed", lambda: maker.told.append("freed"))
    made = PagePreloader(maker.pieces, owner)
    room.until(lambda: maker.told)
    room.settle()
    assert maker.told == ["begun"]
    maker.answer.set_result(None)
    room.until(lambda: made.ready)
    room.until(lambda: "freed" in maker.told)
    assert maker.told == ["begun", "waited", "made", "freed"]
    assert made.page() is made.page()


def test_who_asks_does_not_wait(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    maker, owner = Maker(), QObject()
    monkeypatch.setattr(memory, "return_freed", lambda: maker.told.append("freed"))
    made = PagePreloader(maker.pieces, owner)
    room.until(lambda: maker.told)
    made.page()
    assert maker.told == ["begun", "hurried", "made"]


def test_what_failed_ahead_is_tried_again_when_it_is_asked_for(room: Room) -> None:
    maker, owner = Maker(StudioError("The library could not be read.")), QObject()
    maker.answer.set_result(None)
    made = PagePreloader(maker.pieces, owner)
    room.until(lambda: "waited" in maker.told)
    room.settle()
    assert not made.ready
    made.page()
    assert maker.told == ["begun", "waited", "begun", "hurried", "made"]


def test_nothing_is_made_after_the_end(room: Room) -> None:
    maker, owner = Maker(), QObject()
    made = PagePreloader(maker.pieces, owner)
    made.stop()
    room.settle()
    assert maker.told == []


def test_the_library_stands_ready_with_its_first_tiles(desk: Desk) -> None:
    fill(desk, "poster", range(5))
    room = desk.window.pages
    desk.until(lambda: any(isinstance(each, LibraryPage) for each in room.children()))
    desk.until(lambda: desk.window._preloader.ready)
    page = desk.window._preloader.page()
    assert isinstance(page, LibraryPage)
    assert not page.isVisible()
    works, tile = page.grid.works, page.grid.delegate
    assert works.rowCount() == 5
    ids = works.ids()
    assert len(ids) == 5
    assert all(tile.has_tile(works.thumbnails, id, page.devicePixelRatioF()) for id in ids)
    fill(desk, "poster", range(5, 6))  # nobody has told the window
    assert desk.window.open("library") is page
    desk.until(lambda: page.total.text() == "6 items")


def test_the_first_work_is_in_the_library_before_it_is_opened(desk: Desk) -> None:
    desk.until(lambda: desk.window._preloader.ready)
    page = desk.window._preloader.page()
    assert isinstance(page, LibraryPage)
    assert page.total.text() == "0 items"
    desk.window.open("avatar")
    desk.click("generate")
    desk.until(lambda: page.total.text() != "0 items")
    assert not page.isVisible()
    desk.window.open("library")
    assert page.grid.isVisible()


def test_a_view_that_is_hidden_is_made_fresh_when_it_is_shown(room: Room) -> None:
    view = QWidget()
    read: list[bool] = []
    fresh = LazyRefresh(view, lambda: read.append(view.isVisible()))
    fresh.changed()
    fresh.changed()
    assert read == []
    view.show()
    QApplication.processEvents()
    assert len(read) == 1
    fresh.changed()
    assert read[1:] == [True]
    view.hide()
    view.show()
    assert len(read) == 2
