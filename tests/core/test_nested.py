"""Fields that hold rows, packed numbers or other requests: checked, named, kept whole."""

from __future__ import annotations

import base64
import dataclasses
import json

import numpy as np
import pytest

from studio.backends.avatar.requests import (
    AvatarRequest,
    AvatarWalkRequest,
    DirectionStep,
    MorphStop,
    SliderValue,
    StyleMix,
    Variation,
)
from studio.errors import BadInput
from studio.schema import nested
from studio.schema.nested import NestedRequest
from studio.schema.request import Request


def face(**fields: object) -> AvatarRequest:
    found = Request.from_json({"kind": "avatar", **fields})
    assert isinstance(found, AvatarRequest)
    return found


def test_rows_are_read_from_objects_and_written_back() -> None:
    request = face(traits=[{"name": "Hair", "value": 1}], slides=[{"direction": "sefa-1", "amount": -2.5}])
    assert request.traits == (SliderValue("Hair", 1.0),)
    assert request.slides == (DirectionStep("sefa-1", -2.5),)
    assert request.to_json()["traits"] == [{"name": "Hair", "value": 1.0}]
    assert request == AvatarRequest(traits=(SliderValue("Hair", 1.0),), slides=(DirectionStep("sefa-1", -2.5),))
    assert len({request, AvatarRequest()}) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"traits": [{"name": "Hair"}, {"name": "Skin", "value": 7}]}, r"traits\[1\]\.value is 7"),
        ({"slides": [{"direction": 3}]}, r"slides\[0\]\.direction must be text"),
        ({"near": [4]}, r"near\[0\] must be an object"),
        ({"mix": [{"layers": "hat"}]}, r"mix\[0\]\.layers cannot be"),
        ({"mix": [{"face": "{"}]}, r"mix\[0\]\.face is not JSON"),
        ({"mix": [{"face": {"kind": "avatar", "psi": 9}}]}, r"mix\[0\]\.face: psi is 9"),
        ({"mix": [{"face": {"kind": "story"}}]}, "is a request for story, not for avatar"),
        ({"mix": [{}] * 13}, "has 13 entries; at most 12"),
    ],
)
def test_an_invalid_value_is_refused_by_row_and_field(fields: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        face(**fields)


def test_a_row_of_a_newer_studio_is_kept() -> None:
    row = {"seed": 3, "spread": 0.5, "wind": {"from": "west"}}
    request = face(near=[row])
    assert request.near[0].seed == 3
    assert request.to_json()["near"] == [row]
    assert dataclasses.replace(request.near[0], seed=4).to_json()["wind"] == {"from": "west"}


def test_faces_within_faces_are_read_back() -> None:
    inner = face(seed=1, name="\u5c0f\u660e", near=[{"seed": 2}])
    middle = face(seed=3, mix=[{"face": inner.to_json(), "layers": "fine"}])
    outer = AvatarRequest(mix=(StyleMix(json.dumps(middle.to_json())),))
    again = Request.from_json(json.loads(json.dumps(outer.to_json())))
    assert again == outer
    within = Request.from_json(json.loads(outer.mix[0].face))
    assert within == middle
    assert Request.from_json(json.loads(middle.mix[0].face)) == inner
    walk = AvatarWalkRequest(stations=(MorphStop(outer.mix[0].face), MorphStop(middle.mix[0].face)))
    assert Request.from_json(walk.to_json()) == walk


def test_a_request_within_a_request_may_be_given_as_one() -> None:
    note = NestedRequest(label="Face", help="A face.", kind="avatar")
    request = AvatarRequest(near=(Variation(5, 0.2),))
    assert note.check("face", request) == note.check("face", request.to_json()) == json.dumps(request.to_json())


def test_endless_nesting_is_refused() -> None:
    def nest(request: AvatarRequest) -> AvatarRequest:
        return nest(AvatarRequest(mix=(StyleMix(json.dumps(request.to_json())),)))

    with pytest.raises(BadInput, match="at most 200,000"):
        nest(AvatarRequest())


def test_numbers_are_packed_as_they_came() -> None:
    numbers = np.array([0, -1.5, 65504], "<f2")
    packed = base64.b64encode(numbers.tobytes()).decode()
    assert face(latent=packed).latent == packed


def test_old_requests_are_read_as_they_were() -> None:
    old = {"kind": "avatar", "style": "micah", "psi": 0.7, "noise": "none", "size": "native", "seed": 9, "model": ""}
    request = face(**{key: value for key, value in old.items() if key != "kind"})
    assert (request.traits, request.latent, request.cutoff, request.label) == ((), "", 0, -1)
    assert request.to_json().items() >= old.items()


def test_a_request_in_requests_is_read_once_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not twice as often with each that it lies in: each picture of a drag is such a request."""
    one = AvatarRequest(seed=40)
    for seed in range(41, 48):
        one = AvatarRequest(seed=seed, mix=(StyleMix(json.dumps(one.to_json())),))
    nested._checked_once.cache_clear()
    read: list[object] = []
    real = Request.from_json

    def counted(data: object) -> Request:
        read.append(data)
        return real(data)

    monkeypatch.setattr(Request, "from_json", staticmethod(counted))
    assert Request.from_json(one.to_json()) == one
    assert len(read) <= 10
