"""Picture files: writes PNG with a note, reads them and other formats as upright sRGB, makes thumbnails.

A picture's size is checked before memory is given to it.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps

from studio.errors import BadInput, Message, quiet
from studio.media import xmp
from studio.media.payloads import Image

PIXEL_LIMIT = 120_000_000
"""Pixels of the largest picture that is read."""

FORMATS = {".gif": ("GIF",), ".tif": ("TIFF",), ".tiff": ("TIFF",), ".bmp": ("BMP",), ".avif": ("AVIF",)}
"""What a file of this suffix is read as, by Pillow's names; under other suffixes PNG, JPEG and WebP are told apart."""

READ = Message("PNG, JPEG, WebP, GIF, TIFF, BMP and AVIF are read.")
NOTE_LIMIT = 4 * 2**20
KEYWORD = "aigc-studio"
XMP_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Pillow's own guard, wherever in the process a picture is opened: it refuses above twice its limit. Above the limit it
# only warns, where `read` raises BadInput.
Pillow.MAX_IMAGE_PIXELS = PIXEL_LIMIT
warnings.filterwarnings("ignore", category=Pillow.DecompressionBombWarning)


def write_png(image: Image, path: Path, note: str) -> None:
    """An 8-bit sRGB PNG with the note in an iTXt chunk; the same bytes every time on one machine.

    Every row is filtered by Sub and compressed as runs (PNG 3rd edition, sections 9 and 10): half the time of Pillow's
    encoder, which tries all filters on every row, for a file that is no larger.
    """
    pixels = np.ascontiguousarray(image.pixels)
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, width * channels)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = 1  # Sub: each byte less the one of the pixel before
    filtered[:, 1 : 1 + channels] = rows[:, :channels]
    np.subtract(rows[:, channels:], rows[:, :-channels], out=filtered[:, 1 + channels :])
    colour = {3: 2, 4: 6}[channels]
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
        _chunk(file, b"sRGB", b"\0")
        if note:
            # Keyword, compression flag and method, language, translated keyword: none, all empty.
            _chunk(file, b"iTXt", KEYWORD.encode() + b"\0\0\0\0\0" + note.encode())
        _chunk(file, b"IDAT", _deflate(filtered))
        _chunk(file, b"IEND", b"")


def _deflate(rows: NDArray[np.uint8]) -> bytes:
    """`rows` as a zlib stream (RFC 1950) of two halves that are compressed in parallel."""
    middle = len(rows) // 2

    def deflated(part: NDArray[np.uint8], flush: int) -> bytes:
        compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=zlib.Z_RLE)
        return compressor.compress(part.data) + compressor.flush(flush)

    with ThreadPoolExecutor(1) as pool:  # zlib releases the GIL
        upper = pool.submit(deflated, rows[:middle], zlib.Z_FULL_FLUSH)
        lower = deflated(rows[middle:], zlib.Z_FINISH)
        return b"\x78\x01" + upper.result() + lower + struct.pack(">I", zlib.adler32(rows.data))


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def read(path: Path, warn: Callable[[Message], object] = quiet) -> Image:
    """The picture in a file, the first one where there are several; `warn` is told if its colours cannot be kept."""
    kinds = FORMATS.get(path.suffix.lower(), ("PNG", "JPEG", "WEBP"))
    try:
        with Pillow.open(path, formats=kinds) as opened:
            _check_size(path, *opened.size)
            picture = to_srgb8(opened, lambda said: warn(Message("{name}: {said}", name=path.name, said=said)))
            return Image(np.array(picture, dtype=np.uint8))
    except BadInput:
        raise
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise _too_large(path) from error
    except MemoryError as error:
        raise BadInput("{name} does not fit into memory.", "Make it smaller and try again.", name=path.name) from error
    except Exception as error:
        raise BadInput("{name} is damaged or no picture.", READ, name=path.name) from error


def size(path: Path) -> tuple[int, int]:
    """Width and height of the picture in a file, from its header; zeros where it is none."""
    try:
        with Pillow.open(path) as opened:
            return opened.size
    except Exception:  # noqa: BLE001 - reading it says why
        return (0, 0)


def shrink(image: Image, size: int) -> Image:
    """At most `size` pixels on the longer side; a smaller picture stays as it is."""
    picture = Pillow.fromarray(np.ascontiguousarray(image.pixels))
    picture.thumbnail((size, size), Pillow.Resampling.LANCZOS, reducing_gap=1.0)
    return Image(np.array(picture, dtype=np.uint8))


def encode_webp(image: Image) -> bytes:
    """A small lossy file for thumbnails."""
    file = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image.pixels)).save(file, "WEBP", quality=82, method=0)
    return file.getvalue()


def read_png_note(path: Path) -> bytes | None:
    """The note that `write_png` embedded; None where there is none."""
    keyword = KEYWORD.encode()
    with path.open("rb") as file:
        if file.read(8) != _SIGNATURE:
            return None
        while len(header := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", header)
            if kind == b"IEND":
                return None
            if kind == b"iTXt" and length <= NOTE_LIMIT:
                data = file.read(length)
                # keyword, compression flag and method (both 0 as we write it), language, translated keyword, text
                if data.startswith(keyword + b"\0\0\0"):
                    return data[len(keyword) + 3 :].split(b"\0", 2)[-1]
                file.seek(4, io.SEEK_CUR)
            else:
                file.seek(length + 4, io.SEEK_CUR)
    return None


def read_jpeg_note(path: Path) -> bytes | None:
    """The note in the XMP segment of a JPEG (ISO 16684-3, section 1.1.3); None where there is none."""
    with path.open("rb") as file:
        if file.read(2) != b"\xff\xd8":
            return None
        for _ in range(200):
            head = file.read(4)
            if len(head) < 4 or head[0] != 0xFF or head[1] in (0xDA, 0xD9):  # the picture's data, or the end
                return None
            data = file.read(max(0, int.from_bytes(head[2:], "big") - 2))
            if head[1] == 0xE1 and data.startswith(XMP_SEGMENT):
                return xmp.read_note(data)
    return None


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > PIXEL_LIMIT:
        raise _too_large(path, width, height)


def _too_large(path: Path, width: int = 0, height: int = 0) -> BadInput:
    message = Message("{name} is too large.", name=path.name)
    if width:
        message = Message(
            "{name} is too large ({width:,} x {height:,} pixels).", name=path.name, width=width, height=height
        )
    return BadInput(message, "Pictures up to {limit} million pixels are read.", limit=PIXEL_LIMIT // 10**6)


def to_srgb8(opened: Pillow.Image, warn: Callable[[Message], object] = quiet) -> Pillow.Image:
    """Upright, 8 bits a channel, sRGB, RGB or RGBA. Of floating point pictures, 0 is black and 1 is white.

    `warn` is told of a colour profile that cannot be used, and of values that are neither black nor white nor between.
    """
    profile: object = opened.info.get("icc_profile")
    picture = ImageOps.exif_transpose(opened)
    if picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64), nan=0.0)
        if values.min(initial=0.0) < -0.001 or values.max(initial=0.0) > 1.001:
            warn(Message("Values below 0 are shown as black, values above 1 as white."))
        picture = Pillow.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))
    elif picture.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips instead of scaling.
        levels = np.asarray(picture, dtype=np.float64)
        picture = Pillow.fromarray(np.clip(np.rint(levels / 257), 0, 255).astype(np.uint8))
    clear = "transparency" in picture.info or picture.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    if isinstance(profile, bytes) and profile:
        changed = _apply_profile(picture, profile)
        if changed is None:
            warn(Message("Its colour profile is damaged or of another kind; its colours are read as sRGB."))
        elif clear:
            changed.putalpha(picture.convert("RGBA").getchannel("A"))
        picture = changed or picture
    return picture.convert("RGBA" if clear else "RGB")


def _apply_profile(picture: Pillow.Image, profile: bytes) -> Pillow.Image | None:
    """The colours of the picture in sRGB, without its alpha; None where the profile is damaged or unfitting."""
    cms: Any = ImageCms  # its types are incomplete
    try:
        source = cms.ImageCmsProfile(io.BytesIO(profile))
        grey = picture.mode in ("1", "L", "LA", "La") and source.profile.xcolor_space.strip() == "GRAY"
        colours = picture if picture.mode in ("RGB", "CMYK") else picture.convert("L" if grey else "RGB")
        return cms.profileToProfile(colours, source, cms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
