"""What the catalogue fetches of a model in the format of diffusers is what its pipeline is made of."""

from __future__ import annotations

import inspect

import diffusers
import pytest

from studio.backends import medium
from studio.models.sources.offers import HubSource, Offer, offers


def parts(pipeline: str) -> set[str]:
    """The parts that a pipeline of diffusers cannot be made without."""
    taken = inspect.signature(getattr(diffusers, pipeline).__init__).parameters.values()
    return {each.name for each in taken if each.name != "self" and each.default is inspect.Parameter.empty}


def pipelines_of(each: Offer) -> list[str]:
    """The pipelines that models of an offer's family may be."""
    return [mark.text for mark in medium(each.medium).family(each.family).marks if mark.kind == "pipeline"]


@pytest.mark.parametrize("each", [each for each in offers() if pipelines_of(each)], ids=lambda each: each.id)
def test_an_offer_has_all_parts_of_its_pipeline(each: Offer) -> None:
    pipelines = pipelines_of(each)
    (source,) = (source for source in each.sources if isinstance(source, HubSource))
    fetched = {name.partition("/")[0] for name in source.files if "/" in name}
    assert "model_index.json" in source.files
    assert any(parts(pipeline) <= fetched for pipeline in pipelines)
