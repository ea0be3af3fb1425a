"""Runs requests from the command line and waits for them; Ctrl-C cancels and saves partial results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studio.cli.progress import QuietOnBrokenPipe
from studio.errors import Message
from studio.jobs.job import Cancelled, Job

if TYPE_CHECKING:
    from studio.cli.progress import ProgressDisplay
    from studio.schema.request import Request
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

    Ctrl-C cancels all jobs, receives their partial results, and raises Interrupted; a second Ctrl-C raises
    KeyboardInterrupt immediately.
    """
    jobs = studio.submit_group(requests, "batch", parents=parents).jobs
    received: set[str] = set()

    def collect(job: Job, index: int) -> None:
        _wait(studio, job, index, len(jobs), display)
        if job.id in received:
            return
        error = job.future.exception()
        if isinstance(error, Cancelled):
            received.add(job.id)
            receive(job, error.assets or error.payloads, True)
        elif error is not None:
            raise error
        else:
            # Marked only after receiving: an interrupted copy leaves nothing and is repeated.
            receive(job, job.future.result(), False)
            received.add(job.id)

    try:
        for index, job in enumerate(jobs, 1):
            collect(job, index)
    except KeyboardInterrupt:
        _cancel(studio, jobs)
        display = QuietOnBrokenPipe(display)  # the reader of a pipe may have ended, too
        display.say(Message("Stopping. Partial results are saved; press Ctrl-C again to stop at once."))
        for index, job in enumerate(jobs, 1):
            collect(job, index)
        raise Interrupted from None
    except BaseException:
        _cancel(studio, jobs)
        raise
    finally:
        display.close()


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
