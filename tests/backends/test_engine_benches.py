"""The benches of engines at toy size; what they start as children runs in this process, which has loaded torch before.

That a child really is started, the benches in tests/bench show.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.bench import BenchSettings, engines
from studio.errors import StudioError
from studio.models.catalog import Catalog
from tests.backends.gguf_models import gguf_model
from tests.backends.language_models import language_model
from tests.bench.bench_lines import check, lines
from tests.studios import FAKE, starters


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be measured in a child is measured in this process, by the same program."""

    def measure(module: str, settings: dict[str, Any]) -> dict[str, Any]:
        said = io.StringIO()
        monkeypatch.setattr(sys, "argv", [module, json.dumps(settings)])
        with contextlib.redirect_stdout(said):
            runpy.run_module(module, run_name="__main__")
        return json.loads(said.getvalue().strip().splitlines()[-1])

    monkeypatch.setattr(engines, "measure", measure)


@pytest.mark.parametrize(
    ("name", "benches"),
    [
        ("import", {"import.time", "import.memory"}),
        ("upscale", {"upscale.plain", "upscale.16", "upscale.32"}),
    ],
)
def test_each_bench_says_what_it_found(name: str, benches: set[str], tmp_path: Path) -> None:
    check(name, benches, BenchSettings(toy=True, bundled=starters(tmp_path / "bundled"), engine=FAKE))


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
    line, together = engines.gguf(BenchSettings(toy=True, bundled=tmp_path / "none", own=tmp_path / "own"))
    assert (line.bench, together.bench) == ("gguf.toy", "gguf.toy.candidates")
    assert together.value > 0
    assert line.more["tokens"] == 8
    (line,) = engines.gguf_beside_transformers(BenchSettings(toy=True, bundled=tmp_path / "none", own=tmp_path / "own"))
    assert line.bench == "gguf-transformers.toy"
    assert line.ratio is not None
    assert line.ratio > 0
