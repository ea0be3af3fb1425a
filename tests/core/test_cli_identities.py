"""`studio identities`, and faces that begin from one or come in several expressions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.backends.avatar import expressions
from studio.library.identities import Identities
from studio.media import codecs
from studio.media.payloads import Image
from studio.system.paths import RESOURCES
from tests.core.cli_runs import Runs


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(capsys)


def work(run: Runs, *flags: object) -> tuple[str, dict[str, Any]]:
    """A work's id, and the request that the library keeps of it."""
    path = Path(run("make", "avatar", "--json", *flags).json["assets"][0]["path"])
    return path.stem, json.loads(path.with_suffix(".json").read_text("utf-8"))["request"]


def test_keep_show_rename_remove_and_restore(run: Runs, home: Path) -> None:
    assert "No characters yet" in run("identities", "list").err
    id, request = work(run, "--seed", 7, "--name", "Mara", "--style", "micah")
    kept = run("identities", "keep", id, "--json").json
    assert (kept["name"], kept["work"]) == ("Mara", id)
    assert run("identities", "list", "--json").json == {"identities": [kept]}
    assert f"{kept['id']}  " in run("identities", "list").out
    shown = run("identities", "show", "mara", "--json").json
    assert shown["face"] == request
    (told,) = [line for line in run("identities", "show", kept["id"]).out.splitlines() if line.startswith("face ")]
    assert json.loads(told.partition(" ")[2]) == request, "as a file for --request may hold it"
    picture = codecs.read(Path(kept["portrait"]))
    assert isinstance(picture, Image)
    assert np.array_equal(picture.pixels, Identities(home / "identities").portrait(kept["id"]).pixels)
    assert run("identities", "rename", "Mara", "Mara Lind").out == "Mara Lind is the new name.\n"
    removed = run("identities", "remove", "Mara Lind")
    assert f"`studio identities restore {kept['id']}`" in removed.out
    assert run("identities", "list", "--json").json == {"identities": []}
    assert [one["name"] for one in run("identities", "list", "--bin", "--json").json["identities"]] == ["Mara Lind"]
    assert run("identities", "restore", "Mara Lind").status == 0
    assert [one["id"] for one in run("identities", "list", "--json").json["identities"]] == [kept["id"]]


def test_hints_name_the_command_that_was_typed(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_PROGRAM", "python3 run.py")
    assert "`python3 run.py identities keep WORK`" in run("identities", "list").err
    assert run("identities", "list", "--bin").err == "The bin is empty.\n"


def test_works_that_cannot_become_a_character_give_messages(run: Runs) -> None:
    id, _ = work(run, "--seed", 7)
    unnamed = run("identities", "keep", id)
    assert unnamed.status == 2
    assert "Give it one with --name" in unnamed.err
    story = Path(run("make", "story", "--seed", 1, "--json").json["assets"][0]["path"]).stem
    assert "does not show a face made by a model" in run("identities", "keep", story, "--name", "Tale").err
    assert "There is no character called 'Zoe'" in run("identities", "show", "Zoe").err
    assert run("identities", "keep", "nothing", "--name", "Mara").status == 2


@pytest.mark.parametrize("embed", ["all", "none"])
def test_a_face_is_saved_by_the_path_that_make_prints(run: Runs, home: Path, tmp_path: Path, embed: str) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text(f'embed_metadata = "{embed}"\n', encoding="utf-8")
    printed = run("make", "avatar", "--seed", 7, "--name", "Mara").out.strip()
    kept = run("identities", "keep", printed, "--json").json
    assert (kept["name"], kept["work"]) == ("Mara", Path(printed).stem)
    copied = run("make", "avatar", "--seed", 8, "--name", "Ben", "--out", tmp_path).out.strip()
    assert Path(copied).parent == tmp_path
    kept = run("identities", "keep", copied, "--json").json
    newest = run("library", "list", "--limit", 1, "--json").json["assets"][0]["id"]
    assert (kept["name"], kept["work"]) == ("Ben", newest)
    assert run("library", "show", copied, "--json").json["id"] == newest


def test_a_face_is_saved_from_a_file_with_metadata(run: Runs, tmp_path: Path) -> None:
    printed = Path(run("make", "avatar", "--seed", 7, "--name", "Mara").out.strip())
    lone = tmp_path / "lone.png"
    picture = codecs.read(printed)
    assert isinstance(picture, Image)
    codecs.write(picture, lone, note={"request": {**codecs.read_note(printed)["request"], "name": "Zoe"}})  # type: ignore[index]
    assert "not in the library" in run("library", "show", lone).err
    kept = run("identities", "keep", lone, "--json").json
    assert (kept["name"], kept["work"]) == ("Zoe", "")
    codecs.write(picture, lone, note=None)
    assert "does not say how it was made" in run("identities", "keep", lone, "--name", "Zoe").err
    gone = run("identities", "keep", tmp_path / "gone.png", "--name", "Zoe")
    assert (gone.status, "is not a file" in gone.err) == (2, True)
    story = run("make", "story", "--seed", 1).out.strip()
    assert "does not show a face made by a model" in run("identities", "keep", story, "--name", "Tale").err


def test_flags_that_change_the_person_give_a_warning(run: Runs) -> None:
    run("identities", "keep", work(run, "--seed", 7, "--style", "micah")[0], "--name", "Mara")
    assert (
        "With another --style this is not the saved Mara"
        in run("make", "avatar", "--identity", "Mara", "--style", "personas").err
    )
    assert (
        "With another --style and --seed"
        in run("make", "avatar", "--identity", "Mara", "--style", "any", "--seed", 8).err
    )
    assert "Only the first of these is the saved Mara" in run("make", "avatar", "--identity", "Mara", "--count", 2).err
    for same in (("--psi", 0.5), ("--style", "micah"), ("--seed", 7)):
        assert "the saved Mara" not in run("make", "avatar", "--identity", "Mara", *same).err


def test_a_face_begins_from_an_identity_and_flags_change_it(run: Runs, tmp_path: Path) -> None:
    id, request = work(run, "--seed", 7, "--style", "micah", "--psi", 0.6)
    run("identities", "keep", id, "--name", "Mara")
    _, again = work(run, "--identity", "mara")
    assert again == {**request, "name": "Mara"}
    _, other = work(run, "--identity", "Mara", "--psi", 1, "--seed", 8)
    assert other == {**request, "name": "Mara", "psi": 1.0, "seed": 8}
    assert run("make", "avatar", "--identity", "Zoe").status == 2
    brief = tmp_path / "brief.json"
    brief.write_text(json.dumps(request), encoding="utf-8")
    assert (
        "--identity and --request cannot be used together"
        in run("make", "avatar", "--identity", "Mara", "--request", brief).err
    )


def test_several_people_of_one_command_get_different_names(run: Runs) -> None:
    made = run("make", "avatar", "--count", 3, "--seed", 4, "--name", "Mara", "--json").json["assets"]
    titles = {asset["seed"]: asset["title"] for asset in run("library", "list", "--json").json["assets"]}
    assert [titles[asset["seed"]] for asset in made] == ["Mara", "Mara 2", "Mara 3"]


def test_one_command_makes_a_character_sheet(run: Runs, home: Path, tmp_path: Path) -> None:
    folder = home.parent / "bundled" / "avatar-starter"
    run("library", "list")
    run("make", "avatar", "--seed", 1)  # the models of the tests are there from now on
    said = {"family": "fake", **_attributes()}
    (folder / "config.json").write_text(json.dumps(said), encoding="utf-8")
    _, request = work(run, "--seed", 7, "--style", "micah", "--name", "Mara", "--expressions", 6)
    assert request["kind"] == "avatar.sheet"
    assert (request["name"], request["seed"], request["model"]) == ("Mara", 7, "avatar-starter")
    assert json.loads(request["face"])["style"] == "micah"
    words = [pose["words"] for pose in request["poses"]]
    assert words == list(expressions.MOODS["micah"])[:6]
    assert len({pose["face"] for pose in request["poses"]}) == 6
    made = run("make", "avatar", "--seed", 7, "--style", "micah", "--expressions", 6, "--out", tmp_path, "--json").json
    assert [Path(asset["path"]).name for asset in made["assets"]] == ["avatar-sheet-7.png"]
    listed = run("library", "list", "--limit", 2).out.splitlines()[1:]
    assert listed[0].endswith("  avatar  Character sheet · Seed 7")
    assert listed[1].endswith("  avatar  Mara · Character sheet")
    assert "--expressions N" in run("make", "avatar", "--help").out
    assert run("make", "avatar", "--expressions", 25).status == 2


def test_a_model_without_expressions_says_so_and_makes_nothing(run: Runs, home: Path) -> None:
    run("make", "avatar", "--seed", 1)
    config = home.parent / "bundled" / "avatar-starter" / "config.json"
    config.write_text(json.dumps({"family": "fake", "shape": {"z_dim": 8}}), encoding="utf-8")
    ended = run("make", "avatar", "--seed", 7, "--expressions", 6)
    assert ended.status == 2
    assert "has no expressions" in ended.err
    assert ended.out == ""


def _attributes() -> dict[str, Any]:
    """What the starter says of its drawings."""
    said = json.loads((RESOURCES / "models" / "avatar-starter" / "config.json").read_text("utf-8"))
    return {"shape": said["shape"], "attributes": said["attributes"]}
