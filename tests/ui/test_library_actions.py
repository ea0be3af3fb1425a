"""Actions on works: filters, tags, collections, many at once, the bin, import."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QPushButton, QWidget

from studio.backends import medium
from studio.bench import library as bench
from studio.jobs.job import JobGroup
from studio.library.library import Asset, LibraryQuery
from studio.media.provenance import ModelOrigin, Provenance
from studio.ui.library.filters import DAYS, FilterButton, dates, span
from studio.ui.library.page import LibraryPage
from studio.ui.widgets.dialogs import QuestionDialog
from tests.fakes import payload
from tests.ui.conftest import Desk
from tests.ui.test_library_page import choose, fill, page


def entries(facet: FilterButton) -> list[str]:
    """What the menu of a filter offers, as it would open."""
    facet.menu().aboutToShow.emit()
    return [action.text() for action in facet.menu().actions()]


def pick(facet: FilterButton, words: str) -> None:
    facet.menu().aboutToShow.emit()
    next(action for action in facet.menu().actions() if action.text() == words).trigger()


def drop(target: QWidget, data: QMimeData) -> bool:
    """Drag over the widget and let go; whether it took the drag."""
    at, action = QPoint(200, 200), Qt.DropAction.CopyAction
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    over = QDragEnterEvent(at, action, data, buttons, keys)
    over.ignore()
    QApplication.sendEvent(target, over)
    if over.isAccepted():
        QApplication.sendEvent(target, QDropEvent(QPointF(at), action, data, buttons, keys))
    return over.isAccepted()


def newest(desk: Desk) -> list[Asset]:
    return desk.studio.library.page(LibraryQuery())


def test_filters_offer_existing_values_and_combine(desk: Desk) -> None:
    fill(desk, "poster", range(3))
    fill(desk, "story", range(2))
    library = desk.studio.library
    ids = library.ids()
    library.tag(ids[:3], add=["sea & sky"])
    library.collect(ids[1:2], "Client A")
    shown = page(desk)
    filters = shown.filters
    assert entries(filters.tag) == ["Any tag", "sea && sky\t3"]
    assert entries(filters.collection) == ["Any collection", "Client A\t1"]
    assert entries(filters.model) == ["Any model", "Fake poster\t3", "Fake story\t2"]
    pick(filters.tag, "sea && sky\t3")
    assert shown.total.text() == "3 items"
    pick(filters.model, "Fake story\t2")
    assert shown.total.text() == "2 items"
    assert filters.model.accessibleName() == "Model: Fake story"
    pick(filters.collection, "Client A\t1")
    assert shown.total.text() == "1 item"
    pick(filters.date, "Earlier")
    assert shown.findChild(QLabel, "nothing").text() == "No results"
    desk.click("wayOut")
    assert shown.total.text() == "5 items"
    assert not filters.tag.isChecked()
    pick(filters.date, "Today")
    assert shown.total.text() == "5 items"


def test_date_filters_use_local_days() -> None:
    now = time.time()
    midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
    assert span("today") == (midnight, None)
    week, month, year = (span(each)[0] for each in ("week", "month", "year"))
    assert week is not None
    assert month is not None
    assert midnight - 7 * 86400 < week < midnight < now
    assert month < week
    assert span("earlier") == (None, year)
    assert span(None) == (None, None)
    assert [option.value for option in dates()] == list(DAYS)


def test_tags_and_collections_of_several_with_undo(desk: Desk) -> None:
    fill(desk, "poster", range(3), "a lighthouse")
    library = page(desk)
    desk.studio.library.tag([newest(desk)[0].id], add=["sea"])
    library.refresh()
    desk.until(lambda: "sea" in (library._works.work_at(0) or newest(desk)[1]).tags)
    choose(library, 0, 1)
    field = library.findChild(QLineEdit, "tags.field")
    field.setText("  sea ")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [asset.tags for asset in newest(desk)] == [("sea",), ("sea",), ()]
    assert desk.window.toast.message() == "Tagged “sea”."
    desk.click("toastAction")
    assert [asset.tags for asset in newest(desk)] == [("sea",), (), ()]
    field = library.findChild(QLineEdit, "collections.field")
    field.setText("Client A")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert desk.studio.library.collections() == {"Client A": 2}
    desk.until(lambda: len(library.details.collections.findChildren(QPushButton, "chip")) == 1)
    library.details.collections.findChildren(QPushButton, "chip")[0].click()
    assert desk.studio.library.collections() == {}


def test_many_are_changed_in_the_background_and_undone(desk: Desk) -> None:
    bench.fill(desk.studio.library.folder, 60)
    desk.studio.library.rebuild()
    library = page(desk)
    library.grid.selectAll()
    desk.click("details.bin")
    desk.until(lambda: desk.studio.library.count() == 0)
    desk.until(lambda: desk.window.toast.message() == "60 items moved to the bin.")
    desk.click("toastAction")
    desk.until(lambda: desk.studio.library.count() == 60)
    desk.until(lambda: library.total.text() == "60 items")


def test_the_bin_is_emptied_only_after_a_question(desk: Desk) -> None:
    fill(desk, "poster", range(3))
    library = page(desk)
    desk.studio.library.bin(desk.studio.library.ids()[:2])
    desk.click("binned")
    assert library.total.text() == "2 items"
    desk.click("emptyBin")
    box = desk.window.findChild(QuestionDialog, "deleteForGood")
    assert box.question.text() == "Delete 2 items permanently?"
    box.reject()
    desk.settle()
    assert desk.studio.library.count(LibraryQuery(binned=True)) == 2
    choose(library, 0)
    library.grid.setFocus()
    QTest.keyClick(library.grid, Qt.Key.Key_Delete)
    box = next(each for each in desk.window.findChildren(QuestionDialog, "deleteForGood") if each.isVisible())
    box.yes.click()
    desk.until(lambda: desk.studio.library.count(LibraryQuery(binned=True)) == 1)
    desk.until(lambda: library.total.text() == "1 item")
    assert desk.studio.library.count() == 1


def test_parents_and_children_link_to_each_other(desk: Desk) -> None:
    parent = desk.studio.library.import_file(_text(desk.home.parent / "notes.md"))
    library = desk.studio.library
    child = library.add(payload("poster", 4), medium="poster", request={}, provenance=Provenance(), parents=[parent.id])
    shown = page(desk)
    shown.search.setText("notes")
    desk.until(lambda: shown.total.text() == "1 item")
    choose(shown, shown._works.row_of(parent.id))
    desk.settle()
    faces = shown.details.children_.findChildren(QAbstractButton, "kin")
    assert len(faces) == 1
    assert shown.details.parents.isHidden()
    faces[0].click()
    assert [asset.id for asset in shown.selected()] == [child.id]
    desk.settle()
    shown.details.parents.findChildren(QAbstractButton, "kin")[0].click()
    assert [asset.id for asset in shown.selected()] == [parent.id]


def test_make_again_says_which_model_is_missing_and_leads_to_the_models(desk: Desk) -> None:
    request = medium("poster").default_task.request(seed=4, model="foxes")
    origin = Provenance(model=ModelOrigin("foxes", sha256="ab" * 32))
    work = desk.studio.library.add(payload("poster", 4), medium="poster", request=request.to_json(), provenance=origin)
    shown = page(desk)
    desk.until(lambda: shown.total.text() == "1 item")
    choose(shown, shown._works.row_of(work.id))
    desk.settle()
    desk.act("again")
    missing = "What this request needs is missing: Model foxes (sha256 abababababab). Import it again."
    assert desk.window.toast.message() == missing
    desk.window.toast.findChildren(QAbstractButton, "toastAction")[0].click()
    assert desk.window.page == "models"


def _text(path: Path) -> Path:
    path.write_text("# The Lost Compass\n\nOnce upon a time.\n", encoding="utf-8")
    return path


def test_send_to_continues_a_text_and_sends_its_heading_elsewhere(desk: Desk) -> None:
    desk.studio.library.import_file(_text(desk.home.parent / "notes.md"))
    library = page(desk)
    choose(library, 0)
    library.details._send.menu().aboutToShow.emit()
    offered = [action.text() for action in library.details._send.menu().actions()]
    assert offered == ["Poster", "Story: continue from here", "Music"]
    library.details._send.menu().actions()[0].trigger()
    assert desk.window.page == "poster"
    assert desk.panel("poster").form.value().prompt == "The Lost Compass"
    page(desk)
    library.details.sent.emit("story")
    assert desk.panel("story").form.value().prompt.startswith("# The Lost Compass\n\nOnce upon a time.")


def test_an_imported_file_opens_on_a_fitting_page(desk: Desk) -> None:
    desk.studio.library.import_file(_text(desk.home.parent / "notes.md"))
    library = page(desk)
    choose(library, 0)
    assert not desk.find("details.vary").isEnabled()
    desk.click("details.open")
    assert desk.window.page == "story"
    assert desk.panel("story").asset is not None


def test_open_does_not_change_the_settings(desk: Desk) -> None:
    fill(desk, "poster", range(7, 8), "a lighthouse")
    before = desk.panel("poster").form.value()
    library = page(desk)
    choose(library, 0)
    desk.click("details.open")
    panel = desk.panel("poster")
    assert panel.asset is not None
    assert panel.asset.request["seed"] == 7
    assert panel.form.value() == before


def test_dropped_files_and_folders_are_imported(desk: Desk) -> None:
    library = page(desk)
    folder = desk.home.parent / "mine"
    (folder / "deep").mkdir(parents=True)
    _text(folder / "deep" / "tale.md")
    picture = QImage(20, 10, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkCyan)
    picture.save(str(folder / "sea.png"))
    (folder / "notes.xyz").write_text("not for the library")
    broken = desk.home.parent / "broken.png"
    broken.write_bytes(b"no picture at all")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder)), QUrl.fromLocalFile(str(broken))])
    assert drop(library, data)
    desk.until(lambda: "could not be read" in desk.window.toast.message())
    assert desk.window.toast.message().startswith("2 files imported. 1 file could not be read: broken.png")
    desk.until(lambda: library.total.text() == "2 items")
    assert {asset.title for asset in newest(desk)} == {"tale", "sea"}
    assert not drop(library, QMimeData())
    picture.fill(Qt.GlobalColor.darkRed)
    picture.save(str(folder / "dusk.png"))
    assert drop(library, data)
    desk.until(lambda: "already" in desk.window.toast.message())
    assert desk.window.toast.message().startswith("1 file imported. 2 files were here already. 1 file could not be")


def test_a_pasted_picture_is_imported_once(desk: Desk) -> None:
    library = page(desk)
    picture = QImage(20, 10, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkRed)
    data = QMimeData()
    data.setImageData(picture)
    for said in ("1 file imported.", "1 file was here already."):
        desk.window.toast.hide()
        desk.window.work_actions.importer.import_data(data)
        desk.until(lambda said=said: desk.window.toast.message() == said)
    desk.until(lambda: library.total.text() == "1 item")
    assert newest(desk)[0].width == 20


def test_copies_of_several_do_not_overwrite_each_other(desk: Desk) -> None:
    fill(desk, "poster", range(3), "a lighthouse")
    target = desk.home.parent / "out"
    target.mkdir()
    desk.window.work_actions.copy_all(newest(desk), target)
    desk.until(lambda: desk.window.toast.message() == "3 copies saved.")
    names = sorted(path.name for path in target.iterdir())
    assert names == ["a lighthouse 2.png", "a lighthouse 3.png", "a lighthouse.png"]
    assert len({path.read_bytes() for path in target.iterdir()}) == 3


def test_a_copy_that_cannot_be_written_shows_why(desk: Desk) -> None:
    fill(desk, "poster", range(1))
    desk.window.work_actions.copy_to(newest(desk)[0], desk.home / "no such folder" / "copy.png")
    desk.until(lambda: desk.window.toast.message().startswith("The copy could not be saved: No such file or directory"))
    assert "no such folder" in desk.window.toast.message()
    assert ".part" not in desk.window.toast.message()


@pytest.mark.parametrize("binned", [False, True])
def test_the_work_menu_offers_possible_commands(desk: Desk, binned: bool) -> None:
    fill(desk, "poster", range(2), "a lighthouse")
    if binned:
        desk.studio.library.bin(desk.studio.library.ids())
    library = page(desk)
    if binned:
        desk.click("binned")
    choose(library, 0, 1)
    menu = library.menu()
    assert menu is not None
    names = [action.objectName() for action in menu.actions() if action.objectName()]
    used = ["menu.again", "menu.vary", "menu.upscale", "menu.favourite", "menu.save", "menu.bin"]
    assert names == (["menu.restore", "menu.delete"] if binned else used)
    if not binned:
        next(action for action in menu.actions() if action.objectName() == "menu.favourite").trigger()
        assert all(asset.favourite for asset in newest(desk))
    menu.deleteLater()


@pytest.mark.parametrize("name", ["again", "vary"])
def test_several_works_are_made_again_as_one_group(desk: Desk, name: str) -> None:
    fill(desk, "poster", range(2), "a lighthouse")
    fill(desk, "story", range(1), "a compass")
    gone = medium("poster").default_task.request(seed=9, model="foxes")
    desk.studio.library.add(payload("poster", 9), medium="poster", request=gone.to_json(), provenance=Provenance())
    library = page(desk)
    desk.until(lambda: library.total.text() == "4 items")
    choose(library, 0, 1, 2, 3)
    works = library.selected()
    menu = library.menu()
    assert menu is not None
    next(action for action in menu.actions() if action.objectName() == f"menu.{name}").trigger()
    menu.deleteLater()
    desk.until(lambda: desk.window.toast.message() == "3 items added to the queue. 1 item cannot be made again.")
    (group,) = desk.studio.queue.rows()
    assert isinstance(group, JobGroup)
    assert (group.group.kind, group.group.title) == ("batch", "Variations" if name == "vary" else "Make again")
    desk.idle()
    made = group.future.result(20)
    sources = [work for work in works if work.request["model"] != "foxes"]
    assert [new.medium for new in made] == [old.medium for old in sources]
    if name == "again":
        assert [new.request["seed"] for new in made] == [old.request["seed"] for old in sources]
        assert {new.parents for new in made} == {()}
    else:
        assert not {new.request["seed"] for new in made} & {old.request["seed"] for old in sources}
        assert [new.parents for new in made] == [(old.id,) for old in sources]
    desk.window.toast.findChildren(QAbstractButton, "toastAction")[0].click()
    assert desk.window.queue.isVisible()


def test_several_works_that_cannot_be_made_again_say_why(desk: Desk) -> None:
    for seed in (1, 2):
        gone = medium("poster").default_task.request(seed=seed, model="foxes")
        desk.studio.library.add(
            payload("poster", seed), medium="poster", request=gone.to_json(), provenance=Provenance()
        )
    library = page(desk)
    desk.until(lambda: library.total.text() == "2 items")
    choose(library, 0, 1)
    desk.act("vary")
    desk.until(lambda: "What this request needs is missing: Model foxes" in desk.window.toast.message())
    assert desk.studio.queue.rows() == []


def test_the_menu_bar_follows_the_selection(desk: Desk) -> None:
    fill(desk, "poster", range(2), "a lighthouse")
    library: LibraryPage = page(desk)
    assert "vary" not in library.commands()
    choose(library, 0)
    assert "vary" in library.commands()
    assert "bin" in library.commands()
    choose(library, 0, 1)
    assert "reveal" not in library.commands()
    assert "save" in library.commands()
    assert "generate" not in library.commands()
