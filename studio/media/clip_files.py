"""Clip files (WebP, GIF, MP4): their structure, their timing and the note in them, without decoding frames.

A WebP is made of chunks, a GIF of blocks, an MP4 of boxes. Every length in them is taken for a lie until the file is
seen to hold it. Sources: WebP container specification (RFC 9649), GIF89a specification, ISO/IEC 14496-12 (boxes) and
ISO 16684-3 (XMP in a `uuid` box).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from studio.errors import BadInput, Flaw
from studio.media import xmp

SUFFIXES = (".webp", ".gif", ".mp4")
FRAME_LIMIT = 60_000
PIXEL_LIMIT = 34_000_000
"""Pixels of the largest frame that is read: a little more than 8K."""

COPY_CHUNK = 2**20
NOTE_LIMIT = 4 * 2**20
KEYWORD = b"aigc-studio "
XMP_BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
DEFAULT_DURATION = 0.1
"""Seconds that a frame of a GIF is shown whose own duration is below 0.02, as in every browser."""

PART_LIMIT = 250_000
"""The most chunks, blocks or boxes of one file: several for each frame."""

MIN_SUB_BLOCK = 16
"""The least mean size in bytes of a GIF's sub-blocks, where there are more than PART_LIMIT: writers fill each with 255
bytes, and a file of sub-blocks of one byte would take every reader a long time."""

WINDOW_LIMIT = 2**20
"""The most bytes that are read at once."""

_CONTAINER_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


class DamagedClip(Flaw):
    """The file is not of the kind that its ending says, or is cut short."""


@dataclass(frozen=True, slots=True)
class ClipTiming:
    """Size in pixels, and the duration of each frame in seconds."""

    width: int
    height: int
    durations: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return round(math.fsum(self.durations), 6)


def read_timing(path: Path) -> ClipTiming:
    """Size and durations from the headers. Raises BadInput for a damaged or too large file, OSError where it cannot be
    read."""
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
    """Whether the file holds more than one picture. Raises as `read_timing`."""
    return path.suffix.lower() == ".mp4" or len(_timing(path).durations) > 1


def _timing(path: Path) -> ClipTiming:
    read = {".webp": _webp_timing, ".gif": _gif_timing, ".mp4": _mp4_timing}[path.suffix.lower()]
    try:
        with path.open("rb") as file:
            return read(file)
    except (DamagedClip, struct.error, IndexError, OverflowError) as error:
        raise BadInput("{name} is damaged.", "Its pictures cannot be found.", name=path.name) from error


def read_note(path: Path) -> bytes | None:
    """The note that `copy_with_note` embedded; None where there is none. A still WebP may carry one too."""
    ending = path.suffix.lower()
    with path.open("rb") as file:
        try:
            if ending == ".webp":
                for kind, start, length in _chunks(file):
                    if kind == b"XMP " and length <= NOTE_LIMIT:
                        file.seek(start)
                        return xmp.read_note(file.read(length))
            elif ending == ".gif":
                for kind, start, _ in _blocks(file):
                    if kind == 0xFE:
                        comment = _join_sub_blocks(file, start + 2, 2 * NOTE_LIMIT)
                        if comment.startswith(KEYWORD):
                            return comment[len(KEYWORD) :]
            else:
                for kind, start, length in _boxes(file, 0, _file_size(file)):
                    if kind == b"uuid" and length <= NOTE_LIMIT:
                        file.seek(start)
                        data = file.read(length)
                        if data.startswith(XMP_BOX):
                            return xmp.read_note(data)
        except (DamagedClip, struct.error, IndexError):
            return None
    return None


def copy_with_note(source: Path, target: Path, note: str, source_type: str = "") -> None:
    """Copy the file, a part at a time, with the note embedded; unchanged where the note is empty.

    `source_type` is the digital source type in the XMP (see `xmp.packet`). Raises BadInput for a damaged source.
    """
    with source.open("rb") as old, target.open("wb") as new:
        try:
            if not note:
                _copy_range(old, new, 0, _file_size(old))
            elif source.suffix.lower() == ".webp":
                _webp_with_note(old, new, xmp.packet(note, source_type))
            elif source.suffix.lower() == ".gif":
                _gif_with_note(old, new, note)
            else:
                size = _file_size(old)
                ends = [start + length for _, start, length in _boxes(old, 0, size)]
                if not ends or ends[-1] != size:
                    raise DamagedClip("its boxes do not fill it")
                _copy_range(old, new, 0, size)
                data = XMP_BOX + xmp.packet(note, source_type)
                new.write(struct.pack(">I4s", 8 + len(data), b"uuid") + data)
        except (DamagedClip, struct.error, IndexError) as error:
            raise BadInput("{name} is damaged.", name=source.name) from error


def _webp_with_note(old: BinaryIO, new: BinaryIO, packet: bytes) -> None:
    found = list(_chunks(old))
    if not found or found[0][0] != b"VP8X":
        raise DamagedClip("it is not an extended WebP")
    new.write(b"RIFF\0\0\0\0WEBP")
    for kind, start, length in found:
        if kind == b"XMP ":
            continue
        if kind == b"VP8X":
            old.seek(start)
            header = bytearray(old.read(length))
            header[0] |= 0x04  # flag: the file has an XMP chunk
            new.write(struct.pack("<4sI", kind, length) + header)
        else:
            _copy_range(old, new, start - 8, start + length + length % 2)
    new.write(struct.pack("<4sI", b"XMP ", len(packet)) + packet + b"\0" * (len(packet) % 2))
    size = new.tell()
    new.seek(4)
    new.write(struct.pack("<I", size - 8))
    new.seek(size)


def _gif_with_note(old: BinaryIO, new: BinaryIO, note: str) -> None:
    end = next((start for kind, start, _ in _blocks(old) if kind == 0x3B), 0)
    if not end:
        raise DamagedClip("it has no end")
    _copy_range(old, new, 0, end)
    data = KEYWORD + note.encode("utf-8", "replace")
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
    durations: list[float] = []
    for kind, start, length in _chunks(file):
        if kind == b"VP8X":
            file.seek(start)
            data = _read_exactly(file, 10)
            width = 1 + int.from_bytes(data[4:7], "little")
            height = 1 + int.from_bytes(data[7:10], "little")
        elif kind == b"ANMF":
            if length < 16 or len(durations) >= FRAME_LIMIT:
                raise DamagedClip("its frames are impossible")
            file.seek(start + 12)
            durations.append(max(1, int.from_bytes(_read_exactly(file, 3), "little")) / 1000)
    return ClipTiming(width, height, tuple(durations))


def _gif_timing(file: BinaryIO) -> ClipTiming:
    file.seek(6)
    width, height = struct.unpack("<HH", _read_exactly(file, 4))
    durations: list[float] = []
    duration = 0.0
    for kind, _, data in _blocks(file):
        if kind == 0xF9 and len(data) >= 3:
            duration = int.from_bytes(data[1:3], "little") / 100
        elif kind == 0x2C:
            if len(durations) >= FRAME_LIMIT:
                raise DamagedClip("it has too many frames")
            durations.append(duration if duration >= 0.02 else DEFAULT_DURATION)
            duration = 0.0
    return ClipTiming(width, height, tuple(durations))


def _mp4_timing(file: BinaryIO) -> ClipTiming:
    size = _file_size(file)
    kinds = [(kind, start, length) for kind, start, length in _boxes(file, 0, size)]
    if not kinds or kinds[0][0] != b"ftyp":
        raise DamagedClip("it is no MP4")
    for kind, start, length in kinds:
        if kind == b"moov":
            for inner, at, inner_length in _boxes(file, start, start + length):
                if inner == b"trak" and (found := _track_timing(file, at, inner_length)) is not None:
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
    durations: list[float] = []
    for at in range(struct.unpack_from(">I", runs, 4)[0]):
        count, ticks = struct.unpack_from(">II", runs, 8 + 8 * at)
        if scale == 0 or len(durations) + count > FRAME_LIMIT:
            raise DamagedClip("its frames are impossible")
        durations += [max(1, ticks) / scale] * count
    return ClipTiming(width, height, tuple(durations))


def _nested_boxes(file: BinaryIO, start: int, stop: int, depth: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    for kind, at, length in _boxes(file, start, stop):
        yield kind, (at, length)
        if kind in _CONTAINER_BOXES and depth < 6:
            yield from _nested_boxes(file, at, at + length, depth + 1)


def _read_box(file: BinaryIO, span: tuple[int, int]) -> bytes:
    start, length = span
    if length > NOTE_LIMIT:
        raise DamagedClip("a box of that kind is never so long")
    file.seek(start)
    return _read_exactly(file, length)


def _file_size(file: BinaryIO) -> int:
    """Its size in bytes."""
    return file.seek(0, 2)


def _read_exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes. Raises DamagedClip where there are fewer."""
    data = file.read(count)
    if len(data) < count:
        raise DamagedClip("it ends too early")
    return data


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the data and its length, of every chunk of a WebP."""
    size = _file_size(file)
    file.seek(0)
    head = _read_exactly(file, 12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise DamagedClip("it is no WebP")
    at, end = 12, 8 + struct.unpack("<I", head[4:8])[0]
    if end > size:
        raise DamagedClip("it ends too early")
    for _ in range(PART_LIMIT):
        if at + 8 > end:
            return
        file.seek(at)
        kind, length = struct.unpack("<4sI", _read_exactly(file, 8))
        if at + 8 + length > end:
            raise DamagedClip("a chunk is longer than the file")
        yield kind, at + 8, length
        at += 8 + length + length % 2
    raise DamagedClip("it has too many parts")


def _blocks(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Kind, offset and first bytes of every block of a GIF. The kind is an extension's label, 0x2C for a picture, 0x3B
    for the end."""
    size = _file_size(file)
    file.seek(0)
    head = _read_exactly(file, 13)
    if head[:6] not in (b"GIF87a", b"GIF89a"):
        raise DamagedClip("it is no GIF")
    at, left = 13 + _colour_table_size(head[10]), PART_LIMIT + size // MIN_SUB_BLOCK
    for _ in range(PART_LIMIT):
        if at >= size:
            raise DamagedClip("it has no end")
        file.seek(at)
        kind = _read_exactly(file, 1)[0]
        if kind == 0x3B:
            yield 0x3B, at, b""
            return
        if kind == 0x21:
            first = _read_exactly(file, 2)
            yield first[0], at, file.read(6)
            at += 2
        elif kind == 0x2C:
            box = _read_exactly(file, 9)
            yield 0x2C, at, box
            at += 11 + _colour_table_size(box[8])  # the colours, then how many bits a code has
        else:
            raise DamagedClip("a block of no known kind")
        at, count = _skip_sub_blocks(file, at, left)
        left -= count
        if left < 0:
            break
    raise DamagedClip("it has too many parts")


def _colour_table_size(packed: int) -> int:
    """Bytes of the colour table that follows, from the packed field before it."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _skip_sub_blocks(file: BinaryIO, at: int, limit: int) -> tuple[int, int]:
    """The end of the sub-blocks that begin at `at`, and their number; not many more than `limit` are read."""
    count, window = 0, 512
    while count <= limit:
        file.seek(at)
        data = file.read(window)
        if not data:
            raise DamagedClip("it ends too early")
        here, stop = 0, len(data)
        while here < stop:
            length = data[here]
            here += 1 + length
            if not length:
                return at + here, count
            count += 1
        at += here
        window = min(2 * window, WINDOW_LIMIT)
    raise DamagedClip("it has too many parts")


def _join_sub_blocks(file: BinaryIO, at: int, limit: int) -> bytes:
    """The data of the sub-blocks that begin at `at`; empty where they take more than `limit` bytes."""
    end, _ = _skip_sub_blocks(file, at, PART_LIMIT)
    if end - at > limit:
        return b""
    file.seek(at)
    data, here = _read_exactly(file, end - at), 0
    parts: list[bytes] = []
    while length := data[here]:
        parts.append(data[here + 1 : here + 1 + length])
        here += 1 + length
    return b"".join(parts)


def _boxes(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the data and its length, of every box of an MP4 between two offsets."""
    for _ in range(PART_LIMIT):
        if start + 8 > stop:
            return
        file.seek(start)
        length, kind = struct.unpack(">I4s", _read_exactly(file, 8))
        header = 8
        if length == 1:
            length, header = struct.unpack(">Q", _read_exactly(file, 8))[0], 16
        elif length == 0:
            length = stop - start
        if length < header or start + length > stop:
            raise DamagedClip("a box is longer than what holds it")
        yield kind, start + header, length - header
        start += length
    raise DamagedClip("it has too many parts")
