"""Playing a sound through the system's output; without PortAudio it says what to install, and the rest goes on."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import StudioError
from studio.media import Audio
from studio.ui.words import tr


class Player:
    """Plays one sound, from any position. Its position may be read at any time; only one thread calls the rest."""

    def __init__(self) -> None:
        self._samples: NDArray[np.float32] = np.zeros((0, 1), np.float32)
        self._rate = 1
        self._at = 0
        self._stream: Any = None
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def load(self, audio: Audio) -> None:
        """Take a sound and stand at its beginning. A longer version of the sound that plays goes on playing."""
        with self._lock:
            grows = audio.rate == self._rate and audio.samples.shape[0] == self._samples.shape[1]
            self._samples = np.ascontiguousarray(audio.samples.T)
            self._rate = audio.rate
        if not grows:
            self.stop()

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

    def seek(self, seconds: float) -> None:
        with self._lock:
            self._at = int(min(max(0.0, seconds), self.seconds) * self._rate)

    def play(self) -> None:
        """Raises StudioError where nothing can be heard on this machine."""
        self._close()
        if self._at >= len(self._samples):
            self._at = 0
        self._ended.clear()
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise StudioError(
                tr("Sounds cannot be played here: PortAudio is missing."),
                tr("Install it (libportaudio2 on Debian and Ubuntu), then start the studio again."),
            ) from error
        try:
            self._stream = sounddevice.OutputStream(
                samplerate=self._rate,
                channels=self._samples.shape[1],
                dtype="float32",
                callback=self._fill,
                finished_callback=self._ended.set,
            )
            self._stream.start()
        except (sounddevice.PortAudioError, OSError, ValueError) as error:
            self._stream = None
            raise StudioError(
                tr("No sound output was found."), tr("Connect speakers or headphones, then play again.")
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
        with self._lock:
            part = self._samples[self._at : self._at + frames]
            self._at += len(part)
        out[: len(part)] = part
        out[len(part) :] = 0
        if len(part) < frames:
            self._ended.set()
