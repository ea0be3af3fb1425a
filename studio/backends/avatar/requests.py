"""What can be asked of StyleGAN models: the requests, and the medium itself."""

from __future__ import annotations

from dataclasses import dataclass

from studio.backends.avatar.families import FAMILIES
from studio.backends.medium import Demo, Medium, OnboardingText, SampleSheet, StageText, Task
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
LAYERS = (("coarse", "Coarse layers"), ("middle", "Middle layers"), ("fine", "Fine layers"))
TAKEN = (("shape", "Shape"), ("features", "Features"), ("colours", "Colours"))
SIZE = Choice(
    label="Size",
    help="512 px, enlarged with crisp edges, or the model's native size.",
    options=(("large", "512 px"), ("native", "Native size")),
    advanced=True,
)


@dataclass(frozen=True)
class SliderValue(Record):
    """The position of a face on one of the model's named sliders; the last of a name counts."""

    name: str = field("", FreeText(label="Trait", help="The trait's name, as the model lists it.", limit=60))
    value: float = field(
        0.5, Range(label="Value", help="0 is one end of the slider, 1 the other.", low=0, high=1, step=0.01)
    )


@dataclass(frozen=True)
class DirectionStep(Record):
    """A step along a direction that was found on the model and saved with it."""

    direction: str = field("", FreeText(label="Direction", help="The direction's id.", limit=80))
    amount: float = field(
        0.0, Range(label="Amount", help="How far to move, in standard deviations.", low=-10, high=10, step=0.1)
    )


@dataclass(frozen=True)
class Variation(Record):
    """A step to a face like the one before it: w moved by noise of this seed, `spread` times the deviation of W.

    Where a seed draws attributes, each of them becomes another with the probability `spread` instead.
    """

    seed: int = field(0, Seed(label="Seed", help="Which similar face."))
    spread: float = field(
        0.35, Range(label="Amount of change", help="0 keeps the face, 1 gives any other.", low=0, high=1, step=0.05)
    )


@dataclass(frozen=True)
class StyleMix(Record):
    """What a face takes from another one of the same model: by attributes where the model has them, else by layers."""

    face: str = field("", NestedRequest(label="Face", help="The other face's request.", kind="avatar"))
    layers: str = field("coarse", Choice(label="Take", help="What to take from it.", options=(*TAKEN, *LAYERS)))
    amount: float = field(
        1.0, Range(label="Amount", help="0 takes nothing from it, 1 everything.", low=0, high=1, step=0.05)
    )


@dataclass(frozen=True)
class MorphStop(Record):
    """A face that a morph passes through."""

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
        Choice(label="Style", help="The drawing style; any lets the seed choose.", options=STYLES, open=True),
    )
    psi: float = field(
        1.0,
        Range(
            label="Variety",
            help="Truncation psi: 0 gives the style's average face, 1 the model's full range, more exaggerates.",
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
            help="Noise for the finest details: fixed in the model, new for each seed, or none.",
            options=(("const", "Fixed"), ("random", "From seed"), ("none", "None")),
            advanced=True,
        ),
    )
    size: str = field("large", SIZE)
    cutoff: int = field(
        0,
        Range(
            label="Cutoff",
            help="Truncation cutoff: variety applies to this many of the first layers; 0 is all.",
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
            help="The class, for a model trained with classes; any lets the seed choose.",
            low=-1,
            high=9999,
            low_word="Any",
            advanced=True,
        ),
    )
    traits: tuple[SliderValue, ...] = field(
        (), ListOf(label="Traits", help="The sliders that were moved.", of=SliderValue)
    )
    slides: tuple[DirectionStep, ...] = field(
        (), ListOf(label="Directions", help="Changes along the model's directions.", of=DirectionStep)
    )
    near: tuple[Variation, ...] = field(
        (), ListOf(label="Variations", help="Steps to similar faces, each from the one before.", of=Variation)
    )
    mix: tuple[StyleMix, ...] = field(
        (),
        ListOf(
            label="Mixed with",
            help="What is taken from other faces, in order; sliders that were moved come after.",
            of=StyleMix,
            limit=12,
        ),
    )
    latent: str = field(
        "",
        FloatArray(label="Latent", help="W+ of a face matched to a picture, used instead of the seed; base64."),
    )
    name: str = field("", FreeText(label="Name", help="Who this is. Shown in the library.", limit=120))


@dataclass(frozen=True, kw_only=True)
class AvatarDirectionsRequest(Request):
    """Find directions in which the faces of a model vary, and save them with it. If the model has several styles
    or classes, the seed chooses the one to sample.
    """

    kind = "avatar.directions"
    medium = "avatar"
    work = "Directions"

    method: str = field(
        "pca",
        Choice(
            label="Method",
            help="From how sample faces differ (GANSpace), or from the model's weights alone (SeFa).",
            options=(("pca", "Sample faces"), ("sefa", "Model weights")),
        ),
    )
    directions: int = field(6, Range(label="Directions", help="How many to find, strongest first.", low=1, high=40))
    layers: str = field(
        "all",
        Choice(label="Layers", help="The layers that the directions change.", options=(("all", "All"), *LAYERS)),
    )
    samples: int = field(
        4000,
        Range(
            label="Sample faces",
            help="How many faces to sample; all of one style or class.",
            low=100,
            high=100_000,
            step=100,
            advanced=True,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class AvatarProjectRequest(Request):
    """Match a picture: find the model's closest face, which can then be changed like any other."""

    kind = "avatar.project"
    medium = "avatar"

    picture: WorkKey = field("", WorkRef(label="Picture", help="The picture to match; the face can be anywhere in it."))
    style: str = field(
        "any", Choice(label="Style", help="The style to start from; any tries each.", options=STYLES, open=True)
    )
    steps: int = field(
        200,
        Range(label="Steps", help="More steps match more closely; 0 uses the first guess.", low=0, high=5000, step=10),
    )
    size: str = field("large", SIZE)
    name: str = field("", FreeText(label="Name", help="Who this is. Shown in the library.", limit=120))


@dataclass(frozen=True, kw_only=True)
class AvatarWalkRequest(Request):
    """Morph from face to face, as an animation."""

    kind = "avatar.walk"
    medium = "avatar"
    work = "Morph"

    stations: tuple[MorphStop, ...] = field(
        (), ListOf(label="Faces", help="The faces to pass through, in order; at least two.", of=MorphStop)
    )
    seconds: float = field(
        2.0, Range(label="Seconds", help="The time from one face to the next.", low=0.1, high=30, step=0.1)
    )
    fps: int = field(24, Range(label="Frame rate", help="Frames per second; more look smoother.", low=1, high=60))
    way: str = field(
        "parts",
        Choice(
            label="Path",
            help="Part by part where the model draws parts, directly between the faces, or through those between their"
            " seeds.",
            options=(("parts", "Part by part"), ("w", "Between faces"), ("z", "Between seeds")),
        ),
    )
    curve: str = field(
        "line",
        Choice(
            label="Curve",
            help="Straight from face to face, smooth through each, or slowing down at each.",
            options=(("line", "Linear"), ("spline", "Smooth"), ("ease", "Ease in and out")),
        ),
    )
    loop: bool = field(True, Flag(label="Loop", help="Return to the first face at the end."))
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
    """Draw a character sheet: one person large and in several expressions."""

    kind = "avatar.sheet"
    medium = "avatar"
    work = "Character sheet"

    face: str = field("", NestedRequest(label="Face", help="The request of the large face.", kind="avatar"))
    poses: tuple[SheetCell, ...] = field(
        (), ListOf(label="Expressions", help="The faces shown beside it.", of=SheetCell, limit=24)
    )
    name: str = field("", FreeText(label="Name", help="Who this is. Used as the sheet's title.", limit=120))
    size: str = field("large", SIZE)


@dataclass(frozen=True, kw_only=True)
class AvatarTrainRequest(TrainRequest):
    """Train a face model on a folder of pictures, or on drawings with attributes that a recipe packed."""

    kind = "avatar.train"
    medium = "avatar"

    size: int = field(
        64,
        Range(
            label="Size",
            help="Width and height of the faces: 16, 32, 64, 128 or 256.",
            low=16,
            high=256,
            step=1,
            unit="px",
        ),
    )
    stage: str = field(
        "auto",
        Choice(
            label="Method",
            help="How to train: by comparing with drawings, against a discriminator (GAN), or whichever fits the data.",
            options=(("auto", "Automatic"), ("regress", "Compare with drawings"), ("adversarial", "Adversarial (GAN)")),
            advanced=True,
        ),
    )
    mirror: bool = field(
        False, Flag(label="Use mirrored copies", help="Also train on mirror images of plain pictures.", advanced=True)
    )
    augment: str = field(
        "auto",
        Choice(
            label="Augmentation",
            help="Alters what the discriminator sees, more when it starts to memorise a small data set.",
            options=(("auto", "Adaptive"), ("none", "None")),
            advanced=True,
        ),
    )
    gamma: float = field(
        0.0,
        Range(
            label="R1 penalty",
            help="How strongly to regularise the discriminator; raise it for varied data; 0 is automatic.",
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
            help="Size of each training step; lower it if training is unstable; 0 is automatic.",
            low=0.0,
            high=0.02,
            step=0.0001,
            low_word="Automatic",
            advanced=True,
        ),
    )


TRAINING_STAGES = (
    StageText("playing against a critic", "training"),
    StageText("comparing with drawings", "training"),
    StageText("reading pictures", "reading pictures", "reading picture {done} of {total}"),
    StageText("looking for what is missing", "comparing with drawings", "comparing with drawings, {percent} %"),
)

MEDIUM = Medium(
    name="avatar",
    title="Avatar",
    icon="avatar",
    tasks=(
        *(
            Task(request, "studio.backends.avatar.engine.engine:AvatarEngine", stages=stages)
            for request, stages in (
                (
                    AvatarRequest,
                    tuple(StageText(stage, "drawing") for stage in ("mapping", "synthesis", "enlarging")),
                ),
                (
                    AvatarDirectionsRequest,
                    (
                        StageText("looking", "finding directions"),
                        StageText("drawing", "drawing previews", "drawing preview {done} of {total}"),
                    ),
                ),
                (
                    AvatarProjectRequest,
                    (
                        StageText("reading", "reading the picture"),
                        StageText("aligning", "finding the face", "finding the face, {percent} %"),
                        StageText("guessing", "making a first guess"),
                        StageText("looking", "matching", "matching, step {done} of {total}"),
                    ),
                ),
                (
                    AvatarWalkRequest,
                    (
                        StageText("mapping", "preparing"),
                        StageText("walking", "rendering", "rendering frame {done} of {total}"),
                    ),
                ),
                (AvatarSheetRequest, (StageText("drawing", "drawing", "drawing face {done} of {total}"),)),
            )
        ),
        Task(
            AvatarTrainRequest,
            "studio.backends.avatar.engine.training.train:AvatarTrainer",
            result="model",
            lane="training",
            follow=False,
            stages=TRAINING_STAGES,
        ),
    ),
    starter="avatar-starter",
    stage="image",
    makes="Faces",
    samples=SampleSheet(96, 96),
    families=FAMILIES,
    candidates=9,
    onboarding=OnboardingText(
        "Create a character",
        "Choose a style, or leave it to chance. You get several faces to choose from; click the one you like.",
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
