"""The avatar engine: faces, latent directions, projection, morphs and character sheets of a StyleGAN."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.backends.avatar import directions, slider_tracks
from studio.backends.avatar.engine import encoder as encode
from studio.backends.avatar.engine import files, find_directions
from studio.backends.avatar.engine import upscaler as upscale
from studio.backends.avatar.engine.latents import Latents, MorphPath, layers_of
from studio.backends.avatar.engine.projection import Projection
from studio.backends.avatar.engine.synthesis import contact_sheet, enlarge, render, single_thread, to_pixels
from studio.backends.avatar.requests import (
    AvatarDirectionsRequest,
    AvatarProjectRequest,
    AvatarRequest,
    AvatarSheetRequest,
    AvatarWalkRequest,
)
from studio.backends.engine.device import device, translate_out_of_memory
from studio.backends.medium import Resources
from studio.errors import BadInput, StudioError
from studio.export import sheets
from studio.jobs.job import Progress, Report
from studio.media import clips, temp_clips
from studio.media.payloads import Clip, Image, Payload
from studio.models.model import Model
from studio.schema.request import Request
from studio.system import storage

REACH = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
"""Standard deviations at which a direction is shown."""

SHOWN = 256
"""Pixels of a side at which it is: forty directions of the largest networks would be more than a picture may have."""


CELL = 256
"""Pixels of a side that a face has room for on a character sheet."""


class AvatarEngine:
    """Holds one network between requests, and what two requests share."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._latents: Latents | None = None
        self._upscaler: upscale.Upscaler | None = None
        self._stamp: tuple[int, int] | None = None

    def load(self, resources: Resources, report: Report) -> None:
        """Raises StudioError for weights that are missing, damaged or do not fit their config."""
        model = resources.main
        if model is None:
            raise StudioError("There is no avatar model to use.", "`studio models list` shows the models there are.")
        report(Progress("loading", 0, 1))
        with translate_out_of_memory():
            network, config = files.open_network(model.folder, device())
            upscaler = upscale.read(model.folder)
            self._upscaler = None if upscaler is None else upscaler.to(device())
        traits = slider_tracks.read(model.folder, config.table) if config.table is not None else None
        self._model, self._latents, self._stamp = model, Latents(network, config, traits), None
        report(Progress("loading", 1, 1))

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """One payload: a picture [size, size, planes], a sheet of pictures, or a clip."""
        if self._latents is None or self._model is None:
            raise StudioError("No avatar model is loaded.", "Try again.")
        with translate_out_of_memory():
            if isinstance(request, AvatarProjectRequest):
                shape = self._latents.network.shape
                encoder = encode.read(self._model.folder, shape, self._latents.config.table)
                with single_thread(shape.size):
                    return [Projection(self._latents, encoder, request, report).run()]
            with torch.inference_mode():
                if isinstance(request, AvatarWalkRequest):
                    return [self._walk(self._latents, request, report)]
                if isinstance(request, AvatarDirectionsRequest):
                    return [self._directions(self._latents, self._model, request, report)]
                if isinstance(request, AvatarSheetRequest):
                    return [self._sheet(self._latents, request, report)]
                assert isinstance(request, AvatarRequest)
                return [self._face(self._latents, request, report)]

    def close(self) -> None:
        self._model = self._latents = self._upscaler = None

    def _face(self, latents: Latents, request: AvatarRequest, report: Report) -> Image:
        """As drawn, it reports at its start only: a slider that is still moving must not take the picture away that
        shows where it was a moment ago, or none would come until it rests."""
        large = request.size == "large"
        report(Progress("mapping", 0, 3))
        self._load_directions(latents, request)
        with single_thread(latents.network.shape.size):
            ws = latents.ws(request)
            if large:
                report(Progress("synthesis", 1, 3))
            picture = render(latents.network, ws, request.noise, request.seed)
        if large:
            report(Progress("enlarging", 2, 3))
            picture = enlarge(picture, request.size, self._upscaler)
            report(Progress("enlarging", 3, 3))
        return Image(to_pixels(picture)[0])

    def _walk(self, latents: Latents, request: AvatarWalkRequest, report: Report) -> Clip:
        report(Progress("mapping"))
        self._load_directions(latents, request)
        walk = MorphPath(latents, request)
        first = walk.faces[0]
        total = len(walk.times)

        def frames() -> Generator[NDArray[np.uint8]]:
            for done, shown in enumerate(walk.drawings()):
                with single_thread(latents.network.shape.size):
                    drawn = sum(
                        (weight * render(latents.network, ws, first.noise, first.seed) for ws, weight in shown[1:]),
                        start=shown[0][1] * render(latents.network, shown[0][0], first.noise, first.seed),
                    )
                picture = to_pixels(enlarge(drawn, request.size, self._upscaler))[0]
                report(Progress("walking", done, total, Image(picture)))
                yield picture
            report(Progress("walking", total, total))

        return clips.write(frames(), temp_clips.new_path(f".{request.format}"), request.fps, loop=request.loop)

    def _sheet(self, latents: Latents, request: AvatarSheetRequest, report: Report) -> Image:
        """One person large, and each expression beside it with its caption; the preview has those drawn so far."""
        if not request.face or not all(pose.face for pose in request.poses):
            raise BadInput(
                "A face of this sheet is missing.", "`studio make avatar --expressions 9` makes a whole one."
            )
        self._load_directions(latents, request)
        asked = AvatarRequest(model=request.model)
        faces = [latents.resolve_face(asked, face) for face in (request.face, *(pose.face for pose in request.poses))]
        clear = Image(np.zeros((CELL, CELL, 4), np.uint8))
        shown = [(clear, words) for words in ("", *(pose.words for pose in request.poses))]
        for done, face in enumerate(faces):
            report(Progress("drawing", done, len(faces), sheets.character_sheet(shown, name=request.name)))
            with single_thread(latents.network.shape.size):
                drawn = render(latents.network, latents.ws(face), face.noise, face.seed)
            picture = Image(to_pixels(enlarge(drawn, request.size, self._upscaler))[0])
            shown[done] = (picture, shown[done][1])
        report(Progress("drawing", len(faces), len(faces)))
        return sheets.character_sheet(shown, name=request.name)

    def _directions(self, latents: Latents, model: Model, request: AvatarDirectionsRequest, report: Report) -> Image:
        """Finds, saves and shows directions: a row each."""
        report(Progress("looking", 0, request.directions + 1))
        typical = AvatarRequest(seed=request.seed, model=request.model)
        network = latents.network
        layers = layers_of(network.shape, request.layers)
        samples = latents.samples(typical, request.samples)
        if request.method == "sefa":
            found = find_directions.sefa(network, layers, samples, request.directions)
        else:
            found = find_directions.pca(samples, request.directions)
        standing, new = directions.add(model, request.method, request.layers, found)
        rows: list[list[NDArray[np.uint8]]] = []
        start = latents.ws(typical)
        for done, one in enumerate(standing):
            ws = start.repeat(len(REACH), 1, 1)
            steps = torch.tensor(REACH)[:, None] * one.std * torch.from_numpy(one.vector)[None]
            ws[:, layers] += steps[:, None].to(ws)
            rows.append([_small(render(network, some, "const", request.seed)) for some in ws.split(1)])
            if one in new:
                _write_preview(one, rows[-1])
            report(Progress("drawing", done + 1, len(standing) + 1, Image(contact_sheet(rows))))
        return Image(contact_sheet(rows))

    def _load_directions(self, latents: Latents, request: Request) -> None:
        """Read the model's directions where a face may name them and they are others than the last time."""
        assert self._model is not None
        if isinstance(request, AvatarRequest) and not (request.slides or request.mix):
            return
        now = directions.change_stamp(self._model)
        if now != self._stamp:
            latents.clear_cache()
            latents.along = {one.id: one for one in directions.directions(self._model)} if any(now) else {}
            self._stamp = now


def _small(picture: torch.Tensor) -> NDArray[np.uint8]:
    """A picture [1, planes, size, size], at SHOWN pixels a side where it is larger."""
    if picture.shape[2] > SHOWN:
        picture = torch.nn.functional.adaptive_avg_pool2d(picture, SHOWN)
    return to_pixels(picture)[0]


def _write_preview(one: directions.SavedDirection, row: list[NDArray[np.uint8]]) -> None:
    with storage.disk_errors_as("The preview could not be saved"):
        one.preview.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(contact_sheet([row])).save(one.preview)
