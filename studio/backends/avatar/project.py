"""Finds the face of a picture in a network: a guess, then W+ optimised until the pictures look alike.

Image2StyleGAN (Abdal et al., arXiv 1904.03189) and the projection of StyleGAN2 (1912.04958 appendix D), with a measure
that needs no network trained on photographs: absolute differences at every scale, of gradients, and of what random
convolutions make of both (random features keep the geometry of patches: Saxe et al., ICML 2011).
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.backends.avatar import AvatarProjectRequest, AvatarRequest
from studio.backends.avatar.attributes import NONE
from studio.backends.avatar.drawing import draw, enlarged, pixels
from studio.backends.avatar.encode import Encoder, Reading
from studio.backends.avatar.latents import Latents, packed, resting
from studio.backends.avatar.target import Target, target
from studio.backends.device import device
from studio.job import Cancelled, Progress, Report
from studio.media import Image

GUESSES, AGAIN, SHOW_EVERY = 48, 4, 10
RATE, TIES, READ_TIES = 0.06, 0.02, 60.0
"""Steps are RATE standard deviations of W at first; TIES weighs how far w strays from where it began, READ_TIES where
an encoder read the picture: that is a whole face, and bent far to match it looks torn, the more when it is moved."""


class Likeness:
    """How unlike pictures [N, planes, S, S] are to a target: 0 where they are the same."""

    def __init__(self, target: Target) -> None:
        random = torch.Generator().manual_seed(1905)
        planes = target.picture.shape[1]
        self.filters = [
            F.normalize(torch.randn(outputs, inputs, 3, 3, generator=random).flatten(1)).view(outputs, inputs, 3, 3)
            for inputs, outputs in ((planes, 24), (24, 32), (32, 48))
        ]
        self.filters = [kernel.to(target.picture.device) for kernel in self.filters]
        self.weight = target.weight
        self.wanted = self._features(target.picture)

    def __call__(self, picture: Tensor) -> Tensor:
        """[N]."""
        total = torch.zeros(len(picture), device=picture.device)
        for (made, weight), (wanted, _) in zip(self._features(picture), self.wanted, strict=True):
            total = total + ((made - wanted).abs() * weight).mean(dim=(1, 2, 3))
        return total

    def _features(self, picture: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(features, weight of their pixels): the picture and its gradients at every scale, then random features."""
        found: list[tuple[Tensor, Tensor]] = []
        x, weight = picture, self.weight
        while True:
            found += [(x, weight), (x.diff(dim=3), weight[..., 1:]), (x.diff(dim=2), weight[..., 1:, :])]
            if x.shape[2] <= 8:
                break
            x, weight = F.avg_pool2d(x, 2), F.avg_pool2d(weight, 2)
        x, weight = picture, self.weight
        for kernel in self.filters:
            x = F.relu(F.conv2d(x, kernel, padding=1))
            found.append((x, weight))
            x, weight = F.avg_pool2d(x, 2), F.avg_pool2d(weight, 2)
        return found


class Projection:
    """One search. `run` returns the face's picture, whose request is an AvatarRequest that carries the latent."""

    def __init__(self, latents: Latents, encoder: Encoder | None, request: AvatarProjectRequest, report: Report):
        self.latents, self.encoder, self.request, self.report = latents, encoder, request, report
        self.network: Any = latents.network
        self.plain = AvatarRequest(seed=request.seed, model=request.model, style=request.style, psi=1.0)
        self.best: tuple[float, Tensor] | None = None
        self.ties = TIES

    def run(self) -> Image:
        """Raises BadInput for what is no picture; Cancelled carries the best face so far."""
        self.report(Progress("reading"))
        shape = self.network.shape
        self.likeness = Likeness(target(self.request.picture, shape.planes, shape.size, device()))
        try:
            self._guess()
            if self.request.steps:
                self._improve()
        except Cancelled:
            raise Cancelled([self._made()] if self.best else ()) from None
        return self._made()

    @torch.no_grad()
    def _guess(self) -> None:
        """Begin from what looks most like the picture: averages, faces of seeds, the encoder's guess, attributes."""
        self.report(Progress("guessing", 0, 3))
        table = self.latents.config.table
        styles = [self.request.style]
        if table is not None and self.request.style == "any":
            styles = [style.name for style in table.styles]
        tried: list[tuple[AvatarRequest, Tensor]] = []
        for style in styles:
            plain = self.plain.replace(style=style)
            origin = self.latents.origin(plain)
            samples = self.latents.samples(plain, GUESSES // len(styles))
            tried += [(plain, self.network.broadcast(w)) for w in torch.cat([origin.centre, samples]).split(1)]
        reading = self._read()
        if reading is not None:
            self.ties = READ_TIES
            tried += self._as_read(reading, styles)
        scores = self._scores(torch.cat([ws for _, ws in tried]))
        order = scores.argsort().tolist()
        self.plain = tried[order[0]][0]
        self._consider(float(scores[order[0]]), tried[order[0]][1])
        self.report(Progress("guessing", 1, 3, self._shown()))
        if self.latents.traits is not None:
            self._by_attributes(reading)
        self.report(Progress("guessing", 3, 3, self._shown()))

    def _read(self) -> Reading | None:
        """What the encoder says that the picture shows."""
        table = self.latents.config.table
        if self.encoder is None or table is None:
            return None
        return Reading.of(self.encoder.to(device())(self.likeness.wanted[0][0])[0], table)

    def _as_read(self, reading: Reading, styles: list[str]) -> list[tuple[AvatarRequest, Tensor]]:
        """The faces that the encoder's likeliest answers describe, one for each style."""
        table = self.latents.config.table
        assert table is not None
        faces: list[tuple[AvatarRequest, Tensor]] = []
        for name in styles:
            plain = self.plain.replace(style=name)
            which = table.style(name)
            c = table.vector(which, [likeliest[0] for likeliest in reading.picks[which]])
            origin = self.latents.origin(plain)
            w = self.network.mapping(origin.z, torch.from_numpy(c)[None].to(origin.z))
            faces.append((plain, self.network.broadcast(w)))
        return faces

    def _by_attributes(self, reading: Reading | None) -> None:
        """The drawn attributes that look most like the picture, one by one; then again, the likeliest of each. Where an
        encoder has read the picture, what it holds for likely is all that is tried."""
        assert self.latents.traits is not None
        table = self.latents.traits.table
        which, picks = self.latents.picks(self.plain)
        z = self.latents.origin(self.plain).z
        attributes = table.styles[which].attributes
        tried = [[*range(len(one.values)), *([NONE] if one.none else [])] for one in attributes]
        if reading is not None:
            picks = [likeliest[0] for likeliest in reading.picks[which]]
            tried = [list(likeliest[:AGAIN]) for likeliest in reading.picks[which]]
        for turn in range(1 if reading is not None else 2):
            for i, values in enumerate(tried):
                codes = np.stack([table.vector(which, [*picks[:i], pick, *picks[i + 1 :]]) for pick in values])
                c = torch.from_numpy(codes).to(z)
                ws = self.network.broadcast(self.network.mapping(z.expand(len(c), -1), c))
                scores = self._scores(ws)
                order = scores.argsort().tolist()
                at = order[0]
                picks[i] = values[at]
                tried[i] = [values[other] for other in order[:AGAIN]]
                self._consider(float(scores[at]), ws[at : at + 1])
                self.report(Progress("guessing", 1 + turn, 3))

    def _scores(self, ws: Tensor) -> Tensor:
        return torch.cat([self.likeness(self._draw(some)) for some in ws.split(16)])

    def _improve(self) -> None:
        """W+ by gradient descent (Adam), from the best guess."""
        assert self.best is not None
        steps = self.request.steps
        with torch.no_grad():
            std = self.latents.samples(self.plain, 256).std(dim=0).clamp(min=1e-3).clone()
            start = self.best[1].clone()
        with torch.enable_grad():
            moved = torch.zeros_like(start).requires_grad_(True)
            adam = torch.optim.Adam([moved], lr=RATE, betas=(0.9, 0.99))
            for step in range(steps):
                adam.param_groups[0]["lr"] = (
                    RATE * min(1.0, (step + 1) / 10) * 0.5 * (1 + math.cos(math.pi * step / steps))
                )
                ws = start + moved * std
                unlike = self.likeness(self._draw(ws))[0]
                self._consider(unlike.item(), ws.detach())
                shown = self._shown() if step % SHOW_EVERY == 0 else None
                self.report(Progress("looking", step, steps, shown, {"unlike": unlike.item()}))
                adam.zero_grad(set_to_none=True)
                (unlike + self.ties * moved.square().mean()).backward()
                adam.step()
            with torch.no_grad():
                ws = start + moved * std
                self._consider(float(self.likeness(self._draw(ws))[0]), ws)
        self.report(Progress("looking", steps, steps, self._shown()))

    def _draw(self, ws: Tensor) -> Tensor:
        return draw(self.network, ws, "const", self.request.seed)

    def _consider(self, unlike: float, ws: Tensor) -> None:
        if self.best is None or unlike < self.best[0]:
            self.best = (unlike, ws.detach().clone())

    def _shown(self) -> Image:
        assert self.best is not None
        with torch.no_grad():
            return Image(pixels(self._draw(self.best[1]))[0])

    def _made(self) -> Image:
        """The best face as its own request draws it."""
        assert self.best is not None
        face = self.plain.replace(latent=packed(self.best[1]), size=self.request.size, name=self.request.name)
        with torch.no_grad():
            if self.latents.traits is not None:
                which, _ = self.latents.picks(face)
                picks = self.latents.resembling(self.best[1].mean(dim=1), face)
                face = face.replace(
                    style=self.latents.config.styles[which], traits=resting(self.latents.traits, which, picks)
                )
            ws = self.latents.ws(face)
            picture = enlarged(draw(self.network, ws, face.noise, face.seed), face.size)
        return Image(pixels(picture)[0], json.dumps(face.to_json(), ensure_ascii=False))
