"""Clips: written, read again, with metadata, in a library, and hostile files."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from studio.backends import MEDIA
from studio.backends.avatar.requests import AvatarRequest
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled
from studio.library.library import Asset, Library
from studio.media import clip_files, clips, codecs, temp_clips
from studio.media.payloads import Clip, Image
from studio.media.provenance import Provenance
from studio.studio import Studio
from studio.system.paths import AppPaths
from tests import fakes
from tests.clip_engine import KILLED, LATE
from tests.core.crashes import quick_folder
from tests.studios import starters

NOTE = {"request": {"kind": "avatar", "prompt": "日落 --> <b>&amp; \x01 ]]>"}, "provenance": {"model": {"id": "m"}}}
KINDS = (".webp", ".gif", ".mp4")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def frames(count: int = 6, channels: int = 4, width: int = 33, height: int = 24) -> Iterator[np.ndarray[Any, Any]]:
    """A disc that wanders over clear ground, flat enough for any palette."""
    down, across = np.mgrid[:height, :width]
    for at in range(count):
        disc = (across - width / 2 - 4 * np.sin(at)) ** 2 + (down - height / 2) ** 2 < (height / 3) ** 2
        frame = np.zeros((height, width, channels), np.uint8)
        frame[disc] = (200, 40 + 10 * at % 200, 90, 255)[:channels]
        yield frame


def write_clip(folder: Path, ending: str, fps: float = 10, **kind: int) -> Clip:
    return clips.write(frames(**kind), folder / f"clip{ending}", fps, lossless=ending == ".webp")


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("ending", KINDS)
def test_written_frames_are_read_back(tmp_path: Path, ending: str, channels: int) -> None:
    clip = write_clip(tmp_path, ending, channels=channels)
    assert (clip.frames, clip.seconds) == (6, pytest.approx(0.6))
    assert (clip.width, clip.height) == ((34, 24) if ending == ".mp4" else (33, 24))
    back = list(clips.frames(clip.path))
    assert len(back) == 6
    for old, new in zip(frames(channels=channels), back, strict=True):
        if ending == ".mp4":
            assert np.abs(new[:, :33].astype(int) - clips.on_white(old)).mean() < 6
        else:
            alpha = old[..., 3] if channels == 4 else np.full((24, 33), 255)
            assert np.array_equal(new[..., 3], alpha)
            assert np.abs(new[..., :3].astype(int) - old[..., :3])[alpha > 0].max() <= (0 if ending == ".webp" else 2)
    assert [path.name for path in tmp_path.iterdir()] == [f"clip{ending}"]


def test_mp4_is_h264_or_mpeg4_where_ffmpeg_has_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    av = pytest.importorskip("av")
    sizes: list[int] = []
    for encoders, codec, qualities in ((clips.ENCODERS, "h264", (85,)), (("none", "mpeg4"), "mpeg4", (10, 95))):
        monkeypatch.setattr(clips, "ENCODERS", encoders)
        for quality in qualities:
            film = clips.write(frames(width=320, height=240), tmp_path / f"{codec}{quality}.mp4", 24, quality=quality)
            with av.open(str(film.path)) as opened:
                stream = opened.streams.video[0]
                assert (stream.codec_context.name, stream.pix_fmt) == (codec, "yuv420p")
            assert film.seconds == 0.25
            back = list(clips.frames(film.path))
            assert len(back) == 6
            assert np.abs(back[-1].astype(int) - clips.on_white(list(frames(width=320, height=240))[-1])).mean() < 8
            sizes.append(film.path.stat().st_size)
    assert sizes[1] < sizes[2], "better costs more"
    monkeypatch.setattr(clips, "ENCODERS", ("none",))
    with pytest.raises(StudioError, match="cannot write MP4"):
        write_clip(tmp_path, ".mp4")


def test_a_gif_is_dithered_where_its_colours_are_too_few(tmp_path: Path) -> None:
    down, across = np.mgrid[:64, :64]
    slope = np.stack([across * 4, down * 4, 255 - across * 2 - down * 2], axis=2).astype(np.uint8)
    clip = clips.write([slope, slope[::-1]], tmp_path / "a.gif", 10)
    seen = next(clips.frames(clip.path))[..., :3].astype(float)
    blocks = np.abs((seen - slope).reshape(8, 8, 8, 8, 3).mean(axis=(1, 3)))
    assert blocks.max() < 6  # seen from afar the slope is even
    one = clips.write([slope] * 2, tmp_path / "b.webp", 10, lossless=True)
    assert np.array_equal(list(clips.frames(one.path))[1][..., :3], slope)


def test_rounded_durations_add_up_to_the_length(tmp_path: Path) -> None:
    for ending, fps in ((".gif", 24), (".webp", 30), (".mp4", 24)):
        clip = write_clip(tmp_path, ending, fps, count=48)
        assert clip.seconds == pytest.approx(48 / fps, abs=0.006)


@pytest.mark.parametrize("ending", [".webp", ".gif"])
def test_a_loop_plays_forever_and_others_once(tmp_path: Path, ending: str) -> None:
    for loop in (True, False):
        clip = clips.write(frames(2), tmp_path / f"{loop}{ending}", 10, loop=loop)
        with Pillow.open(clip.path) as opened:
            assert opened.info.get("loop", 1) == (0 if loop else 1)


@pytest.mark.parametrize("ending", KINDS)
def test_an_error_while_writing_leaves_no_file(tmp_path: Path, ending: str) -> None:
    def broken() -> Iterator[np.ndarray[Any, Any]]:
        yield from frames(3)
        raise KeyError("stop")

    (tmp_path / f"a{ending}").write_bytes(b"before")
    with pytest.raises(KeyError):
        clips.write(broken(), tmp_path / f"a{ending}", 10)
    with pytest.raises(BadInput):
        clips.write([*frames(1), *frames(1, width=40)], tmp_path / f"a{ending}", 10)
    with pytest.raises(BadInput):
        clips.write([], tmp_path / f"a{ending}", 10)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def test_impossible_sizes_and_rates_are_refused(tmp_path: Path) -> None:
    wrong: list[Any] = [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((1, 20_000, 3), np.uint8)]
    for frame in wrong:
        with pytest.raises(BadInput):
            clips.write([frame], tmp_path / "a.webp", 10)
    with pytest.raises(BadInput):
        clips.write(frames(1), tmp_path / "a.gif", 100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", KINDS)
def test_a_note_is_embedded_and_the_frames_stay_the_same(tmp_path: Path, ending: str) -> None:
    clip = write_clip(tmp_path, ending)
    for note in (NOTE, None):
        path = tmp_path / f"noted{ending}"
        codecs.write(clip, path, note=note)
        assert codecs.read_note(path) == note
        again = codecs.read(path)
        assert isinstance(again, Clip)
        assert (again.width, again.frames, again.seconds) == (clip.width, clip.frames, clip.seconds)
        for one, other in zip(clips.frames(clip.path), clips.frames(path), strict=True):
            assert np.array_equal(one, other)
    assert (tmp_path / f"noted{ending}").read_bytes() == clip.path.read_bytes()
    if ending != ".gif":
        codecs.write(clip, path, note=NOTE)
        assert b"digitalsourcetype/trainedAlgorithmicMedia" in path.read_bytes()


def test_a_file_of_one_frame_is_a_picture(tmp_path: Path) -> None:
    for ending in (".webp", ".gif"):
        Pillow.new("RGBA", (9, 7), (1, 2, 3, 255)).save(tmp_path / f"a{ending}")
        assert isinstance(codecs.read(tmp_path / f"a{ending}"), Image)


@pytest.mark.parametrize("ending", KINDS)
def test_torn_files_are_refused(tmp_path: Path, ending: str) -> None:
    """Cut anywhere and changed anywhere: refused in words, or read as something, and never anything else."""
    whole = write_clip(tmp_path, ending, count=3, width=17, height=12).path.read_bytes()
    path = tmp_path / f"torn{ending}"
    for stop in range(0, len(whole) - 1, max(1, len(whole) // 90)):
        path.write_bytes(whole[:stop])
        with pytest.raises(BadInput):
            codecs.read(path)
        assert codecs.read_note(path) is None
    rng = np.random.default_rng(5)
    for _ in range(90):
        bent = bytearray(whole)
        for at in rng.integers(0, len(bent), 3):
            bent[at] = rng.integers(0, 256)
        path.write_bytes(bent)
        try:
            found = codecs.read(path)
        except BadInput:
            continue
        assert isinstance(found, Clip | Image)


def test_false_lengths_cost_no_memory(tmp_path: Path) -> None:
    webp = tmp_path / "a.webp"
    webp.write_bytes(b"RIFF" + struct.pack("<I", 2**31) + b"WEBPVP8X" + struct.pack("<I", 2**31 - 9))
    wide = b"\x02\0\0\0" + b"\xff\xff\xff" * 2
    huge = b"VP8X" + struct.pack("<I", 10) + wide + (b"ANMF" + struct.pack("<I", 16) + bytes(16)) * 2
    vast = tmp_path / "b.webp"
    vast.write_bytes(b"RIFF" + struct.pack("<I", len(huge) + 4) + b"WEBP" + huge)
    film = tmp_path / "c.mp4"
    runs = struct.pack(">IIII", 0, 1, 2**32 - 1, 1)
    film.write_bytes(mp4_box(b"ftyp", b"isom") + mp4_box(b"moov", track(runs)))
    for path in (webp, vast, film):
        with pytest.raises(BadInput):
            codecs.read(path)


def test_a_file_of_too_many_parts_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_files, "PART_LIMIT", 20)
    film, webp, gif = (tmp_path / f"a{ending}" for ending in (".mp4", ".webp", ".gif"))
    film.write_bytes(mp4_box(b"ftyp", b"isom") + mp4_box(b"free", b"") * 30)
    webp.write_bytes(b"RIFF" + struct.pack("<I", 4 + 8 * 30) + b"WEBP" + (b"what" + bytes(4)) * 30)
    gif.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0) + b"\x21\xfe\0" * 30 + b"\x3b")
    for path in (film, webp, gif):
        with pytest.raises(BadInput):
            clip_files.read_timing(path)


def sub_blocks(data: bytes, size: int) -> bytes:
    """Sub-blocks of a GIF with `size` bytes each."""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def gif_of(tmp_path: Path, before: bytes) -> Path:
    """Two frames, and other blocks before them."""
    path = clips.write(iter(np.full((2, 4, 4, 3), 90, np.uint8)), tmp_path / "two.gif", 10).path
    data = path.read_bytes()
    at = data.index(b"\x21\xf9")
    path.write_bytes(data[:at] + before + data[at:])
    return path


@pytest.mark.parametrize("size", [1, 3, 100, 255])
def test_sub_blocks_of_any_size_are_read(tmp_path: Path, size: int) -> None:
    words = clip_files.KEYWORD + bytes(range(256)) * 300
    for ending in (b"", b"\x21\xff" + sub_blocks(b"x" * 70_001, size)):
        path = gif_of(tmp_path, b"\x21\xfe" + sub_blocks(words, size) + ending)
        assert clip_files.read_timing(path).durations == (0.1, 0.1)
        assert clip_files.read_note(path) == words[len(clip_files.KEYWORD) :]
        torn = tmp_path / "torn.gif"
        torn.write_bytes(path.read_bytes()[: 40_000 + size])
        with pytest.raises(BadInput):
            clip_files.read_timing(torn)


def test_a_gif_of_tiny_sub_blocks_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_files, "PART_LIMIT", 2000)
    monkeypatch.setattr(clip_files, "WINDOW_LIMIT", 4096)
    whole = gif_of(tmp_path, b"\x21\xfe" + sub_blocks(b"x" * 2_000_000, 255))
    assert len(clip_files.read_timing(whole).durations) == 2
    crumbs = gif_of(tmp_path, b"\x21\xfe" + sub_blocks(b"x" * 200_000, 1))
    with pytest.raises(BadInput):
        clip_files.read_timing(crumbs)
    read: list[int] = []

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            read.append(len(found))
            return found

    with pytest.raises(clip_files.DamagedClip):
        clip_files._gif_timing(Counted(crumbs.read_bytes()))
    assert sum(read) < 80_000, "of 400,000"
    assert len(read) < 100


def test_a_frame_larger_than_its_clip_is_not_decoded(tmp_path: Path) -> None:
    """A few hundred bytes of GIF can ask for hundreds of megabytes."""

    def block(side: int) -> bytes:
        Pillow.new("P", (side, side)).save(tmp_path / "one.gif")
        data = (tmp_path / "one.gif").read_bytes()
        return data[data.index(b"\x2c") : -1]

    path = tmp_path / "grows.gif"
    path.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + block(8) + block(200) + b"\x3b")
    with pytest.raises(BadInput):
        list(clips.frames(path))


def test_an_opaque_frame_does_not_show_through_the_next(tmp_path: Path) -> None:
    solid = np.full((8, 8, 4), 255, np.uint8)
    half = solid.copy()
    half[:, 4:, 3] = 0
    for ending in (".webp", ".gif"):
        clip = clips.write([solid, half], tmp_path / f"a{ending}", 10)
        assert [int(frame[0, 6, 3]) for frame in clips.frames(clip.path)] == [255, 0]


@pytest.mark.parametrize("fps", [10, 1e6])
def test_a_clip_that_fails_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fps: int) -> None:
    def broken() -> Iterator[np.ndarray[Any, Any]]:
        yield from frames(1)
        raise Cancelled

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises((Cancelled, BadInput)):
        clips.write(broken(), temp_clips.new_path(".webp"), fps)
    assert not list(tmp_path.iterdir())


def measured(works: list[Asset]) -> list[tuple[str, float | None, int | None]]:
    """In an order of its own: works of the same second are put in any order by a rebuild."""
    return sorted((work.id, work.seconds, work.width) for work in works)


def mp4_box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(data), kind) + data


def track(runs: bytes) -> bytes:
    times = mp4_box(b"mdhd", bytes(12) + struct.pack(">II", 1000, 1) + bytes(4)) + mp4_box(
        b"hdlr", bytes(8) + b"vide" + bytes(12)
    )
    inside = mp4_box(b"mdia", times + mp4_box(b"minf", mp4_box(b"stbl", mp4_box(b"stts", runs))))
    return mp4_box(b"trak", mp4_box(b"tkhd", bytes(76) + struct.pack(">II", 16 << 16, 16 << 16)) + inside)


def test_without_the_video_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = write_clip(tmp_path, ".mp4")
    monkeypatch.setattr(clips.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    monkeypatch.setattr(clips.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StudioError, match=r"pip install av"):
        write_clip(tmp_path, ".mp4")
    with pytest.raises(StudioError, match="video extra"):
        next(clips.frames(film.path))
    read = codecs.read(film.path)  # its measures are known all the same, and it can be kept
    assert isinstance(read, Clip)
    assert codecs.thumbnail(read, 64) is None
    assert not clips.mp4_available()


def test_adding_a_clip_moves_all_of_its_file_or_nothing(tmp_path: Path) -> None:
    clip = clips.write(frames(), temp_clips.new_path(".webp"), 10)
    stopped: list[str] = []

    def step(name: str) -> None:
        if name == "commit" and not stopped:
            stopped.append(name)
            raise OSError(28, "No space left on device")

    library = Library(tmp_path / "library", step=step)
    values: dict[str, Any] = {
        "medium": "avatar",
        "request": NOTE["request"],
        "provenance": Provenance.from_json(NOTE["provenance"]),
    }
    with pytest.raises(StudioError):
        library.add(clip, **values)
    assert clip.path.exists()
    assert library.count() == 0
    kept = library.add(clip, **values)
    assert not clip.path.parent.exists()
    assert (kept.width, kept.height, kept.seconds) == (33, 24, 0.6)
    assert kept.is_clip
    assert not kept.is_audio
    assert codecs.read_note(kept.path) == NOTE
    small = library.thumbnail(kept.id)
    assert small is not None
    with Pillow.open(small) as opened:
        assert opened.size == (33, 24)
    library.close()


@pytest.mark.parametrize("ending", KINDS)
def test_clips_are_works_like_any_other_in_the_library(tmp_path: Path, ending: str) -> None:
    library = Library(tmp_path / "library")
    imported = library.import_file(write_clip(tmp_path, ending).path)
    assert (imported.medium, imported.is_clip, imported.path.suffix) == ("clip", True, ending)
    made = tmp_path / f"made{ending}"
    codecs.write(write_clip(tmp_path, ending, count=4), made, note=NOTE)
    ours = library.import_file(made)
    assert ours.medium == "avatar"
    assert ours.request == NOTE["request"]
    assert library.import_file(made).id == ours.id
    library.bin([imported.id])
    library.restore([imported.id])
    before = library.page()
    assert library.verify() == []
    ours.path.with_suffix(".json").unlink()  # the note inside brings it back
    assert library.rebuild() == 2
    assert measured(library.page()) == measured(before)
    library.bin([ours.id])
    assert library.empty_bin() == 1
    assert not ours.path.exists()
    library.close()


def test_a_clip_crosses_from_the_engine_process_as_a_file(home: Path) -> None:
    media = [medium.with_engines(lambda _: "tests.clip_engine:ClipEngine") for medium in MEDIA]
    bundled = starters(home.parent / "bundled")
    studio = Studio(AppPaths.under(home), media=media, bundled=bundled, platform="")
    try:
        job = studio.submit(AvatarRequest(seed=4))
        (kept,) = job.future.result(60)
        assert (kept.width, kept.height, kept.seconds, kept.is_clip) == (16, 12, 0.5, True)
        assert (codecs.read_note(kept.path) or {})["request"]["seed"] == 4
        assert studio.library.page() == [kept]
    finally:
        studio.close()


@pytest.mark.parametrize("ending", KINDS)
def test_a_writer_holds_few_frames_in_memory(tmp_path: Path, ending: str) -> None:
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0

    def counted() -> Iterator[Any]:
        nonlocal most
        for at in range(40):
            frame = np.full((16, 16, 4), at, np.uint8)
            held = frame.view(Counted)
            alive.add(held)
            most = max(most, len(alive))
            yield held

    clips.write(counted(), tmp_path / f"a{ending}", 10)
    assert 0 < most <= 4


class Counted(np.ndarray[Any, Any]):
    """A frame that can be counted."""

    __hash__ = object.__hash__  # type: ignore[assignment]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary place of the test's own, for worker processes too."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def test_folders_of_ended_studios_are_removed_and_those_of_running_ones_are_not(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    mine = temp_clips.new_path(".gif").parent
    monkeypatch.setenv(temp_clips.OWNER, gone.stdout.decode().strip())
    left = temp_clips.new_path(".gif")
    left.write_bytes(b"half")
    monkeypatch.setenv(temp_clips.OWNER, str(os.getppid()))
    theirs = temp_clips.new_path(".gif").parent
    again = temp_clips.new_path(".gif").parent
    pid = str(os.getppid())
    before = again.with_name(again.name.replace(f"{pid}-", f"{pid}-0", 1))  # of a process that had the number earlier
    again.rename(before)
    old, young = (temporary / f"{temp_clips.PREFIX}{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (1, 1))
    temp_clips.remove_stale()
    assert set(temporary.iterdir()) == {mine, theirs, young}


@pytest.mark.parametrize("turned", [-400_000, 400_000])
def test_setting_the_clock_removes_no_folder_of_a_running_studio(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, turned: int
) -> None:
    monkeypatch.setenv(temp_clips.OWNER, str(os.getppid()))
    theirs = temp_clips.new_path(".gif").parent
    unnamed = temporary / f"{temp_clips.PREFIX}old"
    unnamed.mkdir()
    for folder in (theirs, unnamed):  # as files were stamped before the clock was set
        made = folder.stat().st_mtime + turned
        os.utime(folder, (made, made))
    temp_clips.remove_stale()
    assert theirs.exists()
    assert unnamed.exists() == (turned > 0)


def test_stale_folders_are_found_by_the_clock_of_the_file_system(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    young = temporary / f"{temp_clips.PREFIX}young"
    young.mkdir()
    monkeypatch.setattr("time.time", lambda: young.stat().st_mtime + 400_000)
    temp_clips.remove_stale()
    assert young.exists()


def clip_studio(home: Path, isolated: bool) -> Studio:
    media = [medium.with_engines(lambda _: "tests.clip_engine:ClipEngine") for medium in MEDIA]
    bundled = home.parent / "bundled"
    return Studio(
        AppPaths.under(home),
        isolated=isolated,
        media=media,
        bundled=bundled if bundled.exists() else starters(bundled),
        platform="",
    )


def test_clips_that_are_not_saved_are_removed(temporary: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = clip_studio(home, isolated=False)
    shown = studio.submit(AvatarRequest(seed=1), live=True, replaces="walk").future.result(20)[0]
    assert shown.path.exists()
    temp_clips.discard(shown)  # another is shown
    lost = studio.submit(AvatarRequest(seed=2), live=True)
    lost.future.result(20)
    studio.discard(lost)  # it came when nobody waited any more
    assert not list(temporary.iterdir())
    late = studio.submit(AvatarRequest(seed=LATE), live=True)
    fakes.until(lambda: late.progress.stage == "late")
    studio.queue.cancel(late.id)
    assert isinstance(late.future.exception(20), Cancelled)
    assert not list(temporary.iterdir())

    def full(*_: Any, **__: Any) -> None:
        raise StudioError("The disk is full.")

    monkeypatch.setattr(studio.library, "add", full)
    kept = studio.submit(AvatarRequest(seed=3))
    assert isinstance(kept.future.exception(20), StudioError)
    assert list(temporary.iterdir()), "it can be kept once there is room"
    studio.close()
    assert not list(temporary.iterdir())


def test_the_unfinished_clip_of_a_killed_process_is_removed(temporary: Path, home: Path) -> None:
    studio = clip_studio(home, isolated=True)
    try:
        shown = studio.submit(AvatarRequest(seed=1), live=True).future.result(60)[0]
        dead = studio.submit(AvatarRequest(seed=KILLED))
        assert isinstance(dead.future.exception(60), StudioError)
        assert list(temporary.rglob("*")) == [shown.path.parent, shown.path]
    finally:
        studio.close()
    assert list(temporary.rglob("*")) == [shown.path.parent, shown.path], "who shows it takes it away"
