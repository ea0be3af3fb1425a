"""`studio models scan`, `move` and `remove`."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from studio.models import weights
from studio.models.sources import program_folders, programs
from studio.models.sources.program_folders import ModelPlace
from tests.core.cli_runs import Runs
from tests.core.test_programs import contents, in_ollama, toy_folder, toy_gguf


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """On a machine with Ollama alone."""
    places = [ModelPlace(program_folders.OLLAMA, tmp_path / ".ollama" / "models")]
    monkeypatch.setattr(programs, "usual_places", lambda: places)
    return Runs(capsys)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_models_are_found_linked_and_removed(run: Runs, tmp_path: Path) -> None:
    assert "No models of other programs" in run("models", "scan").err
    in_ollama(tmp_path / ".ollama" / "models", "writer", "1b", toy_gguf(tmp_path / "source.gguf"))
    toy_folder(tmp_path / "more models" / "second", 2, licence="llama3")
    toy_gguf(tmp_path / "more models" / "eye.gguf", 3, architecture="clip")
    before = contents(tmp_path / ".ollama"), contents(tmp_path / "more models")
    found = run("models", "scan", tmp_path / "more models")
    assert found.status == 0
    assert "writer:1b" in found.out
    assert "second" in found.out
    assert "1 more cannot be run here" in found.err
    assert "models scan --link" in found.err
    everything = run("models", "scan", "--json").json  # the folder is remembered
    assert {each["title"]: each["why_not"] is None for each in everything["models"]} == {
        "writer:1b": True,
        "second": True,
        "eye": False,
    }
    assert "eye or ear" in run("models", "scan", "--all").out
    linked = run("models", "scan", "--link", "writer:1b", "--link", "second")
    assert linked.status == 2  # for the licence of the second
    assert "writer-1b" in linked.out
    assert "--accept-licence" in linked.err
    both = run("models", "scan", "--link", "second", "--accept-licence", "--json").json["models"]
    assert both == [
        {"id": "second", "family": "llama", "licence": "llama3", "linked": str(tmp_path / "more models" / "second")}
    ]
    info = run("models", "info", "second", "--verify", "--json").json
    assert (info["linked"], info["problems"]) == (str(tmp_path / "more models" / "second"), [])
    assert "is second" in run("models", "scan").out
    (tmp_path / "more models").rename(tmp_path / "away")
    listed = run("models", "list", "--json")
    assert "is not there" in listed.err
    assert "is not there" in next(each for each in listed.json["models"] if each["id"] == "second")["unavailable"]
    (tmp_path / "away").rename(tmp_path / "more models")
    removed = run("models", "remove", "second")
    assert "Its files stay in" in removed.out
    assert run("models", "remove", "writer-1b").status == 0
    assert contents(tmp_path / ".ollama") == before[0]
    assert contents(tmp_path / "more models").keys() == before[1].keys()
    forgotten = run("models", "scan", "--forget", "--json").json["models"]
    assert [each["title"] for each in forgotten] == ["writer:1b"]


def test_wrong_words_for_a_scan_are_bad_input(run: Runs, tmp_path: Path) -> None:
    assert run("models", "scan", tmp_path / "nowhere").status == 2
    assert run("models", "scan", "--link", "nothing").status == 2
    assert run("models", "move", "avatar-starter", tmp_path).status == 2
    assert run("models", "move", "nothing", tmp_path).status == 2
    assert run("models", "move", "avatar-starter").status == 2
    assert run("models", "move", "avatar-starter", tmp_path, "--back").status == 2


def test_a_model_is_moved_and_brought_back(run: Runs, tmp_path: Path, home: Path) -> None:
    run("models", "import", toy_gguf(tmp_path / "writer.gguf"), "--medium", "story")
    there = run("models", "move", "writer", tmp_path / "disk", "--json").json
    assert there == {"id": "writer", "moved": str(tmp_path / "disk" / "writer")}
    assert (home / "models" / "writer" / "writer.gguf").is_symlink()
    assert run("make", "story", "--model", "writer", "--out", tmp_path / "out").status == 0
    back = run("models", "move", "writer", "--back")
    assert "own folder again" in back.out
    assert not (home / "models" / "writer" / "writer.gguf").is_symlink()
    assert weights.weight_files(tmp_path / "disk") == []


@pytest.mark.parametrize(("answer", "status"), [("no\n", 1), ("\n", 1), ("yes\n", 0)])
def test_removing_says_what_depends_on_it_and_asks_a_person(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    run("models", "import", toy_gguf(tmp_path / "writer.gguf"), "--medium", "story")
    assert run("make", "story", "--model", "writer", "--count", "2").status == 0
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    removed = run("models", "remove", "writer")
    assert "2 works were made with it, and cannot be made again without it." in removed.err
    assert removed.status == status
    listed = run("models", "list", "--json").json["models"]
    assert ("writer" in [each["id"] for each in listed]) == (status == 1)
    if status:
        assert run("models", "remove", "writer", "--yes").status == 0


def test_a_library_that_cannot_be_read_keeps_no_model(run: Runs, tmp_path: Path, home: Path) -> None:
    run("models", "import", toy_gguf(tmp_path / "writer.gguf"), "--medium", "story")
    (home / "library").write_text("no folder", encoding="utf-8")
    removed = run("models", "remove", "writer")
    assert "What depends on writer is not known" in removed.err
    assert removed.status == 0


def test_a_script_is_not_asked(run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("models", "import", toy_gguf(tmp_path / "writer.gguf"), "--medium", "story")
    run("make", "story", "--model", "writer")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    removed = run("models", "remove", "writer", "--json").json
    assert removed["uses"]["works"] == 1
    assert json.dumps(removed)
