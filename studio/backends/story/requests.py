"""What can be asked of language models: the requests, and the medium itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from studio.backends.medium import Demo, Medium, OnboardingText, StageText, Task
from studio.backends.story.families import FAMILIES
from studio.schema.fields import Choice, Flag, FreeText, Range, field
from studio.schema.request import Request, TrainRequest


@dataclass(frozen=True, kw_only=True)
class StoryRequest(Request):
    """A text that continues `prompt`, or a new story where the prompt is empty."""

    kind: ClassVar[str] = "story"
    medium: ClassVar[str] = "story"

    prompt: str = field(
        "",
        FreeText(
            label="Beginning",
            help="The story continues from here. Start with '# Title' to name it; leave empty for a new story.",
            limit=400_000,
            lines=6,
            placeholder="# The Lost Compass",
        ),
    )
    tokens: int = field(
        220,
        Range(
            label="Length",
            help="Maximum length in tokens; four tokens make about three words.",
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
            help="How adventurous the choice of words is; 0 always takes the most likely.",
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
            help="Chooses only among the most likely words that together have this probability.",
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
            help="Chooses only among this many of the most likely words; 0 for all.",
            low=0,
            high=500,
            advanced=True,
        ),
    )
    whole_sentences: bool = field(
        True,
        Flag(
            label="Only whole sentences",
            help="Where the length ends the text, what comes after its last whole sentence is left out.",
            advanced=True,
        ),
    )
    stop: str = field(
        "",
        FreeText(
            label="Stop at",
            help="The text ends before the first of these; one on each line, in which \\n is a new line.",
            limit=4000,
            lines=2,
            advanced=True,
        ),
    )
    grammar: str = field(
        "",
        FreeText(
            label="Grammar",
            help="The model writes only what this describes, in the notation of llama.cpp (GBNF).",
            limit=40_000,
            lines=3,
            placeholder='root ::= "yes" | "no"',
            advanced=True,
        ),
    )

    @property
    def stop_texts(self) -> tuple[str, ...]:
        """The texts in `stop`."""
        return tuple(line.replace("\\n", "\n") for line in self.stop.splitlines() if line)

    def to_json(self) -> dict[str, Any]:
        """As of any request. Older ones do not name these fields, which keeps the bytes of works made as they were."""
        plain = super().to_json()
        for name, usual in (("whole_sentences", True), ("stop", ""), ("grammar", "")):
            if plain[name] == usual:
                del plain[name]
        return plain


@dataclass(frozen=True, kw_only=True)
class StoryTrainRequest(TrainRequest):
    """Train a small language model and its vocabulary on a folder of .txt, .md and .jsonl files."""

    kind: ClassVar[str] = "story.train"
    medium: ClassVar[str] = "story"

    size: str = field(
        "small",
        Choice(
            label="Size",
            help="Size of the model; larger models take much longer to train.",
            options=(("toy", "Toy, for trying out"), ("small", "Small"), ("medium", "Medium")),
            advanced=True,
        ),
    )
    vocabulary: int = field(
        4096,
        Range(label="Vocabulary", help="Number of tokens in the vocabulary.", low=300, high=50_000, advanced=True),
    )
    context: int = field(
        512,
        Range(
            label="Context",
            help="How many tokens the model sees at once.",
            low=32,
            high=4096,
            step=32,
            unit="tokens",
            advanced=True,
        ),
    )
    batch: int = field(4, Range(label="Batch", help="Passages per training step.", low=1, high=256, advanced=True))


MEDIUM = Medium(
    name="story",
    title="Story",
    icon="story",
    tasks=(
        Task(
            StoryRequest,
            "studio.backends.story.engine.engine:StoryEngine",
            stages=(
                StageText("writing", "writing", "writing, {percent} %"),
                StageText(
                    "writing after the last {longest} of {count} tokens",
                    "writing from the end of your text",
                    "only the end of your text is read, {percent} % written",
                ),
            ),
        ),
        Task(
            StoryTrainRequest,
            "studio.backends.story.engine.train:StoryTrainer",
            result="model",
            lane="training",
            follow=False,
            stages=(StageText("learning words", "building the vocabulary"),),
        ),
    ),
    starter="story-starter",
    stage="text",
    makes="Stories that continue your text",
    families=FAMILIES,
    onboarding=OnboardingText(
        "Write a story",
        "Enter a title or a first sentence. The story continues from there, and you can stop it at any time.",
        (
            {"prompt": "# The Lost Compass\n\n"},
            {"prompt": "# The Night Train\n\nMara had never seen the sea"},
            {"prompt": "# A Letter from the Mountain\n\n"},
        ),
    ),
    demo=Demo(
        "A story",
        ({"kind": "story", "model": "story-starter", "prompt": "# The Lighthouse Keeper\n\n", "seed": 7},),
    ),
)
