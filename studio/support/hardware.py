"""The hardware and system of this machine; graphics cards are asked of torch in a child process."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from studio.errors import Message
from studio.models.fit.demand import PACKED, Machine, Speed

CHILD_SECONDS = 120

CORE = 40e9
"""Operations a second of a processor's core; four times as many in 16 bits where it has units for matrices."""
PACKED_CORE = 20e9
"""The same of llama.cpp with packed weights."""
POWER_PLANS = (
    Path("/sys/firmware/acpi/platform_profile"),
    Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
)
CARD = Speed(matrices=20e12, convolutions=20e12, bandwidth=400e9)
APPLE = Speed(matrices=2e12, convolutions=2e12, bandwidth=100e9)
"""What a usual graphics card and Apple's reach, where nothing was measured."""

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


def memory() -> tuple[int, int]:
    """(total, free) bytes of the machine's memory, within what a container may use; the swap file counts nothing."""
    import psutil  # the window starts without it

    found = psutil.virtual_memory()
    total, free = int(found.total), int(found.available)
    for limit, used in _container_limits(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")):
        total, free = min(total, limit), min(free, max(0, limit - used))
    return total, free


def _container_limits(root: Path, own: Path) -> Iterator[tuple[int, int]]:
    """(limit, used) bytes of each control group that this process is in, innermost first; none where none is set.

    What the group keeps of files is given back when it is needed, so it does not count as used.
    """
    try:
        names = [line.split(":", 2) for line in own.read_text("utf-8").splitlines() if line.count(":") >= 2]
    except OSError:
        return
    for _, controllers, path in names:
        new = controllers == ""
        if not new and "memory" not in controllers.split(","):
            continue
        top = root if new else root / "memory"
        limit, used, cached = (
            ("memory.max", "memory.current", "inactive_file")
            if new
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        folder = top / path.lstrip("/")
        # In a container its own group is the root of what it sees.
        inside = [each for each in (folder, *folder.parents) if each.is_relative_to(top) and each.is_dir()]
        for place in inside or [top]:
            try:
                most = int((place / limit).read_text("ascii"))
                now = int((place / used).read_text("ascii"))
                listed = dict(line.split() for line in (place / "memory.stat").read_text("ascii").splitlines())
            except (OSError, ValueError):  # "max": no limit
                continue
            yield most, now - int(listed.get(cached, 0))


def cards() -> list[tuple[int, int]]:
    """(total, free) bytes of each NVIDIA card; none where its driver is not installed."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    words = output([program, "--query-gpu=memory.total,memory.free", "--format=csv,noheader,nounits"], 10)
    found: list[tuple[int, int]] = []
    for line in (words or "").splitlines():
        numbers = [part.strip() for part in line.split(",")]
        if len(numbers) == 2 and all(part.isdigit() for part in numbers):
            found.append((int(numbers[0]) * 2**20, int(numbers[1]) * 2**20))
    return found


def held(process: int | None, device: str) -> int:
    """Bytes that a process holds of a device's memory; 0 where it has ended, or the card's driver does not say."""
    if process is None:
        return 0
    if device != "cuda":
        import psutil

        try:
            return int(psutil.Process(process).memory_info().rss)
        except psutil.Error:
            return 0
    program = shutil.which("nvidia-smi") or "nvidia-smi"
    words = output([program, "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"], 10)
    for line in (words or "").splitlines():
        numbers = [part.strip() for part in line.split(",")]
        if numbers[0] == str(process) and len(numbers) == 2 and numbers[1].isdigit():
            return int(numbers[1]) * 2**20
    return 0


def machine(asked: str = "auto") -> Machine:
    """Where models run, where the settings ask for this device; asks the system, which takes up to a second.

    A card counts where the installed torch is not the build for processors only; those of AMD and Intel are not known
    here, and count as none.
    """
    asked = os.environ.get("STUDIO_DEVICE", "auto") if asked == "auto" else asked
    if asked != "cpu" and not _torch_for_processors():
        found = cards() if asked.split(":")[0] in ("auto", "", "cuda") else []
        if found:
            number = asked.partition(":")[2]
            total, free = found[int(number) if number.isdigit() and int(number) < len(found) else 0]
            ram_total, ram_free = memory()
            speeds = {4: CARD, 2: CARD, PACKED: _packed()}
            return Machine("cuda", total, free, half=True, speeds=speeds, ram_total=ram_total, ram_free=ram_free)
    total, free = memory()
    if sys.platform == "darwin" and platform.machine() == "arm64" and asked != "cpu":
        return Machine("mps", total, free, speeds={4: APPLE, PACKED: APPLE})
    matrix = "AMX" in processor()
    cores = os.cpu_count() or 1
    speeds = {4: Speed(matrices=cores * CORE, convolutions=cores * CORE), PACKED: _packed()}
    if matrix:
        speeds[2] = Speed(matrices=4 * cores * CORE, convolutions=4 * cores * CORE)
    return Machine("cpu", total, free, half=matrix, speeds=speeds)


def _packed() -> Speed:
    """What llama.cpp usually reaches on a processor, where it was not measured."""
    cores = os.cpu_count() or 1
    return Speed(matrices=cores * PACKED_CORE, bandwidth=min(cores * 4e9, 20e9))


def power() -> str:
    """Where this machine has its power from, and how the system spends it: its speed depends on that."""
    import psutil  # the window starts without it

    battery: Any = None
    with contextlib.suppress(AttributeError, NotImplementedError, OSError, RuntimeError, ValueError):  # not known
        battery = cast("Any", psutil).sensors_battery()
    found = ["battery" if battery is not None and battery.power_plugged is False else "mains"]
    for path in POWER_PLANS:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            found.append(path.read_text("utf-8").strip())
    return ", ".join(found)


def _torch_for_processors() -> bool:
    """Whether torch is the build without any graphics card, or is not there."""
    try:
        return importlib.metadata.version("torch").endswith("+cpu")
    except importlib.metadata.PackageNotFoundError:
        return True
