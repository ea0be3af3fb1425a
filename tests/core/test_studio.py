"""The studio as a whole with an instant engine: submit, subscribe, close, and a kill in between."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.backends import MEDIA, medium
from studio.backends.avatar.requests import AvatarProjectRequest, AvatarTrainRequest
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Job
from studio.jobs.lane import Lane
from studio.jobs.queue_store import QueueStore
from studio.library.library import LibraryQuery
from studio.media.payloads import Image
from studio.schema.request import Request
from studio.studio import News, Studio
from tests import fakes
from tests.core.crashes import killed_when_ready
from tests.studios import fake_studio

AVATAR, STORY = medium("avatar").default_task.request, medium("story").default_task.request


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    made = fake_studio(home)
    yield made
    made.close()


@pytest.mark.parametrize("medium", MEDIA, ids=lambda medium: medium.name)
def test_from_request_to_file(studio: Studio, medium: object) -> None:
    make = medium.default_task.request  # type: ignore[attr-defined]
    job = studio.submit(make(seed=7), parents=())
    (asset,) = job.future.result(20)
    assert asset.path.exists()
    assert Request.from_json(asset.request) == job.request
    assert asset.provenance.model is not None
    assert asset.provenance.model.id == job.request.model
    assert asset.provenance.seed == 7
    assert studio.library.get(asset.id) == asset
    assert studio.queue.jobs()[0] is job


def test_the_same_request_gives_the_same_bytes(studio: Studio) -> None:
    jobs = [studio.submit(AVATAR(seed=5)) for _ in range(2)]
    first, second = (job.future.result(20)[0].path.read_bytes() for job in jobs)
    assert first == second


def test_news_comes_until_unsubscribed(studio: Studio) -> None:
    heard: list[News] = []
    end = studio.subscribe(heard.append)
    job = studio.submit(AVATAR(seed=1))
    job.future.result(20)
    fakes.until(lambda: any(news.job is job and job.state == "done" for news in heard))
    assert {"job", "queue", "library"} <= {news.kind for news in heard}
    end()
    count = len(heard)
    studio.submit(AVATAR(seed=2)).future.result(20)
    assert len(heard) <= count + 1  # one that was under way when it ended


def test_a_listener_that_raises_disturbs_nobody(studio: Studio, caplog: pytest.LogCaptureFixture) -> None:
    studio.subscribe(lambda _news: 1 / 0)
    assert studio.submit(AVATAR(seed=1)).future.result(20)
    assert "a listener failed" in caplog.text


def test_unknown_models_are_refused_at_once(studio: Studio) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        studio.submit(AVATAR(model="nowhere"))
    with pytest.raises(BadInput, match="not for avatar"):
        studio.submit(AVATAR(model="story-starter"))


def test_partial_works_are_kept_and_marked(studio: Studio) -> None:
    job = studio.submit(STORY(seed=fakes.SLOW))
    fakes.until(lambda: job.progress.done == fakes.steps(job.request))
    studio.queue.cancel(job.id)
    error = fakes.ended(job)
    assert isinstance(error, Cancelled)
    assert [asset.partial for asset in error.assets] == [True]
    assert studio.library.get(error.assets[0].id).partial


def test_live_results_stay_out_of_the_library_until_kept(studio: Studio) -> None:
    job = studio.submit(AVATAR(seed=4), live=True, replaces="face")
    (payload,) = job.future.result(20)
    assert isinstance(payload, Image)
    assert studio.library.count() == 0
    (asset,) = studio.save(job)
    assert studio.library.count() == 1
    assert asset.request["seed"] == 4


@pytest.mark.parametrize("live", [False, True])
def test_a_work_says_what_makes_it_again_where_that_is_another_request(studio: Studio, live: bool) -> None:
    search = Request.from_json({"kind": "avatar.project", "seed": 12})
    job = studio.submit(search, parents=["20261122-101010-abcdef01"], live=live)
    made = job.future.result(20)
    (asset,) = studio.save(job) if live else made
    assert (asset.request["kind"], asset.request["seed"]) == ("avatar", 12)
    assert asset.title == "Found"
    assert asset.parents == ("20261122-101010-abcdef01",)
    assert job.request.kind == "avatar.project"


def test_retry_makes_a_new_job_of_the_same_request(studio: Studio) -> None:
    job = studio.submit(STORY(seed=fakes.BAD_INPUT))
    assert isinstance(fakes.ended(job), BadInput)
    again = studio.queue.retry(job.id)
    assert again.request == job.request
    assert again.id != job.id
    fakes.ended(again)


def test_what_could_not_be_saved_is_not_lost(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise StudioError("The disk is full.", "Make room and try again.")

    with monkeypatch.context() as patch:
        patch.setattr(studio.library, "add", full)
        job = studio.submit(AVATAR(seed=9))
        assert "full" in str(fakes.ended(job))
    (asset,) = studio.save(job)
    assert asset.path.exists()


@pytest.fixture
def disk(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Set "full" to let the library save nothing."""
    real, state = studio.library.add, {"full": True}

    def add(*args: Any, **values: Any) -> Any:
        if state["full"]:
            raise StudioError("The disk is full.", "Make room and try again.")
        return real(*args, **values)

    monkeypatch.setattr(studio.library, "add", add)
    return state


def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of the requests that the engine runs from now on."""
    real, seeds = fakes.FakeEngine.run, list[int]()

    def run(self: fakes.FakeEngine, request: Request, report: Any) -> Any:
        seeds.append(request.seed)
        return real(self, request, report)

    monkeypatch.setattr(fakes.FakeEngine, "run", run)
    return seeds


def test_retry_saves_what_was_made_and_makes_anew_only_after_that(
    studio: Studio, disk: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = runs(monkeypatch)
    job = studio.submit(AVATAR(seed=9))
    assert "full" in str(fakes.ended(job))
    assert "full" in str(fakes.ended(studio.queue.retry(job.id)))  # type: ignore[arg-type]
    disk["full"] = False
    studio.queue.pause(True)
    third = studio.queue.retry(job.id)
    assert isinstance(third, Job)
    assert studio.queue.retry(job.id) is third, "it is being saved"
    studio.queue.pause(False)
    (asset,) = third.future.result(20)
    assert (asset.path.exists(), asset.request["seed"], asset.provenance.seed) == (True, 9, 9)
    assert made == [9]
    studio.queue.retry(job.id).future.result(20)
    assert (made, studio.library.count()) == ([9, 9], 2)


def test_retry_of_a_group_saves_what_was_made(
    studio: Studio, disk: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = runs(monkeypatch)
    requests = [AVATAR(seed=1), AVATAR(seed=fakes.BAD_INPUT), AvatarProjectRequest(seed=3)]
    group = studio.submit_group(requests, "batch", waits={2: {0: "picture"}})
    fakes.until(lambda: group.has_ended)
    assert [job.state for job in group.jobs] == ["failed", "failed", "cancelled"]
    disk["full"] = False
    again = studio.queue.retry(group.id)
    fakes.until(lambda: again.has_ended)
    assert [job.state for job in again.jobs] == ["done", "failed", "done"]  # type: ignore[union-attr]
    assert made == [1, fakes.BAD_INPUT, fakes.BAD_INPUT, 3]


def test_retry_saves_a_partial_work_as_one(studio: Studio, disk: dict[str, bool]) -> None:
    job = studio.submit(STORY(seed=fakes.SLOW))
    fakes.until(lambda: job.progress.done == fakes.steps(job.request))
    studio.queue.cancel(job.id)
    assert "full" in str(fakes.ended(job))
    disk["full"] = False
    error = fakes.ended(studio.queue.retry(job.id))  # type: ignore[arg-type]
    assert isinstance(error, Cancelled)
    assert [asset.partial for asset in error.assets] == [True]


def test_retry_saves_though_the_model_was_removed(studio: Studio, disk: dict[str, bool], home: Path) -> None:
    label = home / "models" / "mine" / "model.toml"
    label.parent.mkdir(parents=True)
    label.write_text('medium = "avatar"\nfamily = "fake"\n', encoding="utf-8")
    studio.catalog.refresh()
    job = studio.submit(AVATAR(seed=9, model="mine"))
    assert "full" in str(fakes.ended(job))
    label.unlink()
    studio.catalog.refresh()
    disk["full"] = False
    assert len(studio.queue.retry(job.id).future.result(20)) == 1


def test_what_is_saved_already_is_not_saved_twice(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = studio.library.add, list[Any]()

    def full_at_last(payload: Any, **values: Any) -> Any:
        asked.append(payload)
        if len(asked) == 2:
            raise StudioError("The disk is full.", "Make room and try again.")
        return real(payload, **values)

    both = [fakes.payload("avatar", 9), fakes.payload("avatar", 10)]
    monkeypatch.setattr(fakes.FakeEngine, "run", lambda *_: both)
    monkeypatch.setattr(studio.library, "add", full_at_last)
    news: list[str] = []
    studio.subscribe(lambda one: news.append(one.kind))
    job = studio.submit(AVATAR(seed=9))
    assert "full" in str(fakes.ended(job))
    assert "library" in news, "the first is there to be seen"
    works = studio.save(job)
    assert [id(payload) for payload in asked] == [id(both[0]), id(both[1]), id(both[1])]
    assert studio.library.ids() == [work.id for work in reversed(works)]


def test_queued_work_waits_for_the_next_start(home: Path) -> None:
    first = fake_studio(home)
    slow = first.submit(STORY(seed=fakes.SLOW))
    waiting = [first.submit(AVATAR(seed=seed)) for seed in (1, 2)]
    fakes.until(lambda: slow.state == "running")
    first.close()
    assert all(job.state == "cancelled" for job in waiting)
    second = fake_studio(home)
    try:
        assert [entry.request.seed for entry in second.queue.interrupted] == [fakes.SLOW]
        fakes.until(lambda: second.library.count(LibraryQuery(medium="avatar")) == 2)
        second.queue.dismiss(second.queue.interrupted[0])
        assert second.queue.interrupted == []
    finally:
        second.close()


def test_a_kill_in_mid_job_loses_no_queue(home: Path) -> None:
    killed_when_ready(
        home,
        "from tests import fakes; from tests.core.test_studio import *\n"
        "studio = fake_studio(Path(sys.argv[1]))\n"
        "slow = studio.submit(STORY(seed=fakes.SLOW)); studio.submit(AVATAR(seed=1)); studio.submit(AVATAR(seed=2))\n"
        "fakes.until(lambda: slow.progress.done == fakes.steps(slow.request))",
    )
    studio = fake_studio(home)
    try:
        assert [entry.request.seed for entry in studio.queue.interrupted] == [fakes.SLOW]
        fakes.until(lambda: studio.library.count() == 2)
        job = studio.queue.resume(studio.queue.interrupted[0])
        assert job is not None
        fakes.until(lambda: job.state == "running")
        studio.queue.cancel(job.id)
        assert isinstance(fakes.ended(job), Cancelled)
    finally:
        studio.close()


def test_a_kill_while_the_queue_is_taken_up_loses_none_of_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fake_studio(home)
    first.queue.pause(True)
    for request in (AVATAR(seed=1), AVATAR(seed=2), AvatarTrainRequest(seed=3, out=str(home / "out"))):
        first.submit(request)
    first.close()
    on_disk: list[int] = []
    store: list[QueueStore] = []
    opened, put = QueueStore.__init__, Lane.put

    def opening(self: QueueStore, file: Path) -> None:
        opened(self, file)
        store.append(self)

    def watched(self: Lane, *jobs: Job) -> None:
        put(self, *jobs)
        on_disk.append(len(store[0].entries()))

    monkeypatch.setattr(QueueStore, "__init__", opening)
    monkeypatch.setattr(Lane, "put", watched)
    fake_studio(home).close()
    assert on_disk == [3, 3], "after each lane has got its jobs"


@pytest.mark.parametrize("damage", ["medium = ", None], ids=["damaged", "gone"])
def test_a_queued_request_whose_model_is_of_no_use_is_offered(home: Path, damage: str | None) -> None:
    label = home / "models" / "mine" / "model.toml"
    label.parent.mkdir(parents=True)
    label.write_text(whole := 'medium = "avatar"\nfamily = "fake"\n', encoding="utf-8")
    first = fake_studio(home)
    first.queue.pause(True)
    first.submit(AVATAR(seed=1, model="mine"))
    good = first.submit(AVATAR(seed=2))
    first.close()
    label.unlink()
    if damage:
        label.write_text(damage, encoding="utf-8")
    second = fake_studio(home)
    try:
        assert any("cannot run now" in str(warning) for warning in second.warnings)
        (offer,) = second.queue.interrupted
        with pytest.raises(StudioError):
            second.queue.resume(offer)
        assert second.queue.interrupted == [offer], "what cannot be taken is still offered"
        second.queue.pause(False)
        fakes.until(lambda: [asset.request for asset in second.library.page()] == [good.request.to_json()])
        label.write_text(whole, encoding="utf-8")
        job = second.queue.resume(offer)
        assert job is not None
        assert job.future.result(20)
        assert second.queue.interrupted == []
    finally:
        second.close()


def test_what_was_seen_later_is_acted_upon_later(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = studio.submit(STORY(seed=fakes.SLOW))
    fakes.until(lambda: slow.progress.done == fakes.steps(slow.request))
    told: list[bool] = []
    freed = threading.Event()

    def suspend(on: bool) -> None:
        if threading.current_thread() is threading.main_thread():
            slow.stop()
            freed.wait(0.5)  # the lane ends the job now, and has nothing to say before this is said
        told.append(on)
        if not on:
            freed.set()

    monkeypatch.setattr(studio.queue._lanes["training"].host, "suspend", suspend)
    studio.queue.update()
    assert freed.wait(10)
    assert told == [True, False]


def test_a_job_is_listed_at_every_moment(studio: Studio) -> None:
    jobs = [studio.submit(AVATAR(seed=seed)) for seed in range(12)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change so often that any gap between two lists is seen
    try:
        while not all(job.has_ended for job in jobs):
            assert set(jobs).issubset(studio.queue.jobs())
    finally:
        sys.setswitchinterval(usual)


def test_two_studios_on_one_library(home: Path) -> None:
    window, line = fake_studio(home), fake_studio(home, persist_queue=False)
    try:
        jobs = [studio.submit(AVATAR(seed=seed)) for seed in range(6) for studio in (window, line)]
        ids = {job.future.result(20)[0].id for job in jobs}
        assert len(ids) == 12
        assert window.library.count() == line.library.count() == 12
    finally:
        line.close()
        window.close()


def test_pause_and_order(studio: Studio) -> None:
    studio.queue.pause(True)
    jobs = [studio.submit(AVATAR(seed=seed)) for seed in range(3)]
    studio.queue.move(jobs[2].id, 0)
    assert [job.request.seed for job in studio.queue.jobs()] == [2, 0, 1]
    studio.queue.pause(False)
    fakes.until(lambda: all(job.state == "done" for job in jobs))
    assert [job.request.seed for job in studio.queue.jobs()] == [1, 0, 2]


def test_training_gives_way(home: Path) -> None:
    studio = fake_studio(home, trainer="tests.core.test_studio:Learner")
    try:
        training = studio.submit(MEDIA[0].training_task.request(seed=1, out=str(home / "out")))
        fakes.until(lambda: training.progress.done > 3)
        slow = studio.submit(STORY(seed=fakes.SLOW))
        fakes.until(lambda: slow.state == "running")
        fakes.until(lambda: slow.progress.done == fakes.steps(slow.request))
        before = training.progress.done
        fakes.until(lambda: slow.seconds > 0.3)
        assert training.progress.done <= before + 1
        studio.queue.cancel(slow.id)
        fakes.until(lambda: training.progress.done > before + 3)
        studio.queue.cancel(training.id)
        assert isinstance(fakes.ended(training), Cancelled)
    finally:
        studio.close()


class Learner(fakes.FakeEngine):
    """Learns for ever."""

    def run(self, request: Request, report: fakes.Report) -> list[fakes.Payload]:
        step = 0
        while True:
            step += 1
            report(fakes.Progress("training", step, 10**6))
            fakes.time.sleep(0.002)


def test_time_left_comes_from_the_pace_then_from_history(studio: Studio) -> None:
    first = studio.submit(AVATAR(seed=1))
    first.future.result(20)
    studio.queue.pause(True)
    waiting = studio.submit(AVATAR(seed=2))
    left = studio.queue.seconds_left(waiting)
    assert left is not None
    assert 0 <= left < 20
    assert studio.queue.seconds_left(studio.submit(STORY(seed=3))) is None
    studio.queue.cancel(waiting.id)


def test_settings_are_saved_and_told(studio: Studio, home: Path) -> None:
    heard: list[str] = []
    studio.subscribe(lambda news: heard.append(news.kind))
    studio.change_settings(theme="dark")
    assert studio.settings.theme == "dark"
    assert "settings" in heard
    assert 'theme = "dark"' in (home / "config" / "settings.toml").read_text()


def test_what_fits_is_told_for_the_engines_as_they_run(studio: Studio) -> None:
    studio.change_settings(context=2048)
    assert studio.fit.machine().context == 0, "it takes effect after a restart"


@pytest.mark.parametrize("kind", [AVATAR, STORY])
def test_a_work_of_several_files_goes_the_whole_way(home: Path, kind: type[Request]) -> None:
    studio = fake_studio(home, isolated=True)
    library = studio.library
    try:
        (asset,) = studio.submit(kind(seed=fakes.SEVERAL_FILES)).future.result(20)
        assert [file.role for file in asset.files] == ["svg", "captions"]
        assert library.page(LibraryQuery()) == [asset]
        library.bin([asset.id])
        assert not any(path.exists() for path in asset.paths)
        library.restore([asset.id])
        assert all(path.exists() for path in asset.paths)
        assert library.verify() == []
        asset.files[1].path.write_text("other", encoding="utf-8")
        assert [(problem.kind, problem.id) for problem in library.verify()] == [("changed", asset.id)]
        library.bin([asset.id])
        library.empty_bin()
        assert library.ids() == []
        assert not [path for path in library.folder.rglob(f"{asset.id}*") if path.is_file()]
    finally:
        studio.close()


def test_a_work_is_saved_where_its_model_is_removed_meanwhile(home: Path) -> None:
    folder = home / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text('medium = "story"\nfamily = "llama"\n', encoding="utf-8")
    studio = fake_studio(home)
    try:
        job = studio.submit(STORY(seed=fakes.SLOW, model="mine"))
        fakes.until(lambda: job.progress.stage == "making")
        studio.catalog.remove("mine")
        studio.queue.cancel(job.id)
        error = fakes.ended(job)
        assert isinstance(error, Cancelled)
        (work,) = error.assets
        assert work.provenance.model is not None
        assert work.provenance.model.id == "mine"
    finally:
        studio.close()


def test_a_killed_engine_process_costs_one_job(home: Path) -> None:
    studio = fake_studio(home, isolated=True)
    try:
        bad, good = studio.submit(AVATAR(seed=fakes.KILLED)), studio.submit(AVATAR(seed=1))
        assert "engine process was killed" in str(fakes.ended(bad))
        assert good.future.result(20)
    finally:
        studio.close()


def test_a_paused_queue_is_paused_at_the_next_start(home: Path) -> None:
    first = fake_studio(home)
    first.queue.pause(True)
    first.submit(AVATAR(seed=1))
    first.close()
    second = fake_studio(home)
    try:
        assert second.queue.paused
        (waiting,) = second.queue.jobs()
        assert waiting.state == "queued"
        second.queue.pause(False)
        waiting.future.result(20)
    finally:
        second.close()
    third = fake_studio(home)
    assert not third.queue.paused
    third.close()


def test_a_queue_that_could_not_be_written_is_written_with_the_next_change(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fake_studio(home)
    first.queue.pause(True)
    real = QueueStore.replace
    monkeypatch.setattr(QueueStore, "replace", lambda *_: False)  # the disk is full
    first.submit(AVATAR(seed=1))
    monkeypatch.setattr(QueueStore, "replace", real)
    first.queue.pause(True)  # a change of the queue, which holds the same jobs
    monkeypatch.setattr(QueueStore, "replace", lambda *_: False)  # and a kill, as far as the disk can tell
    first.close()
    monkeypatch.setattr(QueueStore, "replace", real)
    second = fake_studio(home)
    assert [job.request.seed for job in second.queue.jobs()] == [1]
    second.close()


def test_what_is_finished_while_the_studio_closes_is_not_offered(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = fake_studio(home)
    keeping, closing = threading.Event(), threading.Event()
    real = studio.library.add

    def late(*args: Any, **how: Any) -> Any:
        keeping.set()
        assert closing.wait(10)
        return real(*args, **how)

    monkeypatch.setattr(studio.library, "add", late)
    ends, waits = studio.submit(AVATAR(seed=1)), studio.submit(AVATAR(seed=2))
    assert keeping.wait(10)
    shut = threading.Thread(target=studio.close)
    shut.start()
    fakes.until(lambda: studio.queue._lanes["device"]._closed)
    closing.set()
    shut.join(20)
    assert (ends.state, waits.state) == ("done", "cancelled")
    after = fake_studio(home)
    try:
        assert after.queue.interrupted == []
        assert [job.request.seed for job in after.queue.jobs()] == [2]
        fakes.until(lambda: after.library.count() == 2)
    finally:
        after.close()


def test_what_a_person_cancelled_just_before_the_end_is_not_offered(home: Path) -> None:
    studio = fake_studio(home)
    job = studio.submit(AVATAR(seed=fakes.SLOW))
    fakes.until(lambda: job.state == "running")
    job.stop()
    studio.close()
    after = fake_studio(home)
    assert after.queue.interrupted == []
    after.close()


def test_lanes_are_closed_at_the_same_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may wait for a disk that does not answer."""
    together = threading.Barrier(3)
    real = Lane.close

    def close(lane: Lane) -> None:
        together.wait(20)  # passes once all three lanes are here
        real(lane)

    studio = fake_studio(home)
    monkeypatch.setattr(Lane, "close", close)
    studio.close()
    assert not together.broken
