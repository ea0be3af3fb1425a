"""The pictures of a clip, decoded a few at a time and kept within a budget of memory; knows neither widgets nor clocks.

One thread at a time decodes; any thread may look at what there is.
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
"""Bytes of decoded pictures: all of a walk of eight seconds at 512 px and 20 frames a second, or some of a film."""

AHEAD = 6
"""Pictures decoded beyond the one that is wanted, where not all can be kept."""

BATCH = 4
"""Pictures decoded in one go; then whoever asked can ask for another place."""


class ClipFrames:
    """The frames of the file `path` by number, from 0."""

    def __init__(self, path: Path, budget: int = BUDGET) -> None:
        """Reads what the file says of itself. Raises BadInput for a damaged one, OSError where it cannot be read."""
        self.path = path
        self.timing = clip_files.timing(path)
        self.count = len(self.timing.stands)
        self._ends = list(accumulate(self.timing.stands))
        each = self.timing.width * self.timing.height * 4
        self._room = max(2 * AHEAD, budget // each)
        self._kept: dict[int, QImage] = {}
        self._stream: Generator[clips.Frame] | None = None
        self._next = 0  # the frame that the stream gives next

    @property
    def seconds(self) -> float:
        return self._ends[-1]

    @property
    def fits_in_memory(self) -> bool:
        """Whether all frames have room at once."""
        return self.count <= self._room

    @property
    def decoded(self) -> int:
        """Frames that are decoded now."""
        return len(self._kept)

    def frame_at(self, seconds: float) -> int:
        """The frame that stands at that time, from the start of the clip."""
        return min(self.count - 1, bisect_right(self._ends, seconds))

    def start_of(self, frame: int) -> float:
        """When a frame begins, in seconds."""
        return self._ends[frame - 1] if frame > 0 else 0.0

    def get(self, frame: int) -> QImage | None:
        """A frame, where it has been decoded."""
        return self._kept.get(frame)

    def next_to_decode(self, frame: int) -> int | None:
        """The next frame that is to be decoded while `frame` is shown; None where there is nothing to do."""
        if self.fits_in_memory:
            around = ((frame + step) % self.count for step in range(self.count))
            return next((each for each in around if each not in self._kept), None)
        ahead = (each % self.count for each in range(frame, frame + AHEAD))
        return next((each for each in ahead if each not in self._kept), None)

    def decode(self, frame: int) -> None:
        """Decode that frame and those behind it, at most BATCH new ones. Raises BadInput where the file is damaged,
        StudioError where such files cannot be read here.
        """
        made = 0
        if self._stream is None or self._next > frame:
            self.rewind()
            self._stream = clips.frames(self.path)
        for pixels in self._stream:
            here, self._next = self._next, self._next + 1
            # On the way to a frame further on all are kept that have room: they are wanted sooner or later.
            if here not in self._kept and (self.fits_in_memory or here >= frame):
                self._kept[here] = _image(pixels)
                made += 1
                self._evict(frame)
            if here >= frame and made >= BATCH:
                return
        self._stream = None
        if self._next < self.count:  # fewer than it said: what there is plays
            self.count = max(1, self._next)
            del self._ends[self.count :]
        self._next = 0

    def forget(self) -> None:
        """Give back the memory of all frames; they are decoded again when they are wanted."""
        self._kept = {}

    def rewind(self) -> None:
        """Give back the open file."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._next = None, 0

    def _evict(self, frame: int) -> None:
        while len(self._kept) > self._room:
            # What was shown longest ago is furthest ahead, the clip taken as a ring.
            del self._kept[max(self._kept, key=lambda each: (each - frame) % self.count)]


def _image(pixels: clips.Frame) -> QImage:
    height, width, channels = pixels.shape
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    data = np.ascontiguousarray(pixels)
    made = QImage(data.data, width, height, width * channels, form)
    if channels == 4 and bool((pixels[..., 3] == 255).all()):
        return made.convertToFormat(QImage.Format.Format_RGB888)  # no board behind what hides it
    return made.copy()
