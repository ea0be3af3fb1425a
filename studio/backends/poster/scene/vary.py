"""Makes scenes of neighbouring seeds differ: in the light of their hour, and in which side is which."""

from __future__ import annotations

from dataclasses import replace

from studio.backends.poster.scene.elements import HOURS, Element, Scene

GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927
"""The whole multiples of each, without their whole parts, lie far from their neighbours and fill 0 to 1 evenly."""
FURTHEST = 0.07
"""Of a turn: how far the colours of the light are turned at most, either way."""
WIDEST = 0.25
"""How much more than trained the noise deviates that a scene of full variety begins from."""


def spread(variety: float) -> float:
    """The deviation of the noise to begin from, 1 as it was trained."""
    return 1 + WIDEST * variety


def varied(scene: Scene, seed: int, variety: float) -> Scene:
    """The scene with its light moved towards the seed's own and turned in hue by `variety`, 0 to 1, and mirrored for
    every other seed; 0 leaves it as it is.
    """
    if not variety:
        return scene
    own = seed * GOLDEN % 1

    def changed(e: Element) -> Element:
        if e.kind in HOURS:
            e = replace(e, tint=e.tint + (own - e.tint) * variety)
        return replace(e, x=1 - e.x, turn=-e.turn) if seed % 2 else e

    hue = (2 * (seed * PLASTIC % 1) - 1) * FURTHEST * variety
    return replace(scene, elements=tuple(changed(e) for e in scene.elements), hue=hue)
