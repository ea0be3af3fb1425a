"""The elements that poster scenes are made of, where the ground lies beneath them, and what is wrong with a scene.

Coordinates are the ink's: x from 0 to 1 across the sheet, y from 0 at the top to `Scene.height` at the foot. A size is
a share of the sheet's width; what it measures is said for each kind in KINDS.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FIELDS = ("x", "y", "size", "wide", "depth", "turn", "tint")
DEEPEST = 0.6
"""The depth of the horizon: what stands there is drawn at 0.3 of its size."""

MOST = 27
"""Elements in a scene, at most."""

HOURS = ("dawn", "day", "sunset", "night")

ROLES = ("stander", "floater", "flyer", "hero")
"""What a thing does in a scene: stands on land, floats on water, flies or swims freely, or is what a graphic poster
shows large. A model learns these; which drawing takes the role the prompt says."""
MOST_THINGS = 3
"""Different things that a scene can be asked for."""
PARTS = {f"{role}-{slot}": (role, slot) for role in ROLES for slot in range(1, MOST_THINGS + 1)}
"""The kinds of element that show a thing asked for, and its role and slot."""
BACKDROPS = ("sunburst", "rings", "halves", "dots", "waves", "arch")
"""Patterns behind what a graphic poster shows."""


@dataclass(frozen=True)
class Element:
    """One thing in a scene. `wide` is its width over the usual, `depth` 0 near to 1 far, `turn` -1 to 1 (lean, side or
    slope), `tint` 0 to 1 (which of its colours)."""

    kind: str
    x: float = 0.5
    y: float = 0.75
    size: float = 0.1
    wide: float = 1.0
    depth: float = 0.3
    turn: float = 0.0
    tint: float = 0.5
    drawing: str = ""
    """Of a thing asked for: the name of its drawing."""
    aspect: float = 1.0
    """Of a thing asked for: the width of its drawing over its height."""
    nominal: float = 0.0
    """Of a thing asked for: the size of a near one on a sheet 1 wide; 0 where that is free."""

    @property
    def side(self) -> int:
        """Where it faces or goes: 1 right, -1 left."""
        return 1 if self.turn > 0 else -1


@dataclass(frozen=True)
class Scene:
    """Elements on a sheet of 1 x `height`. `seed` decides loose details of the drawing, never what or where it is;
    `hue` is how far the colours of the light are turned, in turns.
    """

    elements: tuple[Element, ...]
    height: float = 1.5
    seed: int = 0
    hue: float = 0.0

    @property
    def short(self) -> float:
        """The shorter side of the sheet, which sizes go by."""
        return min(1.0, self.height)

    @property
    def sky(self) -> Element | None:
        return next((e for e in self.elements if e.kind in HOURS), None)

    def having(self, *kinds: str) -> list[Element]:
        return [e for e in self.elements if e.kind in kinds]


@dataclass(frozen=True)
class Kind:
    """How elements of a kind are drawn and where they belong.

    `layer` orders the drawing, then y does. `on` is what they stand, float or fly on ("" for what carries others).
    `nominal` is the size of a near one on a sheet 1 wide; `box` is its width and height over its size; no scene has
    more than `most`.
    """

    layer: int
    on: str = ""
    nominal: float = 0.0
    box: tuple[float, float] = (0.0, 0.0)
    most: int = 1


SKY, LIGHT, CLOUD, FAR, GROUND, AIR, WEATHER = range(7)
PLACED = {"stander": (GROUND, "land"), "floater": (GROUND, "water"), "flyer": (AIR, "air"), "hero": (GROUND, "any")}
"""The layer of a role and what it stands, floats or flies on."""
MOST_OF_A_THING = 3
KINDS: dict[str, Kind] = {
    # The hour: x is where the light comes from, y the horizon, tint the colours of the sky.
    **{hour: Kind(SKY) for hour in HOURS},
    # Lights: size is the radius; of stars, the lowest is at y.
    "sun": Kind(LIGHT),
    "moon": Kind(LIGHT),
    "crescent": Kind(LIGHT),
    "stars": Kind(LIGHT),
    "planet": Kind(LIGHT),
    # Behind the hero of a graphic poster: x, y is the middle, size its reach; halves meet at y.
    **{backdrop: Kind(LIGHT) for backdrop in BACKDROPS},
    # The sea from below: its surface is at y.
    "deep": Kind(LIGHT),
    # On a wall: x, y is the middle, size the height.
    "window": Kind(CLOUD),
    "cloud": Kind(CLOUD, most=5),
    # Weather: mist lies around y, half its size above and below.
    "mist": Kind(WEATHER, most=3),
    "rain": Kind(WEATHER),
    "snow": Kind(WEATHER),
    # Behind everything, standing on the land or water in front: size is the height, wide the width over the height.
    "ridge": Kind(FAR, most=7),
    "mesa": Kind(FAR, most=4),
    "skyline": Kind(FAR, most=2),
    # Ground. A hill or dune rises by size at x; water begins at y; a cliff or wall goes from x to the side of turn.
    "water": Kind(GROUND),
    "hill": Kind(GROUND, most=6),
    "dune": Kind(GROUND, most=4),
    "cliff": Kind(GROUND, most=2),
    "wall": Kind(GROUND, most=6),
    "island": Kind(GROUND, most=2),
    "quay": Kind(GROUND),
    "path": Kind(GROUND),
    "river": Kind(GROUND),
    "pier": Kind(GROUND),
    # Level ground from y down.
    "floor": Kind(GROUND),
    "tabletop": Kind(GROUND),
    "street": Kind(GROUND),
    # A beam from above: x, y is where it meets the floor, size the width of the light there, turn where it comes from.
    "spotlight": Kind(GROUND, most=4),
    # At both sides, each size wide.
    "curtain": Kind(GROUND),
    # A row of trees: size is their height, wide the row's length in sheet widths.
    "woods": Kind(GROUND, "row", most=4),
    # Standing: x, y is the foot, size the height (of a tent, house or boat the width).
    "pine": Kind(GROUND, "land", 0.62, (0.5, 1.0), 9),
    "tree": Kind(GROUND, "land", 0.36, (0.6, 1.0), 7),
    "palm": Kind(GROUND, "land", 0.6, (0.8, 1.2), 5),
    "cactus": Kind(GROUND, "land", 0.4, (0.55, 1.0), 3),
    "bush": Kind(GROUND, "land", 0.12, (1.5, 0.8), 5),
    "rock": Kind(GROUND, "land", 0.13, (1.4, 0.7), 4),
    "flowers": Kind(GROUND, "land", 0.14, (1.4, 0.6), 3),
    "house": Kind(GROUND, "land", 0.24, (1.2, 1.12), 11),
    "church": Kind(GROUND, "land", 0.62, (0.42, 1.0)),
    "lighthouse": Kind(GROUND, "land", 0.66, (0.26, 1.1)),
    "windmill": Kind(GROUND, "land", 0.5, (0.75, 1.2)),
    "tent": Kind(GROUND, "land", 0.19, (1.3, 0.75), 3),
    "campfire": Kind(GROUND, "land", 0.085, (0.9, 1.2)),
    "deer": Kind(GROUND, "land", 0.17, (0.9, 1.1), 3),
    "terrace": Kind(GROUND, "quay", 0.25, (0.5, 1.4), 8),
    "tower": Kind(GROUND, "quay", 0.4, (0.35, 1.2), 14),
    "boat": Kind(GROUND, "water", 0.22, (1.0, 1.3), 3),
    # In the air: x, y is the middle.
    "balloon": Kind(AIR, "air", 0.2, (1.0, 1.6), 3),
    "birds": Kind(AIR, "air", 0.07, (3.1, 1.4)),
    "kite": Kind(AIR, "air", 0.11, (0.9, 1.4), 2),
    "plane": Kind(AIR, "air", 0.15, (1.1, 0.45)),
    # Many small drawings around x, y, within half of size.
    "scatter": Kind(AIR),
    # Things asked for: x, y is the foot (of what flies the middle), size the longer side of the drawing.
    **{name: Kind(*PLACED[role], box=(1.0, 1.0), most=MOST_OF_A_THING) for name, (role, _) in PARTS.items()},
}
ORDER = {kind: i for i, kind in enumerate(KINDS)}
LAND = ("hill", "dune", "island", "cliff")
UPRIGHT = tuple(kind for kind, about in KINDS.items() if about.on in ("land", "water", "air", "any"))
"""Kinds whose place and size the rules of `faults` bind."""

Box = tuple[float, float, float, float]


def line(e: Element, x: float) -> float:
    """The height of the ground's edge at x."""
    if e.kind in ("hill", "dune"):
        k = (x - e.x) / (0.3 * e.wide)
        rise = math.exp(-k * k) if e.kind == "hill" else math.exp(-1.6 * abs(k))
        return e.y - e.size * rise + 0.12 * e.turn * (x - 0.5)
    if e.kind == "island":
        k = (x - e.x) / (0.5 * e.size)
        return e.y - 0.12 * e.size * (1 - k * k) if abs(k) < 1 else math.inf
    if e.kind == "cliff":
        inside = (x - e.x) * e.side
        return e.y - 0.12 * min(inside, 0.3) if inside >= 0 else math.inf
    return e.y


def covers(e: Element, x: float, y: float) -> str:
    """What of this element lies at a point: "land", "water", "rock" (nothing can stand there), or "" for nothing."""
    if e.kind in ("hill", "dune"):
        return "land" if y >= line(e, x) else ""
    if e.kind == "water":
        return "water" if y >= e.y else ""
    if e.kind in ("floor", "tabletop", "street"):
        return "land" if y >= e.y else ""
    if e.kind == "island":
        return "land" if line(e, x) <= y <= e.y + 0.06 * e.size else ""
    if e.kind == "cliff":
        top = line(e, x)
        return ("land" if y < top + 0.06 else "rock") if top <= y <= top + e.size else ""
    if e.kind == "wall":
        inside = (x - e.x) * e.side
        return "rock" if y >= e.y and inside >= -0.18 * e.size * max(0.0, y - e.y) / 0.5 else ""
    if e.kind == "quay":
        return "rock" if e.y <= y <= e.y + 0.03 else ""
    if e.kind == "river":
        return "rock" if y >= e.y and abs(x - bend(e, y)) < reach(e, y) else ""
    if e.kind == "pier":
        return "rock" if y >= e.y and abs(x - e.x) < 0.5 * e.size * (0.4 + (y - e.y) * 1.6) + 0.02 else ""
    return ""


def bend(e: Element, y: float) -> float:
    """The middle of a path or river at height y."""
    t = max(0.0, y - e.y)
    return e.x + 0.16 * e.turn * math.sin(min(t * 7, 6.3)) + 0.25 * e.turn * t


def reach(e: Element, y: float) -> float:
    """Half the width of a path or river at height y."""
    return 0.012 + e.size * max(0.0, y - e.y) ** 1.3


def drawn(scene: Scene) -> list[Element]:
    """The elements from back to front."""

    def key(e: Element) -> tuple[float, float]:
        layer = KINDS[e.kind].layer
        if layer == FAR:
            return layer, -e.depth
        if e.kind in ("floor", "spotlight"):  # below all that stands in the light
            return layer, -2.0 if e.kind == "floor" else -1.0
        return layer, e.y - e.size if e.kind in ("hill", "dune") else e.y

    return sorted(scene.elements, key=key)


def ground(scene: Scene | Sequence[Element], x: float, y: float) -> str:
    """What a foot at this point stands on: "land", "water", "rock" or "". A sequence is taken to be in order."""
    found = ""
    for e in drawn(scene) if isinstance(scene, Scene) else scene:
        if KINDS[e.kind].layer == GROUND:
            found = covers(e, x, y) or found
    return found


def box(e: Element) -> Box:
    """Left, top, right, bottom of what stands, floats or flies."""
    w, h = KINDS[e.kind].box
    half = 0.5 * w * e.size * e.wide
    if e.kind in PARTS:
        half, h = 0.5 * e.size * min(1.0, e.aspect), min(1.0, 1 / e.aspect)
    if KINDS[e.kind].layer == AIR:
        return e.x - half, e.y - 0.5 * h * e.size, e.x + half, e.y + 0.5 * h * e.size
    return e.x - half, e.y - h * e.size, e.x + half, e.y


def overlap(a: Box, b: Box) -> float:
    """The area that two boxes share, over that of the smaller one."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / max(1e-9, min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])))


def same(a: Element, b: Element) -> bool:
    """Whether two that stand, float or fly lie on one spot."""
    return a.kind in UPRIGHT and math.hypot(a.x - b.x, a.y - b.y) < 0.15 * a.size


def depth_at(scene_height: float, horizon: float, y: float) -> float:
    """The depth of a foot at height y on level ground."""
    t = (y - horizon) / max(1e-6, scene_height - horizon)
    return DEEPEST * (1 - min(1.0, max(0.0, t)))


def scale_at(depth: float) -> float:
    """How large a thing at this depth is drawn, over a near one."""
    return 1 - 0.7 * min(1.0, depth / DEEPEST)


def faults(scene: Scene) -> list[str]:
    """What is wrong with it, as "fault: kind"; a fault is missing, doubled, floating, cut, scale or crowded."""
    return list(_faults(scene))


def _faults(scene: Scene) -> Iterator[str]:
    count = Counter(e.kind for e in scene.elements)
    for kind, n in count.items():
        if n > KINDS[kind].most:
            yield f"doubled: {kind}"
    skies = sum(count[hour] for hour in HOURS)
    lights = count["sun"] + count["moon"] + count["crescent"]
    if sum(count[backdrop] for backdrop in BACKDROPS) > 1:
        yield "doubled: backdrop"
    if skies != 1:
        yield f"{'doubled' if skies else 'missing'}: sky"
    if lights > 1:
        yield "doubled: light"
    if (count["night"] and count["sun"]) or (not count["night"] and lights > count["sun"]):
        yield "doubled: hour"
    sky = scene.sky
    if sky is None:
        return
    order = drawn(scene)
    tops: list[tuple[Element, Box]] = []
    for e in order:
        about = KINDS[e.kind]
        if about.layer == FAR:
            if not any(ground(order, x, e.y + 0.012) for x in (min(1.0, max(0.0, e.x + d)) for d in (-0.1, 0, 0.1))):
                yield f"floating: {e.kind}"
        elif about.on == "row":
            half = 0.5 * e.wide - 0.03
            spots = [min(1.0, max(0.0, x)) for x in (e.x - half, e.x, e.x + half)]
            if sum(any(ground(order, x, e.y + d) in ("land", "rock") for d in (-0.02, 0.02)) for x in spots) < 2:
                yield f"floating: {e.kind}"
        elif about.on == "quay":
            if not any(abs(e.y - q.y) < 0.03 for q in scene.having("quay")):
                yield f"floating: {e.kind}"
        elif e.kind in UPRIGHT:
            area = box(e)
            if area[0] < -0.04 or area[2] > 1.04 or area[1] < 0 or area[3] > scene.height + 0.02:
                yield f"cut: {e.kind}"
            if about.on == "air":
                if area[3] > sky.y + 0.02:
                    yield f"floating: {e.kind}"
            else:
                if about.on != "any" and ground(order, e.x, e.y + 0.012) != about.on:
                    yield f"floating: {e.kind}"
                nominal = about.nominal or e.nominal
                if nominal and not 0.5 < e.size / (nominal * scene.short * scale_at(e.depth)) < 2:
                    yield f"scale: {e.kind}"
            for other, place in tops:
                both = overlap(area, place)
                alike = other.kind == e.kind
                limit = 0.45 if e.kind in PARTS or other.kind in PARTS else 0.9 if alike else 0.8
                if both > limit or (alike and same(e, other)):
                    yield f"crowded: {e.kind} {other.kind}"
            tops.append((e, area))


def place_of(scene: Scene) -> str:
    """The place a scene shows, told from the kinds of its elements."""
    count = Counter(e.kind for e in scene.elements)
    signs = (
        ("plain", any(count[backdrop] for backdrop in BACKDROPS)),
        ("stage", count["floor"] > 0),
        ("table", count["tabletop"] > 0),
        ("space", count["planet"] > 0),
        ("underwater", count["deep"] > 0),
        ("canyon", count["wall"] >= 2),
        ("harbour", count["terrace"] >= 3),
        ("city", count["tower"] >= 4),
        ("village", count["house"] >= 3 and count["church"] > 0),
        ("coast", count["cliff"] > 0 and count["water"] > 0),
        ("beach", count["dune"] > 0 and count["water"] > 0),
        ("desert", count["dune"] > 0),
        ("island", any(e.depth < 0.3 for e in scene.having("island")) and count["water"] > 0),
        ("lake", count["ridge"] > 0 and count["water"] > 0),
        ("mountains", count["ridge"] > 0),
        ("forest", count["woods"] >= 2),
        ("hills", count["hill"] >= 2),
    )
    return next((name for name, found in signs if found), "")
