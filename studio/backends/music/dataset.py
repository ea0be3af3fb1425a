"""The training set of sounds: a folder of recordings, with or without labels."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from scipy.signal import resample_poly

from studio.backends.music.plan import Chord, PiecePlan
from studio.errors import BadInput
from studio.media.audio import silent_decoder

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True, slots=True)
class LabelledSound:
    """One file: how long it is and what its labels say.

    The plan has no chords where they are not known; `notes` are (seconds, voice, pitch), empty where there is no score.
    """

    path: Path
    seconds: float
    plan: PiecePlan
    notes: tuple[tuple[float, int, int], ...] = ()


def find_sounds(folder: Path) -> list[LabelledSound]:
    """The sounds in `folder` and below, in order of their names; labels.jsonl at its top may say what they are.

    Each line of it is an object with `file` and any of `genre`, `mood`, `tempo`, `key`, `beats`, `swing`, `chords` and
    `notes`. Raises BadInput where there is nothing to learn from or a line is not understood.
    """
    if not folder.is_dir():
        raise BadInput("There is no folder {folder}.", "Choose the folder with your audio files.", folder=folder)
    labels = _labels(folder / "labels.jsonl")
    sounds = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        try:
            with silent_decoder(path):
                info = sf.info(path)
        except (sf.SoundFileError, OSError):
            continue
        label = labels.get(path.relative_to(folder).as_posix(), {})
        if info.frames:
            sounds.append(LabelledSound(path, info.frames / info.samplerate, plan_of(label), notes_of(label)))
    if not sounds:
        raise BadInput(
            "{folder} holds no sounds.", "Put {names} files there.", folder=folder, names=", ".join(SUFFIXES)
        )
    return sounds


def plan_of(label: dict[str, Any]) -> PiecePlan:
    """The plan in a line of labels.jsonl; unknown words and missing fields stay unknown and are no errors."""
    tempo = label.get("tempo", 0)
    chords = []
    for text in label.get("chords") or ():
        try:
            chords.append(Chord.parse(str(text)))
        except ValueError:
            chords = []
            break
    return PiecePlan(
        genre=str(label.get("genre", "any")),
        mood=str(label.get("mood", "any")),
        tempo=round(tempo) if isinstance(tempo, int | float) and 20 <= tempo <= 400 else 0,
        key=str(label.get("key", "any")),
        beats=3 if label.get("beats") == 3 else 4,
        swing=float(label.get("swing", 0.5)),
        chords=tuple(chords),
    )


def notes_of(label: dict[str, Any]) -> tuple[tuple[float, int, int], ...]:
    """The score in a line of labels.jsonl: [[seconds, voice, pitch], ...]; none where it is missing or unclear."""
    try:
        return tuple((float(start), int(voice), int(pitch)) for start, voice, pitch in label.get("notes") or ())
    except (TypeError, ValueError):
        return ()


def _labels(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    labels: dict[str, dict[str, Any]] = {}
    for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            label = json.loads(line)
            labels[str(label["file"])] = label
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                "Line {i} of {path} is not a label.", 'Write {{"file": "a.wav", "key": "C major"}}.', i=i, path=path
            ) from error
    return labels


def read(sound: LabelledSound, rate: int, start: float = 0.0, seconds: float | None = None) -> NDArray[np.float32]:
    """`[samples]` at `rate`, the channels mixed, from `start` for `seconds`, with silence after its end.

    Raises BadInput for a damaged file.
    """
    try:
        with silent_decoder(sound.path), sf.SoundFile(sound.path) as file:
            own = file.samplerate
            file.seek(min(file.frames, round(start * own)))
            wanted = file.frames if seconds is None else math.ceil(seconds * own)
            samples = file.read(wanted, dtype="float32", always_2d=True).mean(1)
    except (sf.SoundFileError, OSError) as error:
        raise BadInput("{path} is damaged or no sound.", "Repair or remove it.", path=sound.path) from error
    if own != rate:
        common = math.gcd(own, rate)
        samples = resample_poly(samples, rate // common, own // common).astype(np.float32)
    if seconds is not None:
        length = round(seconds * rate)
        samples = np.pad(samples[:length], (0, max(0, length - len(samples))))
    return samples.astype(np.float32, copy=False)


def crops(
    sounds: list[LabelledSound], rate: int, seconds: float, count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """`[count, samples]`: pieces of random sounds, chosen by their lengths, each at a random place."""
    weights = np.array([sound.seconds for sound in sounds])
    chosen = rng.choice(len(sounds), count, p=weights / weights.sum())
    return np.stack(
        [read(sounds[i], rate, float(rng.uniform(0, max(0.0, sounds[i].seconds - seconds))), seconds) for i in chosen]
    )
