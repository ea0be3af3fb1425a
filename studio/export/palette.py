"""Background colours that go with a picture: soft and deep tones of its own."""

from __future__ import annotations

import colorsys

import numpy as np
from PIL import Image as Pillow

from studio.media.payloads import Image

WHITE_AND_BLACK = ("#ffffff", "#111111")


def suggest_colours(picture: Image, count: int = 8) -> tuple[str, ...]:
    """At most `count` colours as "#rrggbb": light tones of the picture's own hues, a deep one of its main hue, and
    white and near black last.
    """
    source = Pillow.fromarray(np.ascontiguousarray(picture.pixels)).convert("RGBA")
    source.thumbnail((96, 96))
    pixels = np.asarray(source)
    seen = pixels[pixels[..., 3] >= 128][:, :3]
    found: list[str] = []
    hues: list[float] = []
    if len(seen):
        sheet = Pillow.fromarray(np.ascontiguousarray(seen[None]))
        few = sheet.quantize(12, Pillow.Quantize.MEDIANCUT, kmeans=1, dither=Pillow.Dither.NONE)
        listed = np.array(few.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
        counts = np.bincount(np.asarray(few).ravel(), minlength=len(listed))
        for at in np.argsort(-counts[: len(listed)]):
            hue, lightness, richness = colorsys.rgb_to_hls(*(float(level) / 255 for level in listed[at]))
            vivid = richness * (1 - abs(2 * lightness - 1))
            if vivid < 0.12 or any(min(abs(hue - other), 1 - abs(hue - other)) < 0.04 for other in hues):
                continue
            hues.append(hue)
            found.append(_hex(hue, 0.88, min(0.7, richness)))
            if len(hues) == 1:
                found.append(_hex(hue, 0.24, min(0.6, richness)))
                found.append(_hex((hue + 0.5) % 1, 0.86, 0.5))  # what stands out against it
    return (*tuple(dict.fromkeys(found))[: count - len(WHITE_AND_BLACK)], *WHITE_AND_BLACK)


def _hex(hue: float, lightness: float, richness: float) -> str:
    return "#" + "".join(f"{round(level * 255):02x}" for level in colorsys.hls_to_rgb(hue, lightness, richness))
