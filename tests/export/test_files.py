"""Export jobs: sizes, icon sets, metadata, sheets, SVG and formats."""

from __future__ import annotations

import io
import json
import urllib.request
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from cairosvg.surface import PNGSurface
from PIL import Image as Pillow
from PIL import ImageDraw

from studio.backends import MEDIA, PAGELESS
from studio.errors import BadInput
from studio.export import icons, sheets, vector
from studio.export.compose import PictureStyle, render
from studio.export.formats import find_format, formats
from studio.export.job import ExportJob, enlargement, render_files
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.export.sizes import FEEDS, parse_sizes, size_in_pixels
from studio.export.upscaling import upscaling
from studio.library.asset import Asset, AssetRecord
from studio.media import codecs, images, xmp
from studio.media.payloads import Image
from studio.media.provenance import ModelOrigin, Provenance

REQUEST = {"kind": "avatar", "seed": 7, "prompt": "日落 <b>"}
PROVENANCE = {"model": {"id": "avatar-starter", "licence": "Apache-2.0"}, "studio": "1"}


def encode(image: Image, form: str, origin: EmbeddedMetadata = NO_METADATA) -> bytes:
    encoder = find_format(form).encode
    assert encoder is not None
    return encoder(image, origin, "#ffffff")


def face(side: int = 96) -> Image:
    """A drawing in four flat colours on clear ground, with soft edges."""
    large = Pillow.new("RGBA", (side * 4, side * 4))
    pen = ImageDraw.Draw(large)
    unit = side * 4 / 100
    for box, fill in (
        ((20, 12, 80, 85), "#5b3a21"), ((28, 28, 72, 88), "#f0c6a0"), ((38, 48, 45, 56), "#222222"),
        ((55, 48, 62, 56), "#222222"), ((42, 68, 58, 76), "#b03a48"),
    ):  # fmt: skip
        pen.ellipse([value * unit for value in box], fill=fill)
    return Image(np.asarray(large.resize((side, side), Pillow.Resampling.LANCZOS)))


def work(**values: Any) -> Asset:
    record = AssetRecord("a", 1, "avatar", "2026-01/a.png", 0.0, "", 1, title="玛拉 / Mara: 1")
    asset = record.to_asset(Path())
    kept = {name: getattr(asset, name) for name in Asset.__slots__}
    return Asset(**{**kept, "request": REQUEST, "provenance": Provenance.from_json(PROVENANCE), **values})


def open_picture(data: bytes) -> Pillow.Image:
    picture = Pillow.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("form", [each.name for each in formats() if each.encode])
@pytest.mark.parametrize("embed", ["all", "provenance", "none"])
def test_metadata_follows_the_setting(tmp_path: Path, form: Any, embed: str) -> None:
    data = encode(face(), form, EmbeddedMetadata(work(), embed))
    (tmp_path / f"a{find_format(form).suffix}").write_bytes(data)
    picture = open_picture(data)
    assert picture.size == (96, 96)
    assert ("A" in picture.mode) == (form != "jpeg")
    typed = b"digitalsourcetype/trainedAlgorithmicMedia" in data
    assert typed == (embed != "none")
    assert ("日落".encode() in data) == (embed == "all")
    assert (b"avatar-starter" in data) == (embed != "none")
    if form != "jpeg":
        note = codecs.read_note(tmp_path / f"a{find_format(form).suffix}")
        assert (note or {}).get("request") == (REQUEST if embed == "all" else None)
    assert encode(face(), form, EmbeddedMetadata(work(), embed)) == data


def test_imported_pictures_name_no_source_type() -> None:
    own = work(request={}, provenance=Provenance(imported="me.jpg"))
    assert b"digitalsourcetype" not in encode(face(), "png", EmbeddedMetadata(own, "all"))
    both = EmbeddedMetadata(work(), "all", behind=own)
    assert b"compositeWithTrainedAlgorithmicMedia" in encode(face(), "png", both)
    assert b"me.jpg" in encode(face(), "webp", both)
    long = work(request={**REQUEST, "prompt": "x" * 90_000})
    assert b"trainedAlgorithmicMedia" in encode(face(), "jpeg", EmbeddedMetadata(long, "all"))


def test_png_keeps_alpha_exactly() -> None:
    made = render(face(), PictureStyle(shape="squircle"), 200, 200)
    for form in ("png", "webp"):
        back = np.asarray(open_picture(encode(made, form)))
        assert np.array_equal(back[..., 3], made.pixels[..., 3])
        assert np.array_equal(back[made.pixels[..., 3] > 0], made.pixels[made.pixels[..., 3] > 0])


def test_sizes_are_written_as_people_write_them() -> None:
    assert parse_sizes("512, 1024,512") == ("512", "1024")
    assert parse_sizes("1080x1350, 64 x 64") == ("1080x1350", "64")
    assert parse_sizes("icons, GitHub") == ("icons", "github-profile", "github-preview")
    assert len(parse_sizes("feeds")) == len(FEEDS)
    for wrong in ("", "big", "0", "9999", "10x", "10x10x10", "-5", "99999x1"):
        with pytest.raises(BadInput):
            parse_sizes(wrong)


def test_the_table_of_feeds_is_consistent() -> None:
    networks = {feed.network for feed in FEEDS}
    assert networks >= {
        "WeChat", "Weibo", "Xiaohongshu", "Douyin", "Instagram", "X", "YouTube", "LinkedIn", "TikTok", "Mastodon",
        "Discord", "Slack", "GitHub",
    }  # fmt: skip
    for network in networks:
        assert f"{network.lower()}-profile" in {feed.name for feed in FEEDS}
    for feed in FEEDS:
        assert size_in_pixels(feed.name) == (feed.width, feed.height)


def test_every_feed_gets_its_file() -> None:
    order = ExportJob(PictureStyle(shape="circle", ground="gradient"), parse_sizes("feeds"), "jpeg")
    small = [feed for feed in FEEDS if feed.width * feed.height < 300_000]
    chosen = ExportJob(order.style, tuple(feed.name for feed in small), "jpeg")
    made = dict(render_files(chosen, face(), "mara"))
    assert len(made) == chosen.count == len(small)
    for feed in small:
        assert open_picture(made[f"mara-{feed.name}.jpg"]).size == (feed.width, feed.height)


ICON_SIDES = {
    "ios/AppIcon.appiconset/icon-1024.png": 1024,
    "android/play-store-512.png": 512,
    "web/icon-192.png": 192,
    "web/icon-512.png": 512,
    "web/icon-maskable-512.png": 512,
    "web/apple-touch-icon.png": 180,
}


def test_every_file_of_an_icon_set_opens_and_has_its_size() -> None:
    made = dict(render_files(ExportJob(PictureStyle(shape="squircle"), ("icons",)), face(), "mara", title="Mara"))
    assert len(made) == icons.COUNT
    for name, side in ICON_SIDES.items():
        picture = open_picture(made[name])
        assert picture.size == (side, side)
        assert (picture.mode == "RGB") == (name not in ("web/icon-192.png", "web/icon-512.png"))
    for density, scale in (("mdpi", 1), ("hdpi", 1.5), ("xhdpi", 2), ("xxhdpi", 3), ("xxxhdpi", 4)):
        folder = f"android/res/mipmap-{density}/ic_launcher"
        assert open_picture(made[f"{folder}.png"]).size == (48 * scale, 48 * scale)
        front, back = (open_picture(made[f"{folder}_{part}.png"]) for part in ("foreground", "background"))
        assert front.size == back.size == (108 * scale, 108 * scale)
        assert (front.mode, back.mode) == ("RGBA", "RGB")
    # What Android always shows holds the whole face.
    alpha = np.asarray(open_picture(made["android/res/mipmap-xxxhdpi/ic_launcher_foreground.png"]))[..., 3]
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    assert min(rows[0], columns[0]) >= 84
    assert max(rows[-1], columns[-1]) < 432 - 84
    mac = Pillow.open(io.BytesIO(made["macos/AppIcon.icns"]))
    wanted = {(16, 1), (32, 1), (128, 1), (256, 1), (512, 1), (16, 2), (32, 2), (128, 2), (256, 2), (512, 2)}
    assert {(wide, scale) for wide, _, scale in mac.info["sizes"]} >= wanted
    for wide, scale in wanted:
        assert mac.icns.getimage((wide, wide, scale)).size == (wide * scale, wide * scale)  # type: ignore[attr-defined]
    for name, sides in (("windows/app.ico", icons.ICO), ("web/favicon.ico", icons.FAVICON)):
        icon = Pillow.open(io.BytesIO(made[name]))
        assert icon.info["sizes"] == {(side, side) for side in sides}
        for side in sides:
            shown = icon.ico.getimage((side, side))  # type: ignore[attr-defined]
            assert (shown.size, shown.mode) == ((side, side), "RGBA")
    manifest = json.loads(made["web/manifest.webmanifest"])
    assert manifest["name"] == "Mara"
    assert all(f"web/{icon['src']}" in made for icon in manifest["icons"])
    ElementTree.fromstring(made["android/res/mipmap-anydpi-v26/ic_launcher.xml"])
    contents = json.loads(made["ios/AppIcon.appiconset/Contents.json"])
    assert contents["images"][0]["filename"] == "icon-1024.png"


def test_icons_beside_sizes_go_to_their_own_folder() -> None:
    order = ExportJob(PictureStyle(), ("64", "icons"), "webp")
    made = dict(render_files(order, face(), "mara"))
    assert len(made) == order.count
    assert "mara-64.webp" in made
    assert "icons/web/favicon.ico" in made


@pytest.mark.parametrize("title", ["a\udcffb", "a\x01b"])
def test_undecodable_titles_get_question_marks(title: str) -> None:
    for kind, sizes, ending in (("svg", ("512",), ".svg"), ("png", ("icons",), ".webmanifest")):
        made = dict(render_files(ExportJob(PictureStyle(), sizes, kind), face(48), "a", title=title))
        (data,) = (data for name, data in made.items() if name.endswith(ending))
        if kind == "svg":
            assert ElementTree.fromstring(data)[0].text == "a?b"
        else:
            assert json.loads(data)["name"] in ("a?b", "a\x01b")


@pytest.mark.parametrize("kind", ["exif", "cmyk", "deep", "palette", "moving", "dot", "strip", "grey alpha"])
def test_unusual_picture_files_are_exported_as_they_look(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector, "TRACE_SIDE", 120)
    path = tmp_path / "odd.png"
    if kind == "exif":
        exif = Pillow.Exif()
        exif[0x0112] = 6
        path = tmp_path / "odd.jpg"
        Pillow.new("RGB", (60, 40), "#204060").save(path, exif=exif)
    elif kind == "cmyk":
        path = tmp_path / "odd.jpg"
        Pillow.new("CMYK", (40, 40), (0, 255, 255, 0)).save(path)
    elif kind == "deep":
        Pillow.fromarray(np.full((40, 40), 32768, np.uint16)).save(path)
    elif kind == "palette":
        Pillow.new("RGBA", (40, 40), (10, 200, 30, 255)).quantize(4).save(path)
    elif kind == "moving":
        frames = [Pillow.new("RGB", (40, 40), shade) for shade in ("#204060", "#ffffff")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    elif kind == "dot":
        Pillow.new("RGBA", (1, 1), (9, 8, 7, 255)).save(path)
    elif kind == "strip":
        Pillow.new("RGB", (20_000, 2), "#204060").save(path)
    else:
        Pillow.new("LA", (40, 40), (128, 255)).save(path)
    picture = codecs.read(path)
    assert isinstance(picture, Image)
    centre = {"cmyk": (255, 0, 0), "deep": (128, 128, 128), "palette": (10, 200, 30), "dot": (9, 8, 7)}
    wanted = centre.get(kind, (128, 128, 128) if kind == "grey alpha" else (32, 64, 96))
    for name, data in render_files(ExportJob(PictureStyle(shape="circle"), ("64", "32x48")), picture, "odd"):
        shown = open_picture(data).convert("RGBA")
        assert shown.size == ((64, 64) if name == "odd-64.png" else (32, 48))
        middle = shown.getpixel((shown.width // 2, shown.height // 2))
        assert isinstance(middle, tuple)
        assert np.abs(np.array(middle[:3]) - wanted).max() <= 6
        assert shown.getpixel((0, 0))[3] == 0  # type: ignore[index]
    assert vector.svg(picture, PictureStyle()).startswith(b"<svg")


def test_a_picture_that_is_too_large_is_refused(tmp_path: Path) -> None:
    Pillow.new("1", (20_000, 6_001)).save(tmp_path / "vast.png")
    with pytest.raises(BadInput, match="too large"):
        codecs.read(tmp_path / "vast.png")
    assert images.PIXEL_LIMIT < 20_000 * 6_001


def embedded(url: str, _kind: str) -> bytes:
    """The picture within an SVG; CairoSVG's own reader leaves it open, and Python 3.14 warns of that."""
    assert url.startswith("data:")
    with urllib.request.urlopen(url) as data:
        return data.read()


def rasterise(data: bytes, side: int) -> np.ndarray[Any, Any]:
    png = PNGSurface.convert(data, output_width=side, output_height=side, url_fetcher=embedded)
    return np.asarray(open_picture(png or b"").convert("RGBA")).astype(int)


def test_an_svg_looks_like_the_picture_with_few_colours_and_paths() -> None:
    source = face(128)
    data = vector.svg(source, PictureStyle(), 128)
    tree = ElementTree.fromstring(data)
    paths = [each for each in tree.iter() if each.tag.endswith("}path") and each.get("fill")]
    assert 3 <= len(paths) <= 6
    assert len({each.get("fill") for each in paths}) == len(paths)
    back, wanted = rasterise(data, 128), source.pixels.astype(int)
    assert np.abs(back[..., 3] - wanted[..., 3]).mean() < 2
    solid = (wanted[..., 3] == 255) & (back[..., 3] == 255)
    assert np.abs(back - wanted)[solid].mean() < 4
    assert len(data) < 16_000
    # Far larger, no light shows through a seam within the face.
    large = rasterise(data, 900)
    assert (large[240:600, 300:600, 3] == 255).all()


def test_an_svg_keeps_shape_ground_and_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector, "TRACE_SIDE", 320)
    for look in (
        PictureStyle(shape="circle", ground="colour", colour="#123456"),
        PictureStyle(shape="squircle", ground="gradient", angle=45, padding=0.1),
        PictureStyle(shape="rounded", ground="none", across=0.1),
    ):
        data = vector.svg(face(128), look, 256, title="Mara & <Co>", origin=EmbeddedMetadata(work(), "all"))
        ElementTree.fromstring(data)
        assert b"trainedAlgorithmicMedia" in data
        wanted = render(face(128), look, 256, 256).pixels.astype(int)
        back = rasterise(data, 256)
        assert np.abs(back[..., 3] - wanted[..., 3]).mean() < 2
        both = (wanted[..., 3] == 255) & (back[..., 3] == 255)
        assert np.abs(back - wanted)[both].mean() < 5
    behind = Image(np.full((30, 60, 3), 99, np.uint8))
    back = rasterise(vector.svg(face(128), PictureStyle(ground="work"), 128, ground=behind), 128)
    assert np.abs(back[4, 4, :3] - 99).max() <= 3
    with pytest.raises(BadInput, match="transparent"):
        vector.svg(Image(np.zeros((9, 9, 4), np.uint8)), PictureStyle())


def test_a_work_with_a_drawing_of_its_own_leaves_as_that_in_its_style() -> None:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="90" viewBox="0 0 1000 1500">\n'
        '<g id="ground"><path d="M0 0L1000 0L1000 1500L0 1500Z" fill="#204060"/></g>\n'
        '<g id="disc"><path d="M300 300L700 300L700 700L300 700Z" fill="#f0c040"/></g>\n</svg>\n'
    )
    pixels = np.full((90, 60, 3), (0x20, 0x40, 0x60), np.uint8)
    pixels[18:42, 18:42] = (0xF0, 0xC0, 0x40)
    picture = Image(pixels)
    for look in (PictureStyle(), PictureStyle(shape="circle", padding=0.1, ground="colour", colour="#ffffff")):
        ((name, data),) = render_files(ExportJob(look, ("120",), "svg"), picture, "disc", drawing=drawing)
        assert name == "disc.svg"
        groups = [each.get("id") for each in ElementTree.fromstring(data).iter() if each.tag.endswith("}g")]
        assert {"ground", "disc"} <= set(groups)
        back, wanted = rasterise(data, 120), render(picture, look, 120, 120).pixels.astype(int)
        both = (wanted[..., 3] == 255) & (back[..., 3] == 255)
        assert np.abs(back[..., 3] - wanted[..., 3]).mean() < 2
        assert np.abs(back - wanted)[both].mean() < 3


def test_every_kind_of_file_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector, "TRACE_SIDE", 120)
    for kind in [each.name for each in formats()]:
        made = list(render_files(ExportJob(PictureStyle(), ("40", "50"), kind), face(), "mara"))
        assert len(made) == (1 if kind == "svg" else 2)
    with pytest.raises(BadInput, match="size"):
        list(render_files(ExportJob(PictureStyle(), ()), face(), "mara"))


def test_a_contact_sheet_shows_all_with_their_captions() -> None:
    shades = [Image(np.full((40, 60, 3), 20 * at, np.uint8)) for at in range(7)]
    entries = [(shade, f"Nr. {at}") for at, shade in enumerate(shades)]
    sheet = sheets.contact_sheet(entries, title="All of them", columns=3, cell=64).pixels
    found = {int(shade) for shade in np.unique(sheet[..., 0])}
    assert {20 * at for at in range(7)} <= found
    bare = sheets.contact_sheet([(shade, "") for shade in shades], columns=3, cell=64).pixels
    assert bare.shape[0] < sheet.shape[0]
    assert bare.shape == (2 * 40 + 3 * 64 + 2 * 24, 2 * 40 + 3 * 64 + 2 * 24, 3)
    for wrong in ([], [(shades[0], "")] * 401):
        with pytest.raises(BadInput):
            sheets.contact_sheet(wrong)


def test_a_character_sheet_has_the_first_one_large() -> None:
    looks = [(Image(np.full((64, 64, 3), (200, 10 + at, 10), np.uint8)), f"Face {at}") for at in range(5)]
    sheet = sheets.character_sheet(looks, name="Mara 玛拉", cell=64).pixels
    sizes = [int((sheet[..., 1] == 10 + at)[sheet[..., 0] == 200].sum()) for at in range(5)]
    assert sizes[0] >= 1.5 * sizes[1]
    assert all(size >= 64 * 64 * 0.9 for size in sizes[1:])
    assert sheets.character_sheet(looks[:1]).pixels.shape[2] == 3


@pytest.mark.parametrize(("others", "rows"), [(1, 1), (2, 2), (4, 2), (6, 2), (8, 2), (9, 3), (12, 3)])
def test_a_character_sheet_leaves_no_row_half_empty(others: int, rows: int) -> None:
    looks = [(Image(np.full((512, 512, 3), (200, 10 + at, 10), np.uint8)), "") for at in range(others + 1)]
    sheet = sheets.character_sheet(looks, cell=200).pixels
    tops = {int(np.nonzero((sheet == (200, 10 + at, 10)).all(axis=2))[0].min()) for at in range(1, others + 1)}
    assert len(tops) == rows
    feet = [int(np.nonzero((sheet == (200, 10 + at, 10)).all(axis=2))[0].max()) for at in (0, others)]
    assert feet[0] == feet[1] or others == 1


def test_captions_are_elided() -> None:
    assert sheets.fit_text("short", 20, 500) == "short"
    cut = sheets.fit_text("a caption that goes on and on", 20, 120)
    assert cut.endswith("…")
    assert sheets.load_font(20, cut).getlength(cut) <= 120


def test_a_new_format_is_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/adding.md says: a module in the folder of formats, and every place that offers formats has it."""
    import studio.export.formats as package

    (tmp_path / "gif.py").write_text(
        "import io\nfrom PIL import Image as Pillow\n"
        "from studio.export.formats import ExportFormat\n\n"
        "def encode(image, origin, under):\n"
        "    made = io.BytesIO()\n"
        "    Pillow.fromarray(image.pixels).convert('RGB').save(made, 'GIF')\n"
        "    return made.getvalue()\n\n"
        "FORMAT = ExportFormat('gif', 'GIF', '.gif', 9, encode)\n"
    )
    try:
        with monkeypatch.context() as patched:
            patched.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
            package.formats.cache_clear()
            assert formats()[-1] == find_format("gif")
            made = dict(render_files(ExportJob(PictureStyle(), ("64",), "gif"), face(), "a"))
            assert made["a-64.gif"].startswith(b"GIF8")
    finally:
        package.formats.cache_clear()
    assert "gif" not in [each.name for each in formats()]


@pytest.mark.parametrize(
    ("sizes", "kind", "padding", "times", "factor"),
    [
        ("96", "png", 0.0, 1.0, 0),
        ("97", "png", 0.0, 97 / 96, 0),  # it lacks one pixel in a hundred
        ("64,192", "png", 0.0, 2.0, 2),
        ("200x120", "webp", 0.0, 200 / 96, 3),
        ("200x40", "webp", 0.0, 40 / 96, 0),  # seen whole
        ("original", "png", 0.0, 1.0, 0),
        ("192", "png", 0.25, 1.0, 0),  # the margin leaves less for the picture
        ("512", "jpeg", 0.0, 512 / 96, 4),  # as near as a network comes
        ("512", "svg", 0.0, 0.0, 0),
        ("icons", "svg", 0.0, 1024 / 96, 4),
    ],
)
def test_how_much_a_picture_lacks_for_the_largest_size(
    sizes: str, kind: str, padding: float, times: float, factor: int
) -> None:
    found = enlargement(ExportJob(PictureStyle(padding=padding), parse_sizes(sizes), kind), (96, 96), cut=False)
    assert found == pytest.approx(times)
    how = upscaling((*MEDIA, *PAGELESS))
    assert how is not None
    assert how.factor(found, 96 * 96) == factor
    wide = ExportJob(PictureStyle(), ("400x250",))
    assert enlargement(wide, (96, 96), cut=False) > 4 > 3 > enlargement(wide, (96, 96), cut=True)
    assert how.factor(3.0, images.PIXEL_LIMIT // 4) == 2  # no more than can be read again
    assert how.factor(3.0, images.PIXEL_LIMIT) == 0


def test_files_of_an_enlarged_picture_name_the_network() -> None:
    network = Provenance(model=ModelOrigin("big", "srvgg", "bsd-3-clause", "cd"))
    large = work(request={"kind": "upscale"}, provenance=network)
    drawn = json.loads(EmbeddedMetadata(work(), "all", enlarged=large).note)
    assert drawn["request"] == REQUEST
    assert drawn["provenance"]["model"]["id"] == "avatar-starter"
    assert drawn["provenance"]["models"]["upscaler"] == network.model.to_json()  # type: ignore[union-attr]
    assert EmbeddedMetadata(work(), "all", enlarged=large).source == xmp.TRAINED
    photo = work(request={}, provenance=Provenance(imported="photo.jpg"))
    assert EmbeddedMetadata(photo, "all").source == ""
    assert EmbeddedMetadata(photo, "all", enlarged=large).source == xmp.COMPOSITE
    file = EmbeddedMetadata(None, "all", enlarged=large)
    assert json.loads(file.note)["provenance"]["model"]["id"] == "big"
    assert file.source == xmp.COMPOSITE
    assert EmbeddedMetadata(photo, "none", enlarged=large).note == ""
