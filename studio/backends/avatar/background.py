"""Removes the background of a picture: one colour, a few colours or a gradient along its edge.

A tone is a colour that changes evenly over the picture: a polynomial in x and y for each channel, fitted to the edge by
least squares on those pixels that agree with it (Fischler and Bolles, RANSAC, 1981, with the commonest colour and all
of the edge as its only samples). Background is what agrees with a tone and is connected with the edge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAT = 18  # levels of 255 by which a background may differ from its tone
TONES, LEAST, ENOUGH = 3, 0.12, 0.7  # so many tones at most; the share of the edge of each, and of all together
POINTS = 3000  # pixels of the edge that are looked at
UPPER = 0.7  # of the height of a disc or a card, where its colour is looked for
RIM = 0.012  # of the same height
PEELED = 0.08  # of what is there, that a second background must be to count
CLOSED, MISSED = 0.06, 0.05  # of a figure's height, what is as narrow as that is filled; of its area, what must be
ALONE = 0.01  # of the figure, that other things beside it must be to count

Mask = NDArray[np.bool_]


def cut_out(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA [H, W, 4] with the background cleared where one is found. A picture with alpha is returned as it is."""
    if is_transparent(pixels):
        return pixels
    solid = np.concatenate([pixels[..., :3], np.full((*pixels.shape[:2], 1), 255, np.uint8)], axis=2)
    edge = np.zeros(pixels.shape[:2], np.bool_)
    edge[0] = edge[:, 0] = edge[:, -1] = True  # at its foot a bust goes on beyond the picture
    behind = background_mask(solid[..., :3], edge)
    if behind is not None:
        solid[behind, 3] = 0
    return solid


def is_transparent(pixels: NDArray[np.uint8]) -> bool:
    return pixels.shape[2] == 4 and bool(pixels[..., 3].min() < 250)


def remove_backdrop(cut: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """A cut-out [H, W, 4] without the disc or card behind its figure; None where there is none."""
    there = cut[..., 3] > 128
    rows = np.flatnonzero(there.any(axis=1))
    rim = max(1, round(RIM * len(rows)))
    # Its outermost pixels are mixed with what lies around, and a JPEG leaves its traces there.
    edge = there & _dilate(~there, 3 * rim) & ~_dilate(~there, rim)
    if len(rows):
        edge[rows[0] + round(UPPER * (rows[-1] - rows[0])) :] = False  # a bust fills what is below
    behind = background_mask(cut[..., :3], edge, there)
    if behind is None or behind.sum() < PEELED * there.sum():
        return None
    left = cut.copy()
    left[behind | ~there, 3] = 0
    # What remains of the rim is thin.
    left[~_dilate(~_dilate(left[..., 3] <= 128, 1 + rim), 3 + rim), 3] = 0
    return left if (left[..., 3] > 128).any() else None


def fill_holes(cut: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """A cut-out whose figure has got back the parts that look like its background, such as a face before a wall of its
    own colour; None where little is missing.
    """
    from scipy import ndimage

    there = cut[..., 3] > 128
    by = max(1, round(CLOSED * there.any(axis=1).sum()))
    whole = np.asarray(ndimage.binary_fill_holes(~_dilate(~_dilate(there, by), by)), np.bool_)
    if (whole & ~there).sum() < MISSED * there.sum():
        return None
    back = cut.copy()
    back[whole, 3] = 255
    return back


def largest_figure(cut: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """A cut-out with its largest figure only; None where there is no other."""
    there = cut[..., 3] > 128
    parts = _label_parts(there)
    sizes = np.bincount(parts.ravel(), minlength=2)
    sizes[0] = 0
    largest = int(sizes.argmax())
    if sizes.sum() - sizes[largest] < ALONE * sizes[largest]:
        return None
    only = cut.copy()
    only[_dilate(there & (parts != largest), 2) & (parts != largest), 3] = 0
    return only


def background_mask(colours: NDArray[np.uint8], edge: Mask, within: Mask | None = None) -> Mask | None:
    """[H, W]: what agrees with the tones of the edge and is connected with it; None where the edge has none."""
    height, width = edge.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    places = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=2)
    found = np.flatnonzero(edge)
    if len(found) < 8:
        return None
    found = found[:: max(1, len(found) // POINTS)]
    at, seen = places.reshape(-1, 6)[found], colours.reshape(-1, 3)[found].astype(np.float64)
    tones = _fit_tones(at, seen)
    if not tones:
        return None
    agree = [np.abs(places @ tone - colours).max(axis=2) <= FLAT for tone in tones]
    near = np.logical_or.reduce(agree)
    for i, one in enumerate(agree):
        for other in agree[:i]:
            # Between two tones runs a line of pixels that are mixed of both.
            near |= _dilate(one, 2) & _dilate(other, 2)
    if within is not None:
        near &= within
    parts = _label_parts(near)
    outside = np.unique(parts[edge])
    return np.isin(parts, outside[outside > 0])


def _dilate(mask: Mask, by: int) -> Mask:
    """The mask grown by so many pixels."""
    from scipy import ndimage  # only for pictures that are searched

    return np.asarray(ndimage.binary_dilation(mask, iterations=by), np.bool_)


def _label_parts(mask: Mask) -> NDArray[np.int32]:
    """[H, W]: the number of the part that each pixel belongs to, 0 for none."""
    from scipy import ndimage

    parts: NDArray[np.int32] = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, output=parts)
    return parts


def _fit_tones(at: NDArray[np.float64], seen: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Coefficients [6, 3] of each tone; none where they leave too much of the edge unexplained."""
    left = np.ones(len(seen), np.bool_)
    tones: list[NDArray[np.float64]] = []
    while len(tones) < TONES and left.mean() > 0.02:
        tone, agrees = max(
            (_fit_tone(at, seen, left, start) for start in _seeds(seen, left)), key=lambda it: it[1].sum()
        )
        if agrees.mean() < LEAST:
            break
        tones.append(tone)
        left &= ~agrees
    return tones if 1 - left.mean() >= ENOUGH else []


def _seeds(seen: NDArray[np.float64], left: Mask) -> list[Mask]:
    """All that is left, and what is of the commonest colour there."""
    bins = (seen[left] // 16).astype(np.int64) @ np.array([256, 16, 1])
    values, counts = np.unique(bins, return_counts=True)
    colour = np.median(seen[left][bins == values[counts.argmax()]], axis=0)
    return [left, left & (np.abs(seen - colour).max(axis=1) <= FLAT)]


def _fit_tone(
    at: NDArray[np.float64], seen: NDArray[np.float64], left: Mask, agrees: Mask
) -> tuple[NDArray[np.float64], Mask]:
    """A tone fitted to what agrees, again and again: first as a colour, then as one that changes evenly."""
    tone = np.zeros((6, 3))
    for terms in (1, 3, 3, 3, 6, 6):
        if agrees.sum() < 4 * terms:
            break
        tone = np.zeros((6, 3))
        if terms == 1:
            tone[0] = np.median(seen[agrees], axis=0)
        else:
            # About its mean: where the edge cannot tell two terms apart, the flattest tone is taken.
            middle, colour = at[agrees, 1:terms].mean(axis=0), seen[agrees].mean(axis=0)
            tone[1:terms] = np.linalg.lstsq(at[agrees, 1:terms] - middle, seen[agrees] - colour, rcond=1e-3)[0]
            tone[0] = colour - middle @ tone[1:terms]
        off = np.abs(at @ tone - seen).max(axis=1)
        # At first half of them are enough, so that a shade can be followed from where it was found.
        agrees = left & (off <= max(FLAT, float(np.median(off[agrees])) if terms < 6 else 0.0))
    return tone, left & (np.abs(at @ tone - seen).max(axis=1) <= FLAT)
