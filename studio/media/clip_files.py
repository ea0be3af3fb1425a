"""Clip files (WebP, GIF, MP4): read their timing and embed a note without decoding frames.

How each kind is put together is `clip_parts`' to know. Sources as there, and ISO 16684-3 (XMP in a `uuid` box).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from studio.errors import BadInput
from studio.media import containers, xmp
from studio.media.containers import DamagedClip

SUFFIXES = (".webp", ".gif", ".mp4")
FRAME_LIMIT = 60_000
PIXEL_LIMIT = 34_000_000
"""Pixels of the largest frame that is read: a little more than 8K."""

COPY_CHUNK = 2**20
NOTE_LIMIT = 4 * 2**20
KEYWORD = b"aigc-studio "
XMP_BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
DEFAULT_DURATION = 0.1
"""Seconds that a frame of a GIF stands which says less than 0.02, as every browser has it."""

_CONTAINER_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


@dataclass(frozen=True, slots=True)
class ClipTiming:
    """Size in pixels, and how long each frame stands, in seconds."""

    width: int
    height: int
    durations: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return round(math.fsum(self.durations), 6)


def read_timing(path: Path) -> ClipTiming:
    """What the file says of itself. Raises BadInput where that cannot be, OSError where it cannot be read."""
    found = _timing(path)
    if not found.durations or found.width < 1 or found.height < 1:
        raise BadInput("{name} holds no moving pictures.", "WebP, GIF and MP4 are read.", name=path.name)
    if found.width * found.height > PIXEL_LIMIT:
        raise BadInput(
            "{name} is too large ({width:,} x {height:,} pixels).",
            "Moving pictures up to {limit} million pixels are read.",
            name=path.name,
            width=found.width,
            height=found.height,
            limit=PIXEL_LIMIT // 10**6,
        )
    return found


def is_animated(path: Path) -> bool:
    """Whether the file holds more than one picture. Raises BadInput for a damaged one, OSError as `timing`."""
    return path.suffix.lower() == ".mp4" or len(_timing(path).durations) > 1


def _timing(path: Path) -> ClipTiming:
    read = {".webp": _webp_timing, ".gif": _gif_timing, ".mp4": _mp4_timing}[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            return read(file)
    except (DamagedClip, struct.error, IndexError, OverflowError) as error:
        raise BadInput("{name} is damaged.", "Its pictures cannot be found.", name=path.name) from error


def read_note(path: Path) -> bytes | None:
    """The words that `copy_noted` put in; None where there are none. A still WebP may carry them too."""
    ending = path.suffix.lower()
    with path.open("rb") as file:
        try:
            if ending == ".webp":
                for kind, start, length in containers.chunks(file):
                    if kind == b"XMP " and length <= NOTE_LIMIT:
                        file.seek(start)
                        return xmp.read_note(file.read(length))
            elif ending == ".gif":
                for kind, start, _ in containers.blocks(file):
                    if kind == 0xFE:
                        words = containers.join_sub_blocks(file, start + 2, 2 * NOTE_LIMIT)
                        if words.startswith(KEYWORD):
                            return words[len(KEYWORD) :]
            else:
                for kind, start, length in containers.boxes(file, 0, containers.file_size(file)):
                    if kind == b"uuid" and length <= NOTE_LIMIT:
                        file.seek(start)
                        data = file.read(length)
                        if data.startswith(XMP_BOX):
                            return xmp.read_note(data)
        except (DamagedClip, struct.error, IndexError):
            return None
    return None


def copy_with_note(source: Path, target: Path, words: str, how: str = "") -> None:
    """Copy the file, a part at a time, with the note `words` in it; as it is where there are none.

    `how` is the digital source type that goes with it (see `xmp.packet`). Raises BadInput for a damaged source.
    """
    with source.open("rb") as old, target.open("wb") as new:
        try:
            if not words:
                _copy_range(old, new, 0, containers.file_size(old))
            elif source.suffix.lower() == ".webp":
                _webp_with_note(old, new, xmp.packet(words, how))
            elif source.suffix.lower() == ".gif":
                _gif_with_note(old, new, words)
            else:
                size = containers.file_size(old)
                ends = [start + length for _, start, length in containers.boxes(old, 0, size)]
                if not ends or ends[-1] != size:
                    raise DamagedClip("its boxes do not fill it")
                _copy_range(old, new, 0, size)
                data = XMP_BOX + xmp.packet(words, how)
                new.write(struct.pack(">I4s", 8 + len(data), b"uuid") + data)
        except (DamagedClip, struct.error, IndexError) as error:
            raise BadInput("{name} is damaged.", name=source.name) from error


def _webp_with_note(old: BinaryIO, new: BinaryIO, packet: bytes) -> None:
    found = list(containers.chunks(old))
    if not found or found[0][0] != b"VP8X":
        raise DamagedClip("it is not an extended WebP")
    new.write(b"RIFF\0\0\0\0WEBP")
    for kind, start, length in found:
        if kind == b"XMP ":
            continue
        if kind == b"VP8X":
            old.seek(start)
            head = bytearray(old.read(length))
            head[0] |= 0x04  # an XMP chunk is there
            new.write(struct.pack("<4sI", kind, length) + head)
        else:
            _copy_range(old, new, start - 8, start + length + length % 2)
    new.write(struct.pack("<4sI", b"XMP ", len(packet)) + packet + b"\0" * (len(packet) % 2))
    whole = new.tell()
    new.seek(4)
    new.write(struct.pack("<I", whole - 8))
    new.seek(whole)


def _gif_with_note(old: BinaryIO, new: BinaryIO, words: str) -> None:
    end = next((start for kind, start, _ in containers.blocks(old) if kind == 0x3B), 0)
    if not end:
        raise DamagedClip("it has no end")
    _copy_range(old, new, 0, end)
    data = KEYWORD + words.encode("utf-8", "replace")
    new.write(b"\x21\xfe")
    for at in range(0, len(data), 255):
        part = data[at : at + 255]
        new.write(bytes([len(part)]) + part)
    new.write(b"\0\x3b")


def _copy_range(old: BinaryIO, new: BinaryIO, start: int, stop: int) -> None:
    old.seek(start)
    while start < stop:
        part = old.read(min(COPY_CHUNK, stop - start))
        if not part:
            raise DamagedClip("it ends too early")
        new.write(part)
        start += len(part)


def _webp_timing(file: BinaryIO) -> ClipTiming:
    width = height = 0
    stands: list[float] = []
    for kind, start, length in containers.chunks(file):
        if kind == b"VP8X":
            file.seek(start)
            data = containers.read_exactly(file, 10)
            width = 1 + int.from_bytes(data[4:7], "little")
            height = 1 + int.from_bytes(data[7:10], "little")
        elif kind == b"ANMF":
            if length < 16 or len(stands) >= FRAME_LIMIT:
                raise DamagedClip("its frames cannot be")
            file.seek(start + 12)
            stands.append(max(1, int.from_bytes(containers.read_exactly(file, 3), "little")) / 1000)
    return ClipTiming(width, height, tuple(stands))


def _gif_timing(file: BinaryIO) -> ClipTiming:
    file.seek(6)
    width, height = struct.unpack("<HH", containers.read_exactly(file, 4))
    stands: list[float] = []
    stand = 0.0
    for kind, _, data in containers.blocks(file):
        if kind == 0xF9 and len(data) >= 3:
            stand = int.from_bytes(data[1:3], "little") / 100
        elif kind == 0x2C:
            if len(stands) >= FRAME_LIMIT:
                raise DamagedClip("it has too many frames")
            stands.append(stand if stand >= 0.02 else DEFAULT_DURATION)
            stand = 0.0
    return ClipTiming(width, height, tuple(stands))


def _mp4_timing(file: BinaryIO) -> ClipTiming:
    size = containers.file_size(file)
    kinds = [(kind, start, length) for kind, start, length in containers.boxes(file, 0, size)]
    if not kinds or kinds[0][0] != b"ftyp":
        raise DamagedClip("it is no MP4")
    for kind, start, length in kinds:
        if kind == b"moov":
            for inner, at, long in containers.boxes(file, start, start + length):
                if inner == b"trak" and (found := _track_timing(file, at, long)) is not None:
                    return found
    raise DamagedClip("it holds no pictures")


def _track_timing(file: BinaryIO, start: int, length: int) -> ClipTiming | None:
    """The timing of a track of pictures; None for a track of another kind."""
    boxes = dict(_nested_boxes(file, start, start + length, 0))
    if any(name not in boxes for name in (b"tkhd", b"mdhd", b"hdlr", b"stts")):
        return None
    if _read_box(file, boxes[b"hdlr"])[8:12] != b"vide":
        return None
    header = _read_box(file, boxes[b"tkhd"])
    width, height = (side >> 16 for side in struct.unpack(">II", header[-8:]))
    times = _read_box(file, boxes[b"mdhd"])
    scale = struct.unpack_from(">I", times, 20 if times[0] == 1 else 12)[0]
    runs = _read_box(file, boxes[b"stts"])
    stands: list[float] = []
    for at in range(struct.unpack_from(">I", runs, 4)[0]):
        many, each = struct.unpack_from(">II", runs, 8 + 8 * at)
        if scale == 0 or len(stands) + many > FRAME_LIMIT:
            raise DamagedClip("its frames cannot be")
        stands += [max(1, each) / scale] * many
    return ClipTiming(width, height, tuple(stands))


def _nested_boxes(file: BinaryIO, start: int, stop: int, depth: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    for kind, at, length in containers.boxes(file, start, stop):
        yield kind, (at, length)
        if kind in _CONTAINER_BOXES and depth < 6:
            yield from _nested_boxes(file, at, at + length, depth + 1)


def _read_box(file: BinaryIO, where: tuple[int, int]) -> bytes:
    start, length = where
    if length > NOTE_LIMIT:
        raise DamagedClip("a box of that kind is never so long")
    file.seek(start)
    return containers.read_exactly(file, length)
