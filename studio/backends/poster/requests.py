"""What can be asked of text-to-image models: the requests, and the medium itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from studio.backends.medium import Demo, Medium, OnboardingText, SampleSheet, StageText, Task
from studio.backends.poster.families import FAMILIES
from studio.schema.fields import Choice, FreeText, Range, WorkKey, WorkRef, field
from studio.schema.request import Request, TrainRequest


@dataclass(frozen=True, kw_only=True)
class PosterRequest(Request):
    """One picture from a prompt, and from another picture where one is given."""

    kind: ClassVar[str] = "poster"
    medium: ClassVar[str] = "poster"

    prompt: str = field(
        "a lighthouse on the coast at sunset",
        FreeText(
            label="Prompt",
            help="Describe the picture: the place, the time of day, the weather, what is in it.",
            limit=2000,
            lines=4,
            placeholder="snowy mountains at dawn with a balloon",
        ),
    )
    negative: str = field(
        "",
        FreeText(
            label="Exclude", help="What the picture should not show.", limit=2000, lines=2, placeholder="rain, mist"
        ),
    )
    width: int = field(
        512, Range(label="Width", help="Width of the picture.", low=64, high=2048, unit="px", group="Size")
    )
    height: int = field(
        768, Range(label="Height", help="Height of the picture.", low=64, high=2048, unit="px", group="Size")
    )
    variety: float = field(
        0.0,
        Range(
            label="Variety",
            help="How much results of neighbouring seeds differ in light, sides and layout; 0 leaves it to chance.",
            low=0,
            high=1,
            step=0.05,
            shown=(100, "%"),
        ),
    )
    picture: WorkKey = field(
        WorkKey(),
        WorkRef(
            label="Start from",
            help="A picture to paint over, instead of beginning from nothing.",
            group="Start picture",
            hidden=True,
        ),
    )
    strength: float = field(
        0.6,
        Range(
            label="Change",
            help="How far the picture may move away from the one it starts from; at 100 % little of that stays.",
            low=0.05,
            high=1,
            step=0.05,
            shown=(100, "%"),
            group="Start picture",
            hidden=True,
        ),
    )
    mask: WorkKey = field(
        WorkKey(),
        WorkRef(
            label="Mask",
            help="Where the start picture is painted anew: a picture of its size, white there and black elsewhere.",
            group="Start picture",
            hidden=True,
        ),
    )
    steps: int = field(
        24,
        Range(
            label="Steps",
            help="Denoising steps; more take longer and look a little finer.",
            low=1,
            high=150,
            advanced=True,
        ),
    )
    guidance: float = field(
        3.0,
        Range(
            label="Guidance",
            help="How closely to follow the prompt; 1 follows it loosely, high values look harsh.",
            low=0,
            high=30,
            step=0.1,
            advanced=True,
        ),
    )

    def to_json(self) -> dict[str, Any]:
        """As of any request. Older ones do not name a variety, which keeps the bytes of works made as they were."""
        plain = super().to_json()
        if not plain["variety"]:
            del plain["variety"]
        return plain


@dataclass(frozen=True, kw_only=True)
class PosterTrainRequest(TrainRequest):
    """Train a poster model on a folder of pictures with captions."""

    kind: ClassVar[str] = "poster.train"
    medium: ClassVar[str] = "poster"

    part: str = field(
        "both",
        Choice(
            label="Part",
            help="The codec turns pictures into latents; the denoiser makes latents from prompts and needs a codec.",
            options=(("both", "Codec, then denoiser"), ("codec", "Codec only"), ("denoiser", "Denoiser only")),
        ),
    )
    batch: int = field(16, Range(label="Batch", help="Pictures per training step.", low=1, high=1024, advanced=True))


MEDIUM = Medium(
    name="poster",
    title="Poster",
    icon="poster",
    tasks=(
        Task(
            PosterRequest,
            "studio.backends.poster.engine.by_family:PosterFamilyEngine",
            stages=(StageText("painting", "painting", "painting, step {done} of {total}"),),
        ),
        Task(
            PosterTrainRequest,
            "studio.backends.poster.engine.train:PosterTrainer",
            result="model",
            lane="training",
            follow=False,
        ),
    ),
    starter="poster-scenes",
    stage="image",
    makes="Pictures from a prompt",
    samples=SampleSheet(128, 192, gap=8),
    families=FAMILIES,
    onboarding=OnboardingText(
        "Create a picture",
        "Say what it is about: a place and a time of day, an event or a thing, and watch the picture appear.",
        (
            {"prompt": "a lighthouse on the coast at sunset"},
            {"prompt": "a jazz concert with a saxophone"},
            {"prompt": "snowy mountains at dawn with a balloon"},
            {"prompt": "an elephant in the desert at sunset"},
        ),
    ),
    demo=Demo(
        "A poster",
        (
            {
                "kind": "poster",
                "model": "poster-scenes",
                "prompt": "a lighthouse on the coast at sunset with two boats",
                "seed": 7,
                "steps": 60,
                "guidance": 1.5,
            },
        ),
    ),
)
