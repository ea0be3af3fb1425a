"""What can be asked of StyleGAN models: the requests, and the medium itself."""

from __future__ import annotations

from dataclasses import dataclass

from studio.backends.avatar.families import FAMILIES
from studio.backends.medium import Demo, Medium, OnboardingText, SampleSheet, Task
from studio.schema.fields import Choice, Flag, FreeText, Range, Seed, WorkKey, WorkRef, field
from studio.schema.nested import FloatArray, ListOf, NestedRequest, Record
from studio.schema.request import Request, TrainRequest

STYLES = (
    ("any", "Any style"),
    ("adventurer", "Adventurer"),
    ("open-peeps", "Open Peeps"),
    ("micah", "Micah"),
    ("big-smile", "Big Smile"),
    ("personas", "Personas"),
)
LAYERS = (("coarse", "Shape and pose"), ("middle", "Features"), ("fine", "Colours and strokes"))
SIZE = Choice(
    label="Size",
    help="Enlarged to 512 px with crisp edges, or exactly as the network draws it.",
    options=(("large", "512 px"), ("native", "As drawn")),
    advanced=True,
)


@dataclass(frozen=True)
class SliderValue(Record):
    """The position of a face on one of the model's named sliders; the last of a name counts."""

    name: str = field("", FreeText(label="Trait", help="The trait's name, as the model lists it.", limit=60))
    value: float = field(
        0.5, Range(label="Value", help="From one end of the slider to the other.", low=0, high=1, step=0.01)
    )


@dataclass(frozen=True)
class DirectionStep(Record):
    """A step along a direction that was found on the model and saved with it."""

    direction: str = field("", FreeText(label="Direction", help="The direction's id.", limit=80))
    amount: float = field(
        0.0, Range(label="Amount", help="How far, in standard deviations of the faces.", low=-10, high=10, step=0.1)
    )


@dataclass(frozen=True)
class Variation(Record):
    """A step to a face like the one before it: w moved by noise of this seed, `spread` times the deviation of W.

    Where a seed draws attributes, each of them becomes another with the probability `spread` instead.
    """

    seed: int = field(0, Seed(label="Seed", help="Which of the faces nearby."))
    spread: float = field(
        0.35, Range(label="How near", help="0 is the same face, 1 any other.", low=0, high=1, step=0.05)
    )


@dataclass(frozen=True)
class StyleMix(Record):
    """The layers of another face of the same model."""

    face: str = field("", NestedRequest(label="Face", help="The other face's request.", kind="avatar"))
    layers: str = field("coarse", Choice(label="Layers", help="Which layers come from it.", options=LAYERS))
    amount: float = field(1.0, Range(label="How much", help="0 none of it, 1 all.", low=0, high=1, step=0.05))


@dataclass(frozen=True)
class MorphStop(Record):
    """A face that a walk passes."""

    face: str = field("", NestedRequest(label="Face", help="The face's request.", kind="avatar"))


@dataclass(frozen=True)
class SheetCell(Record):
    """One face of a character sheet, and what is written below it."""

    words: str = field("", FreeText(label="Caption", help="What it shows, such as a mood.", limit=60))
    face: str = field("", NestedRequest(label="Face", help="The face's request.", kind="avatar"))


@dataclass(frozen=True, kw_only=True)
class AvatarRequest(Request):
    """One face."""

    kind = "avatar"
    medium = "avatar"
    keeps_identity = True

    style: str = field(
        "any",
        Choice(label="Style", help="The family of drawing; any lets the seed choose.", options=STYLES, open=True),
    )
    psi: float = field(
        1.0,
        Range(
            label="How unusual",
            help="Truncation psi: 0 is the usual face of the style, 1 as varied as the model knows, more is daring.",
            low=0.0,
            high=1.5,
            step=0.05,
            shown=(100, "%"),
        ),
    )
    noise: str = field(
        "const",
        Choice(
            label="Fine detail",
            help="The noise of the finest strokes: the model's own, drawn anew from the seed, or none.",
            options=(("const", "The model's own"), ("random", "From the seed"), ("none", "None")),
            advanced=True,
        ),
    )
    size: str = field("large", SIZE)
    cutoff: int = field(
        0,
        Range(
            label="Unusual in",
            help="Keeps truncation to the first layers, which shape the head; the others stay as they were drawn.",
            low=0,
            high=18,
            low_word="All layers",
            unit="layers",
            advanced=True,
        ),
    )
    label: int = field(
        -1,
        Range(
            label="Class",
            help="The class of a model that was trained with classes; any lets the seed choose.",
            low=-1,
            high=9999,
            low_word="Any",
            advanced=True,
        ),
    )
    traits: tuple[SliderValue, ...] = field(
        (), ListOf(label="Traits", help="The named sliders that were moved.", of=SliderValue)
    )
    slides: tuple[DirectionStep, ...] = field(
        (), ListOf(label="Directions", help="Steps along found directions.", of=DirectionStep)
    )
    near: tuple[Variation, ...] = field(
        (), ListOf(label="Near", help="Steps from face to similar face, each from the last.", of=Variation)
    )
    mix: tuple[StyleMix, ...] = field(
        (), ListOf(label="Mixed with", help="Layers of other faces, one after another.", of=StyleMix, limit=12)
    )
    latent: str = field(
        "",
        FloatArray(
            label="Latent", help="W+ of a face that was found in a picture, in place of what the seed gives; base64."
        ),
    )
    name: str = field("", FreeText(label="Name", help="Who this is. Shown with the work in the library.", limit=120))


@dataclass(frozen=True, kw_only=True)
class AvatarDirectionsRequest(Request):
    """Find directions in which the faces of a model vary, and save them with it. Of a model with several styles or
    classes the faces of one are looked at, which the seed draws.
    """

    kind = "avatar.directions"
    medium = "avatar"
    work = "Directions"

    method: str = field(
        "pca",
        Choice(
            label="Method",
            help="By how many faces differ (GANSpace), or by what the weights amplify most (SeFa).",
            options=(("pca", "From many faces"), ("sefa", "From the weights")),
        ),
    )
    directions: int = field(6, Range(label="Directions", help="How many to find, the strongest first.", low=1, high=40))
    layers: str = field(
        "all",
        Choice(label="Layers", help="The layers that the directions move.", options=(("all", "All"), *LAYERS)),
    )
    samples: int = field(
        4000,
        Range(
            label="Faces",
            help="How many faces are looked at; all of one style or class.",
            low=100,
            high=100_000,
            step=100,
            advanced=True,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class AvatarProjectRequest(Request):
    """Find the face of a picture in a model, so that it can be changed like any other."""

    kind = "avatar.project"
    medium = "avatar"

    picture: WorkKey = field(
        "", WorkRef(label="Picture", help="The picture to find; the face may stand anywhere in it.")
    )
    style: str = field(
        "any", Choice(label="Style", help="The style to begin from; any tries each.", options=STYLES, open=True)
    )
    steps: int = field(
        200,
        Range(label="Steps", help="How long to look; 0 takes the encoder's first guess.", low=0, high=5000, step=10),
    )
    size: str = field("large", SIZE)
    name: str = field("", FreeText(label="Name", help="Who this is. Shown with the work in the library.", limit=120))


@dataclass(frozen=True, kw_only=True)
class AvatarWalkRequest(Request):
    """Go from face to face, as a film."""

    kind = "avatar.walk"
    medium = "avatar"
    work = "Walk"

    stations: tuple[MorphStop, ...] = field(
        (), ListOf(label="Faces", help="The faces to pass, in their order; two at least.", of=MorphStop)
    )
    seconds: float = field(
        2.0, Range(label="Seconds", help="How long it takes from one face to the next.", low=0.1, high=30, step=0.1)
    )
    fps: int = field(24, Range(label="Frames a second", help="How smoothly it moves.", low=1, high=60))
    way: str = field(
        "w",
        Choice(
            label="Way",
            help="Straight between the faces as they are, or over the faces that lie between their seeds.",
            options=(("w", "Between the faces"), ("z", "Between the seeds")),
        ),
    )
    curve: str = field(
        "line",
        Choice(
            label="Curve",
            help="Straight from face to face, rounded at each, or slowing down at each.",
            options=(("line", "Straight"), ("spline", "Rounded"), ("ease", "Resting at each")),
        ),
    )
    loop: bool = field(True, Flag(label="Loop", help="Goes back to the first face at the end."))
    format: str = field(
        "webp",
        Choice(
            label="Format",
            help="Animated WebP or GIF, or MP4 where the video extra is installed.",
            options=(("webp", "WebP"), ("gif", "GIF"), ("mp4", "MP4")),
        ),
    )
    size: str = field("large", SIZE)


@dataclass(frozen=True, kw_only=True)
class AvatarSheetRequest(Request):
    """Draw one person large and in several expressions, on one sheet."""

    kind = "avatar.sheet"
    medium = "avatar"
    work = "Character sheet"

    face: str = field("", NestedRequest(label="Face", help="The request of the large face.", kind="avatar"))
    poses: tuple[SheetCell, ...] = field(
        (), ListOf(label="Expressions", help="The faces beside it.", of=SheetCell, limit=24)
    )
    name: str = field("", FreeText(label="Name", help="Who this is; the sheet's title.", limit=120))
    size: str = field("large", SIZE)


@dataclass(frozen=True, kw_only=True)
class AvatarTrainRequest(TrainRequest):
    """Learn faces from a folder of pictures, or from drawings with attributes that a recipe packed."""

    kind = "avatar.train"
    medium = "avatar"

    size: int = field(
        64, Range(label="Size", help="Pixels of a side: 16, 32, 64, 128 or 256.", low=16, high=256, step=1, unit="px")
    )
    stage: str = field(
        "auto",
        Choice(
            label="Stage",
            help="What to learn by: comparing with the drawings, by a critic that tells made from real, or what fits.",
            options=(("auto", "What fits"), ("regress", "By comparing"), ("adversarial", "By a critic")),
            advanced=True,
        ),
    )
    mirror: bool = field(
        False, Flag(label="Mirrored too", help="Learn each picture of a plain folder from both sides.", advanced=True)
    )
    augment: str = field(
        "auto",
        Choice(
            label="Augmentation",
            help="Change what the critic sees, the more the better it knows a small set by heart.",
            options=(("auto", "As much as needed"), ("none", "None")),
            advanced=True,
        ),
    )
    gamma: float = field(
        0.0,
        Range(
            label="R1",
            help="How strongly the critic is kept smooth; higher for sets that vary much or where faces tear.",
            low=0.0,
            high=1000.0,
            step=0.01,
            low_word="Automatic",
            advanced=True,
        ),
    )
    rate: float = field(
        0.0,
        Range(
            label="Learning rate",
            help="How large the steps are; lower where a training loses its way.",
            low=0.0,
            high=0.02,
            step=0.0001,
            low_word="Automatic",
            advanced=True,
        ),
    )


MEDIUM = Medium(
    name="avatar",
    title="Avatar",
    icon="avatar",
    tasks=(
        *(
            Task(request, "studio.backends.avatar.engine.engine:AvatarEngine")
            for request in (
                AvatarRequest,
                AvatarDirectionsRequest,
                AvatarProjectRequest,
                AvatarWalkRequest,
                AvatarSheetRequest,
            )
        ),
        Task(
            AvatarTrainRequest,
            "studio.backends.avatar.engine.training.train:AvatarTrainer",
            result="model",
            lane="training",
            follow=False,
        ),
    ),
    starter="avatar-starter",
    stage="image",
    makes="Faces",
    samples=SampleSheet(96, 96),
    families=FAMILIES,
    candidates=9,
    onboarding=OnboardingText(
        "Draw a face nobody has seen",
        "Choose a style, or leave it to chance. Several candidates appear at once; click the one you like.",
        ({"style": "micah"}, {"style": "open-peeps"}, {"style": "adventurer"}),
    ),
    demo=Demo(
        "Faces",
        (
            {"kind": "avatar", "style": "adventurer", "seed": 7},
            {"kind": "avatar", "style": "open-peeps", "seed": 8},
            {"kind": "avatar", "style": "micah", "seed": 9},
            {"kind": "avatar", "style": "big-smile", "seed": 10},
            {"kind": "avatar", "style": "personas", "seed": 11},
        ),
    ),
)
