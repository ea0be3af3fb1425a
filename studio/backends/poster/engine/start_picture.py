"""The picture that a painting starts from and the mask of what is painted anew: read, brought to size, put back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from studio.backends.poster.requests import PosterRequest
from studio.errors import BadInput
from studio.media import images

Pixels = NDArray[np.uint8]
SOLID = 8  # of 255: what is less opaque has no colour of its own
LUMA = (0.299, 0.587, 0.114)  # how light red, green and blue are (ITU-R BT.601)
SOFTENED = 6.0  # pixels over which colours that are made up for transparent areas run into each other


@dataclass(frozen=True, slots=True)
class StartPicture:
    """`pixels` uint8 [H, W, 3]; `mask` uint8 [H, W], 255 where all is painted anew and 0 where nothing is, or None."""

    pixels: Pixels
    mask: Pixels | None = None

    def scaled(self, width: int, height: int) -> tuple[PIL.Image.Image, PIL.Image.Image | None]:
        """The picture, and a mask of 0 and 255 in which every pixel is marked that is painted anew at all."""
        picture = _covering(PIL.Image.fromarray(self.pixels), width, height)
        if self.mask is None:
            return picture, None
        marked = PIL.Image.fromarray(np.where(self.mask > 0, np.uint8(255), np.uint8(0)))
        reduced = np.asarray(_covering(marked, width, height, PIL.Image.Resampling.BOX))
        return picture, PIL.Image.fromarray(np.where(reduced > 0, np.uint8(255), np.uint8(0)))

    def with_painted(self, made: Pixels) -> Pixels:
        """`made`, of the size of `pixels`, through the mask: where that is 0 the picture's own pixels, bit by bit."""
        if self.mask is None:
            return made
        share = self.mask[..., None].astype(np.float32) / 255
        mixed = np.rint(self.pixels + share * (made.astype(np.float32) - self.pixels)).astype(np.uint8)
        return np.where(self.mask[..., None] == 0, self.pixels, mixed)


def read_start(request: PosterRequest) -> StartPicture | None:
    """The picture and the mask that a request names, at the size it asks for; None where it names no picture.

    A picture of other proportions is cut evenly at both sides, and its mask with it. Where it is transparent it takes
    the colours of what is nearest. White of a mask is painted anew; where the mask is transparent nothing is.

    BadInput for a mask without a picture, of another size than the picture, or that marks nothing.
    """
    if not request.picture:
        if request.mask:
            raise BadInput("A mask needs the picture that it belongs to.", "Choose a picture to start from.")
        return None
    found = images.read(Path(request.picture.path)).pixels
    picture = PIL.Image.fromarray(_opaque(found))
    if not request.mask:
        return StartPicture(np.asarray(_covering(picture, request.width, request.height)))
    mask = PIL.Image.fromarray(_marked(images.read(Path(request.mask.path)).pixels))
    if mask.size != picture.size:
        raise BadInput(
            "The mask has {width} x {height} pixels, and its picture {wide} x {high}.",
            "Paint a mask on this picture.",
            width=mask.width,
            height=mask.height,
            wide=picture.width,
            high=picture.height,
        )
    start = StartPicture(
        np.asarray(_covering(picture, request.width, request.height)),
        np.asarray(_covering(mask, request.width, request.height)),
    )
    if start.mask is None or not start.mask.any():
        raise BadInput("The mask marks nothing.", "Paint over what is to be painted anew.")
    return start


def _covering(
    picture: PIL.Image.Image, width: int, height: int, how: PIL.Image.Resampling = PIL.Image.Resampling.LANCZOS
) -> PIL.Image.Image:
    """Scaled to cover that size, then cut evenly at both sides; the same picture where it has that size."""
    return picture if picture.size == (width, height) else PIL.ImageOps.fit(picture, (width, height), how)


def _opaque(pixels: Pixels) -> Pixels:
    """[H, W, 3] of [H, W, 3 or 4]: what is transparent takes the colour of the nearest pixel that is not, softened."""
    if pixels.shape[2] == 3:
        return pixels
    colours, clear = np.ascontiguousarray(pixels[..., :3]), pixels[..., 3] < SOLID
    if not clear.any():
        return colours
    if clear.all():
        raise BadInput("The picture is all transparent.", "Choose one that shows something.")
    rows, columns = np.asarray(distance_transform_edt(clear, return_distances=False, return_indices=True))
    filled = colours[rows, columns]
    soft = gaussian_filter(filled.astype(np.float32), (SOFTENED, SOFTENED, 0))
    return np.where(clear[..., None], np.rint(soft).astype(np.uint8), colours)


def _marked(pixels: Pixels) -> Pixels:
    """How light each pixel of a mask is, times how opaque: uint8 [H, W]."""
    light = np.rint(pixels[..., :3] @ np.array(LUMA))
    return np.rint(light * (pixels[..., 3] / 255 if pixels.shape[2] == 4 else 1)).astype(np.uint8)
