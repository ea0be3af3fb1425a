"""The library page: search, filters, selection, details and commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
from qasync import QEventLoop

from studio.backends import medium
from studio.bench import library as bench
from studio.errors import Message
from studio.library.library import Library, LibraryQuery
from studio.media.provenance import ModelOrigin, Provenance
from studio.system.paths import AppPaths
from studio.ui.library.details import origin_facts, request_facts
from studio.ui.library.model import AHEAD, PAGE
from studio.ui.library.page import LibraryPage
from studio.ui.pages.text_dialog import TextDialog
from studio.ui.widgets.theme import theme
from tests.core.crashes import full_disk
from tests.fakes import payload
from tests.studios import fake_studio
from tests.ui.conftest import Desk, no_unexpected_errors


def fill(desk: Desk, kind: str, seeds: range, prompt: str = "") -> None:
    """Works as the studio makes them, without the wait."""
    for seed in seeds:
        request = medium(kind).default_task.request(seed=seed, **({"prompt": prompt} if prompt else {}))
        provenance = Provenance(model=ModelOrigin(medium(kind).starter, licence="Apache-2.0"))
        desk.studio.library.add(payload(kind, seed), medium=kind, request=request.to_json(), provenance=provenance)


def page(desk: Desk) -> LibraryPage:
    found = desk.window.open("library")
    assert isinstance(found, LibraryPage)
    return found


def choose(library: LibraryPage, *rows: int) -> None:
    library.grid.clearSelection()
    for row in rows:
        library.grid.selectionModel().select(
            library.grid.model().index(row, 0), QItemSelectionModel.SelectionFlag.Select
        )


def test_a_long_brief_leaves_seed_and_tags_in_reach(desk: Desk) -> None:
    words = "the sea and a lighthouse\n" * 4_000
    request = {"kind": "story", "prompt": words, "seed": 4711}
    desk.studio.library.add(payload("story", 1), medium="story", request=request, provenance=Provenance())
    library = page(desk)
    choose(library, 0)
    desk.settle()
    told = library.details.findChild(QWidget, "told")
    assert told is not None
    assert told.height() < 400
    assert "4711" in {each.text() for each in told.findChildren(QLabel)}
    desk.click("details.whole")
    dialog = desk.window.findChild(TextDialog)
    assert dialog is not None
    assert words.strip() in dialog.text.toPlainText()
    dialog.accept()


def test_what_the_engine_says_of_a_work_is_shown(desk: Desk) -> None:
    fill(desk, "story", range(1))
    said = Provenance(remark=Message("Left out at the end: {words}", words="Then {the"))
    desk.studio.library.add(payload("story", 1), medium="story", request={}, provenance=said)
    library = page(desk)
    choose(library, 0)
    remark = library.findChild(QLabel, "workRemark")
    desk.until(lambda: remark.isVisible())
    assert remark.text() == "Left out at the end: Then {the"
    choose(library, 1)
    desk.until(lambda: not remark.isVisible())
    choose(library, 0, 1)
    assert not remark.isVisible()


def test_an_empty_library_says_so(desk: Desk) -> None:
    library = page(desk)
    nothing = library.findChild(QLabel, "nothing")
    assert nothing.isVisible()
    assert nothing.text() == "Everything you create is saved here"
    assert library.total.text() == "0 items"


def test_search_as_you_type_and_filters(desk: Desk) -> None:
    fill(desk, "poster", range(3), "a lighthouse at dusk")
    fill(desk, "poster", range(3, 5), "雪山上的气球")
    fill(desk, "story", range(2))
    library = page(desk)
    assert library.total.text() == "7 items"
    QTest.keyClicks(library.search, "light")
    desk.until(lambda: library.total.text() == "3 items")
    library.search.setText("雪山")
    desk.until(lambda: library.total.text() == "2 items")
    library.search.setText("submarine")
    desk.until(lambda: library.total.text() == "0 items")
    assert library.findChild(QLabel, "nothing").text() == "No results"
    library.search.clear()
    desk.until(lambda: library.total.text() == "7 items")
    desk.click("filter.story")
    assert library.total.text() == "2 items"
    desk.click("filter.all")
    choose(library, 0)
    desk.click("details.favourite")
    desk.click("favourites")
    assert library.total.text() == "1 item"
    desk.click("clearFilters")
    assert library.total.text() == "7 items"


def test_works_are_read_a_page_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fill(desk.studio.library.folder, 3 * PAGE)
    desk.studio.library.rebuild()
    asked: list[list[str]] = []
    real = desk.studio.library.get_many

    def recorded(ids: Any) -> Any:
        asked.append(list(ids))
        return real(ids)

    monkeypatch.setattr(desk.studio.library, "get_many", recorded)
    library = page(desk)
    grid = library.grid
    desk.settle()
    assert set(grid.works.ids([(0, grid.visible_rows[-1] + AHEAD)])) == {id for ids in asked for id in ids}
    asked.clear()
    grid.scrollToBottom()
    desk.settle()
    assert asked[0] == grid.works.ids([(grid.visible_rows[0], grid.visible_rows[-1])])  # what can be seen comes first
    assert asked[1:] == [grid.works.ids([(grid.visible_rows[0] - AHEAD, grid.visible_rows[0] - 1)])]
    asked.clear()
    grid.scrollToTop()
    desk.settle()
    assert asked == []


def test_details_show_the_settings(desk: Desk) -> None:
    fill(desk, "poster", range(1), "a lighthouse at dusk")
    library = page(desk)
    assert library.details.findChild(QLabel, "nothingChosen").isVisible()
    choose(library, 0)
    assert library.details.findChild(QLabel, "nothingChosen").isHidden()
    desk.settle()
    said = [each.text() for each in library.details.findChildren(QLabel) if each.isVisible()]
    for words in ("a lighthouse at dusk", "Seed", "512 px", "Model licence", "Apache 2.0"):
        assert words in said
    desk.until(lambda: library.details.thumbnail.isVisible())


def test_details_stay_as_wide_in_the_bin_and_after_a_change_of_theme(desk: Desk) -> None:
    fill(desk, "poster", range(2))
    library = page(desk)
    choose(library, 0)
    first = library.details.width()
    theme().changed.emit()
    assert library.details.width() == first
    desk.click("details.bin")
    desk.click("binned")
    desk.until(lambda: library.total.text() == "1 item")
    choose(library, 0)
    theme().changed.emit()
    assert library.details.findChild(QAbstractButton, "details.delete").isVisible()
    assert library.details.width() == first


def test_details_tell_no_setting_that_the_model_does_not_heed(desk: Desk) -> None:
    fill(desk, "music", range(1))
    library = page(desk)
    choose(library, 0)
    told = {each.text() for each in library.details.findChildren(QLabel)}
    assert {"Genre", "Tempo"} <= told
    assert not told & {"Steps", "Guidance", "Lyrics", "Language"}


def test_details_show_the_licences_and_weights_of_all_models(desk: Desk) -> None:
    models = {"lora": ModelOrigin("inks", "lora", "mit", "cd" * 32)}
    provenance = Provenance(model=ModelOrigin("poster-starter", licence="Apache-2.0"), models=models)
    work = desk.studio.library.add(payload("poster", 1), medium="poster", request={}, provenance=provenance)
    assert dict(request_facts(work, str.title)) == {"Model licence": "Apache 2.0", "Licence of Inks": "MIT"}
    assert dict(origin_facts(work, str.title))["Weights of Inks"] == "cdcdcdcdcdcd"


def test_renaming(desk: Desk) -> None:
    fill(desk, "poster", range(1), "a lighthouse at dusk")
    library = page(desk)
    choose(library, 0)
    library.details.title.setText("Beacon")
    QTest.keyClick(library.details.title, Qt.Key.Key_Return)
    assert desk.studio.library.page(LibraryQuery())[0].title == "Beacon"
    desk.until(lambda: library.grid.model().index(0, 0).data() == "Beacon")


def test_a_title_loses_the_mark_of_a_heading_and_no_other_sign(desk: Desk) -> None:
    fill(desk, "story", range(1), "# Fox and Hen")
    library = page(desk)
    choose(library, 0)
    assert library.details.title.text() == "Fox and Hen"
    library.details.title.setText("#1 of ten")
    QTest.keyClick(library.details.title, Qt.Key.Key_Return)
    desk.until(lambda: library.grid.model().index(0, 0).data() == "#1 of ten")
    assert library.details.title.text() == "#1 of ten"


def test_several_are_binned_and_restored(desk: Desk) -> None:
    fill(desk, "poster", range(4), "a lighthouse")
    library = page(desk)
    choose(library, 0, 2)
    assert library.details.findChild(QAbstractButton, "details.recall").isHidden()
    library.grid.setFocus()
    QTest.keyClick(library.grid, Qt.Key.Key_Delete)
    desk.until(lambda: library.total.text() == "2 items")
    assert desk.window.toast.message() == "2 items moved to the bin."
    desk.click("binned")
    assert library.total.text() == "2 items"
    choose(library, 0)
    desk.click("details.restore")
    desk.until(lambda: library.total.text() == "1 item")
    desk.click("binned")
    assert library.total.text() == "3 items"


def test_make_again_vary_and_reuse_settings(desk: Desk) -> None:
    fill(desk, "poster", range(8, 9), "a lighthouse")
    library = page(desk)
    choose(library, 0)
    parent = library.selected()[0]
    desk.click("details.again")
    assert desk.window.page == "poster"
    desk.idle()
    works = desk.studio.library.page(LibraryQuery())
    assert [work.request["seed"] for work in works] == [8, 8]
    page(desk)
    desk.until(lambda: library.total.text() == "2 items")
    choose(library, 1)
    assert library.selected()[0].id == parent.id
    desk.click("details.vary")
    desk.idle()
    newest = desk.studio.library.page(LibraryQuery())[0]
    assert newest.request["seed"] != 8
    assert newest.request["prompt"] == "a lighthouse"
    assert newest.parents == (parent.id,)
    page(desk)
    desk.until(lambda: library.total.text() == "3 items")
    choose(library, 2)
    desk.click("details.recall")
    panel = desk.panel("poster")
    assert panel.form.value().seed == 8
    assert panel.asset is not None
    assert panel.asset.id == parent.id


def test_new_works_keep_the_selection(desk: Desk) -> None:
    fill(desk, "story", range(3))
    library = page(desk)
    choose(library, 1)
    kept = library.selected()[0].id
    fill(desk, "story", range(3, 5))
    desk.window.bridge.library_changed()
    desk.until(lambda: library.total.text() == "5 items")
    assert [work.id for work in library.selected()] == [kept]


def test_works_are_dragged_out_as_files(desk: Desk) -> None:
    fill(desk, "poster", range(2), "a lighthouse")
    library = page(desk)
    model = library.grid.model()
    data = model.mimeData([model.index(0, 0)])
    assert [url.toLocalFile() for url in data.urls()] == [str(desk.studio.library.page(LibraryQuery())[0].path)]


def test_on_a_full_disk_the_library_is_shown_and_nothing_is_lost(home: Path, loop: QEventLoop) -> None:
    studio = fake_studio(home)
    for seed in range(3):
        studio.library.add(payload("poster", seed), medium="poster", request={}, provenance=Provenance())
    studio.close()
    with no_unexpected_errors(loop), full_disk():
        desk = Desk(home, loop)
        library = page(desk)
        desk.settle()
        assert library.total.text() == "3 items"
        assert "The disk of the library is full" in desk.window.toast.message()
        choose(library, 0)
        desk.act("bin")
        desk.settle()
        assert "the disk is full" in desk.window.toast.message()
        assert library.total.text() == "3 items"
        desk.close()
    library_again = Library(AppPaths.under(home).library)
    assert library_again.verify() == []
    assert library_again.count() == 3
    library_again.close()
