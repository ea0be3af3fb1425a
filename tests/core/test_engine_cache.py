"""Which engines stay loaded: the budget, the least recently used out first, out of memory tried once more."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil
import pytest

from studio.backends import MEDIA
from studio.errors import BadInput, OutOfMemory, StudioError
from studio.jobs.engine_cache import MEMORY_PER_WEIGHT_BYTE, EngineCache, EngineLimits
from studio.jobs.job import Job, Progress, Report
from studio.jobs.worker import ProcessHost
from studio.media.payloads import Text
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema.request import Request
from tests import fakes

ENGINE = "tests.fakes:FakeEngine"
STORY = next(medium for medium in MEDIA if medium.name == "story").default_task.request
SIZE = 1_000_000_000
HEAVY = 200 * 2**20


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    fakes.FakeEngine.loaded.clear()
    fakes.FakeEngine.closed.clear()
    yield
    fakes.FakeEngine.loaded.clear()
    fakes.FakeEngine.closed.clear()


def model(name: str) -> Model:
    return Model(name, "story", "fake", name, "Apache-2.0", Path("nowhere"), SIZE)


def residence(models: float) -> EngineCache:
    return EngineCache(EngineLimits(budget=int(models * SIZE * MEMORY_PER_WEIGHT_BYTE), platform=""))


def run(home: EngineCache, name: str, seed: int = 1) -> list[str]:
    stages: list[str] = []
    home.run(ENGINE, Resources(model(name)), STORY(seed=seed), lambda progress: stages.append(progress.stage))
    return stages


def test_a_model_is_loaded_once() -> None:
    home = residence(2.5)
    run(home, "a")
    run(home, "a")
    assert fakes.FakeEngine.loaded == ["a"]


class ReportsSteps:
    """An engine that reports the steps in `told` of 10, and is done."""

    told: ClassVar[tuple[int, ...]] = ()

    def load(self, resources: Resources, report: Report) -> None:
        report(Progress("loading", 1, 1))

    def run(self, request: Request, report: Report) -> list[Text]:
        for done in self.told:
            report(Progress("writing", done, 10))
        return [Text("done")]

    def close(self) -> None: ...


@pytest.mark.parametrize(("told", "share"), [((0, 1, 2), 0.2), ((0, 10), 1.0), ((0,), 1.0), ((), 1.0)])
def test_how_much_of_what_was_asked_was_done(
    monkeypatch: pytest.MonkeyPatch, told: tuple[int, ...], share: float
) -> None:
    monkeypatch.setattr(ReportsSteps, "told", told)
    home = EngineCache(EngineLimits(budget=2**40, platform=""), alone=True)
    home.run("tests.core.test_engine_cache:ReportsSteps", Resources(model("a")), STORY(seed=1), lambda _: None)
    assert home.usage.share == share
    home.clear()


def test_an_id_given_to_other_weights_means_these() -> None:
    home = residence(2.5)
    for sha256 in ("aa", "bb", "bb"):
        named = dataclasses.replace(model("a"), sha256=sha256)
        home.run(ENGINE, Resources(named), STORY(seed=1), lambda _: None)
    assert fakes.FakeEngine.loaded == ["a", "a"]


def test_an_id_given_to_the_same_weights_with_a_mended_config_means_these() -> None:
    home = residence(2.5)
    for config in ("cc", "dd", "dd"):
        named = dataclasses.replace(model("a"), sha256="aa", files={"config.json": config})
        home.run(ENGINE, Resources(named), STORY(seed=1), lambda _: None)
    assert fakes.FakeEngine.loaded == ["a", "a"]


def test_a_training_out_of_memory_is_not_begun_anew() -> None:
    stages: list[str] = []
    request = next(medium for medium in MEDIA if medium.name == "story").training_task.request(seed=fakes.MEMORY_ALWAYS)
    with pytest.raises(OutOfMemory):
        residence(2.5).run(ENGINE, Resources(), request, lambda progress: stages.append(progress.stage))
    assert stages == ["loading", "loading"], "the cache's own and the engine's, once"
    assert fakes.FakeEngine.loaded == ["none"]


def test_the_least_recently_used_goes_first() -> None:
    home = residence(2.5)
    for name in ("a", "b", "a", "c", "a", "b"):
        run(home, name)
    assert fakes.FakeEngine.loaded == ["a", "b", "c", "b"]
    assert fakes.FakeEngine.closed == ["b", "c"]
    home.clear()
    assert sorted(fakes.FakeEngine.closed[2:]) == ["a", "b"]


def test_a_model_larger_than_the_budget_still_runs_alone() -> None:
    home = residence(0.5)
    run(home, "a")
    run(home, "b")
    assert fakes.FakeEngine.closed == ["a"]


def test_out_of_memory_evicts_and_tries_once_more() -> None:
    home = residence(5)
    stages = run(home, "a", fakes.MEMORY_ONCE)
    assert fakes.FakeEngine.loaded == ["a", "a"]
    assert "making room" in stages


def test_out_of_memory_twice_says_what_would_help() -> None:
    home = residence(5)
    with pytest.raises(OutOfMemory, match="smaller size"):
        home.run("tests.core.test_engine_cache:Starving", Resources(model("a")), STORY(), lambda _: None)
    assert run(home, "b")[0] == "loading"


def test_a_model_that_cannot_be_loaded_leaves_nothing() -> None:
    home = residence(5)
    with pytest.raises(BadInput):
        home.run("tests.core.test_engine_cache:Broken", Resources(model("a")), STORY(), lambda _: None)
    assert fakes.FakeEngine.closed == ["a"]
    run(home, "a")


def test_damaged_weights_are_named_before_an_engine_sees_them(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes((500).to_bytes(8, "little") + b"{}")
    damaged = dataclasses.replace(model("a"), folder=tmp_path)
    with pytest.raises(StudioError, match=r"model\.safetensors is damaged") as caught:
        residence(5).run(ENGINE, Resources(damaged), STORY(), lambda _: None)
    assert caught.value.mend == "models"
    assert fakes.FakeEngine.loaded == []


def test_memory_really_comes_back_after_a_switch() -> None:
    host = ProcessHost(EngineLimits(budget=int(1.5 * SIZE * MEMORY_PER_WEIGHT_BYTE), platform=""))

    def resident(name: str) -> int:
        host.run(Job(STORY()), "tests.core.test_engine_cache:Heavy", Resources(model(name)), lambda _: None)
        return psutil.Process(host.pid).memory_info().rss

    try:
        one = resident("a")
        assert one > HEAVY
        assert resident("b") < one + HEAVY / 2, "the first model's memory must be gone"
    finally:
        host.close()


class Heavy(fakes.FakeEngine):
    """Holds memory, in many small pieces as weights are."""

    def load(self, resources: Resources, report: Report) -> None:
        super().load(resources, report)
        self.weights = [np.ones(2**18, np.float32) for _ in range(HEAVY // 2**20)]

    def close(self) -> None:
        del self.weights


class Starving(fakes.FakeEngine):
    """Never has enough memory."""

    def run(self, request: object, report: object) -> list[Text]:  # type: ignore[override]
        raise OutOfMemory("The machine ran out of memory.", "Choose a smaller size.")


class Broken(fakes.FakeEngine):
    """Finds its weights damaged."""

    def load(self, resources: Resources, report: object) -> None:  # type: ignore[override]
        assert callable(report)
        report(Progress("loading"))
        self.name = resources.main.id if resources.main else ""
        raise BadInput("The weights are damaged.", "Fetch them again.")


CONFIGURED: list[tuple[object, ...]] = []


def configure(*said: object) -> dict[str, str]:
    CONFIGURED.append(said)
    return {"device": "none"}


def test_the_machine_is_configured_once_by_the_settings() -> None:
    CONFIGURED.clear()
    home = EngineCache(EngineLimits("cpu", 3, 2**40, 8192, 12, f"{__name__}:configure"))
    run(home, "a")
    run(home, "b")
    assert CONFIGURED == [("cpu", 3, 8192, 12)]
