"""The stage for texts: Markdown round trip, streaming, editing, drafts and versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtTest import QTest

from studio.documents.document import listing
from studio.errors import Message
from studio.jobs.previews import PreviewJoiner, TextDelta
from studio.library.asset import AssetRecord
from studio.library.library import Asset
from studio.media import codecs, markdown
from studio.media.markdown import MarkdownBlock, join_blocks, parse, word_count
from studio.media.payloads import Text
from studio.media.provenance import Provenance
from studio.ui.stages import text_page
from studio.ui.stages.text import TextStage
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk, Room

TALE = "# The Fox\n\nOnce there was a fox.\n\n## North\nIt ran north.\nIt ran on.\n"


def work(folder: Path, name: str, text: str) -> Asset:
    path = folder / "works" / "2026-01" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    codecs.write(Text(text), path)
    return AssetRecord(name, 1, "story", f"2026-01/{name}.md", 0.0, "", 1, title=name).to_asset(folder)


@pytest.fixture
def stage(room: Room, tmp_path: Path) -> Iterator[TextStage]:
    made = TextStage(tmp_path / "documents")
    made.resize(900, 600)
    made.show()
    yield made
    made.deactivate()
    made.hide()
    made.deleteLater()


def type_(stage: TextStage, text: str) -> None:
    for letter in text:
        key = Qt.Key.Key_Return if letter == "\n" else None
        QTest.keyClick(stage.page, key) if key else QTest.keyClicks(stage.page, letter)


def end(stage: TextStage) -> None:
    stage.page.setFocus()
    stage.page.moveCursor(QTextCursor.MoveOperation.End)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one line",
        TALE,
        "\n\nlate\n\n\n\nfar apart\n\n",
        "a\nb\n  indented\n\n#no heading\n###### six\nseven",
        "# A\n# B\n\n\n# C\n\n- one\n- two\n",
        "从前有一只狐狸。\n它跑了。\n\n# 北",
        " \n\n \nspaces",
    ],
)
def test_markdown_round_trips(text: str) -> None:
    blocks, tail = parse(text)
    assert join_blocks(blocks) + tail == text


def test_headings_are_separate_blocks() -> None:
    blocks, tail = parse("# A\nb\nc\n\nd\n")
    assert blocks == [MarkdownBlock(0, 1, "A", 0), MarkdownBlock(1, 0, "b\u2028c", 4), MarkdownBlock(2, 0, "d", 9)]
    assert tail == "\n"


def test_words_are_counted_in_both_scripts() -> None:
    assert word_count("It ran, didn't it? 42 foxes.") == 6
    assert word_count("从前有一只fox。") == 6


def test_what_the_engine_says_of_a_text_stands_below_it(stage: TextStage, tmp_path: Path) -> None:
    plain = work(tmp_path, "plain", TALE)
    said = Message("Left out at the end: {words}", words="Then the")
    stage.show_asset(dataclasses.replace(plain, provenance=Provenance(remark=said)))
    assert stage.remark.text() == "Left out at the end: Then the"
    assert stage.remark.isVisible()
    stage.show_asset(plain)
    assert not stage.remark.isVisible()
    stage.show_asset(dataclasses.replace(plain, provenance=Provenance(remark=said)))
    stage.preview(Text("Once"))
    assert not stage.remark.isVisible(), "it is about another text"


def test_a_streamed_text_is_appended(stage: TextStage) -> None:
    whole = "# The Fox\n\nOnce there was a fox.\n\nIt ran <b>away</b> & came # back.\nAnd on."
    first = None
    for at in range(1, len(whole) + 1):
        stage.preview(Text(whole[:at]))
        assert stage.text == whole[:at]
        if at == 20:
            first = stage.page.document().firstBlock()
    shown = "The Fox\nOnce there was a fox.\nIt ran <b>away</b> & came # back.\nAnd on."
    assert stage.page.toPlainText() == shown
    assert stage.page._to_markdown() == whole
    assert stage.page.document().firstBlock() == first
    assert stage.title() == "The Fox"
    assert stage.page.isReadOnly()
    stage.copy()
    assert QGuiApplication.clipboard().text() == whole
    stage.preview(Text("Another"))
    assert stage.page.toPlainText() == "Another"


def normal(text: str) -> str:
    blocks, tail = parse(text)
    return join_blocks(blocks) + tail


@pytest.mark.parametrize("step", [1, 3, 7, 1000])
def test_a_growing_text_shows_the_same_as_a_whole_one(stage: TextStage, step: int) -> None:
    whole = "# The Fox\n\nOnce there was a fox.\nIt ran\n#away\n\n## And\n#\n\n\nback. 从前有一只fox\n# \n\nEnd\n\n"
    joiner = PreviewJoiner()
    for at in range(0, len(whole), step):
        stage.preview(joiner.join(TextDelta(at, whole[at : at + step])) or Text(""))
        assert stage.words.text().split()[0] == str(word_count(whole[: at + step]))
        if at % 5 == 0:
            assert stage.text == whole[: at + step]
            assert stage.page._to_markdown() == normal(whole[: at + step])
    assert stage.text == whole
    assert stage.page._to_markdown() == normal(whole)
    other = PreviewJoiner()
    stage.preview(other.join(TextDelta(0, "Another")) or Text(""))
    assert stage.page.toPlainText() == "Another"
    stage.preview(other.join(TextDelta(2, "!")) or Text(""))
    assert stage.page.toPlainText() == "An!"


def test_previews_may_be_skipped_and_another_text_shown_between(stage: TextStage) -> None:
    joiner = PreviewJoiner()
    previews = [joiner.join(TextDelta(at * 4, f"{at:03} ")) or Text("") for at in range(200)]
    whole = "".join(f"{at:03} " for at in range(200))
    stage.preview(previews[3])
    stage.preview(previews[150])
    assert stage.text == whole[: 151 * 4]
    stage.preview(Text("Something else"))
    stage.preview(previews[199])
    assert stage.text == whole


def test_a_token_of_a_long_text_costs_no_more_than_one_of_a_short_one(
    stage: TextStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled = [0]

    def counting(function: Callable[[str], Any]) -> Callable[[str], Any]:
        def counted(text: str) -> Any:
            handled[0] += len(text)
            return function(text)

        return counted

    def cost(length: int) -> int:
        paragraph = "Once there was a fox who ran along the river. " * 4 + "\n\n"
        whole = paragraph * (length // len(paragraph)) + "It went on"
        joiner = PreviewJoiner()
        stage.preview(joiner.join(TextDelta(0, whole)) or Text(""))
        handled[0] = 0
        for at in range(20):
            token = "\n\nThen" if at == 10 else " and on"
            stage.preview(joiner.join(TextDelta(len(whole), token)) or Text(""))
            whole += token
        cost = handled[0]
        assert stage.text == whole
        return cost

    monkeypatch.setattr(text_page, "parse", counting(text_page.parse))
    monkeypatch.setattr(markdown, "word_count", counting(markdown.word_count))
    assert 0 < cost(400_000) == cost(400)


def test_a_line_is_comfortable_to_read(stage: TextStage, room: Room) -> None:
    stage.resize(1400, 700)
    stage.preview(Text("It was a bright cold day in the village and the clocks were all a little late. " * 9))
    room.settle()
    layout = stage.page.document().firstBlock().layout()
    lengths = [layout.lineAt(at).textLength() for at in range(layout.lineCount() - 1)]
    assert 60 <= np.mean(lengths) <= 80


def test_a_draft_is_kept_and_the_work_is_unchanged(stage: TextStage, tmp_path: Path, room: Room) -> None:
    asset = work(tmp_path, "tale", TALE)
    stage.show_asset(asset)
    assert stage.words.text() == "14 words"
    assert not stage.save_copy.isVisible()
    end(stage)
    type_(stage, " Then home.\n# The end\nHome.")
    written = TALE.rstrip("\n") + " Then home.\n\n# The end\n\nHome.\n"
    assert stage.text == written
    assert stage.state.text() == "Saving…"
    room.until(lambda: stage.state.text() == "Edited, saved")
    assert stage.words.text() == "19 words"
    assert stage.save_copy.isVisible()
    stage.show_asset(work(tmp_path, "other", "Other."))
    assert stage.text == "Other."
    assert not stage.save_copy.isVisible()
    stage.show_asset(asset)
    assert stage.text == written
    assert stage.save_copy.isVisible()
    assert codecs.read(asset.path) == Text(TALE)


def test_leaving_saves_at_once_and_editing_resumes_the_draft(stage: TextStage, tmp_path: Path) -> None:
    asset = work(tmp_path, "tale", "One.")
    stage.show_asset(asset)
    end(stage)
    type_(stage, " Two.")
    stage.deactivate()
    again = TextStage(tmp_path / "documents")
    again.show_asset(asset)
    assert again.text == "One. Two."
    again.deactivate()
    again.deleteLater()
    type_(stage, " Three.")
    stage.deactivate()
    assert len(listing(tmp_path / "documents" / "texts" / "tale")) == 1
    stage.show_asset(asset)
    assert stage.text == "One. Two. Three."


def test_versions_are_restored(stage: TextStage, tmp_path: Path) -> None:
    stage.show_asset(work(tmp_path, "tale", "One."))
    end(stage)
    type_(stage, " Two.")
    QTest.keyClick(stage.page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert stage.text == "One."
    type_(stage, " Three.")
    choose(stage, "Save this version")
    type_(stage, " Four.")
    choose(stage, "Original")
    assert stage.text == "One."
    menu = stage.versions()
    named = [action for action in menu.actions() if action.text() and "version" not in action.text().lower()]
    assert not named[-1].isEnabled()
    named[0].trigger()
    assert stage.text == "One. Three. Four."
    named[1].trigger()
    assert stage.text == "One. Three."
    menu.deleteLater()


def choose(stage: TextStage, words: str) -> None:
    menu = stage.versions()
    next(action for action in menu.actions() if action.text() == words).trigger()
    menu.deleteLater()


def test_a_draft_is_kept_as_a_work_of_its_own(stage: TextStage, tmp_path: Path) -> None:
    asset = work(tmp_path, "tale", "One.")
    stage.show_asset(asset)
    end(stage)
    type_(stage, " Two.")
    stage.save_requested.connect(lambda payload: stage.show_asset(work(tmp_path, "kept", payload.text)))
    stage.save_copy.click()
    assert stage.asset is not None
    assert stage.asset.id == "kept"
    assert stage.text == "One. Two."
    assert not stage.save_copy.isVisible()
    stage.show_asset(asset)
    assert stage.text == "One."
    menu = stage.versions()
    assert len(menu.actions()) > 2
    menu.actions()[0].trigger()
    assert stage.text == "One. Two."
    menu.deleteLater()


def test_a_copy_that_is_not_saved_stays_a_draft(stage: TextStage, tmp_path: Path) -> None:
    stage.show_asset(work(tmp_path, "tale", "One."))
    end(stage)
    type_(stage, " Two.")
    stage.save_copy.click()
    assert stage.text == "One. Two."
    assert stage.save_copy.isVisible()


def test_typing_makes_and_unmakes_headings(stage: TextStage, tmp_path: Path) -> None:
    stage.show_asset(work(tmp_path, "tale", "One."))
    end(stage)
    type_(stage, "\n## Two")
    assert stage.text == "One.\n\n## Two"
    QTest.keyClick(stage.page, Qt.Key.Key_Home)
    QTest.keyClick(stage.page, Qt.Key.Key_Backspace)
    assert stage.text == "One.\n\nTwo"
    end(stage)
    QTest.keyClick(stage.page, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    type_(stage, "three")
    assert stage.text == "One.\n\nTwo\nthree"


def test_paragraphs_are_copied_and_pasted(stage: TextStage, tmp_path: Path) -> None:
    stage.show_asset(work(tmp_path, "tale", "One.\n\nTwo."))
    stage.page.setFocus()
    stage.page.selectAll()
    stage.page.copy()
    assert QGuiApplication.clipboard().text() == "One.\n\nTwo."
    end(stage)
    data = QMimeData()
    data.setText(" More.\r\n\r\n# Three\r\n\r\nFour.\r\n")
    QGuiApplication.clipboard().setMimeData(data)
    stage.page.paste()
    assert stage.text == "One.\n\nTwo. More.\n\n# Three\n\nFour."
    stage.page.undo()
    assert stage.text == "One.\n\nTwo."


def test_a_draft_open_elsewhere_can_be_read_only(stage: TextStage, tmp_path: Path) -> None:
    asset = work(tmp_path, "tale", "One.")
    stage.show_asset(asset)
    end(stage)
    type_(stage, " Two.")
    stage._save()
    other = TextStage(tmp_path / "documents")
    said: list[str] = []
    other.message.connect(lambda told, _: said.append(told))
    other.show_asset(asset)
    assert said == ["This document is already open."]
    assert other.page.isReadOnly()
    assert other.text == "One."
    other.deleteLater()


def test_another_theme_and_text_size_keep_the_edit(stage: TextStage, tmp_path: Path) -> None:
    stage.show_asset(work(tmp_path, "tale", TALE))
    end(stage)
    type_(stage, " More.")
    before, place = stage.text, stage.page.textCursor().position()
    theme().choose("dark" if theme().scheme == "light" else "light")
    theme().set_text_size(1.5)
    assert stage.text == before
    assert stage.page.textCursor().position() == place
    assert stage.page.document().firstBlock().charFormat().font().pointSizeF() > 20
    theme().set_text_size(1.0)
    theme().choose("system")
    assert stage.text == before


def test_an_edit_is_saved_as_a_work(desk: Desk) -> None:
    library = desk.studio.library
    asset = library.add(
        Text("One."), medium="story", request={"kind": "story", "seed": 4}, provenance=Provenance(seed=4)
    )
    panel = desk.panel("story")
    panel.show_work(asset)
    stage = panel.stage
    assert isinstance(stage, TextStage)
    end(stage)
    type_(stage, " Two.")
    desk.click("textKeep")
    assert panel.asset is not None
    assert panel.asset.parents == (asset.id,)
    assert panel.asset.request["seed"] == 4
    assert panel.asset.provenance.edited
    assert codecs.read(panel.asset.path) == Text("One. Two.")
    assert [work.id for work in library.page()] == [panel.asset.id, asset.id]
