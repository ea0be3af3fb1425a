"""The machine is kept awake by one child at a time, which goes when it shall or when its command cannot be."""

from __future__ import annotations

import sys

import psutil
import pytest

from studio.system.keep_awake import KeepAwake, keeper

WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_one_child_while_it_lasts() -> None:
    before = len(children())
    awake = KeepAwake(WAITS, platform="linux")
    awake.keep(True)
    awake.keep(True)
    assert len(children()) == before + 1
    awake.keep(False)
    awake.keep(False)
    assert len(children()) == before
    assert not awake.on


@pytest.mark.parametrize("command", [[], ["/there/is/no/such/program"]])
def test_a_platform_without_help_lets_it_sleep(command: list[str]) -> None:
    awake = KeepAwake(command, platform="linux")
    awake.keep(True)
    assert awake.on
    awake.keep(False)


def test_a_child_that_died_is_not_missed() -> None:
    awake = KeepAwake([sys.executable, "-c", ""], platform="linux")
    awake.keep(True)
    for child in children():
        child.wait(10)
    awake.keep(False)
    assert not awake.on


def test_commands_end_with_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert keeper("darwin", pid=7) == ["caffeinate", "-i", "-w", "7"]
    assert keeper("linux")[-1] == "cat"
    assert keeper("win32") == []
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert keeper("linux") == []
