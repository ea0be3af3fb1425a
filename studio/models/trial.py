"""Tries in a child process whether the files of a model can be opened, bounded in memory and seconds."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.errors import Message, OutOfMemory, StudioError
from studio.models import weights

MEMORY = 1 << 30  # bytes that a trial may take beyond what its libraries do, and the weights, which it maps
SECONDS = 30.0  # of a processor that a trial may take once its libraries are there
WAIT = 8  # times as long as that it may last, where a system counts them: a machine can be busy
START = 300.0  # seconds in which they have to be there

READY = "ready"
log = logging.getLogger(__name__)


def run(module: str, folder: Path, shown: Path, report: Callable[[], object] = lambda: None) -> None:
    """Raises StudioError, in the words of its engine, for a model in `folder` that cannot run; `shown` is the folder
    that it names.

    `module` is run as a program that calls `answer`. `report` is called several times a second; what it raises ends the
    trial and passes through.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    # Not on the graphics card, whose memory belongs to the engine.
    env = {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    with subprocess.Popen(
        [sys.executable, "-m", module, str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    ) as child:
        try:
            out, err = _wait(child, report)
        finally:
            child.kill()
    lines = out.decode("utf-8", "replace").splitlines()
    with contextlib.suppress(ValueError, TypeError, KeyError, IndexError):
        answered: dict[str, Any] | None = json.loads(lines[-1])
        if answered is None:
            return
        said, advice = (renamed(Message.from_json(answered[name]), folder, shown) for name in ("said", "advice"))
        raise StudioError(said, advice)
    if READY not in lines:  # whether the model can run is not known: its engine will say
        log.warning("a trial did not start: %s", err.decode("utf-8", "replace")[-2000:])
        return
    raise StudioError(
        "The model in {folder} cannot be opened: it takes more than {seconds:.0f} seconds, or {gb:.0f} GB beside its "
        "weights.",
        "Its config.json may be damaged. Download or copy the whole model again, or choose another one.",
        folder=shown,
        seconds=SECONDS,
        gb=MEMORY / 1e9,
    )


def answer(try_out: Callable[[Path], object]) -> None:
    """The program of a trial: `try_out` raises StudioError for a folder that cannot run."""
    folder = Path(sys.argv[1])
    print(READY, flush=True)  # noqa: T201 - read by `run`
    faulthandler.dump_traceback_later(SECONDS * (WAIT if _limit_seconds() else 1), exit=True)
    _limit_memory(sum(file.stat().st_size for file in weights.weight_files(folder)))
    found: Mapping[str, Any] | None = None
    try:
        try_out(folder)
    except OutOfMemory:
        raise  # of the memory that a trial has, not of what the machine has
    except StudioError as error:
        found = {"said": error.said.to_json(), "advice": error.advice.to_json()}
    print("\n" + json.dumps(found), flush=True)  # noqa: T201 - read by `run`


def _wait(child: subprocess.Popen[bytes], report: Callable[[], object]) -> tuple[bytes, bytes]:
    """What the child prints until it ends, or is killed for taking far too long."""
    for _ in range(int((START + SECONDS * WAIT) / 0.2)):
        report()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=0.2)
    child.kill()
    return child.communicate()


def _limit_seconds() -> bool:
    """Whether the system ends this process once it has had its seconds of a processor."""
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + SECONDS), most))
    except (ImportError, OSError, ValueError):
        return False
    return True


def _limit_memory(mapped: int) -> None:
    try:
        import resource

        used = next(int(line.split()[1]) for line in _status() if line.startswith("VmData:")) * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY + mapped, resource.RLIM_INFINITY))
    except (ImportError, OSError, StopIteration, ValueError):  # a system that cannot: the seconds remain
        return


def _status() -> list[str]:
    return Path("/proc/self/status").read_text(encoding="utf-8").splitlines()


def renamed(message: Message, folder: Path, shown: Path) -> Message:
    """The message with another folder in its parameters."""
    for name, value in message.params.items():
        if isinstance(value, Message):
            renamed(value, folder, shown)
        elif isinstance(value, str):
            message.params[name] = value.replace(str(folder), str(shown))
    return message
