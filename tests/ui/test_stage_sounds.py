"""The stage for sounds and its player: transport, loop, growing sounds, level, spectrogram, missing output."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from studio.backends.music.requests import MusicRequest
from studio.library.asset import AssetRecord
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Audio
from studio.media.waveforms import ROWS, envelope, spectrogram
from studio.schema.settings import Settings
from studio.ui.stages import audio as audio_stage
from studio.ui.stages.audio import AudioStage
from studio.ui.stages.sound_views import LOWEST_DB, LevelMeter
from studio.ui.widgets.sound_player import SoundPlayer, outputs
from tests.ui.conftest import Room


def sound(seconds: float) -> Audio:
    time = np.arange(int(8000 * seconds)) / 8000
    return Audio(np.sin(2 * np.pi * 220 * time, dtype=np.float32)[None] * 0.5, 8000)


class Output:
    """A sound card that plays when told to."""

    def __init__(self, callback: Any, channels: int, **_: Any) -> None:
        self.callback, self.channels = callback, channels

    def start(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...

    def pull(self, frames: int) -> np.ndarray:
        out = np.full((frames, self.channels), 9.0, np.float32)
        self.callback(out, frames, None, None)
        return out


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = types.ModuleType("sounddevice")
    fake.OutputStream = Output  # type: ignore[attr-defined]
    fake.PortAudioError = OSError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sounddevice", fake)


@pytest.fixture
def stage(room: Room, card: None) -> Iterator[AudioStage]:
    made = AudioStage()
    made.resize(700, 500)
    made.show()
    yield made
    made.deactivate()
    made.hide()
    made.deleteLater()


def work(folder: Path, name: str, payload: Audio) -> Asset:
    path = folder / "works" / "2026-01" / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    codecs.write(payload, path)
    return AssetRecord(name, 1, "music", f"2026-01/{name}.wav", 0.0, "", 1).to_asset(folder)


@pytest.mark.usefixtures("card")
def test_a_sound_plays_pauses_and_seeks(room: Room) -> None:
    stage = AudioStage()
    stage.resize(700, 400)
    stage.show()
    stage.preview(sound(2.0))
    assert stage.time.text() == "0:00 / 0:02"
    QTest.keyClick(stage, Qt.Key.Key_Space)
    assert stage.player.playing
    assert stage.play.accessibleName() == "Pause (Space)"
    played = stage.player._stream.pull(8000)
    assert np.allclose(played[:, 0], sound(2.0).samples[0][:8000])
    assert stage.player.position == 1.0
    QTest.keyClick(stage, Qt.Key.Key_Space)
    assert not stage.player.playing
    QTest.keyClick(stage, Qt.Key.Key_Home)
    assert stage.player.position == 0.0
    QTest.mouseClick(stage.waveform, Qt.MouseButton.LeftButton, pos=stage.waveform.rect().center())
    assert stage.player.position == pytest.approx(1.0, abs=0.02)
    stage.deleteLater()


@pytest.mark.usefixtures("card")
def test_a_sound_ends_and_starts_anew(room: Room) -> None:
    stage = AudioStage()
    stage.show()
    stage.preview(sound(0.5))
    stage.toggle()
    out = stage.player._stream.pull(8000)
    assert not out[4000:].any()
    assert not stage.player.playing
    stage.toggle()
    assert stage.player.position == 0.0
    assert stage.player.playing
    stage.deactivate()
    assert not stage.player.playing
    stage.deleteLater()


@pytest.mark.usefixtures("card")
def test_a_growing_sound_goes_on_playing(room: Room) -> None:
    stage = AudioStage()
    stage.show()
    stage.expect(MusicRequest(seconds=4.0))
    stage.preview(sound(1.0))
    stage.toggle()
    stage.player._stream.pull(4000)
    stage.preview(sound(2.0))
    assert stage.player.playing
    assert stage.player.position == 0.5
    stage.deactivate()
    stage.deleteLater()


def test_without_portaudio_it_says_what_to_install(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    stage = AudioStage()
    stage.show()
    stage.preview(sound(1.0))
    stage.toggle()
    assert "libportaudio2" in stage.error.message()
    assert not stage.player.playing
    QTest.keyClick(stage, Qt.Key.Key_End)
    assert stage.time.text() == "0:01 / 0:01"
    stage.deleteLater()


def test_a_missing_output_is_named(stage: AudioStage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**given: Any) -> None:
        raise ValueError(f"No output device matching {given['device']!r}")

    monkeypatch.setattr(sys.modules["sounddevice"], "OutputStream", refuse)
    stage.apply_settings(Settings(audio_output="Headphones"))
    stage.preview(sound(1.0))
    stage.toggle()
    assert stage.error.message().startswith("The sound output Headphones cannot be used.")
    stage.apply_settings(Settings())
    stage.toggle()
    assert stage.error.message().startswith("No sound output was found.")


def test_outputs_are_listed_once_each(card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [
        {"name": "Speakers", "max_output_channels": 2},
        {"name": "Microphone", "max_output_channels": 0},
        {"name": "Speakers", "max_output_channels": 8},
    ]
    monkeypatch.setattr(sys.modules["sounddevice"], "query_devices", lambda: devices, raising=False)
    assert outputs() == ["Speakers"]


def test_a_range_is_looped_and_cleared(stage: AudioStage) -> None:
    stage.preview(sound(2.0))
    wave, whole = stage.waveform, sound(2.0).samples[0]
    middle = wave.height() // 2
    drag(stage, int(wave.width() * 0.25), int(wave.width() * 0.5), middle)
    start, stop = stage.player.range or (0.0, 0.0)
    assert (start, stop) == (pytest.approx(0.5, abs=0.02), pytest.approx(1.0, abs=0.02))
    assert stage.loop.isChecked()
    assert stage.range_label.text() == f"Loop 0:00.{int(start * 10)} to 0:0{int(stop)}.{int(stop * 10) % 10}"
    stage.toggle()
    assert stage.player.position == pytest.approx(start)
    played = stage.player._stream.pull(12000)[:, 0]
    first, length = int(start * 8000), int(stop * 8000) - int(start * 8000)
    once = whole[first : first + length]
    assert np.allclose(played, np.resize(once, 12000))
    assert stage.player.playing
    drag(stage, int(wave._x(wave.range[1] if wave.range else 0)), int(wave.width() * 0.75), middle)
    assert stage.player.range == (pytest.approx(start), pytest.approx(1.5, abs=0.02))
    QTest.keyClick(stage, Qt.Key.Key_X)
    assert stage.player.range is None
    assert stage.range_label.text() == ""
    assert not stage.clear_range.isVisible()
    stage.deactivate()


def drag(stage: AudioStage, left: int, right: int, y: int) -> None:
    QTest.mousePress(stage.waveform, Qt.MouseButton.LeftButton, pos=QPoint(left, y))
    for x in (left + (right - left) // 2, right):
        QTest.mouseMove(stage.waveform, QPoint(x, y))
    QTest.mouseRelease(stage.waveform, Qt.MouseButton.LeftButton, pos=QPoint(right, y))


def test_keys_mark_a_part_loop_and_mute(stage: AudioStage) -> None:
    stage.preview(sound(8.0))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_I):
        QTest.keyClick(stage, key)
    QTest.keyClick(stage, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(stage, Qt.Key.Key_O)
    assert stage.player.range == (2.0, 7.0)
    QTest.keyClick(stage, Qt.Key.Key_L)
    assert not stage.player.looping
    QTest.keyClick(stage, Qt.Key.Key_M)
    stage.toggle()
    assert not stage.player._stream.pull(100).any()
    QTest.keyClick(stage, Qt.Key.Key_M)
    stage.volume.setValue(50)
    assert stage.player.volume == 0.25
    stage.deactivate()
    asked: list[int] = []
    stage.stepped.connect(asked.append)
    QTest.keyClick(stage, Qt.Key.Key_Down)
    QTest.keyClick(stage, Qt.Key.Key_Up)
    assert asked == [1, -1]


def test_after_its_range_a_sound_plays_to_the_end(card: None) -> None:
    player = SoundPlayer()
    player.load(sound(1.0))
    player.looping = True
    player.choose((0.25, 0.5))
    assert player.range == (0.25, 0.5)
    player.play()
    player.seek(0.75)
    played = player._stream.pull(3000)[:, 0]
    assert np.allclose(played[:2000], sound(1.0).samples[0][6000:])
    assert np.allclose(played[2000:], sound(1.0).samples[0][2000:3000])
    player.choose((0.5, 0.501))
    assert player.range is None
    player.stop()


def test_another_sound_restarts_and_the_file_of_this_one_goes_on(stage: AudioStage, tmp_path: Path) -> None:
    stage.expect(MusicRequest(seconds=1.0))
    stage.preview(sound(0.5))
    stage.toggle()
    stage.player._stream.pull(2000)
    stage.show_asset(work(tmp_path, "whole", sound(1.0)))
    assert stage.player.playing
    assert stage.player.position == 0.25
    stage.show_asset(work(tmp_path, "other", Audio(sound(1.0).samples[:, ::-1] * 0.5, 8000)))
    assert not stage.player.playing
    assert stage.player.position == 0.0


def test_a_large_file_is_read_on_a_thread(
    stage: AudioStage, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_stage, "LARGE", 1000)
    stage.show_asset(work(tmp_path, "large", sound(2.0)))
    assert not stage.play.isVisible()
    room.until(lambda: stage.play.isVisible())
    assert stage.time.text() == "0:00 / 0:02"


def test_the_left_button_drags_the_file_out_and_the_right_one_does_not(
    stage: AudioStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dragged: list[object] = []
    module = sys.modules["studio.ui.stages.stage"]  # the package has a function of this name
    monkeypatch.setattr(module, "start_file_drag", lambda _source, asset: dragged.append(asset))
    stage.show_asset(work(tmp_path, "drum", sound(0.5)))
    for button in (Qt.MouseButton.RightButton, Qt.MouseButton.LeftButton):
        assert dragged == []
        QTest.mousePress(stage, button, pos=QPoint(4, 4))
        QTest.mouseMove(stage, QPoint(60, 40))
        QTest.mouseRelease(stage, button, pos=QPoint(60, 40))
    assert dragged == [stage.asset]


def test_the_level_follows_what_is_heard(stage: AudioStage) -> None:
    stage.preview(sound(1.0))
    assert list(stage.meter.peaks) == [LOWEST_DB]
    stage.toggle()
    stage.player._stream.pull(4000)
    stage._tick()
    assert stage.meter.peaks[0] == pytest.approx(20 * np.log10(0.5), abs=0.1)
    assert stage.meter.accessibleDescription() == "-6 dB"
    stage.deactivate()
    before = stage.meter.peaks[0]
    stage._tick()
    assert LOWEST_DB < stage.meter.peaks[0] < before


def test_the_meter_marks_clipping(room: Room) -> None:
    meter = LevelMeter(40, 0)
    meter.resize(40, 100)
    meter.show_levels([(0.5, 0.5), (0.7, 1.0)])
    assert list(meter.peaks) == [pytest.approx(-6.02, abs=0.01), 0.0]
    assert not meter.silent
    meter.deleteLater()


def test_a_spectrogram_shows_each_tone_at_its_pitch() -> None:
    time = np.arange(32000) / 16000
    tones = np.where(time < 1, np.sin(2 * np.pi * 250 * time), np.sin(2 * np.pi * 4000 * time))
    levels = spectrogram(Audio(tones.astype(np.float32)[None], 16000))
    assert levels.shape[0] == ROWS
    columns = levels.shape[1]
    pitches = np.geomspace(40.0, 8000.0, ROWS)[::-1]
    for place, pitch in ((0.25, 250.0), (0.75, 4000.0)):
        loudest = pitches[int(levels[:, int(columns * place)].argmax())]
        assert loudest == pytest.approx(pitch, rel=0.04)
    quiet = levels[:, columns // 4][pitches > 1000]
    assert quiet.max() < 60
    assert levels.max() == 255
    assert not spectrogram(Audio(np.zeros((2, 100), np.float32), 16000)).any()


def test_the_spectrogram_is_shown_and_hidden(stage: AudioStage, room: Room) -> None:
    stage.preview(sound(1.0))
    assert stage.spectrogram.busy
    room.until(lambda: not stage.spectrogram.busy)
    assert stage.spectrogram.levels.shape[1] > 20
    QTest.keyClick(stage, Qt.Key.Key_G)
    assert not stage.spectrogram.isVisible()
    stage.preview(sound(2.0))
    assert not stage.spectrogram.busy
    QTest.keyClick(stage, Qt.Key.Key_G)
    assert stage.spectrogram.isVisible()
    assert stage.spectrogram.busy
    room.until(lambda: not stage.spectrogram.busy)


def test_the_envelope_keeps_every_peak() -> None:
    samples = np.zeros((2, 100_000), np.float32)
    samples[0, 77_777], samples[1, 12_345] = -0.9, 0.4
    loud = envelope(samples)
    assert loud.max() == np.float32(0.9)
    assert sorted(loud[loud > 0]) == [np.float32(0.4), np.float32(0.9)]
    assert int(loud.argmax()) == int(77_777 * len(loud) / 100_000)
    assert envelope(np.zeros((1, 0), np.float32)).size == 0
