"""What a job used of the machine: the peak memory of the engine's process, and seconds; measured at next to no cost."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

SAMPLES = 0.02  # seconds between two looks, where the system counts no peak that can be set back
RESET_PEAK = "5"  # proc(5): what to write into clear_refs for VmHWM to begin again


@dataclass(frozen=True, slots=True)
class Usage:
    """`memory` is the most that the engine's process, or the graphics card, held for it, in bytes, 0 where that is not
    known: other models were loaded beside it. `loading` and `running` are seconds; `loading` is 0 where the model was
    loaded already. `share` is how much was done of what was asked: a text may end long before its length.
    """

    memory: int = 0
    loading: float = 0.0
    running: float = 0.0
    share: float = 1.0


NOT_MEASURED = Usage()


class PeakMemory:
    """The most memory that this process held since `start`, in bytes of resident pages.

    Linux counts it itself (VmHWM) and lets a process begin anew by writing into clear_refs, which costs microseconds;
    in a sandbox without that file, on Windows and on macOS a thread looks every 20 ms. There the system's own peak is
    of the whole life of a process: it counts where it has grown since `start`, so that nothing between two looks is
    missed.
    """

    def __init__(self) -> None:
        self._highest = 0
        self._before = 0

    @contextlib.contextmanager
    def measured(self) -> Generator[PeakMemory]:
        """Measures while the block runs."""
        self._highest = 0
        if _reset_peak():
            try:
                yield self
            finally:
                self._highest = _status("VmHWM")
            return
        self._before = _lifetime_peak()
        ended = threading.Event()
        thread = threading.Thread(target=self._look, args=(ended,), name="memory", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()
            peak = _lifetime_peak()
            if peak > self._before:
                self._highest = max(self._highest, peak)

    @property
    def bytes(self) -> int:
        """What was measured, once the block has ended."""
        return self._highest

    def _look(self, ended: threading.Event) -> None:
        import psutil

        process = psutil.Process()
        while True:
            self._highest = max(self._highest, process.memory_info().rss)
            if ended.wait(SAMPLES):
                return


def _reset_peak() -> bool:
    """Whether the system's peak begins anew now."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        Path("/proc/self/clear_refs").write_text(RESET_PEAK, "ascii")
    except OSError:
        return False
    return _status("VmHWM") > 0


def _status(name: str) -> int:
    """A figure of /proc/self/status in bytes; 0 where there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def _lifetime_peak() -> int:
    """The most that this process has ever held, in bytes; 0 where the system does not say."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
