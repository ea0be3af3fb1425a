"""Payloads to files and back, and files that mean harm."""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image as Pillow
from PIL import ImageCms

from studio.errors import BadInput, Message
from studio.media import codecs
from studio.media.payloads import Audio, Image, Payload, Text, Weights

NOTE = {
    "request": {"kind": "poster", "prompt": '日落 -- --> <b> \\ "quoted" \n é', "seed": 7, "guidance": 2.5},
    "provenance": {"studio": "1", "model": {"id": "poster-starter", "sha256": "ab"}},
}


def picture(channels: int = 3, height: int = 20, width: int = 30) -> Image:
    rng = np.random.default_rng(channels)
    return Image(rng.integers(0, 256, (height, width, channels), dtype=np.uint8))


def tone(channels: int = 1, rate: int = 8000, seconds: float = 0.5) -> Audio:
    time = np.arange(int(rate * seconds)) / rate
    wave = 0.5 * np.sin(2 * np.pi * 440 * time) * np.linspace(1, 0, len(time))
    return Audio(np.repeat(wave[None].astype(np.float32), channels, axis=0), rate)


PAYLOADS: list[Payload] = [picture(3), picture(4), tone(1), tone(2), Text("Once upon a time\n\n从前 --> \r\n")]


def same(a: Payload, b: Payload) -> bool:
    if isinstance(a, Image) and isinstance(b, Image):
        return np.array_equal(a.pixels, b.pixels)
    if isinstance(a, Audio) and isinstance(b, Audio):
        return a.rate == b.rate and bool(np.allclose(a.samples, b.samples, atol=0.5 / 32768 + 1e-7))
    return a == b


@pytest.mark.parametrize("payload", PAYLOADS, ids=["rgb", "rgba", "mono", "stereo", "text"])
@pytest.mark.parametrize("note", [NOTE, None], ids=["noted", "bare"])
def test_a_payload_and_its_note_are_read_back(tmp_path: Path, payload: Payload, note: dict[str, Any] | None) -> None:
    path = tmp_path / f"work{codecs.suffix(payload)}"
    codecs.write(payload, path, note=note)
    assert same(codecs.read(path), payload)
    assert codecs.read_note(path) == note


@pytest.mark.parametrize("payload", PAYLOADS, ids=["rgb", "rgba", "mono", "stereo", "text"])
def test_the_same_work_gives_the_same_bytes(tmp_path: Path, payload: Payload) -> None:
    reordered = {"provenance": NOTE["provenance"], "request": dict(reversed(NOTE["request"].items()))}
    first, second = (tmp_path / name / f"a{codecs.suffix(payload)}" for name in ("one", "two"))
    for path, note in ((first, NOTE), (second, reordered)):
        path.parent.mkdir()
        codecs.write(payload, path, note=note)
    assert first.read_bytes() == second.read_bytes()


def test_a_payload_that_was_read_is_written_as_the_same_bytes(tmp_path: Path) -> None:
    codecs.write(tone(2), tmp_path / "a.wav")
    codecs.write(codecs.read(tmp_path / "a.wav"), tmp_path / "b.wav")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_other_programs_read_the_files(tmp_path: Path) -> None:
    codecs.write(picture(4), tmp_path / "a.png", note=NOTE)
    with Pillow.open(tmp_path / "a.png") as opened:
        opened.load()
        assert json.loads(opened.info["aigc-studio"]) == NOTE
        assert opened.mode == "RGBA"
        assert opened.info["srgb"] == 0
    codecs.write(tone(2), tmp_path / "a.wav", note=NOTE)
    with soundfile.SoundFile(tmp_path / "a.wav") as sound:
        assert (sound.subtype, sound.channels, sound.samplerate, sound.frames) == ("PCM_16", 2, 8000, 4000)
        assert json.loads(sound.comment) == NOTE
    codecs.write(Text("# Title"), tmp_path / "a.md", note=NOTE)
    lines = (tmp_path / "a.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Title"
    assert lines[-1].count("-->") == 1


def test_only_the_last_comment_of_a_text_is_the_note(tmp_path: Path) -> None:
    codecs.write(Text("one"), tmp_path / "a.md", note={"request": {"n": 1}})
    quoted = Text((tmp_path / "a.md").read_text(encoding="utf-8"))
    codecs.write(quoted, tmp_path / "b.md", note={"request": {"n": 2}})
    assert codecs.read(tmp_path / "b.md") == quoted
    assert codecs.read_note(tmp_path / "b.md") == {"request": {"n": 2}}


def test_samples_beyond_the_range_are_clipped(tmp_path: Path) -> None:
    wild = Audio(np.array([[0.0, 2.0, -2.0, np.nan, np.inf, -np.inf]], np.float32), 8000)
    codecs.write(wild, tmp_path / "a.wav")
    top = 32767 / 32768
    assert codecs.read(tmp_path / "a.wav").samples[0].tolist() == [0.0, top, -1.0, 0.0, top, -1.0]


def test_lone_surrogates_in_a_note_are_written(tmp_path: Path) -> None:
    codecs.write(Text("a\ud800b"), tmp_path / "a.md", note={"request": {"prompt": "\udfff"}})
    assert codecs.read(tmp_path / "a.md") == Text("a?b")
    codecs.write(picture(), tmp_path / "a.png", note={"request": {"prompt": "\udfff"}})
    assert codecs.read_note(tmp_path / "a.png") == {"request": {"prompt": "?"}}


def test_a_trained_model_cannot_be_written_as_a_file() -> None:
    with pytest.raises(TypeError):
        codecs.suffix(Weights(Path("model")))


@pytest.mark.parametrize(("ending", "form"), [(".flac", "FLAC"), (".ogg", "OGG"), (".mp3", "MP3"), (".wav", "WAV")])
def test_sounds_of_other_kinds_are_read(tmp_path: Path, ending: str, form: str) -> None:
    sound = tone(2, rate=44100)
    soundfile.write(tmp_path / f"a{ending}", sound.samples.T, sound.rate, format=form)
    read = codecs.read(tmp_path / f"a{ending}")
    assert isinstance(read, Audio)
    assert read.rate == 44100
    assert read.samples.shape[0] == 2
    assert read.samples.dtype == np.float32
    # Lossy codecs keep the loudness, not the samples.
    assert np.sqrt(np.mean(read.samples**2)) == pytest.approx(np.sqrt(np.mean(sound.samples**2)), rel=0.05)
    assert codecs.read_note(tmp_path / f"a{ending}") is None


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = 255
    exif = Pillow.Exif()
    exif[0x0112] = 6  # shown turned a quarter clockwise
    Pillow.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    read = codecs.read(tmp_path / "a.jpg")
    assert isinstance(read, Image)
    assert read.pixels.shape == (60, 40, 3)
    assert read.pixels[5].mean() > 240
    assert read.pixels[-5].mean() < 15
    small = codecs.thumbnail(read, 30)
    assert small is not None
    assert small.pixels.shape == (30, 20, 3)


@pytest.mark.parametrize(
    ("mode", "channels"), [("L", 3), ("LA", 4), ("P", 3), ("1", 3), ("RGBA", 4), ("I;16", 3), ("CMYK", 3)]
)
def test_every_mode_becomes_rgb_or_rgba(tmp_path: Path, mode: str, channels: int) -> None:
    if mode == "I;16":
        made = Pillow.fromarray(np.full((4, 6), 0x80FF, np.uint16))
    else:
        grey = Pillow.new("RGB", (6, 4), (128, 128, 128))
        made = (
            grey.quantize(4) if mode == "P" else grey.convert("L").convert(mode) if mode == "LA" else grey.convert(mode)
        )
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    made.save(path)
    read = codecs.read(path)
    assert isinstance(read, Image)
    assert read.pixels.shape == (4, 6, channels)
    if mode != "1":
        assert abs(int(read.pixels[2, 3, 0]) - 128) <= 3


@pytest.mark.parametrize("ending", ["bmp", "avif"])
def test_bmp_and_avif_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"picture.{ending}"
    ramp = np.repeat(np.linspace(0, 255, 32, dtype=np.uint8)[None, :, None], 32, 0).repeat(3, 2)
    Pillow.fromarray(ramp).save(path, quality=95)
    read = codecs.read(path)
    assert isinstance(read, Image)
    assert read.pixels.shape == ramp.shape
    assert np.abs(read.pixels.astype(int) - ramp).mean() < (1 if ending == "bmp" else 4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput, match="is damaged or no picture"):
        codecs.read(path)


def test_transparency_of_a_palette_is_kept(tmp_path: Path) -> None:
    made = Pillow.new("P", (4, 4), 1)
    made.putpalette([0, 0, 0, 255, 0, 0])
    made.save(tmp_path / "a.png", transparency=1)
    read = codecs.read(tmp_path / "a.png")
    assert isinstance(read, Image)
    assert read.pixels[0, 0].tolist() == [255, 0, 0, 0]


def saved(made: Pillow.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    made.save(file, form, **options)
    return file.getvalue()


def grey_profile() -> bytes:
    """A small ICC profile of grey with a linear tone curve."""
    curve = b"curv" + bytes(8)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = struct.pack(">I", 2) + struct.pack(">4sII", b"wtpt", 156, 20) + struct.pack(">4sII", b"kTRC", 176, 12)
    rest = tags + white + curve
    head = struct.pack(">I4sI4s4s4s", 128 + len(rest), b"none", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head = head.ljust(36, b"\0") + b"acsp"
    return head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + rest


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREEN = Pillow.new("RGB", (6, 4), (10, 200, 30))
RAMP16 = Pillow.fromarray(np.array([[0, 0x8080, 0xFFFF]] * 2, np.uint16))
PROFILE = "Its colour profile is damaged or of another kind; its colours are read as sRGB."
BEYOND = "Values below 0 are shown as black, values above 1 as white."


def floats(*values: float) -> bytes:
    return saved(Pillow.fromarray(np.array([values], np.float32)), "TIFF")


def turned(orientation: int) -> bytes:
    """A picture whose upper left corner is white, seen upright; stored as this EXIF orientation asks."""
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 255
    undo = {2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose, 6: np.rot90,
            7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a, -1)}.get(orientation, np.asarray)  # fmt: skip
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return saved(Pillow.fromarray(np.ascontiguousarray(undo(upright))).convert("RGB"), "JPEG", exif=exif, quality=95)


@pytest.mark.parametrize(
    ("name", "data", "expected", "said"),
    [
        ("one.png", saved(Pillow.new("RGB", (1, 1), (1, 2, 3))), [[1, 2, 3]], ""),
        ("bit.png", saved(Pillow.new("1", (1, 1), 1)), [[255, 255, 255]], ""),
        ("grey16.png", saved(RAMP16), [[0] * 3, [128] * 3, [255] * 3], ""),
        ("grey16.tiff", saved(RAMP16, "TIFF"), [[0] * 3, [128] * 3, [255] * 3], ""),
        ("colour.TIF", saved(GREEN, "TIFF", compression="tiff_lzw"), [[10, 200, 30]] * 6, ""),
        ("float.tiff", floats(0, 0.5, 1), [[0] * 3, [128] * 3, [255] * 3], ""),
        ("bright.tiff", floats(-2, 0.5, 300), [[0] * 3, [128] * 3, [255] * 3], BEYOND),
        ("not-a-number.tiff", floats(0, float("nan"), 1), [[0] * 3, [0] * 3, [255] * 3], ""),
        ("clear.png", saved(Pillow.new("RGBA", (1, 1), (9, 8, 7, 0))), [[9, 8, 7, 0]], ""),
        ("half-clear.png", saved(Pillow.new("RGBA", (1, 1), (9, 8, 7, 128))), [[9, 8, 7, 128]], ""),
        ("half-clear-grey.png", saved(Pillow.new("LA", (1, 1), (90, 128))), [[90, 90, 90, 128]], ""),
        ("cmyk.jpg", saved(Pillow.new("CMYK", (1, 1), (0, 255, 255, 0)), "JPEG"), [[255, 0, 0]], ""),
        ("srgb.png", saved(GREEN, icc_profile=SRGB), [[10, 200, 30]] * 6, ""),
        ("srgb-of-grey.png", saved(Pillow.new("L", (1, 1), 90), icc_profile=SRGB), [[90, 90, 90]], ""),
        ("palette.png", saved(GREEN.quantize(4), icc_profile=SRGB), [[10, 200, 30]] * 6, ""),
        (
            "half-clear-srgb.png",
            saved(Pillow.new("RGBA", (1, 1), (9, 80, 7, 128)), icc_profile=SRGB),
            [[9, 80, 7, 128]],
            "",
        ),
        ("linear.png", saved(Pillow.new("L", (1, 1), 55), icc_profile=grey_profile()), [[128] * 3], ""),
        ("linear-la.png", saved(Pillow.new("LA", (1, 1), (55, 9)), icc_profile=grey_profile()), [[128] * 3 + [9]], ""),
        ("broken.png", saved(GREEN, icc_profile=b"no profile" * 20), [[10, 200, 30]] * 6, PROFILE),
        ("broken.jpg", saved(GREEN, "JPEG", quality=100, icc_profile=b"no profile"), [[10, 200, 30]] * 6, PROFILE),
        ("of-cmyk.png", saved(GREEN, icc_profile=grey_profile()), [[10, 200, 30]] * 6, PROFILE),
        *[
            (f"turned-{each}.jpg", turned(each), [[255] * 3] * 4 + [[0] * 3] * 4 + [[0] * 3] * 4, "")
            for each in range(1, 9)
        ],
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_pictures_of_every_kind_come_out_right(
    tmp_path: Path, name: str, data: bytes, expected: list[list[int]], said: str
) -> None:
    """`expected` are pixels of the first row, evenly spread."""
    (tmp_path / name).write_bytes(data)
    heard: list[Message] = []
    read = codecs.read(tmp_path / name, heard.append)
    assert isinstance(read, Image)
    row = read.pixels[0][:: max(1, read.pixels.shape[1] // len(expected))][: len(expected)].astype(int)
    assert np.abs(row - expected).max() <= 2
    assert [str(one) for one in heard] == ([f"{name}: {said}"] if said else [])
    assert codecs.thumbnail(read, 8) is not None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("从前有座山".encode(), "从前有座山"),
        (b"\xef\xbb\xbf" + b"marked", "marked"),
        (b"\xef\xbb\xbf", ""),
        ("从前有座山".encode("gb18030"), "从前有座山"),
        ("从前".encode("utf-16"), "从前"),
        ("un caf\xe9 ".encode("cp1252"), "un caf\xe9 "),
        (b"", ""),
    ],
)
def test_texts_of_older_editors_are_read(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    assert codecs.read(tmp_path / "a.txt") == Text(words)


@pytest.mark.parametrize(
    ("words", "encoding", "named"),
    [
        ("昔々あるところに", "cp932", "Japanese (Shift JIS)"),
        ("吾輩は猫である。名前はまだ無い。", "euc_jp", "Japanese (EUC-JP)"),
        ("春眠不觉晓", "gb18030", "Chinese (GB 18030)"),
        ("從前有一隻狐狸,牠住在森林裡,每天都去河邊喝水。", "big5", "Chinese (Big5)"),
        ("옛날 옛적에 여우 한 마리가 숲에 살았습니다.", "cp949", "Korean (Windows-949)"),
        ("caf\xe9 d\xe9j\xe0", "cp1252", "Western European (Windows-1252)"),
        ("Er sagte: \u201cGr\xfcn\u201d \u2013 und ging\u2026", "cp1252", "Western European (Windows-1252)"),
        ("Zażółć gęślą jaźń, a potem idź do domu.", "cp1250", "Central European (Windows-1250)"),
        ("Жила-была лиса в лесу, и пила воду из реки.", "cp1251", "Cyrillic (Windows-1251)"),
        ("Жила-была лиса в лесу, и пила воду из реки.", "koi8_r", "Cyrillic (KOI8-R)"),
        ("plain\n" * 20_000 + "D\xe9j\xe0 vu.\n", "cp1252", "Western European (Windows-1252)"),
        ("plain\n" * 20_000 + "これはペンです。", "cp932", "Japanese (Shift JIS)"),
    ],
)
def test_an_older_encoding_is_guessed_and_the_guess_is_said(
    tmp_path: Path, words: str, encoding: str, named: str
) -> None:
    (tmp_path / "a.txt").write_bytes(words.encode(encoding))
    said: list[Message] = []
    assert codecs.read(tmp_path / "a.txt", said.append) == Text(words)
    assert [one.params["name"] for one in said] == ["a.txt"]
    assert f"read as {named};" in str(said[0])


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16 (big-endian)")], ids=str
)
@pytest.mark.parametrize("words", ["Once upon a time", "海边的灯塔\n在雨中", "Жил-был\r\nстарик 😀"])
def test_utf16_without_a_mark_is_guessed(tmp_path: Path, words: str, encoding: str, shown: str) -> None:
    path, said = tmp_path / "notes.txt", list[Message]()
    path.write_bytes(words.encode(encoding))
    assert codecs.read(path, said.append) == Text(words)
    assert f"It is read as {shown};" in str(said[0])


@pytest.mark.parametrize("data", [b"\0\1\0\2", b"\x7fELF\2\1\1\0\0\0", bytes(range(256)), b"a\0b", b"\0" * 40])
def test_what_is_binary_is_no_text(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(BadInput, match="is not a text"):
        codecs.read(tmp_path / "a.txt")


@pytest.mark.parametrize("data", ["従来の狐".encode(), "従来の狐".encode("utf-16"), b"plain"])
def test_nothing_is_said_of_a_text_in_unicode(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    said: list[Message] = []
    codecs.read(tmp_path / "a.txt", said.append)
    assert said == []


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes, depth: int = 8) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(more) + chunk(b"IEND", b"")


BODY = chunk(b"IDAT", zlib.compress(b"\0" * (3 * 4 + 1) * 4))


@pytest.mark.parametrize(
    ("ending", "size"),
    [
        (".png", (60_000, 60_000)),
        (".png", (60_000, 2_500)),
        (".png", (2**31 - 1, 2**31 - 1)),
        (".jpg", (60_000, 60_000)),
        (".jpg", (2_500, 60_000)),
    ],
)
def test_a_picture_with_an_enormous_size_is_refused(tmp_path: Path, size: tuple[int, int], ending: str) -> None:
    if ending == ".jpg":
        small = io.BytesIO()
        Pillow.new("RGB", (16, 16)).save(small, "JPEG")
        data = bytearray(small.getvalue())
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", *size[::-1])
        (tmp_path / "a.jpg").write_bytes(bytes(data))
    else:
        (tmp_path / "a.png").write_bytes(png(*size, BODY))
    with pytest.raises(BadInput, match=r"too large.* million pixels"):
        codecs.read(tmp_path / f"a{ending}")


def broken_wav(**fields: int) -> bytes:
    values = {"channels": 1, "rate": 8000, "bits": 16, "length": 8, **fields}
    align = max(1, values["channels"] * values["bits"] // 8)
    form = struct.pack(
        "<HHIIHH",
        1,
        values["channels"],
        values["rate"],
        values["rate"] * align & 0xFFFFFFFF,
        align & 0xFFFF,
        values["bits"],
    )
    data = struct.pack("<4sI", b"data", values["length"]) + b"\1" * 8
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", 16) + form + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def vast_tiff() -> bytes:
    """The header of a TIFF of 60,000 x 60,000 pixels."""
    facts = [(256, 60_000), (257, 60_000), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 60_000), (279, 4)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in facts)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(facts)) + entries + bytes(4)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.png", b""),
        ("text.png", b"this is no picture"),
        ("header.png", png(4, 4)),
        ("torn.png", png(4, 4, chunk(b"IDAT", zlib.compress(bytes(range(52)))))[:70]),
        ("wrong-crc.png", png(4, 4, BODY).replace(b"IDAT", b"IDAX")),
        ("zero.png", png(0, 0, BODY)),
        ("bomb.png", png(4, 4, chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 2**27)), BODY)),
        ("torn.tiff", saved(RAMP16, "TIFF")[:-8]),
        ("page.tiff", b"<!DOCTYPE html>"),
        ("bomb.tiff", vast_tiff()),
        ("gif-in-disguise.png", b"GIF89a" + b"\0" * 64),
        ("empty.wav", b""),
        ("text.wav", b"RIFF is all"),
        ("no-channels.wav", broken_wav(channels=0)),
        ("no-rate.wav", broken_wav(rate=0)),
        ("no-samples.wav", broken_wav(length=0)[:-8]),
        ("crowd.wav", broken_wav(channels=1000)),
        ("noise.flac", b"fLaC" + bytes(range(256))),
        ("noise.mp3", bytes(range(256)) * 8),
        ("nul.txt", b"\0\1\2\3"),
        ("torn.txt", b"\xff\xfe\x00"),
        ("noise.txt", zlib.compress(bytes(range(256)) * 9)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_and_hostile_files_are_refused_with_the_reason(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInput) as caught:
        codecs.read(path)
    assert name in caught.value.message
    codecs.read_note(path)


def mp3(path: Path, seconds: float = 1.0) -> bytes:
    """The bytes of a tone as MP3, with the header that says how long it is."""
    beat = np.sin(np.arange(int(seconds * 44_100)) / 9).astype(np.float32)
    soundfile.write(path, beat, 44_100, format="MP3", subtype="MPEG_LAYER_III")
    return path.read_bytes()


def test_a_damaged_mp3_writes_nothing_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = mp3(tmp_path / "whole.mp3")
    (tmp_path / "html.mp3").write_text(f"<!DOCTYPE html><html><head><title>404</title></head><p>{0:0500d}</p></html>\n")
    with pytest.raises(BadInput, match=r"html\.mp3 is damaged or no sound\."):
        codecs.read(tmp_path / "html.mp3")
    (tmp_path / "half.mp3").write_bytes(whole[: len(whole) // 2])
    said: list[Message] = []
    read = codecs.read(tmp_path / "half.mp3", said.append)
    assert isinstance(read, Audio)
    assert [str(one) for one in said] == [
        f"half.mp3 is cut off: {read.samples.shape[1] / 44_100:.1f} of its 1.0 seconds are there."
    ]
    assert capfd.readouterr() == ("", "")
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"


@pytest.mark.parametrize("ending", ["wav", "ogg"])
def test_a_sound_without_its_end_is_read_and_said_to_be_cut_off(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"sound.{ending}"
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (3 * 44_100, 2)).astype(np.float32)
    soundfile.write(path, noise, 44_100)
    whole, said = path.read_bytes(), list[Message]()
    codecs.read(path, said.append)
    path.write_bytes(whole + b"TAG" + bytes(125))  # as some programs add at the end
    codecs.read(path, said.append)
    assert said == []
    for share in (0.3, 0.7, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        read = codecs.read(path, said.append)
        assert isinstance(read, Audio)
        seconds = read.samples.shape[1] / 44_100
        assert seconds <= 3.0
        assert str(said.pop()) == f"sound.{ending} is cut off after {seconds:.1f} seconds: its end is missing."


@pytest.mark.parametrize("length", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_that_was_streamed_is_not_said_to_be_cut_off(tmp_path: Path, length: int) -> None:
    path, said = tmp_path / "streamed.wav", list[Message]()
    soundfile.write(path, np.zeros((4410, 1), np.float32), 44_100)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = length.to_bytes(4, "little")
    path.write_bytes(data)
    with contextlib.suppress(BadInput):  # libsndfile takes 0 for no sound at all
        codecs.read(path, said.append)
    assert said == []


def test_a_whole_mp3_is_read_without_a_word(tmp_path: Path) -> None:
    mp3(tmp_path / "whole.mp3")
    said: list[Message] = []
    read = codecs.read(tmp_path / "whole.mp3", said.append)
    assert isinstance(read, Audio)
    assert read.samples.shape == (1, 44_100)
    assert said == []


def test_a_sound_with_too_many_channels_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(broken_wav(channels=20, length=8 * 40))
    with pytest.raises(BadInput, match=r"a\.wav has 20 channels\. Sounds of up to 16 channels are read\."):
        codecs.read(tmp_path / "a.wav")


def test_a_sound_with_an_enormous_length_takes_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(broken_wav(length=2**32 - 100))
    try:
        read = codecs.read(tmp_path / "a.wav")
    except BadInput:
        return
    assert isinstance(read, Audio)
    assert read.samples.size <= 8


def test_a_long_sound_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.media.audio.SAMPLE_LIMIT", 3999)
    codecs.write(tone(1), tmp_path / "a.wav")
    with pytest.raises(BadInput, match="too long"):
        codecs.read(tmp_path / "a.wav")


def test_missing_files_folders_and_unknown_kinds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "a.exe").write_bytes(b"MZ")
    for name in ("folder.png", "a.exe", "gone.png"):
        with pytest.raises(BadInput):
            codecs.read(tmp_path / name)
        with pytest.raises(BadInput):
            codecs.read_note(tmp_path / name)


def test_a_text_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "TEXT_LIMIT", 100)
    (tmp_path / "a.txt").write_bytes(b"a" * 101)
    with pytest.raises(BadInput, match="too long"):
        codecs.read(tmp_path / "a.txt")


@pytest.mark.parametrize("note", [b"not json", b"[1]", b"{" * 100_000, b'{"request": \xff}'])
def test_a_damaged_note_is_no_note(tmp_path: Path, note: bytes) -> None:
    text = chunk(b"iTXt", b"aigc-studio\0\0\0\0\0" + note)
    (tmp_path / "a.png").write_bytes(png(4, 4, text, BODY))
    assert codecs.read_note(tmp_path / "a.png") is None
    info = b"INFOICMT" + struct.pack("<I", len(note)) + note
    wav = struct.pack("<4sI4s4sI", b"RIFF", 0, b"WAVE", b"LIST", len(info)) + info
    (tmp_path / "a.wav").write_bytes(wav)
    assert codecs.read_note(tmp_path / "a.wav") is None
    (tmp_path / "a.md").write_bytes(b"text\n\n<!-- aigc-studio {" + note.replace(b"\n", b"") + b"} -->\n")
    assert codecs.read_note(tmp_path / "a.md") is None


def test_thumbnails_keep_the_aspect_and_are_never_larger() -> None:
    wide = codecs.thumbnail(picture(4, height=100, width=400), 128)
    assert wide is not None
    assert wide.pixels.shape == (32, 128, 4)
    small = picture(3, height=10, width=12)
    assert codecs.thumbnail(small, 128).pixels.shape == (10, 12, 3)  # type: ignore[union-attr]
    assert codecs.thumbnail(Text("words"), 128) is None


def test_a_waveform_shows_where_the_sound_is_loud() -> None:
    samples = np.zeros((1, 8000), np.float32)
    samples[0, 4000:] = 0.5
    drawn = codecs.thumbnail(Audio(samples, 8000), 96)
    assert drawn is not None
    ink = (drawn.pixels[:, :, 3] > 127).sum(axis=0)
    left, right = ink[10:44], ink[52:86]
    assert right.max() > 10 * left.max()
    assert left.max() >= 1
    silent = codecs.thumbnail(Audio(np.zeros((2, 100), np.float32), 8000), 96)
    assert silent is not None
    assert (silent.pixels[:, :, 3] > 127).sum(axis=0).max() <= 4


@pytest.mark.parametrize("length", [1, 39, 41])
def test_waveforms_of_very_short_sounds_are_drawn(length: int) -> None:
    drawn = codecs.thumbnail(Audio(np.full((1, length), 0.1, np.float32), 8000), 64)
    assert drawn is not None
    assert (drawn.pixels[:, :, 3] > 127).any()
