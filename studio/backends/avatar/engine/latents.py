"""From a request to W+: seed, sliders, variations, style mixing, and the path of a morph.

W, W+, truncation and style mixing are those of Karras et al. (arXiv 1812.04948 sections 2 and 3.1, 1912.04958).
The order is: the seed's w (or a found W+) with its traits; the steps nearby (where a seed draws attributes, these are
steps from drawing to drawing and come first, then what is taken from other drawings, see mixing.py); truncation; other
faces' layers; steps along directions. So another face whose layers are all taken is that face as its own request shows
it.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from studio.backends.avatar.directions import SavedDirection
from studio.backends.avatar.engine.files import AvatarConfig
from studio.backends.avatar.engine.network import truncate
from studio.backends.avatar.mixing import FaceCode, between, edited_code, face_code, mixes_of, parse_face
from studio.backends.avatar.requests import AvatarRequest, AvatarWalkRequest, SliderValue, StyleMix, Variation
from studio.backends.avatar.slider_tracks import SliderTracks, sample_attributes
from studio.backends.engine.device import device
from studio.errors import BadInput, Message

REMEMBERED = 64  # faces on the way of one drag, and some to come back to
SPREAD_SAMPLES = 500


@dataclass(frozen=True, eq=False)
class MappingInput:
    """What a seed gives before mapping: z [1, z_dim], condition [1, c_dim] or None, centre of truncation [1, w_dim]."""

    z: Tensor
    c: Tensor | None
    centre: Tensor


def groups(shape: Any) -> dict[str, range]:
    """Which layers are coarse, middle and fine: up to 8 px, to 32 px, beyond (1812.04948 section 3.1).

    Thirds of all layers where that would leave a group empty, or the network has no resolutions of its own.
    """
    count: int = shape.num_ws
    sizes: tuple[int, ...] = getattr(shape, "sizes", ())
    ends = [2 * sum(size <= limit for size in sizes) for limit in (8, 32)]
    if not 0 < ends[0] < ends[1] < count:
        ends = [max(1, round(count / 3)), max(2, round(2 * count / 3))]
    return {"coarse": range(ends[0]), "middle": range(ends[0], ends[1]), "fine": range(ends[1], count)}


CALLED = {"shape": "coarse", "features": "middle", "colours": "fine"}
"""What the groups hold in a network that learnt from pictures alone."""


def layers_of(shape: Any, name: str) -> range:
    """The layers of a group, by its name or by what it holds, or all of them."""
    return range(shape.num_ws) if name == "all" else groups(shape)[CALLED.get(name, name)]


class Latents:
    """One network's faces. What two requests share is reckoned once, so that a drag costs its synthesis only."""

    def __init__(self, network: Any, config: AvatarConfig, traits: SliderTracks | None) -> None:
        self.network, self.config, self.traits = network, config, traits
        self.along: dict[str, SavedDirection] = {}
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def ws(self, request: AvatarRequest) -> Tensor:
        """[1, num_ws, w_dim]. Raises BadInput for what this network does not have."""
        ws, centre = self._near(request)
        layers = request.cutoff or self.network.shape.num_ws
        ws = torch.cat([truncate(ws[:, :layers], centre[:, None], request.psi), ws[:, layers:]], dim=1)
        by_attributes = self._mixes(request)
        for mix in request.mix:
            if mix.face and mix.amount and mix not in by_attributes:
                span = layers_of(self.network.shape, mix.layers)
                other = self._cached(
                    ("mixed", mix.face), lambda face=mix.face: self.ws(self.resolve_face(request, face))
                )
                ws[:, span] = torch.lerp(ws[:, span], other[:, span], mix.amount)
        for slide in request.slides:
            along = self.along.get(slide.direction)
            if along is None:
                raise BadInput(
                    "This model has no direction {direction!r}.",
                    "Find directions, or leave this one out.",
                    direction=slide.direction[:60],
                )
            if len(along.vector) != self.network.shape.w_dim:
                raise BadInput(
                    "{name} was found on another network.", "Delete it, and find directions again.", name=along.name
                )
            span = layers_of(self.network.shape, along.layers)
            ws[:, span] += slide.amount * along.std * _tensor(along.vector)
        return ws

    def resolve_face(self, request: AvatarRequest, face: str) -> AvatarRequest:
        """The face that a row names. BadInput where it belongs to another model."""
        other = parse_face(face)
        if other.model not in ("", request.model):
            raise BadInput(
                "A face of the model {model} cannot be used with {wanted}.",
                "Choose faces of one model.",
                model=other.model,
                wanted=request.model or Message("this one"),
            )
        return other

    def origin(self, request: AvatarRequest) -> MappingInput:
        """Raises BadInput for a style, class or slider that the model does not have."""
        mixes = self._mixes(request)
        key = ("origin", request.style, request.seed, request.label, request.traits, self._steps(request), mixes)
        return self._cached(key, lambda: self._origin(request))

    def map_input(self, origin: MappingInput) -> Tensor:
        """w [1, w_dim]."""
        return self.network.mapping(origin.z, origin.c)

    def picks(self, request: AvatarRequest) -> tuple[int, list[int]]:
        """Style and picks of a request's seed. Only for models with attributes."""
        which, _, picks = self._drawn(request)
        return which, list(picks)

    def samples(self, request: AvatarRequest, count: int) -> Tensor:
        """w [count, w_dim] of seeds of the request's style or class; without either, of the one that its seed draws."""
        rng = np.random.default_rng(4321)
        z = torch.from_numpy(rng.standard_normal((count, self.config.shape.z_dim), dtype=np.float32)).to(device())
        c = self.origin(request).c
        table = self.config.table
        if c is not None and table is not None:
            which, _ = self.picks(request)
            c = torch.from_numpy(table.vectors(which, count, rng)).to(device())
        elif c is not None:
            c = c.expand(count, -1)
        return self.network.mapping(z, c)

    def clear_cache(self) -> None:
        self._kept.clear()

    def _origin(self, request: AvatarRequest) -> MappingInput:
        shape, table = self.config.shape, self.config.table
        mapping = self.network.mapping
        if table is not None and self.traits is not None:
            if request.label >= 0:
                raise BadInput("This model has styles, not classes.", "Leave the class to the seed.")
            which, z, picks = self._drawn(request)
            if self._mixes(request):
                code = self.code(request)
                which, c = code.style, code.vector[None]
            else:
                c = self.traits.condition(which, picks, request.traits)[None]
            return MappingInput(_tensor(z[None]), _tensor(c), self.centre(which))
        if request.style != "any":
            raise BadInput("This model has no style {style!r}.", "Choose any.", style=request.style[:60])
        if request.traits:
            raise BadInput("This model has no named sliders.", "Find directions and use those.")
        if request.label >= max(shape.c_dim, 0):
            words = Message("This model has no classes.")
            if shape.c_dim:
                words = Message("This model has classes 0 to {last}.", last=shape.c_dim - 1)
            raise BadInput(words, "Leave the class to the seed.")
        centre = mapping.centre(None)[None]
        if self.config.z == "randomstate":
            # As the official tools draw it, so that a seed known from elsewhere is the same face here.
            z = np.random.RandomState(request.seed).randn(1, shape.z_dim).astype(np.float32)
        else:
            z = np.random.default_rng(request.seed).standard_normal((1, shape.z_dim), dtype=np.float32)
        if not shape.c_dim:
            return MappingInput(_tensor(z), None, centre)
        label = request.label if request.label >= 0 else int(np.random.default_rng(request.seed).integers(shape.c_dim))
        return MappingInput(_tensor(z), _tensor(np.eye(shape.c_dim, dtype=np.float32)[label : label + 1]), centre)

    def _drawn(self, request: AvatarRequest) -> tuple[int, np.ndarray, list[int]]:
        table, z_dim = self.config.table, self.config.shape.z_dim
        assert table is not None
        near = self._steps(request)
        key = ("drawn", request.style, request.seed, near)
        return self._cached(key, lambda: sample_attributes(table, request.style, request.seed, z_dim, near))

    def _steps(self, request: AvatarRequest) -> tuple[Variation, ...]:
        """The steps nearby that change attributes; those of other networks and from a found face are taken in W."""
        return request.near if self.config.table is not None and not request.latent else ()

    def _mixes(self, request: AvatarRequest) -> tuple[StyleMix, ...]:
        """What is taken from other faces by attributes; other networks take it by layers."""
        return mixes_of(request) if self.traits is not None else ()

    def code(self, request: AvatarRequest) -> FaceCode:
        """The drawing that a face is. Only for models with attributes."""
        assert self.traits is not None
        z_dim = self.config.shape.z_dim
        return face_code(self.traits, request, z_dim, lambda face: self.resolve_face(request, face))

    def centre(self, style: int) -> Tensor:
        """The centre of truncation [1, w_dim] of a style."""
        return self.network.mapping.centre(torch.tensor([style], device=device()))

    def _base(self, request: AvatarRequest) -> tuple[Tensor, Tensor]:
        """The face before any step: ws and the centre of truncation."""
        if not request.latent:
            origin = self.origin(request)
            return self.network.broadcast(self.map_input(origin)), origin.centre
        ws = decode_latent(request.latent, self.network.shape).to(device())
        plain = request.replace(traits=(), mix=())
        origin = self.origin(plain)
        centre = origin.centre
        if (request.traits or self._mixes(request)) and self.traits is not None:
            # A found face has no code; sliders and what is taken from other faces move it as they move the face that
            # its mean w resembles most.
            which, _ = self.picks(plain)
            picks = self._cached(("resembling", which, request.latent), lambda: self.nearest_picks(ws.mean(1), plain))
            start = FaceCode(which, tuple(picks), self.traits.table.vector(which, picks))
            edited = edited_code(
                self.traits, start, request, self.config.shape.z_dim, lambda face: self.resolve_face(request, face)
            )
            codes = _tensor(np.stack([start.vector, edited.vector]))
            before, after = self.network.mapping(origin.z.expand(2, -1), codes)
            ws, centre = ws + (after - before), self.centre(edited.style)
        return ws, centre

    def nearest_picks(self, w: Tensor, request: AvatarRequest) -> list[int]:
        """The picks of the request's style whose w, with the seed's z, is nearest to w [1, w_dim]: one after another,
        twice round."""
        assert self.traits is not None
        table = self.traits.table
        which, picks = self.picks(request)
        z = self.origin(request).z
        for _ in range(2):
            for i, one in enumerate(table.styles[which].attributes):
                tried = [*range(len(one.values)), *([-1] if one.none else [])]
                codes = np.stack([table.vector(which, [*picks[:i], pick, *picks[i + 1 :]]) for pick in tried])
                made = self.network.mapping(z.expand(len(codes), -1), _tensor(codes))
                picks[i] = tried[int((made - w).square().sum(dim=1).argmin())]
        return picks

    def _near(self, request: AvatarRequest) -> tuple[Tensor, Tensor]:
        mixes = self._mixes(request)
        key = ("near", request.style, request.seed, request.label, request.traits, request.latent, request.near, mixes)
        ws, centre = self._cached(key, lambda: self._apply_variations(request))
        return ws.clone(), centre

    def _apply_variations(self, request: AvatarRequest) -> tuple[Tensor, Tensor]:
        ws, centre = self._base(request)
        for step in () if self._steps(request) else request.near:
            ws = self._apply_variation(request, ws, step)
        return ws, centre

    def _apply_variation(self, request: AvatarRequest, ws: Tensor, step: Variation) -> Tensor:
        """A face nearby: noise as wide as W is in every direction, and the way to its middle shortened as much, so that
        a long chain stays as usual as its first face. At spread 1 nothing of that is left."""
        plain = request.replace(traits=(), mix=())
        key = ("spread", plain.style, plain.label) if plain.style != "any" else ("spread", plain.seed, plain.label)
        samples: Tensor = self._cached(key, lambda: self.samples(plain, SPREAD_SAMPLES))
        weights = np.random.default_rng(step.seed).standard_normal(len(samples), dtype=np.float32)
        middle = samples.mean(dim=0)
        noise = _tensor(weights)[None] @ (samples - middle) / (len(samples) - 1) ** 0.5
        kept = (1 - step.spread**2) ** 0.5
        return middle + kept * (ws - middle) + step.spread * noise[:, None]

    def _cached(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._kept[key] = make()
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return made


def encode_latent(ws: Tensor) -> str:
    """ws [1, num_ws, w_dim] as a request carries it: base64 of little-endian float16."""
    numbers = ws[0].detach().cpu().numpy().clip(-65504, 65504).astype("<f2")
    return base64.b64encode(numbers.tobytes()).decode("ascii")


def decode_latent(latent: str, shape: Any) -> Tensor:
    """ws [1, num_ws, w_dim]. BadInput where it is that of another network."""
    numbers = np.frombuffer(base64.b64decode(latent), "<f2").astype(np.float32)
    if len(numbers) != shape.num_ws * shape.w_dim:
        raise BadInput(
            "The latent has {count:,} numbers; this model needs {needed:,}.",
            "Use it with the model it was found in.",
            count=len(numbers),
            needed=shape.num_ws * shape.w_dim,
        )
    return torch.from_numpy(numbers).reshape(1, shape.num_ws, shape.w_dim)


def reset_sliders(traits: SliderTracks, which: int, picks: list[int]) -> tuple[SliderValue, ...]:
    """Sliders where the face with these picks has them."""
    return tuple(SliderValue(name, value) for name, value in traits.positions(which, picks, ()).items())


def _tensor(numbers: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(device())


FRAME_LIMIT = 6000


def frame_times(request: AvatarWalkRequest) -> list[tuple[int, float]]:
    """(leg, how far along it, 0 to 1) of every frame. A loop ends one frame before it is back where it began."""
    stations = len(request.stations)
    if stations < 2:
        raise BadInput("A morph needs at least two faces.", "Add another face.")
    legs = stations if request.loop else stations - 1
    count = max(2, round(legs * request.seconds * request.fps))
    if count > FRAME_LIMIT:
        raise BadInput(
            "This morph has {count:,} frames; the limit is {limit:,}.",
            "Make it shorter.",
            count=count,
            limit=FRAME_LIMIT,
        )
    last = count if request.loop else count - 1
    places = [i * legs / last for i in range(count)]
    return [(min(int(at), legs - 1), at - min(int(at), legs - 1)) for at in places]


class MorphPath:
    """The ws of a walk's frames. Raises BadInput where its faces cannot be walked between."""

    def __init__(self, latents: Latents, request: AvatarWalkRequest) -> None:
        self.request, self.latents = request, latents
        self.times = frame_times(request)
        if any(not station.face for station in request.stations):
            raise BadInput("One step of this morph has no face.", "Remove it.")
        asked = AvatarRequest(model=request.model)
        self.faces = [latents.resolve_face(asked, station.face) for station in request.stations]
        self.ws = torch.cat([latents.ws(face) for face in self.faces])
        self.origins: list[MappingInput] = []
        if request.way == "z":
            if any(face.latent for face in self.faces):
                raise BadInput("A face that was matched to a picture has no seed.", "Choose the path Between faces.")
            self.origins = [latents.origin(face) for face in self.faces]
            self.extras = torch.cat([ws - self._seed_only(i) for i, ws in enumerate(self.ws.split(1))])
        self.codes = [latents.code(face) for face in self.faces] if request.way == "parts" and latents.traits else []
        if self.codes:
            self.z = [latents.origin(face.replace(traits=(), mix=())).z for face in self.faces]
            self.extras = torch.cat(
                [
                    ws - self._drawing(code, i, i, 0.0)
                    for i, (ws, code) in enumerate(zip(self.ws.split(1), self.codes, strict=True))
                ]
            )

    def frames(self) -> Generator[Tensor]:
        """ws [1, num_ws, w_dim] of every frame."""
        for leg, part in self.times:
            yield self.at(leg, part)

    def drawings(self) -> Generator[list[tuple[Tensor, float]]]:
        """What each frame shows: ws of one face, or of two and how much of each."""
        for leg, part in self.times:
            if not self.codes or self.latents.traits is None:
                yield [(self.at(leg, part), 1.0)]
                continue
            part = self._eased(part)
            a, b = leg, (leg + 1) % len(self.faces)
            extras = self._interpolate(self.extras, leg, part)
            shown = between(self.latents.traits, self.codes[a], self.codes[b], part)
            yield [(self._drawing(code, a, b, part) + extras, weight) for code, weight in shown]

    def _drawing(self, code: FaceCode, a: int, b: int, part: float) -> Tensor:
        """ws of a drawing between two stations."""
        network = self.latents.network
        w = network.mapping(slerp(self.z[a], self.z[b], part), _tensor(code.vector[None]))
        psi = (1 - part) * self.faces[a].psi + part * self.faces[b].psi
        return network.broadcast(truncate(w, self.latents.centre(code.style), psi))

    def _eased(self, part: float) -> float:
        return part * part * (3 - 2 * part) if self.request.curve == "ease" else part

    def at(self, leg: int, part: float) -> Tensor:
        part = self._eased(part)
        a, b = leg, (leg + 1) % len(self.faces)
        if not self.origins:
            return self._interpolate(self.ws, leg, part)
        # What a face has beyond its seed (steps nearby, mixing, directions) fades from one into the other.
        return self._between_seeds(a, b, part) + self._interpolate(self.extras, leg, part)

    def _interpolate(self, points: Tensor, leg: int, part: float) -> Tensor:
        """[1, ...] between `points` [stations, ...]: straight, or on the Catmull-Rom spline through all of them."""
        n = len(points)

        def point(i: int) -> Tensor:
            return points[i % n if self.request.loop else min(max(i, 0), n - 1)][None]

        a, b = point(leg), point(leg + 1)
        if self.request.curve != "spline":
            return torch.lerp(a, b, part)
        before, after = point(leg - 1), point(leg + 2)
        t, t2, t3 = part, part * part, part**3
        return (
            a
            + (b - before) * (t / 2)
            + (2 * before - 5 * a + 4 * b - after) * (t2 / 2)
            + (3 * a - before - 3 * b + after) * (t3 / 2)
        )

    def _seed_only(self, i: int) -> Tensor:
        """The station's seed alone, truncated."""
        return self._between_seeds(i, i, 0.0)

    def _between_seeds(self, a: int, b: int, part: float) -> Tensor:
        """Over the seeds: z on the great circle between two, everything else straight."""
        first, second = self.origins[a], self.origins[b]
        z = slerp(first.z, second.z, part)
        c = None if first.c is None or second.c is None else torch.lerp(first.c, second.c, part)
        centre = torch.lerp(first.centre, second.centre, part)
        w = self.latents.network.mapping(z, c)
        psi = (1 - part) * self.faces[a].psi + part * self.faces[b].psi
        return self.latents.network.broadcast(truncate(w, centre, psi))


def slerp(a: Tensor, b: Tensor, part: float) -> Tensor:
    """Between two z [N, z_dim] along the great circle, lengths straight; straight where they lie on one line."""
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=1).clamp(-1, 1)[:, None]
    angle = cosine.acos()
    sine = angle.sin()
    if (sine < 1e-4).any():
        return torch.lerp(a, b, part)
    la, lb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    way = (((1 - part) * angle).sin() * a / la + (part * angle).sin() * b / lb) / sine
    return way * torch.lerp(la, lb, part)
