"""Device and dtype: what small models are made with does not depend on how busy the machine is."""

from __future__ import annotations

import pytest
import torch

from studio.backends.engine import device
from studio.backends.story.engine.engine import StoryEngine
from studio.models.catalog import Catalog
from studio.models.resources import Resources


def test_a_small_model_never_asks_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "fast_dtype", lambda: torch.bfloat16)  # how a measurement may come out
    assert device.dtype_for(device.SMALL - 1) == torch.float32
    assert device.dtype_for(device.SMALL) == torch.bfloat16
    engine = StoryEngine()
    engine.load(Resources(Catalog().default("story")), lambda _: None)
    assert engine.model.network.dtype == torch.float32
    engine.close()
