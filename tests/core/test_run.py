"""What run.py decides: which Python, which torch, what to install and what to run; it fetches and installs nothing."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import run

NOW = {"ground": "Python 3.11.7 x86_64 CPU", "digest": "d"}
READY: dict[str, object] = {**NOW, "extras": ["dev"]}


def nowhere(_: str) -> str | None:
    return None


def only(*known: str) -> Callable[[str], str | None]:
    return lambda name: f"/usr/bin/{name}" if name in known else None


def test_claims_what_pyproject_says() -> None:
    low, end = run.claimed((run.ROOT / "pyproject.toml").read_text("utf-8"))
    assert low <= sys.version_info[:2] < end


def test_a_pyproject_without_a_claim_is_said_to_be_damaged() -> None:
    with pytest.raises(run.Failed, match="damaged"):
        run.claimed("[project]")


def test_a_python_that_fits_stays() -> None:
    assert run.fitting_python((3, 11), ((3, 11), (3, 12)), only("python3.11")) is None


@pytest.mark.parametrize("running", [(3, 8), (3, 14)])
def test_another_python_hands_over_to_the_newest_that_fits(running: tuple[int, int]) -> None:
    found = run.fitting_python(running, ((3, 11), (3, 14)), only("python3.11", "python3.12", "python3.14"))
    assert found == "/usr/bin/python3.12"


@pytest.mark.parametrize(
    ("end", "words"), [((3, 12), "on Python 3.11; this is 3.9"), ((3, 14), "Python 3.11 to 3.13; this is 3.9")]
)
def test_without_a_python_that_fits_it_says_which(end: tuple[int, int], words: str) -> None:
    with pytest.raises(run.Failed, match=words):
        run.fitting_python((3, 9), ((3, 11), end), nowhere)


@pytest.mark.parametrize(
    ("system", "nvidia", "pages", "chosen"),
    [
        ("Linux", False, {"cpu": "torch-2.13.0%2Bcpu-cp311"}, "cpu"),
        ("Linux", False, {"cpu": "torch-2.12.0%2Bcpu-cp311"}, None),
        ("Linux", False, {}, None),
        ("Linux", True, {"cpu": "torch-2.13.0", "cu130": "torch-2.13.0"}, None),
        ("Windows", True, {"cu132": "torch-2.14.0", "cu130": "torch-2.13.0%2Bcu130"}, "cu130"),
        ("Windows", False, {"cpu": "torch-2.13.0"}, None),
        ("Darwin", False, {"cpu": "torch-2.13.0"}, None),
    ],
)
def test_chooses_the_build_of_torch(system: str, nvidia: bool, pages: dict[str, str], chosen: str | None) -> None:
    texts = {f"{run.TORCH_WHEELS}{name}/torch/": text for name, text in pages.items()}
    found = run.torch_wheels(system, nvidia, "2.13.0", texts.get)
    assert found == (None if chosen is None else run.TORCH_WHEELS + chosen)


def test_out_of_reach_is_asked_once() -> None:
    asked: list[str] = []
    assert run.torch_wheels("Windows", True, "2.13.0", asked.append) is None
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("stamp", "whole", "extras", "what"),
    [
        (READY, True, set[str](), "nothing"),
        (READY, True, {"dev"}, "nothing"),
        (READY, True, {"dev", "train"}, "add"),
        ({**READY, "digest": "older"}, True, set[str](), "add"),
        ({**READY, "ground": "Python 3.11.7 x86_64 CUDA"}, True, set[str](), "anew"),
        ({**READY, "extras": "dev"}, True, set[str](), "add"),
        (READY, False, set[str](), "anew"),
        (None, True, set[str](), "add"),
        (None, False, set[str](), "anew"),
    ],
)
def test_plans_what_is_missing(stamp: dict[str, object] | None, whole: bool, extras: set[str], what: str) -> None:
    assert run.plan(stamp, whole, extras, NOW) == what


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio's folder with a tiny pyproject; nothing in it is ever installed."""
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["torch==2.13.0", "numpy"]\n'
        '[project.optional-dependencies]\ndev = ["pytest"]\ntrain = ["mido"]\n'
    )
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n")
    venv = tmp_path / ".venv"
    places = {"ROOT": tmp_path, "VENV": venv, "STAMP": venv / "ready", "UNFINISHED": venv / "unfinished"}
    for name, path in {**places, "LOG": venv / "log", "LOCK": tmp_path / ".lock"}.items():
        monkeypatch.setattr(run, name, path)
    return tmp_path


def made(folder: Path) -> None:
    """What a whole environment looks like from outside."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    (folder / ".venv" / "pyvenv.cfg").write_text(f"version = {sys.version_info[0]}.{sys.version_info[1]}.0\n")


def test_wishes_come_from_pyproject(folder: Path) -> None:
    assert run.wishes(set()) == ["torch==2.13.0", "numpy"]
    assert run.wishes({"train", "dev"}) == ["torch==2.13.0", "numpy", "pytest", "mido"]


def test_second_start_installs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[bool, set[str]]] = []
    monkeypatch.setattr(run, "install", lambda anew, extras, lock: (calls.append((anew, extras)), made(folder)))
    run.prepare(set())
    run.prepare(set())
    assert calls == [(True, set())]


def test_more_extras_are_added_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[bool, set[str]]] = []
    monkeypatch.setattr(run, "install", lambda anew, extras, lock: (calls.append((anew, extras)), made(folder)))
    run.prepare({"dev"})
    (folder / "constraints.txt").write_text("torch==2.13.0\nnumpy==2.4.6\n")
    run.prepare(set())
    assert calls == [(True, {"dev"}), (False, {"dev"})]


def test_an_interrupted_setup_begins_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []

    def install(anew: bool, extras: set[str], lock: int) -> None:
        calls.append(anew)
        made(folder)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "install", install)
    with pytest.raises(KeyboardInterrupt):
        run.prepare(set())
    (folder / ".venv" / "half").touch()
    run.prepare(set())
    assert calls == [True, True]
    assert not (folder / ".venv" / "half").exists()


def test_a_step_that_fails_shows_the_end_of_its_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".venv").mkdir()
    lines = "; ".join(f"print('line {i}')" for i in range(40))
    with run.only_one() as lock, pytest.raises(run.Failed, match="line 39") as failed:
        run.step("Installing packages", [sys.executable, "-c", f"{lines}; raise SystemExit(1)"], lock)
    assert "line 0\n" not in str(failed.value)
    assert "Installing packages: failed after" in capsys.readouterr().out


def test_two_starts_prepare_one_after_the_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def other() -> None:
        with run.only_one():
            order.append("second")

    with run.only_one():
        waiting = threading.Thread(target=other)
        waiting.start()
        deadline = time.monotonic() + 10
        while "waiting for it" not in capsys.readouterr().out and time.monotonic() < deadline:
            time.sleep(0.01)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]


def test_a_folder_that_cannot_be_written_is_said_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LOCK", folder / "pyproject.toml" / "lock")
    with pytest.raises(run.Failed, match="Copy the studio"), run.only_one():
        pass


@pytest.mark.parametrize("words", [[], ["make", "avatar", "--seed", "7"]])
def test_all_other_words_go_to_the_studio(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    wanted: list[set[str]] = []
    monkeypatch.setattr(run, "prepare", wanted.append)
    monkeypatch.setattr(run, "follow", lambda command: ran.append(command) or 0)
    assert run.main(words) == 0
    assert ran[0][1:] == ["-P", "-m", "studio", *words]
    assert wanted == [set()]


def test_test_brings_what_tests_need(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[set[str]] = []
    monkeypatch.setattr(run, "prepare", wanted.append)
    monkeypatch.setattr(run, "test", lambda words: 5)
    assert run.main(["test", "-x"]) == 5
    assert wanted == [{"dev", "train"}]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no exec")
def test_the_command_line_is_told_what_a_person_types(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(_program: str, _words: list[str], environment: dict[str, str]) -> None:
        assert environment["STUDIO_PROGRAM"] == "python3 run.py"
        raise SystemExit(0)

    monkeypatch.setattr(run.os, "execve", become)
    with pytest.raises(SystemExit):
        run.follow([sys.executable])
