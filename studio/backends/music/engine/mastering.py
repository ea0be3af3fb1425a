"""Mastering: a small room reverb, loudness, limiting and a fade.

All of it depends on nothing but its input, so that the same request gives the same bytes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import butter, fftconvolve, sosfilt

Sound = NDArray[np.float32]

TARGET = -14.0
"""LUFS (ITU-R BS.1770), what the large platforms play at."""
CEILING = 10 ** (-1 / 20)
MOST_LIMITING = 10 ** (6 / 20)


def master(sound: Sound, rate: int, room: float = 0.0) -> Sound:
    """`[channels, samples]` mastered: reverb, fade at its end, loudness of released music, within [-1, 1]."""
    if room:
        sound = add_reverb(sound, rate, room)
    return normalise_loudness(fade_out(sound, rate), rate)


def add_reverb(sound: Sound, rate: int, share: float) -> Sound:
    """Mono or stereo to stereo with the reverberation of a small hall mixed in at `share` of the sound's amplitude."""
    both = np.broadcast_to(sound[:2], (2, sound.shape[1]))
    wet = np.stack(
        [fftconvolve(side, tail)[: side.shape[0]] for side, tail in zip(both, _impulse_response(rate), strict=True)]
    )
    return (both + share * wet).astype(np.float32)


@cache
def _impulse_response(rate: int) -> NDArray[np.float64]:
    """`[2, samples]`: decaying noise of unit energy, different left and right, dull as walls make it."""
    time = np.arange(int(1.6 * rate)) / rate
    noise = np.random.default_rng(20).standard_normal((2, len(time))) * np.exp(-time / 0.28)
    noise *= np.clip((time - 0.012) / 0.02, 0, 1)
    noise = np.asarray(sosfilt(butter(2, (220, min(3800, 0.45 * rate)), "bandpass", fs=rate, output="sos"), noise))
    return noise / np.sqrt((noise**2).sum(1, keepdims=True))


def fade_out(sound: Sound, rate: int) -> Sound:
    """A true end: down to silence over the last second and a half, or the last quarter of what is shorter."""
    length = min(int(1.5 * rate), sound.shape[1] // 4)
    shape = np.ones(sound.shape[1], np.float32)
    if length:
        shape[-length:] = np.cos(np.linspace(0, np.pi / 2, length)) ** 2
    edge = min(32, len(shape))
    shape[:edge] *= np.linspace(0, 1, edge, dtype=np.float32)
    return sound * shape


def normalise_loudness(sound: Sound, rate: int) -> Sound:
    """Brought to TARGET, peaks held below -1 dBFS by a limiter that takes away 6 dB at most; silence stays silence."""
    peak = float(np.abs(sound).max(initial=0.0))
    if peak < 1e-5:
        return sound.astype(np.float32)
    wanted = CEILING / peak
    if sound.shape[1] > 0.4 * rate:
        loudness = pyloudnorm.Meter(rate).integrated_loudness(sound.T.astype(np.float64))
        if np.isfinite(loudness):
            wanted = min(10 ** ((TARGET - loudness) / 20), MOST_LIMITING * CEILING / peak)
    sound = sound * wanted
    need = CEILING / np.maximum(CEILING, np.abs(sound).max(0))
    window = int(0.008 * rate) | 1
    gain = uniform_filter1d(minimum_filter1d(need, 2 * window + 1, mode="nearest"), window, mode="nearest")
    return np.clip(sound * gain, -1, 1).astype(np.float32)
