"""What is taken from another face is what the choice is called: measured on pictures, for shape and for colour."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from studio.backends.avatar import sliders
from studio.backends.avatar.attributes import NONE
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.latents import Latents, encode_latent, groups, reset_sliders
from studio.backends.avatar.engine.synthesis import render, to_pixels
from studio.backends.avatar.mixing import BY_ATTRIBUTES, FaceCode, face_code, mixed, parse_face
from studio.backends.avatar.requests import AvatarRequest, SliderValue, StyleMix
from studio.backends.avatar.slider_tracks import SliderTracks, display_name
from studio.models.model import Model
from studio.system.paths import RESOURCES
from tests.backends.toys import PLAIN, SHAPE, TABLE, engine_of, toy_model

STARTER = RESOURCES / "models" / "avatar-starter"
STYLES = ("adventurer", "open-peeps", "micah", "big-smile", "personas")
Floats = NDArray[np.float64]


def face(**fields: Any) -> AvatarRequest:
    return AvatarRequest(**{"size": "native", **fields})


def with_part(own: AvatarRequest, other: AvatarRequest, choice: str, amount: float = 1.0) -> AvatarRequest:
    return own.replace(mix=(*own.mix, StyleMix(json.dumps(other.to_json()), choice, amount)))


def latents(engine: AvatarEngine) -> Latents:
    assert engine._latents is not None
    return engine._latents


def code(ways: Latents, request: AvatarRequest) -> FaceCode:
    assert ways.traits is not None
    return face_code(ways.traits, request, ways.config.shape.z_dim, parse_face)


class Eye:
    """Sees the shape and the colours of faces of one network, whatever the other does."""

    def __init__(self, ways: Latents) -> None:
        self.ways = ways

    @torch.inference_mode()
    def picture(self, request: AvatarRequest) -> Floats:
        """[side, side, 4] in [0, 1]."""
        return to_pixels(render(self.ways.network, self.ways.ws(request), "const", 0))[0] / 255.0

    @torch.inference_mode()
    def regions(self, request: AvatarRequest) -> dict[str, Floats]:
        """For each colour of a face the pixels that have it, [side / 2, side / 2]: those that change when it does."""
        network, drawn = self.ways.network, code(self.ways, request)
        table = self.ways.config.table
        assert table is not None
        z = self.ways.origin(request).z
        vectors, names = [drawn.vector], []
        for one in table.styles[drawn.style].attributes:
            at = table.spans[drawn.style][one.name]
            if one.colour and drawn.vector[at][3] > 0.5:
                other = drawn.vector.copy()
                other[at.start : at.start + 3] = -np.sign(drawn.vector[at][:3] + 1e-6)
                vectors.append(other)
                names.append(display_name(one))
        ws = network.broadcast(network.mapping(z.expand(len(vectors), -1), torch.from_numpy(np.stack(vectors))))
        drawn_all = to_pixels(network.synthesis(ws, size=network.shape.size // 2)) / 255.0
        found: dict[str, Floats] = {}
        for name, picture in zip(names, drawn_all[1:], strict=True):
            changed = np.abs(picture - drawn_all[0])[..., :3].sum(-1)
            region = (changed > 0.3 * changed.max()) * drawn_all[0][..., 3]
            if region.sum() > 15:
                found[name] = region
        return found

    def colours(self, request: AvatarRequest) -> dict[str, Floats]:
        """The mean colour of each region in CIELAB."""
        picture = self.picture(request)[..., :3]
        half = picture.shape[0] // 2
        seen = lab(picture.reshape(half, 2, half, 2, 3).mean((1, 3)))
        return {
            name: (seen * region[..., None]).sum((0, 1)) / region.sum()
            for name, region in self.regions(request).items()
        }


def lab(rgb: Floats) -> Floats:
    """CIELAB (D65) of sRGB in [0, 1]."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def structure(picture: Floats) -> Floats:
    """Where there is something and where edges are, at a quarter of the size; no colours."""
    alpha = picture[..., 3:]
    light = lab(picture[..., :3] * alpha + 1 - alpha)[..., 0]
    edges = np.tanh(np.hypot(np.gradient(light, axis=0), np.gradient(light, axis=1)) / 4)
    quarter = picture.shape[0] // 4
    both = np.stack([alpha[..., 0], edges])
    return both.reshape(2, quarter, 4, quarter, 4).mean((2, 4))


def share(own: Floats, other: Floats, made: Floats) -> float:
    """How far from the one to the other: 0 and 1 are these two."""
    way = (other - own).ravel()
    return float((made - own).ravel() @ way / max(1e-9, way @ way))


@pytest.fixture(scope="module")
def starter() -> Eye:
    return Eye(latents(engine_of(Model("starter", "avatar", "stylegan2", "", "", STARTER, beside=STARTER))))


ONE_STYLE = [(face(style=style, seed=10 + at), face(style=style, seed=40 + at)) for at, style in enumerate(STYLES)]
ONE_STYLE.append((face(style="micah", seed=3), face(style="micah", seed=4)))
TWO_STYLES = [
    (face(style=style, seed=60 + at), face(style=STYLES[(at + 1 + at // 3) % 5], seed=80 + at))
    for at, style in enumerate(STYLES)
]
TWO_STYLES.append((face(style="personas", seed=70), face(style="micah", seed=71)))


def test_each_choice_moves_what_it_is_called_and_nothing_else(starter: Eye) -> None:
    """Shares of the way from one face to the other, twelve pairs: of outline and edges, and of each region's colour."""
    moved: dict[tuple[str, str, bool], list[float]] = {}
    for own, other in (*ONE_STYLE, *TWO_STYLES):
        before, after = starter.picture(own), starter.picture(other)
        colours, others = starter.colours(own), starter.colours(other)
        differing = [name for name in colours.keys() & others if np.linalg.norm(colours[name] - others[name]) > 15]
        for choice in BY_ATTRIBUTES:
            request = with_part(own, other, choice)
            picture, now = starter.picture(request), starter.colours(request)
            seen = np.abs(picture - before).max(-1) > 0.15
            for what, shares in (
                ("outline", [share(before[..., 3], after[..., 3], picture[..., 3])]),
                ("shape", [share(structure(before), structure(after), structure(picture))]),
                ("colour", [share(colours[name], others[name], now[name]) for name in differing if name in now]),
                ("seen", [float(seen.sum() / before[..., 3].sum())]),
            ):
                moved.setdefault((choice, what, own.style == other.style), []).extend(shares)

    def all_of(choice: str, what: str, one_style: bool) -> Floats:
        return np.array(moved[choice, what, one_style])

    for one_style in (True, False):
        assert all_of("shape", "outline", one_style).min() > 0.95
        assert all_of("shape", "shape", one_style).min() > 0.8
        assert np.abs(all_of("features", "outline", one_style)).max() < 0.05
        assert all_of("features", "shape", one_style).max() < 0.2
        assert np.abs(all_of("features", "colour", one_style)).max() < 0.1
        assert np.abs(all_of("colours", "outline", one_style)).max() < 0.02
        assert np.abs(all_of("colours", "shape", one_style)).max() < 0.2
        for choice, least in (("shape", 0.25), ("features", 0.01), ("colours", 0.4)):
            assert all_of(choice, "seen", one_style).min() > least, "one sees that something was taken"
        assert len(all_of("colours", "colour", one_style)) >= 8
    assert np.abs(all_of("shape", "colour", True)).max() < 0.15
    assert all_of("colours", "colour", True).min() > 0.9
    # A style paints colours that are none of its own less exactly.
    assert np.median(np.abs(all_of("shape", "colour", False))) < 0.3
    assert np.median(all_of("colours", "colour", False)) > 0.75


@pytest.fixture
def toy(tmp_path: Path) -> Latents:
    return latents(engine_of(toy_model(tmp_path / "toy")))


def attribute(drawn: FaceCode, name: str) -> NDArray[np.float32]:
    return drawn.vector[TABLE.spans[drawn.style][name]]


def test_all_that_can_be_taken_of_a_drawing_of_the_same_style_is_that_drawing(toy: Latents) -> None:
    own, other = face(style="round", seed=4), face(style="round", seed=9)
    whole = own
    for choice in BY_ATTRIBUTES:
        whole = with_part(whole, other, choice)
    np.testing.assert_array_equal(code(toy, whole).vector, code(toy, other).vector)
    assert code(toy, whole).picks == code(toy, other).picks
    nothing = own
    for choice in BY_ATTRIBUTES:
        nothing = with_part(nothing, other, choice, 0.0)
    assert torch.equal(toy.ws(nothing), toy.ws(own))


def test_half_of_a_colour_is_between_and_parts_come_one_after_the_other() -> None:
    tracks = SliderTracks.by_name(TABLE)

    def drawn(*picks: int) -> FaceCode:
        return FaceCode(0, picks, TABLE.vector(0, picks))

    own, other = drawn(0, 0, 0, 0), drawn(1, 1, 1, 1)
    half = mixed(tracks, own, other, "colours", 0.5)
    for name in ("hairColor", "glassesColor"):
        np.testing.assert_allclose(attribute(half, name), (attribute(own, name) + attribute(other, name)) / 2)
    half = mixed(tracks, own, other, "features", 0.5)
    np.testing.assert_array_equal(attribute(half, "mouth"), attribute(other, "mouth"))
    np.testing.assert_array_equal(attribute(half, "glasses"), attribute(own, "glasses"))
    np.testing.assert_array_equal(attribute(half, "hairColor"), attribute(own, "hairColor"))
    bare = drawn(0, 0, NONE, NONE)
    without = mixed(tracks, own, bare, "features", 1.0)
    assert not attribute(without, "glassesColor").any(), "without glasses there is no colour of glasses"
    with_usual = mixed(tracks, bare, own, "features", 1.0)
    assert attribute(with_usual, "glassesColor")[3] == 1, "new glasses have some colour"
    kept = mixed(tracks, own, bare, "colours", 1.0)
    np.testing.assert_array_equal(attribute(kept, "glassesColor"), attribute(own, "glassesColor"))


def test_sliders_stand_on_what_was_taken_and_move_it(toy: Latents, tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    own = face(style="round", seed=4, traits=(SliderValue("Hair colour", 0.0), SliderValue("Mouth", 1.0)))
    other = face(style="round", seed=9, traits=(SliderValue("Hair colour", 1.0),))
    assert sliders.without_taken(folder, own, "colours").traits == (SliderValue("Mouth", 1.0),)
    assert sliders.without_taken(folder, own, "features").traits == (SliderValue("Hair colour", 0.0),)
    taken = with_part(sliders.without_taken(folder, own, "colours"), other, "colours")

    def places(request: AvatarRequest) -> dict[str, float]:
        return {one.name: one.value for one in sliders.sliders(folder, request)}

    assert places(taken)["Hair colour"] == 1.0
    assert places(taken)["Mouth"] == 1.0
    np.testing.assert_array_equal(attribute(code(toy, taken), "hairColor"), attribute(code(toy, other), "hairColor"))
    moved = sliders.with_trait(taken, "Hair colour", 0.0)
    assert places(moved)["Hair colour"] == 0.0
    np.testing.assert_array_equal(attribute(code(toy, moved), "hairColor"), attribute(code(toy, own), "hairColor"))


def test_a_shape_of_another_style_brings_the_style_and_leaves_colours_and_mood(starter: Eye) -> None:
    table = starter.ways.config.table
    assert table is not None
    own = face(style="micah", seed=12, traits=(SliderValue("Mouth", 0.0), SliderValue("Skin", 1.0)))
    other = face(style="big-smile", seed=43)
    request = with_part(own, other, "shape")
    drawn, first, second = (code(starter.ways, each) for each in (request, own, other))
    assert sliders.style_of(STARTER, request) == "big-smile"

    def of(drawn: FaceCode, name: str) -> NDArray[np.float32]:
        return drawn.vector[table.spans[drawn.style][name]]

    np.testing.assert_array_equal(of(drawn, "hair"), of(second, "hair"))
    np.testing.assert_array_equal(of(drawn, "hairColor"), of(first, "hairColor"))
    np.testing.assert_array_equal(of(drawn, "skinColor"), of(first, "baseColor"))
    places = {one.name: one for one in sliders.sliders(STARTER, request)}
    assert places["Mouth"].at == "openSad", "as sad as before"
    assert "Clothing" not in places
    assert places["Skin"].value == 1.0
    paler = code(starter.ways, sliders.with_trait(request, "Skin", 0.0))
    darkest = code(starter.ways, sliders.with_trait(own, "Skin", 0.0))
    np.testing.assert_array_equal(of(paler, "skinColor"), of(darkest, "baseColor"))


def test_a_found_face_takes_from_others_and_gives_to_them(toy: Latents) -> None:
    plain = face(style="round", seed=9)
    which, picks = toy.picks(plain)
    assert toy.traits is not None
    found = plain.replace(latent=encode_latent(toy.ws(plain)), traits=reset_sliders(toy.traits, which, picks))
    own = face(style="round", seed=4)
    for choice in BY_ATTRIBUTES:
        given, from_plain = (code(toy, with_part(own, each, choice)).vector for each in (found, plain))
        np.testing.assert_array_equal(given, from_plain)
    changed = toy.ws(with_part(found.replace(traits=()), own, "features"))
    difference = toy.ws(with_part(plain, own, "features")) - toy.ws(plain)
    torch.testing.assert_close(changed, toy.ws(found) + difference, atol=2e-3, rtol=1e-3)


def test_networks_without_attributes_take_layers(tmp_path: Path) -> None:
    ways = latents(engine_of(toy_model(tmp_path / "plain", PLAIN, None)))
    own, other = face(seed=4), face(seed=9)
    spans = groups(SHAPE)
    for choice, layers in zip(BY_ATTRIBUTES, ("coarse", "middle", "fine"), strict=True):
        made = ways.ws(with_part(own, other, choice))
        assert torch.equal(made, ways.ws(with_part(own, other, layers)))
        expected = ways.ws(own).clone()
        expected[:, spans[layers]] = ways.ws(other)[:, spans[layers]]
        assert torch.equal(made, expected)
