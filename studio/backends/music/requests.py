"""What can be asked of music models: the requests, and the medium itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.backends.medium import Demo, Medium, OnboardingText, StageText, Task
from studio.backends.music.families import FAMILIES
from studio.schema.fields import Choice, FreeText, Range, field
from studio.schema.request import Request, TrainRequest

ANY = ("any", "Any")

GENRES = (
    ANY,
    ("lullaby", "Lullaby"),
    ("waltz", "Folk waltz"),
    ("lofi", "Lo-fi"),
    ("march", "March"),
    ("ambient", "Ambient"),
)

MOODS = (
    ANY,
    ("joyful", "Joyful"),
    ("peaceful", "Peaceful"),
    ("tender", "Tender"),
    ("hopeful", "Hopeful"),
    ("nostalgic", "Nostalgic"),
    ("melancholy", "Melancholy"),
    ("mysterious", "Mysterious"),
)

LANGUAGES = (
    ("auto", "By its letters"),
    ("en", "English"),
    ("zh", "Chinese"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("de", "German"),
    ("fr", "French"),
    ("es", "Spanish"),
    ("pt", "Portuguese"),
    ("it", "Italian"),
    ("ru", "Russian"),
    ("ar", "Arabic"),
)

TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

KEYS = (ANY, *((f"{tonic} {mode}", f"{tonic} {mode}") for mode in ("major", "minor") for tonic in TONICS))


@dataclass(frozen=True, kw_only=True)
class MusicRequest(Request):
    """One piece of music. Options left at "any" or 0 follow the description, then the genre, then the seed."""

    kind: ClassVar[str] = "music"
    medium: ClassVar[str] = "music"

    prompt: str = field(
        "",
        FreeText(
            label="Description",
            help="Describe the music; the starter understands genres, moods and tempos.",
            limit=1000,
            lines=2,
            placeholder="a slow, dreamy lullaby",
        ),
    )
    negative: str = field(
        "",
        FreeText(
            label="Exclude",
            help="What should not be heard.",
            limit=1000,
            lines=2,
            placeholder="low quality, distortion",
        ),
    )
    lyrics: str = field(
        "",
        FreeText(
            label="Lyrics",
            help="The words to sing, with marks such as [verse] and [chorus]; empty for no words.",
            limit=5000,
            lines=6,
            placeholder="[verse]",
        ),
    )
    language: str = field(
        "auto",
        Choice(label="Language", help="The language of the lyrics.", options=LANGUAGES, open=True, advanced=True),
    )
    genre: str = field(
        "any", Choice(label="Genre", help="The kind of music.", options=GENRES, open=True, group="Character")
    )
    mood: str = field(
        "any", Choice(label="Mood", help="How it should feel.", options=MOODS, open=True, group="Character")
    )
    tempo: int = field(
        0,
        Range(
            label="Tempo",
            help="Beats per minute; 0 follows the description and the genre.",
            low=0,
            high=240,
            unit="BPM",
            low_word="Any",
        ),
    )
    key: str = field("any", Choice(label="Key", help="The musical key.", options=KEYS))
    seconds: float = field(
        12.0, Range(label="Length", help="How long the piece is.", low=1, high=600, step=0.5, unit="seconds")
    )
    steps: int = field(
        100,
        Range(
            label="Steps",
            help="Denoising steps; more take longer and sound a little finer.",
            low=1,
            high=500,
            advanced=True,
        ),
    )
    guidance: float = field(
        7.0,
        Range(
            label="Guidance",
            help="How closely to follow the description; 1 follows it loosely, high values sound harsh.",
            low=0,
            high=30,
            step=0.1,
            advanced=True,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class MusicTrainRequest(TrainRequest):
    """Train a codec and a prior on a folder of audio, labelled (labels.jsonl) or not."""

    kind: ClassVar[str] = "music.train"
    medium: ClassVar[str] = "music"

    part: str = field(
        "both",
        Choice(
            label="Part",
            help="The codec turns audio into codes and back; the prior writes new codes. Both trains them in turn.",
            options=(("both", "Both"), ("codec", "Codec"), ("prior", "Prior")),
        ),
    )


MEDIUM = Medium(
    name="music",
    title="Music",
    icon="music",
    tasks=(
        Task(
            MusicRequest,
            "studio.backends.music.engine.engine:MusicEngine",
            stages=(StageText("composing", "composing", "composing, {percent} %"),),
        ),
        Task(
            MusicTrainRequest,
            "studio.backends.music.engine.train:MusicTrainer",
            result="model",
            lane="training",
            follow=False,
            stages=(
                StageText("codec", "training the codec"),
                StageText("prior", "training the prior"),
            ),
        ),
    ),
    starter="music-starter",
    stage="audio",
    makes="Music by genre and mood",
    families=FAMILIES,
    onboarding=OnboardingText(
        "Compose music",
        "Choose a genre, a mood and a tempo, or describe the music. The waveform grows as the music is composed.",
        (
            {"genre": "lullaby", "mood": "tender", "key": "F major"},
            {"genre": "lofi", "mood": "nostalgic", "tempo": 80},
            {"genre": "waltz", "mood": "joyful"},
        ),
    ),
    demo=Demo(
        "A piece of music",
        ({"kind": "music", "genre": "waltz", "mood": "hopeful", "seconds": 10, "seed": 7},),
    ),
)
