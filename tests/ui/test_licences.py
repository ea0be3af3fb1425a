"""Licences in plain words: each that the catalogue names has a name of its own, and words that agree with it."""

from __future__ import annotations

import pytest

from studio.models.sources.offers import Offer, offers
from studio.ui.pages.licences import terms


@pytest.mark.parametrize("each", offers(), ids=lambda each: each.id)
def test_the_licence_of_an_offer_is_known(each: Offer) -> None:
    said = terms(each.licence)
    assert said.name != each.licence
    if each.sells == "yes":
        assert said.free
    if each.sells == "no":
        assert "commercial" in said.words
