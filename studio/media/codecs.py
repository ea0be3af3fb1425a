"""Reads payloads from files and writes them, with the request and provenance embedded as a note.

The same payload and note give the same bytes: no clock, no ids. Files are not trusted: sizes are checked before memory
is allocated, and whatever is wrong raises BadInput. What needs numpy and Pillow is imported by the functions that use
it: the window starts without them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from studio.errors import BadInput, Message, quiet
from studio.media import clip_files, texts, xmp
from studio.media.payloads import Audio, Bundle, Clip, Image, Payload, Svg, Text

TEXT_LIMIT = 32 * 2**20
"""Bytes of the largest text file that is read."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif")
CLIP_SUFFIXES = clip_files.SUFFIXES
"""A WebP or GIF of one picture is a picture, of several a clip."""

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
TEXT_SUFFIXES = (".md", ".txt")
SUFFIXES = (*IMAGE_SUFFIXES, ".mp4", *AUDIO_SUFFIXES, *TEXT_SUFFIXES)
"""The suffixes of files that `read` reads, lower case."""

SUFFIXES_OF = {"picture": (*IMAGE_SUFFIXES, ".mp4"), "sound": AUDIO_SUFFIXES, "text": TEXT_SUFFIXES}
"""The same by what `WorkRef.takes` says; a clip counts as a picture, its first."""

_SVG_TAG = re.compile(rb"<svg(?:\s[^<>]*)?>")
_NOTE_COMMENT = re.compile(rb"\n\n<!-- aigc-studio (\{[^\n]*\}) -->\n?\Z")


def suffix(payload: Payload) -> str:
    """The suffix of the file that `write` makes of this payload: .png, .wav, .md or .svg; of a clip, its own."""
    if isinstance(payload, Image):
        return ".png"
    if isinstance(payload, Clip):
        return payload.path.suffix.lower()
    if isinstance(payload, Audio):
        return ".wav"
    if isinstance(payload, Text):
        return ".md"
    if isinstance(payload, Svg):
        return ".svg"
    raise TypeError(f"a {type(payload).__name__} is not one file")


def write(payload: Payload, path: Path, *, note: Mapping[str, Any] | None = None) -> None:
    """Write the payload to `path`, whose suffix must be `suffix(payload)`, with `note` embedded as JSON.

    PNG: an iTXt chunk; WAV: the comment (ICMT) of a LIST/INFO chunk; Markdown: a trailing HTML comment; WebP and MP4:
    XMP; GIF: a comment extension; SVG: XMP in a <metadata> element. Samples become 16-bit PCM; a clip's own file is
    copied. Raises OSError where it cannot be written, BadInput where the file of a clip is damaged.
    """
    from studio.media import audio, images

    if path.suffix.lower() != suffix(payload):
        raise ValueError(f"{path.name} is no name for {suffix(payload)}")
    text = json_text(note) if note else ""
    if isinstance(payload, Image):
        images.write_png(payload, path, text)
    elif isinstance(payload, Audio):
        audio.write_wav(payload, path, text)
    elif isinstance(payload, Clip):
        clip_files.copy_with_note(payload.path, path, text, xmp.TRAINED)
    elif isinstance(payload, Text):
        path.write_bytes(_markdown_bytes(payload.text, text))
    elif isinstance(payload, Svg):
        path.write_bytes(_svg_bytes(payload.text, text))


def read(path: Path, warn: Callable[[Message], object] = quiet) -> Image | Clip | Audio | Text:
    """The payload in a file: a picture upright and in sRGB, a sound in [-1, 1], a text without its trailing note.

    A clip stays in its file, whose timing and first picture were read. `warn` is told what was guessed or ignored.
    """
    from studio.media import audio, clips, images

    ending = _check_suffix(path)
    try:
        if ending in CLIP_SUFFIXES and clip_files.is_animated(path):
            clips.first_frame(path)
            return clips.read_info(path)
        if ending in IMAGE_SUFFIXES:
            return images.read(path, warn)
        if ending in AUDIO_SUFFIXES:
            return audio.read(path, warn)
        return Text(texts.decode(_NOTE_COMMENT.sub(b"", _text_bytes(path)), path, warn))
    except OSError as error:
        raise BadInput("{name} cannot be read: {reason}.", name=path.name, reason=error.strerror or error) from error


def read_note(path: Path) -> dict[str, Any] | None:
    """The note that `write` or an export embedded; None where there is none, or it is damaged."""
    from studio.media import audio, images

    ending = ".svg" if path.suffix.lower() == ".svg" and path.is_file() else _check_suffix(path)
    try:
        if ending == ".png":
            text = images.read_png_note(path)
        elif ending in (".jpg", ".jpeg"):
            text = images.read_jpeg_note(path)
        elif ending in CLIP_SUFFIXES:
            text = clip_files.read_note(path)
        elif ending == ".wav":
            text = audio.read_wav_note(path)
        elif ending in TEXT_SUFFIXES:
            found = _NOTE_COMMENT.search(_text_bytes(path))
            text = found.group(1) if found else None
        elif ending == ".svg":
            text = xmp.read_note(_text_bytes(path))
        else:
            text = None
    except OSError as error:
        raise BadInput("{name} cannot be read: {reason}.", name=path.name, reason=error.strerror or error) from error
    if not text:
        return None
    try:
        note: object = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", note) if isinstance(note, dict) else None


def thumbnail(payload: Payload, size: int) -> Image | None:
    """A thumbnail, at most `size` pixels on its longer side: of a clip its first picture, of a sound its waveform.

    None for a text, and for an MP4 where PyAV is not installed.
    """
    from studio.media import clips, images, waveforms

    if isinstance(payload, Bundle):
        return thumbnail(payload.main, size)
    if isinstance(payload, Image):
        return images.shrink(payload, size)
    if isinstance(payload, Clip):
        first = clips.first_frame(payload.path)
        return None if first is None else images.shrink(first, size)
    if isinstance(payload, Audio):
        return waveforms.waveform(payload, size)
    return None


def json_text(note: Mapping[str, Any]) -> str:
    """The note as it is embedded in files: the same text for equal notes."""
    text = json.dumps(note, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")


def _markdown_bytes(text: str, note: str) -> bytes:
    body = text.encode("utf-8", "replace")
    if not note:
        return body
    # They occur inside JSON strings only, where they can be escaped; unescaped they would end the comment.
    safe = note.replace("--", "-\\u002d").replace(">", "\\u003e").replace("<", "\\u003c")
    return body + f"\n\n<!-- aigc-studio {safe} -->\n".encode()


def _svg_bytes(text: str, note: str) -> bytes:
    """The SVG with the note in a <metadata> element after its opening tag."""
    body = text.encode("utf-8", "replace")
    opening = _SVG_TAG.search(body)
    if opening is None:
        raise BadInput("This drawing is no SVG.")
    return body[: opening.end()] + xmp.svg_metadata(note, xmp.TRAINED) + body[opening.end() :] if note else body


def _check_suffix(path: Path) -> str:
    ending = path.suffix.lower()
    if not path.exists():
        raise BadInput("There is no file {path}.", "Check the name.", path=path)
    if ending not in SUFFIXES:
        raise BadInput(
            "{name} is of a kind that the studio cannot read.",
            "It reads {names}.",
            name=path.name,
            names=", ".join(known[1:].upper() for known in SUFFIXES),
        )
    if not path.is_file():
        raise BadInput("{name} is not a file.", name=path.name)
    return ending


def _text_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(TEXT_LIMIT + 1)
    if len(data) > TEXT_LIMIT:
        raise BadInput(
            "{name} is too long: texts up to {limit} MB are read.", name=path.name, limit=TEXT_LIMIT // 2**20
        )
    return data
