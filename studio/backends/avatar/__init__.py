"""The avatar medium: what may be asked of a StyleGAN, and what learning one takes; no torch."""

from __future__ import annotations

from dataclasses import dataclass

from studio.backends.medium import Medium
from studio.request import Choice, Range, Request, TrainRequest, note

STYLES = (
    ("any", "Any style"),
    ("adventurer", "Adventurer"),
    ("open-peeps", "Open Peeps"),
    ("micah", "Micah"),
    ("big-smile", "Big Smile"),
    ("personas", "Personas"),
)


@dataclass(frozen=True, kw_only=True)
class AvatarRequest(Request):
    """One face."""

    kind = "avatar"
    medium = "avatar"

    style: str = note(
        "any",
        Choice(label="Style", help="The family of drawing; any lets the seed choose.", options=STYLES, open=True),
    )
    psi: float = note(
        0.9,
        Range(
            label="How unusual",
            help="Truncation psi: 0 is the average face of the style, 1 as varied as the model knows, more is daring.",
            low=0.0,
            high=1.5,
            step=0.05,
            shown=(100, "%"),
        ),
    )
    noise: str = note(
        "const",
        Choice(
            label="Fine detail",
            help="The noise of the finest strokes: the model's own, drawn anew from the seed, or none.",
            options=(("const", "The model's own"), ("random", "From the seed"), ("none", "None")),
            advanced=True,
        ),
    )

    size: str = note(
        "large",
        Choice(
            label="Size",
            help="Enlarged to 512 px with crisp edges, or exactly as the network draws it.",
            options=(("large", "512 px"), ("native", "As drawn")),
            advanced=True,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class AvatarTrainRequest(TrainRequest):
    """Learn faces from a folder of pictures, or from drawings with attributes that a recipe packed."""

    kind = "avatar.train"
    medium = "avatar"

    size: int = note(
        64, Range(label="Size", help="Pixels of a side: 16, 32, 64, 128 or 256.", low=16, high=256, step=1, unit="px")
    )
    stage: str = note(
        "auto",
        Choice(
            label="Stage",
            help="What to learn by: comparing with the drawings, by a critic that tells made from real, or what fits.",
            options=(("auto", "What fits"), ("regress", "By comparing"), ("adversarial", "By a critic")),
            advanced=True,
        ),
    )


MEDIUM = Medium(
    name="avatar",
    title="Avatar",
    icon="avatar",
    make=AvatarRequest,
    train=AvatarTrainRequest,
    engine="studio.backends.avatar.engine:AvatarEngine",
    trainer="studio.backends.avatar.train:AvatarTrainer",
    starter="avatar-starter",
    stage="image",
)
