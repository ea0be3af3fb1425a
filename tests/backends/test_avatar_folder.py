"""A folder of pictures for learning: odd, hostile and repeated files, crops, and the second look."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw

from studio.backends.avatar import folder
from studio.backends.avatar.dataset import read
from studio.backends.avatar.folder import (
    NOTES,
    REASONS,
    CheckedFolder,
    DuplicateFinder,
    UnusablePicture,
    check_folder,
    crop_file,
    perceptual_hash,
)
from studio.errors import BadInput

SIZE = 32


def noise(seed: int, *shape: int) -> np.ndarray:
    """Soft shapes that no other seed makes."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, shape[2]), np.uint8)
    soft = [Picture.fromarray(small[..., i]).resize((shape[1], shape[0])) for i in range(shape[2])]
    return np.stack([np.asarray(each) for each in soft], axis=2)


def save(path: Path, pixels: np.ndarray, **how: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(pixels).save(path, **how)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for i in range(9):
        save(tmp_path / "set" / f"good-{i}.png", noise(i, 48, 48, 3))
    return tmp_path / "set"


def looked(place: Path, size: int = SIZE) -> CheckedFolder:
    return check_folder(place, size, cache=place.parent / "kept")


def entry(found: CheckedFolder, name: str) -> folder.DatasetEntry:
    return next(each for each in found.entries if each.path == name)


def reason(path: Path) -> str:
    with pytest.raises(UnusablePicture) as caught:
        crop_file(path, SIZE)
    assert caught.value.reason in REASONS
    return caught.value.reason


def test_pictures_of_every_kind_become_squares(tmp_path: Path) -> None:
    rgb = noise(1, 60, 80, 3)
    made = {
        "plain": save(tmp_path / "plain.jpg", rgb, quality=95),
        "grey": save(tmp_path / "grey.png", rgb[..., 0]),
        "deep": save(tmp_path / "deep.png", (rgb[..., 0].astype(np.uint16) * 257)),
        "palette": tmp_path / "palette.gif",
        "cmyk": tmp_path / "cmyk.jpg",
        "moving": tmp_path / "moving.webp",
    }
    Picture.fromarray(rgb).convert("P").save(made["palette"])
    Picture.fromarray(rgb).convert("CMYK").save(made["cmyk"], quality=95)
    frames = [Picture.fromarray(noise(1, 60, 80, 3)), Picture.fromarray(noise(2, 60, 80, 3))]
    frames[0].save(made["moving"], save_all=True, append_images=frames[1:], quality=95)
    straight = crop_file(save(tmp_path / "straight.png", rgb), SIZE).pixels.astype(int)
    for name, path in made.items():
        one = crop_file(path, SIZE)
        assert one.pixels.shape == (SIZE, SIZE, 4), name
        assert (one.pixels[..., 3] == 255).all(), name
        wanted = straight[..., :1] if name in ("grey", "deep") else straight[..., :3]
        assert np.abs(one.pixels[..., :3] - wanted).mean() < 14, name  # CMYK and 256 colours cost some
        assert set(one.notes) <= set(NOTES)
    assert "moving" in crop_file(made["moving"], SIZE).notes


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    rgb = noise(3, 40, 64, 3)
    exif = Picture.Exif()
    exif[0x0112] = 6
    turned = crop_file(save(tmp_path / "turned.png", rgb, exif=exif), SIZE)
    upright = crop_file(save(tmp_path / "upright.png", np.rot90(rgb, -1)), SIZE)
    np.testing.assert_array_equal(turned.pixels, upright.pixels)
    assert "turned" in turned.notes


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(save(tmp_path / "whole.png", noise(1, 64, 64, 3)).read_bytes()[:400])
    (tmp_path / "lie.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 90 90\n")
    (tmp_path / "empty.jpg").write_bytes(b"")
    assert reason(tmp_path / "torn.png") == "broken"
    assert reason(tmp_path / "lie.png") == "broken", "a file that would call another program"
    assert reason(tmp_path / "empty.jpg") == "broken"
    assert reason(tmp_path / "missing.png") == "broken"
    assert reason(save(tmp_path / "dot.png", noise(1, 1, 1, 3))) == "small"
    assert reason(save(tmp_path / "tiny.png", noise(1, 12, 200, 3))) == "small"
    assert reason(save(tmp_path / "long.png", np.zeros((40, 20_000, 3), np.uint8))) == "narrow"
    assert reason(save(tmp_path / "clear.png", np.zeros((40, 40, 4), np.uint8))) == "clear"


def test_a_picture_too_large_is_never_unpacked(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
        for kind, data in ((b"IHDR", head), (b"IDAT", b"\0" * 64))
    ]
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    assert reason(tmp_path / "huge.png") == "large"
    Picture.new("1", (9_000, 9_000)).save(tmp_path / "big.tif", compression="group4")
    assert reason(tmp_path / "big.tif") == "large"


def test_a_cut_out_is_framed_by_what_is_seen(tmp_path: Path) -> None:
    pixels = np.zeros((100, 160, 4), np.uint8)
    pixels[40:60, 20:40] = (200, 40, 40, 255)
    square = crop_file(save(tmp_path / "square.png", pixels), SIZE)
    seen = np.argwhere(square.pixels[..., 3] > 128)
    assert "cut" in square.notes
    assert seen.min() <= 2, "little is wasted"
    assert (SIZE - 1 - seen.max(axis=0)).max() <= 2
    bust = np.zeros((100, 100, 4), np.uint8)
    bust[30:, 30:70] = (90, 40, 40, 255)
    foot = crop_file(save(tmp_path / "bust.png", bust), SIZE).pixels
    assert foot[-1, SIZE // 2, 3] == 255, "a bust does not float"
    assert foot[0, SIZE // 2, 3] < 40


def test_hidden_colours_do_not_bleed(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 0] = 255  # red where nothing is seen
    pixels[20:44, 20:44] = (0, 0, 255, 255)
    made = crop_file(save(tmp_path / "a.png", pixels), SIZE).pixels
    assert made[made[..., 3] > 0][:, 0].max() == 0


def test_copies_and_lookalikes_are_used_once(pictures: Path) -> None:
    first = (pictures / "good-0.png").read_bytes()
    (pictures / "other").mkdir()
    (pictures / "other" / "copy.png").write_bytes(first)
    with Picture.open(pictures / "good-1.png") as one:
        one.resize((90, 90)).save(pictures / "zoomed.jpg", quality=80)
    pixels = noise(2, 48, 48, 3)
    pixels[20:26, 20:28] = 255 - pixels[20:26, 20:28]  # an eye is another face
    save(pictures / "winking.png", pixels)
    found = looked(pictures)
    assert entry(found, "other/copy.png").reason == "copy"
    assert entry(found, "other/copy.png").detail == "good-0.png"
    assert entry(found, "zoomed.jpg").reason == "alike"
    assert entry(found, "zoomed.jpg").detail == "good-1.png"
    assert not entry(found, "winking.png").reason
    assert len(found.pixels) == len(found.used) == 10
    assert len(found.skipped) == 2


def test_hashes_are_near_for_the_same_and_far_for_others() -> None:
    one, other = noise(1, 64, 64, 4), noise(2, 64, 64, 4)
    brighter = np.clip(one.astype(int) + 4, 0, 255).astype(np.uint8)
    assert np.bitwise_count(perceptual_hash(one) ^ perceptual_hash(brighter)) <= 4
    assert np.bitwise_count(perceptual_hash(one) ^ perceptual_hash(other)) > 12
    seen = DuplicateFinder()
    many = [noise(seed, 32, 32, 4) for seed in range(300)]
    assert [seen.same_as(each) for each in many] == [None] * 300
    assert [seen.same_as(each) for each in many] == list(range(300))


def test_hidden_files_and_others_are_passed_over(pictures: Path) -> None:
    (pictures / ".hidden.png").write_bytes(b"")
    (pictures / "__MACOSX").mkdir()
    (pictures / "__MACOSX" / "x.png").write_bytes(b"")
    (pictures / "notes.txt").write_text("not a picture")
    (pictures / "a folder.png").mkdir()
    (pictures / "round").symlink_to(pictures)
    assert len(looked(pictures).entries) == 9


def test_a_second_look_opens_no_picture(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    first = looked(pictures)
    monkeypatch.setattr(folder, "crop_file", None)
    again = looked(pictures)
    assert again.entries == first.entries
    np.testing.assert_array_equal(again.pixels, first.pixels)
    monkeypatch.undo()
    save(pictures / "good-0.png", noise(77, 48, 48, 3))
    assert (looked(pictures).pixels != first.pixels).any(), "a file that was written to is looked at"
    assert looked(pictures, 16).pixels.shape[1:] == (16, 16, 4)


def test_what_is_kept_is_not_believed_when_damaged(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = looked(pictures)
    for name, torn in (("pixels.npy", b"\x93NUMPY"), ("entries.json", b"[{"), ("entries.json", b"[{}]")):
        (place,) = (pictures.parent / "kept").iterdir()
        (place / name).write_bytes(torn)
        np.testing.assert_array_equal(looked(pictures).pixels, first.pixels)
    monkeypatch.setattr(folder, "crop_file", None)
    assert looked(pictures).entries == first.entries, "it is kept anew, and no picture is opened"


def test_only_the_newest_sets_are_kept(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "KEPT", 2)
    for size in (16, 17, 18, 19):
        looked(pictures, size)
    assert len(list((pictures.parent / "kept").iterdir())) == 2


def test_a_look_says_how_far_it_is_and_can_be_stopped(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "TOGETHER", 4)
    heard: list[tuple[int, int]] = []
    check_folder(pictures, SIZE, lambda done, total: heard.append((done, total)), pictures.parent / "kept")
    assert heard == [(0, 9), (4, 9), (8, 9), (9, 9)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_folder(pictures, 16, stop, pictures.parent / "kept")


def test_too_few_are_refused_with_one_of_the_reasons(tmp_path: Path) -> None:
    for i in range(7):
        save(tmp_path / "few" / f"{i}.png", noise(i, 40, 40, 3))
    (tmp_path / "few" / "broken.png").write_bytes(b"no")
    with pytest.raises(BadInput, match=r"holds 7 pictures .* 1 cannot be, such as broken.png: Could not be opened"):
        read(tmp_path / "few", SIZE)


def test_pictures_that_are_nearly_the_same_are_refused(tmp_path: Path) -> None:
    one = noise(1, 40, 40, 3).astype(np.int16)
    for i in range(10):
        near = (one + (noise(20 + i, 40, 40, 3).astype(np.int16) - 128) // 10).clip(0, 255).astype(np.uint8)
        save(tmp_path / "twins" / f"{i}.png", near)
    assert len(looked(tmp_path / "twins").used) >= folder.FEWEST, "each differs enough to be used"
    with pytest.raises(BadInput, match="are nearly the same"):
        read(tmp_path / "twins", SIZE)
    many = np.repeat(looked(tmp_path / "twins").pixels, 30, axis=0)
    assert not folder.nearly_the_same(many), "many may differ in an eye only"


def test_drawings_of_thin_lines_are_not_the_same(tmp_path: Path) -> None:
    for i in range(12):
        rng = np.random.default_rng(i)
        drawing = Picture.new("RGB", (256, 256), "white")
        pen = ImageDraw.Draw(drawing)
        x, y, eye, mouth = (int(at) for at in rng.integers((50, 40, 105, 150), (70, 60, 135, 180)))
        pen.ellipse((x, y, 256 - x, 230), outline="black", width=2)
        for side in (100, 156):
            pen.ellipse((side - 12, eye, side + 12, eye + 16), outline="black", width=2)
        pen.arc((100, mouth, 156, mouth + 30), 0, 180, fill="black", width=2)
        for hair in rng.integers(60, 200, 8).tolist():
            pen.line((hair, y, hair + 20, y - 30), fill="black", width=2)
        drawing.save(tmp_path / f"{i}.png")
    assert not folder.nearly_the_same(looked(tmp_path).pixels)
