"""What run.py decides: which Python, which torch, what to install and what to run; it fetches and installs nothing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import run

NOW = {"ground": "Python 3.11.7 x86_64 CPU", "digest": "d"}
READY: dict[str, object] = {**NOW, "extras": ["dev"]}


VERSIONS = ((3, 11), (3, 15))


def which_of(*known: str) -> Callable[[str], str | None]:
    """What shutil.which says where only the `known` programs are installed."""
    return lambda name: f"/usr/bin/{name}" if name in known else None


def answers(command: list[str]) -> tuple[int, int] | None:
    """The version in the command's last word, as a Python that is what its name says answers."""
    major, _, minor = command[-1].replace("/usr/bin/python", "").lstrip("-").partition(".")
    return int(major), int(minor)


def fake_python(folder: Path, name: str, body: str) -> Path:
    """A program that stands in for an interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return program


def test_the_supported_versions_are_those_of_pyproject() -> None:
    low, end = run.supported_versions((run.ROOT / "pyproject.toml").read_text("utf-8"))
    assert low <= sys.version_info[:2] < end


def test_the_readme_and_the_classifiers_claim_the_same() -> None:
    pyproject = (run.ROOT / "pyproject.toml").read_text("utf-8")
    low, end = run.supported_versions(pyproject)
    for minor in range(low[1], end[1]):
        assert f'"Programming Language :: Python :: 3.{minor}"' in pyproject
    assert f"Python 3.{low[1]} or newer" in (run.ROOT / "README.md").read_text("utf-8")


def test_run_py_has_the_syntax_of_python_3_6() -> None:
    """Else it would say where it does not understand the file, and not what the studio needs."""
    ast.parse((run.ROOT / "run.py").read_text("utf-8"), feature_version=(3, 6))


def test_a_pyproject_without_a_version_is_damaged() -> None:
    with pytest.raises(run.Failed, match="damaged"):
        run.supported_versions("[project]")


@pytest.mark.parametrize("running", [(3, 11), (3, 14)])
def test_a_supported_python_is_used(running: tuple[int, int]) -> None:
    assert run.fitting_python(running, VERSIONS, which_of("python3.12"), answers) is None


@pytest.mark.parametrize("running", [(3, 8), (3, 15)])
@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        (("python3.11", "python3.13", "python3.15"), ["/usr/bin/python3.13"]),
        (("py", "python3.11"), ["/usr/bin/py", "-3.14"]),
    ],
)
def test_an_unsupported_python_starts_the_newest_supported_one(
    running: tuple[int, int], installed: tuple[str, ...], chosen: list[str]
) -> None:
    assert run.fitting_python(running, VERSIONS, which_of(*installed), answers) == chosen


def test_a_stub_for_a_python_that_is_not_installed_is_ignored() -> None:
    def version_of(command: list[str]) -> tuple[int, int] | None:
        return (3, 11) if command == ["/usr/bin/python3.11"] else None

    which = which_of("python3.14", "python3.13", "python3.11", "py")
    assert run.fitting_python((3, 9), VERSIONS, which, version_of) == ["/usr/bin/python3.11"]


@pytest.mark.parametrize(
    ("end", "words"),
    [((3, 12), "on Python 3.11; this is Python 3.9"), ((3, 15), "Python 3.11 to 3.14; this is Python 3.9")],
)
def test_without_a_supported_python_the_error_says_how_to_get_one(end: tuple[int, int], words: str) -> None:
    with pytest.raises(run.Failed, match=words) as failed:
        run.fitting_python((3, 9), ((3, 11), end), which_of(), answers)
    assert "sudo apt install python3.11 python3.11-venv" in str(failed.value)
    assert "https://www.python.org/downloads/" in str(failed.value)


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
@pytest.mark.parametrize(
    ("body", "version"),
    [("echo 3 12", (3, 12)), ("echo 'python3.12: command not found'", None), ("echo 3 12; exit 127", None)],
)
def test_a_python_is_asked_for_its_version(tmp_path: Path, body: str, version: tuple[int, int] | None) -> None:
    assert run.version_of([str(fake_python(tmp_path, "python3.12", body))]) == version


def test_a_missing_python_has_no_version(tmp_path: Path) -> None:
    assert run.version_of([str(tmp_path / "python3.12")]) is None


def started_by(prelude: str, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """run.py as a process of its own, in a Python that `prelude` has changed, with only `path` to find programs in."""
    start = f"runpy.run_path({str(run.__file__)!r}, run_name='__main__')"
    code = f"import runpy, sys; sys.argv = ['run.py', *sys.argv[1:]]; {prelude}; {start}"
    environment = {**os.environ, "PATH": str(path), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")
def test_an_old_python_starts_the_supported_one_with_the_same_arguments(tmp_path: Path) -> None:
    folder = tmp_path / "My programs 程序"
    fake_python(folder, "python3.13", 'test "$1" = -c && { echo 3 13; exit; }; for word; do echo "<$word>"; done')
    done = started_by("sys.version_info = (3, 9, 2, 'final', 0)", folder, "make", "a b 图")
    assert done.stdout.splitlines() == [f"<{run.ROOT / 'run.py'}>", "<make>", "<a b 图>"]
    assert (done.returncode, done.stderr) == (0, "")


def test_an_old_python_alone_says_what_to_install_and_no_trace(tmp_path: Path) -> None:
    done = started_by("sys.version_info = (3, 9, 2, 'final', 0)", tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("The studio runs on Python 3.11 to 3.")
    assert len(done.stderr.splitlines()) == 1


def test_a_python_without_the_whole_standard_library_says_what_to_install(tmp_path: Path) -> None:
    done = started_by("sys.modules['urllib.request'] = None", tmp_path)
    assert done.returncode == 1
    assert "lacks a part of its standard library" in done.stderr
    assert "sudo apt install python3 python3-venv" in done.stderr
    assert "Traceback" not in done.stderr


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
def test_the_build_of_torch_fits_the_machine(
    system: str, nvidia: bool, pages: dict[str, str], chosen: str | None
) -> None:
    texts = {f"{run.TORCH_WHEELS}{name}/torch/": text for name, text in pages.items()}
    found = run.torch_wheels(system, nvidia, "2.13.0", texts.get)
    assert found == (None if chosen is None else run.TORCH_WHEELS + chosen)


def test_an_unreachable_index_is_tried_once() -> None:
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
def test_only_missing_packages_are_installed(
    stamp: dict[str, object] | None, whole: bool, extras: set[str], what: str
) -> None:
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
    for name, path in {**places, "LOG": venv / "log", "MODELS": venv / "models", "LOCK": tmp_path / ".lock"}.items():
        monkeypatch.setattr(run, name, path)
    return tmp_path


@pytest.fixture
def with_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "has_pip", lambda: True)


def make_environment(folder: Path) -> None:
    """What a whole environment looks like from outside."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    (folder / ".venv" / "pyvenv.cfg").write_text(f"version = {sys.version_info[0]}.{sys.version_info[1]}.0\n")


def test_requirements_come_from_pyproject(folder: Path) -> None:
    assert run.requirements_of(set()) == ["torch==2.13.0", "numpy"]
    assert run.requirements_of({"train", "dev"}) == ["torch==2.13.0", "numpy", "pytest", "mido"]


def test_the_second_start_installs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[bool, set[str]]] = []
    monkeypatch.setattr(
        run, "install", lambda anew, extras, lock: (calls.append((anew, extras)), make_environment(folder))
    )
    run.prepare(set())
    run.prepare(set())
    assert calls == [(True, set())]


@pytest.mark.usefixtures("with_pip")
def test_more_extras_are_added_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[bool, set[str]]] = []
    monkeypatch.setattr(
        run, "install", lambda anew, extras, lock: (calls.append((anew, extras)), make_environment(folder))
    )
    run.prepare({"dev"})
    (folder / "constraints.txt").write_text("torch==2.13.0\nnumpy==2.4.6\n")
    run.prepare(set())
    assert calls == [(True, {"dev"}), (False, {"dev"})]


def test_an_interrupted_setup_starts_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []

    def install(anew: bool, extras: set[str], lock: int) -> None:
        calls.append(anew)
        make_environment(folder)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "install", install)
    with pytest.raises(KeyboardInterrupt):
        run.prepare(set())
    (folder / ".venv" / "half").touch()
    run.prepare(set())
    assert calls == [True, True]
    assert not (folder / ".venv" / "half").exists()


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_without_venv_the_error_names_the_package(folder: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    find = run.importlib.util.find_spec
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    with pytest.raises(run.Failed) as failed:
        run.prepare(set())
    assert f"it has no {missing}." in str(failed.value)
    assert f"sudo apt install python3.{sys.version_info[1]}-venv" in str(failed.value)
    assert not (folder / ".venv").exists()


def test_a_folder_name_with_a_path_separator_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "ROOT", folder / f"a{os.pathsep}b")
    with pytest.raises(run.Failed, match="Rename or move it"):
        run.refuse_what_cannot_work()


def test_an_environment_without_pip_is_created_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As uv makes them, and `python -m venv --without-pip`."""
    calls: list[bool] = []

    def install(anew: bool, extras: set[str], lock: int) -> None:
        calls.append(anew)

    make_environment(folder)  # its python is an empty file, which runs no pip
    monkeypatch.setattr(run, "install", install)
    run.prepare(set())
    assert calls == [True]
    assert not (folder / ".venv" / "bin").exists()


def test_a_link_in_the_place_of_the_environment_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = folder / "elsewhere"
    (folder / ".venv").symlink_to(elsewhere)
    monkeypatch.setattr(run, "install", lambda anew, extras, lock: None)
    run.prepare(set())
    assert not elsewhere.exists()
    assert (folder / ".venv").is_dir()
    assert not (folder / ".venv").is_symlink()


@pytest.fixture
def commands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that an installation would run, in their order; each succeeds."""
    ran: list[list[str]] = []

    def step(title: str, command: list[str], lock: int, must: bool = True) -> bool:
        ran.append(command)
        return True

    monkeypatch.setattr(run, "step", step)
    monkeypatch.setattr(run, "fetch", lambda address: None)
    return ran


def test_a_python_that_its_system_manages_is_never_installed_into(commands: list[list[str]]) -> None:
    """PEP 668: pip of such a Python refuses; and a user's own setting must not send packages to their home."""
    run.install(True, set(), 0)
    making, *installing = commands
    assert making[:3] == [sys.executable, "-m", "venv"]
    assert installing
    for command in installing:
        assert command[:4] == [str(run.venv_python()), "-m", "pip", "install"]
        assert "--no-user" in command
        assert "--break-system-packages" not in command


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


def test_an_unwritable_folder_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LOCK", folder / "pyproject.toml" / "lock")
    with pytest.raises(run.Failed, match="Copy the studio"), run.only_one():
        pass


@pytest.mark.parametrize("words", [[], ["make", "avatar", "--seed", "7"]])
def test_all_other_arguments_go_to_the_studio(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    wanted: list[set[str]] = []
    monkeypatch.setattr(run, "prepare", wanted.append)
    monkeypatch.setattr(run, "bring_models", lambda: None)
    monkeypatch.setattr(run, "follow", lambda command: ran.append(command) or 0)
    assert run.main(words) == 0
    assert ran[0][1:] == ["-P", "-m", "studio", *words]
    assert wanted == [set()]


def test_the_test_verb_installs_what_tests_need(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[set[str]] = []
    monkeypatch.setattr(run, "prepare", wanted.append)
    monkeypatch.setattr(run, "test", lambda words, bare: 5)
    assert run.main(["test", "-x"]) == 5
    assert wanted == [{"dev", "train"}]


@pytest.mark.parametrize("failing", ["", "tests/core", "tests/ui", "tests/backends", "tests"])
def test_every_test_runs_in_one_of_the_parts_and_none_fails_unseen(
    failing: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []

    def pytest_(words: list[str]) -> list[str]:
        asked.append(words)
        return [sys.executable, "-c", f"print('ran {words[0]}.'); raise SystemExit({int(words[0] == failing)})"]

    monkeypatch.setattr(run, "pytest", pytest_)
    assert run.test_parts() is bool(failing)
    (rest,) = (words for words in asked if words[0] == "tests")
    apart = [words[0] for words in asked if words != rest]
    assert sorted(rest[1:]) == sorted(f"--ignore={part}" for part in apart)
    assert all((run.ROOT / part).is_dir() for part in apart)
    said = capfd.readouterr().out
    assert all(f"ran {words[0]}." in said for words in asked)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no exec")
def test_the_command_line_gets_the_command_that_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(_program: str, _words: list[str], environment: dict[str, str]) -> None:
        assert environment["STUDIO_PROGRAM"] == "python3 run.py"
        raise SystemExit(0)

    monkeypatch.setattr(run.os, "execve", become)
    with pytest.raises(SystemExit):
        run.follow([sys.executable])


@pytest.mark.parametrize(("words", "asked"), [([], 1), (["--bare"], 0), (["make", "avatar"], 0)])
def test_real_models_are_fetched_at_the_first_start_of_the_window_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], asked: int
) -> None:
    ran = list[list[str]]()
    followed = list[list[str]]()
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr(run, "supported_versions", lambda _: ((3, 11), (3, 99)))
    monkeypatch.setattr(run, "prepare", lambda extras: (folder / ".venv").mkdir(exist_ok=True))
    monkeypatch.setattr(run, "follow", lambda command: followed.append(command) or 0)
    monkeypatch.setattr(
        run.subprocess, "run", lambda command, **_: ran.append(command) or subprocess.CompletedProcess(command, 3)
    )
    for _ in range(2):
        run.main(words)
    assert [command[-3:] for command in ran] == [["models", "get", "--first"]] * asked
    assert "--bare" not in followed[0]
