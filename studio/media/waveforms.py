"""What a sound looks like: its thumbnail, the peaks of its waveform, and its spectrogram."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from studio.media.payloads import Audio, Image

WAVE_COLOUR = (124, 140, 168)
_BARS = 40
PEAKS = 8192  # more than a screen has bars
WINDOW = 2048  # samples
COLUMNS, ROWS = 1024, 192
LOWEST_HZ = 40.0  # Hz
FLOOR = 72.0  # dB below the loudest, from which nothing is shown
CHUNK = 64  # windows at a time, so that other threads get their turn


def waveform(audio: Audio, size: int) -> Image:
    """Rounded bars on a transparent picture, `size` x `size`; each is as high as the peak of its part of the sound."""
    across = np.arange(size, dtype=np.float32) + 0.5
    margin, pitch = size * 0.08, size * 0.84 / _BARS
    radius = pitch * 0.28
    bar = np.clip((across - margin) // pitch, 0, _BARS - 1).astype(np.int64)
    offset = across - (margin + (bar + 0.5) * pitch)
    reach = np.maximum(0.0, _peaks(audio)[bar] * size * 0.36 - radius)
    # Distance to the centre line of the nearest bar: opaque within `radius`, antialiased over one pixel.
    above = np.maximum(0.0, np.abs(across - size / 2)[:, None] - reach[None])
    alpha = np.clip(radius + 0.5 - np.hypot(above, offset[None]), 0.0, min(1.0, 2 * radius))
    pixels = np.empty((size, size, 4), np.uint8)
    pixels[..., :3] = WAVE_COLOUR
    pixels[..., 3] = np.rint(alpha * 255)
    return Image(pixels)


def _peaks(audio: Audio) -> NDArray[np.float32]:
    """The peak of each bar's part of the sound, the highest scaled to 1; silence stays 0."""
    loud = np.abs(audio.samples).max(axis=0) if audio.samples.size else np.zeros(1, np.float32)
    edges = [len(loud) * bar // _BARS for bar in range(_BARS + 1)]
    parts = (loud[start : max(stop, start + 1)] for start, stop in pairwise(edges))
    peaks = np.array([part.max(initial=0.0) for part in parts], dtype=np.float32)
    top = float(peaks.max())
    return peaks / top if top > 1e-4 else np.zeros_like(peaks)


def envelope(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The peaks of equal stretches of a sound `[channels, samples]`, at most PEAKS of them."""
    if not samples.size:
        return np.zeros(0, np.float32)
    count = samples.shape[1]
    parts = min(count, PEAKS)
    edges = np.arange(parts, dtype=np.int64) * count // parts
    loud = np.zeros(len(edges), np.float32)
    for channel in samples:
        np.maximum(loud, np.maximum.reduceat(channel, edges), out=loud)
        np.maximum(loud, -np.minimum.reduceat(channel, edges), out=loud)
    return loud


def spectrogram(audio: Audio) -> NDArray[np.uint8]:
    """`[ROWS, columns]`, 0 silent and 255 the loudest, the highest pitch first, rows evenly apart in octaves.

    Each column is the power spectrum under one Hann window, in dB, the channels together; at most COLUMNS of them.
    """
    mono = audio.samples.mean(axis=0)
    mono = np.pad(mono, (WINDOW // 2, WINDOW // 2))
    hop = max(WINDOW // 8, -(-audio.samples.shape[1] // COLUMNS))
    starts = np.arange(0, max(1, audio.samples.shape[1]), hop)
    frames = np.lib.stride_tricks.sliding_window_view(mono, WINDOW)
    window = np.hanning(WINDOW).astype(np.float32)
    bins = np.fft.rfftfreq(WINDOW, 1 / audio.rate)
    pitches = np.geomspace(LOWEST_HZ, audio.rate / 2, ROWS)
    made = np.empty((ROWS, len(starts)), np.float32)
    for at in range(0, len(starts), CHUNK):
        power = np.abs(np.fft.rfft(frames[starts[at : at + CHUNK]] * window, axis=1)) ** 2
        for column, each in enumerate(power):
            made[:, at + column] = np.interp(pitches, bins, each)
    loudest = float(made.max(initial=0.0))
    if loudest <= 1e-12:
        return np.zeros(made.shape, np.uint8)
    level = 10 * np.log10(np.maximum(made / loudest, 1e-12))
    return np.rint(np.clip(1 + level / FLOOR, 0, 1) * 255).astype(np.uint8)[::-1]
