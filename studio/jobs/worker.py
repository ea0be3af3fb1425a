"""Where engines run: in the lane's thread, or in a child process behind a pipe.

The child reads commands from standard input and answers on standard output, both as length-prefixed pickles between
two processes of the same program. It exits when the pipe closes, so it never outlives the studio.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import os
import pickle
import queue
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from studio.errors import Message, StudioError
from studio.jobs.engine_cache import EngineCache, EngineLimits
from studio.jobs.job import Cancelled, Job, Progress
from studio.jobs.previews import PreviewEncoder, PreviewJoiner
from studio.jobs.usage import NOT_MEASURED, Usage
from studio.media import temp_clips
from studio.system import signals

if TYPE_CHECKING:
    from studio.media.payloads import Payload
    from studio.models.resources import Resources
    from studio.schema.request import Request

log = logging.getLogger(__name__)

POLL = 0.02  # seconds between checks whether a job was cancelled
CANCEL_TIMEOUT = 10.0  # seconds a cancelled step may take before its process is killed
SAVE_TIMEOUT = 120.0  # the same once the engine has seen the cancellation and saves partial results
LOADING_CANCEL_TIMEOUT = 0.3  # the same while loading, when there is nothing to lose
EXIT_TIMEOUT = 5.0  # seconds that a child whose pipe has closed may take to exit
PREVIEW_SECONDS = 0.04  # shortest time between previews: a screen would not show more


@dataclass(frozen=True, slots=True)
class EngineResult:
    """The payloads of one run, a description of the device they were made on, and what the run used of it."""

    payloads: Sequence[Payload]
    device_info: Mapping[str, str]
    usage: Usage = NOT_MEASURED


OnProgress = Callable[[Progress], None]


class ThreadHost:
    """Runs engines in the calling thread: for tests and for everything in one process."""

    def __init__(self, limits: EngineLimits) -> None:
        self._engines = EngineCache(limits)
        self._not_suspended = threading.Event()
        self._not_suspended.set()

    def run(self, job: Job, engine: str, resources: Resources, on_progress: OnProgress) -> EngineResult:
        encoder, joiner = PreviewEncoder(0.0, time.monotonic), PreviewJoiner()

        def report(progress: Progress) -> None:
            while not self._not_suspended.wait(POLL) and not job.cancelling:
                pass
            if job.cancelling:
                raise Cancelled
            on_progress(dataclasses.replace(progress, preview=joiner.join(encoder.encode(progress.preview))))

        return EngineResult(self._engines.run(engine, resources, job.request, report), self._engines.device_info)

    def suspend(self, on: bool) -> None:
        """Make the running job wait at its next report, or let it continue."""
        if on:
            self._not_suspended.clear()
        else:
            self._not_suspended.set()

    def kill(self) -> None:
        """Threads cannot be killed: the job stops at its next report."""

    def close(self) -> None:
        self._engines.clear()


class ProcessHost:
    """Runs engines in a child process of lower priority, started on demand and restarted after a crash."""

    def __init__(self, limits: EngineLimits, *, nice: int = 10, log: Path | None = None) -> None:
        self._limits, self._nice, self._log = limits, nice, log
        self._process: subprocess.Popen[bytes] | None = None
        self._write_lock = threading.Lock()
        self._inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._suspended = False

    @property
    def pid(self) -> int | None:
        """Process id of the child; None while none is running."""
        return self._process.pid if self._process else None

    def run(self, job: Job, engine: str, resources: Resources, on_progress: OnProgress) -> EngineResult:
        """Run the job. A child that ends before it says anything of it, as one that was killed while it was idle, is
        replaced once.
        """
        if self._process is None or self._process.poll() is not None:
            self._start()
        result = self._ask(job, engine, resources, on_progress)
        if result is None:
            log.warning("the engine process ended before it answered, and is started again")
            self._save_crash_trace()
            self._start()
            result = self._ask(job, engine, resources, on_progress)
        if result is None:
            raise self._crash_error()
        return result

    def _ask(self, job: Job, engine: str, resources: Resources, on_progress: OnProgress) -> EngineResult | None:
        """Have the child run the job; None where it ended before it said anything of it."""
        cancelled_at: float | None = None
        stage, heard, acknowledged = "", False, False
        if not self._send("run", job.id, engine, resources, job.request):
            self._inbox.put(("ended",))
        joiner = PreviewJoiner()
        while True:
            # Before every message: an engine may report faster than we poll.
            if job.cancelling and cancelled_at is None:
                cancelled_at = time.monotonic()
                self._send("cancel", job.id)
            elif cancelled_at is not None:
                step = LOADING_CANCEL_TIMEOUT if stage in ("", "loading") else CANCEL_TIMEOUT
                if time.monotonic() - cancelled_at > (SAVE_TIMEOUT if acknowledged else step):
                    self._kill_and_wait()
                    raise Cancelled from None
            try:
                verb, *rest = self._inbox.get(timeout=POLL)
            except queue.Empty:
                continue
            if verb == "ended":
                if job.cancelling:
                    raise Cancelled
                if heard:
                    raise self._crash_error()
                return None
            heard = True
            if verb == "progress":
                stage = rest[0].stage
                on_progress(dataclasses.replace(rest[0], preview=joiner.join(rest[0].preview)))
            elif verb == "stopping":
                acknowledged = True
            elif verb == "done":
                return EngineResult(*rest)
            elif verb == "failed":
                raise rest[0]

    def suspend(self, on: bool) -> None:
        self._suspended = on
        if self._process is not None:
            self._send("suspend", on)

    def kill(self) -> None:
        """Kill the child now; its running job ends with it."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Ask the child to exit; kill it if it does not."""
        if self._process is None:
            return
        self._send("close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._kill_and_wait()

    def _start(self) -> None:
        self._kill_and_wait()
        self._inbox = queue.SimpleQueue()
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        stderr: IO[bytes] | int = subprocess.DEVNULL
        with contextlib.ExitStack() as stack:
            if self._log is not None:
                with contextlib.suppress(OSError):
                    self._log.parent.mkdir(parents=True, exist_ok=True)
                    stderr = stack.enter_context(self._log.open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", "-m", "studio.jobs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={
                    **os.environ,
                    "PYTHONPATH": path,
                    "HF_HUB_OFFLINE": "1",
                    "HF_HUB_DISABLE_TELEMETRY": "1",
                    temp_clips.OWNER: str(os.getpid()),
                },
            )
        threading.Thread(
            target=_read_answers, args=(process.stdout, self._inbox), name="worker-pipe", daemon=True
        ).start()
        if process.stdin is not None:
            with contextlib.suppress(OSError):  # if it is dead already, the first job finds out
                write_frame(process.stdin, ("hello", self._limits, self._nice))
        # Only now may other threads send: the child expects its limits first.
        self._process = process
        if self._suspended:
            self._send("suspend", True)

    def _send(self, *message: Any) -> bool:
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            with self._write_lock:
                write_frame(process.stdin, message)
        except (OSError, ValueError):
            return False
        return True

    def _kill_and_wait(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        temp_clips.remove_unfinished(process.pid)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _crash_error(self) -> StudioError:
        process = self._process
        code: int | None = None
        if process is not None:
            # The child may still be alive after a protocol error; wait briefly, then kill it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(EXIT_TIMEOUT)
        self._kill_and_wait()
        self._save_crash_trace()
        if code == -9:
            return StudioError(
                "The engine process was killed, most likely because the machine ran out of memory.",
                "Close other programs or choose a smaller size or model, then try again.",
                mend="smaller",
            )
        message = Message("The engine's answer could not be read.")
        if code is not None:
            message = Message("The engine's process ended unexpectedly (status {status}).", status=code)
        return StudioError(
            message,
            "Try again; if it happens every time, `studio doctor --report` has what is needed to find out why.",
            mend="diagnostics",
        )

    def _save_crash_trace(self) -> None:
        """Save the trace of a native crash beside the log, which the next child overwrites."""
        if self._log is None:
            return
        with contextlib.suppress(OSError):
            text = self._log.read_bytes()
            at = text.rfind(b"Fatal Python error")
            if at >= 0:
                self._log.with_suffix(".crash").write_bytes(text[at:])


def write_frame(pipe: IO[bytes], message: tuple[Any, ...]) -> None:
    """Write one message: its length as eight bytes, little-endian, then its pickle."""
    data = pickle.dumps(message, protocol=5)
    pipe.write(struct.pack("<Q", len(data)) + data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> tuple[Any, ...] | None:
    """Read the next message; None when the pipe has closed."""
    head = pipe.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack("<Q", head)
    data = pipe.read(length)
    return cast("tuple[Any, ...]", pickle.loads(data)) if len(data) == length else None


def _read_answers(pipe: IO[bytes], inbox: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    try:
        while (message := read_frame(pipe)) is not None:
            inbox.put(message)
    except (OSError, ValueError):
        pass  # the pipe was closed while reading
    except Exception:
        log.exception("a message of the engine process could not be read")
    inbox.put(("ended",))


class _WorkerChild:
    """The child's side: the main thread runs jobs, another reads commands."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands, self._answers = commands, answers
        self._runs: queue.SimpleQueue[tuple[str, str, Resources, Request] | None] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._not_suspended = threading.Event()
        self._not_suspended.set()
        self._previews = PreviewEncoder(PREVIEW_SECONDS, time.monotonic)

    def serve(self) -> None:
        hello = read_frame(self._commands)
        if hello is None:
            return
        _, limits, nice = hello
        _lower_priority(nice)
        engines = EngineCache(limits, alone=True)
        threading.Thread(target=self._read_commands, name="commands", daemon=True).start()
        while (work := self._runs.get()) is not None:
            job, engine, resources, request = work
            self._previews = PreviewEncoder(PREVIEW_SECONDS, time.monotonic)
            try:
                payloads = engines.run(
                    engine, resources, request, lambda progress, job=job: self._report(job, progress)
                )
                self._answer("done", list(payloads), dict(engines.device_info), engines.usage)
            except Exception as error:  # noqa: BLE001 - the parent decides what it means
                self._answer("failed", _portable(error))

    def _read_commands(self) -> None:
        while (command := read_frame(self._commands)) is not None:
            verb, *rest = command
            if verb == "run":
                self._runs.put(cast("tuple[str, str, Resources, Request]", tuple(rest)))
            elif verb == "cancel":
                self._cancelled.add(rest[0])
            elif verb == "suspend":
                (self._not_suspended.clear if rest[0] else self._not_suspended.set)()
            elif verb == "close":
                break
        os._exit(0)

    def _report(self, job: str, progress: Progress) -> None:
        while not self._not_suspended.wait(POLL) and job not in self._cancelled:
            pass
        if job in self._cancelled:
            self._answer("stopping")
            raise Cancelled
        self._answer("progress", dataclasses.replace(progress, preview=self._previews.encode(progress.preview)))

    def _answer(self, *message: Any) -> None:
        write_frame(self._answers, message)


def _portable(error: Exception) -> Exception:
    """The error in a form that pickles: unexpected ones become a RuntimeError with the traceback as text."""
    import traceback

    trace = "".join(traceback.format_exception(error))
    if isinstance(error, StudioError | Cancelled):
        error.__cause__ = error.__context__ = None
    if isinstance(error, StudioError):
        try:
            return pickle.loads(pickle.dumps(error, protocol=5))
        except Exception:  # noqa: BLE001 - a subclass that does not pickle
            return StudioError(error.said, error.advice, error.mend)
    if isinstance(error, Cancelled):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}\n{trace}")


def _lower_priority(nice: int) -> None:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if nice > 15 else psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(nice)


def main() -> None:
    """Entry point of the child. Redirects standard output to standard error: libraries must not print into the pipe."""
    # A terminal sends Ctrl-C to the whole process group; the parent handles it and cancels the job, which then saves
    # partial results.
    signals.ignore_signals()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), line_buffering=True)
    commands = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _WorkerChild(commands, answers).serve()


if __name__ == "__main__":
    main()
