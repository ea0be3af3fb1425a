"""The prompt while it is typed: words that its model does not know are marked, and one that knows more is offered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomli_w
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from studio.models.fit.demand import Machine
from studio.support import hardware
from studio.ui.forms.fields import TextField
from studio.ui.forms.marked_text import MarkedText
from studio.ui.panel.prompt_words import PromptWords
from tests.studios import starters
from tests.ui.conftest import Desk

WORDS = ("coast", "sunset", "boat", "two boats", "a", "with")


@pytest.fixture
def home(home: Path) -> Path:
    """With a scene model that knows a few words."""
    scenes = starters(home.parent / "bundled") / "poster-scenes"
    (scenes / "config.json").write_text(json.dumps({"words": WORDS}), encoding="utf-8")
    return home


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "machine", lambda _="auto": Machine("cpu", 64 * 10**9, 32 * 10**9))


def words(desk: Desk, medium: str = "poster") -> PromptWords:
    found = desk.panel(medium).brief.prompt_words
    assert found is not None
    return found


def editor(desk: Desk, medium: str = "poster") -> MarkedText:
    field = desk.panel(medium).form.fields["prompt"]
    assert isinstance(field, TextField)
    return field.long


def type_prompt(desk: Desk, prompt: str) -> None:
    field = editor(desk)
    field.selectAll()
    field.insertPlainText(prompt)
    desk.settle()


def add_model(desk: Desk, id: str, family: str, title: str) -> None:
    folder = desk.studio.paths.models / id
    folder.mkdir(parents=True)
    about = {"id": id, "medium": "poster", "family": family, "title": title, "licence": "MIT", "size": 8, "sha256": ""}
    (folder / "model.toml").write_text(tomli_w.dumps(about), encoding="utf-8")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    desk.studio.catalog.refresh()
    desk.window.bridge.models_changed()
    desk.settle()


def test_what_is_not_known_is_marked_and_said_before_the_click(machine: None, desk: Desk) -> None:
    type_prompt(desk, "Two boats, a Saxophone player at sunset")
    lines, field = words(desk), editor(desk)
    assert field.marked == ["Saxophone player"]
    assert lines.known.full_text() == "Understood: two boats, sunset"
    assert lines.unknown.full_text() == "Not known: saxophone player"
    assert lines.offer.isVisible()
    assert field.accessibleDescription().endswith("Understood: two boats, sunset. Not known: saxophone player.")
    type_prompt(desk, "two boats at sunset")
    assert not field.marked
    assert not lines.unknown.full_text()
    assert not lines.offer.isVisible()
    assert "Not known" not in field.accessibleDescription()
    type_prompt(desk, "saxophone")
    assert lines.known.full_text() == "Understood: nothing"
    type_prompt(desk, " ")
    assert not lines.known.full_text()


def test_nothing_moves_while_one_types(machine: None, desk: Desk) -> None:
    type_prompt(desk, "two boats")
    below = desk.panel("poster").form.fields["width"]
    places = [below.mapTo(desk.window, QPoint())]
    field = editor(desk)
    for letter in " a saxophone":
        QTest.keyClicks(field, letter)
        places.append(below.mapTo(desk.window, QPoint()))
    desk.settle()
    places.append(below.mapTo(desk.window, QPoint()))
    assert editor(desk).marked == ["saxophone"]
    assert len(set(map(QPoint.toTuple, places))) == 1


def test_a_mark_has_a_tool_tip_and_moves_with_its_word(machine: None, desk: Desk) -> None:
    type_prompt(desk, "a 🎷 saxophone")
    field = editor(desk)
    assert field.marked == ["saxophone"]
    at = field.textCursor()
    at.setPosition(field.toPlainText().index("sax") + 4)  # the saxophone before it counts twice in Qt

    def shown_at(cursor: QTextCursor) -> str:
        QToolTip.hideText()
        place = field.cursorRect(cursor).center()
        event = QHelpEvent(QEvent.Type.ToolTip, place, field.viewport().mapToGlobal(place))
        QApplication.sendEvent(field.viewport(), event)
        return QToolTip.text()

    assert shown_at(at) == "Not known to Fake poster"
    at.setPosition(0)
    assert shown_at(at) != "Not known to Fake poster"
    field.moveCursor(QTextCursor.MoveOperation.Start)
    QTest.keyClicks(field, "my ")
    assert field.marked == ["saxophone"]
    QToolTip.hideText()


def test_an_installed_model_that_takes_any_words_is_offered_and_used(machine: None, desk: Desk) -> None:
    type_prompt(desk, "a saxophone")
    assert words(desk).offer.text() == "Models that know more…"
    add_model(desk, "big", "sdxl", "Big painter")
    desk.until(lambda: words(desk).offer.text() == "Use Big painter")
    width = desk.panel("poster").form.value().to_json()["width"]
    desk.click("promptOffer")
    desk.settle()
    made = desk.panel("poster").form.value().to_json()
    assert (made["model"], made["prompt"]) == ("big", "a saxophone")
    assert made["guidance"] == 5.0, "what suits the model comes with it"
    assert made["width"] != width
    assert not words(desk).isVisible()
    assert not editor(desk).marked
    desk.act("undo")
    desk.settle()
    assert desk.panel("poster").form.value().model == ""
    assert editor(desk).marked == ["saxophone"]


def test_without_one_the_models_that_fit_here_are_shown(machine: None, desk: Desk) -> None:
    type_prompt(desk, "a saxophone")
    desk.click("promptOffer")
    assert desk.window.page == "models"
    query = desk.window.pages.currentWidget().filters.query  # type: ignore[union-attr]
    assert (query.place, query.medium, query.fits) == ("available", "poster", True)


def test_a_page_whose_models_take_any_words_says_nothing(desk: Desk) -> None:
    desk.panel("story")
    desk.window.open("story")
    field = editor(desk, "story")
    QTest.keyClicks(field, "saxophone")
    desk.settle()
    assert not words(desk, "story").isVisible()
    assert not field.marked


def test_music_says_what_it_understands_too(desk: Desk) -> None:
    desk.panel("music")
    desk.window.open("music")
    field = editor(desk, "music")
    field.setFocus()
    QTest.keyClicks(field, "a slow lullaby with a saxophone")
    desk.settle()
    assert field.marked == ["saxophone"]
    assert words(desk, "music").known.full_text() == "Understood: slow, lullaby"
