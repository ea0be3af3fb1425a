"""What can be asked of language models: the requests, and the medium itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.backends.medium import Demo, Medium, OnboardingText, Task
from studio.backends.story.families import FAMILIES
from studio.schema.fields import Choice, FreeText, Range, field
from studio.schema.request import Request, TrainRequest


@dataclass(frozen=True, kw_only=True)
class StoryRequest(Request):
    """A text that goes on from `prompt`, or a story of the model's own where the prompt is empty."""

    kind: ClassVar[str] = "story"
    medium: ClassVar[str] = "story"

    prompt: str = field(
        "",
        FreeText(
            label="Beginning",
            help="The story goes on from these words. A first line '# Title' names it; empty starts a new story.",
            limit=400_000,
            lines=6,
            placeholder="# The Lost Compass",
        ),
    )
    tokens: int = field(
        220,
        Range(
            label="Length",
            help="At most this much is written, counted in tokens: four of them make about three words.",
            low=16,
            high=2048,
            unit="tokens",
            shown=(0.75, "words"),
        ),
    )
    temperature: float = field(
        0.7,
        Range(
            label="Temperature",
            help="How daring the choice of words is; 0 always takes the likeliest.",
            low=0,
            high=2,
            step=0.05,
            advanced=True,
        ),
    )
    top_p: float = field(
        0.95,
        Range(
            label="Top-p",
            help="Only the likeliest words that together have this probability are drawn from.",
            low=0.05,
            high=1,
            step=0.01,
            advanced=True,
        ),
    )
    top_k: int = field(
        60,
        Range(
            label="Top-k",
            help="Only this many of the likeliest are drawn from; 0 for all.",
            low=0,
            high=500,
            advanced=True,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class StoryTrainRequest(TrainRequest):
    """Learn a small language model and its vocabulary from a folder of .txt, .md and .jsonl files."""

    kind: ClassVar[str] = "story.train"
    medium: ClassVar[str] = "story"

    size: str = field(
        "small",
        Choice(
            label="Size",
            help="How large the model is; a larger one needs far more time to learn.",
            options=(("toy", "Toy, for a trial"), ("small", "Small"), ("medium", "Medium")),
            advanced=True,
        ),
    )
    vocabulary: int = field(
        4096,
        Range(
            label="Vocabulary", help="How many word pieces the tokenizer knows.", low=300, high=50_000, advanced=True
        ),
    )
    context: int = field(
        512,
        Range(
            label="Context",
            help="How many tokens the model looks back.",
            low=32,
            high=4096,
            step=32,
            unit="tokens",
            advanced=True,
        ),
    )
    batch: int = field(
        4, Range(label="Batch", help="How many passages are learned from at once.", low=1, high=256, advanced=True)
    )


MEDIUM = Medium(
    name="story",
    title="Story",
    icon="story",
    tasks=(
        Task(StoryRequest, "studio.backends.story.engine.engine:StoryEngine"),
        Task(
            StoryTrainRequest,
            "studio.backends.story.engine.train:StoryTrainer",
            result="model",
            lane="training",
            follow=False,
        ),
    ),
    starter="story-starter",
    stage="text",
    makes="Text that continues a beginning",
    families=FAMILIES,
    onboarding=OnboardingText(
        "Begin a story",
        "Write a title or a first sentence. The text goes on from there, and you may stop it at any time.",
        (
            {"prompt": "# The Lost Compass\n\n"},
            {"prompt": "# The Night Train\n\nMara had never seen the sea"},
            {"prompt": "# A Letter from the Mountain\n\n"},
        ),
    ),
    demo=Demo("A story", ({"kind": "story", "prompt": "# The Lighthouse Keeper\n\n", "seed": 7},)),
)
