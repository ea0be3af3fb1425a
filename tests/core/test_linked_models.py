"""Models whose files lie elsewhere: unplugged, changed, moved to a disk and back, removed; killed at each step."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.backends import families, medium
from studio.errors import BadInput, StudioError
from studio.jobs.io.linked_models import ModelLinkRequest, ModelMoveRequest, ModelScanRequest
from studio.jobs.job import Cancelled
from studio.models import links, weights
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.sources import programs
from studio.studio import Studio
from tests.core.crashes import killed_at, quick_folder
from tests.core.test_programs import ODD_HOME, contents, toy_folder, toy_gguf
from tests.fakes import ended
from tests.studios import fake_studio

STORY = medium("story").default_task.request


def new_catalog(tmp_path: Path) -> Catalog:
    return Catalog(bundled=tmp_path / "bundled", own=tmp_path / ODD_HOME / "models", families=families())


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return new_catalog(tmp_path)


@pytest.fixture
def studio(home: Path) -> Iterator[Studio]:
    made = fake_studio(home)
    yield made
    made.close()


def linked(catalog: Catalog, folder: Path) -> Model:
    return catalog.link(programs.find(folder, families(), "ComfyUI"))


def large(folder: Path) -> Path:
    """A model of three files of weights in two folders."""
    toy_folder(folder)
    for at, name in enumerate(("other.safetensors", "part/third.safetensors"), 1):
        source = toy_folder(folder.with_name(f"{folder.name}-{at}"), at)
        (folder / name).parent.mkdir(exist_ok=True)
        (source / "model.safetensors").rename(folder / name)
    return folder


def test_an_unplugged_disk_and_its_return(tmp_path: Path, catalog: Catalog) -> None:
    disk = tmp_path / "disk"
    model = linked(catalog, toy_folder(disk / "writer"))
    disk.rename(tmp_path / "away")
    (gone,) = catalog.models()
    assert gone.id == model.id
    said = str(gone.unavailable)
    assert "is not there" in said
    assert str(disk / "writer") in said
    assert said in map(str, catalog.warnings)
    assert [str(one) for one in catalog.verify(gone)] == [said]
    with pytest.raises(StudioError, match="cannot be used now"):
        catalog.demand_usable(gone)
    with pytest.raises(StudioError, match="There is no model for story"):
        new_catalog(tmp_path / "other").default("story")
    assert catalog.default("story").id == model.id  # whose words say more than that there is none
    (tmp_path / "away").rename(disk)
    assert catalog.get(model.id) == model
    catalog.demand_usable(model)
    assert catalog.verify(model) == []


def test_another_model_is_used_while_one_is_unplugged(tmp_path: Path, catalog: Catalog) -> None:
    here = catalog.import_(toy_folder(tmp_path / "z-here", 1), "story")
    linked(catalog, toy_folder(tmp_path / "disk" / "a-there", 2))
    assert catalog.default("story").id != here.id
    (tmp_path / "disk").rename(tmp_path / "away")
    assert catalog.default("story").id == here.id


def test_following_tells_of_a_disk_that_goes_and_comes(tmp_path: Path, catalog: Catalog) -> None:
    model = linked(catalog, toy_folder(tmp_path / "disk" / "writer"))
    news = threading.Event()
    end = catalog.follow(news.set, 0.01)
    try:
        for source, target, usable in (("disk", "away", False), ("away", "disk", True)):
            (tmp_path / source).rename(tmp_path / target)
            assert news.wait(20)
            news.clear()
            assert (catalog.get(model.id).unavailable is None) == usable
    finally:
        end()


def test_a_file_that_was_changed_meanwhile(tmp_path: Path, catalog: Catalog) -> None:
    folder = toy_folder(tmp_path / "writer")
    file = folder / "model.safetensors"
    model = linked(catalog, folder)
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 5_000_000_000))
    touched = catalog.get(model.id)
    assert touched.unavailable is None
    assert "was written to since" in str(catalog.warnings[0])
    assert catalog.verify(touched) == []  # the same bytes, which is kept
    assert catalog.warnings == []
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(raw)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 9_000_000_000))
    assert "was written to since" in str(catalog.warnings[0])
    assert "have changed" in str(catalog.verify(catalog.get(model.id))[0])
    file.write_bytes(raw[:-1])
    assert "has changed since it was linked" in str(catalog.get(model.id).unavailable)


def test_a_disk_that_does_not_answer_stops_nobody(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = [linked(catalog, toy_folder(tmp_path / "dead" / f"a{number}", number)) for number in range(3)]
    good = linked(catalog, toy_folder(tmp_path / "good", 4))
    woken, real, asked = threading.Event(), links.state_of, list[str]()

    def hanging(model: Model) -> links.LinkState:
        asked.append(model.id)
        if model in dead:
            woken.wait(60)
        return real(model)

    monkeypatch.setattr(links, "state_of", hanging)
    monkeypatch.setattr(links, "PATIENCE", 0.2)
    monkeypatch.setattr(links, "_mounts", lambda: [str(tmp_path / "dead"), str(tmp_path)])
    try:
        for model in dead:
            assert "does not answer" in str(catalog.get(model.id).unavailable)
        assert catalog.get(good.id).unavailable is None
        assert set(asked) == {dead[0].id, good.id}  # a dead disk is asked once, for whatever lies on it
        before = threading.active_count()
        for _ in range(5):
            catalog.refresh()
        assert threading.active_count() <= before
    finally:
        woken.set()


def test_every_path_lies_on_a_disk(tmp_path: Path, catalog: Catalog) -> None:
    model = linked(catalog, toy_folder(tmp_path / "writer"))
    mounts = links._mounts()
    assert links._disk_of(model, mounts) in mounts


def test_odd_entries_in_a_model_toml_cost_nothing(tmp_path: Path, catalog: Catalog) -> None:
    model = linked(catalog, toy_folder(tmp_path / "writer"))
    path = model.folder / "model.toml"
    path.write_text(
        path.read_text("utf-8") + '\n[links."../up"]\npath = "x"\nsize = 1\nmodified = 1\n[links.odd]\npath = 3\n',
        encoding="utf-8",
    )
    assert set(catalog.get(model.id).links) == set(model.links)


def test_a_model_is_moved_and_brought_back(tmp_path: Path, catalog: Catalog) -> None:
    model = catalog.import_(large(tmp_path / "writer"), "story")
    before = {path.name: path.read_bytes() for path in weights.weight_files(model.folder)}
    disk = tmp_path / "другой диск 図"
    seen: list[tuple[int, int]] = []
    moved = catalog.move(model.id, disk, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2 * model.size, 2 * model.size)
    place = disk / model.id
    assert (moved.moved, moved.linked, moved.unavailable) == (str(place), "", None)
    assert moved.folder == model.folder
    assert (moved.sha256, moved.size, moved.fingerprint) == (model.sha256, model.size, model.fingerprint)
    assert {path.name: path.read_bytes() for path in weights.weight_files(place)} == before
    assert all(path.is_symlink() for path in weights.weight_files(model.folder))
    assert not (model.folder / "config.json").is_symlink()
    assert catalog.verify(moved) == []
    disk.rename(tmp_path / "away")
    assert str(place) in str(catalog.get(model.id).unavailable)
    with pytest.raises(StudioError, match="is not there"):
        catalog.move(model.id, None)
    (tmp_path / "away").rename(disk)
    third = catalog.move(model.id, tmp_path / "third")
    assert third.moved == str(tmp_path / "third" / model.id)
    assert not place.exists()
    back = catalog.move(model.id, None)
    assert back == model
    assert not any(path.is_symlink() for path in model.folder.rglob("*"))
    assert {path.name: path.read_bytes() for path in weights.weight_files(model.folder)} == before
    assert list((tmp_path / "third").iterdir()) == []
    assert catalog.verify(back) == []


def test_a_name_as_long_as_can_be_is_moved(tmp_path: Path, catalog: Catalog) -> None:
    name = "a" + "名" * 83 + ".gguf"
    model = catalog.import_(toy_gguf(tmp_path / name), "story")
    moved = catalog.move(model.id, tmp_path / "disk")
    assert (tmp_path / "disk" / model.id / name).is_file()
    assert catalog.verify(moved) == []
    assert catalog.move(model.id, None) == model


def test_what_cannot_be_moved_is_said(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = linked(catalog, toy_folder(tmp_path / "theirs", 1))
    own = catalog.import_(toy_folder(tmp_path / "own", 2), "story")
    with pytest.raises(BadInput, match="belongs to another program"):
        catalog.move(theirs.id, tmp_path / "disk")
    with pytest.raises(BadInput, match="the studio's own folder"):
        catalog.move(own.id, None)
    with pytest.raises(BadInput, match="inside of the folder of all models"):
        catalog.move(own.id, own.folder / "deeper")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StudioError, match="there is a file where a folder is needed"):
        catalog.move(own.id, tmp_path / "file")

    def refuse(*_args: Any, **_more: Any) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)
    with pytest.raises(StudioError, match="allows no links to other disks"):
        catalog.move(own.id, tmp_path / "disk")
    assert catalog.get(own.id) == own
    assert not (tmp_path / "disk").exists()


def test_a_bad_copy_and_changed_weights_are_not_moved(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = catalog.import_(toy_folder(tmp_path / "own"), "story")
    file = model.folder / "model.safetensors"
    real = links.storage.copy

    def rotten(source: Path, target: Path, *more: Any) -> None:
        real(source, target, *more)
        raw = bytearray(target.read_bytes())
        raw[-1] ^= 1
        target.write_bytes(raw)

    with monkeypatch.context() as patched:
        patched.setattr(links.storage, "copy", rotten)
        with pytest.raises(StudioError, match="differs from the original"):
            catalog.move(model.id, tmp_path / "disk")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StudioError, match="have changed since"):
        catalog.move(model.id, tmp_path / "disk")
    assert not file.is_symlink()
    assert list((tmp_path / "disk").iterdir()) == []


def test_a_full_disk_changes_nothing(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    model = catalog.import_(toy_folder(tmp_path / "own"), "story")
    monkeypatch.setattr(links.shutil, "disk_usage", lambda _folder: os.statvfs_result((0,) * 10))
    monkeypatch.setattr(links.storage.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 10})())
    with pytest.raises(StudioError, match="10 bytes left"):
        catalog.move(model.id, tmp_path / "disk")
    assert catalog.get(model.id) == model


def test_a_cancelled_move_changes_nothing(tmp_path: Path, catalog: Catalog) -> None:
    model = catalog.import_(toy_folder(tmp_path / "own"), "story")

    def stop(done: int, total: int) -> None:
        if done == total:
            raise Cancelled

    with pytest.raises(Cancelled):
        catalog.move(model.id, tmp_path / "disk", stop)
    assert catalog.get(model.id) == model
    assert list((tmp_path / "disk").iterdir()) == []
    assert not any(path.is_symlink() for path in model.folder.rglob("*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("way", ["there", "back", "on"])
def test_killed_at_every_step_a_move_leaves_a_whole_model_and_can_go_on(way: str) -> None:
    steps = 0
    while True:
        with quick_folder() as tmp:
            catalog = new_catalog(tmp)
            model = catalog.import_(large(tmp / "writer"), "story")
            if way != "there":
                model = catalog.move(model.id, tmp / "first")
            goal = None if way == "back" else tmp / "disk"

            def act(step: Any, model: Model = model, goal: Path | None = goal) -> None:
                links.move_back(model, step=step) if goal is None else links.move(model, goal, step=step)

            killed = killed_at(steps, act)
            after = new_catalog(tmp)
            there = after.get(model.id)
            assert there.unavailable is None
            assert after.verify(there) == [], f"after step {steps}"
            if goal is None and not there.moved:
                pass  # nothing was left to do
            else:
                there = after.move(model.id, goal)
            assert after.verify(there) == []
            assert there.moved == ("" if goal is None else str(goal / model.id))
            left = {path.name for folder in ("first", "disk") if (tmp / folder).is_dir()
                    for path in (tmp / folder).iterdir()}  # fmt: skip
            assert left == (set() if goal is None else {model.id})
            assert not [path for path in model.folder.rglob("*") if path.name.startswith(links.MOVING)]
            after.remove(model.id)
            assert not [path for path in (tmp / "disk").rglob("*")] if (tmp / "disk").is_dir() else True
        if not killed:
            break
        steps += 1
    assert steps >= 5


def test_a_move_back_that_was_cut_off_while_it_deleted_costs_no_weights(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = catalog.import_(large(tmp_path / "writer"), "story")
    moved = catalog.move(model.id, tmp_path / "disk")

    def cut_off(place: Path, *_: object) -> bool:
        next(place.rglob("*.safetensors")).unlink()
        raise Cancelled

    with monkeypatch.context() as patch:
        patch.setattr(links, "delete_moved", cut_off)
        with pytest.raises(Cancelled):
            links.move_back(moved)
    again = catalog.move(model.id, tmp_path / "disk")
    assert catalog.verify(again) == []
    assert len(weights.weight_files(tmp_path / "disk" / model.id)) == 3


def test_moves_that_were_cut_off_one_after_another_leave_nothing_behind(tmp_path: Path, catalog: Catalog) -> None:
    model = catalog.import_(large(tmp_path / "writer"), "story")
    model = catalog.move(model.id, tmp_path / "a")

    def stop(step: str) -> None:
        if step == "described":
            raise Cancelled

    with pytest.raises(Cancelled):
        links.move(model, tmp_path / "b", step=stop)
    model = catalog.move(model.id, tmp_path / "c")
    assert catalog.verify(model) == []
    assert [path.name for disk in "abc" for path in (tmp_path / disk).iterdir()] == [model.id]


def test_a_model_that_is_being_moved_is_not_removed(tmp_path: Path, catalog: Catalog) -> None:
    model = catalog.import_(toy_folder(tmp_path / "writer"), "story")
    with links.alone(model), pytest.raises(StudioError, match="being moved"):
        catalog.remove(model.id)
    assert catalog.verify(catalog.get(model.id)) == []
    catalog.remove(model.id)
    assert [path.name for path in model.folder.parent.iterdir()] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_every_step_a_link_is_whole_or_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    real, steps = links.make, 0
    while True:
        with quick_folder() as tmp:
            catalog = new_catalog(tmp)
            found = programs.find(large(tmp / "writer"), families())
            before = contents(tmp / "writer")

            def act(step: Any, catalog: Catalog = catalog, found: Any = found) -> None:
                def make(file: Path, link: Path) -> None:
                    step("make")
                    real(file, link)

                monkeypatch.setattr(links, "make", make)  # in the child alone
                catalog.link(found, report=lambda _done, _total: step("read"))

            killed = killed_at(steps, act)
            after = new_catalog(tmp)
            assert after.warnings == []
            after.sweep()
            assert contents(tmp / "writer") == before
            if killed:
                assert after.models() == []
                assert [path for path in (tmp / ODD_HOME).rglob("*") if path.name.startswith(".importing-")] == []
            else:
                assert [after.verify(model) for model in after.models()] == [[]]
        if not killed:
            break
        steps += 1
    assert steps > 6


def test_removing_deletes_what_was_moved_and_only_that(tmp_path: Path, catalog: Catalog) -> None:
    model = catalog.import_(toy_folder(tmp_path / "own"), "story")
    catalog.move(model.id, tmp_path / "disk")
    (tmp_path / "disk" / model.id / "mine.txt").write_text("keep me", encoding="utf-8")
    assert catalog.remove(model.id) == ""
    assert [path.name for path in (tmp_path / "disk" / model.id).iterdir()] == ["mine.txt"]
    assert catalog.models() == []


def test_a_removal_that_was_killed_is_finished_by_the_next_sweep(tmp_path: Path, catalog: Catalog) -> None:
    model = catalog.import_(toy_folder(tmp_path / "own"), "story")
    other = catalog.import_(toy_folder(tmp_path / "other", 2), "story")
    for one in (model, other):
        catalog.move(one.id, tmp_path / "disk")
    model.folder.rename(model.folder.with_name(".importing-0123"))  # as far as a killed one comes
    catalog.sweep()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == [other.id]
    assert [path.name for path in model.folder.parent.iterdir()] == [other.id]
    assert catalog.verify(catalog.get(other.id)) == []


def test_removing_an_unplugged_model_says_what_stays(tmp_path: Path, catalog: Catalog) -> None:
    model = catalog.import_(toy_folder(tmp_path / "own"), "story")
    catalog.move(model.id, tmp_path / "disk")
    (tmp_path / "disk").rename(tmp_path / "away")
    assert catalog.remove(model.id) == str(tmp_path / "disk" / model.id)
    assert weights.weight_files(tmp_path / "away")


def test_two_studios_do_not_delete_each_other_s_weights(tmp_path: Path) -> None:
    first, second = new_catalog(tmp_path / "1"), new_catalog(tmp_path / "2")
    for one in (first, second):
        one.import_(toy_folder(tmp_path / "writer"), "story")
        one.move("writer", tmp_path / "disk")
    assert {path.name for path in (tmp_path / "disk").iterdir()} == {"writer", "writer-2"}
    second.remove("writer")
    assert first.verify(first.get("writer")) == []


def test_tasks_of_the_lane(studio: Studio, tmp_path: Path) -> None:
    folder = toy_folder(tmp_path / "lm" / "nice writer", licence="llama3")
    job = studio.submit(ModelScanRequest(folders=({"path": str(tmp_path / "lm")},), usual=False))  # type: ignore[arg-type]
    (scan,) = job.future.result(20)
    (found,) = scan.models
    assert found.path == folder
    request = ModelLinkRequest(path=str(found.path), program="LM Studio", name=found.title, licence=found.licence)
    assert "may limit" in str(ended(studio.submit(request)))
    (model,) = studio.submit(request.replace(accept_licence=True)).future.result(20)
    assert model.linked == str(folder)
    assert model.title == "nice writer"
    own = studio.catalog.import_(toy_gguf(tmp_path / "own.gguf"), "story")
    (moved,) = studio.submit(ModelMoveRequest(id=own.id, folder=str(tmp_path / "disk"))).future.result(20)
    assert moved.moved
    (back,) = studio.submit(ModelMoveRequest(id=own.id)).future.result(20)
    assert not back.moved


def test_using_a_model_that_is_unplugged_is_one_sentence_and_its_works_stay(studio: Studio, tmp_path: Path) -> None:
    folder = toy_folder(tmp_path / "disk" / "writer")
    model = linked(studio.catalog, folder)
    studio.submit(STORY(model=model.id, seed=1)).future.result(20)
    (tmp_path / "disk").rename(tmp_path / "away")
    studio.catalog.refresh()
    with pytest.raises(StudioError, match="is not there"):
        studio.submit(STORY(model=model.id, seed=2))
    assert studio.library.count_made_with(model.id) == 1
    (tmp_path / "away").rename(tmp_path / "disk")
    studio.catalog.refresh()
    assert studio.submit(STORY(model=model.id, seed=3)).future.result(20)


def test_what_depends_on_a_model(studio: Studio, tmp_path: Path) -> None:
    model = linked(studio.catalog, toy_folder(tmp_path / "writer", 1))
    assert not studio.uses_of(model)
    works = [studio.submit(STORY(model=model.id, seed=seed)).future.result(20)[0] for seed in range(3)]
    studio.library.bin([works[0].id])  # type: ignore[union-attr]
    from studio.documents.document import Document

    with Document.create(studio.paths.documents, "notes", "My play", {"acts": [{"model": model.id}]}):
        pass
    (model.folder / weights.ADDED).write_text(json.dumps({"directions": [{}, {}]}), encoding="utf-8")
    uses = studio.uses_of(model)
    assert (uses.works, uses.documents, uses.directions) == (3, ("My play",), 2)
    twin = studio.catalog.import_(toy_folder(tmp_path / "again", 2), "story")
    assert studio.uses_of(twin).works == 0
