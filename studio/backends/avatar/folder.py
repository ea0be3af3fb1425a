"""Checks a folder of pictures for training: which are used, which are not and why; the result is cached.

Each picture is read safely, turned upright, cropped square and resampled; what cannot be used is refused with a reason.
Pictures that look the same are found by a perceptual hash (signs of the low frequencies of a small grey copy about
their median), and a small colour copy decides: drawings of one hand share their composition, and differ in an eye.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.errors import BadInput, Message
from studio.media import images
from studio.system.paths import AppPaths

GREY, LOW, COLOUR = 32, 8, 16  # sides of the grey copy, of the frequencies that are kept, of the colour copy
BITS = 4  # of 64 that may differ
MEAN, MOST = 3.0, 24  # levels of 255 by which the colour copies may differ: on average, and anywhere


def _cosines() -> NDArray[np.float32]:
    """[LOW, GREY]: the first rows of the discrete cosine transform."""
    k, n = np.arange(LOW)[:, None], np.arange(GREY)[None]
    return np.cos(np.pi * (2 * n + 1) * k / (2 * GREY)).astype(np.float32)


COSINES = _cosines()


def perceptual_hash(pixels: NDArray[np.uint8]) -> np.uint64:
    """64 bits of a picture [size, size, 4], laid on grey."""
    alpha = pixels[..., 3:].astype(np.float32) / 255
    laid = (pixels[..., :3] * alpha + 128 * (1 - alpha)).mean(axis=2).astype(np.uint8)
    small = np.asarray(Pillow.fromarray(laid).resize((GREY, GREY), Pillow.Resampling.BOX), np.float32)
    waves = (COSINES @ small @ COSINES.T).ravel()
    bits = waves > np.median(waves[1:])
    return np.packbits(bits).view(np.uint64)[0]


def small_copy(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[COLOUR, COLOUR, 4], premultiplied."""
    picture = Pillow.fromarray(pixels).convert("RGBa")
    small = picture.resize((COLOUR, COLOUR), Pillow.Resampling.BOX)
    return np.frombuffer(small.tobytes(), np.uint8).reshape(COLOUR, COLOUR, 4)


class DuplicateFinder:
    """The pictures so far; `same_as` finds the one that a new picture looks like."""

    def __init__(self) -> None:
        self._hashes = np.empty(256, np.uint64)
        self._copies = np.empty((256, COLOUR, COLOUR, 4), np.uint8)
        self._count = 0

    def same_as(self, pixels: NDArray[np.uint8]) -> int | None:
        """The place of the first picture that looks the same; None adds this one as the next place."""
        own, copy = perceptual_hash(pixels), small_copy(pixels)
        near = np.flatnonzero(np.bitwise_count(self._hashes[: self._count] ^ own) <= BITS)
        for start in range(0, len(near), 4096):
            some = near[start : start + 4096]
            apart = np.abs(self._copies[some].astype(np.int16) - copy)
            same = (apart.mean(axis=(1, 2, 3)) <= MEAN) & (apart.max(axis=(1, 2, 3)) <= MOST)
            if same.any():
                return int(some[same.argmax()])
        self._remember(own, copy)
        return None

    def _remember(self, own: np.uint64, copy: NDArray[np.uint8]) -> None:
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.empty_like(self._hashes)])
            self._copies = np.concatenate([self._copies, np.empty_like(self._copies)])
        self._hashes[self._count], self._copies[self._count] = own, copy
        self._count += 1


FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # others call programs, or draw what is no picture
PIXEL_LIMIT = 60_000_000
"""Pixels of the largest picture that is unpacked; JPEG files are unpacked at a fraction of their size first."""
NARROW = 3.0  # times as long as wide: a square would show only a part
CLEAR = 8  # alpha up to which nothing is seen
MARGIN = 1.08  # of the square around a cut-out, where it touches no edge

REASONS = {
    "broken": Message("Could not be opened as an image."),
    "copy": Message("Duplicate file."),
    "alike": Message("Looks the same as another picture."),
    "small": Message("Too small."),
    "large": Message("Too large to open."),
    "narrow": Message("Too long and narrow: a square would show only a part."),
    "clear": Message("Completely transparent."),
}
"""Why a picture is not used."""

NOTES = {
    "turned": Message("Rotated upright."),
    "moving": Message("Animated: the first frame is used."),
    "cut": Message("Cropped to the part that is not transparent."),
    "middle": Message("The middle is used."),
    "enlarged": Message("Smaller than the training size, so it is blurry."),
}
"""What was done to a picture that is used."""


class UnusablePicture(Exception):
    """This picture cannot be used; `reason` is a key of REASONS, `detail` a few words more."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, eq=False)
class CroppedPicture:
    """uint8 [size, size, 4], straight alpha, and what was done to it: keys of NOTES."""

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...]


def crop_file(path: Path, size: int) -> CroppedPicture:
    """The picture in a file as a square of `size` pixels. Raises UnusablePicture."""
    try:
        with Pillow.open(path, formats=FORMATS) as opened:
            return _crop(opened, size)
    except Pillow.DecompressionBombError as error:
        raise UnusablePicture("large") from error
    except MemoryError as error:
        raise UnusablePicture("large") from error
    except UnusablePicture:
        raise
    except Exception as error:
        # Whatever a broken or hostile file makes a reader say, it is one file that cannot be used.
        raise UnusablePicture("broken", str(error).split("\n")[0][:120]) from error


def _crop(opened: Pillow.Image, size: int) -> CroppedPicture:
    wide, high = opened.size
    if min(wide, high) < max(8, size // 2):
        raise UnusablePicture("small", f"{wide} x {high}")
    if max(wide, high) > NARROW * min(wide, high):
        raise UnusablePicture("narrow", f"{wide} x {high}")
    opened.draft(None, (2 * size, 2 * size))
    if opened.size[0] * opened.size[1] > PIXEL_LIMIT:
        raise UnusablePicture("large", f"{wide:,} x {high:,}")
    notes: list[str] = []
    if getattr(opened, "is_animated", False) and opened.format != "MPO":  # a photograph with its small copy
        notes.append("moving")
    if opened.getexif().get(0x0112, 1) not in (0, 1):
        notes.append("turned")
    picture = images.to_srgb8(opened)
    box = _square_of(picture, notes)
    if box[2] - box[0] < size:
        notes.append("enlarged")
    # Premultiplied while it is resampled, so that hidden colours do not bleed into the edges.
    premultiplied = picture.convert("RGBA").convert("RGBa")
    inside = (max(0, box[0]), max(0, box[1]), min(picture.width, box[2]), min(picture.height, box[3]))
    if inside == box:
        made = premultiplied.resize((size, size), Pillow.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    else:
        canvas = Pillow.new("RGBa", (box[2] - box[0], box[3] - box[1]))
        canvas.paste(premultiplied.crop(inside), (inside[0] - box[0], inside[1] - box[1]))
        made = canvas.resize((size, size), Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    return CroppedPicture(np.asarray(made.convert("RGBA")), tuple(notes))


def _square_of(picture: Pillow.Image, notes: list[str]) -> tuple[int, int, int, int]:
    """The square to use: the middle, or for a cut-out the one around it, which may reach beyond the picture."""
    wide, high = picture.size
    if picture.mode == "RGBA":
        seen = picture.getchannel("A").point([0] * (CLEAR + 1) + [255] * (255 - CLEAR))
        box = seen.getbbox()
        if box is None:
            raise UnusablePicture("clear")
        if box != (0, 0, wide, high):
            notes.append("cut")
            return _square_around(box, wide, high)
    side = min(wide, high)
    if wide != high:
        notes.append("middle")
    left, top = (wide - side) // 2, (high - side) // 2
    return left, top, left + side, top + side


def _square_around(box: tuple[int, int, int, int], wide: int, high: int) -> tuple[int, int, int, int]:
    """A square around a box; an edge of the picture that the box touches, as a bust does at its foot, stays one."""
    left, top, right, bottom = box
    side = min(round(max(right - left, bottom - top) * MARGIN), max(wide, high))
    side = max(side, right - left, bottom - top)

    def along(low: int, up: int, length: int) -> int:
        if low <= 0 and up >= length:
            return (length - side) // 2
        if up >= length:
            return length - side
        if low <= 0:
            return 0
        return (low + up - side) // 2

    x, y = along(left, right, wide), along(top, bottom, high)
    return x, y, x + side, y + side


ALIKE = 6.0
"""Levels of 255 by which pictures differ from their mean, on average, where they are nearly the same."""
SHARE = 0.25
"""Of what each differs from its own mean colour: thin lines on white differ by few levels, and yet are others."""
MANY = 200
"""So many pictures may be nearly the same: they show what varies all the better."""


def nearly_the_same(pixels: NDArray[np.uint8]) -> bool:
    """Whether a few pictures [N, size, size, 4] differ so little that a model could learn nothing but one of them."""
    if not 2 <= len(pixels) < MANY:
        return False
    copies = np.stack([small_copy(picture) for picture in pixels]).astype(np.float32)
    apart = np.abs(copies - copies.mean(axis=0)).mean()
    contrast = np.abs(copies - copies.mean(axis=(1, 2), keepdims=True)).mean()
    return bool(apart < ALIKE and apart <= SHARE * contrast)


SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif")
FEWEST = 8
FILE_LIMIT = 200_000
VERSION = 1  # of what is kept: another number, and everything is looked at anew
KEPT = 6  # sets of pictures that are kept
TOGETHER = 64  # files between two reports

OnProgress = Callable[[int, int], object]


@dataclass(frozen=True)
class DatasetEntry:
    """One file. `reason` is a key of REASONS, empty if it is used; `notes` are keys of NOTES."""

    path: str
    reason: str = ""
    detail: str = ""
    notes: tuple[str, ...] = ()

    def words(self) -> Message:
        """Why it is not used."""
        reason = REASONS[self.reason]
        return Message("{reason} ({detail})", reason=reason, detail=self.detail) if self.detail else reason


@dataclass(frozen=True, eq=False)
class CheckedFolder:
    """What a folder holds: every file, and uint8 [used, size, size, 4] of those that are used, in their order."""

    folder: Path
    entries: tuple[DatasetEntry, ...]
    pixels: NDArray[np.uint8]

    @property
    def used(self) -> list[DatasetEntry]:
        return [entry for entry in self.entries if not entry.reason]

    @property
    def skipped(self) -> list[DatasetEntry]:
        return [entry for entry in self.entries if entry.reason]


def check_folder(
    folder: Path, size: int, progress: OnProgress = lambda done, total: None, cache: Path | None = None
) -> CheckedFolder:
    """Look at every picture under a folder, or remember how they were.

    `progress` gets how many files of how many are done; what it raises passes through. Results are kept in `cache` (the
    studio's if None). Raises BadInput for what is no folder or holds far too many files.
    """
    if not folder.is_dir():
        raise BadInput("{folder} is not a folder.", "Choose a folder of pictures.", mend="folders", folder=folder)
    files = list(_files(folder))
    place = (cache or AppPaths.for_user().cache / "pictures") / _key(folder, files, size)
    found = _read_cache(folder, place)
    if found is None:
        found = _check_files(folder, files, size, progress)
        # A cache that cannot be written only costs time.
        with contextlib.suppress(OSError):
            _write_cache(found, place)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Files that may be pictures, relative to the folder, sorted; hidden ones are left out."""
    found: list[Path] = []
    for parent, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith((".", "__MACOSX"))]
        here = Path(parent)
        for name in files:
            if not name.startswith(".") and name.lower().endswith(SUFFIXES) and (here / name).is_file():
                found.append((here / name).relative_to(folder))
        if len(found) > FILE_LIMIT:
            raise BadInput(
                "{folder} holds more than {limit:,} pictures.",
                "Choose a smaller folder.",
                folder=folder,
                limit=FILE_LIMIT,
            )
    yield from sorted(found, key=lambda path: path.as_posix())


def _key(folder: Path, files: list[Path], size: int) -> str:
    """Changes with every file that comes, goes or is written to."""
    digest = hashlib.sha256(f"{VERSION}\n{size}\n{folder.resolve()}\n".encode("utf-8", "surrogateescape"))
    for path in files:
        with contextlib.suppress(OSError):
            about = (folder / path).stat()
            line = f"{path.as_posix()}\t{about.st_size}\t{about.st_mtime_ns}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def _check_files(folder: Path, files: list[Path], size: int, progress: OnProgress) -> CheckedFolder:
    copies = _find_copies(folder, files)
    seen = DuplicateFinder()
    names: list[str] = []
    entries: list[DatasetEntry] = []
    pixels: list[NDArray[np.uint8]] = []

    def one(path: Path) -> CroppedPicture | UnusablePicture:
        first = copies.get(path)
        if first is not None:
            return UnusablePicture("copy", first.as_posix())
        try:
            return crop_file(folder / path, size)
        except UnusablePicture as unfit:
            return unfit

    with ThreadPoolExecutor(2, "pictures") as pool:
        for start in range(0, len(files), TOGETHER):
            progress(start, len(files))
            some = files[start : start + TOGETHER]
            for path, made in zip(some, pool.map(one, some), strict=True):
                name = _printable_name(path)
                if isinstance(made, UnusablePicture):
                    entries.append(DatasetEntry(name, made.reason, _printable_name(made.detail)))
                    continue
                same = seen.same_as(made.pixels)
                if same is not None:
                    entries.append(DatasetEntry(name, "alike", names[same]))
                    continue
                names.append(name)
                pixels.append(made.pixels)
                entries.append(DatasetEntry(name, notes=made.notes))
    progress(len(files), len(files))
    stacked = np.stack(pixels) if pixels else np.zeros((0, size, size, 4), np.uint8)
    return CheckedFolder(folder, tuple(entries), stacked)


def _find_copies(folder: Path, files: list[Path]) -> dict[Path, Path]:
    """Files with the same bytes as one before them, and that one. Only files of equal length are read."""
    by_length: dict[int, list[Path]] = {}
    for path in files:
        with contextlib.suppress(OSError):
            by_length.setdefault((folder / path).stat().st_size, []).append(path)
    copies: dict[Path, Path] = {}
    for some in by_length.values():
        firsts: dict[bytes, Path] = {}
        for path in some if len(some) > 1 else ():
            with contextlib.suppress(OSError), (folder / path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
                if digest in firsts:
                    copies[path] = firsts[digest]
                firsts.setdefault(digest, path)
    return copies


def _printable_name(path: Path | str) -> str:
    """A name that can be written to a file, whatever bytes the disk has for it."""
    text = path.as_posix() if isinstance(path, Path) else path
    return text.encode("utf-8", "replace").decode("utf-8")


def _write_cache(found: CheckedFolder, place: Path) -> None:
    """Write atomically, then delete the results that were used longest ago."""
    part = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    part.mkdir(parents=True)
    try:
        np.save(part / "pixels.npy", found.pixels)
        words = json.dumps([asdict(entry) for entry in found.entries], ensure_ascii=False)
        (part / "entries.json").write_text(words, encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)  # what is there could not be used
        part.replace(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    sets = sorted((each for each in place.parent.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    for old in sets[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _read_cache(folder: Path, place: Path) -> CheckedFolder | None:
    """What was kept; None where nothing is, or what is there cannot be used."""
    try:
        rows: list[dict[str, Any]] = json.loads((place / "entries.json").read_text(encoding="utf-8"))
        entries = tuple(DatasetEntry(row["path"], row["reason"], row["detail"], tuple(row["notes"])) for row in rows)
        # Mapped, so that only what is looked at is in memory; "c": what is changed stays in memory.
        pixels = np.load(place / "pixels.npy", mmap_mode="c", allow_pickle=False)
        used = sum(not entry.reason for entry in entries)
        known = all(set(entry.notes) <= set(NOTES) and entry.reason in ("", *REASONS) for entry in entries)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or len(pixels) != used or not known:
            return None
        os.utime(place)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return CheckedFolder(folder, entries, pixels)
