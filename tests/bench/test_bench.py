"""Every bench runs at toy size and says what it found as JSON; the figures themselves are for benches to judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.bench import BENCHES, BenchSettings, Measurement, engines, run
from studio.bench.measurement import measure
from studio.errors import BadInput, StudioError
from studio.jobs.engine_cache import resolve
from studio.models.catalog import Catalog
from tests.backends.gguf_models import gguf_model
from tests.backends.language_models import language_model
from tests.studios import FAKE, starters

FIELDS = {"bench", "value", "unit", "bound", "ok", "device", "cores", "load", "python", "commit"}


@pytest.fixture
def toy(tmp_path: Path) -> BenchSettings:
    return BenchSettings(toy=True, bundled=starters(tmp_path / "bundled"), engine=FAKE)


def lines(name: str, setting: BenchSettings) -> list[dict[str, Any]]:
    written: list[str] = []
    held = run(name, written.append, setting)
    found = [json.loads(line) for line in written]
    assert held is all(line["ok"] for line in found), written
    return found


@pytest.mark.parametrize(
    ("name", "benches"),
    [
        ("window", {"window.memory", "window.heavy", "window.warm"}),
        ("pages", {"pages.avatar", "pages.story", "pages.library", "pages.settings"}),
        ("latency", {"latency.avatar"}),
        ("stages", {"stages.waveform", "stages.preview", "stages.pan"}),
        ("import", {"import.time", "import.memory"}),
        ("generator", {"generator.256.1", "generator.256.8"}),
        ("job", {"job.avatar", "job.poster", "job.story", "job.music"}),
        ("cancel", {"cancel.avatar", "cancel.poster", "cancel.story", "cancel.music"}),
        ("queue", {"queue.submit", "queue.move", "queue.cancel", "queue.group"}),
        ("drag", {"drag.frame", "drag.late", "drag.waiting"}),
        ("models", {"models.default", "models.page.first", "models.page.again", "models.page.letter"}),
        ("upscale", {"upscale.plain", "upscale.16", "upscale.32"}),
        ("download", {"download.plain", "download.one", "download.three"}),
        ("scrolling", {"scrolling.first", "scrolling.landed", "scrolling.idle", "scrolling.jump", "scrolling.busy"}),
        ("library", {"library.list", "library.page", "library.search.common", "library.search.chinese"}),
    ],
)
def test_each_bench_says_what_it_found(name: str, benches: set[str], toy: BenchSettings) -> None:
    found = lines(name, toy)
    assert not [line["error"] for line in found if "error" in line]
    assert benches <= {line["bench"] for line in found}
    for line in found:
        assert line.keys() >= FIELDS
        assert line["value"] >= 0
        assert line.get("found", []) == []  # what the window's process loaded of torch and its like


def test_each_engine_runs_beside_the_plain_call() -> None:
    bundled = {model.medium for model in Catalog().models()}
    found = lines("engines", BenchSettings(toy=True))
    assert "avatar" in bundled
    assert {line["bench"] for line in found} == {f"engines.{medium}" for medium in bundled}
    assert all(line["ratio"] > 0 for line in found)
    assert [line["differs"] for line in found if line["bench"] == "engines.story"] in ([], [0])
    assert all(line["differs"] is None or line["differs"] < 1 for line in found)


def test_writing_is_timed_beside_llama_cpp_and_transformers(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="No model in GGUF is installed"):
        list(engines.gguf(BenchSettings(toy=True, bundled=tmp_path, own=tmp_path)))
    folder = tmp_path / "own" / "toy"
    gguf_model(language_model(tmp_path / "llama"), tmp_path / "toy.gguf")
    folder.mkdir(parents=True)
    (tmp_path / "toy.gguf").rename(folder / "toy.gguf")
    (folder / "model.toml").write_text('medium = "story"\nfamily = "llama"\n', encoding="utf-8")
    (line,) = engines.gguf(BenchSettings(toy=True, bundled=tmp_path / "none", own=tmp_path / "own"))
    assert line.bench == "gguf.toy"
    assert line.more["tokens"] == 8
    (line,) = engines.gguf_beside_transformers(BenchSettings(toy=True, bundled=tmp_path / "none", own=tmp_path / "own"))
    assert line.bench == "gguf-transformers.toy"
    assert line.ratio is not None
    assert line.ratio > 0


def test_a_bench_that_is_none_is_named() -> None:
    with pytest.raises(BadInput, match="latency"):
        run("speed", print)


def test_every_bench_resolves() -> None:
    assert all(callable(resolve(name)) for name in BENCHES.values())


def test_a_bound_that_is_passed_does_not_hold() -> None:
    assert Measurement("a", 1.0, "s", 1.0).ok
    assert not Measurement("a", 1.1, "s", 1.0).ok
    assert Measurement("a", 1.1, "s").ok


def test_a_bench_that_cannot_run_says_so_and_does_not_hold(tmp_path: Path) -> None:
    found = lines("job", BenchSettings(toy=True, bundled=tmp_path / "nothing", engine=FAKE))
    assert [(line["bench"], line["ok"]) for line in found] == [("job", False)]
    assert "no models" in found[0]["error"]


def test_a_child_that_fails_is_quoted() -> None:
    with pytest.raises(StudioError, match="No module named"):
        measure("studio.bench.nothing", {})
