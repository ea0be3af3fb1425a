"""`studio export`: the files it writes, and its messages for invalid arguments."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from studio.media import clips, codecs
from studio.media.payloads import Image, Text
from tests.core.cli_runs import Runs
from tests.core.test_cli_upscale import install
from tests.fakes import SEVERAL_FILES, SVG


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(capsys)


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    """A disc on clear ground, as a person's own file."""
    down, across = np.mgrid[:64, :64]
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[(across - 31.5) ** 2 + (down - 31.5) ** 2 < 900] = (200, 80, 60, 255)
    codecs.write(Image(pixels), tmp_path / "我的头像.png")
    return tmp_path / "我的头像.png"


def test_a_work_is_exported_as_circles_on_a_gradient(run: Runs, drawing: Path, tmp_path: Path) -> None:
    work = run("library", "import", drawing, "--json").json["assets"][0]["id"]
    flags = ("--shape", "circle", "--background", "#102030,#405060,90", "--sizes", "64,96x48", "--to", tmp_path / "out")
    made = run("export", work, *flags, "--json").json
    assert made["files"] == ["我的头像-64.png", "我的头像-96x48.png"]
    folder = Path(made["to"])
    assert folder == tmp_path / "out" / "我的头像"
    with Pillow.open(folder / "我的头像-64.png") as opened:
        assert (opened.size, opened.mode) == ((64, 64), "RGBA")
        assert opened.getpixel((0, 0)) == (0, 0, 0, 0)
        assert opened.getpixel((1, 32))[:3] == pytest.approx((17, 33, 49), abs=2)  # type: ignore[index]
    again = run("export", work, *flags)
    assert again.out == f"{tmp_path / 'out' / '我的头像 2'}  (2 files)\n"


def test_one_file_and_zips(run: Runs, drawing: Path, tmp_path: Path) -> None:
    assert (
        run("export", drawing, "--to", tmp_path / "out").out == f"{tmp_path / 'out' / '我的头像-512.png'}  (1 file)\n"
    )
    zipped = tmp_path / "all.zip"
    made = run("export", drawing, "--sizes", "icons,32", "--format", "svg", "--to", zipped, "--json").json
    assert "icons/windows/app.ico" in made["files"]
    assert "我的头像.svg" in made["files"]
    with zipfile.ZipFile(zipped) as whole:
        assert whole.namelist() == made["files"]
    again = run("export", drawing, "--to", zipped)
    assert again.status == 2
    assert "already a file" in again.err


def test_several_works_get_different_names(run: Runs, drawing: Path, tmp_path: Path) -> None:
    made = run("export", drawing, drawing, "--sizes", "32", "--to", tmp_path / "two", "--json").json
    assert made["files"] == ["我的头像-32.png", "我的头像 2-32.png"]
    made = run("export", drawing, drawing, "--sizes", "icons", "--to", tmp_path / "three.zip", "--json").json
    assert len(set(made["files"])) == len(made["files"])


def test_names_that_are_equal_on_some_systems_differ(run: Runs, drawing: Path, tmp_path: Path) -> None:
    """By case, and by whether an accent stands alone."""
    twins = [tmp_path / str(at) / f"{name}.png" for at, name in enumerate(("Zoë", "zoë", "Zoe\u0308"))]
    for twin in twins:
        twin.parent.mkdir()
        twin.write_bytes(drawing.read_bytes())
    made = run("export", *twins, "--sizes", "32", "--to", tmp_path / "out.zip", "--json").json
    assert len({unicodedata.normalize("NFC", name).casefold() for name in made["files"]}) == 3


def test_a_work_as_the_background(run: Runs, drawing: Path, tmp_path: Path) -> None:
    codecs.write(Image(np.full((20, 30, 3), 99, np.uint8)), tmp_path / "behind.png")
    run("export", drawing, "--background", tmp_path / "behind.png", "--to", tmp_path / "out", "--sizes", "64")
    with Pillow.open(tmp_path / "out" / "我的头像-64.png") as opened:
        assert opened.convert("RGB").getpixel((1, 1)) == (99, 99, 99)


def test_sheets(run: Runs, drawing: Path, tmp_path: Path) -> None:
    for kind in ("contact", "character"):
        words = ("--sheet", kind, "--title", "Mara", "--captions", "calm, glad", "--to", tmp_path / kind)
        assert run("export", drawing, drawing, *words).status == 0
        with Pillow.open(tmp_path / kind / "Mara.png") as opened:
            assert opened.width > 300
    wrong = run("export", drawing, "--sheet", "contact", "--captions", "a,b", "--to", tmp_path / "x")
    assert (wrong.status, (tmp_path / "x").exists()) == (2, False)


def test_invalid_exports_give_messages(run: Runs, drawing: Path, tmp_path: Path) -> None:
    clip = tmp_path / "walk.gif"
    clips.write([np.full((8, 8, 3), shade, np.uint8) for shade in (0, 250)], clip, 10)
    (tmp_path / "notes.md").write_text("words")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    out = ("--to", tmp_path / "out")
    for words, said in (
        ((drawing, "--sizes", "huge", *out), "is not a size"),
        ((drawing, "--background", "#12", *out), "is not a colour"),
        ((drawing, "--background", "#112233,#445566,up", *out), "is not an angle"),
        ((drawing, "--background", "nobody", *out), "There is no work"),
        ((drawing, "--padding", "2", *out), "padding"),
        ((drawing, "--shape", "star", *out), "Argument --shape"),
        (("nobody", *out), "There is no work"),
        ((tmp_path / "missing.png", *out), "There is no file"),
        ((tmp_path / "notes.md", *out), "is not a picture"),
        ((clip, *out), "is not a picture"),
        ((tmp_path / "torn.png", *out), "damaged"),
        ((drawing,), "--to"),
    ):
        ended = run("export", *words)
        assert ended.status == 2, words
        assert said in ended.err, (words, ended.err)
    assert not (tmp_path / "out").exists()
    assert run("export", drawing, "--to", drawing).status == 2


def test_a_work_of_several_files_is_exported_with_all_of_them(run: Runs, tmp_path: Path, home: Path) -> None:
    run("make", "poster", "--prompt", "a fox", "--seed", SEVERAL_FILES)
    work = run("library", "list", "--json").json["assets"][0]
    assert [file["role"] for file in work["files"]] == ["svg", "captions"]
    made = run("export", work["id"], "--sizes", "64,32", "--to", tmp_path / "out", "--json").json
    assert made["files"] == ["a fox-64.png", "a fox-32.png", "a fox.svg", "a fox-captions.md"]
    paths = {Path(name).suffix: Path(made["to"]) / name for name in made["files"]}
    assert all((codecs.read_note(path) or {})["request"]["prompt"] == "a fox" for path in paths.values())
    assert paths[".svg"].read_text("utf-8").endswith(SVG[SVG.index("<path") :])
    assert paths[".svg"].read_text("utf-8").count("<metadata>") == 1
    assert codecs.read(paths[".md"]) == Text("A fox. 狐狸。\n")
    made = run("export", work["id"], "--format", "svg", "--to", tmp_path / "drawn", "--json").json
    assert made["files"] == ["a fox.svg", "a fox-svg.svg", "a fox-captions.md"]
    icons = run("export", work["id"], "--sizes", "icons", "--format", "svg", "--to", tmp_path / "icons", "--json").json
    assert icons["files"][-2:] == ["a fox.svg", "a fox-captions.md"]
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "settings.toml").write_text('embed_metadata = "none"', encoding="utf-8")
    made = run("export", work["id"], "--to", tmp_path / "bare.zip", "--json").json
    with zipfile.ZipFile(tmp_path / "bare.zip") as whole:
        assert whole.namelist() == made["files"]
        assert whole.read("a fox.svg").decode() == SVG
        assert whole.read("a fox-captions.md").decode() == "A fox. 狐狸。\n"


def test_exported_metadata_follows_the_setting(run: Runs, tmp_path: Path, home: Path) -> None:
    run("make", "poster", "--prompt", "a red fox", "--seed", 1)
    work = run("library", "list", "--json").json["assets"][0]["id"]
    run("export", work, "--to", tmp_path / "out", "--sizes", "64")
    note = codecs.read_note(tmp_path / "out" / "a red fox-64.png")
    assert (note or {})["request"]["prompt"] == "a red fox"
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "settings.toml").write_text('embed_metadata = "none"', encoding="utf-8")
    run("export", work, "--to", tmp_path / "bare", "--sizes", "64")
    assert codecs.read_note(tmp_path / "bare" / "a red fox-64.png") is None
    assert b"digitalsource" not in (tmp_path / "bare" / "a red fox-64.png").read_bytes()


def test_what_has_too_few_pixels_is_enlarged_first_and_once_only(run: Runs, drawing: Path, tmp_path: Path) -> None:
    install(tmp_path / "toy")
    run("models", "import", tmp_path / "toy", "--medium", "upscale", "--licence", "mit")
    work = run("library", "import", drawing, "--json").json["assets"][0]["id"]
    ended = run("export", work, "--upscale", "--sizes", "200", "--to", tmp_path / "out", "--json")
    assert ended.status == 0, ended.err
    note = codecs.read_note(Path(ended.json["to"])) or {}
    assert note["provenance"]["models"]["upscaler"]["id"] == "toy"
    (large,) = [each for each in run("library", "list", "--json").json["assets"] if each["id"] != work]
    shown = run("library", "show", large["id"], "--json").json
    assert shown["parents"] == [work]
    assert shown["request"]["factor"] == "4"
    again = run("export", work, "--upscale", "--sizes", "200", "--to", tmp_path / "out", "--json")
    assert again.status == 0, again.err
    assert len(run("library", "list", "--json").json["assets"]) == 2


def test_a_file_outside_the_library_is_enlarged_too(run: Runs, drawing: Path, tmp_path: Path) -> None:
    install(tmp_path / "toy")
    run("models", "import", tmp_path / "toy", "--medium", "upscale", "--licence", "mit")
    ended = run(
        "export", drawing, "--upscale", "--model", "toy", "--sizes", "128,64", "--to", tmp_path / "out", "--json"
    )
    assert ended.status == 0, ended.err
    note = codecs.read_note(Path(ended.json["to"]) / "我的头像-128.png") or {}
    assert note["provenance"]["model"]["id"] == "toy"


def test_upscaling_says_where_it_is_not_needed_or_cannot_be(run: Runs, drawing: Path, tmp_path: Path) -> None:
    small = run("export", drawing, "--upscale", "--sizes", "64", "--to", tmp_path / "out")
    assert small.status == 0
    assert "No size needs more pixels than the pictures have: nothing is upscaled." in small.err
    none = run("export", drawing, "--upscale", "--to", tmp_path / "out")
    assert none.status == 3
    assert "There is no model for upscale." in none.err
    assert len(list((tmp_path / "out").iterdir())) == 1
    sheet = run("export", drawing, "--upscale", "--sheet", "contact", "--to", tmp_path / "out")
    assert sheet.status == 2
    assert "A sheet is not upscaled. Leave out --upscale, or --sheet." in sheet.err
