"""What can be asked of upscalers: a picture enlarged, and the medium, which has no page of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from studio.backends.medium import Medium, StageText, Task
from studio.backends.upscale.memory import demand
from studio.errors import StudioError
from studio.models import weights
from studio.models.families import Family, Mark
from studio.models.folders import HINT, read_tensors
from studio.schema.fields import Choice, WorkKey, WorkRef, field
from studio.schema.request import Request


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest(Request):
    """A picture enlarged by a network."""

    kind: ClassVar[str] = "upscale"
    medium: ClassVar[str] = "upscale"
    work: ClassVar[str] = "Upscaled"
    keeps_medium: ClassVar[bool] = True

    picture: WorkKey = field(WorkKey(), WorkRef(label="Picture", help="The picture to enlarge."))
    factor: str = field(
        "2",
        Choice(
            label="Factor",
            help="How many times wider and higher.",
            options=(("2", "2 times"), ("3", "3 times"), ("4", "4 times")),
        ),
    )


def check_files(folder: Path) -> None:
    """Raises StudioError for a folder whose config.json and weights are not those of one network."""
    from studio.checkpoints.upscalers import network_shapes, wrong_sizes  # needs numpy: the window starts without it

    path = folder / "config.json"
    config = weights.read_json(path)
    family = str(config.get("model_type"))
    problem = wrong_sizes(family, config)
    if problem:
        raise StudioError("{path} is refused: {reason}.", HINT, path=path, reason=problem)
    found = {name: one.shape for name, one in read_tensors(folder).items()}
    if found != network_shapes(family, config):
        raise StudioError("The weights in {folder} are not those that its config.json describes.", HINT, folder=folder)


MEDIUM = Medium(
    name="upscale",
    title="Upscale",
    icon="fit",
    tasks=(
        Task(
            UpscaleRequest,
            "studio.backends.upscale.engine.engine:UpscaleEngine",
            follow=False,
            stages=(StageText("enlarging", "enlarging", "enlarging, part {done} of {total}"),),
            enlarges=(2, 3, 4),
        ),
    ),
    starter="",
    stage="image",
    makes="Larger pictures",
    families=(
        Family(
            "srvgg",
            "Real-ESRGAN network, compact",
            (Mark("checkpoint", "srvgg"), Mark("model_type", "srvgg")),
            check_files=check_files,
            demand=demand,
        ),
        Family(
            "rrdb",
            "ESRGAN network",
            (Mark("checkpoint", "rrdb"), Mark("model_type", "rrdb")),
            check_files=check_files,
            demand=demand,
        ),
    ),
)
