"""Projects a picture into W+: a first guess, then optimisation until the pictures match.

Image2StyleGAN (Abdal et al., arXiv 1904.03189) and the projection of StyleGAN2 (1912.04958 appendix D), by the measure
of target.py, in the place where detect_face.py finds the face. Where nothing near was found, a remark says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from studio.backends.avatar.attributes import NONE
from studio.backends.avatar.engine.detect_face import COMPARED, FaceDetector, downsample, figure_boxes
from studio.backends.avatar.engine.encoder import AttributeReading, Encoder
from studio.backends.avatar.engine.latents import Latents, encode_latent, reset_sliders
from studio.backends.avatar.engine.synthesis import enlarge, render, to_pixels
from studio.backends.avatar.engine.target import (
    PictureDistance,
    ProjectionTarget,
    make_target,
    open_picture,
    pixel_weights,
)
from studio.backends.avatar.requests import STYLES, AvatarProjectRequest, AvatarRequest
from studio.backends.engine.device import device
from studio.errors import NOTHING, Message
from studio.jobs.job import Cancelled, Progress, Report
from studio.media.payloads import Image

NEAR = 0.45
"""The face in the picture is at most this far from it, as a share of the median distance of others of its style."""

FAR = Message(
    "This model cannot draw this picture: it only draws the styles it was trained on. This is its closest face."
)
UNREAD = Message("This face is hardly closer to the picture than any other face of the model.")
LOST = 0.85  # NEAR for a face that was optimised until it fits, where no encoder reads the picture
PLAIN = 0.75
"""Another style is plainly seen if its face is at most this far, as a share of the best face of the style asked for."""


def nothing_near(unlike: float, others: Sequence[float], *, read: bool) -> Message:
    """The message for a face at this distance from its picture, when `others` of its style are so far from it; empty
    where it is near. `read`: an encoder has read the picture.
    """
    share = unlike / max(1e-9, median(others))
    if read:
        return FAR if share > NEAR else NOTHING
    return UNREAD if share > LOST else NOTHING


def another_style(seen: str, asked: str, unlike: float, best: float, others: Sequence[float]) -> Message:
    """The message for a picture that is plainly in another style than the one that was asked for; empty if it is not.

    `unlike` is the distance of its face in the style that is `seen`, `best` that of the best face in the style that
    was `asked` for, and `others` are those of faces in the style that is seen.
    """
    if seen == asked or unlike > PLAIN * best or nothing_near(unlike, others, read=True):
        return NOTHING
    titles = dict(STYLES)
    return Message(
        "This looks like {seen}; it was matched in {asked}, because that style was chosen.",
        seen=Message.of(titles.get(seen, seen)),
        asked=Message.of(titles.get(asked, asked)),
    )


GUESSES, AGAIN, SHOW_EVERY = 48, 4, 10
RATE, TIES, READ_TIES = 0.06, 0.02, 60.0
"""Steps are RATE standard deviations of W at first; TIES weighs how far w strays from where it began, READ_TIES where
an encoder read the picture: that is a whole face, and bent far to match it looks torn, the more when it is moved."""
BETTER, READ_BETTER = 0.8, 0.9
"""So many times as unlike as the middle of the picture another place may be at most, to be looked at instead."""
RECALLED = 32  # pixels a side at which faces of the network are compared with a picture
USUAL = ((0.0, 0.0, 1.0, 1.0), (0.1, 0.1, 0.9, 1.0), (0.15, 0.15, 0.85, 0.85))
"""Where figures stand in pictures that have no transparency to tell it by."""


class EncoderReader:
    """What an encoder reads in pictures, redrawn by its network: a FaceReader."""

    def __init__(self, latents: Latents, encoder: Encoder, plain: AvatarRequest) -> None:
        assert latents.config.table is not None
        self.latents, self.encoder, self.plain = latents, encoder.to(device()), plain
        self.table = latents.config.table

    def readings(self, pictures: Tensor) -> list[AttributeReading]:
        return [AttributeReading.of(scores, self.table) for scores in self.encoder(pictures)]

    def faces(self, readings: Sequence[AttributeReading], styles: Sequence[int]) -> Tensor:
        """ws [N, num_ws, w_dim] of the likeliest answers, each of its style."""
        network, ws = self.latents.network, []
        for reading, style in zip(readings, styles, strict=True):
            c = self.table.vector(style, [likeliest[0] for likeliest in reading.picks[style]])
            z = self.latents.origin(self.plain.replace(style=self.table.styles[style].name)).z
            ws.append(network.mapping(z, torch.from_numpy(c)[None].to(z)))
        return network.broadcast(torch.cat(ws))

    def redraw(self, pictures: Tensor) -> Tensor:
        readings = self.readings(pictures)
        return render(
            self.latents.network, self.faces(readings, [reading.styles[0] for reading in readings]), "const", 0
        )


class NearestSampleReader:
    """The nearest of the network's own samples: a FaceReader for networks without an encoder."""

    def __init__(self, faces: Tensor) -> None:
        self.faces, self.small = faces, downsample(faces, RECALLED)
        self.weight = pixel_weights(self.small.shape[2]).to(faces)

    def redraw(self, pictures: Tensor) -> Tensor:
        small = downsample(pictures, RECALLED).split(1)
        at = [int(PictureDistance(ProjectionTarget(one, self.weight))(self.small).argmin()) for one in small]
        return self.faces[at]


class Projection:
    """One search. `run` returns the face's picture, whose request is an AvatarRequest that carries the latent."""

    def __init__(self, latents: Latents, encoder: Encoder | None, request: AvatarProjectRequest, report: Report):
        self.latents, self.encoder, self.request, self.report = latents, encoder, request, report
        self.network: Any = latents.network
        self.plain = AvatarRequest(seed=request.seed, model=request.model, style=request.style, psi=1.0)
        self.reader: EncoderReader | None = None
        self.others: list[float] = []  # how unlike the picture other faces of the style are
        self.mistaken: Message = NOTHING
        self.guessed = 0.0  # how unlike the best guess is, before anything is bent
        self.best: tuple[float, Tensor] | None = None
        self.ties = TIES

    def run(self) -> Image:
        """Raises BadInput for what is no picture; Cancelled carries the best face so far."""
        self.report(Progress("reading"))
        picture = open_picture(self.request.picture.path)
        try:
            self._guess(self._locate_face(picture))
            if self.request.steps:
                self._optimise()
        except Cancelled:
            raise Cancelled([self._result()] if self.best else ()) from None
        return self._result()

    @torch.no_grad()
    def _locate_face(self, picture: NDArray[np.uint8]) -> list[tuple[AvatarRequest, Tensor]]:
        """Finds where in the picture the face is; returns the averages and the faces of seeds to begin from."""
        table, shape = self.latents.config.table, self.network.shape
        wanted = [self.request.style]
        if table is not None and self.request.style == "any":
            wanted = [style.name for style in table.styles]
        begun = {style: self._style_samples(style, GUESSES // len(wanted)) for style in wanted}
        everywhere = dict(begun)
        for style in self.latents.config.styles:
            if style not in begun:  # the picture may be of another style than is asked for
                everywhere[style] = self._style_samples(style, GUESSES // len(self.latents.config.styles))
        self.drawn = {style: self._small(ws) for style, (_, ws) in everywhere.items()}
        frames = [figure_boxes(drawn) if shape.planes == 4 else list(USUAL) for drawn in self.drawn.values()]
        eye: EncoderReader | NearestSampleReader
        if self.encoder is not None and table is not None:
            self.reader = eye = EncoderReader(self.latents, self.encoder, self.plain)
        else:
            eye = NearestSampleReader(torch.cat(list(self.drawn.values())))
        better = READ_BETTER if self.reader is not None else BETTER
        aligning = FaceDetector(eye, shape.planes, shape.size, device(), better=better)
        found = aligning.find(picture, frames, lambda done, total: self.report(Progress("aligning", done, total)))
        self.likeness = PictureDistance(make_target(found.canvas.crop(found.place, shape.size), shape.planes, device()))
        return [(plain, one) for plain, ws in begun.values() for one in ws.split(1)]

    def _style_samples(self, style: str, count: int) -> tuple[AvatarRequest, Tensor]:
        """The average of a style and faces of its seeds: ws [1 + count, num_ws, w_dim]."""
        plain = self.plain.replace(style=style)
        origin = self.latents.origin(plain)
        return plain, self.network.broadcast(torch.cat([origin.centre, self.latents.samples(plain, count)]))

    @torch.no_grad()
    def _guess(self, tried: list[tuple[AvatarRequest, Tensor]]) -> None:
        """Begin from what looks most like the picture: averages, faces of seeds, the encoder's guess, attributes."""
        self.report(Progress("guessing", 0, 3))
        reading, drawn = None, len(tried)
        if self.reader is not None:
            (reading,) = self.reader.readings(self.likeness.wanted[0][0])
            self.ties = READ_TIES
            styles = list(dict.fromkeys(plain.style for plain, _ in tried))
            faces = self.reader.faces([reading] * len(styles), [self.reader.table.style(name) for name in styles])
            tried += [(self.plain.replace(style=name), ws) for name, ws in zip(styles, faces.split(1), strict=True)]
        scores = self._scores(torch.cat([ws for _, ws in tried]))
        order = scores.argsort().tolist()
        self.plain = tried[order[0]][0]
        self.others = [float(scores[at]) for at in range(drawn) if tried[at][0].style == self.plain.style]
        self._consider(float(scores[order[0]]), tried[order[0]][1])
        self.report(Progress("guessing", 1, 3, self._preview()))
        if self.latents.traits is not None:
            self._by_attributes(reading)
        assert self.best is not None
        self.guessed = self.best[0]
        if reading is not None and self.reader is not None and self.request.style != "any":
            self.mistaken = self._style_message(self.reader, reading)
        self.report(Progress("guessing", 3, 3, self._preview()))

    def _style_message(self, reader: EncoderReader, reading: AttributeReading) -> Message:
        """The message about the style that was asked for, if any."""
        assert self.best is not None
        seen, picture = reading.styles[0], downsample(self.likeness.wanted[0][0], COMPARED)
        likeness = PictureDistance(ProjectionTarget(picture, pixel_weights(picture.shape[2]).to(picture)))
        name = reader.table.styles[seen].name
        unlike, best = likeness(self._small(torch.cat([reader.faces([reading], [seen]), self.best[1]]))).tolist()
        return another_style(name, self.request.style, unlike, best, likeness(self.drawn[name]).tolist())

    def _by_attributes(self, reading: AttributeReading | None) -> None:
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

    def _optimise(self) -> None:
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
                shown = self._preview() if step % SHOW_EVERY == 0 else None
                self.report(Progress("looking", step, steps, shown, {"unlike": unlike.item()}))
                adam.zero_grad(set_to_none=True)
                (unlike + self.ties * moved.square().mean()).backward()
                adam.step()
            with torch.no_grad():
                ws = start + moved * std
                self._consider(float(self.likeness(self._draw(ws))[0]), ws)
        self.report(Progress("looking", steps, steps, self._preview()))

    def _small(self, ws: Tensor) -> Tensor:
        """Pictures as they are compared with many others."""
        return torch.cat([downsample(self._draw(some), COMPARED) for some in ws.split(16)])

    def _draw(self, ws: Tensor) -> Tensor:
        return render(self.network, ws, "const", self.request.seed)

    def _consider(self, unlike: float, ws: Tensor) -> None:
        if self.best is None or unlike < self.best[0]:
            self.best = (unlike, ws.detach().clone())

    def _preview(self) -> Image:
        assert self.best is not None
        with torch.no_grad():
            return Image(to_pixels(self._draw(self.best[1]))[0])

    def _result(self) -> Image:
        """The best face as its own request draws it."""
        assert self.best is not None
        face = self.plain.replace(latent=encode_latent(self.best[1]), size=self.request.size, name=self.request.name)
        with torch.no_grad():
            if self.latents.traits is not None:
                which, _ = self.latents.picks(face)
                picks = self.latents.nearest_picks(self.best[1].mean(dim=1), face)
                face = face.replace(
                    style=self.latents.config.styles[which], traits=reset_sliders(self.latents.traits, which, picks)
                )
            ws = self.latents.ws(face)
            picture = enlarge(render(self.network, ws, face.noise, face.seed), face.size)
        return Image(to_pixels(picture)[0], json.dumps(face.to_json(), ensure_ascii=False), self._remark())

    def _remark(self) -> Message:
        """The message about the best face, if any."""
        assert self.best is not None
        if not self.guessed:
            return NOTHING  # cancelled before there was anything to judge
        if self.reader is not None:
            return self.mistaken or nothing_near(self.guessed, self.others, read=True)
        return nothing_near(self.best[0], self.others, read=False)
