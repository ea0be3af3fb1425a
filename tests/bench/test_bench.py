"""Every bench runs at toy size and says what it found as JSON; the figures themselves are for benches to judge.

Those whose children load an engine are in tests/backends/test_engine_benches.py, but for one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.bench import BENCHES, BenchSettings, Measurement, fit, run
from studio.bench.measurement import measure
from studio.errors import BadInput, StudioError
from studio.jobs.engine_cache import resolve
from tests.bench.bench_lines import check, lines
from tests.studios import FAKE, starters


@pytest.fixture
def toy(tmp_path: Path) -> BenchSettings:
    return BenchSettings(toy=True, bundled=starters(tmp_path / "bundled"), engine=FAKE)


@pytest.mark.parametrize(
    ("name", "benches"),
    [
        ("window", {"window.memory", "window.heavy", "window.warm"}),
        ("pages", {"pages.avatar", "pages.story", "pages.library", "pages.settings"}),
        ("latency", {"latency.avatar"}),
        ("stages", {"stages.waveform", "stages.preview", "stages.pan"}),
        ("generator", {"generator.256.1", "generator.256.8"}),
        ("job", {"job.avatar", "job.poster", "job.story", "job.music"}),
        ("cancel", {"cancel.avatar", "cancel.poster", "cancel.story", "cancel.music"}),
        ("queue", {"queue.submit", "queue.move", "queue.cancel", "queue.group"}),
        ("drag", {"drag.frame", "drag.late", "drag.waiting"}),
        ("models", {"models.default", "models.page.first", "models.page.again", "models.page.letter"}),
        ("download", {"download.plain", "download.one", "download.three"}),
        ("scrolling", {"scrolling.first", "scrolling.landed", "scrolling.idle", "scrolling.jump", "scrolling.busy"}),
        ("library", {"library.list", "library.page", "library.search.common", "library.search.chinese"}),
    ],
)
def test_each_bench_says_what_it_found(name: str, benches: set[str], toy: BenchSettings) -> None:
    check(name, benches, toy)


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


def test_a_case_of_fit_that_fails_is_said_and_the_others_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, float]] = []

    def child(module: str, told: dict[str, Any], patience: float = 600.0) -> dict[str, Any]:
        asked.append((module, told.get("model", ""), patience))
        if module.endswith("fit_models"):
            (name,) = told["names"]
            if name == "srvgg":
                raise StudioError("no room")
            folder = Path(told["folder"]) / name
            folder.mkdir()
            (folder / "model.toml").write_text('medium = "story"\nfamily = "llama"\n', encoding="utf-8")
            return {}
        if told["values"]["tokens"] == 24:
            raise StudioError("did not end within 60 seconds")
        return {"error": -0.25, "real_mb": 400.0, "correction": [1.25, 2.0]}

    monkeypatch.setattr(fit, "measure", child)
    found = [line.to_json() for line in fit.lines(BenchSettings(toy=True, bundled=tmp_path / "none", own=tmp_path))]
    assert [line["bench"] for line in found] == ["fit.srvgg", "fit.llama.0", "fit.llama.1"]
    assert [line.get("left_out") for line in found] == ["no room", "did not end within 60 seconds", None]
    assert found[2]["value"] == 0.25
    assert asked[-1][1] == "llama"
    assert asked[-1][2] < 600 + fit.STARTING
