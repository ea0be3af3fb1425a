"""What enlarging takes: the feature maps of one tile, and the whole picture that it becomes a part of."""

from __future__ import annotations

from studio.models.fit.demand import Demand, Machine, ModelFacts, conv
from studio.schema.request import Request

TILES = {"srvgg": (256, 28), "rrdb": (96, 28)}
"""By family: the side of a tile in pixels, and how many around it are seen; as in the engine."""
MAPS = 2.5
"""Feature maps held at once: what came in, what a convolution makes, and it made active."""
PLANES = 3.0
"""Pictures of three planes held while a tile is brought to its size and kept near the picture."""
PICTURE = 2_000_000
"""Pixels of the picture: the request names it, its size is read when it runs."""
LIBRARIES = 10_000_000


def demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of an UpscaleRequest for a picture of two million pixels."""
    value = 2 if machine.device == "cuda" else 4
    model = facts.part("")
    family = str(model.config.get("model_type", "srvgg"))
    tile, around = TILES.get(family, TILES["srvgg"])
    side = tile + 2 * around
    features, scale = model.count("features", usual=64), model.count("scale", usual=4)
    factor = int(getattr(request, "factor", 2))
    tiles = PICTURE / tile**2
    if family == "rrdb":
        # Its last convolutions work at the enlarged size.
        held = MAPS * features * (side * scale) ** 2
        flops = facts.values * 2.0 * side**2 * 1.6
    else:
        held = MAPS * features * side**2
        flops = facts.values * 2.0 * side**2
    finishing = PLANES * 3 * (side * scale) ** 2
    return Demand(
        weights=facts.values * value,
        working=int(value * held + 4 * finishing) + 3 * PICTURE * factor**2,
        libraries=LIBRARIES,
        flops=tiles * flops + conv(1, 1, 3, 3) * PICTURE,
        calls=tiles * 60,
    )
