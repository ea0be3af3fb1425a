"""What moves a face: sliders, directions, steps nearby, other faces' layers; each does what it says, and comes back."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.backends.avatar import directions, slider_tracks, sliders
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.latents import Latents, encode_latent, groups
from studio.backends.avatar.engine.network import GeneratorShape
from studio.backends.avatar.requests import (
    AvatarDirectionsRequest,
    AvatarRequest,
    DirectionStep,
    SliderValue,
    StyleMix,
    Variation,
)
from studio.errors import BadInput
from studio.models.model import Model
from tests.backends.toys import CLASSES, PLAIN, SHAPE, TABLE, engine_of, made, quiet, toy_model

ROUND = {"style": "round", "size": "native"}


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return toy_model(tmp_path / "toy")


@pytest.fixture
def engine(model: Model) -> AvatarEngine:
    return engine_of(model)


def face(**fields: Any) -> AvatarRequest:
    return AvatarRequest(**{**ROUND, **fields})


def told(request: AvatarRequest) -> str:
    return json.dumps(request.to_json())


def pixels(engine: AvatarEngine, **fields: Any) -> np.ndarray:
    return made(engine, face(**fields)).pixels


def latents(engine: AvatarEngine) -> Latents:
    assert engine._latents is not None
    return engine._latents


def test_every_kind_of_step_changes_the_face_and_comes_back(engine: AvatarEngine, model: Model) -> None:
    made(engine, AvatarDirectionsRequest(method="sefa", directions=2))
    other = told(face(seed=9))
    steps: list[dict[str, Any]] = [
        {"traits": (SliderValue("Hair colour", 0.9),)},
        {"slides": (DirectionStep("sefa-1", 2.0),)},
        {"near": (Variation(3, 0.4),)},
        {"mix": (StyleMix(other, "middle", 0.7),)},
        {"psi": 0.4, "cutoff": 2},
        {"latent": encode_latent(latents(engine).ws(face(seed=9)))},
    ]
    plain = pixels(engine, seed=4)
    for step in steps:
        changed = pixels(engine, seed=4, **step)
        assert (changed != plain).any(), step
        np.testing.assert_array_equal(changed, pixels(engine_of(model), seed=4, **step), err_msg=str(step))
    together = {name: value for step in steps for name, value in step.items()}
    np.testing.assert_array_equal(pixels(engine, seed=4, **together), pixels(engine_of(model), seed=4, **together))
    np.testing.assert_array_equal(plain, pixels(engine, seed=4))


def test_another_face_mixed_in_whole_is_that_face(engine: AvatarEngine) -> None:
    other = face(seed=9, psi=0.6, near=(Variation(2, 0.3),))
    whole = tuple(StyleMix(told(other), layers, 1.0) for layers in ("coarse", "middle", "fine"))
    assert torch.equal(latents(engine).ws(face(seed=4, mix=whole)), latents(engine).ws(other))
    part = latents(engine).ws(face(seed=4, mix=whole[:1]))
    span = groups(SHAPE)["coarse"]
    assert torch.equal(part[:, span], latents(engine).ws(other)[:, span])
    assert torch.equal(part[:, span.stop :], latents(engine).ws(face(seed=4))[:, span.stop :])


def test_a_face_of_another_model_is_refused(engine: AvatarEngine) -> None:
    mix = (StyleMix(told(face(model="elsewhere"))),)
    with pytest.raises(BadInput, match="model elsewhere cannot be used"):
        pixels(engine, mix=mix)


@pytest.mark.parametrize("size", [16, 32, 64, 256, 1024])
def test_layers_fall_into_three_groups(size: int) -> None:
    found = groups(GeneratorShape(channels=(8,) * (size.bit_length() - 2)))
    assert [*found["coarse"], *found["middle"], *found["fine"]] == list(range(2 * (size.bit_length() - 2)))
    assert all(found.values())
    if size == 1024:
        assert found == {"coarse": range(4), "middle": range(4, 8), "fine": range(8, 18)}


def test_steps_nearby_draw_some_attributes_anew(engine: AvatarEngine, model: Model) -> None:
    ways = latents(engine)
    start = face(seed=4, style="round")
    _, picks = ways.picks(start)
    assert ways.picks(start.replace(near=(Variation(1, 0.0),)))[1] == picks
    changes = []
    for spread in (0.05, 0.5, 1.0):
        neighbours = [start.replace(near=(Variation(seed, spread),)) for seed in range(60)]
        found = [ways.picks(one)[1] for one in neighbours]
        assert all(other != picks for other in found)
        assert all((other[2] == -1) == (other[3] == -1) for other in found)  # glasses and their colour go together
        changes.append(np.mean([sum(a != b for a, b in zip(other, picks, strict=True)) for other in found]))
        for one in neighbours[:5]:
            places = {slider.name: slider.value for slider in sliders.sliders(model.folder, one)}
            assert places == ways.traits.positions(0, ways.picks(one)[1], ())  # type: ignore[union-attr]
    assert 1 <= changes[0] < changes[1] < changes[2]
    chain = start.replace(near=(Variation(1, 0.3), Variation(2, 0.3)))
    assert torch.equal(ways.ws(chain), latents(engine_of(model)).ws(chain))


@pytest.fixture
def found_face(engine: AvatarEngine) -> dict[str, str]:
    """What makes a face one that was found, which has no attributes of its own."""
    return {"latent": encode_latent(latents(engine).ws(face(seed=4, psi=1.0)))}


def test_steps_nearby_are_small_for_a_small_spread_and_a_chain_stays_usual(
    engine: AvatarEngine, found_face: dict[str, str]
) -> None:
    ways = latents(engine)
    start = ways.ws(face(seed=4, psi=1.0, **found_face))
    far = [
        float((ways.ws(face(seed=4, psi=1.0, **found_face, near=(Variation(1, spread),))) - start).norm())
        for spread in (0.0, 0.1, 0.5)
    ]
    assert far[0] < 1e-5
    assert 0 < far[1] < far[2]
    chain = tuple(Variation(seed, 0.6) for seed in range(40))
    samples = ways.samples(face(), 200)
    usual = (samples - samples.mean(dim=0)).norm(dim=1)
    end = ways.ws(face(seed=4, psi=1.0, **found_face, near=chain))[0, 0] - samples.mean(dim=0)
    assert usual.min() / 2 < end.norm() < 2 * usual.max()


def test_many_drawings_are_drawn_as_one_by_one() -> None:
    many = TABLE.vectors(0, 900, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    one_by_one = np.stack([TABLE.vector(0, TABLE.draw(0, rng)) for _ in range(900)])
    np.testing.assert_allclose(many.mean(axis=0), one_by_one.mean(axis=0), atol=0.1)
    glasses, tint = many[:, 10:12].sum(axis=1), many[:, 15]
    np.testing.assert_array_equal(glasses, tint)


def test_truncation_may_end_at_a_layer(engine: AvatarEngine) -> None:
    ways = latents(engine)
    whole, cut = ways.ws(face(seed=4, psi=1.0)), ways.ws(face(seed=4, psi=0.0, cutoff=2))
    centre = ways.origin(face(seed=4)).centre
    assert torch.equal(cut[:, 2:], whole[:, 2:])
    torch.testing.assert_close(cut[:, :2], centre.expand(1, 2, -1))


def test_one_drag_maps_what_changes_only(engine: AvatarEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    made(engine, AvatarDirectionsRequest(method="sefa", directions=1))
    pixels(engine, seed=4, near=(Variation(1),), slides=(DirectionStep("sefa-1", 1.0),))
    calls: list[int] = []
    mapping = latents(engine).network.mapping
    monkeypatch.setattr(mapping, "forward", lambda *args: calls.append(1))
    for amount in np.linspace(-3, 3, 7):
        pixels(engine, seed=4, near=(Variation(1),), slides=(DirectionStep("sefa-1", round(float(amount), 2)),))
    assert not calls


def test_sliders_rest_where_the_seed_drew_them(engine: AvatarEngine, model: Model) -> None:
    for seed in range(8):
        request = face(seed=seed)
        resting = sliders.sliders(model.folder, request)
        held = request.replace(traits=tuple(SliderValue(one.name, one.value) for one in resting))
        torch.testing.assert_close(latents(engine).ws(held), latents(engine).ws(request), atol=1e-5, rtol=1e-5)
        assert sliders.sliders(model.folder, held) == resting


def test_sliders_are_those_that_the_face_has(model: Model) -> None:
    def names(**fields: Any) -> set[str]:
        return {one.name for one in sliders.sliders(model.folder, face(**fields))}

    without, with_glasses = (SliderValue("Glasses", 0.0),), (SliderValue("Glasses", 1.0),)
    assert names(traits=without) == {"Hair colour", "Mouth", "Glasses"}
    assert names(traits=with_glasses) == {"Hair colour", "Mouth", "Glasses", "Glasses colour"}
    assert names(style="square") == {"Skin"}
    (glasses,) = (one for one in sliders.sliders(model.folder, face(traits=with_glasses)) if one.name == "Glasses")
    assert (glasses.value, glasses.at, glasses.values) == (1.0, "large", ("", "small", "large"))
    assert sliders.style_of(model.folder, face(style="square")) == "square"
    assert sliders.with_trait(face(traits=without), "Glasses", 1.0) == face(traits=with_glasses)


def test_tracks_go_from_dark_to_light_from_sad_to_glad_and_from_none() -> None:
    by_name = {track.name: track for track in slider_tracks.SliderTracks.by_name(TABLE).styles[0]}
    values = {one.name: one.values for one in TABLE.styles[0].attributes}
    assert [values["hairColor"][i] for i in by_name["Hair colour"].order] == ["#201008", "#804020", "#f0e0a0"]
    assert [values["mouth"][i] for i in by_name["Mouth"].order] == ["frown", "serious", "smile", "laughing"]
    assert by_name["Glasses"].order[0] == -1


def test_between_two_stations_codes_are_blended() -> None:
    traits = slider_tracks.SliderTracks.by_name(TABLE)
    picks = [0, 0, -1, -1]

    def codes(name: str, value: float) -> np.ndarray:
        return traits.condition(0, picks, (SliderValue(name, value),))

    hair = slice(2, 6)
    dark, light = codes("Hair colour", 0.0)[hair], codes("Hair colour", 0.5)[hair]
    np.testing.assert_allclose(codes("Hair colour", 0.25)[hair], (dark + light) / 2)
    mouth, glasses, tint = slice(6, 10), slice(10, 12), slice(12, 16)
    assert codes("Mouth", 1.0)[mouth].tolist() == [0, 0, 1, 0]
    half = codes("Mouth", 5 / 6)[mouth]
    assert sorted(half.tolist()) == [0, 0, 0.5, 0.5]
    # What is put on brings its usual colour, and takes it away again.
    assert not codes("Glasses", 0.0)[tint].any()
    assert codes("Glasses", 0.5)[glasses].sum() == 1
    assert codes("Glasses", 0.5)[tint][3] == 1


def test_a_slider_of_another_style_is_left_out_and_an_unknown_one_named(engine: AvatarEngine) -> None:
    skin = (SliderValue("Skin", 1.0),)
    np.testing.assert_array_equal(pixels(engine, traits=skin), pixels(engine))
    with pytest.raises(BadInput, match="no slider 'Wings'") as caught:
        pixels(engine, traits=(SliderValue("Wings", 1.0),))
    assert "Hair colour" in caught.value.hint


def test_traits_are_saved_with_the_model_and_a_damaged_file_is_named(model: Model) -> None:
    traits = slider_tracks.SliderTracks.by_name(TABLE)
    turned = dataclasses.replace(
        traits, styles=tuple(tuple(dataclasses.replace(t, order=t.order[::-1]) for t in s) for s in traits.styles)
    )
    turned.write(model.folder)
    assert slider_tracks.read(model.folder, TABLE) == turned
    assert engine_of(model)._latents.traits == turned  # type: ignore[union-attr]
    said = json.loads((model.folder / slider_tracks.FILE).read_text())
    said["styles"]["round"][0]["order"].append("#nothing")
    (model.folder / slider_tracks.FILE).write_text(json.dumps(said))
    with pytest.raises(Exception, match=r"traits\.json is damaged"):
        sliders.sliders(model.folder, face())


def test_found_faces_are_moved_by_sliders_too(engine: AvatarEngine) -> None:
    ways = latents(engine)
    plain = face(seed=4)
    found = plain.replace(latent=encode_latent(ways.ws(plain.replace(psi=1.0))), psi=1.0)
    which, picks = 0, ways.nearest_picks(ways.ws(found).mean(dim=1), plain)
    assert picks == ways.picks(plain)[1]
    rest = tuple(SliderValue(name, value) for name, value in ways.traits.positions(which, picks, ()).items())  # type: ignore[union-attr]
    torch.testing.assert_close(ways.ws(found.replace(traits=rest)), ways.ws(found), atol=1e-4, rtol=1e-4)
    moved = sliders.with_trait(found.replace(traits=rest), "Hair colour", 1.0)
    assert (ways.ws(moved) - ways.ws(found)).abs().max() > 0.01


def test_a_latent_of_another_network_is_refused(engine: AvatarEngine) -> None:
    with pytest.raises(BadInput, match="needs 96"):
        pixels(engine, latent=encode_latent(torch.zeros(1, 3, 16)))


def test_classes_and_seeds_as_elsewhere(tmp_path: Path) -> None:
    engine = engine_of(toy_model(tmp_path / "classes", CLASSES, None, z="randomstate"))
    ways = latents(engine)
    origin = ways.origin(AvatarRequest(seed=7, label=2))
    expected = np.random.RandomState(7).randn(1, CLASSES.z_dim).astype(np.float32)
    np.testing.assert_array_equal(origin.z.numpy(), expected)
    assert origin.c is not None
    assert origin.c.tolist() == [[0, 0, 1]]
    picture = made(engine, AvatarRequest(seed=7, label=2, size="native")).pixels
    assert picture.shape == (16, 16, 3)
    assert (picture != made(engine, AvatarRequest(seed=7, label=1, size="native")).pixels).any()
    near = AvatarRequest(seed=7, label=2, near=(Variation(1),), size="native")
    assert (made(engine, near).pixels != picture).any()
    for wrong, words in (({"label": 3}, "classes 0 to 2"), ({"style": "round"}, "no style")):
        with pytest.raises(BadInput, match=words):
            made(engine, AvatarRequest(**wrong))


def test_plain_models_have_neither_classes_nor_sliders(tmp_path: Path) -> None:
    model = toy_model(tmp_path / "plain", PLAIN, None)
    assert sliders.sliders(model.folder, AvatarRequest()) == []
    for wrong, words in (({"label": 0}, "no classes"), ({"traits": (SliderValue("Hair", 1),)}, "no named sliders")):
        with pytest.raises(BadInput, match=words):
            made(engine_of(model), AvatarRequest(**wrong))


def test_models_with_styles_have_no_classes(engine: AvatarEngine) -> None:
    with pytest.raises(BadInput, match="styles, not classes"):
        made(engine, AvatarRequest(label=1))


def test_as_drawn_a_running_drag_is_not_taken_away(engine: AvatarEngine) -> None:
    heard: list[str] = []
    engine.run(face(), lambda progress: heard.append(progress.stage))
    assert heard == ["mapping"]


def test_directions_learnt_meanwhile_are_used_at_once(engine: AvatarEngine, model: Model) -> None:
    with pytest.raises(BadInput, match="no direction 'sefa-1'"):
        pixels(engine, slides=(DirectionStep("sefa-1", 1.0),))
    engine_of(model).run(AvatarDirectionsRequest(method="sefa", directions=1), quiet)
    pixels(engine, slides=(DirectionStep("sefa-1", 1.0),))
    directions.remove(model, "sefa-1")
    with pytest.raises(BadInput, match="no direction"):
        pixels(engine, slides=(DirectionStep("sefa-1", 1.0),))
