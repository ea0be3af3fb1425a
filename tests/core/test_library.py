"""The library: what is kept, found, changed, thrown away, brought in, and put right again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image as Pillow

from studio.errors import BadInput, StudioError
from studio.library.asset import AssetRecord, default_title, search_text
from studio.library.library import Asset, Library, LibraryQuery
from studio.media import codecs
from studio.media.payloads import Audio, Image, Payload, Text, Weights
from studio.media.provenance import Provenance
from tests.core.crashes import quick_folder

PROVENANCE = {"studio": "1", "model": {"id": "poster-starter", "licence": "Apache-2.0"}, "device": "cpu"}


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "library")
    yield opened
    opened.close()


def picture(shade: int = 90, width: int = 8, height: int = 6) -> Image:
    return Image(np.full((height, width, 3), shade, np.uint8))


SOUND = Audio(np.linspace(-0.5, 0.5, 4000, dtype=np.float32)[None], 8000)


def keep(library: Library, prompt: str = "", payload: Payload | None = None, **values: Any) -> Asset:
    medium = values.pop("medium", "poster")
    request = {"kind": medium, "prompt": prompt, "model": f"{medium}-starter", "seed": 1, **values.pop("request", {})}
    return library.add(
        payload or picture(), medium=medium, request=request, provenance=Provenance.from_json(PROVENANCE), **values
    )


def ids(assets: list[Asset]) -> list[str]:
    return [asset.id for asset in assets]


@pytest.mark.parametrize(
    ("payload", "suffix", "measures"),
    [
        (picture(), ".png", (8, 6, None)),
        (SOUND, ".wav", (None, None, 0.5)),
        (Text("Once 从前"), ".md", (None, None, None)),
    ],
    ids=["picture", "sound", "text"],
)
def test_a_kept_work_is_an_ordinary_file_with_all_that_made_it(
    library: Library, payload: Payload, suffix: str, measures: tuple[int | float | None, ...]
) -> None:
    parent = keep(library)
    asset = keep(library, "海边的灯塔\nsecond line", payload, parents=[parent.id, parent.id], partial=True)
    assert asset.path.suffix == suffix
    assert asset.path.parent.parent == library.folder / "works"
    assert asset.path.stem == asset.id
    assert (asset.width, asset.height, asset.seconds) == measures
    assert asset.size == asset.path.stat().st_size
    assert asset.title == "海边的灯塔"
    assert asset.parents == (parent.id,)
    assert (asset.partial, asset.favourite, asset.binned) == (True, False, False)
    assert type(codecs.read(asset.path)) is type(payload)
    note = codecs.read_note(asset.path)
    assert note == {"request": asset.request, "provenance": PROVENANCE}
    side = json.loads(asset.path.with_suffix(".json").read_text(encoding="utf-8"))
    assert side["request"]["prompt"] == "海边的灯塔\nsecond line"
    assert side["schema"] == 1
    assert library.get(asset.id) == asset
    assert library.page() == [asset, parent]
    assert library.children(parent.id) == [asset]


def test_the_same_request_gives_the_same_bytes(library: Library) -> None:
    first, second = keep(library, "sea", title="One"), keep(library, "sea", parents=["x"], partial=True)
    assert first.id != second.id
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256
    assert first.id.encode() not in first.path.read_bytes()


@pytest.mark.parametrize(
    ("embed", "parts"), [("all", {"request", "provenance"}), ("provenance", {"provenance"}), ("none", set())]
)
def test_a_person_decides_what_the_file_itself_says(library: Library, embed: Any, parts: set[str]) -> None:
    asset = keep(library, "secret wish", embed=embed)
    assert set(codecs.read_note(asset.path) or {}) == parts
    assert (b"secret wish" in asset.path.read_bytes()) == (embed == "all")
    assert library.get(asset.id).request["prompt"] == "secret wish"


def test_a_trained_model_is_no_work(library: Library, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        keep(library, payload=Weights(tmp_path))
    assert library.count() == 0


@pytest.fixture
def shelf(library: Library) -> dict[str, Asset]:
    works = {
        "sea": keep(library, "A lighthouse by the sea, 100% blue"),
        "zh": keep(library, "日落时分的灯塔", title="海报"),
        "story": keep(library, 'The "Lighthouse" keeper\'s_tale', Text("text"), medium="story"),
        "music": keep(library, "", SOUND, medium="music", request={"genre": "lo-fi", "mood": "ÉTÉ calme"}),
    }
    library.tag([works["sea"].id], add=["旅行", "C++ draft"])
    library.collect([works["zh"].id, works["sea"].id], "Journey")
    library.favourite([works["music"].id], True)
    return works


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (LibraryQuery(), ["music", "story", "zh", "sea"]),
        (LibraryQuery(text="lighthouse"), ["story", "sea"]),
        (LibraryQuery(text="LIGHTHOUSE keeper"), ["story"]),
        (LibraryQuery(text="keeper lighthouse"), ["story"]),
        (LibraryQuery(text="ighthous"), ["story", "sea"]),
        (LibraryQuery(text="lighthouses"), []),
        (LibraryQuery(text="日落时分"), ["zh"]),
        (LibraryQuery(text="灯塔"), ["zh"]),
        (LibraryQuery(text="塔"), ["zh"]),
        (LibraryQuery(text="海报"), ["zh"]),
        (LibraryQuery(text="旅行"), ["sea"]),
        (LibraryQuery(text="c++"), ["sea"]),
        (LibraryQuery(text="Journey"), ["zh", "sea"]),
        (LibraryQuery(text="0%"), ["sea"]),
        (LibraryQuery(text="%"), ["sea"]),
        (LibraryQuery(text="s_"), ["story"]),
        (LibraryQuery(text="_"), ["story"]),
        (LibraryQuery(text='"'), ["story"]),
        (LibraryQuery(text='"Lighthouse"'), ["story"]),
        (LibraryQuery(text="\\"), []),
        (LibraryQuery(text="' OR 1=1"), []),
        (LibraryQuery(text="NOT lighthouse"), []),
        (LibraryQuery(text="prompt:sea"), []),
        (LibraryQuery(text="*"), []),
        (LibraryQuery(text="lo-fi"), ["music"]),
        (LibraryQuery(text="été"), ["music"]),
        (LibraryQuery(text="music-starter"), ["music"]),
        (LibraryQuery(text="by se"), ["sea"]),
        (LibraryQuery(text="   "), ["music", "story", "zh", "sea"]),
        (LibraryQuery(text="a\0sea"), ["sea"]),
        (LibraryQuery(text="x" * 100_000), []),
        (LibraryQuery(medium="story"), ["story"]),
        (LibraryQuery(medium="avatar"), []),
        (LibraryQuery(model="poster-starter"), ["zh", "sea"]),
        (LibraryQuery(favourite=True), ["music"]),
        (LibraryQuery(favourite=False), ["story", "zh", "sea"]),
        (LibraryQuery(tag="旅行"), ["sea"]),
        (LibraryQuery(tag="Journey"), []),
        (LibraryQuery(collection="Journey"), ["zh", "sea"]),
        (LibraryQuery(collection="Journey", text="lighthouse", medium="poster"), ["sea"]),
        (LibraryQuery(text="海", medium="poster"), ["zh"]),
        (LibraryQuery(since=0.0), ["music", "story", "zh", "sea"]),
        (LibraryQuery(until=1.0), []),
        (LibraryQuery(binned=True), []),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, LibraryQuery) else "",
)
def test_works_are_found(library: Library, shelf: dict[str, Asset], query: LibraryQuery, found: list[str]) -> None:
    names = {asset.id: name for name, asset in shelf.items()}
    assert [names[asset.id] for asset in library.page(query)] == found
    assert library.count(query) == len(found)
    assert [names[asset.id] for asset in library.page(query, offset=1, limit=1)] == found[1:2]
    # The bin is searched by the same words.
    library.bin(ids(list(shelf.values())))
    if not query.binned:
        there = LibraryQuery(**{**{name: getattr(query, name) for name in LibraryQuery.__slots__}, "binned": True})
        assert [names[asset.id] for asset in library.page(there)] == found
    assert library.count() == 0


@pytest.mark.parametrize("words", ["灯塔", "灯塔上的猫", "keeper", "old KEEPER"])
def test_what_a_text_says_is_searched(tmp_path: Path, words: str) -> None:
    library = Library(tmp_path / "library")
    text = Text("# 第一章\n\n老人走向灯塔上的猫。The old keeper slept.\n" + "word " * 20_000)
    made = library.add(text, medium="story", request={"kind": "story", "prompt": "a tale"}, provenance=Provenance())
    path = tmp_path / "一.txt"
    path.write_text("夜里的灯塔上的猫，the old keeper", encoding="utf-8")
    brought = library.import_file(path)
    library.add(Text("another"), medium="story", request={"kind": "story"}, provenance=Provenance())
    query = LibraryQuery(text=words)

    def found() -> set[str]:
        return {asset.id for asset in library.page(query)}

    assert found() == {made.id, brought.id}
    library.favourite([made.id])
    library.bin([brought.id])
    assert found() == {made.id}
    assert [asset.id for asset in library.page(LibraryQuery(text=words, binned=True))] == [brought.id]
    library.restore([brought.id])
    library.rebuild()
    assert found() == {made.id, brought.id}
    assert not library.page(LibraryQuery(text="aigc-studio-note"))


def test_a_tag_reads_no_text_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(tmp_path / "library")
    made = library.add(Text("the old keeper"), medium="story", request={"kind": "story"}, provenance=Provenance())
    read = list[Path]()
    monkeypatch.setattr(codecs, "read", read.append)
    library.tag([made.id], add=["sea"])
    library.rename(made.id, "Tale")
    assert not read
    assert [asset.title for asset in library.page(LibraryQuery(text="keeper"))] == ["Tale"]
    library.close()


def test_an_index_that_knows_no_texts_is_made_anew(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    made = library.add(Text("the old keeper"), medium="story", request={"kind": "story"}, provenance=Provenance())
    library.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "library" / "index.sqlite")) as db:
        db.execute("PRAGMA user_version = 1")
    again = Library(tmp_path / "library")
    assert [asset.id for asset in again.page(LibraryQuery(text="keeper"))] == [made.id]
    again.close()


def test_since_and_until_are_by_the_clock(tmp_path: Path) -> None:
    times = iter([1000.0, 2000.0, 3000.0])
    library = Library(tmp_path / "library", clock=lambda: next(times))
    works = [keep(library, f"work {number}") for number in range(3)]
    assert library.page(LibraryQuery(since=2000.0)) == [works[2], works[1]]
    assert library.page(LibraryQuery(until=2000.0)) == [works[0]]
    assert library.page(LibraryQuery(since=1500.0, until=2500.0, text="work")) == [works[1]]
    library.close()


def test_a_clock_that_jumps_spoils_neither_order_nor_ids(tmp_path: Path) -> None:
    times = [2e9, 2e9, 1e9, 1e9 - 5, 0.0, 2e9 - 1, 3e9]
    clock = iter(times)
    library = Library(tmp_path / "library", clock=lambda: next(clock))
    works = [keep(library, str(number)) for number in range(len(times))]
    assert len({asset.id for asset in works}) == len(works)
    assert [asset.created for asset in works] == times
    assert library.page() == works[::-1]
    library.rebuild()
    assert library.page() == works[::-1]
    library.close()
    reopened = Library(tmp_path / "library", clock=lambda: 1e9)
    last = keep(reopened)
    assert reopened.page()[0] == last
    reopened.close()


def test_favourites_tags_collections_and_titles(library: Library) -> None:
    one, two = keep(library, "one"), keep(library, "two")
    library.favourite([one.id, two.id], True)
    library.favourite([two.id], False)
    library.tag([one.id, two.id], add=["b", " a  b ", "b"])
    library.tag([two.id], add=["c"], remove=["b"])
    library.collect([one.id, two.id], "Trip")
    library.collect([one.id], "Trip")
    library.collect([two.id], "Trip", on=False)
    library.rename(one.id, "  A new\nname ")
    one, two = library.get(one.id), library.get(two.id)
    assert (one.favourite, two.favourite) == (True, False)
    assert (one.tags, two.tags) == (("b", "a b"), ("a b", "c"))
    assert (one.collections, two.collections) == (("Trip",), ())
    assert one.title == "A new name"
    assert library.tags() == {"a b": 2, "b": 1, "c": 1}
    assert list(library.tags()) == ["a b", "b", "c"]
    assert library.collections() == {"Trip": 1}
    assert library.page(LibraryQuery(text="new name")) == [one]
    assert library.page(LibraryQuery(text="one", favourite=True)) == [one]
    library.bin([one.id])
    assert library.tags() == {"a b": 1, "c": 1}
    assert library.collections() == {}
    # Files are the truth: nothing of this is lost with the index.
    library.rebuild()
    assert library.get(two.id) == two
    assert library.verify() == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 101])
def test_a_label_needs_a_name(library: Library, name: str) -> None:
    asset = keep(library)
    with pytest.raises(BadInput, match="1 to 100"):
        library.tag([asset.id], add=[name])
    with pytest.raises(BadInput, match="1 to 100"):
        library.collect([asset.id], name)
    assert library.get(asset.id) == asset


def test_an_unknown_work_is_named_and_nothing_else_is_changed(library: Library) -> None:
    asset = keep(library)
    deeds: list[Callable[[], object]] = [
        lambda: library.get("nobody"),
        lambda: library.favourite([asset.id, "nobody"], True),
        lambda: library.bin([asset.id, "nobody"]),
        lambda: library.thumbnail("nobody"),
        lambda: library.thumbnail("../../nobody"),
    ]
    for deed in deeds:
        with pytest.raises(BadInput, match="nobody"):
            deed()
    assert library.get(asset.id) == asset
    assert library.children("nobody") == []


def test_the_bin_gives_back_and_forgets(library: Library) -> None:
    one, two, three = (keep(library, name, picture(shade)) for shade, name in enumerate(("one", "two", "three")))
    thumbnails = {asset.id: library.thumbnail(asset.id) for asset in (one, two)}
    library.bin([one.id, two.id])
    assert ids(library.page()) == [three.id]
    binned = library.page(LibraryQuery(binned=True))
    assert ids(binned) == [two.id, one.id]
    assert all(asset.binned and asset.path.parent.parent.name == "bin" and asset.path.exists() for asset in binned)
    assert not one.path.exists()
    library.restore([one.id])
    assert library.get(one.id) == one
    assert one.path.exists()
    assert ids(library.page()) == [three.id, one.id]
    assert library.empty_bin() == 1
    assert library.empty_bin() == 0
    with pytest.raises(BadInput):
        library.get(two.id)
    assert not any(library.folder.rglob(f"{two.id}*"))
    assert thumbnails[one.id].exists()  # type: ignore[union-attr]
    assert library.verify() == []


def test_thumbnails_are_made_at_once_and_again_when_lost(library: Library) -> None:
    wide = keep(library, payload=picture(200, width=900, height=300))
    path = library.folder / "thumbnails" / wide.path.parent.name / f"{wide.id}.webp"
    assert path.exists()
    assert library.thumbnail(wide.id) == path
    with Pillow.open(path) as opened:
        assert opened.size == (256, 85)
        assert abs(opened.convert("L").getpixel((100, 40)) - 200) < 4  # type: ignore[operator]
    for spoil in (lambda: path.unlink(), lambda: path.write_bytes(b"")):
        spoil()
        assert library.thumbnail(wide.id) == path
        assert path.stat().st_size > 0
    large = library.thumbnail(wide.id, 512)
    assert large != path
    with Pillow.open(large) as opened:  # type: ignore[arg-type]
        assert opened.size == (512, 171)
    sound = keep(library, payload=SOUND, medium="music")
    with Pillow.open(library.thumbnail(sound.id)) as opened:  # type: ignore[arg-type]
        assert opened.mode == "RGBA"
    assert library.thumbnail(keep(library, payload=Text("words"), medium="story").id) is None


def test_a_thumbnail_that_several_ask_for_at_once_is_drawn_for_all(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = keep(library)
    write, together = Path.write_bytes, threading.Barrier(2)

    def both_have_written(path: Path, data: bytes) -> int:
        done = write(path, data)
        together.wait(10)
        return done

    monkeypatch.setattr(Path, "write_bytes", both_have_written)
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(lambda _: library.thumbnail(asset.id, 4), range(2)))
    assert drawn[0] == drawn[1]
    assert list((library.folder / "staging").iterdir()) == []


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    library = Library(tmp_path / "here")
    asset = keep(library, "moved")
    library.bin([keep(library).id])
    library.close()
    shutil.move(tmp_path / "here", tmp_path / "there")
    moved = Library(tmp_path / "there")
    assert moved.get(asset.id).path == tmp_path / "there" / asset.path.relative_to(tmp_path / "here")
    assert moved.page(LibraryQuery(text="moved")) != []
    assert moved.verify() == []
    assert str(tmp_path / "here").encode() not in (tmp_path / "there" / "index.sqlite").read_bytes()
    moved.close()


def test_an_index_that_is_gone_is_made_from_the_files(library: Library, tmp_path: Path) -> None:
    works = [keep(library, f"work {number}", title=f"Title {number}") for number in range(5)]
    library.tag([works[0].id], add=["kept"])
    library.bin([works[1].id])
    before = (library.page(), library.page(LibraryQuery(binned=True)), library.tags())
    library.close()
    for path in library.folder.glob("index.sqlite*"):
        path.unlink()
    again = Library(library.folder)
    assert (again.page(), again.page(LibraryQuery(binned=True)), again.tags()) == before
    assert again.notices == []
    heard: list[tuple[int, int]] = []
    assert again.rebuild(lambda done, total: heard.append((done, total))) == 5
    assert heard == [(number, 5) for number in range(1, 6)]
    assert (again.page(), again.page(LibraryQuery(binned=True)), again.tags()) == before
    again.close()


def test_a_work_whose_sidecar_is_lost_comes_back_from_its_file(library: Library) -> None:
    asset = keep(library, "a wish", title="Given")
    sound = keep(library, "hum", SOUND, medium="music")
    library.bin([sound.id])
    asset.path.with_suffix(".json").unlink()
    library.get(sound.id).path.with_suffix(".json").write_bytes(b'{"schema": 1, "id": 7')
    assert {problem.kind for problem in library.verify()} == {"orphan", "sidecar"}
    assert library.rebuild() == 2
    assert library.verify() == []
    back = library.get(asset.id)
    assert (back.medium, back.request, back.provenance.to_json(), back.sha256) == (
        "poster",
        asset.request,
        PROVENANCE,
        asset.sha256,
    )
    assert abs(back.created - asset.created) < 1.0
    assert library.get(sound.id).binned
    assert library.get(sound.id).seconds == 0.5
    assert (library.folder / "bin" / sound.path.parent.name / f"{sound.id}.json.damaged").exists()


def test_verify_says_what_is_wrong_and_what_to_do(library: Library) -> None:
    names = ("fine", "missing", "changed", "cut", "sidecar", "newer", "forgotten", "stale", "both gone")
    works = {name: keep(library, name, picture(shade)) for shade, name in enumerate(names)}
    assert library.verify() == []
    works["missing"].path.unlink()
    data = bytearray(works["changed"].path.read_bytes())
    data[-20] ^= 1
    works["changed"].path.write_bytes(bytes(data))
    os.truncate(works["cut"].path, 30)
    works["sidecar"].path.with_suffix(".json").write_bytes(b"{")
    newer = works["newer"].path.with_suffix(".json")
    newer.write_text(json.dumps({**json.loads(newer.read_text()), "schema": 3}))
    stale = works["stale"].path.with_suffix(".json")
    stale.write_text(json.dumps({**json.loads(stale.read_text()), "title": "by hand"}))
    (library.folder / "works" / "2020-01").mkdir()
    (library.folder / "works" / "2020-01" / "stray.png").write_bytes(works["fine"].path.read_bytes())
    for path in (works["both gone"].path, works["both gone"].path.with_suffix(".json")):
        path.unlink()
    shutil.copy(works["fine"].path, library.folder / "works" / "2020-01" / "20200101-000000-aaaaaaaa.png")
    problems = library.verify()
    kinds = {(problem.kind, problem.id) for problem in problems}
    assert kinds == {
        ("missing", works["missing"].id),
        ("changed", works["changed"].id),
        ("changed", works["cut"].id),
        ("sidecar", works["sidecar"].id),
        ("newer", works["newer"].id),
        ("index", works["stale"].id),
        ("missing", works["both gone"].id),
        ("orphan", ""),
    }
    assert sorted(problem.path for problem in problems if problem.kind == "orphan") == [
        "works/2020-01/20200101-000000-aaaaaaaa.png",
        "works/2020-01/stray.png",
    ]
    assert all(str(problem.message).endswith(".") and str(problem.hint).endswith(".") for problem in problems)
    assert not any(Path(problem.path).is_absolute() for problem in problems)
    library.rebuild()
    left = {(problem.kind, problem.id) for problem in library.verify()}
    assert left == {
        ("missing", works["missing"].id),
        ("changed", works["changed"].id),
        ("changed", works["cut"].id),
        ("newer", works["newer"].id),
    }
    assert library.get(works["stale"].id).title == "by hand"


HOSTILE: dict[str, Any] = {
    "path": {"file": "../../../etc/passwd"},
    "absolute": {"file": "/etc/passwd"},
    "other id": {"id": "someone-else"},
    "no schema words": {"title": 7},
    "order": {"order": -1},
    "huge order": {"order": 2**64},
    "nan": {"created": float("nan")},
    "infinite": {"seconds": float("inf")},
    "list": {"tags": "abc"},
    "request": {"request": ["kind"]},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_sidecar_is_a_damaged_one(library: Library, change: dict[str, Any]) -> None:
    asset = keep(library, "mine")
    side = asset.path.with_suffix(".json")
    side.write_text(json.dumps({**json.loads(side.read_text()), **change}))
    assert "sidecar" in {problem.kind for problem in library.verify()}
    assert library.rebuild() == 1
    assert library.get(asset.id).request == asset.request
    assert library.verify() == []


@pytest.mark.parametrize("text", ["[" * 100_000, "null", "[]", '{"schema": 1}', "", '{"a": \ud800}'])
def test_a_sidecar_that_is_none_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        AssetRecord.from_json(text.encode("utf-8", "surrogatepass"))


def test_a_sidecar_of_a_newer_studio_is_left_as_it_is(library: Library) -> None:
    asset = keep(library)
    side = asset.path.with_suffix(".json")
    newer = json.dumps({"schema": 3, "everything": "is different"})
    side.write_text(newer)
    assert library.rebuild() == 0
    assert side.read_text() == newer
    assert asset.path.exists()
    assert [problem.kind for problem in library.verify()] == ["newer"]


def own_files(folder: Path) -> dict[str, Path]:
    folder.mkdir()
    paths = {
        name: folder / f"My {name}.{name}" for name in ("png", "jpg", "webp", "wav", "flac", "ogg", "mp3", "txt", "md")
    }
    grey = Pillow.new("RGB", (40, 20), (100, 100, 100))
    exif = Pillow.Exif()
    exif[0x0112] = 6
    grey.save(paths["png"])
    grey.save(paths["jpg"], exif=exif)
    grey.save(paths["webp"])
    for name in ("wav", "flac", "ogg", "mp3"):
        soundfile.write(paths[name], SOUND.samples.T, 8000, format=name.upper())
    paths["txt"].write_text("从前有座山", encoding="gb18030")
    paths["md"].write_text("# Once")
    return paths


def test_a_persons_own_files_are_copied_byte_for_byte(library: Library, tmp_path: Path) -> None:
    for name, path in own_files(tmp_path / "own").items():
        data = path.read_bytes()
        asset = library.import_file(path)
        assert asset.path.suffix == f".{name}"
        assert asset.path.read_bytes() == path.read_bytes() == data
        assert asset.title == f"My {name}"
        assert asset.request == {}
        assert asset.provenance == Provenance(imported=path.name)
        assert asset.medium == {"txt": "text", "md": "text"}.get(name, "picture" if asset.width else "sound")
        if name == "jpg":
            assert (asset.width, asset.height) == (20, 40)
            with Pillow.open(library.thumbnail(asset.id)) as small:  # type: ignore[arg-type]
                assert small.size == (20, 40)
        if asset.medium == "sound":
            assert asset.seconds == pytest.approx(0.5, abs=0.2)
    assert library.count() == 9
    assert library.page(LibraryQuery(text="My jpg")) != []
    before = library.page()
    library.rebuild()
    assert library.page() == before
    assert library.verify() == []


def test_our_own_file_brings_its_request_and_comes_once(library: Library, tmp_path: Path) -> None:
    other = Library(tmp_path / "other")
    made = keep(other, "a far wish", medium="avatar")
    asset = library.import_file(made.path)
    assert (asset.medium, asset.request, asset.provenance.to_json()) == ("avatar", made.request, PROVENANCE)
    assert asset.id != made.id
    assert library.import_file(made.path) == asset
    library.bin([asset.id])
    assert library.import_file(made.path) == asset
    assert library.count() == 1
    other.close()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs, "read", lambda *_: pytest.fail("it was read"))
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(BadInput, match=r"large\.wav is too large\. Files up to 2 GB"):
        library.import_file(large)


def test_a_file_that_was_lost_is_brought_back_by_importing_it(library: Library, tmp_path: Path) -> None:
    own = tmp_path / "diary.md"
    own.write_text("dear diary", encoding="utf-8")
    asset = library.import_file(own)
    asset.path.unlink()
    assert [problem.kind for problem in library.verify()] == ["missing"]
    assert library.import_file(own) == asset
    assert library.verify() == []
    assert list((library.folder / "staging").iterdir()) == []


@pytest.mark.parametrize("ending", ["PNG", "Md"])
def test_the_ending_of_an_imported_file_is_written_small(library: Library, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"shout.{ending}"
    if ending == "PNG":
        Pillow.new("RGB", (4, 4)).save(path)
    else:
        path.write_text("words")
    assert library.import_file(path).path.suffix == f".{ending.lower()}"
    assert library.verify() == []


def test_what_cannot_be_read_is_not_taken_in(library: Library, tmp_path: Path) -> None:
    for name in ("torn.png", "noise.wav", "program.exe", "nul.txt"):
        (tmp_path / name).write_bytes(b"\0\1\2")
        with pytest.raises(BadInput, match=name):
            library.import_file(tmp_path / name)
    with pytest.raises(BadInput, match=r"no file.*gone\.png"):
        library.import_file(tmp_path / "gone.png")
    with pytest.raises(BadInput):
        library.import_file(tmp_path)
    assert library.count() == 0
    assert list((library.folder / "staging").iterdir()) == []


def test_a_closed_library_says_so(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    library.close()
    library.close()
    with pytest.raises(RuntimeError, match="closed"):
        library.page()


def test_an_older_index_is_made_anew(library: Library) -> None:
    asset = keep(library, "old")
    library.close()
    with (library.folder / "index.sqlite").open("rb+") as file:
        file.seek(60)
        file.write(bytes(4))
    again = Library(library.folder)
    assert again.page(LibraryQuery(text="old")) == [asset]
    assert again.notices == []
    again.close()


def test_opening_takes_in_what_came_and_forgets_what_left(library: Library, tmp_path: Path) -> None:
    stays, leaves = keep(library, "stays"), keep(library, "leaves", picture(2))
    other = Library(tmp_path / "other", clock=lambda: 1e9)
    came = keep(other, "came from afar", picture(3))
    other.tag([came.id], add=["old"])
    other.bin([keep(other, "binned", picture(4)).id])
    other.close()
    library.close()
    for room in ("works", "bin"):
        shutil.copytree(other.folder / room, library.folder / room, dirs_exist_ok=True)
    leaves.path.unlink()
    leaves.path.with_suffix(".json").unlink()
    again = Library(library.folder)
    assert [str(one) for one in again.notices] == [
        "1 work is no longer listed: its details are missing from the library's folder."
    ]
    assert ids(again.page()) == [stays.id, came.id]
    assert ids(again.page(LibraryQuery(text="afar", tag="old"))) == [came.id]
    assert again.count(LibraryQuery(binned=True)) == 1
    assert again.verify() == []
    again.close()
    last = Library(library.folder)
    assert last.notices == []
    last.close()


def test_half_characters_and_tuples_come_back_as_they_will_be_read(library: Library, tmp_path: Path) -> None:
    asset = keep(library, "half a \ud800 pair", request={"stack": ("lora", 0.5)}, title="\udfff")
    assert asset == library.get(asset.id)
    assert asset.request["stack"] == ["lora", 0.5]
    library.tag([asset.id], add=["\ud800"])
    library.rename(asset.id, "a \ud800 b")
    assert library.get(asset.id).title == "a ? b"
    assert library.page(LibraryQuery(text="\ud800", tag="\ud800")) == [library.get(asset.id)]
    with pytest.raises(BadInput):
        library.get("\ud800")
    assert library.children("\ud800") == []
    odd = tmp_path / os.fsdecode(b"caf\xe9.png")
    codecs.write(picture(), odd)
    assert library.import_file(odd).title == "caf?"
    assert library.verify() == []


def test_what_systems_leave_beside_files_is_no_work(library: Library) -> None:
    asset = keep(library)
    for name in ("._a.png", ".DS_Store", "._a.json"):
        asset.path.with_name(name).write_bytes(b"\0")
    assert library.verify() == []
    assert library.rebuild() == 1


def test_errors_of_a_disk_are_told_as_they_are(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StudioError, match=r"could not be saved: Input/output error"):
        keep(library)
    monkeypatch.undo()
    assert library.count() == 0
    assert keep(library) in library.page()


def test_words_and_titles_of_a_request() -> None:
    request = {
        "kind": "music",
        "prompt": "  first\nsecond",
        "genre": "folk",
        "model": "m",
        "tempo": 90,
        "unknown": ["x"],
    }
    assert search_text(request) == "  first\nsecond\nfolk"
    assert default_title(request) == "first"
    assert default_title({"prompt": "x" * 200}) == "x" * 79 + "\N{HORIZONTAL ELLIPSIS}"
    assert default_title({}) == ""
