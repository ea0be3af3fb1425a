"""Stages by themselves: a text that streams, a sound that grows and plays, a machine that cannot play."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from studio.backends.music import MusicRequest
from studio.media import Audio, Text
from studio.ui.stages.audio import AudioStage
from studio.ui.stages.text import TextStage
from tests.ui.conftest import Desk


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


def test_a_text_streams_without_being_set_again(desk: Desk) -> None:
    stage = TextStage()
    stage.resize(900, 600)
    stage.show()
    whole = "# The Fox\n\nOnce there was a fox.\n\nIt ran <b>away</b> & came # back."
    first = None
    for end in range(1, len(whole) + 1):
        stage.preview(Text(whole[:end]))
        if end == 20:
            first = stage.page.document().firstBlock()
    assert stage.page.toPlainText() == "The Fox\n\nOnce there was a fox.\n\nIt ran <b>away</b> & came # back."
    assert stage.page.document().firstBlock() == first
    stage.copy()
    stage.preview(Text("Another"))
    assert stage.page.toPlainText() == "Another"
    stage.deleteLater()


def test_a_line_is_comfortable_to_read(desk: Desk) -> None:
    stage = TextStage()
    stage.resize(1400, 700)
    stage.show()
    stage.preview(Text("It was a bright cold day in the village and the clocks were all a little late. " * 9))
    desk.breathe(0.02)
    layout = stage.page.document().firstBlock().layout()
    lengths = [layout.lineAt(at).textLength() for at in range(layout.lineCount() - 1)]
    assert 60 <= np.mean(lengths) <= 80
    stage.deleteLater()


@pytest.mark.usefixtures("card")
def test_a_sound_plays_pauses_and_seeks(desk: Desk) -> None:
    stage = AudioStage()
    stage.resize(700, 400)
    stage.show()
    stage.preview(sound(2.0))
    assert stage.time.text() == "0:00 / 0:02"
    QTest.keyClick(stage, Qt.Key.Key_Space)
    assert stage.player.playing
    assert stage.play.accessibleName() == "Pause (Space)"
    heard = stage.player._stream.pull(8000)
    assert np.allclose(heard[:, 0], sound(2.0).samples[0][:8000])
    assert stage.player.position == 1.0
    QTest.keyClick(stage, Qt.Key.Key_Space)
    assert not stage.player.playing
    QTest.keyClick(stage, Qt.Key.Key_Home)
    assert stage.player.position == 0.0
    QTest.mouseClick(stage.waveform, Qt.MouseButton.LeftButton, pos=stage.waveform.rect().center())
    assert stage.player.position == pytest.approx(1.0, abs=0.02)
    stage.deleteLater()


@pytest.mark.usefixtures("card")
def test_a_sound_ends_and_starts_anew(desk: Desk) -> None:
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
    stage.leave()
    assert not stage.player.playing
    stage.deleteLater()


@pytest.mark.usefixtures("card")
def test_a_growing_sound_goes_on_playing(desk: Desk) -> None:
    stage = AudioStage()
    stage.show()
    stage.expect(MusicRequest(seconds=4.0))
    stage.preview(sound(1.0))
    stage.toggle()
    stage.player._stream.pull(4000)
    stage.preview(sound(2.0))
    assert stage.player.playing
    assert stage.player.position == 0.5
    stage.leave()
    stage.deleteLater()


def test_without_portaudio_it_says_what_to_install(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    stage = AudioStage()
    said: list[str] = []
    stage.said.connect(lambda words, hint: said.append(f"{words} {hint}"))
    stage.show()
    stage.preview(sound(1.0))
    stage.toggle()
    assert len(said) == 1
    assert "libportaudio2" in said[0]
    assert not stage.player.playing
    stage.deleteLater()
