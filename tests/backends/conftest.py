"""What the tests of all engines share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from studio.backends.engine.training import TrainingLoop


@pytest.fixture(autouse=True, scope="session")
def steady_rate() -> Iterator[None]:
    """Learning rates follow the clock in earnest; here steps, not a machine's seconds, decide what is learned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingLoop, "fraction", 0.3)
        yield
