"""Continue at the cursor: what is sent, where the text grows, what stop and undo leave, and that it is found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from qasync import QEventLoop

from studio.library.library import Asset
from studio.media.payloads import Text
from studio.media.provenance import Provenance
from studio.ui.panel.panel import Panel
from studio.ui.stages.text import TextStage
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk
from tests.writer import WriterEngine, writer_studio

TALE = "# The Fox\n\nIt ran north. It slept.\n\nThe end.\n"
DELIGHTED = "\U0001f98a"  # a fox: two units of UTF-16


@pytest.fixture
def desk(home: Path, loop: QEventLoop) -> Iterator[Desk]:
    made = Desk(home, loop, studio=writer_studio(home))
    made.window.open("story")
    yield made
    made.close()


def shown(desk: Desk, text: str = TALE) -> tuple[Panel, TextStage, Asset]:
    """A text of the library on the stage."""
    asset = desk.studio.library.add(
        Text(text), medium="story", request={"kind": "story", "seed": 4}, provenance=Provenance(seed=4)
    )
    panel = desk.panel("story")
    panel.show_work(asset)
    assert isinstance(panel.stage, TextStage)
    return panel, panel.stage, asset


def after(stage: TextStage, words: str) -> None:
    """Put the cursor after these words, and the keyboard into the text."""
    stage.page.setFocus()
    stage.page.moveCursor(QTextCursor.MoveOperation.Start)
    assert stage.page.find(words), words
    cursor = stage.page.textCursor()
    cursor.clearSelection()
    stage.page.setTextCursor(cursor)


def done(desk: Desk, stage: TextStage) -> None:
    desk.until(lambda: stage.insertion is None)
    desk.idle()


def test_the_text_goes_on_at_the_cursor_and_undo_takes_it_out_in_one_step(desk: Desk) -> None:
    panel, stage, asset = shown(desk)
    WriterEngine.prepare(" It was", " glad.\n\nThen it", " rained.")
    after(stage, "ran north.")
    QTest.keyClicks(stage.page, " Fast.")
    desk.act("continue")
    done(desk, stage)
    (asked,) = WriterEngine.asked
    assert asked.to_json()["prompt"] == "# The Fox\n\nIt ran north. Fast."
    assert stage.text == "# The Fox\n\nIt ran north. Fast. It was glad.\n\nThen it rained. It slept.\n\nThe end.\n"
    assert stage.page.text_before(stage.page.textCursor()).endswith("rained.")
    assert stage.page.hasFocus()
    desk.act("undo")
    assert stage.text == TALE.replace("north.", "north. Fast.")
    desk.act("redo")
    assert "Then it rained. It slept." in stage.text
    QTest.keyClick(stage.page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert stage.text == TALE.replace("north.", "north. Fast.")
    assert [work.id for work in desk.studio.library.page()] == [asset.id], "no new work is made"
    assert panel.asset is not None


def test_it_is_written_as_it_comes_and_stop_keeps_what_was_written(desk: Desk) -> None:
    panel, stage, _ = shown(desk)
    WriterEngine.prepare(" And on", " it ran.", " And more.", waiting=True)
    after(stage, "ran north.")
    star = desk.find("star")
    place = star.pos()
    desk.click("continueText")
    WriterEngine.gate.release()
    desk.until(lambda: "north. And on It slept." in stage.text)
    strip = desk.window.job_strip
    desk.until(lambda: strip.words.full_text().startswith("Story · "))
    assert strip.cancel.isVisible()
    assert panel.brief.undo_button.isEnabled()
    assert star.pos() == place, "nothing moves under the pointer"
    QTest.keyClicks(stage.page, "x")
    assert "x" not in stage.text.replace("Fox", ""), "what is typed meanwhile goes nowhere"
    WriterEngine.gate.release()
    desk.until(lambda: "And on it ran." in stage.text)
    assert "stop" in panel.commands()
    desk.click("continueText")
    done(desk, stage)
    assert stage.text == TALE.replace("ran north.", "ran north. And on it ran.")
    desk.until(lambda: strip.words.full_text() == "Ready")
    QTest.keyClicks(stage.page, "!")
    assert "it ran.! It slept." in stage.text
    assert "stop" not in panel.commands()


def test_what_was_written_is_a_version_and_there_tomorrow(desk: Desk, home: Path, loop: QEventLoop) -> None:
    _, stage, asset = shown(desk)
    WriterEngine.prepare(" Far.")
    after(stage, "ran north.")
    desk.act("continue")
    done(desk, stage)
    whole = stage.text
    draft = stage._draft
    assert draft is not None
    assert draft.text_of_version(draft.versions()[0].number) == whole
    desk.close()
    later = Desk(home, loop, studio=writer_studio(home))
    try:
        later.window.open("story")
        panel = later.panel("story")
        panel.show_work(later.studio.library.get(asset.id))
        assert isinstance(panel.stage, TextStage)
        assert panel.stage.text == whole == TALE.replace("north.", "north. Far.")
    finally:
        later.close()


@pytest.mark.parametrize(
    ("text", "place", "piece", "whole"),
    [
        ("# The Fox\n", "", "Once it ran.", "# The Fox\n\nOnce it ran.\n"),
        ("One day it ", "", " ran home.", "One day it ran home."),
        (f"A {DELIGHTED} ran. It hid.\n", "ran.", " Away!", f"A {DELIGHTED} ran. Away! It hid.\n"),
        ("It ran.It hid.\n", "ran.", " Home.", "It ran. Home. It hid.\n"),
        ("他跑了。她睡了。\n", "跑了。", "天黑了。", "他跑了。天黑了。她睡了。\n"),
        ("그는 갔다.나는 잤다.\n", "갔다.", " 밤이었다.", "그는 갔다. 밤이었다. 나는 잤다.\n"),
        ("It ran.\n\nIt hid.\n", "ran.", "\n\n# North\n\nSnow.", "It ran.\n\n# North\n\nSnow.\n\nIt hid.\n"),
        ("It ran.\n", "", "\nIt hid\nwell.", "It ran.\nIt hid\nwell.\n"),
    ],
)
def test_what_stands_around_the_cursor_fits(desk: Desk, text: str, place: str, piece: str, whole: str) -> None:
    _, stage, _ = shown(desk, text)
    WriterEngine.prepare(piece)
    if place:
        after(stage, place)
    desk.act("continue")
    done(desk, stage)
    assert stage.text == whole
    desk.act("undo")
    assert stage.text == text


def test_another_text_on_the_stage_ends_the_writing_and_keeps_what_was_written(desk: Desk) -> None:
    panel, stage, first = shown(desk)
    WriterEngine.prepare(" Far.", " Farther.", waiting=True)
    after(stage, "ran north.")
    desk.act("continue")
    WriterEngine.gate.release()
    desk.until(lambda: "Far." in stage.text)
    _, _, second = shown(desk, "Another.\n")
    desk.idle()
    assert panel.asset is not None
    assert (panel.asset.id, stage.text) == (second.id, "Another.\n")
    assert stage.insertion is None
    panel.show_work(first)
    assert stage.text == TALE.replace("north.", "north. Far.")


def test_an_error_is_shown_and_what_was_written_stays(desk: Desk) -> None:
    panel, stage, _ = shown(desk)
    WriterEngine.prepare(" Far.", "")
    after(stage, "ran north.")
    QTest.keyClick(
        stage.page, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    done(desk, stage)
    assert "cannot be continued" in panel.error.message()
    assert stage.text == TALE.replace("north.", "north. Far.")


def test_undo_while_it_is_written_stops_and_takes_it_out(desk: Desk) -> None:
    _, stage, _ = shown(desk)
    WriterEngine.prepare(" Far.", " Farther.", waiting=True)
    after(stage, "ran north.")
    desk.act("continue")
    WriterEngine.gate.release()
    desk.until(lambda: "Far." in stage.text)
    desk.act("undo")
    desk.idle()
    assert stage.text == TALE
    assert not stage.page.isReadOnly()


def test_text_and_settings_are_undone_in_the_order_in_which_they_were_changed(desk: Desk) -> None:
    panel, stage, _ = shown(desk)

    def state() -> tuple[str, int]:
        return stage.text, panel.form.value().seed

    seen = [state()]
    for step in range(4):
        if step % 2:
            panel.form.set_value(panel.form.value().replace(seed=step))
        else:
            after(stage, ("ran north.", "", "It slept.")[step])
            QTest.keyClicks(stage.page, "?")
        seen.append(state())
    assert len(set(seen)) == 5
    for before in reversed(seen[:-1]):
        desk.act("undo")
        assert state() == before
    for later in seen[1:]:
        desk.act("redo")
        assert state() == later
    desk.act("undo")
    QTest.keyClicks(stage.page, "!!")
    typed = state()
    panel.form.set_value(panel.form.value().replace(seed=77))
    QTest.keyClicks(stage.page, "!")
    desk.act("undo")
    assert state()[1] == 77, "what is typed on is later than what was set meanwhile"
    desk.act("undo")
    assert state()[1] == typed[1]


def test_text_that_is_made_larger_meanwhile_stays_in_its_place(desk: Desk) -> None:
    _, stage, _ = shown(desk)
    WriterEngine.prepare(" Far.", " Farther.", waiting=True)
    after(stage, "ran north.")
    desk.act("continue")
    WriterEngine.gate.release()
    desk.until(lambda: "Far." in stage.text)
    size = stage.page.font().pointSizeF()
    try:
        theme().set_text_size(1.5)
        WriterEngine.gate.release()
        done(desk, stage)
        assert stage.text == TALE.replace("ran north.", "ran north. Far. Farther.")
        assert stage.page.font().pointSizeF() > 1.2 * size
    finally:
        theme().set_text_size(1.0)


def test_without_a_text_there_is_nothing_to_continue(desk: Desk) -> None:
    panel = desk.panel("story")
    assert "continue" not in panel.commands()
    shown(desk)
    assert "continue" in panel.commands()
    panel.show_work(None)
    assert "continue" not in panel.commands()
