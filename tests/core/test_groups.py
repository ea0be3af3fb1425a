"""Groups of jobs and jobs that wait for others: one transaction, one progress, one cancel, restored as they were."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.backends import medium
from studio.backends.avatar.requests import AvatarProjectRequest, AvatarTrainRequest
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Group, Job, JobGroup
from studio.jobs.queue_store import QueueEntry, QueueStore
from studio.library.library import LibraryQuery
from studio.schema.request import Request
from studio.studio import Studio
from tests import fakes
from tests.core.crashes import killed_at, killed_when_ready
from tests.studios import fake_studio

AVATAR, STORY = medium("avatar").default_task.request, medium("story").default_task.request


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    made = fake_studio(home)
    yield made
    made.close()


def faces(*seeds: int) -> list[Request]:
    return [AVATAR(seed=seed) for seed in seeds]


def seeds(jobs: Any) -> list[int]:
    return [job.request.seed for job in jobs]


def test_a_group_is_written_at_once_and_ends_with_all_results(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[list[int]] = []
    replace = QueueStore.replace

    def watched(self: QueueStore, entries: list[QueueEntry]) -> bool:
        written.append([entry.request.seed for entry in entries])
        return replace(self, entries)

    monkeypatch.setattr(QueueStore, "replace", watched)
    group = studio.submit_group(faces(1, 2, 3), "candidates", title="Foxes")
    works = group.future.result(20)
    assert written[0] == [1, 2, 3]
    assert [work.request["seed"] for work in works] == [1, 2, 3]
    assert (group.state, group.finished, group.progress.done) == ("done", 3, 3000)
    fakes.until(lambda: written[-1] == [])


def test_a_group_of_which_one_cannot_be_queued_is_not_queued(studio: Studio) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        studio.submit_group([AVATAR(seed=1), AVATAR(seed=2, model="nowhere")], "batch")
    with pytest.raises(BadInput, match="at least one"):
        studio.submit_group([], "batch")
    assert studio.queue.jobs() == studio.queue.rows() == []


def test_progress_counts_all_jobs(studio: Studio) -> None:
    group = studio.submit_group([AVATAR(seed=1), STORY(seed=fakes.SLOW), AVATAR(seed=2)], "batch")
    fakes.until(lambda: group.jobs[1].progress.done == fakes.steps(group.jobs[1].request))
    assert (group.state, group.finished) == ("running", 1)
    assert (group.progress.stage, group.progress.done, group.progress.total) == ("making", 2000, 3000)
    assert group.running is group.jobs[1]
    assert group.request is group.jobs[0].request
    studio.queue.cancel(group.id)


def test_one_cancel_ends_all_and_keeps_what_was_made(studio: Studio) -> None:
    group = studio.submit_group([STORY(seed=fakes.SLOW), *faces(1, 2)], "batch")
    other = studio.submit(AVATAR(seed=3))
    fakes.until(lambda: group.jobs[0].progress.done == fakes.steps(group.jobs[0].request))
    assert not group.cancelling
    studio.queue.cancel(group.id)
    error = group.future.exception(20)
    assert isinstance(error, Cancelled)
    assert [asset.partial for asset in error.assets] == [True]
    assert [job.state for job in group.jobs] == ["cancelled"] * 3
    assert group.state == "cancelled"
    assert other.future.result(20)
    assert studio.library.count() == 2


def test_a_job_that_fails_leaves_the_others(studio: Studio) -> None:
    group = studio.submit_group(faces(1, fakes.BAD_INPUT, 2), "batch")
    assert [work.request["seed"] for work in group.future.result(20)] == [1, 2]
    assert (group.state, str(group.error)) == ("failed", "The moon cannot be painted. Ask for the sun.")
    again = studio.queue.retry(group.id)
    assert isinstance(again, JobGroup)
    assert (again.group.kind, seeds(again.jobs)) == ("batch", [fakes.BAD_INPUT])
    assert isinstance(again.future.exception(20), BadInput)


def test_the_queue_shows_a_group_as_one_row_that_moves_as_one(studio: Studio) -> None:
    studio.queue.pause(True)
    first, group, last = (
        studio.submit(AVATAR(seed=1)),
        studio.submit_group(faces(2, 3), "candidates"),
        studio.submit(AVATAR(seed=4)),
    )
    assert studio.queue.rows() == [first, group, last]
    studio.queue.move(group.id, 0)
    assert seeds(studio.queue.jobs()) == [2, 3, 1, 4]
    studio.queue.move(last.id, 1)
    assert seeds(studio.queue.jobs()) == [2, 3, 4, 1]
    studio.queue.move(first.id, 0)
    assert studio.queue.rows() == [first, group, last]
    studio.queue.move(first.id, 5)
    assert studio.queue.rows() == [group, last, first]
    studio.queue.pause(False)
    fakes.until(lambda: all(row.state == "done" for row in studio.queue.rows()))
    assert studio.queue.rows() == [first, last, group]


def test_time_left_adds_up(studio: Studio) -> None:
    studio.submit(AVATAR(seed=1)).future.result(20)
    studio.queue.pause(True)
    group = studio.submit_group(faces(2, 3), "candidates")
    one, both = studio.queue.seconds_left(group.jobs[0]), studio.queue.seconds_left(group)
    assert one is not None
    assert both == pytest.approx(2 * one)
    assert studio.queue.seconds_left(studio.submit_group([*faces(1), STORY(seed=1)], "batch")) is None
    studio.queue.cancel(group.id)


def test_time_left_of_a_group_counts_all_its_jobs_even_the_first_time(studio: Studio) -> None:
    group = studio.submit_group(faces(fakes.NOTHING_YET, 2, 3), "candidates")
    running = group.jobs[0]
    fakes.until(lambda: running.progress.done > 1)
    one, all_ = studio.queue.seconds_left(running), studio.queue.seconds_left(group)
    assert one is not None
    assert all_ is not None
    assert all_ >= one + 2 * running.seconds > 0
    studio.queue.cancel(group.id)


def test_time_left_of_one_kind_says_nothing_of_another(studio: Studio) -> None:
    group = studio.submit_group([*faces(fakes.NOTHING_YET, 2), STORY(seed=1)], "batch")
    running = group.jobs[0]
    fakes.until(lambda: running.progress.done > 1)
    assert studio.queue.seconds_left(running) is not None
    assert studio.queue.seconds_left(group) is None
    studio.queue.cancel(group.id)


def test_a_group_is_restored_with_what_it_had_made(home: Path) -> None:
    first = fake_studio(home)
    group = first.submit_group([*faces(1, fakes.BAD_INPUT), STORY(seed=fakes.SLOW), *faces(2, 3)], "batch", title="All")
    fakes.until(lambda: group.jobs[2].state == "running")
    first.queue.cancel(group.jobs[4].id)
    first.close()
    second = fake_studio(home)
    try:
        (entry,) = second.queue.interrupted
        (again,) = [row for row in second.queue.rows() if isinstance(row, JobGroup)]
        assert again.group == group.group
        assert [job.id for job in again.jobs] == [job.id for job in group.jobs]
        fakes.until(lambda: again.jobs[3].state == "done")
        assert [job.state for job in again.jobs] == ["done", "failed", "queued", "done", "cancelled"]
        assert [work.request["seed"] for work in again.jobs[0].future.result(0)] == [1]
        assert second.library.count(LibraryQuery(medium="avatar")) == 2
        job = second.queue.resume(entry)
        assert job is again.jobs[2]
        fakes.until(lambda: job.progress.done == fakes.steps(job.request))
        second.queue.cancel(again.id)
        works = again.future.result(20)
        assert [work.request["seed"] for work in works] == [1, 2]
    finally:
        second.close()
    third = fake_studio(home)
    assert third.queue.rows() == []
    third.close()


def test_a_kill_after_a_group_was_queued_loses_none_of_it(home: Path) -> None:
    killed_when_ready(
        home,
        "from tests.core.test_groups import *\n"
        "studio = fake_studio(Path(sys.argv[1]))\n"
        "group = studio.submit_group([*faces(1), STORY(seed=fakes.SLOW), *faces(2)], 'candidates', title='Foxes')\n"
        "studio.submit(AVATAR(seed=3), after=[group.jobs[2].id])\n"
        "fakes.until(lambda: group.jobs[1].progress.done == fakes.steps(group.jobs[1].request))",
    )
    studio = fake_studio(home)
    try:
        (entry,) = studio.queue.interrupted
        fakes.until(lambda: studio.library.count() == 3)
        (group,) = [row for row in studio.queue.rows() if isinstance(row, JobGroup)]
        assert (group.group.kind, group.group.title) == ("candidates", "Foxes")
        assert [job.state for job in group.jobs] == ["done", "queued", "done"]
        studio.queue.dismiss(entry)
        assert [work.request["seed"] for work in group.future.result(0)] == [1, 2]
    finally:
        studio.close()


def test_a_queue_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    file = tmp_path / "queue.sqlite"
    with sqlite3.connect(file) as database:
        database.executescript(
            "CREATE TABLE jobs (id TEXT PRIMARY KEY, place INTEGER, running INTEGER, request TEXT, parents TEXT);"
            "CREATE TABLE runs (n INTEGER PRIMARY KEY, kind TEXT, model TEXT, seconds REAL);"
            "CREATE TABLE flags (name TEXT PRIMARY KEY, value INTEGER);"
            """INSERT INTO jobs VALUES ('a', 0, 1, '{"kind": "story", "seed": 1}', '["p"]');"""
            """INSERT INTO jobs VALUES ('b', 1, 0, '{"kind": "story", "seed": 2}', '[]');"""
            "INSERT INTO flags VALUES ('paused', 1); PRAGMA user_version = 1;"
        )
    database.close()
    store = QueueStore(file)
    assert store.paused
    old = [QueueEntry("a", STORY(seed=1), ("p",), "running"), QueueEntry("b", STORY(seed=2))]
    assert store.entries() == old
    group = Group("batch", "Both", "g")
    new = [
        QueueEntry("a", STORY(seed=1), (), "done", group, 1, {}, ("w",)),
        QueueEntry("b", STORY(seed=2), (), "queued", group, 0, {"a": "picture"}),
    ]
    assert store.replace(new)
    store.close()
    again = QueueStore(file)
    assert again.entries() == new
    again.close()


def killed_at_statement(at: int, file: Path, act: Callable[[QueueStore], object]) -> bool:
    """Open the queue file and do something with it, killed before the SQL statement number `at`."""

    def run(step: Callable[[str], None]) -> None:
        connect = sqlite3.connect

        def traced(*values: Any, **named: Any) -> sqlite3.Connection:
            database = connect(*values, **named)
            database.set_trace_callback(step)
            return database

        sqlite3.connect = traced  # type: ignore[assignment]
        act(QueueStore(file))

    return killed_at(at, run)


def test_a_kill_while_a_group_is_written_leaves_all_of_it_or_nothing(tmp_path: Path) -> None:
    file, group = tmp_path / "queue.sqlite", Group("batch", "Both", "g")
    old = [QueueEntry("old", STORY(seed=9))]
    new = [QueueEntry(f"new{seed}", STORY(seed=seed), group=group, member=seed) for seed in range(3)]
    found: list[bool] = []
    for at in range(100):
        store = QueueStore(file)
        assert store.replace(old)
        store.close()
        killed = killed_at_statement(at, file, lambda store: store.replace(new))
        store = QueueStore(file)
        assert store.entries() in (old, new)
        found.append(store.entries() == new)
        store.close()
        if not killed:
            break
    assert found[-1]
    assert len(found) > 10
    assert found.count(True) == 1, "nothing of it is there before it is committed"


def test_a_kill_while_changed_rows_are_written_leaves_the_old_queue_or_the_new_one(tmp_path: Path) -> None:
    file, group = tmp_path / "queue.sqlite", Group("batch", "Both", "g")
    old = [QueueEntry(f"old{seed}", STORY(seed=seed)) for seed in range(4)]
    grown = [QueueEntry(f"new{seed}", STORY(seed=seed), group=group, member=seed) for seed in range(2)]
    new = [old[3], *grown, old[0], old[2]]  # one is moved, one is gone, a group is added

    def change(store: QueueStore) -> None:
        store.replace(old)
        store.replace(new)

    for at in range(100):
        store = QueueStore(file)
        assert store.replace(old)
        store.close()
        killed = killed_at_statement(at, file, change)
        store = QueueStore(file)
        assert store.entries() in (old, new)
        last = store.entries()
        store.close()
        if not killed:
            break
    assert last == new
    assert at > 10


def test_a_kill_while_an_old_queue_file_is_migrated_loses_nothing(tmp_path: Path) -> None:
    for at in range(100):
        file = tmp_path / f"queue-{at}.sqlite"
        with sqlite3.connect(file) as database:
            database.executescript(
                "CREATE TABLE jobs (id TEXT PRIMARY KEY, place INTEGER, running INTEGER, request TEXT, parents TEXT);"
                """INSERT INTO jobs VALUES ('a', 0, 1, '{"kind": "story", "seed": 1}', '["p"]');"""
                "PRAGMA user_version = 1;"
            )
        database.close()
        killed = killed_at_statement(at, file, lambda store: store.close())
        store = QueueStore(file)
        assert store.entries() == [QueueEntry("a", STORY(seed=1), ("p",), "running")]
        store.close()
        if not killed:
            break
    assert not killed
    assert at > 10


def test_a_job_waits_for_the_results_of_others(studio: Studio) -> None:
    studio.queue.pause(True)
    first, second = studio.submit(AVATAR(seed=1)), studio.submit(AVATAR(seed=2))
    waits = studio.submit(STORY(seed=3), after=[first.id, second.id])
    overtakes = studio.submit(STORY(seed=4))
    studio.queue.move(waits.id, 0)
    studio.queue.move(second.id, 3)
    studio.queue.pause(False)
    fakes.until(lambda: waits.state == "done")
    assert seeds(reversed([job for job in studio.queue.jobs() if job.state == "done"])) == [1, 4, 2, 3]
    assert overtakes.state == "done"
    assert waits.after == ()
    late = studio.submit(STORY(seed=5), after=[first.id])
    assert late.future.result(20)
    with pytest.raises(BadInput, match="no longer listed"):
        studio.submit(STORY(seed=6), after=["nobody"])


@pytest.mark.parametrize("failing", [True, False], ids=["failed", "cancelled"])
def test_what_waits_is_cancelled_with_what_it_waits_for(studio: Studio, failing: bool) -> None:
    first = studio.submit(STORY(seed=fakes.BAD_INPUT if failing else fakes.SLOW))
    second = studio.submit(AVATAR(seed=1), after=[first.id])
    third = studio.submit(AVATAR(seed=2), after=[second.id])
    if not failing:
        fakes.until(lambda: first.state == "running")
        assert (second.state, third.state) == ("queued", "queued")
        studio.queue.cancel(first.id)
    for job in (second, third):
        assert isinstance(fakes.ended(job), Cancelled)
    assert isinstance(fakes.ended(studio.submit(AVATAR(seed=3), after=[first.id])), Cancelled)


def test_what_waits_across_lanes(home: Path) -> None:
    studio = fake_studio(home)
    try:
        training = studio.submit(AvatarTrainRequest(seed=1, out=str(home / "out")))
        job = studio.submit(AVATAR(seed=1), after=[training.id])
        fakes.ended(training)
        assert training.state == "done"
        assert job.future.result(20)
    finally:
        studio.close()


def test_the_work_of_another_job_fills_a_field_of_the_request(home: Path) -> None:
    first = fake_studio(home)
    first.queue.pause(True)
    face = first.submit(AVATAR(seed=1))
    search = first.submit(AvatarProjectRequest(seed=2), after={face.id: "picture"})
    nothing = first.submit(AvatarTrainRequest(seed=3, out=str(home / "out")))
    wrong = first.submit(AvatarProjectRequest(seed=4), after={nothing.id: "picture"})
    assert not search.request.picture  # type: ignore[attr-defined]
    first.close()
    second = fake_studio(home)
    try:
        jobs = {job.id: job for job in second.queue.jobs()}
        assert jobs[search.id].after == (face.id,)
        assert jobs[search.id].fills == {face.id: "picture"}
        second.queue.pause(False)
        (work,) = jobs[face.id].future.result(20)
        assert jobs[search.id].future.result(20)
        key = jobs[search.id].request.picture  # type: ignore[attr-defined]
        assert (key.id, key.sha256) == (work.id, work.sha256)
        assert "made no work" in str(fakes.ended(jobs[wrong.id]))
    finally:
        second.close()


def chain(studio: Studio) -> JobGroup:
    """Two faces and a search that takes the second, as one group."""
    return studio.submit_group(
        [*faces(1, 2), AvatarProjectRequest(seed=3)], "batch", title="Search", waits={2: {1: "picture"}}
    )


def test_jobs_of_a_group_wait_for_each_other(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    replace = QueueStore.replace

    def watched(self: QueueStore, entries: list[QueueEntry]) -> bool:
        written.append(len(entries))
        return replace(self, entries)

    studio.queue.pause(True)
    monkeypatch.setattr(QueueStore, "replace", watched)
    group = chain(studio)
    assert written == [3], "in one transaction"
    studio.queue.move(group.id, 0)
    studio.queue.pause(False)
    works = group.future.result(20)
    assert [work.request["seed"] for work in works] == [1, 2, 3]
    assert group.jobs[2].request.picture.id == works[1].id  # type: ignore[attr-defined]
    assert [job.member for job in group.jobs] == [0, 1, 2]


def test_a_group_whose_jobs_wait_for_each_other_is_cancelled_and_retried_as_one(studio: Studio) -> None:
    studio.queue.pause(True)
    group = chain(studio)
    studio.queue.cancel(group.id)
    assert isinstance(group.future.exception(20), Cancelled)
    assert studio.queue.rows() == [group]
    again = studio.queue.retry(group.id)
    assert isinstance(again, JobGroup)
    assert again.jobs[2].after == (again.jobs[1].id,)
    studio.queue.pause(False)
    works = again.future.result(20)
    assert again.jobs[2].request.picture.id == works[1].id  # type: ignore[attr-defined]


def test_a_failure_cancels_only_those_of_the_group_that_wait_for_it(studio: Studio) -> None:
    requests = [*faces(fakes.BAD_INPUT, 1), AvatarProjectRequest(seed=2), AvatarProjectRequest(seed=3)]
    group = studio.submit_group(requests, "batch", waits={2: {0: "picture"}, 3: {1: "picture"}})
    fakes.until(lambda: group.has_ended)
    assert [job.state for job in group.jobs] == ["failed", "done", "cancelled", "done"]
    again = studio.queue.retry(group.id)
    assert isinstance(again, JobGroup)
    assert [job.after for job in again.jobs] == [(), (again.jobs[0].id,)]
    assert isinstance(again.future.exception(20), BadInput)


def test_what_needs_the_work_of_a_job_is_not_made_again_without_it(studio: Studio) -> None:
    failing = studio.submit(AVATAR(seed=fakes.BAD_INPUT))
    search = studio.submit(AvatarProjectRequest(seed=2), after={failing.id: "picture"})
    assert isinstance(fakes.ended(search), Cancelled)
    with pytest.raises(BadInput, match="made no work"):
        studio.queue.retry(search.id)


def test_what_was_cancelled_before_its_work_was_there_gets_it_when_made_again(studio: Studio) -> None:
    studio.queue.pause(True)
    group = chain(studio)
    studio.queue.cancel(group.jobs[2].id)
    alone = studio.queue.retry(group.jobs[2].id)
    assert isinstance(alone, Job)
    assert alone.after == (group.jobs[1].id,)
    studio.queue.pause(False)
    (work,) = group.jobs[1].future.result(20)
    again = studio.queue.retry(group.id)
    for job in (alone, *again.jobs):  # type: ignore[union-attr]
        assert job.future.result(20)
        assert job.request.picture.id == work.id  # type: ignore[attr-defined]


def test_a_group_is_retried_though_one_that_is_done_is_no_longer_listed(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.jobs.queue.ENDED_KEPT", 1)
    studio.queue.pause(True)
    requests = [*faces(1), AvatarProjectRequest(seed=2), *faces(3)]
    group = studio.submit_group(requests, "batch", waits={1: {0: "picture"}})
    studio.queue.cancel(group.jobs[1].id)
    studio.queue.pause(False)
    fakes.until(lambda: studio.queue.jobs() == [group.jobs[2]])
    (work,) = group.jobs[0].future.result()
    again = studio.queue.retry(group.id)
    assert len(again.future.result(20)) == 1
    assert again.request.picture.id == work.id  # type: ignore[attr-defined]


def test_a_job_is_listed_in_the_moment_in_which_it_ends(studio: Studio) -> None:
    job, listed = studio.submit(AVATAR(seed=1)), list[list[Job]]()
    job.future.add_done_callback(lambda _: listed.append(studio.queue.jobs()))
    fakes.until(lambda: bool(listed))
    assert listed == [[job]]


@pytest.mark.parametrize("waits", [{0: {0: ""}}, {0: {1: ""}}, {1: {-1: ""}}, {1: {0: "nothing"}}, {1: {0: "seed"}}])
def test_a_group_that_could_never_be_made_is_refused(studio: Studio, waits: dict[int, dict[int, str]]) -> None:
    with pytest.raises(BadInput):
        studio.submit_group([*faces(1), AvatarProjectRequest(seed=2)], "batch", waits=waits)
    assert studio.queue.jobs() == studio.queue.rows() == []


def test_a_kill_leaves_a_group_whose_jobs_wait_for_each_other_as_it_was(home: Path) -> None:
    killed_when_ready(
        home,
        "from tests.core.test_groups import *\n"
        "studio = fake_studio(Path(sys.argv[1]))\n"
        "slow = studio.submit(STORY(seed=fakes.SLOW))\n"
        "fakes.until(lambda: slow.progress.done)\n"
        "group = chain(studio)",
    )
    studio = fake_studio(home)
    try:
        (group,) = [row for row in studio.queue.rows() if isinstance(row, JobGroup)]
        assert (group.group.title, [job.member for job in group.jobs]) == ("Search", [0, 1, 2])
        works = group.future.result(20)
        assert group.jobs[2].request.picture.id == works[1].id  # type: ignore[attr-defined]
    finally:
        studio.close()


def test_a_job_restored_after_the_one_it_waited_for_was_done_gets_its_work(home: Path) -> None:
    first = fake_studio(home)
    (work,) = first.submit(AVATAR(seed=1)).future.result(20)
    first.close()
    store, group = QueueStore(home / "state" / "queue.sqlite"), Group("batch")
    store.replace(
        [
            QueueEntry("b", AvatarProjectRequest(seed=2), group=group, member=1, after={"a": "picture"}),
            QueueEntry("a", AVATAR(seed=1), (), "done", group, works=(work.id,)),
        ]
    )
    store.close()
    second = fake_studio(home)
    try:
        (restored,) = [row for row in second.queue.rows() if isinstance(row, JobGroup)]
        assert len(restored.future.result(20)) == 2
        assert restored.jobs[1].request.picture.id == work.id  # type: ignore[attr-defined]
    finally:
        second.close()


def test_waiting_is_restored(home: Path) -> None:
    first = fake_studio(home)
    slow = first.submit(STORY(seed=fakes.SLOW))
    ended = first.submit(AVATAR(seed=1), after=[slow.id])
    after_ended = first.submit(AVATAR(seed=2), after=[ended.id])
    fakes.until(lambda: slow.state == "running")
    first.close()
    second = fake_studio(home)
    try:
        (entry,) = second.queue.interrupted
        jobs = {job.id: job for job in second.queue.jobs()}
        assert jobs[ended.id].after == (slow.id,)
        assert jobs[after_ended.id].after == (ended.id,)
        assert {job.state for job in jobs.values()} == {"queued"}
        second.queue.dismiss(entry)
        assert all(isinstance(fakes.ended(jobs[id]), Cancelled) for id in (ended.id, after_ended.id))
    finally:
        second.close()


def test_a_job_resumed_lets_go_what_waits_for_it(home: Path) -> None:
    store = QueueStore(home / "state" / "queue.sqlite")
    store.replace(
        [
            QueueEntry("a", AVATAR(seed=1), (), "running"),
            QueueEntry("b", AVATAR(seed=2), (), "queued", after={"a": ""}),
            QueueEntry("c", AVATAR(seed=3), (), "queued", after={"gone": ""}),
        ]
    )
    store.close()
    studio = fake_studio(home)
    try:
        assert [entry.id for entry in studio.queue.interrupted] == ["a", "c"]
        assert any("no longer exists" in str(warning) for warning in studio.warnings)
        for entry in list(studio.queue.interrupted):
            studio.queue.resume(entry)
        fakes.until(lambda: all(job.state == "done" for job in studio.queue.jobs()))
        assert seeds(sorted(studio.queue.jobs(), key=lambda job: job.id)) == [1, 2, 3]
    finally:
        studio.close()


def test_old_groups_are_forgotten_with_their_jobs(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.jobs.queue.ENDED_KEPT", 2)
    groups = [studio.submit_group(faces(seed, seed + 1), "batch") for seed in range(3)]
    for group in groups:
        group.future.result(20)
    fakes.until(lambda: studio.queue.rows() == [groups[2]])
    with pytest.raises(BadInput):
        studio.queue.cancel(groups[0].id)


def test_a_group_is_stored_whole_when_many_jobs_are_cancelled_by_closing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.jobs.queue.ENDED_KEPT", 2)
    first = fake_studio(home)
    group = first.submit_group([*faces(1, 2), STORY(seed=fakes.SLOW)], "batch")
    fakes.until(lambda: group.jobs[2].state == "running")
    first.queue.pause(True)
    later = [AvatarTrainRequest(seed=seed, out=str(home / f"out{seed}")) for seed in range(3)]
    first.submit_group(later, "batch")  # in a lane that is closed after the other one
    first.close()
    second = fake_studio(home)
    try:
        assert [len(row.jobs) for row in second.queue.rows() if isinstance(row, JobGroup)] == [3, 3]
    finally:
        second.close()


def test_what_cannot_be_put_leaves_no_group(home: Path) -> None:
    studio = fake_studio(home)
    studio.close()
    with pytest.raises(StudioError, match="closing"):
        studio.submit_group(faces(1, 2), "batch")
    assert studio.queue.rows() == []


def test_the_future_of_a_group_whose_jobs_all_fail_has_the_first_error() -> None:
    jobs = [Job(request) for request in faces(1, 2)]
    group = JobGroup(Group("batch"), jobs)
    jobs[1].fail(BadInput("second"))
    assert not group.future.done()
    jobs[0].fail(BadInput("first"))
    assert str(group.future.exception(0)) == "first"
