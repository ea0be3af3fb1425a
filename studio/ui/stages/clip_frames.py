"""The frames of a clip file, decoded a few at a time and cached within a memory budget.

One thread at a time decodes; any thread may read what is decoded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator
from itertools import accumulate
from pathlib import Path

import numpy as np
from PySide6.QtGui import QImage

from studio.media import clip_files, clips

BUDGET = 160 * 2**20
"""Bytes of decoded frames: all of an eight-second morph at 512 px and 20 frames a second, or part of a longer clip."""

AHEAD = 6
"""Frames decoded ahead if not all fit in memory."""

BATCH = 4
"""Frames decoded in one go, so that a seek does not wait long."""


class ClipFrames:
    """The frames of the file `path` by number, from 0."""

    def __init__(self, path: Path, budget: int = BUDGET) -> None:
        """Reads the timing. Raises BadInput for a damaged file, OSError if it cannot be read."""
        self.path = path
        self.timing = clip_files.read_timing(path)
        self.count = len(self.timing.durations)
        self._ends = list(accumulate(self.timing.durations))
        each = self.timing.width * self.timing.height * 4
        self._capacity = max(2 * AHEAD, budget // each)
        self._decoded: dict[int, QImage] = {}
        self._stream: Generator[clips.Frame] | None = None
        self._next = 0  # the frame that the stream gives next

    @property
    def seconds(self) -> float:
        return self._ends[-1]

    @property
    def fits_in_memory(self) -> bool:
        """Whether all decoded frames fit in memory."""
        return self.count <= self._capacity

    @property
    def decoded(self) -> int:
        """How many frames are decoded now."""
        return len(self._decoded)

    def frame_at(self, seconds: float) -> int:
        """The frame that is shown at that time, in seconds from the start."""
        return min(self.count - 1, bisect_right(self._ends, seconds))

    def start_of(self, frame: int) -> float:
        """When a frame begins, in seconds."""
        return self._ends[frame - 1] if frame > 0 else 0.0

    def get(self, frame: int) -> QImage | None:
        """A frame; None if it is not decoded."""
        return self._decoded.get(frame)

    def next_to_decode(self, frame: int) -> int | None:
        """The next frame to decode while `frame` is shown; None if there is nothing to do."""
        if self.fits_in_memory:
            around = ((frame + step) % self.count for step in range(self.count))
            return next((each for each in around if each not in self._decoded), None)
        ahead = (each % self.count for each in range(frame, frame + AHEAD))
        return next((each for each in ahead if each not in self._decoded), None)

    def decode(self, frame: int) -> None:
        """Decode that frame and the ones after it, at most BATCH new ones.

        Raises BadInput for a damaged file, StudioError if such files cannot be read here.
        """
        made = 0
        if self._stream is None or self._next > frame:
            self.rewind()
            self._stream = clips.frames(self.path)
        for pixels in self._stream:
            here, self._next = self._next, self._next + 1
            # On the way to a later frame, cache all that fit: they are needed sooner or later.
            if here not in self._decoded and (self.fits_in_memory or here >= frame):
                self._decoded[here] = _image(pixels)
                made += 1
                self._evict(frame)
            if here >= frame and made >= BATCH:
                return
        self._stream = None
        if self._next < self.count:  # fewer frames than the header said
            self.count = max(1, self._next)
            del self._ends[self.count :]
        self._next = 0

    def forget(self) -> None:
        """Free all decoded frames."""
        self._decoded = {}

    def rewind(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._next = None, 0

    def _evict(self, frame: int) -> None:
        while len(self._decoded) > self._capacity:
            # In a loop, the frame shown longest ago is the one furthest ahead.
            del self._decoded[max(self._decoded, key=lambda each: (each - frame) % self.count)]


def _image(pixels: clips.Frame) -> QImage:
    height, width, channels = pixels.shape
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    data = np.ascontiguousarray(pixels)
    made = QImage(data.data, width, height, width * channels, form)
    if channels == 4 and bool((pixels[..., 3] == 255).all()):
        return made.convertToFormat(QImage.Format.Format_RGB888)  # opaque: no checkerboard is painted behind it
    return made.copy()
