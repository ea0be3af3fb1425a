"""Undo of changes: one that fails can be tried again, and one whose works are gone is forgotten."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from studio.bench import library as bench
from studio.errors import StudioError
from studio.ui.forms.undo import Change, ChangeHistory, Outcome
from tests.ui.conftest import Desk
from tests.ui.test_library_page import fill, page


def scripted(steps: list[str], name: str, outcomes: list[Outcome]) -> Change:
    """A change whose steps back and forward go as listed."""

    def step(way: str) -> Outcome:
        steps.append(f"{way} {name}")
        return outcomes.pop(0)

    return Change(lambda: step("undo"), lambda: step("redo"))


def test_a_step_that_fails_is_the_next_to_be_tried() -> None:
    said: list[str] = []
    history = ChangeHistory(lambda: None)
    history.add(scripted(said, "first", ["done"]))
    history.add(scripted(said, "second", ["failed", "done", "failed", "done", "done"]))
    at = history.undo_at
    history.undo()
    assert (history.undo_at, history.redo_at) == (at, 0)
    history.undo()
    history.redo()
    assert history.redo_at > history.changed_at
    history.redo()
    assert history.redo_at == 0
    history.undo()
    history.undo()
    assert said == ["undo second", "undo second", "redo second", "redo second", "undo second", "undo first"]


def test_a_change_of_what_is_gone_is_forgotten() -> None:
    said: list[str] = []
    history = ChangeHistory(lambda: None)
    history.add(scripted(said, "first", ["done"]))
    history.add(scripted(said, "second", ["gone"]))
    history.undo()
    assert history.redo_at == 0
    history.undo()
    assert said == ["undo second", "undo first"]
    assert history.undo_at == 0


@pytest.mark.parametrize("number", [2, 40])
def test_works_stay_in_the_bin_and_come_back_when_undo_fails_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Few works at once, and many in the background."""
    library = desk.studio.library
    bench.fill(library.folder, number)
    library.rebuild()
    page(desk).grid.selectAll()
    desk.click("details.bin")
    desk.until(lambda: desk.window.toast.message() == f"{number} items moved to the bin.")
    change = library._change

    def refuse(ids: Sequence[str], how: object) -> None:
        raise StudioError("The disk is locked.")

    monkeypatch.setattr(library, "_change", refuse)
    desk.act("undo")
    desk.until(lambda: "The disk is locked." in desk.window.toast.message())
    assert library.count() == 0
    monkeypatch.setattr(library, "_change", change)
    desk.act("undo")
    desk.until(lambda: library.count() == number)
    desk.until(lambda: desk.window.toast.message() == f"{number} items restored.")


def test_undo_says_that_a_work_is_gone_and_then_takes_back_what_was_before(desk: Desk) -> None:
    fill(desk, "poster", range(2))
    library, actions = desk.studio.library, desk.window.work_actions
    last, first = library.ids()
    actions.favourite([first], True)
    actions.bin([last])
    library.empty_bin()
    desk.act("undo")
    assert desk.window.toast.message() == "This item no longer exists."
    desk.act("undo")
    assert not library.get(first).favourite
