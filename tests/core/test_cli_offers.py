"""`studio models search` and `info` of models that can be fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.cli.context import CliContext
from studio.cli.models.slow_task import SlowTask
from studio.models.sources.offers import offer, offers
from studio.support import speed
from studio.system.paths import AppPaths
from tests.core.cli_runs import Runs


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(capsys)


def ids(run: Runs, *words: object) -> list[str]:
    ended = run("models", "search", *words, "--json")
    assert ended.status == 0
    return [each["id"] for each in ended.json["offers"]]


def test_a_search_finds_by_words_medium_licence_and_size(run: Runs) -> None:
    assert ids(run) == [each.id for each in offers()]
    assert ids(run, "SDXL", "turbo") == ["sdxl-turbo"]
    assert ids(run, "black forest", "klein") == ["flux.2-klein-4b", "flux.2-klein-base-4b"]
    sold = ids(run, "--medium", "music", "--may-be-sold")
    assert sold == [each.id for each in offers() if each.medium == "music" and each.sells not in ("no", "unknown")]
    small = ids(run, "--medium", "story", "--largest", "500MB")
    assert small == ["smollm2-135m-instruct", "smollm2-360m-instruct", "gemma-3-270m", "gemma-3-270m-it"]
    assert ids(run, "--largest", "98362432", "--medium", "story") == small[:1]
    assert ids(run, "--largest", "98362431", "--medium", "story") == []


def test_a_search_is_shown_as_a_table(run: Runs) -> None:
    ended = run("models", "search", "4x-ultrasharp")
    head, line = ended.out.splitlines()
    assert head.split("  ")[0] == "ID"
    assert line.startswith("4x-ultrasharp")
    assert "67.0 MB" in line
    assert offer("4x-ultrasharp").sentence in line
    estimated = run("models", "search", "stable-diffusion-v1-5")
    assert "about 2.7 GB" in estimated.out  # of parameters and dtype; nobody has listed its files
    nothing = run("models", "search", "nothing at all")
    assert (nothing.status, nothing.out) == (0, "")
    assert "No model fits." in nothing.err


@pytest.mark.parametrize("size", ["lots", "4XB", "-1GB", "", "1e9"])
def test_a_size_that_is_none_is_refused(run: Runs, size: str) -> None:
    ended = run("models", "search", f"--largest={size}")
    assert ended.status == 2
    assert "is not a size" in ended.err


def test_info_tells_all_that_is_known_of_an_offer(run: Runs) -> None:
    one = offer("flux.1-dev")
    shown = run("models", "info", one.id)
    assert shown.status == 0
    for said in (one.licence, one.terms, one.licence_url, "on conditions", "33.7 GB", "black-forest-labs/FLUX.1-dev"):
        assert said in shown.out
    assert "not checked by us" in shown.out
    assert "models get flux.1-dev" in shown.err
    assert "works may be sold  not known\n" in run("models", "info", "sana-1.5-1.6b").out
    facts = run("models", "info", one.id, "--json").json
    assert (facts["sells"], facts["gated"], facts["installed"]) == ("conditions", True, False)
    assert facts["sources"][0]["kind"] == "hub"
    assert facts["memory"]["bfloat16"] == one.memory["bfloat16"]


def test_what_the_studio_cannot_run_says_so(run: Runs) -> None:
    shown = run("models", "info", "stable-audio-3-medium")
    assert offer("stable-audio-3-medium").unsupported in shown.out
    assert "models get" not in shown.err
    ended = run("models", "get", "stable-audio-3-medium")
    assert ended.status == 2
    assert "cannot be fetched yet" in ended.err
    assert run("models", "info", "nothing-like-it").status == 2


def test_progress_is_said_every_few_seconds_and_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = iter([0.0, 1.0, 6.0, 8.0, 12.0, 18.0, 24.0])
    shown = SlowTask(CliContext(AppPaths.under(tmp_path)), lambda: next(times))
    for done in (1_000_000, 2_000_000, 3_000_000, 4_000_000, 4_000_000):
        shown.fetched(done, 4_000_000)
    shown.fetched(5_000_000, 0)
    assert capsys.readouterr().err.splitlines() == ["2.0 MB of 4.0 MB", "Checking the files", "5.0 MB so far"]


def test_the_speed_of_this_machine_is_shown_and_measured_again(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = run("models", "speed")
    assert failed.status != 0
    assert "could not be measured" in failed.err
    reached = {"matrices": 100e9, "convolutions": 90e9, "bandwidth": 10e9, "call": 1e-6}
    speeds = {"4": reached, "1": {**reached, "matrices": 40e9}}
    asked: list[str] = []
    monkeypatch.setattr(speed, "measure", lambda device, threads: asked.append(device) or {"speeds": speeds})
    shown = run("models", "speed").out.splitlines()
    assert [line.split("  ")[0] for line in shown[:3]] == ["VALUES", "32 bits", "GGUF"]
    assert "40.0" in shown[2]
    assert shown[3].startswith("Measured on ")
    assert len(asked) == 1
    assert run("models", "speed", "--json").json["speeds"]["gguf"]["matrices"] == 40e9
    assert len(asked) == 1, "it is kept"
    assert run("models", "speed", "--measure").status == 0
    assert len(asked) == 2
