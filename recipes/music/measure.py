"""Measures a music model on samples nobody chose: python -m recipes.music.measure MODEL --out DIR [--pieces N].

Writes measures.json, sheet.png (spectrograms of the first samples) and sample.ogg. Key and tempo are read from the
sound alone; what the arranger writes for the same requests, and wrong keys, stand beside them. Needs FluidSynth.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile as sf
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.signal import stft

from recipes.music.arranger import BAND, Arranger
from recipes.music.prepare import FRAME_RATE, piece
from recipes.music.sampler import RATE, Sampler
from studio.backends.music.engine.codec import decode, encode
from studio.backends.music.engine.engine import MusicEngine
from studio.backends.music.engine.files import load_starter
from studio.backends.music.parse_description import fill_from_text
from studio.backends.music.plan import MANNERS, SCALES, TONICS, make_plan
from studio.backends.music.requests import MusicRequest
from studio.jobs.job import Progress
from studio.media.payloads import Audio
from studio.models.model import Model
from studio.models.resources import Resources

Sound = NDArray[np.float32]


def in_scale(sound: Sound, key: str) -> float:
    """The share of spectral power, 100 to 2,000 Hz, in the bins nearest to tones of the key's scale."""
    frequencies, _, spectrum = stft(sound, RATE, nperseg=8192, noverlap=6144)
    power = (np.abs(spectrum) ** 2).sum(1)
    heard = (frequencies > 100) & (frequencies < 2000)
    classes = np.round(69 + 12 * np.log2(frequencies[heard] / 440)).astype(int) % 12
    chroma = np.bincount(classes, power[heard], 12)
    tonic, mode = key.split()
    scale = [(TONICS.index(tonic) + step) % 12 for step in SCALES[mode]]
    return float(chroma[scale].sum() / chroma.sum())


def wrong(key: str) -> str:
    """The same mode on the tonic a tritone away, which shares two or three tones."""
    tonic, mode = key.split()
    return f"{TONICS[(TONICS.index(tonic) + 6) % 12]} {mode}"


def tempo_fits(sound: Sound, tempo: float, beats: int) -> bool:
    """Whether the strongest period of the onset envelope, 0.2 to 2 s, is within 4 % of a note value of the tempo: a
    beat, its half, its double, or the bar."""
    _, _, spectrum = stft(sound, RATE, nperseg=512, noverlap=512 - 160)
    rise = np.maximum(np.diff(np.log1p(100 * np.abs(spectrum)), axis=1), 0).sum(0)
    rise = rise - rise.mean()
    again = np.correlate(rise, rise, "full")[len(rise) - 1 :]
    lags = np.arange(20, 201)
    best = lags[np.argmax(again[lags] / (len(rise) - lags))]
    beat = 60 / tempo * 100
    return any(abs(best / (beat * factor) - 1) < 0.04 for factor in (0.5, 1, 2, beats))


def si_sdr(real: Sound, made: Sound) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (arXiv 1811.02508)."""
    scaled = real * (made @ real) / (real @ real)
    return float(10 * np.log10((scaled @ scaled) / ((scaled - made) @ (scaled - made))))


def mel_distance(real: Sound, made: Sound) -> float:
    """The mean difference of 64 mel bands, in dB, of what is within 60 dB of the loudest."""
    frequencies = np.fft.rfftfreq(1024, 1 / RATE)
    mels = 2595 * np.log10(1 + frequencies / 700)
    centres = np.linspace(mels[1], mels[-1], 66)
    filters = np.maximum(0, 1 - np.abs(mels[None] - centres[1:-1, None]) / (centres[1] - centres[0]))
    bands = [filters @ np.abs(stft(x, RATE, nperseg=1024, noverlap=768)[2]) ** 2 for x in (real, made)]
    floor = bands[0].max() * 1e-6
    real_db, made_db = (10 * np.log10(np.maximum(band, floor)) for band in bands)
    return float(np.abs(real_db - made_db).mean())


def quiet(progress: Progress) -> None:
    pass


def measure(folder: Path, pieces: int) -> tuple[dict[str, object], list[tuple[str, Audio]]]:
    engine = MusicEngine()
    engine.load(Resources(Model("measured", "music", "studio-music", "Measured", "", folder)), quiet)
    sampler = Sampler(BAND)
    rows, sounds = [], []
    for seed in range(pieces):
        genre = list(MANNERS)[seed % len(MANNERS)]
        wish = fill_from_text(MusicRequest(seed=seed, genre=genre, seconds=12))
        plan = make_plan(genre, "any", 0, "any", 12, random.Random(seed))
        begun = time.perf_counter()
        (audio,) = engine.run(wish, quiet)
        spent = time.perf_counter() - begun
        assert isinstance(audio, Audio)
        mono = audio.samples.mean(0)
        written = sampler.play(Arranger(plan, FRAME_RATE, random.Random(seed)).write(), 12)
        rows.append(
            {
                "in_key": in_scale(mono, plan.key),
                "in_key_arranger": in_scale(written, plan.key),
                "in_wrong_key": in_scale(mono, wrong(plan.key)),
                "on_tempo": tempo_fits(mono, plan.tempo, plan.beats),
                "on_tempo_arranger": tempo_fits(written, plan.tempo, plan.beats),
                "on_wrong_tempo": tempo_fits(mono, plan.tempo * 1.13, plan.beats),
                "lufs": pyloudnorm.Meter(RATE).integrated_loudness(audio.samples.T.astype(np.float64)),
                "peak": float(np.abs(audio.samples).max()),
                "seconds_per_second": spent / 12,
            }
        )
        sounds.append((f"{genre}, {plan.mood}, {plan.key}, {plan.tempo} BPM, seed {seed}", audio))
    result: dict[str, object] = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return {"pieces": pieces, **result, **measure_codec(folder, sampler)}, sounds


def measure_codec(folder: Path, sampler: Sampler, pieces: int = 12) -> dict[str, float]:
    """Pieces that were not learnt from, by their scores and as the codec hears them."""
    model = load_starter(folder)
    assert model.voices
    kept: dict[str, list[float]] = {}
    for seed in range(900_000, 900_000 + pieces):
        sound, _, notes, _ = piece(seed, sampler)
        sound = sound[: len(sound) // 400 * 400]
        scored = model.voices.codes([(n.start, n.voice, n.pitch) for n in notes], len(sound) // 400, FRAME_RATE)
        heard = encode(model.codec, torch.from_numpy(sound)[None, None])[0]
        for name, codes in (("score", scored), ("heard", heard)):
            made = decode(model.codec, codes[None])[0, 0].numpy()
            kept.setdefault(f"si_sdr_{name}", []).append(si_sdr(sound, made))
            kept.setdefault(f"mel_db_{name}", []).append(mel_distance(sound, made))
    return {name: float(np.mean(values)) for name, values in kept.items()}


def sheet(sounds: list[tuple[str, Audio]], path: Path) -> None:
    """Spectrograms, 0 to 4 kHz, one below the other."""
    wide, high = 960, 150
    page = Image.new("RGB", (wide + 24, len(sounds) * (high + 26) + 12), (18, 20, 26))
    draw = ImageDraw.Draw(page)
    for i, (title, audio) in enumerate(sounds):
        _, _, spectrum = stft(audio.samples.mean(0), RATE, nperseg=2048, noverlap=1792)
        level = 20 * np.log10(np.abs(spectrum[:512]) + 1e-6)
        level = np.clip((level - level.max() + 70) / 70, 0, 1)[::-1]
        colours = np.stack([level**1.2, level**2.2, 0.25 * level + 0.6 * level**0.7 * (1 - level)], 2)
        picture = Image.fromarray((255 * np.clip(colours, 0, 1)).astype(np.uint8)).resize((wide, high))
        top = 12 + i * (high + 26)
        draw.text((12, top), title, fill=(220, 222, 228))
        page.paste(picture, (12, top + 16))
    page.save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=20)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    result, sounds = measure(args.model, args.pieces)
    (args.out / "measures.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sheet(sounds[: len(MANNERS)], args.out / "sheet.png")
    _, first = sounds[0]
    sf.write(args.out / "sample.ogg", first.samples.T, first.rate)


if __name__ == "__main__":
    main()
