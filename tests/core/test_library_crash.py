"""A library that is killed between any two steps, that the disk refuses, or that several studios use at once."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.errors import StudioError
from studio.library import index
from studio.library.index import _MemoryCopy
from studio.library.library import Asset, Library, LibraryQuery
from studio.media import codecs
from studio.media.payloads import Audio, Bundle, Image, Svg, Text
from studio.media.provenance import Provenance
from tests.core.crashes import (
    Refusal,
    Step,
    ended,
    full_disk,
    in_child,
    killed_at,
    killed_when_ready,
    quick_folder,
    small_disk,
)

REQUEST = {"kind": "poster", "prompt": "海边的灯塔", "model": "poster-starter", "seed": 1}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a child that shares the test's code")


def picture(shade: int = 90, side: int = 8) -> Image:
    return Image(np.full((side, side, 3), shade, np.uint8))


def keep(library: Library, shade: int = 90, side: int = 8) -> Asset:
    return library.add(picture(shade, side), medium="poster", request=REQUEST, provenance=Provenance(seed=1))


def keep_bundle(library: Library, shade: int) -> Asset:
    """A work of three files."""
    parts = {"svg": Svg("<svg xmlns='http://www.w3.org/2000/svg'/>"), "captions": Text(f"Shade {shade}")}
    return library.add(Bundle(picture(shade), parts), medium="poster", request=REQUEST, provenance=Provenance(seed=1))


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@pytest.fixture
def seeded(tmp_path: Path) -> Path:
    """A library with two works of three files, the second in the bin, and a file beside it to import."""
    folder = tmp_path / "seeded"
    library = Library(folder, clock=lambda: 1_800_000_000.0)
    keep_bundle(library, 1)
    library.bin([keep_bundle(library, 2).id])
    library.close()
    codecs.write(picture(3), tmp_path / "own.png")
    return folder


def add_picture(library: Library) -> None:
    keep(library, 4)


def add_bundle(library: Library) -> None:
    keep_bundle(library, 5)


def add_sound(library: Library) -> None:
    library.add(Audio(np.zeros((1, 80), np.float32), 8000), medium="music", request={}, provenance=Provenance())


def add_text(library: Library) -> None:
    library.add(Text("Once"), medium="story", request={}, provenance=Provenance())


def bring(library: Library) -> None:
    library.import_file(library.folder.parent / "own.png")


def mark(library: Library) -> None:
    library.favourite([library.page()[0].id], True)


def label(library: Library) -> None:
    library.tag([library.page()[0].id], add=["旅行"])


def throw(library: Library) -> None:
    library.bin([library.page()[0].id])


def take_back(library: Library) -> None:
    library.restore([library.page(LibraryQuery(binned=True))[0].id])


def empty(library: Library) -> None:
    library.empty_bin()


def rebuild(library: Library) -> None:
    library.rebuild()


ADDING = [add_picture, add_bundle, add_sound, add_text, bring]
DEEDS = [add_picture, add_bundle, add_sound, add_text, bring, mark, label, throw, take_back, empty, rebuild]


def seen(folder: Path) -> list[tuple[object, ...]]:
    """What a person sees after opening the library, which must be whole, with nothing left over."""
    library = Library(folder)
    try:
        assert library.verify() == []
        assert library.notices == []
        assert list((folder / "staging").iterdir()) == []
        works = [*library.page(), *library.page(LibraryQuery(binned=True))]
        files = {path for room in ("works", "bin") for path in (folder / room).glob("*/*")}
        expected = {path for work in works for path in work.paths}
        assert files == expected | {work.path.with_suffix(".json") for work in works}
        small = {path.name.split(".")[0] for path in (folder / "thumbnails").glob("*/*")}
        assert small <= {work.id for work in works}
        return shown(library)
    finally:
        library.close()


def shown(library: Library) -> list[tuple[object, ...]]:
    """What a person sees of the works, ids aside."""
    works = [*library.page(), *library.page(LibraryQuery(binned=True))]
    return [(w.medium, w.favourite, w.tags, w.binned, w.sha256, tuple(f.sha256 for f in w.files)) for w in works]


@needs_fork
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_killed_between_any_two_steps_leaves_all_or_nothing(
    tmp_path: Path, seeded: Path, deed: Callable[[Library], None]
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(seeded, whole)
    before = seen(whole)
    library = Library(whole)
    deed(library)
    library.close()
    after = seen(whole)

    outcomes = []
    for at in range(100):
        folder = tmp_path / f"killed-{at}"
        shutil.copytree(seeded, folder)

        def act(step: Step, folder: Path = folder) -> None:
            deed(Library(folder, step=step))

        if not killed_at(at, act):
            break
        outcomes.append(seen(folder))
    assert all(outcome in (before, after) for outcome in outcomes)
    if deed is rebuild:
        return
    # Not finished before it began, finished once it had been described, and never undone after that.
    assert outcomes[0] == before or deed is empty
    assert outcomes[-1] == after
    assert sorted(outcomes, key=lambda outcome: outcome == after) == outcomes
    assert len(outcomes) >= 3


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
@pytest.mark.parametrize("deed", DEEDS[:-1], ids=lambda deed: deed.__name__)
def test_a_refusal_at_any_step_is_told_and_leaves_all_or_nothing(
    tmp_path: Path, seeded: Path, deed: Callable[[Library], None], code: int
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(seeded, whole)
    before = seen(whole)
    library = Library(whole)
    deed(library)
    library.close()
    after = seen(whole)

    for at in range(100):
        folder = tmp_path / f"refused-{at}"
        shutil.copytree(seeded, folder)
        refusal = Refusal(at, code)
        library = Library(folder, step=refusal)
        if refusal.refused:
            continue
        told = None
        try:
            deed(library)
        except StudioError as error:
            told = error
        if told:
            assert ("disk is full" if code == errno.ENOSPC else "may not be written") in told.message
            assert told.hint
            assert refusal.names[at] not in ("place", "seal", "sync") or deed in ADDING
            if deed is not empty:
                assert library.verify() == []
                assert set(shown(library)) == set(before)
            deed(library)  # the disk has room again
        elif refusal.refused:
            assert "files are moved at the next start" in str(library.notices[0])
        library.close()
        assert seen(folder) == after
        if not refusal.refused:
            break
    assert at > 2


def test_what_died_before_its_description_leaves_no_trace(seeded: Path) -> None:
    staging = seeded / "staging"
    name = "20260101-000000-deadbeef"
    thumbnail = seeded / "thumbnails" / "2026-01" / f"{name}.webp"
    thumbnail.parent.mkdir()
    for path in (staging / f"{name}.png", staging / f"{name}.lock", staging / f"{name}.webp", thumbnail):
        path.write_bytes(b"torn")
    (staging / "20260101-000001-deadbeef.json").write_bytes(b'{"schema": 1, "id"')
    before = seen(seeded)
    assert not thumbnail.exists()
    assert len(before) == 2


def test_what_a_newer_studio_described_is_left_to_it(seeded: Path) -> None:
    staged = [seeded / "staging" / f"20260101-000000-deadbeef.{suffix}" for suffix in ("png", "json")]
    for path in staged:
        path.write_bytes(b'{"schema": 3, "everything": "is different"}')
    library = Library(seeded)
    assert (library.count(), len(library.notices)) == (1, 1)
    library.close()
    assert all(path.exists() for path in staged)


@needs_fork
@pytest.mark.parametrize("deed", [throw, add_picture], ids=lambda deed: deed.__name__)
def test_one_file_that_cannot_be_moved_does_not_close_the_library(
    tmp_path: Path, seeded: Path, monkeypatch: pytest.MonkeyPatch, deed: Callable[[Library], None]
) -> None:
    def die(name: str) -> None:
        if name == "place":
            os._exit(0)

    ended(in_child(lambda: deed(Library(seeded, step=die))))
    stuck = next((seeded / "staging").glob("*.json")).stem
    replace = Path.replace

    def refused(path: Path, target: Path) -> Path:
        if path.stem == stuck and path.suffix != ".json":
            raise PermissionError(errno.EACCES, "another program has it open")
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refused)
        for _ in range(2):
            library = Library(seeded)
            assert [str(one) for one in library.notices] == [
                "The files of 1 work could not be moved. It is tried again at the next start."
            ]
            assert library.get(stuck).binned == (deed is throw)
            library.close()
    shown_at_last = seen(seeded)
    assert len(shown_at_last) == (2 if deed is throw else 3)


def test_opening_leaves_the_staged_work_of_a_living_studio_alone(tmp_path: Path) -> None:
    others: list[Library] = []

    def step(name: str) -> None:
        if name in ("stage", "flush", "thumbnail"):
            others.append(Library(tmp_path / "library"))

    library = Library(tmp_path / "library", step=step)
    asset = keep(library)
    assert len(others) == 3
    assert [other.get(asset.id) for other in others] == [asset] * 3
    for opened in (library, *others):
        opened.close()
    assert len(seen(tmp_path / "library")) == 1


@needs_fork
def test_several_studios_add_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "library"

    def work(shade: int) -> Callable[[], None]:
        def act() -> None:
            library = Library(folder)
            for number in range(6):
                asset = keep(library, shade + number)
                library.favourite([asset.id], True)
                library.tag([library.page()[0].id], add=[f"studio {shade}"])
            library.close()

        return act

    for child in [in_child(work(shade)) for shade in (10, 50, 90)]:
        ended(child)
    assert len(seen(folder)) == 18
    library = Library(folder)
    works = library.page()
    assert all(asset.favourite for asset in works)
    assert len({asset.id for asset in works}) == 18
    # Every tag that was given is still there: no studio wrote over another one's change.
    assert set(library.tags()) == {"studio 10", "studio 50", "studio 90"}
    library.close()


def test_one_studio_sees_what_another_does(tmp_path: Path) -> None:
    one, two = Library(tmp_path / "library"), Library(tmp_path / "library")
    asset = keep(one)
    assert two.page() == [asset]
    two.tag([asset.id], add=["seen"])
    assert one.get(asset.id).tags == ("seen",)
    one.bin([asset.id])
    two.empty_bin()
    assert one.count(LibraryQuery(binned=True)) == 0
    one.close()
    two.close()


@needs_fork
def test_a_studio_that_holds_the_library_is_waited_for_and_then_named(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    library._lock.timeout = 0.2

    def act() -> None:
        other = Library(tmp_path / "library")
        with other._lock:
            os.write(ready, b"x")
            os.read(go, 1)

    done, ready = os.pipe()
    go, leave = os.pipe()
    child = in_child(act)
    os.read(done, 1)
    with pytest.raises(StudioError, match="in use by another studio"):
        keep(library)
    os.write(leave, b"x")
    ended(child)
    keep(library)
    assert library.count() == 1
    library.close()
    for handle in (done, ready, go, leave):
        os.close(handle)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage": lambda path: path.write_bytes(os.urandom(20_000)) and None,
    "header": lambda path: overwrite(path, 0, b"\0" * 100),
    "middle": lambda path: overwrite(path, 4096, os.urandom(path.stat().st_size - 4096)),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 3),
    "empty": lambda path: os.truncate(path, 0),
    "gone": lambda path: path.unlink(),
}


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("rb+") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("deed", [mark, add_text, rebuild], ids=lambda deed: deed.__name__)
def test_a_damaged_index_is_set_aside_and_made_anew(
    seeded: Path, damage: Callable[[Path], None], deed: Callable[[Library], None]
) -> None:
    index = seeded / "index.sqlite"
    damage(index)
    library = Library(seeded)
    deed(library)
    assert library.count() + library.count(LibraryQuery(binned=True)) in (2, 3)
    assert library.verify() == []
    asides = list(seeded.glob("index.damaged-*.sqlite"))
    assert len(asides) == len(library.notices) <= 1
    assert all(aside.name in str(library.notices[0]) for aside in asides)
    library.close()
    Library(seeded).close()


@pytest.mark.parametrize("deed", [mark, add_text, throw, lambda library: library.page()])
def test_an_index_that_is_lost_while_the_library_is_open_is_made_anew(
    seeded: Path, deed: Callable[[Library], None]
) -> None:
    library = Library(seeded)
    for path in seeded.glob("index.sqlite*"):
        path.unlink()
    deed(library)
    assert library.verify() == []
    library.close()


def test_an_index_cut_down_while_another_studio_has_it_open(seeded: Path) -> None:
    library, other = Library(seeded), Library(seeded)
    assert library.count() == other.count() == 1
    overwrite(seeded / "index.sqlite", 0, b"\0" * 4096)
    for path in (seeded / "index.sqlite-wal", seeded / "index.sqlite-shm"):
        overwrite(path, 0, b"\0" * path.stat().st_size)
    opened = Library(seeded)
    added = keep(opened, 7)
    assert other.get(added.id) == added
    assert keep(library, 8) in other.page()
    assert opened.verify() == []
    for each in (library, other, opened):
        each.close()


def test_a_small_disk_that_fills_up(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "3m") as disk:
        folder = disk / "library"
        library = Library(folder)
        noise = np.random.default_rng(0)
        kept: list[Asset] = []

        def fill() -> None:
            for _ in range(200):
                pixels = noise.integers(0, 256, (128, 128, 3), dtype=np.uint8)
                kept.append(library.add(Image(pixels), medium="poster", request=REQUEST, provenance=Provenance()))

        with pytest.raises(StudioError, match="disk is full"):
            fill()
        assert len(kept) > 5
        assert library.page(limit=300) == kept[::-1]
        assert library.verify() == []
        assert list((folder / "staging").glob("*.png")) == []
        for asset in kept[:3]:
            asset.path.unlink()  # a person makes room by hand
        library.favourite([kept[3].id], True)
        assert [problem.kind for problem in library.verify()] == ["missing"] * 3
        library.bin([asset.id for asset in kept[:4]])
        library.empty_bin()
        again = keep(library)
        assert library.verify() == []
        assert library.page()[0] == again
        library.close()


def read_everything(library: Library) -> tuple[object, ...]:
    """What lists, searches, details and checks show."""
    return (shown(library), library.count(), library.ids(LibraryQuery(text="海边的灯塔")), library.verify())


WRITING = [add_picture, bring, mark, label, throw, take_back, rebuild]


def test_a_full_disk_leaves_the_library_open_to_read(seeded: Path) -> None:
    library = Library(seeded)
    before = read_everything(library)
    library.close()
    with full_disk():
        library = Library(seeded)
        assert [str(notice)[:33] for notice in library.notices] == ["The disk of the library is full: "]
        assert read_everything(library) == before
        for deed in WRITING:
            with pytest.raises(StudioError, match="the disk is full") as caught:
                deed(library)
            assert "Free some space" in caught.value.hint
            assert read_everything(library) == before
    library.favourite([library.page()[0].id])  # there is room again
    assert library.count(LibraryQuery(favourite=True)) == 1
    library.close()
    assert len(seen(seeded)) == 2


def test_a_query_goes_on_when_another_thread_finds_room_at_the_same_time(
    seeded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_MemoryCopy, "_file_stamp", lambda _: ())  # the file has not changed
    with full_disk():
        library = Library(seeded)
    leave = library._index._leave_copy
    monkeypatch.setattr(_MemoryCopy, "is_due", lambda _: leave())  # as the other thread does at that moment
    assert library.count() == 1
    keep(library)
    assert library.count() == 2
    library.close()


def test_a_full_disk_is_read_while_another_studio_has_the_library_open(tmp_path: Path, seeded: Path) -> None:
    elsewhere = Library(tmp_path / "elsewhere")
    keep(elsewhere, 200)
    elsewhere.close()
    other = Library(seeded)
    shutil.copytree(tmp_path / "elsewhere" / "works", seeded / "works", dirs_exist_ok=True)
    with full_disk():
        library = Library(seeded)  # the work that was copied cannot be indexed now
        assert len(library.notices) == 1
        assert library.page() == other.page()
        library.close()
    other.close()
    assert len(seen(seeded)) == 3


def damaged(path: Path) -> None:
    overwrite(path, 0, b"\0" * 4096)


@pytest.mark.parametrize("index", [damaged, Path.unlink], ids=["damaged", "gone"])
def test_a_full_disk_and_no_index_leave_what_the_sidecars_say(seeded: Path, index: Callable[[Path], None]) -> None:
    library = Library(seeded)
    before = read_everything(library)
    library.close()
    index(seeded / "index.sqlite")
    with full_disk():
        library = Library(seeded)
        assert read_everything(library) == before
        library.close()
    assert len(seen(seeded)) == 2


def test_a_full_disk_shows_what_the_last_studio_wrote_before_it_was_killed(seeded: Path) -> None:
    killed_when_ready(
        seeded,
        "from studio.library.library import Library; library = Library(Path(sys.argv[1]));"
        " library.rename(library.page()[0].id, 'The last word')",
    )
    assert (seeded / "index.sqlite-wal").stat().st_size  # what it wrote is not in the index itself
    (seeded / "index.sqlite-shm").unlink()
    with full_disk():
        library = Library(seeded)
        assert [work.title for work in library.page()] == ["The last word"]
        assert library.verify() == []
        library.close()


def test_what_a_killed_import_left_is_removed_even_where_it_filled_the_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "3m") as disk:
        library = Library(disk / "library")
        keep(library)
        library.close()
        left = disk / "library" / "staging" / "20260101-000000-deadbeef.mp4"
        with contextlib.suppress(OSError):
            left.write_bytes(bytes(4_000_000))
        library = Library(disk / "library")
        assert not left.exists()
        assert library.notices == []
        keep(library, 8)
        library.close()


def test_a_library_on_a_disk_with_eight_kilobytes_left(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "3m") as disk:
        library = Library(disk / "library")
        works = [keep(library, shade) for shade in range(5)]
        noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
        large = library.add(Image(noise), medium="poster", request=REQUEST, provenance=Provenance())
        library.bin([large.id])
        library.close()
        rest = disk / "rest"
        with contextlib.suppress(OSError):
            rest.write_bytes(bytes(4_000_000))
        os.truncate(rest, rest.stat().st_size - 8192)
        library = Library(disk / "library")
        assert library.page() == works[::-1]
        assert library.verify() == []
        with pytest.raises(StudioError, match="the disk is full"):
            library.rename(works[0].id, "Another")
        assert library.empty_bin() == 1  # which makes room
        library.rename(works[0].id, "Another")
        assert library.verify() == []
        library.close()


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StudioError, match=r"there is a file where a folder is needed.*file"):
        Library(tmp_path / "file" / "library")
    with pytest.raises(StudioError, match="there is a file where a folder is needed"):
        Library(tmp_path / "file")


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that other users of the machine can reach."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    for folder in place.rglob("*"):
        if folder.is_dir():
            folder.chmod(0o755)
    shutil.rmtree(place)


@needs_fork
@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_a_library_of_another_user_is_refused_in_words(open_place: Path, there: bool) -> None:
    folder = open_place / "library"
    if there:
        Library(folder).close()
    for place in (open_place, folder):
        if place.exists():
            place.chmod(0o555)

    def act() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)
        with pytest.raises(StudioError, match=r"opened: this folder may not be written to.*library") as caught:
            Library(folder)
        assert "permissions" in caught.value.hint

    ended(in_child(act))


@pytest.mark.parametrize("place", ["library.json", "index.sqlite"])
def test_a_library_of_a_newer_studio_is_refused_politely(seeded: Path, place: str) -> None:
    if place == "library.json":
        (seeded / place).write_text(json.dumps({"schema": 2}))
    else:
        overwrite(seeded / place, 60, (index.VERSION + 1).to_bytes(4, "big"))  # where SQLite keeps user_version
    with pytest.raises(StudioError, match="newer AIGC Studio") as caught:
        Library(seeded)
    assert "Update the studio" in caught.value.hint
    assert not list(seeded.glob("index.damaged*"))
