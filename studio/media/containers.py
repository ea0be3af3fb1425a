"""The containers of clips: a WebP's chunks, a GIF's blocks, an MP4's boxes.

Every length in them is taken for a lie until the file is seen to hold it. Sources: WebP container specification
(RFC 9649), GIF89a specification and ISO/IEC 14496-12 (boxes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from studio.errors import Flaw

PART_LIMIT = 250_000
"""Chunks, blocks or boxes of one file: several for each frame."""

MIN_SUB_BLOCK = 16
"""Bytes that the sub-blocks of a GIF hold on average at least, where they are more than PART_LIMIT: writers fill each
with 255, and what is cut into single bytes takes every reader a long time."""

WINDOW_LIMIT = 2**20
"""Bytes that are looked at together at most."""


class DamagedClip(Flaw):
    """The file is not what its ending says, or ends too early."""


def file_size(file: BinaryIO) -> int:
    """Bytes of the whole file."""
    return file.seek(0, 2)


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes. Raises DamagedClip where there are fewer."""
    data = file.read(count)
    if len(data) < count:
        raise DamagedClip("it ends too early")
    return data


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its data begins, how long that is) of every chunk."""
    size = file_size(file)
    file.seek(0)
    head = read_exactly(file, 12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise DamagedClip("it is no WebP")
    at, end = 12, 8 + struct.unpack("<I", head[4:8])[0]
    if end > size:
        raise DamagedClip("it ends too early")
    for _ in range(PART_LIMIT):
        if at + 8 > end:
            return
        file.seek(at)
        kind, length = struct.unpack("<4sI", read_exactly(file, 8))
        if at + 8 + length > end:
            raise DamagedClip("a chunk is longer than the file")
        yield kind, at + 8, length
        at += 8 + length + length % 2
    raise DamagedClip("it has too many parts")


def blocks(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """(kind, where it begins, its first bytes): an extension's label, 0x2C for a picture, 0x3B for the end."""
    size = file_size(file)
    file.seek(0)
    head = read_exactly(file, 13)
    if head[:6] not in (b"GIF87a", b"GIF89a"):
        raise DamagedClip("it is no GIF")
    at, left = 13 + _colour_table_size(head[10]), PART_LIMIT + size // MIN_SUB_BLOCK
    for _ in range(PART_LIMIT):
        if at >= size:
            raise DamagedClip("it has no end")
        file.seek(at)
        kind = read_exactly(file, 1)[0]
        if kind == 0x3B:
            yield 0x3B, at, b""
            return
        if kind == 0x21:
            first = read_exactly(file, 2)
            yield first[0], at, file.read(6)
            at += 2
        elif kind == 0x2C:
            box = read_exactly(file, 9)
            yield 0x2C, at, box
            at += 11 + _colour_table_size(box[8])  # the colours, then how many bits a code has
        else:
            raise DamagedClip("a block of no known kind")
        at, passed = _skip_sub_blocks(file, at, left)
        left -= passed
        if left < 0:
            break
    raise DamagedClip("it has too many parts")


def _colour_table_size(packed: int) -> int:
    """Bytes of the colour table that follows."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _skip_sub_blocks(file: BinaryIO, at: int, limit: int) -> tuple[int, int]:
    """Where the sub-blocks that begin at `at` end, and how many they are; not many more than `limit` are looked at."""
    count, window = 0, 512
    while count <= limit:
        file.seek(at)
        seen = file.read(window)
        if not seen:
            raise DamagedClip("it ends too early")
        here, stop = 0, len(seen)
        while here < stop:
            length = seen[here]
            here += 1 + length
            if not length:
                return at + here, count
            count += 1
        at += here
        window = min(2 * window, WINDOW_LIMIT)
    raise DamagedClip("it has too many parts")


def join_sub_blocks(file: BinaryIO, at: int, limit: int) -> bytes:
    """What the sub-blocks that begin at `at` hold together; nothing where they take more than `limit` bytes."""
    end, _ = _skip_sub_blocks(file, at, PART_LIMIT)
    if end - at > limit:
        return b""
    file.seek(at)
    data, here = read_exactly(file, end - at), 0
    parts: list[bytes] = []
    while length := data[here]:
        parts.append(data[here + 1 : here + 1 + length])
        here += 1 + length
    return b"".join(parts)


def boxes(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its data begins, how long that is) of every box in a stretch of the file."""
    for _ in range(PART_LIMIT):
        if start + 8 > stop:
            return
        file.seek(start)
        length, kind = struct.unpack(">I4s", read_exactly(file, 8))
        head = 8
        if length == 1:
            length, head = struct.unpack(">Q", read_exactly(file, 8))[0], 16
        elif length == 0:
            length = stop - start
        if length < head or start + length > stop:
            raise DamagedClip("a box is longer than what holds it")
        yield kind, start + head, length - head
        start += length
    raise DamagedClip("it has too many parts")
