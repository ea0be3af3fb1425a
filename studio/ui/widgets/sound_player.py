"""Plays a sound on an output of the system, once or in a loop."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError
from studio.media.payloads import Audio

LEAST = 0.05  # seconds of the shortest loop
WINDOW = 0.05  # seconds that a level is taken over
SAMPLES, COARSE = 4096, 0.02  # of a sound's beginning, by which it is known again


class SoundPlayer:
    """Plays one sound, from any position, once or in a loop. Only one thread calls it; the sound system has its own.

    `device` names the output, empty for the system's own; `volume` is a factor from 0 to 1.
    """

    def __init__(self) -> None:
        self.device = ""
        self.volume = 1.0
        self.looping = False
        self._samples: NDArray[np.float32] = np.zeros((0, 1), np.float32)
        self._rate = 1
        self._at = 0
        self._range: tuple[int, int] | None = None
        self._stream: Any = None
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def load(self, audio: Audio) -> None:
        """Take a sound and stand at its beginning. A longer version of the sound that plays goes on playing."""
        with self._lock:
            grows = self._goes_on(audio)
            self._samples = np.ascontiguousarray(audio.samples.T)
            self._rate = audio.rate
            if not grows:
                self._range = None
        if not grows:
            self.stop()

    def _goes_on(self, audio: Audio) -> bool:
        """Whether this is the sound there was, and perhaps more of it; what is kept in a file is a little coarser."""
        length, channels = self._samples.shape
        if audio.rate != self._rate or audio.samples.shape[0] != channels or not 0 < length <= audio.samples.shape[1]:
            return False
        first = slice(min(length, SAMPLES))
        return bool(np.allclose(self._samples[first], audio.samples.T[first], atol=COARSE))

    @property
    def seconds(self) -> float:
        return len(self._samples) / self._rate

    @property
    def position(self) -> float:
        """Seconds from the beginning."""
        return min(self._at, len(self._samples)) / self._rate

    @property
    def playing(self) -> bool:
        return self._stream is not None and not self._ended.is_set()

    @property
    def range(self) -> tuple[float, float] | None:
        """The part that a loop goes over, in seconds; None for the whole sound."""
        return None if self._range is None else (self._range[0] / self._rate, self._range[1] / self._rate)

    def choose(self, part: tuple[float, float] | None) -> None:
        """Loop over a part from now on; one that is too short to be heard is the whole sound."""
        found = None
        if part is not None:
            start, stop = sorted(min(max(0.0, each), self.seconds) for each in part)
            if stop - start >= min(LEAST, self.seconds):
                found = (int(start * self._rate), int(stop * self._rate))
        with self._lock:
            self._range = found

    def seek(self, seconds: float) -> None:
        with self._lock:
            self._at = int(min(max(0.0, seconds), self.seconds) * self._rate)

    def levels(self) -> list[tuple[float, float]]:
        """What is heard now: (root mean square, peak) of each channel; zeros while nothing plays."""
        channels = self._samples.shape[1]
        heard = self._samples[max(0, self._at - int(WINDOW * self._rate)) : self._at] * self.volume
        if not self.playing or not len(heard):
            return [(0.0, 0.0)] * channels
        loud, peak = np.sqrt(np.mean(heard**2, axis=0)), np.abs(heard).max(axis=0)
        return [(float(loud[at]), float(peak[at])) for at in range(channels)]

    def play(self) -> None:
        """Raises StudioError where nothing can be heard on this machine."""
        self._close()
        if self._at >= len(self._samples):
            self._at = 0
        if self.looping and self._range is not None and not self._range[0] <= self._at < self._range[1]:
            self._at = self._range[0]
        self._ended.clear()
        system = _system()
        try:
            self._stream = system.OutputStream(
                samplerate=self._rate,
                channels=self._samples.shape[1],
                dtype="float32",
                device=self.device or None,
                callback=self._fill,
                finished_callback=self._ended.set,
            )
            self._stream.start()
        except (system.PortAudioError, OSError, ValueError) as error:
            self._stream = None
            if self.device:
                raise StudioError(
                    "The sound output {name} cannot be used.",
                    "Connect it, or choose another in the settings.",
                    name=self.device,
                ) from error
            raise StudioError(
                "No sound output was found.", "Connect speakers or headphones, then play again."
            ) from error

    def pause(self) -> None:
        self._close()

    def stop(self) -> None:
        """Stop and return to the beginning."""
        self._close()
        self._at = 0

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()
            stream.close()

    def _fill(self, out: NDArray[np.float32], frames: int, _time: object, _status: object) -> None:
        """Called by the sound system's own thread."""
        done = 0
        with self._lock:
            start, stop = self._range or (0, len(self._samples))
            while done < frames:
                # A cursor behind the loop's end plays on to the end of the sound.
                last = stop if self.looping and self._at <= stop else len(self._samples)
                part = self._samples[self._at : min(last, self._at + frames - done)]
                out[done : done + len(part)] = part
                self._at += len(part)
                done += len(part)
                if done < frames:
                    if not self.looping or stop <= start:
                        break
                    self._at = start
        out[:done] *= self.volume
        out[done:] = 0
        if done < frames:
            self._ended.set()


def outputs() -> list[str]:
    """The names of the outputs there are. Raises StudioError where none can be asked for."""
    system = _system()
    try:
        found = [str(each["name"]) for each in system.query_devices() if each["max_output_channels"] > 0]
    except (system.PortAudioError, OSError) as error:
        raise StudioError("No sound output was found.", "Connect speakers or headphones, then play again.") from error
    return list(dict.fromkeys(found))


def _system() -> Any:
    """PortAudio, loaded when a sound is first played."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise StudioError(
            "Sounds cannot be played here: PortAudio is missing.",
            "Install it (libportaudio2 on Debian and Ubuntu), then start the studio again.",
        ) from error
    return sounddevice
