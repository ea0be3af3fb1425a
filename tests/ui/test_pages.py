"""Settings that are obeyed, diagnostics and about beside them, and the welcome of the first start."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QPushButton,
    QWidget,
)
from qasync import QEventLoop

from studio.errors import Message, StudioError
from studio.support import diagnostics
from studio.support.diagnostics import DiagnosticFinding
from studio.ui.pages import settings_page as settings_module
from studio.ui.pages.about import AboutPage
from studio.ui.pages.diagnostics import DiagnosticsPage
from studio.ui.pages.settings_page import SettingsPage
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk

FINDINGS = [
    DiagnosticFinding("Machine", "memory", "8.0 GB"),
    DiagnosticFinding("Folders", "library", "free in /home/somebody"),
    DiagnosticFinding(
        "Sound",
        "PortAudio",
        Message("missing"),
        Message("Music cannot be played."),
        Message("Install it with `sudo apt install x`."),
    ),
]


@pytest.fixture(autouse=True)
def _no_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "outputs", lambda: ["Speakers", "Headphones"])


def settings_page(desk: Desk, section: str = "settings") -> SettingsPage:
    page = desk.window.open("settings")
    assert isinstance(page, SettingsPage)
    page.show_section(section)
    return page


def test_a_change_is_kept_and_holds_at_once(desk: Desk) -> None:
    page = settings_page(desk)
    before = QApplication.font().pointSizeF()
    fields = page.form.fields
    fields["text_size"].set_value(1.5)
    fields["theme"].set_value("dark")
    fields["reduced_motion"].set_value(True)
    desk.until(lambda: desk.studio.settings.text_size == 1.5)
    assert desk.studio.settings.theme == "dark"
    assert QApplication.font().pointSizeF() == pytest.approx(before * 1.5)
    assert theme().scheme == "dark"
    assert theme().motion == 0
    assert page.settings.notice.isHidden()
    fields["text_size"].set_value(1.0)
    fields["theme"].set_value("system")
    fields["reduced_motion"].set_value(False)
    page.save()
    assert theme().motion > 0
    assert QApplication.font().pointSizeF() == pytest.approx(before)


def test_what_holds_only_later_is_said(desk: Desk) -> None:
    page = settings_page(desk)
    page.form.fields["threads"].set_value(3)
    page.save()
    assert "after a restart" in page.settings.notice.message()
    page.form.fields["threads"].set_value(0)
    page.save()
    assert page.settings.notice.isHidden()


def test_a_folder_that_cannot_be_used_is_refused_in_words(desk: Desk, tmp_path: Path) -> None:
    page = settings_page(desk)
    (tmp_path / "file").write_text("x")
    page.form.fields["library_folder"].set_value(str(tmp_path / "file" / "below"))
    page.save()
    assert "cannot be written to" in page.settings.notice.message()
    assert desk.studio.settings.library_folder == ""
    page.form.fields["library_folder"].set_value(str(tmp_path / "new"))
    page.save()
    assert desk.studio.settings.library_folder == str(tmp_path / "new")


def test_leaving_the_page_keeps_what_was_typed_last(desk: Desk) -> None:
    page = settings_page(desk)
    page.form.fields["memory_budget_gb"].set_value(2.5)
    desk.window.open("library")
    assert desk.studio.settings.memory_budget_gb == 2.5


def test_sounds_play_on_the_output_that_is_chosen(desk: Desk) -> None:
    page = settings_page(desk)
    box = page.settings.sound.box
    desk.until(lambda: box.count() == 3)
    assert [box.itemText(at) for at in range(3)] == ["System default", "Speakers", "Headphones"]
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert desk.studio.settings.audio_output == "Headphones"


def test_where_nothing_can_be_heard_it_says_what_to_install(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf() -> list[str]:
        raise StudioError("PortAudio is missing.", "Install it.")

    monkeypatch.setattr(settings_module, "outputs", deaf)
    page = settings_page(desk)
    desk.until(lambda: page.settings.sound.words.text() == "PortAudio is missing. Install it.")
    assert not page.settings.sound.box.isEnabled()


def test_diagnostics_say_what_is_missing_and_copy_a_report(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "examine", lambda _places, _catalog: FINDINGS)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/somebody"))
    desk.act("diagnostics")
    page = settings_page(desk, "diagnostics")
    shown = page.findChild(DiagnosticsPage)
    assert shown is not None
    desk.until(lambda: shown.findings)
    assert shown.title.text() == "1 problem found"
    desk.click("copyCommand")
    assert QGuiApplication.clipboard().text() == "sudo apt install x"
    desk.click("copyReport")
    report = QGuiApplication.clipboard().text()
    assert report.startswith("### AIGC Studio report")
    assert "| Machine | memory | 8.0 GB |" in report
    assert "somebody" not in report
    monkeypatch.setattr(diagnostics, "examine", lambda _places, _catalog: FINDINGS[:1])
    desk.click("lookAgain")
    desk.until(lambda: shown.title.text() == "Everything works")


def test_closing_in_the_middle_of_a_look_waits_for_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    going, asked = threading.Event(), threading.Event()

    def slow(_places: object, _catalog: object) -> list[DiagnosticFinding]:
        asked.set()
        assert going.wait(10)
        return FINDINGS

    monkeypatch.setattr(diagnostics, "examine", slow)
    settings_page(desk, "diagnostics")
    desk.until(asked.is_set)
    desk.close()
    going.set()


def test_about_names_models_and_libraries_with_their_licences(desk: Desk) -> None:
    desk.act("about")
    shown = desk.window.open("settings").findChild(AboutPage)
    assert shown is not None
    desk.until(lambda: shown.parts)
    assert desk.find("aboutTitle").text().startswith("AIGC Studio ")  # type: ignore[attr-defined]
    desk.click("copyCredits")
    credits = QGuiApplication.clipboard().text()
    assert "Fake avatar" in credits
    assert "numpy" in credits
    desk.click("readLicence")
    read = desk.window.findChild(QWidget, "readingText")
    assert read is not None
    assert "Apache License" in read.toPlainText()  # type: ignore[attr-defined]
    desk.window.findChild(QDialog, "reading").accept()  # type: ignore[union-attr]


def test_every_control_has_a_name_and_room_for_its_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "examine", lambda _places, _catalog: FINDINGS)
    desk.window.resize(1024, 640)
    pages: list[QWidget] = [desk.window.open("models")]
    for section in ("settings", "diagnostics", "about"):
        pages.append(settings_page(desk, section))
        desk.settle()
    desk.window.show_welcome()
    desk.settle()
    pages.append(desk.window.pages.currentWidget())
    controls = [each for page in pages for each in page.findChildren(QWidget) if _is_control(each)]
    assert len(controls) > 20
    assert not [f"{type(each).__name__} {each.objectName()}" for each in controls if not each.accessibleName()]
    cramped = [
        each.text()
        for each in controls
        if isinstance(each, QPushButton) and each.isVisible() and each.sizeHint().width() > each.width() + 1
    ]
    assert not cramped


def _is_control(widget: QWidget) -> bool:
    of_a_combo = "ComboBoxPrivate" in widget.parent().metaObject().className()
    inner = isinstance(widget.parent(), QAbstractSpinBox | QComboBox) or widget.objectName().startswith("qt_")
    inner = inner or of_a_combo
    kinds = QAbstractButton | QComboBox | QAbstractSpinBox | QAbstractItemView | QLineEdit
    return isinstance(widget, kinds) and not inner


def test_the_first_start_leads_to_a_first_work_with_one_press(home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, first=True)
    try:
        assert desk.window.page == ""
        desk.click("welcome.avatar")
        assert desk.window.page == "avatar"
        desk.idle()
        panel = desk.panel("avatar")
        assert len(panel.studio.library.page()) == 9
    finally:
        desk.close()
    again = Desk(home, loop)
    try:
        assert again.window.page == "avatar"
        assert again.window.findChild(QWidget, "welcomeTitle") is None
    finally:
        again.close()


def test_somebody_may_look_around_first(home: Path, loop: QEventLoop) -> None:
    desk = Desk(home, loop, first=True)
    try:
        desk.click("welcomeLater")
        assert desk.window.page == "avatar"
        assert not desk.studio.queue.jobs()
        desk.act("welcome")  # it can be called back from the menu
        desk.click("welcome.story")
        desk.idle()
        assert desk.panel("story").asset is not None
        desk.settle()
        assert desk.window.findChild(QWidget, "welcomeTitle") is None
    finally:
        desk.close()


def test_the_settings_fit_the_window_without_scrolling(desk: Desk) -> None:
    desk.window.resize(1280, 800)
    page = desk.window.open("settings")
    assert isinstance(page, SettingsPage)
    desk.settle()
    page.settings.sound.words.hide()  # said only where sound is missing
    desk.settle()
    assert page._areas["settings"].verticalScrollBar().maximum() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_pages_lie_on_one_ground(desk: Desk, scheme: str) -> None:
    theme().choose(scheme)
    grounds = {}
    for name in ("library", "models", "settings", "welcome"):
        desk.window.run_command(name) if name == "welcome" else desk.window.open(name)
        desk.settle()
        page = desk.window.pages.currentWidget()
        assert page.objectName() == "page"
        grounds[name] = page.grab().toImage().pixelColor(6, page.height() - 6).name()
    assert set(grounds.values()) == {theme().colour("stage").name()}
