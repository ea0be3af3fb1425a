"""What enlarging takes: the feature maps of one tile, and the whole picture that it becomes a part of."""

from __future__ import annotations

from studio.models.fit.demand import Demand, Machine, ModelFacts
from studio.schema.request import Request

TILES = {"srvgg": (256, 28), "rrdb": (96, 28)}
"""By family: the side of a tile in pixels, and how many around it are seen; as in the engine."""
MAPS = 3.0
"""Feature maps held at once: what came in, what a convolution makes, and it made active."""
ENLARGED = 4.0
"""The same at the enlarged size: oneDNN holds a copy of what comes in, in the layout that it computes in."""
LEAVING = 3.0
"""Enlarged pictures held beside the last features: the nearest pixels, what is added to them, and their sum."""
FINISHING = 4.0
"""Pictures of the asked size held while a tile is kept near the picture: it, its lowest and highest, and the nearer."""
HEAP = 0.5
"""What the C library keeps of what was freed, as a share of it, where maps are below BLOCK bytes."""
BLOCK = 32 * 2**20
"""Bytes from which glibc gives memory back at once."""
PICTURE = (1600, 1250)
"""The size of a picture of which nothing is known."""
LIBRARIES = 17_000_000


def demand(facts: ModelFacts, request: Request, machine: Machine) -> Demand:
    """Of an UpscaleRequest. One with transparent parts takes twice the time: that is known when it is read."""
    value = 2 if machine.device == "cuda" else 4
    model = facts.part("")
    family = str(model.config.get("model_type", "srvgg"))
    tile, around = TILES.get(family, TILES["srvgg"])
    width, height = facts.picture if all(facts.picture) else PICTURE
    columns, rows = -(-width // tile), -(-height // tile)
    # The largest tile, and all of them with what they see around them.
    side = (min(tile, width) + 2 * around) * (min(tile, height) + 2 * around)
    seen = (width + 2 * around * columns) * (height + 2 * around * rows)
    features, scale = model.count("features", usual=64), model.count("scale", usual=4)
    factor = int(getattr(request, "factor", 2))
    if family == "rrdb":
        # Its last convolutions work at the enlarged size.
        held = ENLARGED * features * side * scale**2
        convolutions = facts.values * 2.0 * seen * 1.6
    else:
        held = max(MAPS * features, features + LEAVING * 3 * scale**2) * side
        convolutions = facts.values * 2.0 * seen
    finishing = 4 * 3 * (scale**2 + FINISHING * factor**2) * side
    made = max(value * held, finishing)
    small = machine.device == "cpu" and value * features * side < BLOCK and family != "rrdb"
    return Demand(
        weights=facts.values * value,
        working=int(made * (1 + HEAP) if small else made) + 3 * width * height * factor**2,
        libraries=LIBRARIES,
        convolutions=convolutions,
        calls=columns * rows * 600.0,
        value=value,
    )
