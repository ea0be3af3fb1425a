"""Writes frames to animated WebP, GIF and MP4, and reads them back.

Holds one frame at a time, whatever the length. Pillow compresses single pictures, which are put together here as WebP
(RFC 9649) and GIF (GIF89a specification); MP4 goes through PyAV, an extra that is imported by name.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import struct
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.errors import BadInput, StudioError
from studio.media import clip_files, temp_clips
from studio.media.payloads import Clip, Image
from studio.system.storage import replacing

ENCODERS = ("libopenh264", "libx264", "mpeg4")
"""Encoders of MP4; the first that the installed FFmpeg has is used: H.264 under a permissive licence, H.264 under the
GPL, which the wheels of PyAV bring, and FFmpeg's own MPEG-4 (docs/adr/010)."""

Frame = NDArray[np.uint8]
"""uint8 `[H, W, 3]` or `[H, W, 4]`, sRGB, alpha straight."""

MAX_FPS = {".webp": 1000.0, ".gif": 50.0, ".mp4": 240.0}
"""The most frames a second that each kind can have and players keep to."""


TRANSPARENT = 255
"""The palette index of transparent pixels in a GIF, in frames that have any."""

ALPHA_THRESHOLD = 128
"""Alpha from which on a pixel of a GIF is opaque."""

SAMPLE_LIMIT = 40_000
"""Pixels of a frame that its palette is computed from."""

DITHER_ABOVE = 2.0
"""Mean distance from the palette, in levels of 255, up to which dithering gains nothing."""


class ClipWriter(Protocol):
    """Writes a file of moving pictures, a frame at a time."""

    def add(self, frame: Frame, duration: float) -> None:
        """Write a frame that is shown for so many seconds."""
        ...

    def close(self) -> None:
        """Write the end of the file and close it."""
        ...

    def abort(self) -> None:
        """Close the file, unfinished."""
        ...


def write(
    frames: Iterable[Frame], path: Path, fps: float, *, loop: bool = True, quality: int = 85, lossless: bool = False
) -> Clip:
    """Write frames, all of one size, as the file that the ending of `path` names; the whole file or none, and then the
    folder goes too that `temp_clips.new_path` made for it.

    `fps` is frames a second. WebP and GIF keep alpha (GIF: on or off) and play for ever where `loop`; MP4 is laid on
    white and has even sides, the last row or column repeated. What `frames` raises passes through. Raises BadInput for
    frames that do not fit together, StudioError where MP4 cannot be written here, OSError where the disk refuses.
    """
    ending = path.suffix.lower()
    if ending not in MAX_FPS:
        raise ValueError(f"{path.name} is no name for moving pictures")
    try:
        if not 0.1 <= fps <= MAX_FPS[ending]:
            raise BadInput(
                "{format} cannot show {fps:g} frames a second.",
                "At most {limit:g}.",
                format=ending[1:].upper(),
                fps=fps,
                limit=MAX_FPS[ending],
            )
        with replacing(path) as part:
            _write_frames(frames, part, ending, fps, loop, quality, lossless)
    except BaseException:
        temp_clips.remove_folder(path)
        raise
    return read_info(path)


def _write_frames(
    frames: Iterable[Frame], path: Path, ending: str, fps: float, loop: bool, quality: int, lossless: bool
) -> None:
    writer: ClipWriter | None = None
    count, size = 0, None
    try:
        for frame in frames:
            size = _check_frame(frame, size)
            if writer is None:
                writer = _open_writer(ending, path, size, fps, loop, quality, lossless)
            count += 1
            # The end of this frame less the end of the one before, both rounded: errors do not add up.
            unit = 100 if ending == ".gif" else 1000
            writer.add(frame, (round(count / fps * unit) - round((count - 1) / fps * unit)) / unit)
        if writer is None:
            raise BadInput("A clip needs at least one picture.")
        writer.close()
    except BaseException:
        if writer is not None:
            writer.abort()
        raise


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
    ending: str, path: Path, size: tuple[int, int], fps: float, loop: bool, quality: int, lossless: bool
) -> ClipWriter:
    if ending == ".mp4":
        return _Mp4Writer(path, size, fps, quality)
    if ending == ".gif":
        return _GifWriter(path, size, loop)
    return _WebpWriter(path, size, loop, quality, lossless)


class _WebpWriter:
    """An animated WebP: each frame compressed by itself, cut to what differs from the one before (RFC 9649, ANMF)."""

    def __init__(self, path: Path, size: tuple[int, int], loop: bool, quality: int, lossless: bool) -> None:
        self._file: BinaryIO = path.open("wb")
        self._options: dict[str, Any] = {"quality": quality, "method": 4, "lossless": lossless, "exact": lossless}
        self._before: Frame | None = None
        self._transparent = False
        width, height = size
        self._file.write(b"RIFF\0\0\0\0WEBP")
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        self._file.write(struct.pack("<4sI", b"VP8X", 10) + b"\x02\0\0\0" + sides)
        self._file.write(struct.pack("<4sI", b"ANIM", 6) + b"\0\0\0\0" + struct.pack("<H", 0 if loop else 1))

    def add(self, frame: Frame, duration: float) -> None:
        left, top, right, bottom = changed_box(self._before, frame, even=True)
        self._before = np.array(frame)
        changed = np.ascontiguousarray(frame[top:bottom, left:right])
        still = io.BytesIO()
        Pillow.fromarray(changed).save(still, "WEBP", **self._options)
        data = _picture_chunks(still.getvalue())
        self._transparent = self._transparent or (frame.shape[2] == 4 and bool((changed[..., 3] < 255).any()))
        head = b"".join(
            value.to_bytes(3, "little")
            for value in (left // 2, top // 2, right - left - 1, bottom - top - 1, max(1, round(duration * 1000)))
        )
        # Flags: the frame replaces the pixels under it instead of blending with them, and stays until the next.
        self._file.write(struct.pack("<4sI", b"ANMF", 16 + len(data)) + head + b"\x02" + data)

    def close(self) -> None:
        size = self._file.tell()
        self._file.seek(4)
        self._file.write(struct.pack("<I", size - 8))
        self._file.seek(20)
        self._file.write(bytes([0x12 if self._transparent else 0x02]))  # animated, and whether it has transparency
        self._file.close()

    def abort(self) -> None:
        self._file.close()


def changed_box(before: Frame | None, frame: Frame, *, even: bool = False) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) outside of which both frames are the same; one pixel where they are equal.

    `even`: left and top are even numbers, as WebP needs them.
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
    """The chunks of a still WebP that make a frame: its alpha and its picture, without the header of the file."""
    at, found = 12, b""
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        stop = at + 8 + length + length % 2
        if kind in (b"ALPH", b"VP8 ", b"VP8L"):
            found += data[at:stop]
        at = stop
    return found


class _GifWriter:
    """A GIF whose frames have a palette each. Pillow cannot write one without holding all frames, so it chooses the
    colours and compresses, and the file is put together here."""

    def __init__(self, path: Path, size: tuple[int, int], loop: bool) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(b"GIF89a" + struct.pack("<HHBBB", *size, 0x70, 0, 0))
        if loop:
            self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")

    def add(self, frame: NDArray[np.uint8], duration: float) -> None:
        # A frame of four channels names its transparent colour even where it has no such pixels.
        clear = frame[..., 3] < ALPHA_THRESHOLD if frame.shape[2] == 4 else None
        indices, palette = to_palette(frame[..., :3], clear)
        # After a frame that may be transparent, the area is cleared: what the next does not cover must not stay.
        disposal, has_clear = (2, 1) if clear is not None else (1, 0)
        control = struct.pack(
            "<BHB", disposal << 2 | has_clear, max(2, round(duration * 100)), TRANSPARENT if has_clear else 0
        )
        self._file.write(b"\x21\xf9\x04" + control + b"\0" + _image_block(indices, palette))

    def close(self) -> None:
        self._file.write(b"\x3b")
        self._file.close()

    def abort(self) -> None:
        self._file.close()


def to_palette(pixels: Frame, clear: NDArray[np.bool_] | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Palette indices `[H, W]` and the palette `[256, 3]`; pixels that are `clear` get TRANSPARENT.

    The palette is chosen from the opaque pixels, and dithered only where its colours are too few.
    """
    height, width = pixels.shape[:2]
    opaque = pixels if clear is None else pixels[~clear]
    if not opaque.size:
        return np.full((height, width), TRANSPARENT, np.uint8), np.zeros((256, 3), np.uint8)
    flat = opaque.reshape(-1, 3)
    flat = flat[:: max(1, len(flat) // SAMPLE_LIMIT)]
    side = int(np.ceil(np.sqrt(len(flat))))
    sample = np.resize(flat, (side, side, 3))  # as a square: Pillow quantises pictures, not lists
    colours = 256 if clear is None else 255
    chosen = Pillow.fromarray(sample).quantize(colours, Pillow.Quantize.MEDIANCUT, kmeans=2, dither=Pillow.Dither.NONE)
    listed: Any = chosen.getpalette("RGB")
    palette = np.zeros((256, 3), np.uint8)
    given = np.array(listed, np.uint8).reshape(-1, 3)[:colours]
    palette[: len(given)] = given
    palette[len(given) :] = given[0]
    picture = Pillow.fromarray(np.ascontiguousarray(pixels))
    indices = np.array(picture.quantize(palette=chosen, dither=Pillow.Dither.NONE))
    off = np.abs(palette[indices].astype(np.int16) - pixels).mean(axis=2)
    if float(off.mean() if clear is None else off[~clear].mean()) > DITHER_ABOVE:
        indices = np.array(picture.quantize(palette=chosen, dither=Pillow.Dither.FLOYDSTEINBERG))
    if clear is not None:
        indices = np.where(clear, TRANSPARENT, indices)
    return indices.astype(np.uint8), palette


def _image_block(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """An image descriptor with its own palette and the compressed data, which Pillow's own GIF has in that order."""
    picture = Pillow.fromarray(indices, "P")
    picture.putpalette(palette.tobytes())
    still = io.BytesIO()
    picture.save(still, "GIF", optimize=False, interlace=0)
    data = still.getvalue()
    at = 13 + (3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] == 0x21:  # extensions that Pillow puts before the picture
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    box, local = data[at : at + 9], data[at + 9]
    codes = at + 10 + (3 * 2 ** ((local & 7) + 1) if local & 0x80 else 0)
    return box + b"\x87" + palette.tobytes() + data[codes:-1]


class _Mp4Writer:
    """An MP4, in H.264 where possible: 4:2:0, on white, its index first so that it plays while it loads."""

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
        quality = max(0, min(100, quality))
        if encoder == "libx264":
            # Constant rate factor: 18 can hardly be distinguished from the original, 28 is visibly soft.
            self._stream.options = {"crf": str(round(28 - quality * 0.1)), "preset": "medium"}
        else:  # the others take a bit rate: 0.05 to 0.35 bits for each pixel
            self._stream.bit_rate = max(200_000, round(width * height * fps * (0.05 + 0.003 * quality)))

    def add(self, frame: Frame, duration: float) -> None:
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
    """The first of ENCODERS that is available. Raises StudioError where none is."""
    for name in ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except (ValueError, av.error.FFmpegError):
            continue
        return name
    raise StudioError("The installed video extra cannot write MP4.", "Choose WebP or GIF, which need nothing more.")


def _av() -> Any:
    # By name: it is an extra, untyped, and brings native libraries that only MP4 needs.
    try:
        return importlib.import_module("av")
    except (ImportError, OSError) as error:
        raise StudioError(
            "MP4 needs the video extra, which is not installed.",
            "Install the Python package av (`pip install av`; it brings x264 and x265, which are under the GPL), or "
            "choose WebP or GIF, which need nothing more.",
        ) from error
