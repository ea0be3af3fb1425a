"""Finds where in a picture a face is, by drawing what each candidate square seems to show.

Candidate squares come from face_crops.py. The encoder reads each, and the network draws what was read; without an
encoder each is compared with sampled faces. The most similar square is moved until it fits, then read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from studio.backends.avatar.engine.target import PictureDistance, ProjectionTarget, pixel_weights, to_planes
from studio.backends.avatar.face_crops import (
    Box,
    CropSource,
    CropSquare,
    candidate_squares,
    cut_outs,
    drop_near_duplicates,
    neighbours,
)

COARSE, COMPARED = 32, 64  # pixels a side that places are compared at, first and then
NEAREST = 3  # boxes of a style's figures, of those most like a figure's, that it is put into
STEPS, FINE, MOVES = (0.06, 0.03, 0.015), 0.02, 4  # by which shares of its side a place is moved, and how often at most
FINALISTS = 2  # places that are moved until they fit


class FaceReader(Protocol):
    """Redraws pictures as a network reads them."""

    def redraw(self, pictures: Tensor) -> Tensor:
        """Pictures [N, planes, S, S], S up to COMPARED, as the network would draw what they seem to show; so large or
        larger."""
        ...


@dataclass(frozen=True)
class FaceLocation:
    """Where the face is, and the distance of that crop to its redrawing."""

    canvas: CropSource
    place: CropSquare
    unlike: float


class FaceDetector:
    """`better`: a crop is chosen over the middle square if its distance is at most this share of that one's."""

    def __init__(self, eye: FaceReader, planes: int, size: int, where: torch.device, *, better: float) -> None:
        self.eye, self.planes, self.where, self.better = eye, planes, where, better
        self.sides = (min(size, COARSE), min(size, COMPARED))
        self.weights = {side: pixel_weights(side).to(where) for side in self.sides}

    def find(
        self, pixels: NDArray[np.uint8], frames: Sequence[Sequence[Box]], report: Callable[[int, int], object]
    ) -> FaceLocation:
        """Where the face is in a picture [H, W, 3 or 4]. `frames`: for each style the boxes around its figures, in
        shares of their pictures."""
        ways = cut_outs(pixels, cut=self.planes == 4)
        first = FaceLocation(ways[0], ways[0].middle(), 0.0)
        tried = [first] + [FaceLocation(canvas, place, 0.0) for canvas, place in _candidates(ways, frames)]
        scores: list[float] = []
        for some in range(0, len(tried), 8):
            report(some, len(tried) + 1)
            scores += self._read(tried[some : some + 8])[0].tolist()
        best = middle = self.middle = FaceLocation(first.canvas, first.place, scores[0])
        for at in np.argsort(scores, kind="stable")[:FINALISTS]:
            settled = self._refine(FaceLocation(tried[at].canvas, tried[at].place, scores[at]))
            if settled.unlike < best.unlike:
                best = settled
        report(len(tried), len(tried) + 1)
        return best if best.unlike < self.better * middle.unlike else middle

    def _refine(self, found: FaceLocation) -> FaceLocation:
        """Moved until it fits what the eye draws of it."""
        for step in STEPS:
            side = self.sides[step < FINE]
            scores, drawn = self._read([found])
            best = FaceLocation(found.canvas, found.place, float(scores[0]))
            moved = FaceLocation(found.canvas, found.place, float(self._distances(self._crops([found], side), drawn)))
            for _ in range(MOVES):
                next_to = [FaceLocation(found.canvas, place, 0.0) for place in neighbours(moved.place, step)]
                unlike = self._distances(self._crops(next_to, side), drawn.expand(len(next_to), -1, -1, -1))
                at = int(unlike.argmin())
                if float(unlike[at]) >= moved.unlike:
                    break
                moved = FaceLocation(found.canvas, next_to[at].place, float(unlike[at]))
            if moved.place == best.place:
                found = best
                continue
            again = FaceLocation(found.canvas, moved.place, float(self._read([moved])[0]))
            found = min(best, again, key=lambda one: one.unlike)
        return found

    def _read(self, some: Sequence[FaceLocation]) -> tuple[Tensor, Tensor]:
        """The distance of each crop to its redrawing, and the redrawing."""
        seen = self._crops(some, self.sides[1])
        drawn = downsample(self.eye.redraw(seen), self.sides[1])
        return self._distances(seen, drawn), drawn

    def _crops(self, some: Sequence[FaceLocation], size: int) -> Tensor:
        squares = [to_planes(one.canvas.crop(one.place, size), self.planes) for one in some]
        return torch.cat(squares).to(self.where)

    def _distances(self, seen: Tensor, drawn: Tensor) -> Tensor:
        side = seen.shape[2]
        return PictureDistance(ProjectionTarget(seen, self.weights[side]))(downsample(drawn, side))


def downsample(pictures: Tensor, side: int) -> Tensor:
    """Pictures [N, planes, S, S] of so many pixels a side at most."""
    return F.adaptive_avg_pool2d(pictures, side) if pictures.shape[2] > side else pictures


def _candidates(ways: Sequence[CropSource], frames: Sequence[Sequence[Box]]) -> list[tuple[CropSource, CropSquare]]:
    found: list[tuple[CropSource, CropSquare]] = []
    beneath: Box | None = None
    for canvas in ways:
        some = [canvas.middle()] if canvas is not ways[0] else []
        for of_style in frames:
            some += candidate_squares(canvas, of_style)[:NEAREST]
        if beneath is not None:
            some += candidate_squares(canvas, (), beneath)
        found += [(canvas, place) for place in drop_near_duplicates(some) if canvas.contains(place)]
        beneath = canvas.figure()
    return found


def figure_boxes(pictures: Tensor) -> list[Box]:
    """The boxes around the figures of pictures [N, 4, S, S], premultiplied; without those that show none."""
    found: list[Box] = []
    for there in (pictures[:, 3] > 0).cpu().numpy():
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        if len(rows):
            size = there.shape[0]
            found.append((columns[0] / size, rows[0] / size, (columns[-1] + 1) / size, (rows[-1] + 1) / size))
    return found
