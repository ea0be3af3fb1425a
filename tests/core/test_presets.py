"""Presets: saved under a name, found again, shared as files; damaged ones are not listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.backends import MEDIA
from studio.errors import BadInput
from studio.schema.presets import Presets, read
from studio.schema.request import Request

POSTER = next(medium for medium in MEDIA if medium.name == "poster").default_task.request


def brief(prompt: str) -> Request:
    return POSTER(prompt=prompt, seed=77)  # type: ignore[call-arg]


def test_a_preset_comes_back_without_its_seed(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    presets.save("  Night   skies 夜 ", brief("a night sky"))
    presets.save("a first", brief("x"))
    found = presets.of("poster")
    assert [one.name for one in found] == ["a first", "Night skies 夜"]
    assert found[1].request == brief("a night sky").replace(seed=0)
    assert "seed" not in json.loads(found[1].path.read_text("utf-8"))["request"]
    assert presets.of("story") == []


def test_the_same_name_replaces_and_a_similar_one_does_not(tmp_path: Path) -> None:
    presets = Presets(tmp_path)
    first = presets.save("Sky!", brief("one"))
    assert presets.save("sky!", brief("two")).path == first.path
    other = presets.save("Sky?", brief("three"))
    assert other.path != first.path
    assert [one.request.to_json()["prompt"] for one in presets.of("poster")] == ["two", "three"]
    presets.remove(other)
    assert len(presets.of("poster")) == 1


@pytest.mark.parametrize("name", ["", "   ", "\n"])
def test_a_preset_needs_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="name"):
        Presets(tmp_path).save(name, brief("x"))


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"format": "other"}', b"\xff", b'{"format": "aigc-studio preset", "request": {"kind": "x"}}'],
)
def test_a_damaged_file_is_reported_and_not_listed(tmp_path: Path, damage: bytes) -> None:
    presets = Presets(tmp_path)
    kept = presets.save("good", brief("x"))
    bad = kept.path.with_name("bad.json")
    bad.write_bytes(damage)
    with pytest.raises(BadInput):
        read(bad)
    assert [one.name for one in presets.of("poster")] == ["good"]
    assert bad.exists()


def test_a_request_of_the_wrong_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.write_bytes(b" " * 1_000_001)
    with pytest.raises(BadInput, match="large"):
        read(path)
