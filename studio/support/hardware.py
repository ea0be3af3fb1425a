"""The hardware and system of this machine; graphics cards are asked of torch in a child process."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.errors import Message

CHILD_SECONDS = 120

DEVICE_SCRIPT = """
import json, os, torch
cuda = torch.cuda.is_available()
mps = torch.backends.mps.is_available()
print(json.dumps({
    "device": os.environ.get("STUDIO_DEVICE") or ("cuda" if cuda else "mps" if mps else "cpu"),
    "threads": torch.get_num_threads(),
    "cpu": torch.backends.cpu.get_cpu_capability(),
    "built for": torch.version.cuda or torch.version.hip or "processors only",
    "cards": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else [],
}))
"""


def processor() -> str:
    """Its name, with the vector units that decide how fast models run."""
    listing = Path("/proc/cpuinfo")
    if not listing.exists():
        return platform.processor() or platform.machine()
    words = listing.read_text(encoding="utf-8", errors="replace")
    name = re.search(r"^model name\s*:\s*(.+)$", words, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.+)$", words, re.MULTILINE)
    known = set(flags[1].split()) if flags else set[str]()
    units = [unit for unit, sign in (("AVX2", "avx2"), ("AVX-512", "avx512f"), ("AMX", "amx_bf16")) if sign in known]
    return f"{name[1].strip() if name else platform.machine()} ({', '.join(units) or 'no vector units known'})"


def nvidia() -> list[str]:
    """Each NVIDIA card as "name, memory, driver"; none where its driver is not installed."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    words = output([program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"], 10)
    return [line.strip() for line in (words or "").splitlines() if line.strip()]


def ask_torch() -> dict[str, Any] | Message:
    """What torch reports about this machine, or a message why it cannot."""
    if importlib.util.find_spec("torch") is None:
        return Message("torch is not installed; `python3 run.py` installs it")
    words = output([sys.executable, "-c", DEVICE_SCRIPT], CHILD_SECONDS)
    try:
        return json.loads((words or "").strip().splitlines()[-1])
    except (ValueError, IndexError):
        return Message("torch is installed but does not start; install the studio anew with `python3 run.py`")


def output(command: Sequence[str], seconds: float) -> str | None:
    """What a command prints; None if it cannot be run, fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, errors="replace")
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _above(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def free_gb(folder: Path) -> float | None:
    """Room on the disk that a folder lies on, or would lie on."""
    try:
        return shutil.disk_usage(_above(folder)).free / 1e9
    except OSError:
        return None


def writable(folder: Path) -> bool:
    """Whether a file could be made in a folder, or in the one that it would be made in."""
    try:
        with tempfile.TemporaryFile(dir=_above(folder)):
            return True
    except OSError:
        return False
