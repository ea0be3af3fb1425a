"""Pictures that a network enlarges before they are exported: by how much, and the request for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from studio.backends.medium import Medium, Task
from studio.library.asset import Asset
from studio.library.library import Library
from studio.media.images import PIXEL_LIMIT
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.schema.fields import WorkKey
from studio.schema.request import Request

ENOUGH = 1.02
"""Up to so many times its size a picture is only resampled: it lacks no more than a pixel in fifty."""


@dataclass(frozen=True, slots=True)
class Upscaling:
    """The task that enlarges pictures, and the medium whose models do it."""

    medium: Medium
    task: Task

    def models(self, catalog: Catalog) -> list[Model]:
        """The models that can do it now, the default one first."""
        return [model for model in catalog.choices(self.medium.name) if model.unavailable is None]

    def factor(self, times: float, pixels: int) -> int:
        """By how much to enlarge a picture of so many pixels that is to be drawn `times` larger: the least factor that
        suffices, else the greatest; 0 where it need not or cannot be enlarged.
        """
        if times <= ENOUGH:
            return 0
        able = [factor for factor in self.task.enlarges if pixels * factor**2 <= PIXEL_LIMIT]
        return next((factor for factor in able if factor * ENOUGH >= times), max(able, default=0))

    def request(self, picture: WorkKey, factor: int, model: str) -> Request:
        """The request that enlarges it by the model of that id."""
        return self.task.request(picture=picture, factor=str(factor), model=model)  # type: ignore[call-arg]

    def made_before(self, library: Library, asset: Asset, request: Request) -> Asset | None:
        """The newest work that the same request made of `asset`; None where there is none."""
        asked = {name: value for name, value in request.to_json().items() if name in ("kind", "factor", "model")}
        for work in reversed(library.children(asset.id)):
            whole = not work.binned and not work.partial and work.path.is_file()
            picture = work.request.get("picture")
            same = isinstance(picture, dict) and picture.get("sha256") == asset.sha256
            if whole and same and asked.items() <= work.request.items():
                return work
        return None


def upscaling(media: Iterable[Medium]) -> Upscaling | None:
    """The first task of the media that enlarges pictures; None where none does."""
    return next((Upscaling(each, task) for each in media for task in each.tasks if task.enlarges), None)
