"""Audio files: writes 16-bit WAV with a note, reads WAV, FLAC, Ogg and MP3.

libsndfile is loaded only when a sound is read, so that a studio without it can do everything else.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import struct
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import BadInput, Message, StudioError
from studio.media.payloads import Audio

SAMPLE_LIMIT = 240_000_000
"""Samples of all channels of the longest sound that is read: about 40 minutes of stereo at 48 kHz."""

CHANNEL_LIMIT = 16
NOTE_LIMIT = 4 * 2**20
STREAMED = 0x7FFF0000  # what a program that does not know the length of a WAV's data writes is at least this
PAGE_LIMIT, LAST_PAGE = (
    27 + 255 + 255 * 255,
    4,
)  # bytes of the longest page of an Ogg file; a flag (RFC 3533, section 6)
_DECODING = threading.Lock()


def write_wav(audio: Audio, path: Path, note: str) -> None:
    """16-bit PCM without dither, samples beyond [-1, 1] clipped; `note` in the comment of a LIST/INFO chunk."""
    channels = audio.samples.shape[0]
    levels = np.nan_to_num(audio.samples.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    pcm = np.clip(np.rint(levels.T * 32768.0), -32768, 32767).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, channels, audio.rate, audio.rate * channels * 2, channels * 2, 16)
    chunks = _chunk(b"fmt ", form)
    if note:
        chunks += _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", note.encode("utf-8", "replace") + b"\0"))
    size = len(chunks) + 12 + len(pcm)
    if size >= 2**32:
        raise BadInput("This sound is too long for a WAV file.", "Make a shorter one.")
    with path.open("wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + chunks)
        file.write(struct.pack("<4sI", b"data", len(pcm)))
        file.write(pcm)


def read(path: Path, warn: Callable[[Message], object]) -> Audio:
    """The sound in a file; `warn` is told if the file is cut off."""
    soundfile = _soundfile()
    try:
        with silent_decoder(path), soundfile.SoundFile(str(path)) as file:
            frames, channels, rate = int(file.frames), int(file.channels), int(file.samplerate)
            if channels > CHANNEL_LIMIT:
                raise BadInput(
                    "{name} has {channels} channels.",
                    "Sounds of up to {limit} channels are read.",
                    name=path.name,
                    channels=channels,
                    limit=CHANNEL_LIMIT,
                )
            if frames * channels > SAMPLE_LIMIT:
                minutes = SAMPLE_LIMIT // 96_000 // 60
                raise BadInput(
                    "{name} is too long.",
                    "Sounds up to {minutes} minutes (stereo) are read.",
                    name=path.name,
                    minutes=minutes,
                )
            samples: NDArray[np.float32] = file.read(dtype="float32", always_2d=True)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput("{name} is damaged or no sound.", "WAV, FLAC, Ogg and MP3 are read.", name=path.name) from error
    if samples.size == 0:
        raise BadInput("{name} is an empty sound.", name=path.name)
    if frames - len(samples) > rate // 10:  # some files count a little more than they hold
        warn(
            Message(
                "{name} is cut off: {there:.1f} of its {seconds:.1f} seconds are there.",
                name=path.name,
                there=len(samples) / rate,
                seconds=frames / rate,
            )
        )
    elif _is_cut(path):
        there = len(samples) / rate
        warn(Message("{name} is cut off after {there:.1f} seconds: its end is missing.", name=path.name, there=there))
    clean = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return Audio(np.ascontiguousarray(np.clip(clean, -1.0, 1.0).T), rate)


def read_wav_note(path: Path) -> bytes | None:
    """The note that `write_wav` embedded; None where there is none."""
    with path.open("rb") as file:
        riff = file.read(12)
        if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            return None
        while len(header := file.read(8)) == 8:
            kind, length = struct.unpack("<4sI", header)
            if kind == b"LIST" and length <= NOTE_LIMIT:
                found = _info_comment(file.read(length + length % 2))
                if found is not None:
                    return found
            else:
                file.seek(length + length % 2, io.SEEK_CUR)
    return None


def _is_cut(path: Path) -> bool:
    """Whether the end of a WAV or Ogg file is missing, of which libsndfile reads what is there without a word."""
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            while len(header := file.read(8)) == 8:
                kind, length = struct.unpack("<4sI", header)
                if kind == b"data":  # of a stream the length is not known: 0, or as large as can be
                    return length < STREAMED and file.tell() + length > size
                file.seek(length + length % 2, io.SEEK_CUR)
        elif head[:4] == b"OggS":
            file.seek(max(0, size - PAGE_LIMIT))
            rest = file.read()
            page = rest[rest.rfind(b"OggS") :]
            lacing = page[27 : 27 + page[26]] if len(page) >= 27 else b""
            whole = len(page) >= 27 and len(lacing) == page[26] and len(page) >= 27 + len(lacing) + sum(lacing)
            return not (whole and page[5] & LAST_PAGE)
    return False


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(data)) + data + b"\0" * (len(data) % 2)


def _info_comment(data: bytes) -> bytes | None:
    if data[:4] != b"INFO":
        return None
    at = 4
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"ICMT":
            return data[at + 8 : at + 8 + length].rstrip(b"\0")
        at += 8 + length + length % 2
    return None


@contextlib.contextmanager
def silent_decoder(path: Path) -> Generator[None]:
    """Keeps from the terminal what libsndfile's MP3 decoder writes to standard error about damage in this file.

    One file at a time, since standard error is the whole process's; it writes nothing about the other kinds.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head in (b"RIFF", b"fLaC", b"OggS"):
        yield
        return
    with _DECODING, contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a program without a terminal may have no standard error
            shown = os.dup(2)
            stack.callback(os.close, shown)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            stack.callback(os.close, nowhere)
            os.dup2(nowhere, 2)
            stack.callback(os.dup2, shown, 2)
        yield


def _soundfile() -> Any:
    # By name because it is untyped, and here because it loads a native library.
    try:
        return importlib.import_module("soundfile")
    except (ImportError, OSError) as error:
        raise StudioError("Sounds cannot be read on this machine.", "Install the Python package soundfile.") from error
