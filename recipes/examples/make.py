"""Makes the examples that empty pages show: asks the bundled models for a few works, and keeps each as a small file.

    python -m recipes.examples.make [MEDIUM ...]

Every request has the seed of its place in the list, and none is left out for its looks. Run it again when a bundled
model has changed: what it writes to resources/examples replaces what was there.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import soundfile

from studio.backends import medium as find_medium
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Text
from studio.models.examples import INDEX
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import RESOURCES, AppPaths

FIRST_SEED = 11
LARGEST = 20_000
"""Bytes of a file."""
SIDE = 320
"""Pixels of a picture's shorter side."""
PEAKS = 120
"""Bars of a waveform."""
OUT = RESOURCES / "examples"

WANTED: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "avatar": [{"style": style} for style in ("adventurer", "open-peeps", "micah", "big-smile", "personas") * 3],
    "poster": [
        {"prompt": prompt}
        for prompt in (
            "a lighthouse on the coast at sunset",
            "snowy mountains at dawn with a balloon",
            "a forest at night with a deer and a campfire",
            "jazz concert, saxophone player",
            "an elephant in the desert at sunset",
            "a lake in the mist with a pier",
            "summer fruit market",
            "a harbour at sunset with three boats",
            "book fair",
            "a rocket over the mountains at night",
            "bicycle race in the city",
            "rolling hills with a windmill in the snow",
        )
    ],
    "story": [
        {"prompt": f"# {title}\n\n", "tokens": 150}
        for title in (
            "The Lost Compass",
            "The Night Train",
            "A Letter from the Sea",
            "The Baker's Secret",
            "Rain in the Old Town",
            "The Last Lantern",
        )
    ],
    "music": [
        {"genre": genre, "mood": mood, "seconds": 7}
        for genre, mood in (
            ("lullaby", "tender"),
            ("lofi", "nostalgic"),
            ("waltz", "joyful"),
            ("march", "hopeful"),
            ("ambient", "mysterious"),
            ("lofi", "peaceful"),
        )
    ],
}


def requests(name: str) -> list[Request]:
    """What is asked of a medium, by its starter's own settings."""
    medium = find_medium(name)
    kind = medium.default_task.request
    return [kind(**fields, seed=FIRST_SEED + at) for at, fields in enumerate(WANTED[name])]


def make(studio: Studio, name: str) -> None:
    medium = find_medium(name)
    model = studio.catalog.get(medium.starter)
    suited = medium.family(model.family).suited(medium.default_task.request, model)
    asked = [each.replace(**{**suited, **fields}) for each, fields in zip(requests(name), WANTED[name], strict=True)]
    jobs = [studio.submit(each.replace(model=model.id)) for each in asked]
    folder = OUT / name
    made: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        for at, job in enumerate(jobs):
            (work,) = job.future.result()
            entry = {"request": job.request.replace(model="").to_json()}
            made.append({**entry, **keep(work, Path(place), f"{at + 1:02}")})
            print(f"{name} {at + 1}/{len(jobs)}", flush=True)
        index = {"model": model.id, "sha256": model.sha256, "examples": made}
        text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
        (Path(place) / INDEX).write_text(text, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for each in Path(place).iterdir():
            shutil.copy(each, folder)


def keep(work: Asset, folder: Path, name: str) -> dict[str, Any]:
    """Write a small file of a work; what the index says of it."""
    if work.is_audio:
        data, peaks = sound(work.path)
        (folder / f"{name}.ogg").write_bytes(data)
        return {"file": f"{name}.ogg", "peaks": peaks}
    if work.path.suffix in (".md", ".txt"):
        read = codecs.read(work.path)
        assert isinstance(read, Text)
        return {"text": read.text.rstrip() + "\n"}
    (folder / f"{name}.webp").write_bytes(picture(work.path))
    return {"file": f"{name}.webp"}


def picture(path: Path) -> bytes:
    """A WebP of at most LARGEST bytes, as good as that allows."""
    with PIL.Image.open(path) as opened:
        whole = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
    scale = SIDE / min(whole.size)
    small = whole.resize((round(whole.width * scale), round(whole.height * scale)), PIL.Image.Resampling.LANCZOS)
    for quality in range(88, 20, -6):
        written = io.BytesIO()
        small.save(written, "WEBP", quality=quality, method=6)
        if written.tell() <= LARGEST:
            return written.getvalue()
    raise ValueError(f"{path} is too rich for a small file")


def sound(path: Path) -> tuple[bytes, list[float]]:
    """An Ogg file of at most LARGEST bytes, and the peaks of its waveform, 0 to 1."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    one = samples.mean(1)
    peaks = [round(float(np.abs(part).max()), 3) for part in np.array_split(one, PEAKS)]
    for level in np.linspace(0.5, 1.0, 6):
        written = io.BytesIO()
        soundfile.write(written, one, rate, format="OGG", subtype="OPUS", compression_level=float(level))
        if written.tell() <= LARGEST:
            return written.getvalue(), peaks
    raise ValueError(f"{path} is too long for a small file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("media", nargs="*", metavar="MEDIUM", help=f"of {', '.join(WANTED)}; without any, all")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        studio = Studio(AppPaths.under(Path(home)), persist_queue=False, isolated=False)
        try:
            for name in asked.media or WANTED:
                make(studio, name)
        finally:
            studio.close()


if __name__ == "__main__":
    main()
