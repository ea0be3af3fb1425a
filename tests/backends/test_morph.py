"""Walks: they pass their faces, close their loop, move evenly, and become clips."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.latents import FRAME_LIMIT, Latents, MorphPath, encode_latent, slerp
from studio.backends.avatar.mixing import between
from studio.backends.avatar.requests import AvatarRequest, AvatarWalkRequest, MorphStop, Variation
from studio.errors import BadInput
from studio.jobs.job import Cancelled, Progress
from studio.media import clips, temp_clips
from studio.media.payloads import Clip, Image
from tests.backends.toys import engine_of, made, toy_model

FACES = [
    AvatarRequest(seed=1, style="round", psi=0.8),
    AvatarRequest(seed=2, style="square", near=(Variation(1, 0.4),)),
    AvatarRequest(seed=3, style="round", psi=0.5, cutoff=3),
]


@pytest.fixture
def engine(tmp_path: Path) -> AvatarEngine:
    return engine_of(toy_model(tmp_path / "toy"))


def stations(faces: list[AvatarRequest] = FACES) -> tuple[MorphStop, ...]:
    return tuple(MorphStop(json.dumps(face.to_json())) for face in faces)


def walk(engine: AvatarEngine, **fields: object) -> MorphPath:
    request = AvatarWalkRequest(**{"stations": stations(), "seconds": 1.0, "fps": 10, **fields})  # type: ignore[arg-type]
    return MorphPath(ways(engine), request)


def ways(engine: AvatarEngine) -> Latents:
    assert engine._latents is not None
    return engine._latents


@pytest.mark.parametrize("way", ["w", "z"])
@pytest.mark.parametrize("curve", ["line", "spline", "ease"])
def test_a_walk_passes_its_faces(engine: AvatarEngine, way: str, curve: str) -> None:
    found = list(walk(engine, way=way, curve=curve, loop=True).frames())
    assert len(found) == 30
    for i, face in enumerate(FACES):
        torch.testing.assert_close(found[10 * i], ways(engine).ws(face), atol=1e-5, rtol=1e-5)
    steps = [float((a - b).norm()) for a, b in zip(found, [*found[1:], found[0]], strict=True)]
    assert max(steps) < 4 * np.median(steps), "no jump, not where the loop closes either"


def test_a_walk_part_by_part_shows_whole_drawings_and_passes_its_faces(engine: AvatarEngine) -> None:
    path = walk(engine, loop=True)
    latents = ways(engine)
    found = list(path.drawings())
    for i, face in enumerate(FACES):
        ((ws, weight),) = found[10 * i]
        assert weight == 1
        torch.testing.assert_close(ws, latents.ws(face), atol=1e-5, rtol=1e-5)
    assert all(len(shown) in (1, 2) and sum(weight for _, weight in shown) == pytest.approx(1) for shown in found)
    assert any(len(shown) == 2 for shown in found)
    assert latents.traits is not None
    table = latents.traits.table
    own, other = (latents.code(face) for face in (FACES[0], FACES[2]))
    for part in np.linspace(0, 1, 23):
        for code, _ in between(latents.traits, own, other, float(part)):
            for one in table.styles[code.style].attributes:
                if not one.colour:
                    assert set(code.vector[table.spans[code.style][one.name]]) <= {0, 1}, "no part is half there"


@pytest.mark.parametrize("way", ["w", "z"])
def test_without_a_loop_it_ends_at_its_last_face(engine: AvatarEngine, way: str) -> None:
    found = list(walk(engine, way=way, loop=False).frames())
    assert len(found) == 20
    torch.testing.assert_close(found[0], ways(engine).ws(FACES[0]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[-1], ways(engine).ws(FACES[-1]), atol=1e-5, rtol=1e-5)


def test_straight_in_w_is_even_and_easing_rests(engine: AvatarEngine) -> None:
    def steps(curve: str) -> list[float]:
        found = list(walk(engine, way="w", curve=curve).frames())[:11]
        return [float((b - a).norm()) for a, b in itertools.pairwise(found)]

    line, ease = steps("line"), steps("ease")
    assert max(line) == pytest.approx(min(line), rel=1e-3)
    assert ease[0] < 0.5 * line[0]
    assert ease[5] > 1.2 * line[5]


def test_slerp_keeps_to_the_circle() -> None:
    a, b = torch.randn(1, 8), torch.randn(1, 8)
    a, b = a / a.norm(), b / b.norm()
    for part in (0.0, 0.3, 1.0):
        assert float(slerp(a, b, part).norm()) == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(slerp(a, b, 0.0), a)
    torch.testing.assert_close(slerp(a, b, 1.0), b)
    torch.testing.assert_close(slerp(a, a, 0.5), a)


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_it_becomes_a_clip_and_is_seen_meanwhile(engine: AvatarEngine, format: str) -> None:
    heard: list[Progress] = []
    request = AvatarWalkRequest(stations=stations(), seconds=0.4, fps=10, format=format, size="native")
    clip = made(engine, request, heard.append)
    assert isinstance(clip, Clip)
    assert (clip.width, clip.height, clip.frames) == (16, 16, 12)
    assert clip.seconds == pytest.approx(1.2)
    previews = [progress.preview for progress in heard if progress.preview is not None]
    assert len(previews) == 12
    assert all(isinstance(preview, Image) and preview.pixels.shape == (16, 16, 4) for preview in previews)
    done = [progress.done for progress in heard if progress.total]
    assert done == sorted(done)
    assert {progress.total for progress in heard if progress.total} == {12}
    first = next(iter(clips.frames(clip.path)))
    assert first.shape == (16, 16, 4)
    temp_clips.discard(clip)


def test_cancelled_it_leaves_no_file(engine: AvatarEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temp_clips, "new_path", lambda suffix: tmp_path / f"clip{suffix}")

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.run(AvatarWalkRequest(stations=stations(), seconds=1, fps=10), stop)
    assert not list(tmp_path.glob("clip*"))


def test_what_cannot_be_walked_is_refused(engine: AvatarEngine) -> None:
    found = FACES[0].replace(latent=encode_latent(ways(engine).ws(FACES[0])))
    elsewhere = FACES[0].replace(model="elsewhere")
    for fields, words in (
        ({"stations": stations(FACES[:1])}, "two faces"),
        ({"stations": (*stations(), MorphStop())}, "has no face"),
        ({"stations": stations([found, FACES[1]]), "way": "z"}, "has no seed"),
        ({"stations": stations([elsewhere, FACES[1]])}, "model elsewhere"),
        ({"seconds": 30, "fps": 60, "stations": stations(FACES * 20)}, f"{FRAME_LIMIT:,}"),
    ):
        with pytest.raises(BadInput, match=words):
            walk(engine, **fields)
    made_in_w = walk(engine, stations=stations([found, FACES[1]]))
    torch.testing.assert_close(made_in_w.at(0, 0.0), ways(engine).ws(found))
