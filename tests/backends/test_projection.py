"""A face found in a picture: any picture is read or refused in words, and looking longer comes nearer."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image as Picture

from studio.backends.avatar import sliders
from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.background import cut_out
from studio.backends.avatar.engine import encoder as encode
from studio.backends.avatar.engine import projection
from studio.backends.avatar.engine.encoder import AttributeReading, Encoder
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.latents import decode_latent
from studio.backends.avatar.engine.synthesis import render
from studio.backends.avatar.engine.target import PictureDistance, ProjectionTarget, make_target, open_picture
from studio.backends.avatar.face_crops import cut_outs
from studio.backends.avatar.requests import AvatarProjectRequest, AvatarRequest
from studio.errors import NOTHING, BadInput, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Image
from studio.models.model import Model
from studio.schema.request import Request
from tests.backends.toys import CLASSES, PLAIN, SHAPE, TABLE, engine_of, made, quiet, toy_model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return toy_model(tmp_path / "toy")


@pytest.fixture
def engine(model: Model) -> AvatarEngine:
    return engine_of(model)


@pytest.fixture
def picture(engine: AvatarEngine, tmp_path: Path) -> Path:
    """A face that the network can draw, as a file."""
    face = AvatarRequest(seed=3, style="round", size="native", psi=1.0)
    path = tmp_path / "face.png"
    Picture.fromarray(made(engine, face).pixels).save(path)
    return path


def search(picture: Path, **fields: object) -> AvatarProjectRequest:
    return AvatarProjectRequest(**{"picture": str(picture), "size": "native", "steps": 40, **fields})  # type: ignore[arg-type]


def face_of(image: Image) -> AvatarRequest:
    found = Request.from_json(json.loads(image.request))
    assert isinstance(found, AvatarRequest)
    return found


def target_of(path: Path, planes: int, size: int) -> ProjectionTarget:
    """The middle of the picture at `path`, cut out."""
    canvas = cut_outs(open_picture(str(path)), cut=planes == 4)[0]
    return make_target(canvas.crop(canvas.middle(), size), planes, torch.device("cpu"))


def unlike(engine: AvatarEngine, face: AvatarRequest, path: Path) -> float:
    """How unlike the picture at `path` a face is, as the search measures it."""
    assert engine._latents is not None
    shape = engine._latents.network.shape
    likeness = PictureDistance(target_of(path, shape.planes, shape.size))
    with torch.no_grad():
        return float(likeness(render(engine._latents.network, engine._latents.ws(face), "const", face.seed))[0])


def test_what_is_found_looks_like_the_picture_and_is_a_face(engine: AvatarEngine, picture: Path) -> None:
    image = made(engine, search(picture, name="Mia"))
    face = face_of(image)
    assert face.name == "Mia"
    assert face.style == "round"
    assert face.latent
    np.testing.assert_array_equal(made(engine, face).pixels, image.pixels)
    assert unlike(engine, face, picture) < 0.5 * unlike(engine, AvatarRequest(style="round", psi=0.0), picture)


def test_looking_longer_comes_nearer(engine: AvatarEngine, picture: Path) -> None:
    heard: list[Progress] = []
    first = made(engine, search(picture, steps=0))
    last = made(engine, search(picture, steps=30), heard.append)
    assert unlike(engine, face_of(last), picture) < 0.9 * unlike(engine, face_of(first), picture)
    values = [progress.values["unlike"] for progress in heard if "unlike" in progress.values]
    assert len(values) == 30
    assert np.mean(values[-5:]) < 0.9 * values[0]
    previews = [progress.preview for progress in heard if progress.preview is not None]
    assert len(previews) >= 4
    assert all(isinstance(preview, Image) and preview.pixels.shape == (16, 16, 4) for preview in previews)


def test_sliders_of_a_found_face_stand_where_it_stands(engine: AvatarEngine, model: Model, picture: Path) -> None:
    face = face_of(made(engine, search(picture)))
    names = [one.name for one in sliders.sliders(model.folder, face)]
    assert names
    assert {trait.name for trait in face.traits} == set(names)
    still = made(engine, face)
    where = next(one.value for one in sliders.sliders(model.folder, face) if one.name == "Hair colour")
    moved = made(engine, sliders.with_trait(face, "Hair colour", 1.0 if where < 0.5 else 0.0))
    assert (moved.pixels != still.pixels).any()


def test_the_same_search_finds_the_same_face(engine: AvatarEngine, picture: Path) -> None:
    assert made(engine, search(picture, steps=5)).request == made(engine, search(picture, steps=5)).request


@pytest.mark.parametrize("stage", ["reading", "guessing", "looking"])
def test_cancel_keeps_the_best_so_far(engine: AvatarEngine, picture: Path, stage: str) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == stage and (stage == "reading" or progress.done):
            raise Cancelled

    if stage == "reading":
        with pytest.raises(Cancelled):
            engine.run(search(picture), stop)
        return
    with pytest.raises(Cancelled) as caught:
        engine.run(search(picture), stop)
    (image,) = caught.value.payloads
    assert isinstance(image, Image)
    np.testing.assert_array_equal(made(engine, face_of(image)).pixels, image.pixels)


@pytest.mark.parametrize("shape", [PLAIN, CLASSES], ids=["plain", "classes"])
def test_any_network_is_searched(tmp_path: Path, shape: object) -> None:
    engine = engine_of(toy_model(tmp_path / "other", shape, None))  # type: ignore[arg-type]
    Picture.new("RGB", (40, 30), (200, 120, 60)).save(tmp_path / "p.jpg")
    image = made(engine, search(tmp_path / "p.jpg", steps=4))
    np.testing.assert_array_equal(made(engine, face_of(image)).pixels, image.pixels)


def test_a_style_that_is_asked_for_is_kept(engine: AvatarEngine, picture: Path) -> None:
    assert face_of(made(engine, search(picture, steps=2, style="square"))).style == "square"
    with pytest.raises(BadInput, match="no style"):
        made(engine, search(picture, style="triangle"))


def save_turned(path: Path) -> None:
    pixels = np.zeros((24, 24, 3), np.uint8)
    pixels[:12] = 255
    exif = Picture.Exif()
    exif[0x0112] = 6
    Picture.fromarray(pixels).save(path, exif=exif, quality=95)


def save_animated(path: Path) -> None:
    frames = [Picture.new("RGB", (24, 24), (shade, 0, 0)) for shade in (250, 20)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def save_vast(path: Path) -> None:
    """A file whose head says 20,000 x 20,000 pixels."""
    head = struct.pack(">4sIIBBBBB", b"IHDR", 20_000, 20_000, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)


READ = {
    "turned.jpg": save_turned,
    "cmyk.jpg": lambda path: Picture.new("CMYK", (24, 24), (0, 90, 90, 0)).save(path),
    "deep.png": lambda path: Picture.fromarray(np.full((24, 24), 40_000, np.uint16)).save(path),
    "palette.png": lambda path: Picture.new("RGB", (24, 24), (9, 200, 90)).convert("P").save(path),
    "grey.png": lambda path: Picture.new("LA", (24, 24), (90, 128)).save(path),
    "animated.gif": save_animated,
    "animated.webp": save_animated,
    "wide.png": lambda path: Picture.new("RGB", (120, 24), (9, 200, 90)).save(path),
}
REFUSED = {
    "dot.png": lambda path: Picture.new("RGB", (1, 1)).save(path),
    "line.png": lambda path: Picture.new("RGB", (20_000, 1)).save(path),
    "vast.png": save_vast,
    "torn.png": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n and no more"),
    "story.txt": lambda path: path.write_text("Once upon a time"),
    "face.ico": lambda path: Picture.new("RGB", (24, 24)).save(path),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("planes", [3, 4])
def test_pictures_of_any_kind_are_read(tmp_path: Path, name: str, planes: int) -> None:
    READ[name](tmp_path / name)
    found = target_of(tmp_path / name, planes, 16)
    assert found.picture.shape == (1, planes, 16, 16)
    assert torch.isfinite(found.picture).all()
    assert found.picture.abs().max() <= 1
    assert float(found.weight.mean()) == pytest.approx(1, abs=1e-4)
    if name == "turned.jpg" and planes == 3:
        left, right = found.picture[..., :6].mean(), found.picture[..., 10:].mean()
        assert right > 0.8 > -0.8 > left, "upright, the white half is on the right"
    if name == "animated.gif" and planes == 3:
        assert float(found.picture[0, 0].mean()) > 0.8, "the first picture"


def test_20000_pixels_are_read_where_there_is_a_square_to_see(tmp_path: Path) -> None:
    Picture.new("1", (400, 20_000), 1).save(tmp_path / "long.png")
    found = target_of(tmp_path / "long.png", 4, 16)
    assert found.picture.shape == (1, 4, 16, 16)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_of_a_face_is_refused_in_words(engine: AvatarEngine, tmp_path: Path, name: str) -> None:
    REFUSED[name](tmp_path / name)
    with pytest.raises(BadInput) as caught:
        made(engine, search(tmp_path / name))
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("picture", ["", "/nowhere/at/all.png"])
def test_no_picture_is_said(engine: AvatarEngine, picture: str) -> None:
    with pytest.raises(BadInput):
        made(engine, AvatarProjectRequest(picture=picture))


def test_a_flat_background_is_taken_away_and_nothing_else() -> None:
    pixels = np.full((40, 40, 3), (90, 160, 200), np.uint8)
    pixels[10:30, 10:30] = (250, 200, 150)
    pixels[18:22, 18:22] = (90, 160, 200)  # an eye of the background's colour
    alpha = cut_out(pixels)[..., 3]
    assert alpha[:9].max() == 0
    assert alpha[10:30, 10:30].min() == 255
    noisy = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    assert cut_out(noisy)[..., 3].min() == 255
    clear = np.dstack([pixels, np.full((40, 40), 90, np.uint8)])
    np.testing.assert_array_equal(cut_out(clear), clear)


def test_transparency_is_kept_for_four_planes_and_laid_on_white_for_three(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[8:24, 8:24] = (255, 0, 0, 255)
    Picture.fromarray(pixels).save(tmp_path / "p.png")
    four = target_of(tmp_path / "p.png", 4, 16).picture[0]
    three = target_of(tmp_path / "p.png", 3, 16).picture[0]
    assert four[:, 0, 0].tolist() == [-1, -1, -1, -1]
    assert four[:, 8, 8].tolist() == [1, -1, -1, 1]
    assert three[:, 0, 0].tolist() == [1, 1, 1]
    assert three[:, 8, 8].tolist() == [1, -1, -1]


def learnt(engine: AvatarEngine, steps: int = 150, heard: list[float] | None = None) -> Encoder:
    assert engine._latents is not None
    return encode.train(
        engine._latents.network,
        TABLE,
        0,
        steps=steps,
        samples=256,
        report=lambda step, share, losses: None if heard is None else heard.append(losses["loss"]),
    )


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Encoder, list[float]]:
    """An encoder of the network that every test has, and the losses of its training."""
    heard: list[float] = []
    return learnt(engine_of(toy_model(tmp_path_factory.mktemp("taught") / "toy")), heard=heard), heard


def test_an_encoder_learns_from_the_networks_own_samples(
    engine: AvatarEngine, taught: tuple[Encoder, list[float]]
) -> None:
    encoder, heard = taught
    assert np.mean(heard[-10:]) < 0.7 * np.mean(heard[:10])
    assert engine._latents is not None
    right: list[bool] = []
    for seed in range(40):
        face = AvatarRequest(seed=seed, style="round", psi=1.0)
        with torch.inference_mode():
            shown = render(engine._latents.network, engine._latents.ws(face), "const", seed)
            reading = AttributeReading.of(encoder(shown)[0], TABLE)
        right += [TABLE.styles[reading.styles[0]].name == "round"]
        right += [reading.picks[0][0][0] == engine._latents.picks(face)[1][0]]  # the colour of its hair
    assert np.mean(right) > 0.75, "guessing is right in 5 of 12"
    assert sorted(reading.picks[0][1]) == [0, 1, 2, 3], "a mouth is always there"
    assert sorted(reading.picks[0][2]) == [-1, 0, 1]


def test_an_encoder_goes_on_from_one_that_learnt(engine: AvatarEngine, taught: tuple[Encoder, list[float]]) -> None:
    assert engine._latents is not None
    start, first = taught
    second: list[float] = []
    encode.train(
        engine._latents.network,
        TABLE,
        0,
        steps=20,
        samples=64,
        start=start,
        report=lambda step, share, losses: second.append(losses["loss"]),
    )
    assert np.mean(second) < 0.8 * np.mean(first[:20])


def test_a_search_begins_where_the_encoder_says(
    model: Model, engine: AvatarEngine, picture: Path, taught: tuple[Encoder, list[float]]
) -> None:
    encoder, _ = taught
    encode.write(encoder, model.folder)
    again = encode.read(model.folder, SHAPE, TABLE)
    assert again is not None
    shown = torch.zeros(2, 4, 16, 16)
    torch.testing.assert_close(again(shown), encoder(shown), atol=0.02, rtol=0.02)
    image = made(engine, search(picture, steps=0))
    face = face_of(image)
    np.testing.assert_array_equal(made(engine, face).pixels, image.pixels)
    assert unlike(engine, face, picture) < 0.7 * unlike(engine, AvatarRequest(style="round", psi=0.0), picture)
    assert face_of(made(engine, search(picture, steps=0, style="square"))).style == "square"


def test_what_is_far_from_the_picture_is_said_and_what_is_near_is_not(
    model: Model,
    engine: AvatarEngine,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    taught: tuple[Encoder, list[float]],
) -> None:
    encode.write(taught[0], model.folder)
    assert made(engine, search(picture, steps=0)).remark == NOTHING
    y, x = np.mgrid[:64, :64]
    stripes = (((x + y) // 4 % 2)[..., None] * np.array([255, 40, 200])).astype(np.uint8)
    Picture.fromarray(stripes).save(tmp_path / "stripes.png")
    image = made(engine, search(tmp_path / "stripes.png", steps=2))
    assert image.remark == projection.FAR
    np.testing.assert_array_equal(made(engine, face_of(image)).pixels, image.pixels)
    monkeypatch.setattr(projection, "NEAR", 10.0)  # faces of random weights are all alike
    monkeypatch.setattr(projection, "PLAIN", 10.0)
    assert "matched in square" in str(made(engine, search(picture, steps=0, style="square")).remark)


def test_remarks_weigh_a_face_beside_others() -> None:
    others = [1.0, 2.0, 3.0]
    assert projection.nothing_near(0.8, others, read=True) == NOTHING
    assert projection.nothing_near(1.2, others, read=True) == projection.FAR
    assert projection.nothing_near(1.2, others, read=False) == NOTHING
    assert projection.nothing_near(1.9, others, read=False) == projection.UNREAD
    assert "looks like Micah" in str(projection.another_style("micah", "personas", 0.4, 1.0, others))
    assert projection.another_style("micah", "micah", 0.4, 1.0, others) == NOTHING
    assert projection.another_style("micah", "personas", 0.9, 1.0, others) == NOTHING, "both are as likely"
    assert projection.another_style("micah", "personas", 1.2, 3.0, others) == NOTHING, "it is like neither"


def test_what_an_encoder_read_is_bent_little(model: Model, engine: AvatarEngine, tmp_path: Path) -> None:
    Picture.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3)).astype(np.uint8)).save(tmp_path / "x.png")

    def strayed() -> float:
        """How far a search for what is no face goes from where it began, in W."""
        first, last = (face_of(made(engine, search(tmp_path / "x.png", steps=steps))) for steps in (0, 40))
        return float((decode_latent(first.latent, SHAPE) - decode_latent(last.latent, SHAPE)).square().mean())

    free = strayed()
    encode.write(learnt(engine, 20), model.folder)
    assert strayed() < 0.2 * free


def test_a_damaged_encoder_is_named(model: Model, engine: AvatarEngine, picture: Path) -> None:
    other = AttributeTable(TABLE.styles[:1])
    encode.write(encode.encoder_for(SHAPE, other), model.folder)
    with pytest.raises(StudioError, match="does not belong"):
        engine.run(search(picture), quiet)
    (model.folder / encode.FILE).write_bytes(b"nothing")
    with pytest.raises(StudioError, match="is damaged"):
        engine.run(search(picture), quiet)


def test_the_encoder_looks_at_large_pictures_reduced() -> None:
    torch.manual_seed(0)
    encoder = Encoder(3, 256, 6)
    picture = torch.rand(1, 3, 256, 256)
    coarse = F.interpolate(F.avg_pool2d(picture, 4), scale_factor=4)
    with torch.inference_mode():
        said = encoder(picture)
        assert said.shape == (1, 6)
        assert torch.allclose(said, encoder(coarse), atol=1e-5)


def test_disturbed_pictures_stay_pictures() -> None:
    clear = torch.full((64, 4, 16, 16), -1.0)
    seen = encode.distort(clear, np.random.default_rng(0))
    assert seen.shape == clear.shape
    assert seen.abs().max() <= 1
    before = seen[:, 3].mean(dim=(1, 2)) > 0.9
    assert 5 < int(before.sum()) < 30, "some stand before a colour"
    assert seen[before][:, :3].mean(dim=(2, 3)).std() > 0.3
