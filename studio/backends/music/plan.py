"""The plan of a piece: tempo grid, metre and chords, which the prior is conditioned on.

The prior of this studio hears, with every frame, where in the bar it is and which chord sounds, as chord-conditioned
models do (JASCO, arXiv 2406.10970; MusiConGen, arXiv 2407.15060), beside the global labels of Jukebox (arXiv
2005.00341). So the plan keeps the time and the harmony, and the network plays. The arranger that writes the training
music and the engine that asks for new music share this file.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.backends.music.requests import GENRES, KEYS, MOODS, TONICS

QUALITIES = ("maj", "min", "7", "maj7", "m7", "dim")
INTERVALS = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
}
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
SLOWEST, FASTEST = 48, 170
TEMPI = (50, 60, 68, 76, 84, 92, 100, 110, 120, 132, 146, 160)
"""Centres of the classes of tempo that the prior is conditioned on."""

CLOSE, SHORTEST_CLOSE = 2.5, 1.2
"""Seconds that the last chord has to ring, and the fewest where the tempo leaves no choice."""
UNKNOWN = 0
TAIL = 29
FEATURES = (30, 17, 13, len(QUALITIES) + 1, 8)
"""How many values each timed feature has, 0 meaning unknown: step in the bar, frames since the step, root of the
chord, its quality, place of the bar in the phrase."""
GLOBALS = (len(GENRES), len(MOODS), len(TEMPI) + 1, len(KEYS))
"""How many values each global label has, 0 meaning unknown or any: genre, mood, tempo, key."""


@dataclass(frozen=True, slots=True)
class GenreStyle:
    """How pieces of a genre go: beats a bar, tempi, swing (share of a beat before its second half), sevenths or not."""

    beats: int
    slowest: int
    fastest: int
    swing: float
    sevenths: bool


MANNERS = {
    "lullaby": GenreStyle(beats=4, slowest=60, fastest=92, swing=0.5, sevenths=False),
    "waltz": GenreStyle(beats=3, slowest=96, fastest=160, swing=0.5, sevenths=False),
    "lofi": GenreStyle(beats=4, slowest=66, fastest=96, swing=0.6, sevenths=True),
    "march": GenreStyle(beats=4, slowest=92, fastest=132, swing=0.5, sevenths=False),
    "ambient": GenreStyle(beats=4, slowest=50, fastest=76, swing=0.5, sevenths=True),
}

# Four bars each; the piece repeats and alternates them and ends with a cadence of its own.
PROGRESSIONS = {
    "major": (
        ("I IV V I", ("joyful", "hopeful")),
        ("I V vi IV", ("hopeful", "joyful")),
        ("I IV I V", ("joyful", "peaceful")),
        ("I vi IV V", ("tender", "nostalgic", "joyful")),
        ("I iii IV V", ("tender", "hopeful")),
        ("I IV ii V", ("joyful", "peaceful")),
        ("I vi ii V", ("nostalgic", "tender")),
        ("vi IV I V", ("nostalgic", "hopeful", "melancholy")),
        ("I IV vi IV", ("peaceful", "tender")),
        ("I ii IV I", ("peaceful",)),
        ("ii V I vi", ("nostalgic",)),
        ("vi ii iii vi", ("melancholy", "mysterious")),
        ("IV iii ii I", ("melancholy", "tender")),
        ("I iii vi iii", ("mysterious",)),
    ),
    "minor": (
        ("i VI III VII", ("hopeful", "nostalgic", "joyful")),
        ("i iv VII III", ("nostalgic", "hopeful")),
        ("i iv v i", ("melancholy", "tender")),
        ("i VI iv v", ("melancholy", "tender")),
        ("i VII VI v", ("melancholy", "mysterious")),
        ("i v VI iv", ("mysterious", "melancholy")),
        ("i VI i iv", ("mysterious", "peaceful")),
        ("i III iv VI", ("tender", "peaceful", "nostalgic")),
        ("i III VII i", ("joyful", "hopeful", "peaceful")),
    ),
}
MODES_OF_MOOD = {
    "joyful": ("major",),
    "hopeful": ("major", "major", "minor"),
    "peaceful": ("major",),
    "tender": ("major", "major", "minor"),
    "nostalgic": ("major", "minor"),
    "melancholy": ("minor",),
    "mysterious": ("minor",),
}
_ROMAN = {"i": 0, "ii": 1, "iii": 2, "iv": 3, "v": 4, "vi": 5, "vii": 6}


@dataclass(frozen=True, slots=True)
class Chord:
    """`root` is a pitch class, 0 being C; `quality` one of QUALITIES."""

    root: int
    quality: str

    def __str__(self) -> str:
        return f"{TONICS[self.root]}:{self.quality}"

    @classmethod
    def parse(cls, text: str) -> Chord:
        """The chord that `str` wrote. Raises ValueError for anything else."""
        root, _, quality = text.partition(":")
        if quality not in QUALITIES:
            raise ValueError(f"{text!r} is no chord")
        return cls(TONICS.index(root), quality)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        return tuple((self.root + interval) % 12 for interval in INTERVALS[self.quality])


@dataclass(frozen=True, slots=True)
class PiecePlan:
    """Time and harmony of one piece; the last of `chords`, one a bar, is the close, and rings until the end."""

    genre: str
    mood: str
    tempo: int
    key: str
    beats: int
    swing: float
    chords: tuple[Chord, ...]

    def step_frame(self, step: int, rate: float) -> int:
        """The frame at which the sixteenth `step` of the whole piece begins; swung steps come late."""
        beat, part = divmod(step, 4)
        half, quarter = divmod(part, 2)
        at = (self.swing if half else 0.0) + quarter * (1 - self.swing if half else self.swing) / 2
        return round((beat + at) * 60 / self.tempo * rate)

    def labels(self) -> NDArray[np.int64]:
        """`[4]`: the global labels as numbers, see GLOBALS."""
        return np.array(
            [number(GENRES, self.genre), number(MOODS, self.mood), tempo_class(self.tempo), number(KEYS, self.key)]
        )

    def timeline(self, frames: int, rate: float) -> NDArray[np.int64]:
        """`[frames, 5]`: the timed features of every frame, see FEATURES."""
        line = np.zeros((frames, len(FEATURES)), np.int64)
        steps_per_bar = self.beats * 4
        total = steps_per_bar * len(self.chords)
        starts = [self.step_frame(step, rate) for step in range(total + 1)]
        for step in range(total):
            begin, end = starts[step], min(starts[step + 1], frames)
            if begin >= frames:
                break
            bar, place = divmod(step, steps_per_bar)
            line[begin:end, 0] = 1 + place + (0 if self.beats == 3 else 12)
            line[begin:end, 1] = 1 + np.minimum(np.arange(end - begin), 15)
            line[begin:end, 2:] = self._harmony(bar)
        if starts[total] < frames:
            line[starts[total] :] = (TAIL, 1, *self._harmony(len(self.chords) - 1)[:2], 6)
        return line

    def _harmony(self, bar: int) -> tuple[int, int, int]:
        chord = self.chords[bar]
        left = len(self.chords) - 1 - bar
        place = 5 if left == 0 else 7 if left == 1 else 1 + bar % 4
        return 1 + chord.root, 1 + QUALITIES.index(chord.quality), place


def number(options: Sequence[tuple[str, str]], value: str) -> int:
    """The place of `value` among a field's options; 0, unknown, for a word that is none of them."""
    return next((i for i, (option, _) in enumerate(options) if option == value), UNKNOWN)


def tempo_class(tempo: float) -> int:
    """The class of a tempo, 0 where it is unknown (0)."""
    if tempo <= 0:
        return UNKNOWN
    return 1 + min(range(len(TEMPI)), key=lambda i: abs(TEMPI[i] - tempo))


def make_plan(genre: str, mood: str, tempo: int, key: str, seconds: float, rng: random.Random) -> PiecePlan:
    """A plan of the length asked for. What is left open ("any", 0) is chosen by `rng`, and so are words that are none
    of the known ones; a tempo out of SLOWEST to FASTEST becomes the nearest within."""
    if genre not in MANNERS:
        genre = rng.choice(list(MANNERS))
    manner = MANNERS[genre]
    if mood not in MODES_OF_MOOD:
        mood = rng.choice(list(MODES_OF_MOOD))
    if key not in {value for value, _ in KEYS[1:]}:
        key = f"{rng.choice(TONICS)} {rng.choice(MODES_OF_MOOD[mood])}"
    free = not tempo
    tempo = rng.randint(manner.slowest, manner.fastest) if free else min(max(tempo, SLOWEST), FASTEST)
    bar = manner.beats * 60 / tempo
    bars = max(0, int((seconds - SHORTEST_CLOSE) / bar))
    nudged = tempo * round((seconds - CLOSE) / bar) * bar / max(1.0, seconds - CLOSE)
    if free and 0.8 < nudged / tempo < 1.25:
        # Whole bars then lead to the close, which has its time to ring.
        bars, tempo = round((seconds - CLOSE) / bar), min(max(round(nudged), SLOWEST), FASTEST)
    bars += 1
    return PiecePlan(genre, mood, tempo, key, manner.beats, manner.swing, _chords(mood, key, bars, manner, rng))


def _chords(mood: str, key: str, bars: int, manner: GenreStyle, rng: random.Random) -> tuple[Chord, ...]:
    tonic, mode = key.split()
    fitting = [text for text, moods in PROGRESSIONS[mode] if mood in moods]
    first, second = rng.choice(fitting), rng.choice([text for text, _ in PROGRESSIONS[mode]])
    order = (first, first, second, first)
    romans = [roman for i in range((bars + 3) // 4) for roman in order[i % 4].split()][:bars]
    close = "I" if mode == "major" else "i"
    romans[-1] = close
    if bars > 2:
        romans[-2] = "V" if mode == "major" else rng.choice(("v", "VII"))
    return tuple(chord(roman, TONICS.index(tonic), mode, manner.sevenths) for roman in romans)


def chord(roman: str, tonic: int, mode: str, sevenths: bool) -> Chord:
    """The diatonic chord on a degree of the scale, in natural minor where the mode is minor."""
    scale = SCALES[mode]
    degree = _ROMAN[roman.lower()]
    tones = [(scale[(degree + i) % 7] - scale[degree]) % 12 for i in (2, 4, 6)]
    if tones[1] == 6:
        quality = "dim"
    elif sevenths:
        quality = {(4, 11): "maj7", (4, 10): "7", (3, 10): "m7"}[tones[0], tones[2]]
    else:
        quality = "maj" if tones[0] == 4 else "min"
    return Chord((tonic + scale[degree]) % 12, quality)
