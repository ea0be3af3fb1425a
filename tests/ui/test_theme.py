"""The tokens keep what they promise: contrast in both schemes, and every icon drawn in their colours."""

from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPushButton

from studio.system.paths import RESOURCES
from studio.ui.shell.crash_dialog import CrashDialog
from studio.ui.widgets.controls import Switch
from studio.ui.widgets.theme import COLOURS, SCHEMES, Scheme, contrast, theme
from tests.ui.conftest import Desk


def test_contrast_is_reckoned_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


GROUNDS = ("window", "surface", "field", "stage", "hover", "pressed", "paper", "accent_soft", "notice_soft")
TEXTS = [(tone, ground) for tone in ("ink", "muted", "accent") for ground in GROUNDS]
TEXTS += [("on_accent", ground) for ground in ("accent", "accent_hover", "accent_pressed")]
TEXTS += [("danger", ground) for ground in ("surface", "field", "stage", "danger_soft")]
TEXTS += [("ink", "danger_soft"), ("surface", "ink"), ("muted", "skeleton")]
SHAPES = [("outline", ground) for ground in ("window", "surface", "field", "stage", "paper")]
SHAPES += [("accent", "track"), ("accent", "danger_soft")]
MATS = ("mat", "checker")  # behind drawings, never behind words
FREE = {"line", "disabled"}  # hairlines that only part areas, and what cannot be used: WCAG asks nothing of either


def weak(scheme: Scheme, pairs: list[tuple[str, str]], least: float) -> dict[str, float]:
    found = {f"{tone} on {on}": contrast(SCHEMES[scheme][tone], SCHEMES[scheme][on]) for tone, on in pairs}
    return {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < least}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_can_be_read_on_every_ground(scheme: Scheme) -> None:
    assert weak(scheme, TEXTS, 4.5) == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_controls_can_be_told_from_their_ground(scheme: Scheme) -> None:
    assert weak(scheme, SHAPES, 3) == {}


def test_no_token_goes_unchecked_or_unused() -> None:
    checked = {name for pair in [*TEXTS, *SHAPES] for name in pair}
    assert set(COLOURS) == checked | FREE | set(MATS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_dark_lines_of_a_drawing_show_on_its_mat(scheme: Scheme) -> None:
    assert {ground for ground in MATS if contrast("#000000", SCHEMES[scheme][ground]) < 7} == set()


@pytest.mark.parametrize(
    ("control", "states"),
    [
        ("QPushButton", "hover pressed focus disabled"),
        ('QPushButton[role="primary"]', "hover pressed focus disabled"),
        ('QPushButton[role="quiet"]', "hover pressed focus disabled"),
        ("QToolButton", "hover pressed focus checked"),
        ("QLineEdit", "hover focus disabled"),
        ("QPlainTextEdit", "hover focus disabled"),
        ("QAbstractSpinBox", "hover focus disabled"),
        ("QComboBox", "hover focus disabled"),
        ("QSlider::handle:horizontal", "hover focus disabled"),
    ],
)
def test_every_control_shows_its_states(control: str, states: str) -> None:
    sheet = (RESOURCES / "theme" / "studio.qss").read_text("utf-8")
    selectors = {each.strip() for rule in re.findall(r"([^{}]+)\{", sheet) for each in rule.split(",")}
    assert [state for state in states.split() if f"{control}:{state}" not in selectors] == []


@pytest.mark.parametrize("size", [0.75, 1.5, 2.0])
def test_text_of_every_size_fits(desk: Desk, size: float) -> None:
    desk.window.resize(1280, 800)
    usual = desk.window.sidebar.width()
    theme().set_text_size(size)
    try:
        for page in ("avatar", "poster", "story", "music"):
            panel = desk.panel(page)
            desk.settle()
            for kind in (QPushButton, QComboBox, QLineEdit):
                for control in panel.brief.findChildren(kind):
                    if control.isVisible() and not isinstance(control.parent(), QAbstractSpinBox):
                        lines = QFontMetricsF(control.font()).height()
                        assert control.height() >= lines + 4, f"{page}: {control.objectName()} cuts its text"
        assert (desk.window.sidebar.width() > usual) is (size > 1.25)
    finally:
        theme().set_text_size(1.0)
    assert desk.window.sidebar.width() == usual


def test_reduced_motion_moves_nothing(desk: Desk) -> None:
    switch = Switch()
    switch.resize(40, 24)
    switch.show()

    def knob() -> bool:
        return switch.grab().toImage().pixelColor(27, 12) == theme().colour("on_accent")

    theme().set_reduced_motion(True)
    try:
        assert QApplication.cursorFlashTime() == 0
        switch.setChecked(True)
        assert knob()
        switch.setChecked(False)
        theme().set_reduced_motion(False)
        assert QApplication.cursorFlashTime() > 0
        switch.setChecked(True)
        assert not knob()  # it is on its way
        desk.until(knob)
    finally:
        theme().set_reduced_motion(False)
        switch.close()
        switch.deleteLater()


def test_icons_are_one_family() -> None:
    drawn = sorted((RESOURCES / "icons").glob("*.svg"))
    assert drawn
    for path in drawn:
        text = path.read_text("utf-8")
        assert 'viewBox="0 0 24 24"' in text
        assert 'stroke="currentColor" stroke-width="1.7"' in text
        assert not re.search(r"#[0-9a-fA-F]{3,6}|rgb\(", text), f"{path.name} brings a colour of its own"


def test_switching_repaints_at_once_and_is_remembered(desk: Desk) -> None:
    desk.panel("poster")

    def ground() -> str:
        return desk.window.grab().toImage().pixelColor(860, 700).name()

    desk.act("light")
    assert ground() == SCHEMES["light"]["stage"]
    desk.act("dark")
    assert ground() == SCHEMES["dark"]["stage"]
    assert desk.studio.settings.theme == "dark"
    assert desk.window.menu_actions["dark"].isChecked()
    desk.act("system")


def test_every_window_that_stands_alone_has_the_style_sheet_and_follows_it(desk: Desk) -> None:
    earlier = {*QApplication.topLevelWidgets()} - {desk.window}  # of tests before, not yet deleted
    for name in desk.window.names:
        desk.window.open(name)
    desk.settle()
    alone = CrashDialog(None)
    for scheme in SCHEMES:
        theme().choose(scheme)
        tops = {top for top in QApplication.topLevelWidgets() if top.parentWidget() is None} - earlier
        assert {desk.window, alone} < tops, "and what completes words"
        assert {top.styleSheet() for top in tops} == {theme().style_sheet}
    alone.deleteLater()
