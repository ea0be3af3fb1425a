"""Writes the training music: python -m recipes.music.prepare --out DIR --pieces N; piece i depends on its seed alone.

Needs FluidSynth and the FluidR3 GM soundfont (MIT), see SOUNDFONT. DIR receives N files of 16 kHz FLAC, labels.jsonl,
and with --midi the scores.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from recipes.music.arranger import BAND, Arranger
from recipes.music.sampler import RATE, SOUNDFONT, Note, Sampler, write_midi
from studio.backends.music.plan import FASTEST, SLOWEST, PiecePlan, make_plan

FRAME_RATE = 40


def piece(seed: int, sampler: Sampler) -> tuple[NDArray[np.float32], dict[str, Any], list[Note], PiecePlan]:
    """The sound `[samples]`, the labels, the notes and the plan of one piece; the same every time for a seed."""
    rng = random.Random(seed)
    seconds = rng.uniform(6, 26)
    tempo = rng.randint(SLOWEST, FASTEST) if rng.random() < 0.25 else 0
    plan = make_plan("any", "any", tempo, "any", seconds, rng)
    notes = Arranger(plan, FRAME_RATE, rng).write()
    sound = sampler.play(notes, seconds)
    labels = {
        "genre": plan.genre,
        "mood": plan.mood,
        "tempo": plan.tempo,
        "key": plan.key,
        "beats": plan.beats,
        "swing": plan.swing,
        "chords": [str(chord) for chord in plan.chords],
        "notes": [[round(note.start, 4), note.voice, note.pitch] for note in notes],
    }
    return sound, labels, notes, plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0, help="piece i has seed + i")
    parser.add_argument("--soundfont", type=Path, default=SOUNDFONT)
    parser.add_argument("--midi", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    sampler = Sampler(BAND, args.soundfont)
    with (args.out / "labels.jsonl").open("w", encoding="utf-8") as file:
        for i in range(args.pieces):
            sound, labels, notes, plan = piece(args.seed + i, sampler)
            name = f"piece-{args.seed + i:06d}"
            sf.write(args.out / f"{name}.flac", sound, RATE, subtype="PCM_16")
            if args.midi:
                parts = [
                    (voice.program, voice.velocity, [(n.start, voice.ring, n.pitch) for n in notes if n.voice == i])
                    for i, voice in enumerate(BAND)
                ]
                write_midi(args.out / f"{name}.mid", parts, plan.tempo)
            file.write(json.dumps({"file": f"{name}.flac", **labels}) + "\n")


if __name__ == "__main__":
    main()
