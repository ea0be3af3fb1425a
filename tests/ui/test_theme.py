"""The tokens keep what they promise: contrast in both schemes, and every icon drawn in their colours."""

from __future__ import annotations

import re

import pytest

from studio.places import RESOURCES
from studio.ui.theme import DARK, LIGHT, Colours, contrast
from tests.ui.conftest import Desk

GROUNDS = ("window", "surface", "field", "stage", "hover", "paper")


def test_contrast_is_reckoned_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_can_be_read_on_every_ground(scheme: Colours) -> None:
    pairs = [(tone, ground) for tone in ("ink", "muted") for ground in GROUNDS]
    pairs += [("accent", ground) for ground in ("window", "surface", "stage", "hover")]
    pairs += [("on_accent", ground) for ground in ("accent", "accent_hover", "accent_pressed")]
    pairs += [("ink", ground) for ground in ("accent_soft", "danger_soft", "notice_soft", "pressed")]
    pairs += [("surface", "ink")]
    weak = {
        f"{tone} on {ground}": round(contrast(getattr(scheme, tone), getattr(scheme, ground)), 2)
        for tone, ground in pairs
        if contrast(getattr(scheme, tone), getattr(scheme, ground)) < 4.5
    }
    assert not weak


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_controls_can_be_told_from_their_ground(scheme: Colours) -> None:
    pairs = [("outline", ground) for ground in ("surface", "field")]
    pairs += [("accent", ground) for ground in (*GROUNDS, "accent_soft")]
    pairs += [("danger", "danger_soft")]
    weak = {
        f"{tone} on {ground}": round(contrast(getattr(scheme, tone), getattr(scheme, ground)), 2)
        for tone, ground in pairs
        if contrast(getattr(scheme, tone), getattr(scheme, ground)) < 3
    }
    assert not weak


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
    assert ground() == LIGHT.stage
    desk.act("dark")
    assert ground() == DARK.stage
    assert desk.studio.settings.theme == "dark"
    assert desk.window.actions_["dark"].isChecked()
    desk.act("system")
