"""Makes scenes of neighbouring seeds differ: in the light of their hour, where the horizon is, and in their sides."""

from __future__ import annotations

from dataclasses import replace

from studio.backends.poster.scene.elements import AIR, CLOUD, HOURS, KINDS, LIGHT, Element, Scene, faults

GOLDEN, PLASTIC, SQUARED = 0.6180339887498949, 0.7548776662466927, 0.5698402909980532
"""The whole multiples of each, without their whole parts, lie far from their neighbours and fill 0 to 1 evenly."""
TILT = 0.1
"""Of the sheet's height: how far the horizon moves at most, either way."""
HORIZONS = ("ridge", "water", "skyline", "hill", "dune", "woods", "mesa")
"""Kinds of which one is in every scene that has a horizon."""
FURTHEST = 0.07
"""Of a turn: how far the colours of the light are turned at most, either way."""
WIDEST = 0.25
"""How much more than trained the noise deviates that a scene of full variety begins from."""


def spread(variety: float) -> float:
    """The deviation of the noise to begin from, 1 as it was trained."""
    return 1 + WIDEST * variety


def varied(scene: Scene, seed: int, variety: float) -> Scene:
    """The scene with its light moved towards the seed's own and turned in hue by `variety`, 0 to 1, its horizon moved
    as far as that makes no fault, and mirrored for every other seed; 0 leaves it as it is.
    """
    if not variety:
        return scene
    own = seed * GOLDEN % 1

    def changed(e: Element) -> Element:
        if e.kind in HOURS:
            e = replace(e, tint=e.tint + (own - e.tint) * variety)
        return replace(e, x=1 - e.x, turn=-e.turn) if seed % 2 else e

    made = replace(
        scene, elements=tuple(changed(e) for e in scene.elements), hue=_around(seed, PLASTIC) * FURTHEST * variety
    )
    if not scene.having(*HORIZONS):
        return made
    down, before = _around(seed, SQUARED) * TILT * variety * scene.height, len(faults(made))
    tilts = (tilted(made, share * down) for share in (1.0, 0.5))
    return next((tilt for tilt in tilts if len(faults(tilt)) <= before), made)


def tilted(scene: Scene, down: float) -> Scene:
    """The scene with its horizon moved down, or up: what stands moves with it, what flies and shines keeps its share of
    the sky.
    """
    horizon = scene.sky.y if scene.sky else 0.0
    if horizon <= 0 or horizon + down <= 0:
        return scene

    def moved(e: Element) -> Element:
        above = KINDS[e.kind].layer in (LIGHT, CLOUD, AIR) and e.y <= horizon
        return replace(e, y=e.y * (horizon + down) / horizon if above else e.y + down)

    return replace(scene, elements=tuple(moved(e) for e in scene.elements))


def _around(seed: int, ratio: float) -> float:
    """A number from -1 to 1 that is far from those of neighbouring seeds."""
    return 2 * (seed * ratio % 1) - 1
