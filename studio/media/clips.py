"""Writes frames to animated WebP, GIF and MP4, and reads them back.

Holds one frame at a time, whatever the length. MP4 goes through PyAV, which is imported by name since it is an extra;
WebP and GIF are put together here from single pictures that Pillow packs.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import struct
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.errors import BadInput, StudioError
from studio.media import clip_files, temp_clips
from studio.media.clip_gif import GifWriter
from studio.media.payloads import Clip, Image

ENCODERS = ("libopenh264", "libx264", "mpeg4")
"""What films are packed with, the first that the installed FFmpeg has: H.264 under a permissive licence, H.264 under
the GPL, which the wheels of PyAV bring, and FFmpeg's own MPEG-4 (docs/adr/010)."""

Frame = NDArray[np.uint8]
"""uint8 `[H, W, 3]` or `[H, W, 4]`, sRGB, alpha straight."""

MAX_FPS = {".webp": 1000.0, ".gif": 50.0, ".mp4": 240.0}
"""Frames a second that a file of each kind can say and players keep to."""


class ClipWriter(Protocol):
    """A file of moving pictures that grows by a frame at a time."""

    def add(self, frame: Frame, stand: float) -> None:
        """One more frame, which stands for so many seconds."""
        ...

    def close(self) -> None:
        """Write what comes after the last frame."""
        ...

    def abort(self) -> None:
        """Give back what is held; the file is given up."""
        ...


def write(
    frames: Iterable[Frame], path: Path, fps: float, *, loop: bool = True, quality: int = 85, lossless: bool = False
) -> Clip:
    """Write frames, all of one size, as the file that the ending of `path` names; the whole file or none, and then no
    folder that `clip_places` made for it either.

    `fps` is frames a second. WebP and GIF keep alpha (GIF: on or off) and play for ever where `loop`; MP4 lies on white
    and has even sides, the last row or column repeated. What `frames` raises passes through. Raises BadInput for frames
    that do not fit together, StudioError where MP4 cannot be written here, OSError where the disk refuses.
    """
    ending = path.suffix.lower()
    if ending not in MAX_FPS:
        raise ValueError(f"{path.name} is no name for moving pictures")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    sink: ClipWriter | None = None
    count, size = 0, (0, 0)
    try:
        if not 0.1 <= fps <= MAX_FPS[ending]:
            raise BadInput(
                "{format} cannot show {fps:g} frames a second.",
                "At most {limit:g}.",
                format=ending[1:].upper(),
                fps=fps,
                limit=MAX_FPS[ending],
            )
        for frame in frames:
            size = _check_frame(frame, size if count else None)
            if sink is None:
                sink = _open_writer(ending, part, size, fps, loop, quality, lossless)
            count += 1
            # The end of this frame less the end of the one before, both rounded: nothing adds up.
            unit = 100 if ending == ".gif" else 1000
            sink.add(frame, (round(count / fps * unit) - round((count - 1) / fps * unit)) / unit)
        if sink is None:
            raise BadInput("A clip needs at least one picture.")
        sink.close()
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        if sink is not None:
            sink.abort()
        part.unlink(missing_ok=True)
        temp_clips.remove_folder(path)
        raise
    return read_info(path)


def read_info(path: Path) -> Clip:
    """The clip in a file. Raises BadInput for a damaged one, OSError where it cannot be read."""
    found = clip_files.read_timing(path)
    return Clip(path, found.width, found.height, len(found.durations), found.seconds)


def frames(path: Path) -> Generator[Frame]:
    """The frames of a file in order, decoded one at a time; RGBA where the file can be transparent.

    Raises BadInput where the file is damaged, StudioError where its kind cannot be read here.
    """
    found = clip_files.read_timing(path)
    if path.suffix.lower() == ".mp4":
        yield from _mp4_frames(path)
        return
    try:
        with Pillow.open(path, formats=("WEBP", "GIF")) as opened:
            for at in range(len(found.durations)):
                opened.seek(at)
                if opened.size != (found.width, found.height):  # a picture of a GIF may reach beyond its screen
                    raise BadInput("{name} is damaged.", name=path.name)
                yield np.asarray(opened.convert("RGBA"))
    except (BadInput, GeneratorExit):
        raise
    except Exception as error:
        raise BadInput("{name} is damaged.", "Its pictures cannot be read.", name=path.name) from error


def first_frame(path: Path) -> Image | None:
    """The first frame; None for an MP4 where PyAV is not installed."""
    if path.suffix.lower() == ".mp4" and not mp4_available():
        return None
    stream = frames(path)
    try:
        return Image(np.array(next(stream)))
    except StopIteration:
        raise BadInput("{name} is damaged.", "It holds no picture.", name=path.name) from None
    finally:
        stream.close()


def mp4_available() -> bool:
    """Whether MP4 can be written and shown here: the extra `video` is installed."""
    return importlib.util.find_spec("av") is not None


def _check_frame(frame: Frame, size: tuple[int, int] | None) -> tuple[int, int]:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] not in (3, 4):
        raise BadInput("A frame of a clip is a picture of 8 bits and three or four channels.")
    here = (int(frame.shape[1]), int(frame.shape[0]))
    if size is not None and here != size:
        raise BadInput("The pictures of a clip must be of one size, not {size} and {here}.", size=size, here=here)
    if here[0] * here[1] > clip_files.PIXEL_LIMIT or not all(here) or max(here) > 16383:
        raise BadInput(
            "A clip cannot be {width:,} x {height:,} pixels.", "Choose a smaller size.", width=here[0], height=here[1]
        )
    return here


def _open_writer(
    ending: str, part: Path, size: tuple[int, int], fps: float, loop: bool, quality: int, lossless: bool
) -> ClipWriter:
    if ending == ".mp4":
        return _Mp4Writer(part, size, fps, quality)
    if ending == ".gif":
        return GifWriter(part, size, loop)
    return _WebpWriter(part, size, loop, quality, lossless)


class _WebpWriter:
    """An animated WebP: every frame is packed by itself, cut to what differs from the one before (RFC 9649, ANMF)."""

    def __init__(self, path: Path, size: tuple[int, int], loop: bool, quality: int, lossless: bool) -> None:
        self._file: BinaryIO = path.open("wb")
        self._options: dict[str, Any] = {"quality": quality, "method": 4, "lossless": lossless, "exact": lossless}
        self._before: Frame | None = None
        self._clear = False
        width, height = size
        self._file.write(b"RIFF\0\0\0\0WEBP")
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        self._file.write(struct.pack("<4sI", b"VP8X", 10) + b"\x02\0\0\0" + sides)
        self._file.write(struct.pack("<4sI", b"ANIM", 6) + b"\0\0\0\0" + struct.pack("<H", 0 if loop else 1))

    def add(self, frame: Frame, stand: float) -> None:
        left, top, right, bottom = changed_box(self._before, frame, even=True)
        self._before = np.array(frame)
        part = np.ascontiguousarray(frame[top:bottom, left:right])
        packed = io.BytesIO()
        Pillow.fromarray(part).save(packed, "WEBP", **self._options)
        data = _picture_chunks(packed.getvalue())
        self._clear = self._clear or (frame.shape[2] == 4 and bool((part[..., 3] < 255).any()))
        head = b"".join(
            value.to_bytes(3, "little")
            for value in (left // 2, top // 2, right - left - 1, bottom - top - 1, max(1, round(stand * 1000)))
        )
        # Flags: the new picture replaces what was there instead of lying over it; it stays until the next.
        self._file.write(struct.pack("<4sI", b"ANMF", 16 + len(data)) + head + b"\x02" + data)

    def close(self) -> None:
        whole = self._file.tell()
        self._file.seek(4)
        self._file.write(struct.pack("<I", whole - 8))
        self._file.seek(20)
        self._file.write(bytes([0x12 if self._clear else 0x02]))  # moving, and whether anything shows through
        self._file.close()

    def abort(self) -> None:
        self._file.close()


def changed_box(before: Frame | None, frame: Frame, *, even: bool = False) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) outside of which both frames are alike; one pixel where they are the same.

    `even`: left and top are even numbers, as the file asks for.
    """
    height, width = frame.shape[:2]
    if before is None:
        return 0, 0, width, height
    differ = (before != frame).any(axis=2) if before.shape == frame.shape else np.ones((height, width), bool)
    rows, columns = np.flatnonzero(differ.any(axis=1)), np.flatnonzero(differ.any(axis=0))
    if not rows.size:
        return 0, 0, 1, 1
    left, top = int(columns[0]), int(rows[0])
    if even:
        left, top = left // 2 * 2, top // 2 * 2
    return left, top, int(columns[-1]) + 1, int(rows[-1]) + 1


def _picture_chunks(data: bytes) -> bytes:
    """What of a still WebP goes into a frame: its alpha and its picture, without the head of an extended file."""
    at, found = 12, b""
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        stop = at + 8 + length + length % 2
        if kind in (b"ALPH", b"VP8 ", b"VP8L"):
            found += data[at:stop]
        at = stop
    return found


class _Mp4Writer:
    """An MP4, of H.264 where that can be, which every feed takes: 4:2:0, on white, its index first so that it plays
    while it loads."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float, quality: int) -> None:
        av = _av()
        from fractions import Fraction

        self._av = av
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        try:
            rate = Fraction(fps).limit_denominator(1001)
            encoder = _encoder(av)
            self._stream = self._container.add_stream(encoder, rate=rate)
        except Exception:
            self._container.close()
            raise
        width, height = size[0] + size[0] % 2, size[1] + size[1] % 2
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        wanted = max(0, min(100, quality))
        if encoder == "libx264":
            # Constant rate factor: 18 can hardly be told from the original, 28 is visibly soft.
            self._stream.options = {"crf": str(round(28 - wanted * 0.1)), "preset": "medium"}
        else:  # the others keep to bits a second: 0.05 to 0.35 for each pixel
            self._stream.bit_rate = max(200_000, round(width * height * fps * (0.05 + 0.003 * wanted)))

    def add(self, frame: Frame, stand: float) -> None:
        flat = on_white(frame)
        height, width = flat.shape[:2]
        if height % 2 or width % 2:
            flat = np.pad(flat, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(flat), format="rgb24")
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abort(self) -> None:
        with contextlib.suppress(Exception):
            self._container.close()


def on_white(frame: Frame) -> Frame:
    """The frame without alpha, laid on white."""
    if frame.shape[2] == 3:
        return frame
    alpha = frame[..., 3:].astype(np.uint16)
    return ((frame[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _mp4_frames(path: Path) -> Generator[Frame]:
    av = _av()
    try:
        with av.open(str(path), "r", format="mp4") as container:
            stream = container.streams.video[0]
            for frame in container.decode(stream):
                if frame.width * frame.height > clip_files.PIXEL_LIMIT:
                    raise BadInput("{name} is too large.", name=path.name)
                yield frame.to_ndarray(format="rgb24")
    except (BadInput, GeneratorExit):
        raise
    except Exception as error:
        raise BadInput("{name} is damaged.", "Its pictures cannot be read.", name=path.name) from error


def _encoder(av: Any) -> str:
    """The first of ENCODERS that is there. Raises StudioError where none is."""
    for name in ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except (ValueError, av.error.FFmpegError):
            continue
        return name
    raise StudioError("The installed video extra cannot write MP4.", "Choose WebP or GIF, which need nothing more.")


def _av() -> Any:
    # By name: it is an extra, untyped, and brings native libraries that only films need.
    try:
        return importlib.import_module("av")
    except (ImportError, OSError) as error:
        raise StudioError(
            "MP4 needs the video extra, which is not installed.",
            "Install the Python package av (`pip install av`; it brings x264 and x265, which are under the GPL), or "
            "choose WebP or GIF, which need nothing more.",
        ) from error
