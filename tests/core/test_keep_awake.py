"""The machine is kept awake by one child at a time, which goes when it shall or when its command cannot be."""

from __future__ import annotations

import sys

import psutil
import pytest

from studio.system.keep_awake import KeepAwake, inhibit_command

WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_one_child_process_runs_while_jobs_do() -> None:
    before = len(children())
    awake = KeepAwake(WAITS, platform="linux")
    awake.set(True)
    awake.set(True)
    assert len(children()) == before + 1
    awake.set(False)
    awake.set(False)
    assert len(children()) == before
    assert not awake.on


@pytest.mark.parametrize("command", [[], ["/there/is/no/such/program"]])
def test_a_platform_without_such_a_command_is_no_error(command: list[str]) -> None:
    awake = KeepAwake(command, platform="linux")
    before = len(children())
    awake.set(True)
    assert awake.on
    assert len(children()) == before
    awake.set(False)


def test_a_child_that_ended_early_is_no_error() -> None:
    awake = KeepAwake([sys.executable, "-c", ""], platform="linux")
    before = children()
    awake.set(True)
    for child in children():
        if child not in before:
            child.wait(30)
    awake.set(False)
    assert not awake.on


def test_commands_end_with_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert inhibit_command("darwin", pid=7) == ["caffeinate", "-i", "-w", "7"]
    assert inhibit_command("linux")[-1] == "cat"
    assert inhibit_command("win32") == []
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert inhibit_command("linux") == []
