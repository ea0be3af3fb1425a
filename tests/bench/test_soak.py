"""The soak itself: it says what it saw, and finds what it is there to find. An hour of it is for whoever releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.bench.measurement import BenchSettings
from studio.bench.soak import Soak
from tests.studios import FAKE, starters


@pytest.fixture
def setting(tmp_path: Path) -> BenchSettings:
    return BenchSettings(bundled=starters(tmp_path / "bundled"), engine=FAKE)


def test_a_sound_library_is_found_sound(tmp_path: Path, setting: BenchSettings) -> None:
    lines: list[str] = []
    assert Soak(tmp_path / "soak", 0.1, 1, setting, lines.append).check(), "\n".join(lines)
    assert any(" 0 problems, 0 lost" in line for line in lines)
    assert lines[-1].startswith("sound")


def test_a_soak_finds_lost_works_and_what_was_left(tmp_path: Path, setting: BenchSettings) -> None:
    lines: list[str] = []
    soak = Soak(tmp_path / "soak", 0.1, 1, setting, lines.append)
    soak.seen.added.add("20260101-000000-deadbeef")
    (tmp_path / "soak" / "out" / ".copy-x.part").write_bytes(b"")
    assert not soak.check()
    assert any("lost: 20260101-000000-deadbeef" in line for line in lines)
    assert any("left behind: out/.copy-x.part" in line for line in lines)
