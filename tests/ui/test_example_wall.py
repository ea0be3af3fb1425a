"""The wall of examples on an empty page: what it shows, in which room, and what a click, a key or a sound does."""

from __future__ import annotations

from typing import Any

import pytest
import tomli_w
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.backends import MEDIA
from studio.backends import medium as find_medium
from studio.errors import StudioError
from studio.library.library import LibraryQuery
from studio.media.payloads import Audio
from studio.ui.panel.example_wall import ExampleTile, ExampleWall
from studio.ui.panel.onboarding import Onboarding
from tests.ui.conftest import Desk, Room


class FakePlayer:
    """Notes what is played."""

    def __init__(self) -> None:
        self.device, self.playing, self.seconds, self.broken = "", False, 0.0, False

    def load(self, audio: Audio) -> None:
        self.seconds = audio.samples.shape[-1] / audio.rate

    def play(self) -> None:
        if self.broken:
            raise StudioError("No sound output was found.", "Connect speakers or headphones, then play again.")
        self.playing = True

    def stop(self) -> None:
        self.playing = False


def empty(desk: Desk, medium: str) -> Onboarding:
    desk.window.open(medium)
    found = desk.panel(medium).stage_area.onboarding
    desk.until(lambda: found.ready)
    desk.settle()
    return found


@pytest.mark.parametrize("name", [each.name for each in MEDIA])
def test_a_click_makes_the_example_that_is_shown(desk: Desk, name: str) -> None:
    page, panel = empty(desk, name), desk.panel(name)
    assert page.wall.isVisible()
    assert not page.try_it.isVisible()
    third = page.wall.shown[2]
    assert third.accessibleName().startswith("Make: ")
    desk.click("example-3")
    desk.idle()
    assert not page.isVisible(), "gone once there is a work"
    assert desk.studio.library.count(LibraryQuery(medium=name)) == 1
    request = third.tile.request
    assert request is not None
    assert panel.form.value() == request
    assert panel.asset is not None
    assert panel.asset.request["seed"] == request.seed
    desk.act("undo")
    assert panel.form.value() != request


@pytest.mark.parametrize("size", [(430, 300), (610, 430), (1480, 780), (260, 700)])
@pytest.mark.parametrize("kind", ["portrait", "square", "text", "sound"])
def test_the_wall_fills_its_room(room: Room, size: tuple[int, int], kind: str) -> None:
    side = {"portrait": QSize(256, 384), "square": QSize(256, 256)}.get(kind)
    image = None
    if side is not None:
        image = QImage(side, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.red)
    text, peaks = "# A title\n\nA line." if kind == "text" else "", (0.5, 1.0) if kind == "sound" else ()
    number = 12 if image is not None else 6
    wall = ExampleWall()
    wall.resize(*size)
    wall.show_tiles([ExampleTile(f"Example {at}", image=image, text=text, peaks=peaks) for at in range(number)])
    wall.show()
    places = [each.geometry() for each in wall.shown]
    assert len(places) >= 2
    assert len({place.size().toTuple() for place in places}) == 1
    inside = QRect(0, 0, *size)
    assert all(inside.contains(place) for place in places)
    assert not any(one.intersects(other) for one in places for other in places if one is not other)
    covered = sum(place.width() * place.height() for place in places) / (size[0] * size[1])
    assert covered > 0.3
    across, down = [place.left() for place in places], [place.right() for place in places]
    assert abs(min(across) - (size[0] - 1 - max(down))) <= 1, "in the middle"
    assert not wall.grab().isNull()
    wall.close()
    wall.deleteLater()


def test_the_keyboard_reaches_every_example(desk: Desk) -> None:
    wall = empty(desk, "poster").wall
    shown = wall.shown
    shown[0].setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(shown[0], Qt.Key.Key_Right)
    assert QApplication.focusWidget() is shown[1]
    QTest.keyClick(shown[1], Qt.Key.Key_Left)
    QTest.keyClick(shown[0], Qt.Key.Key_Left)
    assert QApplication.focusWidget() is shown[0], "nothing is left of the first"
    below = next(each for each in shown if each.y() > shown[0].y())
    QTest.keyClick(shown[0], Qt.Key.Key_Down)
    assert QApplication.focusWidget() is below
    QTest.keyClick(below, Qt.Key.Key_Return)
    desk.idle()
    assert desk.panel("poster").asset is not None


def test_a_sound_plays_where_it_stands(desk: Desk) -> None:
    page = empty(desk, "music")
    player: Any = FakePlayer()
    page.wall._player = player
    desk.click("example-1.play")
    desk.until(lambda: player.playing)
    assert player.seconds == pytest.approx(page.wall.shown[0].tile.request.seconds, abs=2.5)  # type: ignore[union-attr]
    desk.click("example-2.play")
    desk.until(lambda: page.wall._playing is page.wall.players[1])
    desk.click("example-2.play")
    assert not player.playing
    desk.click("example-2.play")
    desk.until(lambda: player.playing)
    desk.window.open("poster")
    assert not player.playing, "another page is shown"
    assert not desk.studio.queue.jobs()
    desk.window.open("music")
    player.broken = True
    desk.click("example-1.play")
    desk.until(lambda: desk.panel("music").error.isVisible())
    assert "No sound output" in desk.panel("music").error.message()


def test_another_model_shows_its_own_samples(desk: Desk) -> None:
    page, panel = empty(desk, "poster"), desk.panel("poster")
    layout = find_medium("poster").samples
    assert layout is not None
    for id, sheet in (
        ("own", QSize(4 * (layout.width + layout.gap) + layout.gap, layout.height + 2 * layout.gap)),
        ("odd", QSize(50, 40)),
        ("none", None),
    ):
        folder = desk.studio.paths.models / id
        folder.mkdir(parents=True)
        about = {"id": id, "medium": "poster", "family": "sdxl", "title": id, "licence": "MIT", "size": 8, "sha256": ""}
        (folder / "model.toml").write_text(tomli_w.dumps(about), encoding="utf-8")
        (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
        if sheet is not None:
            picture = QImage(sheet, QImage.Format.Format_RGB32)
            picture.fill(Qt.GlobalColor.blue)
            assert picture.save(str(folder / "sheet.png"))
    desk.studio.catalog.refresh()
    desk.window.bridge.models_changed()
    desk.settle()

    def choose(id: str) -> None:
        panel.form.set_value(panel.form.value().replace(model=id), "model")
        desk.until(lambda: page.ready)
        desk.settle()

    choose("own")
    assert len(page.wall.buttons) == 4
    assert page.wall.shown[0].tile.request is None
    choose("odd")
    assert not page.wall.isVisible()
    assert page._sheet is not None
    assert page.try_it.isVisible()
    choose("none")
    assert page._sheet is None
    assert page._icon.isVisible()
    choose("own")
    desk.click("example-1")
    desk.idle()
    assert panel.asset is not None
    assert panel.asset.request["model"] == "own"
