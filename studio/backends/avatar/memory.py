"""What drawing a face takes: the feature maps of the largest resolution."""

from __future__ import annotations

from studio.models.fit.demand import Demand, Machine, ModelFacts, Part, conv
from studio.schema.request import Request

VALUE = 4
"""Bytes: faces are drawn in 32 bits on processors."""
MAPS = 5.0
"""Feature maps held at once: what came in, it modulated, what a convolution makes, with noise, and made active."""
LARGE = 512
"""Pixels of a side that a face is enlarged to."""
LIBRARIES = 100_000_000


def demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of any request for faces. A projection keeps the maps of all resolutions, for the way back."""
    shape = facts.part("").inside("shape")
    sizes = resolutions(shape)
    steps = int(getattr(request, "steps", 0))
    held = (sum if steps else max)(maps(side, channels) for side, channels in sizes)
    enlarged = 4 * LARGE * LARGE * MAPS
    flops = sum(2 * conv(side, side, channels, channels) for side, channels in sizes)
    return Demand(
        weights=facts.values * VALUE,
        working=int(VALUE * max(held, enlarged)),
        libraries=LIBRARIES,
        convolutions=flops * max(1, 3 * steps) * pictures(request),
        calls=len(sizes) * 400.0 * max(1, 3 * steps) * pictures(request),
    )


def maps(side: int, channels: int) -> float:
    """Values of the feature maps of one resolution."""
    return MAPS * channels * side * side


def resolutions(shape: Part) -> list[tuple[int, int]]:
    """(side, channels) of each resolution; those of a StyleGAN2 of 1024 pixels where the config says nothing."""
    channels = shape.counts("channels")
    if channels:
        start = shape.count("start", usual=4)
        return [(start * 2**at, each) for at, each in enumerate(channels)]
    size = shape.count("size", "img_resolution", usual=1024)
    found: list[tuple[int, int]] = []
    side = 4
    while side <= size:
        found.append((side, min(512, 32768 // side)))
        side *= 2
    return found


def pictures(request: Request) -> float:
    """How many faces a request draws."""
    stops = len(getattr(request, "stations", ()))
    if stops:
        return max(1, stops - 1) * float(getattr(request, "seconds", 1.0)) * int(getattr(request, "fps", 1))
    return 1 + len(getattr(request, "poses", ()))
