"""Errors as a person meets them: in words where they belong, with the button that mends; one dialog for the rest."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QDialog, QWidget

from studio.backends import medium
from studio.errors import MENDS, StudioError
from studio.system import log
from studio.ui.app import _anonymous
from studio.ui.shell.crash_dialog import ErrorReporter
from studio.ui.widgets import error_actions
from studio.ui.widgets.text import INSTEAD, failure
from tests.fakes import BAD_INPUT, MEMORY_ALWAYS
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed

POSTER, STORY, MUSIC = (medium(name).default_task.request for name in ("poster", "story", "music"))


def test_every_mend_has_its_button() -> None:
    assert set(error_actions.COMMANDS) | {"smaller"} == set(MENDS)


def test_a_model_that_is_gone_leads_to_the_models(desk: Desk) -> None:
    panel = desk.panel("story")
    panel.form.fields["model"].set_value("gone")
    desk.click("generate")
    assert panel.error.message() == "There is no model 'gone'. Choose another model, or add one."
    desk.click("mend.models")
    assert desk.window.page == "models"


def test_a_failed_job_offers_what_mends_it_beside_another_try(desk: Desk) -> None:
    keep_seed(desk, "poster", BAD_INPUT)
    desk.click("generate")
    desk.idle()
    assert desk.find("retry").isVisible()
    desk.click("mend.models")
    assert desk.window.page == "models"


def test_out_of_memory_offers_a_smaller_picture(desk: Desk) -> None:
    keep_seed(desk, "poster", MEMORY_ALWAYS)
    panel = desk.panel("poster")
    asked = panel.form.value()
    desk.click("generate")
    desk.idle()
    desk.click("mend.smaller")
    desk.until(lambda: len(desk.studio.queue.jobs()) == 2)
    smaller = desk.studio.queue.jobs()[0].request
    assert (smaller.width, smaller.height) < (asked.width, asked.height)  # type: ignore[attr-defined]
    assert smaller.replace(width=asked.width, height=asked.height) == asked.replace(model=smaller.model)  # type: ignore[attr-defined]
    desk.idle()


def test_smaller_means_what_the_work_is_made_of() -> None:
    picture = error_actions.lesser(POSTER(width=512, height=768))  # type: ignore[call-arg]
    assert picture is not None
    assert (picture.width, picture.height) == (384, 576)  # type: ignore[attr-defined]
    text = error_actions.lesser(STORY(tokens=400))  # type: ignore[call-arg]
    assert text is not None
    assert text.tokens == 200  # type: ignore[attr-defined]
    sound = error_actions.lesser(MUSIC(seconds=12))  # type: ignore[call-arg]
    assert sound is not None
    assert sound.seconds == 6  # type: ignore[attr-defined]
    least = STORY()
    while (less := error_actions.lesser(least)) is not None:
        assert less != least
        least = less


@pytest.mark.parametrize(("mend", "page"), [("folders", "settings"), ("room", "models"), ("diagnostics", "settings")])
def test_a_page_opens_where_it_helps(desk: Desk, mend: str, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.support.diagnostics.examine", lambda _places, _catalog: [])
    panel = desk.panel("poster")
    panel.show_error(StudioError("It failed.", "Do this.", mend=mend))
    desk.click(f"mend.{mend}")
    assert desk.window.page == page
    if mend == "diagnostics":
        assert desk.window.open("settings").section == "diagnostics"  # type: ignore[attr-defined]


def test_the_window_never_advises_commands() -> None:
    for mend in MENDS:
        message, hint = failure(StudioError("It failed.", "Run `studio models list`.", mend=mend))
        assert message == "It failed."
        assert ("`" in hint) is (mend not in INSTEAD)
    assert set(INSTEAD) == {"models", "diagnostics"}, "the core names commands only where these mend"


def tell(desk: Desk, surface: ErrorReporter, error: BaseException) -> None:
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001 - with the trace that a real one has
        surface.report(raised)
    desk.settle()


def shown(desk: Desk) -> QDialog | None:
    return next((each for each in desk.window.findChildren(QDialog, "unexpected") if each.isVisible()), None)


def test_one_dialog_counts_what_comes_again_and_copies_a_report(desk: Desk) -> None:
    surface = ErrorReporter()
    surface.set_window(desk.window)
    for words in ("first", "first", "second"):
        tell(desk, surface, ValueError(words))
    dialog = shown(desk)
    assert dialog is not None
    assert dialog.findChild(QWidget, "unexpectedWhat").text() == "3 errors · ValueError: second"  # type: ignore[union-attr]
    dialog.findChild(QWidget, "unexpectedCopy").click()  # type: ignore[union-attr]
    report = QGuiApplication.clipboard().text()
    assert report.startswith("AIGC Studio ")
    assert report.index("ValueError: second") < report.index("2 x\n")
    assert report.count("ValueError: first") == 1
    dialog.accept()


def test_one_that_was_silenced_stays_silent(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    surface = ErrorReporter()
    surface.set_window(desk.window)
    tell(desk, surface, ValueError("again"))
    dialog = shown(desk)
    assert dialog is not None
    dialog.findChild(QCheckBox, "unexpectedQuiet").setChecked(True)  # type: ignore[union-attr]
    dialog.accept()
    with caplog.at_level(logging.ERROR):
        tell(desk, surface, ValueError("again"))
    assert shown(desk) is None
    assert "ValueError: again" in caplog.text
    tell(desk, surface, ValueError("another"))
    other = shown(desk)
    assert other is not None
    other.accept()


def test_a_report_says_neither_prompts_nor_folders(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    log.conceal(STORY(prompt="my secret tale"))  # type: ignore[call-arg]
    surface = ErrorReporter(lambda words: _anonymous(log.redact(words), desk.studio.paths))
    surface.set_window(desk.window)
    tell(desk, surface, ValueError(f"my secret tale in {desk.studio.paths.library} and /home/somebody/x"))
    dialog = shown(desk)
    assert dialog is not None
    what = dialog.findChild(QWidget, "unexpectedWhat").text()  # type: ignore[union-attr]
    told = dialog.findChild(QWidget, "unexpectedReport").toPlainText()  # type: ignore[union-attr]
    for words in (what, told):
        assert "secret" not in words
        assert "somebody" not in words
        assert "<library>" in words
    dialog.accept()


def test_the_dialog_leads_to_the_diagnostics(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.support.diagnostics.examine", lambda _places, _catalog: [])
    surface = ErrorReporter()
    surface.set_window(desk.window)
    tell(desk, surface, ValueError("x"))
    dialog = shown(desk)
    assert dialog is not None
    dialog.findChild(QWidget, "unexpectedLook").click()  # type: ignore[union-attr]
    assert desk.window.page == "settings"
    assert shown(desk) is None


def test_a_row_of_the_queue_offers_what_mends_its_job(desk: Desk) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()
    keep_seed(desk, "poster", BAD_INPUT)
    desk.click("generate")
    desk.idle()
    keep_seed(desk, "poster", MEMORY_ALWAYS)
    desk.click("generate")
    desk.idle()
    desk.click("stripQueue")
    hungry, misused, done = desk.window.queue.rows()
    assert done.name.text() == done.name.full_text(), "what needs no button has all of its room"
    offers = [row.mends.itemAt(0).widget() for row in (hungry, misused)]
    assert [offer.objectName() for offer in offers] == ["mend.smaller", "mend.models"]  # type: ignore[union-attr]
    desk.window.queue.refresh()
    assert hungry.mends.count() == 2, "one button and the room behind it, however often the queue is told"
    QTest.mouseClick(offers[0], Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    desk.idle()
    smaller, before = desk.studio.queue.jobs()[0].request, hungry.job.request
    assert (smaller.width, smaller.height) < (before.width, before.height)  # type: ignore[attr-defined]
    QTest.mouseClick(offers[1], Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    desk.settle()
    assert desk.window.page == "models"
    assert not desk.window.queue.isVisible()


def test_what_is_said_in_passing_brings_its_button(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_seed(desk, "poster", 3)
    desk.click("generate")
    desk.idle()

    def full(*_: object) -> None:
        raise StudioError("The disk is full.", "Free some space.", mend="room")

    monkeypatch.setattr(desk.studio.library, "bin", full)
    desk.click("bin")
    assert desk.window.toast.message() == "The disk is full. Free some space."
    desk.click("toastAction")
    assert desk.window.page == "models"
