"""Tries a music model: its names, shapes and tokenizer, and one step; run as a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import EncodecModel

from studio.backends.engine.loaded import errors_of_networks
from studio.backends.engine.pipeline_trial import is_small, run_shapes, without_numbers
from studio.backends.music.engine.diffusion import SoundPipeline
from studio.backends.music.engine.engine import MUSICGENS, MusicEngine, TextModel, decode_audio
from studio.backends.music.engine.files import FAMILY, load_starter, read_config
from studio.backends.music.requests import MusicRequest
from studio.models import trial
from studio.models.model import Model
from studio.models.pipelines import INDEX
from studio.models.resources import Resources


def try_out(folder: Path) -> None:
    """Raises StudioError as the engine would. Of a MusicGen and of a large pipeline only shapes are computed, without
    their numbers.
    """
    if (folder / INDEX).is_file():
        _try_pipeline(folder)
        return
    kind = read_config(folder).get("model_type")
    if kind not in MUSICGENS:  # small enough to be played
        if kind == FAMILY and load_starter(folder).prior is None:
            return  # a codec alone, from which a training goes on
        engine = MusicEngine()
        engine.load(Resources(Model("tried", "music", "", folder.name, "", folder)), lambda _: None)
        engine.run(MusicRequest(seconds=1), lambda _: None)
        return
    player = TextModel(folder, str(kind), dtype=torch.float32, device_map={"": "meta"})
    with errors_of_networks(folder), torch.inference_mode():
        _step(player)


def _try_pipeline(folder: Path) -> None:
    """The shortest sound in the fewest steps."""
    request = MusicRequest(prompt="music", lyrics="La", seconds=1, steps=2)
    if is_small(folder):
        SoundPipeline.load(folder).compose(request, lambda _: None)
        return
    with without_numbers():
        player = SoundPipeline.load(folder, dtype=torch.float32, device_map={"": "meta"})
    run_shapes(player.pipe, lambda: player.compose(request, lambda _: None))


def _step(player: TextModel) -> None:
    """One step of the network, of which only shapes are computed, and a few codes through a codec of that shape."""
    attended = player.conditions(MusicRequest(prompt="music"), 1)(0, 1)
    config: Any = player.decoder.config
    start = torch.zeros(len(attended) * config.num_codebooks, 1, dtype=torch.long, device="meta")
    player.decoder(input_ids=start, encoder_hidden_states=attended)
    # It asks for numbers on its way.
    codec = EncodecModel(player.codec.config).eval()
    sound = decode_audio(codec, torch.zeros(1, config.num_codebooks, 4, dtype=torch.long))
    if sound.shape != (config.audio_channels, 4 * codec.config.hop_length):
        raise ValueError(f"its codec makes {sound.shape} of four codes")


if __name__ == "__main__":
    trial.answer(try_out)
