"""Previews that grow: only what is new crosses the pipe, and is joined on the studio's side.

numpy is imported by the methods for sound: the window starts without it.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from studio.media.payloads import Audio, Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from studio.media.payloads import Payload


@dataclass(frozen=True, slots=True)
class TextDelta:
    """Replaces everything from character `at` of the text so far by `text`."""

    at: int
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class AudioDelta:
    """Replaces everything from sample `at` of the sound so far by `samples` (`[channels, samples]`, as in Audio)."""

    at: int
    samples: NDArray[np.float32]
    rate: int


class TextPreview:
    """The text so far. Later previews of the same text share its memory, so that reading what is new is cheap.

    `length` is in characters. `source` identifies the text: a preview continues another one of the same source.
    """

    __slots__ = ("length", "source")

    def __init__(self, source: _TextBuffer, length: int) -> None:
        self.source = source
        self.length = length

    @property
    def text(self) -> str:
        """All of it; takes time in proportion to its length."""
        return self.since(0)

    def since(self, at: int) -> str:
        """The text from character `at` on; takes time in proportion to what it returns."""
        return self.source.read(at, self.length)


Preview: TypeAlias = "Payload | TextDelta | AudioDelta | TextPreview"


class _TextBuffer:
    """An append-only text. One thread appends while others read what was there before."""

    def __init__(self, text: str = "") -> None:
        self._parts = [text]
        self._ends = [len(text)]
        self._lock = threading.Lock()

    @property
    def length(self) -> int:
        return self._ends[-1]

    def append(self, text: str) -> None:
        with self._lock:
            self._parts.append(text)
            self._ends.append(self._ends[-1] + len(text))

    def read(self, start: int, end: int) -> str:
        with self._lock:
            first = bisect.bisect_right(self._ends, start)  # the part in which it starts
            found = self._parts[first : bisect.bisect_left(self._ends, end) + 1]
            begin = self._ends[first - 1] if first else 0
        return "".join(found)[start - begin : max(0, end - begin)]


class PreviewEncoder:
    """Turns the text and sound previews of one run into deltas. Pictures pass unchanged.

    An engine reports a growing text either whole, as Text, or as TextDelta (likewise sound). With `interval` seconds
    between previews, deltas in between are collected for the next one and pictures are dropped.
    """

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._interval, self._clock = interval, clock
        self._last = -interval
        self._text = ""  # the last whole text, where the engine reports whole ones
        self._samples: NDArray[np.float32] | None = None
        self._pending: list[TextDelta] | list[AudioDelta] = []

    def encode(self, preview: Preview | None) -> Preview | None:
        """What to send now: a delta, a picture, or nothing."""
        if isinstance(preview, Text):
            preview = self._text_delta(preview.text)
        elif isinstance(preview, Audio):
            preview = self._audio_delta(preview)
        if isinstance(preview, TextDelta | AudioDelta):
            self._collect(preview)
            preview = None
        if preview is None and not self._pending:
            return None
        now = self._clock()
        if now - self._last < self._interval:
            return None
        self._last = now
        return preview or self._joined()

    def _collect(self, delta: TextDelta | AudioDelta) -> None:
        pending = self._pending
        if pending and (not isinstance(delta, type(pending[0])) or delta.at <= pending[0].at):
            pending = self._pending = []
        pending.append(delta)  # type: ignore[arg-type] - of the type of the others

    def _joined(self) -> TextDelta | AudioDelta:
        """All pending deltas as one."""
        first, *rest = self._pending
        self._pending = []
        if isinstance(first, TextDelta):
            parts, length = [first.text], first.at + len(first.text)
            for delta in rest:
                assert isinstance(delta, TextDelta)
                if delta.at < length:
                    parts = ["".join(parts)[: delta.at - first.at]]
                parts.append(delta.text)
                length = delta.at + len(delta.text)
            return TextDelta(first.at, "".join(parts))
        import numpy as np

        samples = first.samples
        for delta in rest:
            assert isinstance(delta, AudioDelta)
            samples = np.concatenate([samples[:, : delta.at - first.at], delta.samples], axis=1)
        return AudioDelta(first.at, samples, first.rate)

    def _text_delta(self, text: str) -> TextDelta:
        before, self._text = self._text, text
        return TextDelta(len(before), text[len(before) :]) if text.startswith(before) else TextDelta(0, text)

    def _audio_delta(self, audio: Audio) -> AudioDelta:
        import numpy as np

        before, self._samples = self._samples, audio.samples
        if before is not None and before.shape[0] == audio.samples.shape[0]:
            known = before.shape[1]
            if known <= audio.samples.shape[1] and np.array_equal(audio.samples[:, :known], before):
                return AudioDelta(known, audio.samples[:, known:], audio.rate)
        return AudioDelta(0, audio.samples, audio.rate)


class PreviewJoiner:
    """Joins the deltas of one run to previews that are complete: a listener may skip any of them."""

    def __init__(self) -> None:
        self._text = _TextBuffer()
        self._samples: NDArray[np.float32] | None = None  # with room to grow
        self._count = 0

    def join(self, preview: Preview | None) -> Preview | None:
        """A TextPreview for a TextDelta, an Audio for an AudioDelta, anything else unchanged."""
        if isinstance(preview, TextDelta):
            return self._join_text(preview)
        if isinstance(preview, AudioDelta):
            return self._join_audio(preview)
        return preview

    def _join_text(self, delta: TextDelta) -> TextPreview:
        if delta.at < self._text.length:
            # Others may still read what is replaced.
            self._text = _TextBuffer(self._text.read(0, delta.at))
        self._text.append(delta.text)
        return TextPreview(self._text, self._text.length)

    def _join_audio(self, delta: AudioDelta) -> Audio:
        import numpy as np

        channels, new = delta.samples.shape
        end, known = delta.at + new, self._samples
        if known is None or delta.at < self._count or channels != known.shape[0] or end > known.shape[1]:
            # Also where samples are replaced: others may still read them.
            self._samples = np.zeros((channels, max(end, 2 * self._count)), np.float32)
            if known is not None and channels == known.shape[0]:
                self._samples[:, : delta.at] = known[:, : delta.at]
        assert self._samples is not None
        self._samples[:, delta.at : end] = delta.samples
        self._count = end
        return Audio(self._samples[:, :end], delta.rate)
