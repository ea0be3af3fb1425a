"""Plays notes: every sound of a small band rendered once by FluidSynth, then mixed sample by sample; knows no theory.

Notes begin exactly on the frames of the codec, at most half a frame off the beat. A struck bar or reed always sounds
the same from its onset, so music on that grid is a sum of few known shapes. Each voice plays one note at a time, which
rings until the next, as on a kalimba with one tine.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RATE = 16000
FADE = 64
"""Samples over which a note gives way to the next of its voice."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One player: MIDI programme, range of pitches, how loud, how long a note rings and how fast it is damped."""

    name: str
    program: int
    low: int
    high: int
    velocity: int
    gain: float
    ring: float
    damping: float


@dataclass(frozen=True, slots=True)
class Note:
    """One note: seconds from the start of the piece, number of the voice, MIDI pitch."""

    start: float
    voice: int
    pitch: int


class Sampler:
    """The sounds of a band, kept in memory."""

    def __init__(self, band: Sequence[Voice], soundfont: Path = SOUNDFONT) -> None:
        self._sounds = [self._record(voice, soundfont) for voice in band]

    def _record(self, voice: Voice, soundfont: Path) -> dict[int, NDArray[np.float32]]:
        slot, pitches = voice.ring + 2.0, range(voice.low, voice.high + 1)
        solo = [(i * slot + 0.5, voice.ring + 0.5, pitch) for i, pitch in enumerate(pitches)]
        with TemporaryDirectory() as folder:
            midi, wav = Path(folder, "notes.mid"), Path(folder, "notes.wav")
            write_midi(midi, [(voice.program, voice.velocity, solo)])
            command = ["fluidsynth", "-ni", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(RATE), "-O", "float"]
            subprocess.run(
                [*command, "-F", str(wav), str(soundfont), str(midi)], check=True, capture_output=True, timeout=600
            )
            sound, _ = sf.read(wav, dtype="float32", always_2d=True)
        length = round(voice.ring * RATE)
        time = np.arange(length) / RATE
        shape = voice.gain * np.exp(-time / voice.damping) * np.minimum(1, 3 * (1 - time / voice.ring))
        clips = {}
        for start, _, pitch in solo:
            clip = sound.mean(1)[round(start * RATE) :][:length]
            clips[pitch] = (np.pad(clip, (0, length - len(clip))) * shape).astype(np.float32)
        return clips

    def play(self, notes: Sequence[Note], seconds: float) -> NDArray[np.float32]:
        """`[samples]`, the mix."""
        mix = np.zeros(round(seconds * RATE), np.float32)
        for number, sounds in enumerate(self._sounds):
            own = sorted((note for note in notes if note.voice == number), key=lambda note: note.start)
            for i, note in enumerate(own):
                begin = round(note.start * RATE)
                sound = sounds[note.pitch]
                if i + 1 < len(own):
                    held = round(own[i + 1].start * RATE) - begin
                    if held < len(sound):
                        sound = sound[: held + FADE].copy()
                        sound[held:] *= np.linspace(1, 0, len(sound) - held, dtype=np.float32)
                part = sound[: max(0, len(mix) - begin)]
                mix[begin : begin + len(part)] += part
        return mix


def write_midi(
    path: Path, parts: Sequence[tuple[int, int, Sequence[tuple[float, float, int]]]], tempo: int = 120
) -> None:
    """A standard MIDI file of one track, 480 ticks a beat; a part is (programme, velocity, notes) and has a channel of
    its own, a note is (start, length, pitch) in seconds."""
    per_second = 480 * tempo / 60
    events = []
    for channel, (program, velocity, notes) in enumerate(parts):
        events.append((0, 0, bytes([0xC0 | channel, program])))
        for start, length, pitch in notes:
            begin, end = round(start * per_second), round((start + length) * per_second)
            events.append((begin, 2, bytes([0x90 | channel, pitch, velocity])))
            events.append((max(end, begin + 1), 1, bytes([0x80 | channel, pitch, 0])))
    track = bytearray(b"\0\xff\x51\x03" + round(60e6 / tempo).to_bytes(3, "big"))
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track += _variable(tick - now) + message
        now = tick
    track += b"\0\xff\x2f\0"
    path.write_bytes(
        b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)
    )


def _variable(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))
