"""Works that requests use: named by id and sha256, found again where they have moved, missed by their id."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from studio.errors import BadInput
from studio.jobs.job import Report
from studio.library.library import Library
from studio.library.used_works import UsedWorks
from studio.media.payloads import Image, Payload
from studio.models.resources import Resources
from studio.schema.fields import ModelId, WorkKey, WorkRef, field
from studio.schema.nested import ListOf, NestedRequest, Record, models_by_role, works_of
from studio.schema.request import Request
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
        named = used.named(Retouch(picture=given))  # type: ignore[arg-type]
        assert named.picture == WorkKey(id=work.id, sha256=work.sha256)
        assert used.files(named) == {work.sha256: work.path}
        assert str(tmp_path) not in json.dumps(named.to_json())


def test_a_file_that_is_no_work_is_kept_by_its_bytes(library: Library, tmp_path: Path) -> None:
    brought = picture(tmp_path / "mine.PNG")
    used = UsedWorks(library)
    named = used.named(Retouch(picture=str(brought)))  # type: ignore[arg-type]
    digest = sha256(brought)
    assert named.to_json()["picture"] == {"sha256": digest}
    brought.unlink()
    (kept,) = used.files(named).values()
    assert kept == library.folder / "sources" / f"{digest}.png"
    assert sha256(kept) == digest
    assert used.named(named) == named
    assert library.count() == 0
    assert library.verify() == []


def test_works_are_found_after_the_library_has_moved(tmp_path: Path) -> None:
    before = Library(tmp_path / "before")
    work = before.import_file(picture(tmp_path / "a.png", 1))
    named = UsedWorks(before).named(
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
        UsedWorks(library).named(Retouch(picture=given))
    assert "Import its file again" in caught.value.hint


def test_a_missing_file_is_named(library: Library, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.png does not exist"):
        UsedWorks(library).named(Retouch(picture=str(tmp_path / "nothing.png")))  # type: ignore[arg-type]


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


def test_an_engine_gets_models_by_role_and_works_as_files(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "loaded", [])
    monkeypatch.setattr(Recorder, "asked", [])
    studio = fake_studio(home)
    poster = studio.media["poster"]
    task = dataclasses.replace(poster.default_task, request=Retouch, engine=f"{__name__}:Recorder")
    studio.media["poster"] = dataclasses.replace(poster, tasks=(*poster.tasks, task))
    lora = home / "models" / "inks"
    lora.mkdir(parents=True)
    (lora / "model.toml").write_text('medium = "poster"\nfamily = "lora"\nsha256 = "aa"\n', encoding="utf-8")
    brought = str(picture(tmp_path / "a.png"))
    try:
        job = studio.submit(Retouch(picture=brought, lora="inks", seed=3))  # type: ignore[arg-type]
        (asset,) = job.future.result(20)
        studio.submit(Retouch(picture=brought, seed=4)).future.result(20)  # type: ignore[arg-type]
        studio.submit(Retouch(seed=5, lora="inks")).future.result(20)
    finally:
        studio.close()
    assert [sorted(each.models) for each in Recorder.loaded] == [["", "lora"], [""]], "another set is another engine"
    assert [each.seed for each in Recorder.asked] == [3, 4, 5]
    assert asset.request["picture"] == {"sha256": sha256(Path(brought))}
    assert str(tmp_path) not in json.dumps(asset.request)


def test_a_model_of_a_role_that_is_not_there_is_named(home: Path) -> None:
    studio = fake_studio(home)
    poster = studio.media["poster"]
    task = dataclasses.replace(poster.default_task, request=Retouch, engine=f"{__name__}:Recorder")
    studio.media["poster"] = dataclasses.replace(poster, tasks=(*poster.tasks, task))
    try:
        with pytest.raises(BadInput, match="There is no model 'inks'"):
            studio.submit(Retouch(lora="inks"))
    finally:
        studio.close()
