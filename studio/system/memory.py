"""Returns freed memory to the system."""

from __future__ import annotations

import ctypes
import sys


def return_freed() -> None:
    """Return what was freed to the system; glibc would keep it. Does nothing where there is no glibc."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
