"""Requests: JSON both ways, values checked and named, what a newer version wrote kept."""

from __future__ import annotations

import json

import pytest

from studio.backends import MEDIA
from studio.errors import BadInput
from studio.schema.fields import SEED_LIMIT, Choice, FreeText, ModelId, PathTo, Range, Seed, WorkRef, field
from studio.schema.nested import FloatArray, ListOf
from studio.schema.request import Request, fresh_seed

REQUESTS = [task.request for medium in MEDIA for task in medium.tasks]


@pytest.mark.parametrize("cls", REQUESTS)
def test_json_round_trip(cls: type[Request]) -> None:
    request = cls(seed=7)
    again = Request.from_json(json.loads(json.dumps(request.to_json())))
    assert again == request
    assert hash(again) == hash(request)
    assert type(again) is cls


@pytest.mark.parametrize("cls", REQUESTS)
def test_every_field_has_a_label_and_help(cls: type[Request]) -> None:
    for name, each in cls.fields():
        assert each.label, name
        assert each.help.endswith("."), name


@pytest.mark.parametrize("cls", REQUESTS)
def test_what_a_newer_studio_wrote_is_kept(cls: type[Request]) -> None:
    data = {**cls().to_json(), "aura": {"deep": [1, 2]}}
    assert Request.from_json(data).to_json()["aura"] == {"deep": [1, 2]}


def test_unknown_values_that_are_not_json_are_refused() -> None:
    with pytest.raises(BadInput, match="does not know"):
        Request.from_json(json.loads('{"kind": "avatar", "aura": [NaN]}'))


@pytest.mark.parametrize("cls", REQUESTS)
def test_values_out_of_range_are_refused_by_the_name_of_the_field(cls: type[Request]) -> None:
    for name, each in cls.fields():
        if isinstance(each, Range):
            wrong = [each.high + 1, each.low - 1, float("nan"), float("inf"), 10**400, 10**5000, "many", None, True]
        elif isinstance(each, Choice):
            wrong = [3, None, "x" * 1000]
        elif isinstance(each, FreeText):
            wrong = [3, None, "x" * (each.limit + 1)]
        elif isinstance(each, Seed):
            wrong = [-1, 2**31, 10**5000, 1.5, "7", None]
        elif isinstance(each, ModelId | PathTo):
            wrong = [3, None]
        elif isinstance(each, WorkRef):
            wrong = [3, None, ["x"], {"id": 3}, {"id": "../x"}, {"sha256": "short"}, "a\0b"]
        elif isinstance(each, ListOf):
            wrong = [3, None, "[]", {}, [3], [{"name": 3}, None], [{}] * (each.limit + 1)]
        elif isinstance(each, FloatArray):
            wrong = [3, None, "AAA", "~~~~", "AA==", "AAB8", "AHw=", "AAAA" * each.limit]
        else:
            wrong = ["yes", None, 1]
        for value in wrong:
            with pytest.raises(BadInput, match=name):
                Request.from_json({**cls().to_json(), name: value})


@pytest.mark.parametrize("data", [None, [], "avatar", {"kind": "cathedral"}, {"kind": ["avatar"]}, {}])
def test_json_that_is_no_request_is_refused(data: object) -> None:
    with pytest.raises(BadInput):
        Request.from_json(data)


def test_integers_are_read_in_every_form_and_stored_as_int() -> None:
    each = Range(label="n", help="n.", low=0, high=10)
    assert each.check("n", 3.0) == 3
    assert isinstance(each.check("n", 3.0), int)
    with pytest.raises(BadInput):
        each.check("n", 3.5)


def test_characters_that_cannot_be_written_are_removed_from_texts() -> None:
    each = FreeText(label="t", help="t.")
    assert each.check("t", "a\0b") == "ab"
    assert each.check("t", "a\ud800b") == "a?b"


def test_a_new_kind_is_known_by_its_name() -> None:
    class Cathedral(Request):
        kind = "cathedral-of-tests"
        medium = "poster"
        height: float = field(1.0, Range(label="h", help="h.", low=0, high=2, step=0.1))

    try:
        assert Request.from_json({"kind": "cathedral-of-tests"}).to_json()["kind"] == "cathedral-of-tests"
    finally:
        del Request.kinds["cathedral-of-tests"]


def test_fresh_seeds_are_valid_and_differ() -> None:
    seeds = {fresh_seed() for _ in range(50)}
    assert len(seeds) > 45
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_candidates_have_a_seed_and_a_name_of_their_own() -> None:
    avatar = MEDIA[0].default_task.request
    made = avatar(seed=SEED_LIMIT - 2, name="Robin", psi=0.5).candidates(4)
    assert [(each.seed, each.to_json()["name"]) for each in made] == [
        (SEED_LIMIT - 2, "Robin"),
        (SEED_LIMIT - 1, "Robin 2"),
        (0, "Robin 3"),
        (1, "Robin 4"),
    ]
    assert {each.to_json()["psi"] for each in made} == {0.5}
    assert [each.to_json()["name"] for each in avatar(name="x" * 120).candidates(2)] == ["x" * 120, "x" * 118 + " 2"]
    assert [each.to_json()["name"] for each in avatar().candidates(2)] == ["", ""]
    assert [each.seed for each in MEDIA[1].default_task.request(seed=7).candidates(2)] == [7, 8]
