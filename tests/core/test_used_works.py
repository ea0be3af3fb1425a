"""Works that requests use: named by id and sha256, found again where they have moved, missed by their id."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from studio.documents.document import Document, listing
from studio.errors import BadInput, StudioError
from studio.export.task import ExportRequest
from studio.jobs import leftovers
from studio.jobs.io.imports import ImportPath, WorkImportRequest
from studio.jobs.job import Cancelled, Report
from studio.jobs.leftovers import sweep
from studio.jobs.make_again import request_to_repeat, works_to_repeat
from studio.library.library import Asset, Library
from studio.library.used_works import UNUSED_SECONDS, UsedWorks, demand_kind
from studio.media import codecs
from studio.media.payloads import Image, Payload
from studio.media.provenance import ModelOrigin, Provenance
from studio.models.installed import STAGING
from studio.models.resources import Resources
from studio.schema.fields import ModelId, WorkKey, WorkRef, field
from studio.schema.nested import ListOf, NestedRequest, Record, models_by_role, works_of
from studio.schema.presets import Presets
from studio.schema.request import Request
from studio.studio import Studio
from studio.system import storage
from studio.system.paths import AppPaths
from tests import fakes
from tests.core.test_document_migration import old_folder
from tests.studios import fake_studio


@dataclass(frozen=True)
class Layer(Record):
    mask: WorkKey = field("", WorkRef(label="Mask", help="What is changed."))


@dataclass(frozen=True, kw_only=True)
class Retouch(Request):
    kind = "retouch-of-tests"
    medium = "poster"

    picture: WorkKey = field("", WorkRef(label="Picture", help="What is changed."))
    layers: tuple[Layer, ...] = field((), ListOf(label="Layers", help="Masks.", of=Layer))
    before: str = field("", NestedRequest(label="Before", help="An earlier step.", kind="retouch-of-tests"))
    lora: str = field("", ModelId(label="LoRA", help="An addition to the model.", role="lora"))


@pytest.fixture(autouse=True)
def kinds() -> Iterator[None]:
    yield
    Request.kinds.setdefault("retouch-of-tests", Retouch)


@pytest.fixture(autouse=True)
def sweeps_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "START_DELAY", 0.0)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "library")
    yield opened
    opened.close()


def picture(path: Path, shade: int = 9) -> Path:
    from PIL import Image as Picture

    Picture.new("RGB", (16, 16), (shade, shade, shade)).save(path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_work_of_the_library_is_named_by_its_id_and_its_bytes(library: Library, tmp_path: Path) -> None:
    work = library.import_file(picture(tmp_path / "a.png"))
    used = UsedWorks(library)
    for given in (work.id, str(work.path), str(tmp_path / "a.png")):
        named = used.kept(Retouch(picture=given))  # type: ignore[arg-type]
        assert named.picture == WorkKey(id=work.id, sha256=work.sha256)
        assert used.files(named) == {work.sha256: work.path}
        assert str(tmp_path) not in json.dumps(named.to_json())


def test_a_file_that_is_no_work_is_kept_by_its_bytes(library: Library, tmp_path: Path) -> None:
    brought = picture(tmp_path / "mine.PNG")
    used = UsedWorks(library)
    named = used.kept(Retouch(picture=str(brought)))  # type: ignore[arg-type]
    digest = sha256(brought)
    assert named.to_json()["picture"] == {"sha256": digest}
    brought.unlink()
    (kept,) = used.files(named).values()
    assert kept == library.folder / "sources" / f"{digest}.png"
    assert sha256(kept) == digest
    assert used.kept(named) == named
    assert library.count() == 0
    assert library.verify() == []


@pytest.mark.parametrize(
    ("takes", "good", "bad", "said"),
    [
        ("picture", "a.GIF", "a.wav", "a.wav is not a picture. Guide takes PNG, JPG, "),
        ("picture", "a.mp4", "a", "a is not a picture. Guide takes PNG, JPG, "),
        ("sound", "a.flac", "a.txt", "a.txt is not a sound. Guide takes WAV, FLAC, OGG, MP3."),
        ("text", "a.md", "a.png", "a.png is not a text. Guide takes MD, TXT."),
    ],
)
def test_a_field_takes_files_of_its_kind(takes: Any, good: str, bad: str, said: str) -> None:
    guide = WorkRef(label="Guide", help="What guides it.", takes=takes)
    demand_kind(guide, Path(good), good)
    with pytest.raises(BadInput) as refused:
        demand_kind(guide, Path(bad), bad)
    assert str(refused.value).startswith(said)


def test_what_a_field_does_not_take_is_refused_by_the_name_that_people_know(library: Library, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Once.", encoding="utf-8")
    work = library.import_file(tmp_path / "note.txt")
    mine = tmp_path / "mine.txt"
    mine.write_text("Twice.", encoding="utf-8")
    for key, name in ((WorkKey(id=work.id), "note"), (WorkKey(work.id, work.sha256), "note"), (mine, "mine.txt")):
        used = Layer(mask=str(key)) if key == mine else Layer(mask=key)  # type: ignore[arg-type]
        for request in (Retouch(picture=used.mask), Retouch(layers=(used,))):
            with pytest.raises(BadInput, match=f"^{name} is not a picture. (Picture|Mask) takes PNG, "):
                UsedWorks(library).found(request)
            outer = Retouch(before=request)  # type: ignore[arg-type]
            with pytest.raises(BadInput, match=f"^{name} is not a picture"):
                UsedWorks(library).found(outer)


def test_a_damaged_file_is_refused_by_its_own_name_and_not_copied(library: Library, tmp_path: Path) -> None:
    torn = tmp_path / "torn.png"
    torn.write_bytes(picture(tmp_path / "a.png").read_bytes()[:40])
    named = UsedWorks(library).found(Retouch(picture=str(torn)))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"^torn\.png is damaged"):
        UsedWorks(library).kept(named)
    assert not (library.folder / "sources").exists()


def test_a_damaged_copy_is_found_and_mended_by_its_original(library: Library, tmp_path: Path) -> None:
    request, source = a_source(library, tmp_path)
    source.write_bytes(b"damaged")
    (problem,) = library.verify()
    assert (problem.kind, problem.path) == ("changed", f"sources/{source.name}")
    assert str(problem.hint) == "Delete it, and import the original file."
    source.unlink()
    with pytest.raises(BadInput, match=f"{source.stem[:12]} that this uses is not in the library"):
        UsedWorks(library).files(request)
    work = library.import_file(tmp_path / "a.png")
    assert list(UsedWorks(library).files(request).values()) == [work.path]
    assert library.verify() == []


def test_works_are_found_after_the_library_has_moved(tmp_path: Path) -> None:
    before = Library(tmp_path / "before")
    work = before.import_file(picture(tmp_path / "a.png", 1))
    named = UsedWorks(before).kept(
        Retouch(picture=work.id, layers=(Layer(mask=str(picture(tmp_path / "b.png", 2))),))  # type: ignore[arg-type]
    )
    before.close()
    shutil.move(tmp_path / "before", tmp_path / "after")
    with_json = Request.from_json(json.loads(json.dumps(named.to_json())))
    assert with_json == named
    after = Library(tmp_path / "after")
    files = UsedWorks(after).files(with_json)
    assert [path.is_relative_to(tmp_path / "after") for path in files.values()] == [True, True]
    assert {name: sha256(path) for name, path in files.items()} == {name: name for name in files}
    after.close()


def test_a_work_under_another_id_is_found_by_its_bytes(library: Library, tmp_path: Path) -> None:
    work = library.import_file(picture(tmp_path / "a.png"))
    elsewhere = Retouch(picture={"id": "20200101-000000-00000000", "sha256": work.sha256})  # type: ignore[arg-type]
    assert list(UsedWorks(library).files(elsewhere).values()) == [work.path]


@pytest.mark.parametrize("given", ["20200101-000000-00000000", {"id": "20200101-000000-00000000", "sha256": "ab" * 32}])
def test_a_missing_work_is_named(library: Library, given: Any) -> None:
    with pytest.raises(BadInput, match="20200101-000000-00000000 that this uses is not in the library") as caught:
        UsedWorks(library).kept(Retouch(picture=given))
    assert "Import its file again" in caught.value.hint


def test_a_missing_file_is_named(library: Library, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.png does not exist"):
        UsedWorks(library).kept(Retouch(picture=str(tmp_path / "nothing.png")))  # type: ignore[arg-type]


def test_works_of_rows_and_of_requests_within_are_found(tmp_path: Path) -> None:
    ids = [f"20200101-000000-0000000{number}" for number in range(3)]
    inner = Retouch(picture=ids[2])  # type: ignore[arg-type]
    outer = Retouch(picture=ids[0], layers=(Layer(mask=ids[1]),), before=inner)  # type: ignore[arg-type]
    assert [key.id for key in works_of(outer)] == ids


def test_an_old_path_is_read_and_written_as_it_was() -> None:
    old = {"kind": "avatar.project", "picture": "/somewhere/face.png"}
    again = Request.from_json(old)
    assert again.to_json()["picture"] == "/somewhere/face.png"
    assert Request.from_json(again.to_json()) == again
    assert Request.from_json({"kind": "avatar.project", "picture": ""}).to_json()["picture"] == ""


def test_models_are_named_by_what_they_are_used_for() -> None:
    assert models_by_role(Retouch(model="base", lora="inks")) == {"": "base", "lora": "inks"}
    assert models_by_role(Retouch()) == {}


class Recorder:
    """Records what it was loaded with and where the works of its requests lie."""

    loaded: ClassVar[list[Resources]] = []
    asked: ClassVar[list[Retouch]] = []

    def load(self, resources: Resources, report: Report) -> None:
        Recorder.loaded.append(resources)

    def close(self) -> None: ...

    def run(self, request: Request, report: Report) -> list[Payload]:
        assert isinstance(request, Retouch)
        Recorder.asked.append(request)
        assert all(Path(key.path).is_file() for key in works_of(request))
        return [Image(np.full((8, 8, 3), request.seed, np.uint8))]


@pytest.fixture
def retoucher(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A studio that takes `Retouch`."""
    monkeypatch.setattr(Recorder, "loaded", [])
    monkeypatch.setattr(Recorder, "asked", [])
    studio = fake_studio(home)
    poster = studio.media["poster"]
    task = dataclasses.replace(poster.default_task, request=Retouch, engine=f"{__name__}:Recorder")
    studio.media["poster"] = dataclasses.replace(poster, tasks=(*poster.tasks, task))
    yield studio
    studio.close()


def add_lora(studio: Studio, sha256: str = "aa" * 32) -> None:
    lora = studio.paths.models / "inks"
    lora.mkdir(parents=True)
    text = f'medium = "poster"\nfamily = "lora"\nlicence = "mit"\nsha256 = "{sha256}"\n'
    (lora / "model.toml").write_text(text, encoding="utf-8")


def test_an_engine_gets_models_by_role_and_works_as_files(retoucher: Studio, tmp_path: Path) -> None:
    add_lora(retoucher)
    brought = str(picture(tmp_path / "a.png"))
    job = retoucher.submit(Retouch(picture=brought, lora="inks", seed=3))  # type: ignore[arg-type]
    (asset,) = job.future.result(20)
    retoucher.submit(Retouch(picture=brought, seed=4)).future.result(20)  # type: ignore[arg-type]
    retoucher.submit(Retouch(seed=5, lora="inks")).future.result(20)
    assert [sorted(each.models) for each in Recorder.loaded] == [["", "lora"], [""]], "another set is another engine"
    assert [each.seed for each in Recorder.asked] == [3, 4, 5]
    assert asset.request["picture"] == {"sha256": sha256(Path(brought))}
    assert str(tmp_path) not in json.dumps(asset.request)
    assert asset.request["lora"] == "inks"
    assert asset.provenance.models == {"lora": ModelOrigin("inks", "lora", "mit", "aa" * 32)}
    note = codecs.read_note(asset.path)
    assert note is not None
    assert note["provenance"]["models"]["lora"]["sha256"] == "aa" * 32


def test_the_studio_takes_no_file_of_another_kind(retoucher: Studio, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("Once.", encoding="utf-8")
    wrong, right = Retouch(picture=str(note)), Retouch(picture=str(picture(tmp_path / "a.png")))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"^note\.txt is not a picture. Picture takes PNG"):
        retoucher.submit(wrong)
    with pytest.raises(BadInput, match=r"^note\.txt is not a picture. Picture takes PNG"):
        retoucher.submit_group([right, wrong], "batch")
    assert retoucher.queue.jobs() == []


def test_what_a_field_does_not_take_is_not_made_again(retoucher: Studio, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("Once.", encoding="utf-8")
    note = retoucher.library.import_file(tmp_path / "note.txt")
    made = Image(np.zeros((8, 8, 3), np.uint8))
    add = functools.partial(retoucher.library.add, made, medium="poster", provenance=Provenance())
    right = add(request=Retouch(seed=1).to_json())
    wrong = add(request=Retouch(seed=2, picture=WorkKey(note.id, note.sha256)).to_json())
    found = works_to_repeat([wrong, right], retoucher.catalog, retoucher.library, vary=False)
    assert [request.seed for request in found.requests] == [1]
    assert [error.message for error in found.errors] == ["note is not a picture."]


def repeated(studio: Studio, work: Asset) -> Request:
    request = Request.from_json(work.request)
    return request_to_repeat(request, work.provenance, studio.catalog, studio.library)


def test_a_work_is_made_again_with_models_that_have_other_ids_now(retoucher: Studio) -> None:
    add_lora(retoucher)
    (work,) = retoucher.submit(Retouch(lora="inks")).future.result(20)
    assert repeated(retoucher, work) == Request.from_json(work.request)
    (retoucher.paths.models / "inks").rename(retoucher.paths.models / "inks-2")
    again = repeated(retoucher, work)
    assert isinstance(again, Retouch)
    assert again.lora == "inks-2"
    add_lora(retoucher, "bb" * 32)
    assert repeated(retoucher, work) == again, "the weights say which it is, whatever has its id now"
    shutil.rmtree(retoucher.paths.models / "inks-2")
    assert repeated(retoucher, work) == Request.from_json(work.request), "other weights of that id are better than none"


def test_what_a_work_was_made_with_and_is_missing_is_named(retoucher: Studio, tmp_path: Path) -> None:
    add_lora(retoucher)
    base = retoucher.library.import_file(picture(tmp_path / "a.png", 1))
    mask = picture(tmp_path / "b.png", 2)
    request = Retouch(picture=base.id, layers=(Layer(mask=str(mask)),), lora="inks")  # type: ignore[arg-type]
    (work,) = retoucher.submit(request).future.result(20)
    retoucher.library.bin([base.id])
    repeated(retoucher, work)  # what is in the bin is still there
    retoucher.library.delete([base.id])
    (retoucher.library.folder / "sources" / f"{sha256(mask)}.png").unlink()
    shutil.rmtree(retoucher.paths.models / "inks")
    with pytest.raises(BadInput) as caught:
        repeated(retoucher, work)
    lora, first, second = "aa" * 6, base.sha256[:12], sha256(mask)[:12]
    assert caught.value.message == (
        f"What this request needs is missing: LoRA inks (sha256 {lora}), Picture {base.id} (sha256 {first}),"
        f" Mask (sha256 {second})."
    )
    assert caught.value.mend == "models"


def test_a_job_can_use_the_work_of_an_import(retoucher: Studio, tmp_path: Path) -> None:
    brought = WorkImportRequest(paths=(ImportPath(path=str(picture(tmp_path / "a.png"))),))
    imported = retoucher.submit(brought)
    job = retoucher.submit(Retouch(), after={imported.id: "picture"})
    job.future.result(20)
    (work,) = imported.future.result(20)[0].works
    assert isinstance(job.request, Retouch)
    assert job.request.picture == WorkKey(id=work.id, sha256=work.sha256)


def test_a_model_of_a_role_that_is_not_there_is_named(retoucher: Studio) -> None:
    with pytest.raises(BadInput, match="There is no model 'inks'"):
        retoucher.submit(Retouch(lora="inks"))


def test_submitting_does_not_wait_for_a_file_to_be_copied(
    retoucher: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted, copy = threading.Event(), storage.copy

    def later(*given: Any) -> None:
        assert submitted.wait(20)
        copy(*given)

    monkeypatch.setattr(storage, "copy", later)
    job = retoucher.submit(Retouch(picture=str(picture(tmp_path / "a.png"))))  # type: ignore[arg-type]
    submitted.set()
    job.future.result(20)
    assert isinstance(job.request, Retouch)
    assert job.request.picture == WorkKey(sha256=sha256(tmp_path / "a.png"))


def test_a_file_that_is_gone_when_its_job_starts_is_named(retoucher: Studio, tmp_path: Path) -> None:
    brought = picture(tmp_path / "a.png")
    retoucher.queue.pause(True)
    job = retoucher.submit(Retouch(picture=str(brought)))  # type: ignore[arg-type]
    brought.unlink()
    retoucher.queue.pause(False)
    assert re.search(r"a\.png does not exist", str(fakes.ended(job)))


def test_a_copy_can_be_cancelled_and_leaves_nothing(
    retoucher: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = storage.copy

    def cancelled(source: Path, target: Path, on_chunk: Callable[[int], object]) -> None:
        retoucher.queue.cancel(job.id)
        copy(source, target, on_chunk)

    monkeypatch.setattr(storage, "copy", cancelled)
    retoucher.queue.pause(True)
    job = retoucher.submit(Retouch(picture=str(picture(tmp_path / "a.png"))))  # type: ignore[arg-type]
    retoucher.queue.pause(False)
    assert isinstance(fakes.ended(job), Cancelled)
    assert list((retoucher.library.folder / "sources").iterdir()) == []


def test_a_file_that_changes_while_it_is_copied_is_refused(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(_source: Path, target: Path, _on_chunk: object) -> None:
        target.write_bytes(b"other")

    monkeypatch.setattr(storage, "copy", changed)
    with pytest.raises(StudioError, match=r"a\.png was changed while it was copied"):
        UsedWorks(library).kept(Retouch(picture=str(picture(tmp_path / "a.png"))))  # type: ignore[arg-type]
    assert list((library.folder / "sources").iterdir()) == []


def test_a_work_of_the_library_is_not_copied(library: Library, tmp_path: Path) -> None:
    work = library.import_file(picture(tmp_path / "a.png"))
    kept = UsedWorks(library).kept(Retouch(picture=str(work.path)))  # type: ignore[arg-type]
    assert kept.picture == WorkKey(id=work.id, sha256=work.sha256)
    assert not (library.folder / "sources").exists()


LATER = time.time() + UNUSED_SECONDS + 86_400
Keeper = Callable[[AppPaths, Library, Retouch], Sequence[Request]]


def kept_by_a_work(_paths: AppPaths, library: Library, request: Retouch) -> Sequence[Request]:
    made = Image(np.zeros((8, 8, 3), np.uint8))
    library.add(made, medium="poster", request=request.to_json(), provenance=Provenance())
    return []


def kept_by_a_work_made_from_another_request(_paths: AppPaths, library: Library, request: Retouch) -> Sequence[Request]:
    made, outer = Image(np.zeros((8, 8, 3), np.uint8)), Retouch(before=Retouch(before=request))  # type: ignore[arg-type]
    library.add(made, medium="poster", request=outer.to_json(), provenance=Provenance())
    return []


def kept_by_a_work_in_the_bin(paths: AppPaths, library: Library, request: Retouch) -> Sequence[Request]:
    kept_by_a_work(paths, library, request)
    library.bin(library.ids())
    return []


def kept_by_a_work_of_a_newer_studio(paths: AppPaths, library: Library, request: Retouch) -> Sequence[Request]:
    kept_by_a_work(paths, library, request)
    (work,) = library.page()
    sidecar = work.path.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text("utf-8")) | {"schema": 99}), "utf-8")
    library.rebuild()
    assert library.count() == 0
    return []


def kept_by_a_work_that_is_added(_paths: AppPaths, library: Library, request: Retouch) -> Sequence[Request]:
    note = library.folder / "staging" / "20200101-000000-00000000.json"
    note.write_text(json.dumps({"request": request.to_json()}), "utf-8")
    return []


def kept_by_a_waiting_job(_paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    return [Retouch(before=request)]  # type: ignore[arg-type]


def kept_by_a_preset(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    Presets(paths.config / "presets").save("Inks", request)
    return []


def kept_by_a_document(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    with Document.create(paths.documents, "book", "Book", {"pages": []}) as book:
        book.edit({"pages": [request.to_json()]})
    return []


def kept_by_the_draft_of_a_text(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    with Document.create(paths.documents / "texts" / "work", "text", "Text", {"text": ""}) as draft:
        draft.edit({"text": "", "picture": request.to_json()["picture"]})
    return []


def kept_by_a_version_of_a_document(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    with Document.create(paths.documents, "book", "Book", {"page": request.to_json()}) as book:
        book.save_version("first")
        book.edit({"page": {}})
    return []


def kept_by_a_document_of_an_earlier_studio(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    old_folder(paths.documents, ["page"]).edit(content={"page": request.to_json()})
    return []


def kept_by_undo_in_a_document(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    with Document.create(paths.documents, "book", "Book", {"page": request.to_json()["picture"]}) as book:
        near = request.picture.sha256[:-1] + ("0" if request.picture.sha256[-1] != "0" else "1")
        book.edit({"page": {"sha256": near}})
        book.edit({"page": {}})
    return []


def kept_by_redo_in_a_document(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    with Document.create(paths.documents, "book", "Book", {"page": {}}) as book:
        book.edit({"page": request.to_json()})
        book.undo()
    return []


def kept_by_the_window(paths: AppPaths, _library: Library, request: Retouch) -> Sequence[Request]:
    paths.state.mkdir(parents=True, exist_ok=True)
    (paths.state / "window.json").write_text(json.dumps({"recent": [request.to_json()]}), "utf-8")
    return []


def a_source(library: Library, folder: Path) -> tuple[Retouch, Path]:
    """A request that names a copy of a file by its bytes, and the copy."""
    used = UsedWorks(library)
    request = used.kept(Retouch(picture=str(picture(folder / "a.png"))))  # type: ignore[arg-type]
    (source,) = used.files(request).values()
    return request, source


@pytest.mark.parametrize(
    "keep",
    [
        kept_by_a_work,
        kept_by_a_work_made_from_another_request,
        kept_by_a_work_in_the_bin,
        kept_by_a_work_of_a_newer_studio,
        kept_by_a_work_that_is_added,
        kept_by_a_waiting_job,
        kept_by_a_preset,
        kept_by_a_document,
        kept_by_the_draft_of_a_text,
        kept_by_a_version_of_a_document,
        kept_by_a_document_of_an_earlier_studio,
        kept_by_undo_in_a_document,
        kept_by_redo_in_a_document,
        kept_by_the_window,
    ],
)
def test_a_copy_stays_while_something_names_it(home: Path, library: Library, tmp_path: Path, keep: Keeper) -> None:
    paths = AppPaths.under(home)
    request, source = a_source(library, tmp_path)
    other = library.folder / "sources" / f"{'0' * 64}.png"
    other.write_bytes(b"nobody's")
    requests = keep(paths, library, request)
    sweep(paths, UsedWorks(library), requests, now=LATER)
    assert source.is_file()
    assert not other.exists()


def test_a_copy_that_a_studio_names_stays_for_another_one_with_the_same_library(
    home: Path, library: Library, tmp_path: Path
) -> None:
    request, source = a_source(library, tmp_path)
    sweep(AppPaths.under(home), UsedWorks(library), kept_by_a_preset(AppPaths.under(home), library, request), now=LATER)
    sweep(AppPaths.under(tmp_path / "another"), UsedWorks(library), [], now=LATER)
    assert source.is_file()


def test_a_copy_that_was_used_lately_stays(home: Path, library: Library, tmp_path: Path) -> None:
    request, source = a_source(library, tmp_path)
    os.utime(source, (0, 0))
    UsedWorks(library).files(request)
    sweep(AppPaths.under(home), UsedWorks(library), [])
    assert source.is_file(), "a job of another studio may use it"
    os.utime(source, (0, 0))
    sweep(AppPaths.under(home), UsedWorks(library), [])
    assert not source.exists()


@pytest.mark.parametrize("place", ["book", "texts/tale/draft"])
def test_no_copy_is_removed_where_a_document_cannot_be_read(
    home: Path, library: Library, tmp_path: Path, place: str
) -> None:
    paths = AppPaths.under(home)
    _, source = a_source(library, tmp_path)
    (paths.documents / place).mkdir(parents=True)
    (paths.documents / place / "document.sqlite").write_bytes(b"damaged" * 1000)
    sweep(paths, UsedWorks(library), [], now=LATER)
    assert source.is_file()


def test_no_copy_is_removed_where_an_edit_of_a_document_is_damaged(
    home: Path, library: Library, tmp_path: Path
) -> None:
    paths = AppPaths.under(home)
    _, source = a_source(library, tmp_path)
    with Document.create(paths.documents, "book", "Book", {}) as book:
        book.edit({"page": 1})
    with contextlib.closing(sqlite3.connect(book.folder / "document.sqlite")) as database:
        assert database.execute("UPDATE edits SET changes = ?", (b"{}",)).rowcount == 1
        database.commit()
    sweep(paths, UsedWorks(library), [], now=LATER)
    assert source.is_file()


def test_no_copy_is_removed_once_the_studio_closes(home: Path, library: Library, tmp_path: Path) -> None:
    paths = AppPaths.under(home)
    _, source = a_source(library, tmp_path)
    sweep(paths, UsedWorks(library), [Retouch()], lambda: True, now=LATER)
    assert source.is_file()


def test_what_killed_copies_and_exports_left_is_removed_and_what_runs_stays(
    home: Path, library: Library, tmp_path: Path
) -> None:
    sources, out = library.folder / "sources", tmp_path / "out"
    for folder in (sources, out):
        folder.mkdir()
    dead = [sources / ".copying-0a", out / ".export-0a", home / "documents" / "drafts" / "one"]
    for folder in dead:
        folder.mkdir(parents=True)
    (dead[0] / "half.png").write_bytes(b"half")
    (dead[2] / ".document.sqlite.part").write_bytes(b"half")
    Document.create(home / "documents" / "drafts", "draft", "Whole").close()
    requests = [ExportRequest(to=str(out)), ExportRequest(to=str(out / "all.zip")), Retouch()]
    with storage.staging(sources, ".copying-") as copying, storage.staging(out, ".export-") as exporting:
        sweep(AppPaths.under(home), UsedWorks(library), requests)
        assert copying.exists()
        assert exporting.exists()
    assert not any(folder.exists() for folder in dead)
    assert [each.title for each in listing(home / "documents" / "drafts")] == ["Whole"]


def test_what_an_older_studio_left_of_a_copy_is_removed(home: Path, library: Library) -> None:
    part = library.folder / "sources" / f".{'0' * 64}.png.123-456.part"
    part.parent.mkdir()
    part.write_bytes(b"half")
    sweep(AppPaths.under(home), UsedWorks(library), [], now=LATER)
    assert not part.exists()


def until_swept() -> None:
    """Wait until no studio sweeps."""
    fakes.until(lambda: "leftovers" not in [thread.name for thread in threading.enumerate()])


def test_a_studio_sweeps_at_its_start_unless_another_one_has_the_queue(home: Path) -> None:
    first = fake_studio(home)
    try:
        until_swept()
        old = first.library.folder / "sources" / f"{'0' * 64}.png"
        old.parent.mkdir()
        old.write_bytes(b"nobody's")
        os.utime(old, (0, 0))
        second = fake_studio(home)
        until_swept()
        second.close()
        assert old.exists()
    finally:
        first.close()
    third = fake_studio(home)
    try:
        fakes.until(lambda: not old.exists())
    finally:
        third.close()


def test_pasted_files_that_no_import_wants_any_more_are_removed(home: Path, library: Library) -> None:
    paths = AppPaths.under(home)
    wanted, done = paths.state / "pasted-1", paths.state / "pasted-2"
    for folder in (wanted, done):
        folder.mkdir(parents=True)
        picture(folder / "a.png")
    waiting = WorkImportRequest(paths=(ImportPath(path=str(wanted / "a.png")),), temporary=True)
    sweep(paths, UsedWorks(library), [waiting])
    assert done.exists(), "it may be about to be imported"
    sweep(paths, UsedWorks(library), [waiting], now=time.time() + 2 * 86_400)
    assert wanted.exists()
    assert not done.exists()


def test_a_studio_removes_what_killed_imports_of_models_left_and_keeps_what_others_import(home: Path) -> None:
    models = AppPaths.under(home).models
    killed = models / f"{STAGING}killed"
    killed.mkdir(parents=True)
    with storage.staging(models, STAGING) as alive:
        studio = fake_studio(home)
        fakes.until(lambda: not killed.exists())
        studio.close()
        assert alive.exists()
