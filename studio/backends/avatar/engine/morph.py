"""The W+ path of a morph between faces, frame by frame."""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from studio.backends.avatar.engine.latents import Latents, MappingInput
from studio.backends.avatar.engine.network import truncate
from studio.backends.avatar.requests import AvatarRequest, AvatarWalkRequest
from studio.errors import BadInput

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

    def frames(self) -> Generator[Tensor]:
        """ws [1, num_ws, w_dim] of every frame."""
        for leg, part in self.times:
            yield self.at(leg, part)

    def at(self, leg: int, part: float) -> Tensor:
        if self.request.curve == "ease":
            part = part * part * (3 - 2 * part)
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
