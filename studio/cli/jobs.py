"""Runs requests from the command line and waits for them; Ctrl-C cancels and saves partial results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studio.cli import flags
from studio.cli.progress import QuietOnBrokenPipe
from studio.cli.words import command
from studio.errors import Message, StudioError
from studio.jobs.job import Cancelled, Job
from studio.schema.request import Request, TrainRequest

if TYPE_CHECKING:
    from studio.cli.progress import ProgressDisplay
    from studio.studio import Studio

POLL = 0.05  # seconds between looks at a job
NO_PARENTS: Mapping[int, Sequence[str]] = {}


class Interrupted(Exception):
    """Ctrl-C ended the command; partial results were saved."""


Receive = Callable[[Job, list[Any], bool], None]
"""Called with each job that has ended, its results, and whether they are partial."""


def run(
    studio: Studio,
    requests: Sequence[Request],
    display: ProgressDisplay,
    receive: Receive,
    parents: Mapping[int, Sequence[str]] = NO_PARENTS,
) -> None:
    """Run requests in order, as one group: all or none are queued. `parents` are those of each work, by position. The
    first error cancels the rest and is raised after earlier results were received.

    Where a work cannot be saved, a person at a terminal is asked to make room, and it is saved then; otherwise it is
    said how to make it again. Ctrl-C cancels all jobs, receives their partial results, and raises Interrupted; a second
    Ctrl-C raises KeyboardInterrupt immediately.
    """
    jobs = list(studio.submit_group(requests, "batch", parents=parents).jobs)
    received: set[int] = set()
    may_ask = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    made_room = False

    def ended(index: int) -> BaseException | None:
        """The error that a job ended with, once its work is saved or nobody wants to make room for it."""
        nonlocal made_room
        tried = not made_room
        while True:
            job = jobs[index]
            _wait(studio, job, index + 1, len(jobs), display)
            error = job.future.exception()
            if not (may_ask and isinstance(error, StudioError) and _is_unsaved(job)):
                return error
            if tried:
                display.close()
                display.say(error.whole)
                display.say(Message("The work is not saved yet. Press Return to try again, or Ctrl-C to give it up."))
                sys.stdin.readline()
            tried = made_room = True
            again = studio.queue.retry(job.id)
            assert isinstance(again, Job)
            jobs[index] = again

    def collect(index: int) -> None:
        error = ended(index)
        if index in received:
            return
        if isinstance(error, Cancelled):
            received.add(index)
            receive(jobs[index], error.assets or error.payloads, True)
        elif error is not None:
            raise error
        else:
            # Marked only after receiving: an interrupted copy leaves nothing and is repeated.
            receive(jobs[index], jobs[index].future.result(), False)
            received.add(index)

    try:
        try:
            for index in range(len(jobs)):
                collect(index)
        except KeyboardInterrupt:
            may_ask = False
            _cancel(studio, jobs)
            display = QuietOnBrokenPipe(display)  # the reader of a pipe may have ended, too
            display.say(Message("Stopping. Partial results are saved; press Ctrl-C again to stop at once."))
            for index in range(len(jobs)):
                collect(index)
            raise Interrupted from None
    except BaseException:
        _cancel(studio, jobs)
        for request, job in zip(requests, jobs, strict=True):
            if job.future.done() and _is_unsaved(job) and not job.partial:
                request = request.replace(model=job.request.model)
                display.say(
                    Message(
                        "This makes the work again that could not be saved: {command}",
                        command=_command(studio, request),
                    )
                )
        raise
    finally:
        display.close()


def _is_unsaved(job: Job) -> bool:
    """Whether a job has made works that could not be saved. A training resumes."""
    return bool(job.pending) and not isinstance(job.request, TrainRequest)


def _command(studio: Studio, request: Request) -> str:
    """The command that makes a request, with the flags whose values `make` does not choose by itself."""
    family = studio.media[request.medium].family(studio.catalog.get(request.model).family)
    usual = type(request)(**family.suited(type(request), studio.catalog.get(request.model)))
    return command("make", request.kind, *flags.flags_of(request, usual))


def _wait(studio: Studio, job: Job, index: int, count: int, display: ProgressDisplay) -> None:
    while True:
        display.show(job, index, count, studio.queue.seconds_left(job))
        if job.future.done():
            return
        try:
            job.future.exception(POLL)
        except TimeoutError:
            continue


def _cancel(studio: Studio, jobs: Sequence[Job]) -> None:
    for job in jobs:
        if not job.future.done():
            studio.queue.cancel(job.id)
