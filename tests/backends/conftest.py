"""What the tests of all engines share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from studio.backends.engine.training import TrainingLoop
from studio.studio import Studio
from studio.system.paths import AppPaths


@pytest.fixture(autouse=True, scope="session")
def steady_rate() -> Iterator[None]:
    """Learning rates follow the clock in earnest; here steps, not a machine's seconds, decide what is learned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingLoop, "fraction", 0.3)
        yield


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One without bundled models, whose engines run in this process."""
    home = tmp_path_factory.mktemp("studio")
    made = Studio(AppPaths.under(home), isolated=False, persist_queue=False, bundled=home / "none", platform="")
    yield made
    made.close()


@pytest.fixture(autouse=True, scope="module")
def own_heap() -> None:
    """Garbage collection looks only at what the module itself made: the libraries of the engines, which tests load when
    they need them, are half a million objects that would be gone through again and again."""
    gc.collect()
    gc.freeze()
