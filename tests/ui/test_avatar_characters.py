"""Characters on the avatar page: saved under a name, used, renamed, binned; their expressions and character sheets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QToolButton
from qasync import QEventLoop

from studio.backends.avatar import expressions
from studio.backends.avatar.requests import AvatarRequest, AvatarSheetRequest
from studio.errors import StudioError
from studio.library.identities import Identities, Identity
from studio.library.library import Asset, LibraryQuery
from studio.schema.request import Request
from studio.ui.avatar.character_list import CharacterList
from tests.faces import TABLE, FaceEngine, face_studio
from tests.ui.avatar_actions import brief, face_desk, inside, page, pick, shows, sixteen, works
from tests.ui.conftest import Desk

MOUTH = {"name": "mouth", "kind": "part", "values": ["sad", "smile", "laughing"], "counts": [3, 3, 3], "none": 0}


@pytest.fixture
def desk(home: Path, loop: QEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    studio = face_studio(home)
    table: dict[str, Any] = json.loads(json.dumps(TABLE))
    table["styles"][0]["attributes"].append(MOUTH)
    _configure(home, table)
    with face_desk(home, loop, monkeypatch, studio) as made:
        yield made


def _configure(home: Path, table: dict[str, Any]) -> None:
    said = {"family": "fake", "shape": {"z_dim": 8}, "attributes": table}
    (home.parent / "bundled" / "avatar-starter" / "config.json").write_text(json.dumps(said), encoding="utf-8")


def people(desk: Desk) -> CharacterList:
    """Looked for, and not asked of the page, which would take the keyboard from who is typing."""
    found = desk.window.findChild(CharacterList)
    assert found is not None
    return found


def named(desk: Desk, name: str, at: int = 0) -> AvatarRequest:
    """One of sixteen, under a name in the brief."""
    panel, _ = page(desk)
    sixteen(desk)
    pick(desk, at)
    inside(desk, panel.form.set_value, brief(panel).replace(name=name))
    return brief(panel)


def keep(desk: Desk) -> Identity:
    before = {one.id: one.changed for one in desk.studio.identities.all()}
    desk.act("identity")
    changed = lambda: [one for one in desk.studio.identities.all() if before.get(one.id) != one.changed]  # noqa: E731
    desk.until(changed)
    (one,) = changed()
    desk.until(lambda: one.name in rows(desk))
    return one


def nameless(desk: Desk) -> Asset:
    """A work of a face without a name."""
    named(desk, "")
    desk.act("keep")
    desk.until(lambda: page(desk)[0].asset is not None)
    return desk.studio.library.page()[0]


def rows(desk: Desk) -> list[str]:
    shown = people(desk).list
    return [shown.item(at).text() for at in range(shown.count())]


def click(desk: Desk, at: int) -> None:
    shown = people(desk).list
    spot = shown.visualItemRect(shown.item(at)).center()
    inside(desk, QTest.mouseClick, shown.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def type_name(desk: Desk, name: str) -> None:
    """Into the line that is open in the list."""
    desk.until(lambda: people(desk).list.findChildren(QLineEdit))
    (line,) = people(desk).list.findChildren(QLineEdit)
    inside(desk, line.setText, name)
    inside(desk, QTest.keyClick, line, Qt.Key.Key_Return)


def test_a_face_under_the_hand_is_kept_and_a_click_brings_it_back(desk: Desk) -> None:
    panel, inspector = page(desk)
    face = named(desk, "Mara")
    one = keep(desk)
    assert (one.name, one.work) == ("Mara", desk.studio.library.page()[0].id)
    assert one.face == face.replace(model="avatar-starter")
    assert desk.studio.identities.portrait(one.id).pixels.shape == (512, 512, 4)
    assert inspector.tabs.tab == "people"
    other = named(desk, "", 3)
    assert other.seed != face.seed
    click(desk, 0)
    assert (brief(panel).seed, brief(panel).name) == (face.seed, "Mara")
    desk.until(lambda: shows(panel, face))
    desk.act("undo")
    assert brief(panel) == other


def test_a_work_is_kept_as_it_is_and_the_same_name_takes_the_new_face(desk: Desk) -> None:
    panel, _ = page(desk)
    named(desk, "Mara")
    desk.act("keep")
    desk.until(lambda: panel.asset is not None)
    first = keep(desk)
    assert len(works(desk)) == 1, "the work is there already"
    named(desk, "mara", 5)
    second = keep(desk)
    assert second.id == first.id
    assert second.face != first.face
    assert rows(desk) == ["mara"]
    assert desk.window.toast.message() == "mara has this face now."
    inside(desk, undo(desk).click)
    desk.until(lambda: desk.studio.identities.get(first.id).face == first.face)
    assert desk.studio.identities.get(first.id).work == first.work


def undo(desk: Desk) -> Any:
    return next(each for each in desk.window.toast.findChildren(type(desk.find("keepIdentity"))) if each.isVisible())


def test_one_without_a_name_is_asked_for_it_where_it_stands(desk: Desk) -> None:
    panel, _ = page(desk)
    named(desk, "")
    one = keep(desk)
    assert one.name == "Character 1"
    type_name(desk, "Mara")
    desk.until(lambda: rows(desk) == ["Mara"])
    assert desk.studio.identities.get(one.id).name == "Mara"
    assert brief(panel).name == "Mara", "what is made of it next has the name"
    assert desk.studio.library.page()[0].title == "Mara", "and the work that shows it, which had none"
    desk.until(lambda: panel.stage_area.header.caption.full_text().startswith("Mara"))


def test_who_is_kept_comes_into_sight_in_a_low_window(desk: Desk) -> None:
    desk.window.resize(1024, 640)
    named(desk, "Zoe")
    keep(desk)
    portrait = desk.studio.identities.portrait("Zoe")
    for name in ("Ada", "Ben", "Cleo", "Dan"):
        desk.studio.identities.save(name, AvatarRequest(seed=len(name)), portrait)
    desk.until(lambda: len(rows(desk)) == 5)
    named(desk, "", 2)
    keep(desk)
    desk.until(lambda: people(desk).list.findChildren(QLineEdit))
    (line,) = people(desk).list.findChildren(QLineEdit)
    desk.until(lambda: line.visibleRegion().boundingRect().height() == line.height())
    assert people(desk).remove.visibleRegion().boundingRect().size() == people(desk).remove.size()


def test_renamed_and_removed_by_keyboard_and_taken_back(desk: Desk) -> None:
    named(desk, "Ada")
    keep(desk)
    named(desk, "Ben", 2)
    keep(desk)
    desk.until(lambda: desk.window.toast.message() == "Ben is saved.")
    desk.settle()
    pressed = undo(desk)
    assert pressed.width() >= pressed.sizeHint().width(), "a notice that follows another has room for its button"
    assert desk.window.toast.width() >= desk.window.toast.sizeHint().width()
    shown = people(desk).list
    click(desk, 0)
    inside(desk, shown.setFocus)
    inside(desk, QTest.keyClick, shown, Qt.Key.Key_F2)
    type_name(desk, "Ben")
    desk.until(lambda: "Ben exists already" in desk.window.toast.message())
    assert rows(desk) == ["Ada", "Ben"]
    inside(desk, QTest.keyClick, shown, Qt.Key.Key_F2)
    type_name(desk, "Zoe")
    desk.until(lambda: rows(desk) == ["Ben", "Zoe"])
    assert shown.currentItem().text() == "Zoe", "who was marked stays marked"
    inside(desk, QTest.keyClick, shown, Qt.Key.Key_Delete)
    desk.until(lambda: rows(desk) == ["Ben"])
    assert [one.name for one in desk.studio.identities.binned()] == ["Zoe"]
    inside(desk, undo(desk).click)
    desk.until(lambda: rows(desk) == ["Ben", "Zoe"])
    inside(desk, shown.setCurrentRow, 0)
    desk.click("removePerson")
    desk.until(lambda: rows(desk) == ["Zoe"])


def test_who_is_in_the_bin_is_brought_back_from_the_list(desk: Desk) -> None:
    named(desk, "R & D")
    one = keep(desk)
    shown = people(desk)
    assert not shown.gone.isVisible(), "nobody is in the bin"
    inside(desk, shown.list.setCurrentRow, 0)
    desk.click("removePerson")
    desk.until(lambda: shown.gone.isVisible() and not rows(desk))
    assert shown.gone.text() == "1 in the bin"
    (deed,) = shown.bin.actions()
    assert deed.text() == "R && D"
    assert not deed.icon().isNull()
    inside(desk, deed.trigger)
    desk.until(lambda: rows(desk) == ["R & D"] and not shown.gone.isVisible())
    assert desk.studio.identities.get(one.id).face == one.face
    assert shown.list.currentRow() == 0, "who is back is marked"
    assert desk.window.toast.message() == "R & D is restored."
    inside(desk, undo(desk).click)
    desk.until(lambda: not rows(desk) and len(desk.studio.identities.binned()) == 1)


def test_who_was_removed_beside_the_window_is_said_to_be_gone(desk: Desk, home: Path) -> None:
    panel, _ = page(desk)
    named(desk, "Ada")
    one = keep(desk)
    shown = people(desk).list
    inside(desk, shown.setCurrentRow, 0)
    Identities(home / "identities").remove(one.id)
    assert rows(desk) == ["Ada"], "the window has not heard of it"
    inside(desk, people(desk).renamed.emit, one.id, "Zoe")
    assert "no longer exists" in desk.window.toast.message()
    desk.until(lambda: not rows(desk))
    desk.window.toast.hide()
    inside(desk, people(desk).removed.emit, one.id)
    assert "no longer exists" in desk.window.toast.message()
    assert brief(panel).name == "Ada"


def test_a_face_that_is_still_on_its_way_is_not_kept_for_another(desk: Desk) -> None:
    panel, inspector = page(desk)
    first = named(desk, "Ada")
    FaceEngine.gate.clear()
    desk.act("keep")
    inside(desk, panel.form.set_value, first.replace(seed=first.seed + 1, name="Ben"))
    desk.act("identity")
    FaceEngine.gate.set()
    desk.until(lambda: works(desk) and not inspector.session.saving)
    desk.until(lambda: "Another face" in desk.window.toast.message())
    assert desk.studio.identities.all() == [], "and least of all Ben with the face of Ada"
    assert brief(panel).name == "Ben"
    desk.until(lambda: shows(panel, brief(panel)))
    assert keep(desk).face.seed == first.seed + 1


def test_a_face_without_a_name_takes_nobodys_place(desk: Desk) -> None:
    named(desk, "character 1")
    first = keep(desk)
    named(desk, "", 2)
    second = keep(desk)
    assert second.name == "Character 2"
    assert desk.studio.identities.get("character 1") == first


def test_they_are_there_again_at_the_next_start(desk: Desk, home: Path, loop: QEventLoop) -> None:
    named(desk, "Mara")
    keep(desk)
    desk.close()
    again = Desk(home, loop, studio=face_studio(home))
    assert page(again)[1].tabs.tab == "people"
    again.until(lambda: rows(again) == ["Mara"])
    again.studio.identities.save("Ben", AvatarRequest(seed=2), again.studio.identities.portrait("Mara"))
    again.until(lambda: rows(again) == ["Ben", "Mara"])
    again.close()


def test_expressions_stand_to_choose_from_and_the_chosen_one_is_the_same_person(desk: Desk) -> None:
    panel, inspector = page(desk)
    face = named(desk, "Mara")
    desk.act("expressions")
    desk.until(lambda: panel.stage_area.candidates.isVisible() and panel.stage_area.candidates.done == 3)
    assert panel.stage_area.header.caption.full_text() == "Choose one of 3 expressions"
    assert {each.seed for each in inspector.session.candidates.faces} == {face.seed}
    grid = panel.stage_area.candidates
    assert [grid.caption(at) for at in range(3)] == ["Happy", "Sad", "Laughing"]
    assert grid.cell(0).bottom() + grid._caption_height() <= grid.height(), "each has room below it"
    assert grid.accessibleDescription() == "Happy, 1 of 3"
    inside(desk, QTest.keyClick, grid, Qt.Key.Key_Right)
    assert grid.accessibleDescription() == "Sad, 2 of 3"
    pick(desk, 1)
    assert (brief(panel).seed, brief(panel).name, brief(panel).style) == (face.seed, "Mara", face.style)
    assert [trait.name for trait in brief(panel).traits] == ["Mouth"]
    desk.act("undo")
    assert brief(panel) == face


def test_moods_are_drawn_up_beside_the_window(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, _ = page(desk)
    named(desk, "Mara")
    where: list[str] = []
    drawn_up = expressions.expressions

    def watched(*args: Any) -> Any:
        where.append(threading.current_thread().name)
        return drawn_up(*args)

    monkeypatch.setattr(expressions, "expressions", watched)
    desk.act("expressions")
    desk.until(lambda: panel.stage_area.candidates.isVisible() and panel.stage_area.candidates.done == 3)
    desk.act("sheet")
    desk.until(lambda: panel.asset is not None and panel.asset.request["kind"] == "avatar.sheet")
    assert len(where) == 2
    assert threading.main_thread().name not in where


def test_what_a_work_is_called_names_who_is_kept_and_shown_in_moods(desk: Desk) -> None:
    panel, _ = page(desk)
    work = nameless(desk)
    desk.studio.library.rename(work.id, "Robin")
    inside(desk, panel.stage_area.select_work, desk.studio.library.get(work.id))
    desk.act("sheet")
    desk.until(lambda: panel.asset is not None and panel.asset.request["kind"] == "avatar.sheet")
    assert panel.asset is not None
    assert panel.asset.title == "Robin"
    inside(desk, panel.stage_area.select_work, desk.studio.library.get(work.id))
    assert keep(desk).name == "Robin"


def test_a_nameless_work_takes_nobodys_place_by_the_name_of_another_brief(desk: Desk) -> None:
    panel, _ = page(desk)
    work = nameless(desk)
    named(desk, "Ada", 3)
    ada = keep(desk)
    inside(desk, panel.stage_area.select_work, work)
    assert brief(panel).name == "Ada"
    assert keep(desk).name == "Character 1"
    assert desk.studio.identities.get(ada.id) == ada


def test_a_character_sheet_comes_through_the_queue_into_the_library(desk: Desk) -> None:
    panel, _ = page(desk)
    face = named(desk, "Mara")
    keep(desk)
    desk.click("characterSheet")
    desk.until(lambda: len(desk.studio.library.page(LibraryQuery(medium="avatar"))) == 2)
    sheet = desk.studio.library.page()[0]
    request = Request.from_json(sheet.request)
    assert isinstance(request, AvatarSheetRequest)
    assert (sheet.title, [pose.words for pose in request.poses]) == ("Mara", ["Happy", "Sad", "Laughing"])
    assert sheet.parents == (desk.studio.identities.get("Mara").work,)
    desk.until(lambda: panel.asset is not None and panel.asset.id == sheet.id)
    named(desk, "", 4)
    inside(desk, panel.show_work, sheet)
    desk.act("recall")
    assert (brief(panel).seed, brief(panel).name) == (face.seed, "Mara")


def test_who_is_on_a_sheet_can_be_kept_from_it(desk: Desk) -> None:
    panel, _ = page(desk)
    face = named(desk, "Mara")
    desk.act("sheet")
    desk.until(lambda: panel.asset is not None and panel.asset.request["kind"] == "avatar.sheet")
    one = keep(desk)
    assert one.name == "Mara"
    assert one.face == face.replace(model="avatar-starter")
    assert desk.studio.identities.portrait(one.id).pixels.shape == (512, 512, 4), "the face, not the sheet"


def test_a_model_without_moods_says_why_there_are_none(desk: Desk, home: Path) -> None:
    panel, inspector = page(desk)
    _configure(home, TABLE)
    desk.window.bridge.models_changed()
    desk.click("tab.people")
    desk.settle()
    assert not inspector.characters.moods.isEnabled()
    assert not inspector.characters.sheet.isEnabled()
    assert "has no expressions" in desk.find("moodless").text()  # type: ignore[attr-defined]
    desk.act("sheet")
    desk.until(lambda: "has no expressions" in panel.error.message())
    assert not FaceEngine.asked


def test_every_control_of_the_people_has_a_name_and_a_tip(desk: Desk) -> None:
    named(desk, "Mara")
    keep(desk)
    for name in ("keepIdentity", "expressions", "characterSheet", "people", "renamePerson", "removePerson"):
        widget = desk.find(name)
        assert widget.accessibleName(), name
        assert widget.toolTip(), name
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus, name
    tab = desk.find("tab.people")
    assert isinstance(tab, QToolButton)


def test_who_cannot_be_brought_back_now_can_be_later_unless_gone_for_good(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(desk, "Mara")
    one = keep(desk)
    identities = desk.studio.identities
    inside(desk, people(desk).list.setCurrentRow, 0)
    desk.click("removePerson")
    desk.until(lambda: not rows(desk))
    restore, history = identities.restore, desk.window.work_actions.history

    def refuse(id: str) -> Identity:
        raise StudioError("The disk is locked.")

    monkeypatch.setattr(identities, "restore", refuse)
    inside(desk, history.undo)
    assert "The disk is locked." in desk.window.toast.message()
    monkeypatch.setattr(identities, "restore", restore)
    inside(desk, history.undo)
    desk.until(lambda: rows(desk) == ["Mara"])
    identities.remove(one.id)  # from elsewhere
    inside(desk, history.undo)
    assert desk.window.toast.message().startswith("This character no longer exists."), desk.window.toast.message()
    assert [each.name for each in identities.binned()] == ["Mara"]
    assert history.undo_at == 0
