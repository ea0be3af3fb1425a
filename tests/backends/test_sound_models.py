"""Sound models of others come out as their library has them, or are refused in words that name the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, MusicgenForConditionalGeneration, MusicgenMelodyForConditionalGeneration

from studio.backends import families
from studio.backends.music.engine.engine import MusicEngine
from studio.backends.music.engine.mastering import master
from studio.backends.music.engine.trial import try_out
from studio.backends.music.requests import MusicRequest
from studio.errors import BadInput, StudioError
from studio.models import trial
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from studio.studio import Studio
from tests.backends.fuzz import set_in
from tests.backends.picture_models import pipeline_named
from tests.backends.sound_models import HOP, MUSICGENS, RATE, musicgen
from tests.backends.toys import quiet

RUN = trial.run  # tests get another one
SECONDS, SEED = 1, 5


def wav_of(studio: Studio, folder: Path) -> np.ndarray[Any, Any]:
    """`[channels, samples]` of the file that a request makes with the model in `folder`."""
    model = studio.catalog.import_(folder, "music", accept_licence=True)
    try_out(model.folder)
    request = MusicRequest(model=model.id, prompt="sad march", seconds=SECONDS, seed=SEED)
    (asset,) = studio.submit(request).future.result(60)
    samples, rate = soundfile.read(asset.path, dtype="float32", always_2d=True)
    assert rate == RATE
    return samples.T


@pytest.mark.parametrize("kind", MUSICGENS)
def test_a_musicgen_plays_what_transformers_plays(tmp_path: Path, studio: Studio, kind: str) -> None:
    folder = musicgen(tmp_path / kind, kind)
    made = wav_of(studio, folder)
    whole = MusicgenMelodyForConditionalGeneration if kind == "melody" else MusicgenForConditionalGeneration
    model: Any = whole.from_pretrained(folder)
    words = AutoTokenizer.from_pretrained(folder)("sad march", return_tensors="pt")
    torch.manual_seed(SEED)
    frames = SECONDS * RATE // HOP
    late = model.decoder.num_codebooks // model.decoder.config.audio_channels - 1
    (there,) = model.generate(**words, max_new_tokens=frames + late).numpy()
    assert there.shape == (2 if kind == "stereo" else 1, SECONDS * RATE)
    assert there.std() > 0.01
    assert np.abs(made - master(there, RATE)).max() <= 1 / 32768


def tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        found = load_file(folder / "model.safetensors")
        change(found)
        save_file(found, folder / "model.safetensors", metadata={"format": "pt"})

    return changed


HEAD = "decoder.lm_heads.0.weight"
REFUSED: list[tuple[Callable[[Path], object], str]] = [
    (tensors(lambda found: found.pop(HEAD)), f"its weights lack {HEAD}"),
    (tensors(lambda found: found.update({HEAD: torch.zeros(3, 32)})), f"{HEAD} has the shape [3, 32]"),
    (tensors(lambda found: found.update({"extra": torch.zeros(3)})), "weights that its network does not use: extra"),
    (
        tensors(lambda found: found.update({f"{HEAD[:-7]}.weight_scale": torch.zeros(1)})),
        "quantised in a way that the studio cannot read",
    ),
    (set_in("config.json", "decoder", num_hidden_layers=10**6), "num_hidden_layers is 1000000"),
    (set_in("config.json", "decoder", num_attention_heads=5), "cannot be read"),
    (set_in("config.json", "decoder", pad_token_id=65), "pad_token_id is 65"),
    (set_in("config.json", "audio_encoder", model_type="dac"), "audio_encoder.model_type is 'dac'"),
    (set_in("config.json", "audio_encoder", upsampling_ratios=None), "upsampling_ratios is None"),
    (set_in("config.json", "audio_encoder", target_bandwidths=[1e9]), "target_bandwidths is 1000000000.0"),
    (set_in("config.json", "text_encoder", num_heads=3), "has the shape"),
    (set_in("config.json", text_encoder=None), "text_encoder is None"),
    (set_in("generation_config.json", guidance_scale="much"), "guidance_scale is 'much'"),
    (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer"),
    (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be read"),
    (lambda folder: (folder / "model.safetensors").unlink(), "holds no .safetensors file"),
]


@pytest.mark.parametrize(("spoil", "says"), REFUSED)
def test_import_and_trial_refuse_what_make_refuses_with_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object], says: str
) -> None:
    monkeypatch.setattr(trial, "run", lambda module, folder, shown, report: try_out(shown))
    folder = musicgen(tmp_path / "toy", "mono")
    spoil(folder)
    catalog = Catalog(tmp_path / "bundled", tmp_path / "own", families())
    with pytest.raises(StudioError, match=re.escape(says)) as refused:
        catalog.import_(folder, "music", accept_licence=True)
    if "holds no" not in says:
        with pytest.raises(StudioError) as failed:
            MusicEngine().load(Resources(Model("toy", "music", "musicgen", "Toy", "", folder)), quiet)
        assert str(failed.value) == str(refused.value)
    assert not catalog.models()


def test_an_import_is_tried_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "run", RUN)
    folder = musicgen(tmp_path / "toy")
    catalog = Catalog(tmp_path / "bundled", tmp_path / "own", families())
    REFUSED[0][0](folder)
    with pytest.raises(StudioError, match=f"{folder} is incomplete: its weights lack {HEAD}"):
        catalog.import_(folder, "music", accept_licence=True)


@pytest.mark.parametrize("name", ["MusicLDMPipeline", "AudioLDMPipeline", "DanceDiffusionPipeline"])
@pytest.mark.parametrize("medium", ["music", "poster"])
def test_a_pipeline_that_makes_sound_is_refused_by_name(tmp_path: Path, name: str, medium: str) -> None:
    assert hasattr(diffusers, name)
    folder = pipeline_named(tmp_path / "toy", name)
    with pytest.raises(BadInput) as refused:
        Catalog(tmp_path / "bundled", tmp_path / "own", families()).import_(folder, medium, accept_licence=True)
    assert str(refused.value) == (
        f"toy needs {name} of diffusers, which the studio cannot run. It can run: AceStepPipeline, AudioLDM2Pipeline, "
        "StableAudio3Pipeline, StableAudioPipeline."
    )
    assert not (tmp_path / "own").exists()
