"""An instant engine whose faces are squares of one colour, a hash of the request; and its model."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.backends import MEDIA
from studio.backends.avatar import directions
from studio.backends.avatar.requests import (
    AvatarDirectionsRequest,
    AvatarProjectRequest,
    AvatarRequest,
    AvatarSheetRequest,
    AvatarWalkRequest,
    SliderValue,
)
from studio.errors import NOTHING, BadInput, Message
from studio.jobs.job import Progress, Report
from studio.media import clips, temp_clips
from studio.media.payloads import Image, Payload
from studio.models.resources import Resources
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import AppPaths
from tests.studios import FAKE, starters, with_trainer

SMALL, LARGE, WIDTH = 64, 512, 8
LATENT = "AAAAPAAAADw="
REMARK, REMARK_STEPS = "Nothing near it was found.", 10
"""The remark with a face that was found in so many steps."""
BAD_SEED = 9101
"""A seed that raises BadInput."""

TABLE = {
    "styles": [
        {
            "name": "micah",
            "count": 10,
            "attributes": [
                {"name": "hair", "kind": "part", "values": ["short", "long", "curly"], "counts": [4, 3, 3], "none": 0},
                {"name": "baseColor", "kind": "colour", "values": ["eeccaa", "775533"], "counts": [5, 5], "none": 0},
                {"name": "glasses", "kind": "part", "values": ["round"], "counts": [5], "none": 5},
            ],
        }
    ]
}


class FaceEngine:
    """`asked` are the requests that it ran; each waits until the `gate` is set, and takes `pause` seconds."""

    asked: ClassVar[list[Request]] = []
    pause: ClassVar[float] = 0.0
    gate: ClassVar[threading.Event] = threading.Event()

    def load(self, resources: Resources, report: Report) -> None:
        assert resources.main is not None
        self._model = resources.main
        report(Progress("loading", 1, 1))

    def close(self) -> None:
        pass

    def run(self, request: Request, report: Report) -> list[Payload]:
        FaceEngine.asked.append(request)
        report(Progress("mapping"))
        FaceEngine.gate.wait(30)
        time.sleep(FaceEngine.pause)
        if isinstance(request, AvatarWalkRequest):
            frames = [face(Request.from_json(json.loads(station.face))) for station in request.stations] * 3
            for done, frame in enumerate(frames):
                report(Progress("walking", done, len(frames), Image(frame)))
            return [
                clips.write(iter(frames), temp_clips.new_path(f".{request.format}"), request.fps, loop=request.loop)
            ]
        if isinstance(request, AvatarDirectionsRequest):
            return [self._directions(request, report)]
        if isinstance(request, AvatarProjectRequest):
            report(Progress("looking", 1, 2, Image(face(request))))
            found = AvatarRequest(
                seed=request.seed,
                model=request.model,
                latent=LATENT,
                traits=(SliderValue("Hair", 0.5),),
                name=request.name,
            )
            return [
                Image(
                    face(found),
                    json.dumps(found.to_json()),
                    Message(REMARK) if request.steps == REMARK_STEPS else NOTHING,
                )
            ]
        if isinstance(request, AvatarSheetRequest):
            return [Image(np.concatenate([face(request)[..., :3]] * 2, axis=1))]
        assert isinstance(request, AvatarRequest)
        if request.seed == BAD_SEED:
            raise BadInput("This face cannot be drawn.", "Choose another seed.", mend="models")
        return [Image(face(request))]

    def _directions(self, request: AvatarDirectionsRequest, report: Report) -> Image:
        rng = np.random.default_rng(request.seed)
        found = [(rng.standard_normal(WIDTH).astype(np.float32), 1.0) for _ in range(2)]
        added, _ = directions.add(self._model, request.method, request.layers, found)
        strip = np.full((SMALL, SMALL * 7, 4), 120, np.uint8)
        for done, direction in enumerate(added):
            direction.preview.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(strip).save(direction.preview)
            report(Progress("drawing", done + 1, 2))
        return Image(strip)


def face(request: Request) -> NDArray[np.uint8]:
    """`[S, S, 4]` in the colour of a request; size, name and model do not change it."""
    side = SMALL if getattr(request, "size", "") == "native" else LARGE
    fields = {name: value for name, value in request.to_json().items() if name not in ("size", "name", "model")}
    colour = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()[:3]
    pixels = np.full((side, side, 4), 255, np.uint8)
    pixels[..., :3] = tuple(colour)
    return pixels


def face_studio(home: Path) -> Studio:
    """A studio with this engine for faces; its starter has styles and sliders."""
    bundled = home.parent / "bundled"
    if not bundled.exists():
        starters(bundled)
        config = {"family": "fake", "shape": {"z_dim": 8}, "attributes": TABLE}
        (bundled / "avatar-starter" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    engines = {"avatar": "tests.faces:FaceEngine"}
    media = [
        with_trainer(medium.with_engines(lambda _, name=medium.name: engines.get(name, FAKE)), FAKE) for medium in MEDIA
    ]
    return Studio(AppPaths.under(home), isolated=False, media=media, bundled=bundled, platform="")
