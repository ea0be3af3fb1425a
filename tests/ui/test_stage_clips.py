"""The stage for clips: playing, stepping, looping, waiting for the decoder, memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtTest import QTest

from studio.errors import BadInput, StudioError
from studio.library.asset import Asset, AssetRecord
from studio.media import clips
from studio.media.payloads import Image
from studio.schema.settings import Settings
from studio.ui.stages.clip_frames import ClipFrames
from studio.ui.stages.image import ImageStage
from tests.ui.conftest import Desk, Room


def shades(count: int, side: int = 40, clear: bool = False) -> Iterator[np.ndarray[Any, Any]]:
    """Frame n is grey of 10 n, which tells it from all others; its left half shows through where `clear`."""
    for at in range(count):
        frame = np.full((side, side, 4), 10 * at % 250, np.uint8)
        frame[..., 3] = 255
        if clear:
            frame[:, : side // 2, 3] = 0
        yield frame


def clip(folder: Path, count: int = 12, fps: float = 50, ending: str = ".webp", **kind: Any) -> Asset:
    path = folder / "works" / "2026-01" / f"clip{count}{ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = clips.write(shades(count, **kind), path, fps, lossless=ending == ".webp")
    record = AssetRecord(path.stem, 1, "avatar", f"2026-01/{path.name}", 0.0, "", 1, title="A walk", width=made.width)
    values = {
        name: getattr(record, name) for name in Asset.__slots__ if name not in ("path", "seconds", "height", "files")
    }
    return Asset(path=path, seconds=made.seconds, height=made.height, **values)


@pytest.fixture
def stage(room: Room) -> Iterator[ImageStage]:
    made = ImageStage()
    made.resize(600, 400)
    made.show()
    yield made
    made.deactivate()
    made.hide()
    made.deleteLater()


def shade(stage: ImageStage) -> int:
    """The frame that is on the canvas, told by its grey; -1 while there is none."""
    return -1 if stage.image.isNull() else round(QColor(stage.image.pixel(stage.image.width() - 1, 5)).red() / 10)


def test_a_clip_plays_at_once_and_loops(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    stage.show_asset(clip(tmp_path))
    assert stage.player.transport.isVisible()
    seen: list[int] = []

    def watch() -> bool:
        if (now := shade(stage)) >= 0 and (not seen or seen[-1] != now):
            seen.append(now)
        return len(seen) > 14

    room.until(watch)
    assert stage.player.playing
    assert set(seen) <= set(range(12))
    ups = sum(later > before for before, later in pairwise(seen))
    assert ups >= len(seen) - 4  # forwards, but for the way round
    stage.player.toggle()
    assert not stage.player.playing
    held = shade(stage)
    room.settle()
    assert shade(stage) == held


def test_without_a_loop_it_stops_at_its_end(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    stage.player.transport.loop.click()
    stage.show_asset(clip(tmp_path, 5))
    room.until(lambda: not stage.player.playing)
    assert (stage.player.frame, shade(stage)) == (4, 4)
    assert "5 / 5" in stage.player.transport.time.text()
    stage.player.toggle()
    assert stage.player.playing
    assert stage.player.frame == 0


def test_reduced_motion_does_not_play_at_once(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    stage.apply_settings(Settings(reduced_motion=True))
    stage.show_asset(clip(tmp_path))
    room.until(lambda: shade(stage) == 0)
    room.settle()
    assert not stage.player.playing
    assert stage.player.frame == 0
    QTest.keyClick(stage, Qt.Key.Key_Space)
    assert stage.player.playing


@pytest.mark.parametrize("ending", [".webp", ".gif", ".mp4"])
def test_every_frame_is_reached_by_keyboard(room: Room, stage: ImageStage, tmp_path: Path, ending: str) -> None:
    stage.apply_settings(Settings(reduced_motion=True))
    stage.show_asset(clip(tmp_path, 8, ending=ending))
    keys = [(Qt.Key.Key_Period, 1), (Qt.Key.Key_Period, 2), (Qt.Key.Key_End, 7), (Qt.Key.Key_Comma, 6)]
    keys += [(Qt.Key.Key_Home, 0), (Qt.Key.Key_Comma, 7)]
    for key, frame in keys:
        QTest.keyClick(stage, key)
        room.until(lambda frame=frame: shade(stage) == frame)
        assert stage.player.frame == stage.player.transport.slider.value() == frame
    stage.player.transport.slider.setFocus()
    QTest.keyClick(stage.player.transport.slider, Qt.Key.Key_Left)
    room.until(lambda: shade(stage) == 6)


def test_zoom_stays_between_frames_and_the_checkerboard_shows(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    stage.apply_settings(Settings(reduced_motion=True))
    stage.show_asset(clip(tmp_path, 4, clear=True))
    room.until(lambda: shade(stage) == 0)
    stage.zoom_to(3.0)
    stage.player.step_frame(1)
    room.until(lambda: shade(stage) == 1)
    assert stage.scale == 3.0
    shot = stage.canvas.grab().toImage()
    left = {shot.pixelColor(x, 200).name() for x in range(250, 296)}
    right = {shot.pixelColor(x, 200).name() for x in range(310, 340)}
    assert len(left) == 2  # two tones of the board
    assert right == {"#0a0a0a"}


def test_copy_takes_the_file_and_the_picture(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    asset = clip(tmp_path)
    stage.show_asset(asset)
    room.until(lambda: shade(stage) >= 0)
    stage.copy()
    data = QGuiApplication.clipboard().mimeData()
    assert [url.toLocalFile() for url in data.urls()] == [str(asset.path)]
    assert data.hasImage()


def test_pictures_are_shown_as_before(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    stage.show_asset(clip(tmp_path))
    room.until(lambda: shade(stage) >= 0)
    stage.preview(Image(np.full((20, 20, 3), 90, np.uint8)))
    assert stage.player.frames is None
    assert stage.player.transport.isHidden()
    assert "play" not in stage.commands()
    room.settle()
    assert stage.image.width() == 20


def test_a_hidden_clip_stops_and_resumes_when_shown(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    stage.show_asset(clip(tmp_path))
    room.until(lambda: stage.player.frame > 2)
    stage.deactivate()
    assert stage.player.frames is not None
    room.settle()
    assert stage.player.frames.decoded <= 4
    stage.hide()
    assert not stage.player.playing
    stage.show()
    assert stage.player.playing
    stage.player.toggle()
    stage.hide()
    stage.show()
    assert not stage.player.playing


def test_a_long_clip_keeps_to_its_memory(tmp_path: Path) -> None:
    asset = clip(tmp_path, 40, side=32)
    tape = ClipFrames(asset.path, budget=1)
    assert not tape.fits_in_memory
    for frame in [*range(0, 40, 3), 38, 2, 39, 0]:
        for _ in range(8):
            wanted = tape.next_to_decode(frame)
            if wanted is None:
                break
            tape.decode(wanted)
        assert tape.next_to_decode(frame) is None
        found = tape.get(frame)
        assert found is not None
        assert QColor(found.pixel(3, 3)).red() == 10 * frame % 250
        assert tape.decoded <= 12


def test_a_damaged_clip_shows_a_message(room: Room, stage: ImageStage, tmp_path: Path) -> None:
    asset = clip(tmp_path, 6)
    data = bytearray(asset.path.read_bytes())
    at = data.rindex(b"VP8L") + 12
    data[at : at + 12] = b"\xff" * 12
    asset.path.write_bytes(data)
    messages: list[str] = []
    stage.message.connect(lambda words, _: messages.append(words))
    stage.show_asset(asset)
    room.until(lambda: messages or not stage.player.playing or stage.player.frame == 5)
    room.until(lambda: messages)
    assert "damaged" in messages[0]
    asset.path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput):
        stage.show_asset(asset)


def test_a_film_without_the_video_extra_says_what_to_install(
    room: Room, stage: ImageStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = clip(tmp_path, 3, ending=".mp4")

    def missing() -> None:
        raise StudioError("MP4 needs the video extra.", "Install it.")

    monkeypatch.setattr(clips, "_av", missing)
    messages: list[str] = []
    stage.message.connect(lambda words, hint: messages.append(f"{words} {hint}"))
    stage.show_asset(asset)
    room.until(lambda: messages)
    assert messages == ["MP4 needs the video extra. Install it."]


def test_a_clip_dropped_on_a_panel_plays_there(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("poster")
    path = tmp_path / "mine.gif"
    clips.write(shades(6), path, 25)
    panel.work_actions.importer.import_paths([path], panel.stage_area._show_imported)
    desk.until(lambda: panel.asset is not None)
    assert panel.asset is not None
    assert (panel.asset.medium, panel.asset.is_clip) == ("clip", True)
    stage = panel.stage
    assert isinstance(stage, ImageStage)
    desk.until(lambda: stage.player.playing and stage.player.frame > 1)
    desk.act("play")
    assert not stage.player.playing
    assert desk.studio.library.count() == 1
