"""The line above Generate: what a request takes, and the button that sets what would fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.backends.poster.requests import PosterRequest
from studio.models.fit.demand import Machine
from studio.support import hardware
from studio.ui.panel.fit_line import FitLine
from studio.ui.widgets.text import duration
from tests.disk import disk_reads
from tests.ui.conftest import Desk

GB = 10**9


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many bytes of memory the machine has free."""

    def set_free(amount: int) -> None:
        monkeypatch.setattr(hardware, "machine", lambda _="auto": Machine("cpu", 64 * GB, amount))

    set_free(32 * GB)
    return set_free


def line(desk: Desk) -> FitLine:
    return desk.panel("poster").brief.fit


def test_what_fits_is_said_quietly(free: Callable[[int], None], desk: Desk) -> None:
    desk.panel("poster")
    desk.until(lambda: line(desk).fit is not None)
    assert line(desk).words.isVisible()
    assert line(desk).words.text().endswith("of memory.")
    assert not line(desk).use.isVisible()


def test_of_a_page_that_was_left_nothing_is_reckoned(free: Callable[[int], None], desk: Desk) -> None:
    left = line(desk)
    desk.panel("story")
    desk.settle()
    assert left.asked is None
    desk.panel("poster")
    desk.until(lambda: left.fit is not None)


def test_the_time_of_all_results_is_said(free: Callable[[int], None], desk: Desk) -> None:
    panel = desk.panel("poster")
    desk.until(lambda: line(desk).fit is not None)
    fit = line(desk).fit
    assert fit is not None
    assert fit.seconds is not None
    assert "All" not in line(desk).words.text()
    panel.count.setCurrentIndex(panel.count.findData(9))
    assert line(desk).words.text().endswith(f" All 9: about {duration(max(1.0, 9 * fit.seconds))}.")
    panel.count.setCurrentIndex(panel.count.findData(1))
    assert "All" not in line(desk).words.text()


def test_no_time_is_said_of_what_does_not_fit_at_all(free: Callable[[int], None], desk: Desk) -> None:
    panel = desk.panel("poster")
    free(1)
    panel.count.setCurrentIndex(panel.count.findData(9))
    panel.form.set_value(PosterRequest(prompt="a fox"))
    desk.until(lambda: line(desk).words.text().startswith("Needs about "))
    assert not line(desk).use.isVisible()
    assert "All" not in line(desk).words.text()


def test_what_does_not_fit_is_said_before_the_click_and_mended_by_one(free: Callable[[int], None], desk: Desk) -> None:
    panel = desk.panel("poster")
    free(310_000_000)
    panel.form.set_value(PosterRequest(prompt="a fox", width=1536, height=1536))
    desk.until(lambda: line(desk).use.isVisible())
    said = line(desk).words.text()
    assert said.startswith("Needs about ")
    assert "310.0 MB are free." in said
    chosen = line(desk).use.text().removeprefix("Use ")
    assert said.endswith(f"{chosen} would fit.")
    panel.form.set_value(panel.form.value().replace(prompt="another fox"))
    assert desk.find("generate").isEnabled(), "nobody is kept from trying"
    desk.click("fitUse")
    made = panel.form.value()
    assert isinstance(made, PosterRequest)
    assert (f"{made.width} x {made.height}", made.prompt) == (chosen, "another fox")
    desk.until(lambda: not line(desk).use.isVisible())
    assert line(desk).words.text().endswith("of memory.")


def test_typing_and_moving_sliders_reads_nothing(
    free: Callable[[int], None], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = desk.panel("poster")
    desk.until(lambda: line(desk).fit is not None and desk.window._preloader.ready)
    desk.settle()
    with disk_reads(monkeypatch) as reads:
        for steps in (3, 4, 5):
            panel.form.set_value(PosterRequest(steps=steps))
            desk.settle()
        before = line(desk).fit
        panel.form.set_value(PosterRequest(width=64, height=64))
        desk.until(lambda: line(desk).fit is not before)
    assert reads == []
