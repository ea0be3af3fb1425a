"""Orders the values of every attribute along a slider, by how alike the network draws them.

A slider is good where neighbours look alike and its ends differ most: hair by how much of it there is, mouths from sad
to glad, what one may go without from the slightest to the most striking. All of it is measured on pictures that the
network draws; names of values help only where they say a mood. `order_sliders` is called when a model with
attributes is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.backends.avatar.attributes import NONE, Attribute, AttributeTable
from studio.backends.avatar.slider_tracks import (
    EXPRESSIVE,
    SliderTrack,
    SliderTracks,
    is_visible,
    mood_of_name,
    names_tell_mood,
)
from studio.backends.engine.device import generator

CONTEXTS = 4  # drawings in which each value is looked at
SIDE = 64  # pixels a side that pictures are compared at
SEEN = 0.12  # of 2: what changes less cannot be seen, and a slider for it would do nothing
GLAD = 1.5  # weight of the mood beside the likeness of neighbours, in shares of the whole way


@torch.no_grad()
def order_sliders(
    network: Any, table: AttributeTable, report: Callable[[int, int], object] = lambda done, total: None
) -> SliderTracks:
    """The tracks of a network with attributes, in the orders that its pictures tell, without those whose values the
    network does not tell apart. `report` hears (done, total).

    Takes CONTEXTS pictures a value: about a minute for the starter on one core. The same network and table give
    the same tracks.
    """
    plain = SliderTracks.by_name(table)
    total = sum(len(tracks) for tracks in plain.styles)
    done = 0
    styles: list[tuple[SliderTrack, ...]] = []
    for style in range(len(table.styles)):
        look = ComparedPictures(network, table, style)
        ordered: list[SliderTrack] = []
        for track in plain.styles[style]:
            found, shows = _ordered(look, track)
            if shows > SEEN:
                ordered.append(found)
            done += 1
            report(done, total)
        styles.append(tuple(ordered))
    return replace(plain, styles=tuple(styles))


class ComparedPictures:
    """Pictures of one style whose drawings differ in chosen attributes only."""

    def __init__(self, network: Any, table: AttributeTable, style: int) -> None:
        self.network, self.table, self.style = network, table, style
        self.attributes = table.styles[style].attributes
        rng = np.random.default_rng(style)
        self.contexts = [self._bare(table.draw(style, rng)) for _ in range(CONTEXTS)]
        where = next(network.parameters()).device
        self.z = torch.randn(1, network.shape.z_dim, generator=generator(style)).to(where)

    def index(self, name: str) -> int:
        return next(i for i, one in enumerate(self.attributes) if one.name == name)

    def pictures(self, name: str, picks: Sequence[int]) -> Tensor:
        """[picks, CONTEXTS, planes, SIDE, SIDE]: the contexts with each pick of one attribute, and with what it needs:
        glasses have a colour where there are glasses."""
        at = self.index(name)
        contexts = self._where_seen(at)
        return torch.stack([self._drawn([self._with(context, at, pick) for context in contexts]) for pick in picks])

    def hair(self, name: str, picks: Sequence[int], colour: str) -> Tensor:
        """[picks, SIDE, SIDE]: where the picture changes with the colour of the hair, 0 to 1."""
        at, tint = self.index(name), self.index(colour)
        tinted = self.attributes[tint]
        lights = [tinted.code(i)[:3].sum() for i in range(len(tinted.values))]
        ends = (int(np.argmin(lights)), int(np.argmax(lights)))
        masks: list[Tensor] = []
        for pick in picks:
            dark, light = (
                self._drawn([self._with(self._with(context, at, pick), tint, end) for context in self.contexts])
                for end in ends
            )
            masks.append((light - dark)[:, :3].abs().mean(dim=(0, 1)) / 2)
        return torch.stack(masks)

    def _where_seen(self, at: int) -> list[list[int]]:
        """The contexts, with what an attribute needs."""
        one = self.attributes[at]
        if not one.needs:
            return self.contexts
        needed = self.index(one.needs)
        other = self.attributes[needed]
        usual = [
            count if not one.needs_values or value in one.needs_values else -1
            for value, count in zip(other.values, other.counts, strict=True)
        ]
        return [self._with(context, needed, int(np.argmax(usual))) for context in self.contexts]

    def _with(self, picks: Sequence[int], at: int, pick: int) -> list[int]:
        """The picks with one changed, and what needs it as it usually is."""
        changed, one = [*picks[:at], pick, *picks[at + 1 :]], self.attributes[at]
        for i, other in enumerate(self.attributes):
            if other.needs == one.name:
                changed[i] = int(np.argmax(other.counts)) if is_visible(other, one, pick) else NONE
        return changed

    def _bare(self, picks: Sequence[int]) -> list[int]:
        """A drawing without what it may go without: a mask or glasses would hide what is looked at."""
        bare = list(picks)
        for i, one in enumerate(self.attributes):
            if one.none and not one.needs:
                bare = self._with(bare, i, NONE)
        return bare

    def _drawn(self, drawings: Sequence[Sequence[int]]) -> Tensor:
        codes = np.stack([self.table.vector(self.style, picks) for picks in drawings])
        c = torch.from_numpy(codes).to(self.z)
        ws = self.network.broadcast(self.network.mapping(self.z.expand(len(c), -1), c))
        picture = self.network.synthesis(ws, "const").float()
        if picture.shape[2] > SIDE:
            picture = torch.nn.functional.adaptive_avg_pool2d(picture, SIDE)
        return picture.cpu()


def _ordered(look: ComparedPictures, track: SliderTrack) -> tuple[SliderTrack, float]:
    """The track in the order that its pictures tell (colours keep theirs, by lightness), and how much it changes: the
    widest range of any small place in the picture, 0 to 2."""
    one = look.attributes[look.index(track.attribute)]
    picks = [pick for pick in track.order if pick != NONE]
    made = look.pictures(one.name, picks)
    bare = look.pictures(one.name, [NONE]) if NONE in track.order else made[:0]
    shows = changes(torch.cat([bare, made]))
    if one.colour or len(track.order) < 3:
        return track, shows
    if track.name == "Hair":
        return replace(track, order=tuple(_by_amount(look, one, picks, made))), shows
    if len(bare):
        striking = (made - bare).abs().mean(dim=(1, 2, 3, 4)).numpy()
        first = int(np.argmin(striking))
        return replace(
            track, order=(NONE, *(picks[i] for i in smooth_order(_pairwise_distances(made), striking, first)))
        ), shows
    glad = cheerfulness(one, picks, made) if track.name in EXPRESSIVE else np.zeros(len(picks))
    return replace(track, order=tuple(picks[i] for i in smooth_order(_pairwise_distances(made), glad))), shows


def changes(made: Tensor) -> float:
    """How far the pictures [values, contexts, planes, H, W] of an attribute's values differ where they differ most: the
    range over the values, averaged over 3 x 3 pixels, planes and contexts."""
    ranges = (made.amax(dim=0) - made.amin(dim=0)).mean(dim=(0, 1))
    return float(torch.nn.functional.avg_pool2d(ranges[None], 3, 1).max())


def _by_amount(look: ComparedPictures, one: Attribute, picks: Sequence[int], made: Tensor) -> list[int]:
    """From the least hair to the most; what hangs low counts for more, so that long comes after wide."""
    colour = next((other.name for other in look.attributes if other.name in ("hairColor", "headContrastColor")), None)
    area = made[:, :, 3:].add(1).mean(dim=(1, 2)) / 2 if made.shape[2] == 4 else made.mean(dim=(1, 2))
    if colour is not None and colour != one.name:
        area = look.hair(one.name, picks, colour) + 0.25 * area
    low = torch.linspace(0.5, 2.0, area.shape[1])[:, None]
    amount = (area * low).mean(dim=(1, 2)).numpy()
    return [picks[i] for i in np.argsort(amount, kind="stable")]


def cheerfulness(one: Attribute, picks: Sequence[int], made: Tensor) -> NDArray[np.float64]:
    """How cheerful each value looks, centred, the largest 1: by its name where names say so, else by how its mouth
    curves.

    A mouth that curves upwards has its ink higher at its corners than in its middle: the slope of the height of ink
    over the distance from the middle. `made` is [picks, contexts, planes, H, W].
    """
    if names_tell_mood(one):
        glad = np.array([mood_of_name(one.values[pick]) for pick in picks], np.float64)
    else:
        glad = np.array([_curve(picture) for picture in _ink(made)])
    glad -= glad.mean()
    return glad / max(1e-9, float(np.abs(glad).max()))


def _ink(made: Tensor) -> NDArray[np.float64]:
    """[picks, H, W]: how much darker each place is than with the average value, where values differ at all."""
    light = made[:, :, :3].mean(dim=(1, 2))
    return (light.mean(dim=0) - light).clamp(min=0).double().numpy()


def _curve(ink: NDArray[np.float64]) -> float:
    """The upward curve of what is drawn [H, W]: positive for a smile; -1 to 1."""
    ink = np.where(ink > 0.25 * ink.max(), ink, 0.0)
    weight = ink.sum()
    if weight <= 1e-6:
        return 0.0
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]].astype(np.float64)
    middle = (ink * x).sum() / weight
    away = np.abs(x - middle)
    away, height = away - (ink * away).sum() / weight, (ink * y).sum() / weight - y
    spread = np.sqrt((ink * away**2).sum() * (ink * height**2).sum())
    return float((ink * away * height).sum() / spread) if spread > 1e-9 else 0.0


def _pairwise_distances(made: Tensor) -> NDArray[np.float64]:
    """[picks, picks]: how far pictures are from each other, the farthest 1."""
    flat = made.flatten(1).double()
    apart = torch.cdist(flat[None], flat[None], p=1.0)[0].numpy()
    return apart / max(1e-9, float(apart.max()))


def smooth_order(apart: NDArray[np.float64], rising: NDArray[np.float64], first: int | None = None) -> list[int]:
    """An order in which neighbours are near each other and `rising` rises: a short path through all, by 2-opt.

    Begins at `first` where that is given. A step costs how far apart its ends are, and what `rising` falls on it.
    """
    n = len(apart)
    scale = max(1e-9, float(np.ptp(rising)))
    fall = np.maximum(0.0, (rising[:, None] - rising[None, :]) / scale)
    cost = apart + GLAD * n / 4 * fall
    order = [int(i) for i in np.argsort(rising, kind="stable")]
    if first is not None:
        order.remove(first)
        order.insert(0, first)

    def length(some: Sequence[int]) -> float:
        return float(cost[some[:-1], some[1:]].sum())

    best, better = length(order), True
    while better:
        better = False
        for tried in _changes(order, 0 if first is None else 1):
            this = length(tried)
            if this < best - 1e-9:
                order, best, better = tried, this, True
                break
    return order


def _changes(order: list[int], fixed: int) -> Any:
    """Every order that differs by one part turned round, or by one entry put elsewhere; the first `fixed` stay."""
    n = len(order)
    for i in range(fixed, n - 1):
        for j in range(i + 2, n + 1):
            yield [*order[:i], *reversed(order[i:j]), *order[j:]]
    for i in range(fixed, n):
        rest = [*order[:i], *order[i + 1 :]]
        for j in range(fixed, n):
            if j != i:
                yield [*rest[:j], order[i], *rest[j:]]
