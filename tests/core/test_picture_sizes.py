"""Sizes of pictures by name: within what each family takes, near the area that it was made for."""

from __future__ import annotations

import pytest

from studio.backends import medium
from studio.backends.poster.enlarge import refuse_slim
from studio.errors import BadInput
from studio.models.families import Family
from studio.schema.fields import Range
from studio.schema.picture_sizes import PICTURE_SIZES, fitted, has_sides, size_of
from studio.schema.request import Request

POSTER = medium("poster")
SIDE = Range(label="Side", help="", low=64, high=2048)


def sizes(family: Family) -> dict[str, tuple[int, int]]:
    return {each.name: (each.width, each.height) for each in family.picture_sizes(POSTER.default_task.request)}


@pytest.mark.parametrize("family", POSTER.families, ids=lambda family: family.name)
def test_every_family_can_paint_what_is_offered(family: Family) -> None:
    kind: type[Request] = POSTER.default_task.request
    offered = sizes(family)
    assert {"square", "portrait", "stories", "wide", "banner", "a4"} <= set(offered)
    assert len(set(offered.values())) == len(offered)
    usual = kind(**family.suited(kind))
    assert (usual.width, usual.height) in offered.values()  # type: ignore[attr-defined]
    for wide, high in offered.values():
        family.check(usual.replace(width=wide, height=high))
        refuse_slim(wide, high)
        if family.side_step:
            assert (wide % family.side_step, high % family.side_step) == (0, 0)
            area = usual.width * usual.height  # type: ignore[attr-defined]
            assert wide * high == pytest.approx(area, rel=0.12)


def test_a_model_of_any_size_makes_what_networks_ask_for() -> None:
    offered = sizes(POSTER.family("scene"))
    assert (offered["square"], offered["feed"], offered["banner"]) == ((1024, 1024), (1080, 1350), (1500, 500))
    assert sizes(POSTER.family("sd"))["portrait"] == (416, 624)


def test_what_does_not_fit_is_not_offered() -> None:
    small = Range(label="Side", help="", low=64, high=1100)
    assert [each.name for each in fitted(PICTURE_SIZES, small, small)] == ["square", "cover"]
    assert not medium("story").family("").picture_sizes(medium("story").default_task.request)
    hidden = Family("plain", controls=frozenset({"prompt"}))
    assert not hidden.picture_sizes(POSTER.default_task.request)


def test_a_size_is_named_or_typed() -> None:
    known = tuple(fitted(PICTURE_SIZES, SIDE, SIDE))
    assert size_of("stories", known) == (1080, 1920)
    assert size_of("1024x1536", known) == size_of(" 1024 × 1536 ", known) == (1024, 1536)
    for text in ("postcard", "10", "1024x", "-1x5", "x" * 400):
        with pytest.raises(BadInput, match="The size cannot be"):
            size_of(text, known)
    assert has_sides(POSTER.default_task.request)
    assert not has_sides(medium("avatar").default_task.request)
