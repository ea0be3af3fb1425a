"""The arranger: writes short pieces for electric piano and music box over a plan; knows nothing of networks.

A plan (studio.backends.music.plan) gives bars and chords. Each genre has its accompaniment and its kinds of melody
rhythm; the melody is made of a motif that is repeated, moved to the new chord, answered, and brought home.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from recipes.music.sampler import Note, Voice
from studio.backends.music.plan import SCALES, TONICS, Chord, PiecePlan

E_PIANO, MUSIC_BOX = 4, 10
BAND = (
    Voice("bass", E_PIANO, 40, 51, velocity=90, gain=2.6, ring=1.95, damping=1.1),
    Voice("low", E_PIANO, 52, 64, velocity=64, gain=1.6, ring=1.95, damping=1.0),
    Voice("mid", E_PIANO, 56, 68, velocity=64, gain=1.5, ring=1.95, damping=1.0),
    Voice("high", E_PIANO, 60, 72, velocity=64, gain=1.4, ring=1.95, damping=1.0),
    Voice("melody", MUSIC_BOX, 69, 85, velocity=96, gain=2.6, ring=1.5, damping=2.0),
)
BASS, LOW, MID, HIGH, MELODY = range(5)
CHORD = (LOW, MID, HIGH)

Rhythm = tuple[tuple[int, int], ...]
RHYTHMS: dict[str, tuple[Rhythm, ...]] = {
    "lullaby": (
        ((0, 4), (4, 4), (8, 8)),
        ((0, 6), (6, 2), (8, 8)),
        ((0, 4), (4, 2), (6, 2), (8, 8)),
        ((0, 8), (8, 4), (12, 4)),
    ),
    "waltz": (
        ((0, 4), (4, 4), (8, 4)),
        ((0, 8), (8, 4)),
        ((0, 6), (6, 2), (8, 4)),
        ((0, 4), (4, 2), (6, 2), (8, 2), (10, 2)),
    ),
    "lofi": (
        ((2, 4), (6, 4), (10, 6)),
        ((0, 6), (6, 8)),
        ((4, 2), (6, 4), (10, 2), (12, 4)),
        ((0, 2), (2, 4), (6, 6)),
    ),
    "march": (
        ((0, 4), (4, 4), (8, 4), (12, 4)),
        ((0, 4), (4, 2), (6, 2), (8, 4), (12, 4)),
        ((0, 4), (4, 2), (6, 2), (8, 8)),
        ((0, 6), (6, 2), (8, 4), (12, 4)),
    ),
    "ambient": (((0, 16),), ((4, 12),), ((0, 8), (8, 8)), ((2, 6), (8, 8))),
}
"""The melody's rhythms of one bar: (step, length) in sixteenths."""

# (step, voice) in sixteenths, in bars of even and of odd number.
PATTERNS: dict[str, tuple[Sequence[tuple[int, int]], ...]] = {
    "lullaby": (((0, BASS), (2, MID), (4, HIGH), (6, MID), (8, LOW), (10, MID), (12, HIGH), (14, MID)),) * 2,
    "waltz": (((0, BASS), *itertools.product((4, 8), CHORD)),) * 2,
    "lofi": (
        ((0, BASS), (10, BASS), *itertools.product((0, 6), CHORD)),
        ((0, BASS), (10, BASS), *itertools.product((2, 8), CHORD)),
    ),
    "march": (((0, BASS), (8, BASS), *itertools.product((4, 12), CHORD)),) * 2,
    "ambient": (((0, BASS), (2, LOW), (4, MID), (6, HIGH), (10, LOW)), ((0, BASS), (2, HIGH), (4, MID), (8, LOW))),
}


class Arranger:
    """Writes one piece over one plan; `rate` is the codec's frames a second, which onsets are brought to."""

    def __init__(self, plan: PiecePlan, rate: float, rng: random.Random) -> None:
        self.plan, self.rate, self.rng = plan, rate, rng
        self.bar = plan.beats * 4
        self.notes: list[Note] = []
        tonic, mode = plan.key.split()
        self.tonic = TONICS.index(tonic)
        self.scale = {(self.tonic + step) % 12 for step in SCALES[mode]}
        self._voicing = (58, 62, 66)

    def write(self) -> list[Note]:
        """The notes of the piece, in order."""
        last = len(self.plan.chords) - 1
        for bar, chord in enumerate(self.plan.chords):
            self._voicing = self._voice(chord)
            if bar == last:
                pattern: Sequence[tuple[int, int]] = tuple((0, voice) for voice in (BASS, *CHORD))
            else:
                pattern = PATTERNS[self.plan.genre][bar % 2]
            for step, voice in pattern:
                pitch = self._bass(bar, step, chord) if voice == BASS else self._voicing[voice - LOW]
                self._add(voice, bar, step, pitch)
        self._melody()
        return sorted(self.notes, key=lambda note: (note.start, note.voice))

    def _add(self, voice: int, bar: int, step: int, pitch: int) -> None:
        self.notes.append(Note(self.plan.step_frame(self.bar * bar + step, self.rate) / self.rate, voice, pitch))

    def _bass(self, bar: int, step: int, chord: Chord) -> int:
        """The root; the fifth where the genre walks between the two."""
        fifth = (self.plan.genre == "march" and step) or (self.plan.genre == "waltz" and bar % 2)
        tone = chord.pitch_classes[2] if fifth and bar < len(self.plan.chords) - 1 else chord.root
        return BAND[BASS].low + (tone - BAND[BASS].low) % 12

    def _voice(self, chord: Chord) -> tuple[int, int, int]:
        """Three tones of the chord, one for each voice and each in its range, moving as little as can be."""
        tones = chord.pitch_classes[-3:]
        ranges = [range(BAND[voice].low, BAND[voice].high + 1) for voice in CHORD]
        options = [
            voicing
            for order in itertools.permutations(tones)
            for voicing in itertools.product(
                *([pitch for pitch in span if pitch % 12 == tone] for span, tone in zip(ranges, order, strict=True))
            )
            if voicing[0] < voicing[1] < voicing[2]
        ]
        low, mid, high = min(
            options, key=lambda voicing: sum(abs(a - b) for a, b in zip(voicing, self._voicing, strict=True))
        )
        return low, mid, high

    def _melody(self) -> None:
        motifs = [self.rng.choice(RHYTHMS[self.plan.genre]) for _ in range(2)]
        contours = [[self.rng.choice((-2, -1, -1, 1, 1, 2)) for _ in motif] for motif in motifs]
        pitch = 77 + self.rng.randint(-3, 3)
        last = len(self.plan.chords) - 1
        for bar, chord in enumerate(self.plan.chords):
            if bar == last:
                self._add(MELODY, bar, 0, self._nearest({self.tonic}, pitch))
                return
            if self.plan.genre == "ambient" and self.rng.random() < 0.2:
                continue
            which = (0, 0, 1, 0)[bar % 4]
            rhythm, contour = motifs[which], contours[which]
            if bar % 4 == 3:
                rhythm = tuple(place for place in rhythm if place[0] < self.bar // 2) or rhythm[:1]
            for (step, length), steps in zip(rhythm, contour, strict=False):
                strong = step % 8 == 0 or length >= 4
                pitch = self._move(pitch, steps, chord if strong else None)
                self._add(MELODY, bar, step, pitch)

    def _move(self, pitch: int, steps: int, chord: Chord | None) -> int:
        """Up or down the scale by `steps`, then to the nearest tone of the chord; turned back at the ends.

        Seldom to the note it comes from: a melody that stands still says nothing.
        """
        came_from = pitch if self.rng.random() < 0.85 else None
        low, high = BAND[MELODY].low + 3, BAND[MELODY].high - 3
        if not low <= pitch <= high:
            steps = abs(steps) if pitch < low else -abs(steps)
        direction = 1 if steps > 0 else -1
        for _ in range(abs(steps)):
            pitch += direction
            while pitch % 12 not in self.scale:
                pitch += direction
        return self._nearest(set(chord.pitch_classes) if chord else self.scale, pitch, came_from)

    def _nearest(self, classes: set[int], pitch: int, unlike: int | None = None) -> int:
        span = range(BAND[MELODY].low, BAND[MELODY].high + 1)
        return min(
            (candidate for candidate in span if candidate % 12 in classes and candidate != unlike),
            key=lambda candidate: abs(candidate - pitch),
        )
