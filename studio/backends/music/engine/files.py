"""Music models on disk: our own folders and MusicGen's, safetensors only.

A model of this studio is a folder with config.json, codec/ (an EncodecModel), prior/ (a MusicgenForCausalLM) and
conditions.safetensors. A codec that has no prior yet lacks the last two.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from transformers import EncodecModel, MusicgenForCausalLM, PreTrainedModel

from studio.backends.engine.loaded import read_weights
from studio.backends.music.check import COUNTS, WIDTHS
from studio.backends.music.engine.prior import NoteGrammar, Prior
from studio.backends.music.engine.score_codebooks import VoiceRanges
from studio.errors import BadInput, StudioError
from studio.models import weights
from studio.models.folders import CONFIG, check_sizes, read_tensors

M = TypeVar("M", bound=PreTrainedModel)

FAMILY = "studio-music"


@dataclass(frozen=True, slots=True)
class LoadedStarter:
    """A model of this studio. `voices` where the codec was solved from scores; `labelled`: the prior knows plans."""

    codec: EncodecModel
    prior: Prior | None
    voices: VoiceRanges | None
    labelled: bool = False

    @property
    def frame_rate(self) -> float:
        return self.codec.config.sampling_rate / self.codec.config.hop_length


def read_config(folder: Path) -> dict[str, Any]:
    """config.json of a model folder. Raises BadInput where there is none or it is not one."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(
            "{folder} holds no music model.", "It needs a config.json and *.safetensors files.", folder=folder
        ) from error
    if not isinstance(config, dict):
        raise BadInput("{folder} holds no music model.", "Its config.json is not a JSON object.", folder=folder)
    return config


def save_starter(folder: Path, model: LoadedStarter) -> None:
    """Write the model in 16 bits; what is in `folder` already is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {"model_type": FAMILY, "version": 1, "labelled": model.labelled, "voices": None}
    if model.voices:
        config["voices"] = {"lowest": list(model.voices.lowest), "pitches": list(model.voices.pitches)}
    copy.deepcopy(model.codec).cpu().half().save_pretrained(folder / "codec")
    if model.prior:
        model.prior.clock.now = None
        copy.deepcopy(model.prior.decoder).cpu().half().save_pretrained(folder / "prior")
        tables = {name: tensor.cpu().half() for name, tensor in model.prior.conditions.state_dict().items()}
        safetensors.torch.save_file(tables, folder / "conditions.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_starter(folder: Path) -> LoadedStarter:
    """The model in `folder`, in float32 on the CPU. Raises StudioError where it is damaged."""
    config = read_config(folder)
    if config.get("model_type") != FAMILY:
        raise BadInput(
            "{folder} is not a model made by this studio.", "Name a model that `studio train` made.", folder=folder
        )
    codec = load_strict(EncodecModel, folder / "codec")
    voices = prior = None
    try:
        if config.get("voices"):
            lowest, pitches = (tuple(map(int, config["voices"][name])) for name in ("lowest", "pitches"))
            voices = VoiceRanges(lowest, pitches, codec.config.codebook_size)
        if (folder / "prior").exists():
            prior = Prior(load_strict(MusicgenForCausalLM, folder / "prior"), grammar_of(voices))
            tables = safetensors.torch.load_file(folder / "conditions.safetensors")
            prior.conditions.load_state_dict({name: tensor.float() for name, tensor in tables.items()})
    except StudioError:
        raise
    except Exception as error:  # a hostile file may raise anything in there
        raise damaged_model(folder) from error
    return LoadedStarter(codec, prior.eval() if prior else None, voices, bool(config.get("labelled")))


def grammar_of(voices: VoiceRanges | None) -> NoteGrammar | None:
    return NoteGrammar(voices.names()[1], voices.onsets()) if voices else None


def load_strict(kind: type[M], folder: Path) -> M:
    """A model of transformers from a local folder in float32, every tensor present; nothing is executed."""
    check_sizes(folder / CONFIG, weights.read_json(folder / CONFIG), read_tensors(folder), COUNTS, WIDTHS)
    return read_weights(kind, folder, dtype=torch.float32).eval()


def damaged_model(folder: Path) -> StudioError:
    return StudioError(
        "The music model in {folder} is damaged or incomplete.",
        "Remove it and import it again, or choose another.",
        folder=folder,
    )
