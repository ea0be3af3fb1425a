"""The I/O lane: imports and exports as jobs, beside those of the device, with progress, cancel and a restart."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.backends import TASKS, medium
from studio.errors import BadInput, StudioError
from studio.export import writer
from studio.export.compose import PictureStyle
from studio.export.job import ExportJob
from studio.export.task import ExportedFiles, ExportRequest, order_to_json
from studio.jobs.io.imports import (
    ImportedFiles,
    ImportPath,
    ModelGetEngine,
    ModelGetRequest,
    ModelImportRequest,
    WorkImportRequest,
)
from studio.jobs.io.linked_models import ModelLinkRequest, ModelMoveRequest, ModelScanRequest
from studio.jobs.job import Cancelled, Job, Progress
from studio.jobs.queue_store import QueueEntry, QueueStore
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Image
from studio.models.catalog import Catalog, Model
from studio.schema.request import Request
from studio.studio import Studio
from tests import fakes
from tests.studios import fake_studio

AVATAR, STORY = medium("avatar").default_task.request, medium("story").default_task.request


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    made = fake_studio(home)
    yield made
    made.close()


def model_folder(folder: Path, licence: str = "mit") -> Path:
    folder.mkdir(parents=True)
    save_file({"weight": np.arange(600, dtype=np.float32)}, folder / "model.safetensors")
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n", encoding="utf-8")
    return folder


def picture(path: Path, shade: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    codecs.write(Image(np.full((8, 8, 3), shade, np.uint8)), path)
    return path


def imported(*paths: Path, temporary: bool = False) -> WorkImportRequest:
    return WorkImportRequest(paths=tuple(ImportPath(path=str(path)) for path in paths), temporary=temporary)


def an_export(studio: Studio, to: Path, **changes: Any) -> ExportRequest:
    (work,) = studio.submit(AVATAR(seed=1)).future.result(20)
    assert isinstance(work, Asset)
    order = ExportJob(PictureStyle(ground="colour"), ("64", "128"))
    values = {"source": work.id, "order": order_to_json(order), "to": str(to), "name": "Fox", **changes}
    return ExportRequest(**values)


def test_every_task_of_the_lane_has_words_for_the_queue_and_round_trips(tmp_path: Path) -> None:
    requests = [
        ModelImportRequest(path=str(tmp_path / "fox"), target="story", licence="mit", accept_licence=True),
        ModelGetRequest(offer="smollm2-135m-instruct"),
        ModelScanRequest(folders=(ImportPath(path=str(tmp_path / "fox")),), usual=False),
        ModelLinkRequest(path=str(tmp_path / "fox"), program="Ollama", name="Fox"),
        ModelMoveRequest(id="fox", folder=str(tmp_path / "disk")),
        imported(tmp_path / "a.png", tmp_path / "b.png"),
        ExportRequest(source="x", order="{}", to=str(tmp_path), name="Fox"),
    ]
    assert [type(request) for request in requests] == [task.request for task in TASKS]
    for request in requests:
        assert Request.from_json(request.to_json()) == request
        assert request.title
        assert request.icon
        assert request.subject
    assert {task.lane for task in TASKS} == {"io"}


def test_a_model_is_imported_with_progress_in_bytes(studio: Studio, tmp_path: Path) -> None:
    seen: list[Progress] = []
    news: list[str] = []

    def listen(one: Any) -> None:
        news.append(one.kind)
        if one.job is not None:
            seen.append(one.job.progress)

    studio.subscribe(listen)
    job = studio.submit(ModelImportRequest(path=str(model_folder(tmp_path / "fox"))))
    (model,) = job.future.result(20)
    assert isinstance(model, Model)
    assert studio.catalog.get(model.id) == model
    assert model.medium == "story"
    assert "models" in news
    copied = [progress for progress in seen if progress.unit == "B"]
    assert copied
    assert copied[-1].done == copied[-1].total > 2400
    assert seen[0].stage == "starting"


def test_a_model_whose_licence_is_not_accepted_says_so(studio: Studio, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "fox", "openrail")
    job = studio.submit(ModelImportRequest(path=str(folder)))
    assert "may limit" in str(fakes.ended(job))
    again = studio.submit(ModelImportRequest(path=str(folder), accept_licence=True))
    assert again.future.result(20)


def test_a_cancelled_model_import_leaves_nothing(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = threading.Event()
    real = Catalog.import_

    def slowly(self: Catalog, *args: Any, report: Any, **how: Any) -> Model:
        def late(done: int, total: int) -> None:
            copying.set()
            fakes.until(lambda: job.cancelling)
            report(done, total)

        return real(self, *args, report=late, **how)

    monkeypatch.setattr(Catalog, "import_", slowly)
    before = [model.id for model in studio.catalog.models()]
    job = studio.submit(ModelImportRequest(path=str(model_folder(tmp_path / "fox"))))
    assert copying.wait(10)
    studio.queue.cancel(job.id)
    assert isinstance(fakes.ended(job), Cancelled)
    studio.catalog.refresh()
    assert [model.id for model in studio.catalog.models()] == before


def test_files_and_folders_are_imported_and_what_cannot_be_read_is_named(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    picture(folder / "a.png", 1)
    picture(folder / "deep" / "b.png", 2)
    picture(folder / ".hidden.png", 3)
    (folder / "notes.xyz").write_text("not asked for")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    job = studio.submit(imported(picture(tmp_path / "c.png", 4), folder, broken, tmp_path / "gone.png"))
    (result,) = job.future.result(20)
    assert isinstance(result, ImportedFiles)
    assert [work.title for work in result.works] == ["c", "a", "b"]
    assert [name for name, _ in result.failed] == ["broken.png", "gone.png"]
    assert studio.library.count() == 3
    assert job.progress.stage == "saving"


def test_what_an_import_guessed_is_said(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("昔々あるところに".encode("cp932"))
    (result,) = studio.submit(imported(tmp_path / "old.txt")).future.result(20)
    assert [str(said).split(";")[0] for said in result.warnings] == [
        "old.txt is not in UTF-8. It is read as Japanese (Shift JIS)"
    ]


def test_a_pasted_file_is_deleted_after_its_import(studio: Studio, tmp_path: Path) -> None:
    pasted, own = tmp_path / "pasted-1" / "a.png", tmp_path / "own" / "b.png"
    picture(pasted, 1)
    picture(own, 2)
    (got,) = studio.submit(imported(pasted, own, temporary=True)).future.result(30)
    assert [work.title for work in got.works] == ["a", "b"]
    assert all(work.path.exists() for work in got.works)
    assert not pasted.parent.exists()
    assert own.exists(), "nobody's own folder is deleted, whatever a queue file says"


def test_a_pasted_file_stays_where_its_import_failed(studio: Studio, tmp_path: Path) -> None:
    good, broken = picture(tmp_path / "pasted-1" / "a.png"), tmp_path / "pasted-2" / "b.png"
    broken.parent.mkdir()
    broken.write_bytes(b"no picture")
    (got,) = studio.submit(imported(good, broken, temporary=True)).future.result(30)
    assert [name for name, _ in got.failed] == ["b.png"]
    assert not good.parent.exists()
    assert broken.exists()


def test_a_cancelled_import_keeps_what_it_has(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = studio.library.import_file

    def then_cancel(path: Path, *_told: object) -> Asset:
        made = real(path)
        studio.queue.cancel(job.id)
        return made

    monkeypatch.setattr(studio.library, "import_file", then_cancel)
    paths = [picture(tmp_path / f"{shade}.png", shade) for shade in range(3)]
    job = studio.submit(imported(*paths))
    error = fakes.ended(job)
    assert isinstance(error, Cancelled)
    (kept,) = error.assets
    assert isinstance(kept, ImportedFiles)
    assert [work.title for work in kept.works] == ["0"]
    assert studio.library.count() == 1


def test_a_cancelled_import_leaves_the_pasted_file_for_the_next_try(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pasted = picture(tmp_path / "pasted-1" / "a.png")

    def cancelled(_path: Path, *_told: object) -> Asset:
        raise Cancelled

    with monkeypatch.context() as patch:
        patch.setattr(studio.library, "import_file", cancelled)
        job = studio.submit(imported(pasted, temporary=True))
        assert isinstance(fakes.ended(job), Cancelled)
    again = studio.queue.retry(job.id)
    assert [work.title for work in again.future.result(20)[0].works] == ["a"]
    assert not pasted.parent.exists()


def test_a_picture_is_exported_to_a_folder_and_a_zip(studio: Studio, tmp_path: Path) -> None:
    job = studio.submit(an_export(studio, tmp_path / "out"))
    (made,) = job.future.result(20)
    assert isinstance(made, ExportedFiles)
    assert made == ExportedFiles(tmp_path / "out" / "Fox", 2)
    assert sorted(path.name for path in made.path.iterdir()) == ["Fox-128.png", "Fox-64.png"]
    (packed,) = studio.submit(an_export(studio, tmp_path / "fox.zip")).future.result(20)
    assert packed == ExportedFiles(tmp_path / "fox.zip", 2)
    (ground,) = studio.submit(STORY(seed=2)).future.result(20)
    wrong = studio.submit(an_export(studio, tmp_path / "out", behind=ground.id))
    assert "is not a picture" in str(fakes.ended(wrong))
    damaged = studio.submit(an_export(studio, tmp_path / "out", order='{"style": 3}'))
    assert isinstance(fakes.ended(damaged), BadInput)


def test_a_cancelled_export_leaves_nothing(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = an_export(studio, tmp_path / "out")
    real = writer.write_files

    def slowly(files: Any, to: Path, name: str, hear: Any) -> Path:
        def late(done: int) -> None:
            fakes.until(lambda: job.cancelling)
            hear(done)

        return real(files, to, name, late)

    monkeypatch.setattr(writer, "write_files", slowly)
    job = studio.submit(request)
    fakes.until(lambda: job.progress.stage == "exporting")
    studio.queue.cancel(job.id)
    assert isinstance(fakes.ended(job), Cancelled)
    assert not (tmp_path / "out").exists()


def test_io_runs_beside_the_device_and_in_a_paused_queue(studio: Studio, tmp_path: Path) -> None:
    request = an_export(studio, tmp_path / "out")
    slow = studio.submit(STORY(seed=fakes.SLOW))
    fakes.until(lambda: slow.state == "running")
    studio.queue.pause(True)
    assert studio.submit(request).future.result(20)
    assert studio.submit(imported(picture(tmp_path / "a.png"))).future.result(20)
    assert slow.state == "running"
    assert studio.queue.seconds_left(studio.submit(request)) is None
    studio.queue.cancel(slow.id)


def test_jobs_of_one_kind_run_one_after_the_other(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[int] = []
    going = threading.Semaphore(0)
    real = studio.library.import_file

    def counted(path: Path, *_told: object) -> Asset:
        running.append(sum(job.state == "running" for job in jobs))
        assert going.acquire(timeout=10)
        return real(path)

    monkeypatch.setattr(studio.library, "import_file", counted)
    jobs: list[Job] = []
    jobs += [studio.submit(imported(picture(tmp_path / f"{shade}.png", shade))) for shade in range(3)]
    beside = studio.submit(ModelImportRequest(path=str(model_folder(tmp_path / "fox"))))
    assert beside.future.result(20), "another kind runs beside them"
    going.release(3)
    for job in jobs:
        job.future.result(20)
    assert running[1:] == [1, 1]


def test_an_import_that_waited_or_ran_is_there_after_a_restart(home: Path, tmp_path: Path) -> None:
    store = QueueStore(home / "state" / "queue.sqlite")
    path = picture(tmp_path / "a.png")
    ran = QueueEntry("a", imported(path), (), "running")
    store.replace([ran, QueueEntry("b", ModelImportRequest(path=str(model_folder(tmp_path / "fox"))))])
    store.close()
    studio = fake_studio(home)
    try:
        assert studio.queue.interrupted == [ran]
        (waited,) = studio.queue.jobs()
        assert waited.id == "b"
        assert waited.future.result(20)
        (result,) = studio.queue.resume(ran).future.result(20)
        assert [work.title for work in result.works] == ["a"]
    finally:
        studio.close()


@contextmanager
def import_taken_up(home: Path) -> Iterator[tuple[Studio, tuple[Asset, ...]]]:
    """The next start of a studio that was closed in an import: the import is offered, goes on and ends."""
    studio = fake_studio(home)
    try:
        (entry,) = studio.queue.interrupted
        (result,) = studio.queue.resume(entry).future.result(20)
        yield studio, result.works
    finally:
        studio.close()


def test_closing_ends_an_import_and_offers_it_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake_studio(home)
    real, started = studio.library.import_file, threading.Event()

    def slowly(path: Path, *_told: object) -> Asset:
        started.set()
        fakes.until(lambda: job.cancelling)
        return real(path)

    monkeypatch.setattr(studio.library, "import_file", slowly)
    job = studio.submit(imported(*(picture(tmp_path / f"{shade}.png", shade) for shade in range(3))))
    assert started.wait(10)
    studio.close()
    assert job.state == "cancelled"
    with import_taken_up(home) as (again, works):
        assert len(works) == 3
        assert again.library.count() == 3, "what was imported before is not there twice"


def test_closing_leaves_an_import_behind_whose_disk_does_not_answer(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.jobs.lane.CLOSE_TIMEOUT", 0.05)
    monkeypatch.setattr("studio.jobs.lane.ABANDON_TIMEOUT", 0.05)
    studio = fake_studio(home)
    started, answer = threading.Event(), threading.Event()

    def hang(_path: Path, *_told: object) -> Asset:
        started.set()
        assert answer.wait(60)
        raise StudioError("The disk does not answer.")

    monkeypatch.setattr(studio.library, "import_file", hang)
    job = studio.submit(imported(picture(tmp_path / "a.png")))
    try:
        assert started.wait(10)
        studio.close()
        assert job.state == "running"
        with import_taken_up(home) as (_, works):
            assert [work.title for work in works] == ["a"]
    finally:
        answer.set()
        fakes.ended(job)


def test_a_full_disk_is_said_with_a_way_out(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studio.export.writer.write_synced", full)
    error = fakes.ended(studio.submit(an_export(studio, tmp_path / "out")))
    assert isinstance(error, StudioError)
    assert error.mend


def test_a_model_that_is_fetched_is_checked_then() -> None:
    def get(_offer: object, report: Callable[[int, int], object], **_: object) -> str:
        for done, total in ((0, 0), (1, 2), (2, 2)):
            report(done, total)
        return "model"

    told: list[Progress] = []
    context: Any = SimpleNamespace(catalog=SimpleNamespace(get_offered=get), changed=lambda _kind: None)
    request = ModelGetRequest(offer="realesrgan-x4plus", accept_licence=True)
    assert ModelGetEngine(context).run(request, told.append) == ["model"]
    assert [(each.stage, each.done) for each in told] == [("fetching", 0), ("fetching", 1), ("checking", 2)]
