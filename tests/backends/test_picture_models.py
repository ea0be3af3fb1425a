"""Picture models of others come out as diffusers has them, or are refused in words that name the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from diffusers.pipelines.pipeline_utils import DiffusionPipeline

from studio.backends.poster.requests import PosterRequest
from studio.studio import Studio
from studio.system.paths import AppPaths
from tests.backends.picture_models import PROMPT, TOYS, picture_model

SIZE: dict[str, Any] = {"width": 64, "height": 96}

ASKED: dict[str, dict[str, Any]] = {
    "sd": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "lcm": {"guidance_scale": 4.0},
    "sdxl": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "sd3": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "flux": {"guidance_scale": 4.0},
    "flux-schnell": {},
    "flux2-klein": {"guidance_scale": 4.0},
    "flux2-klein-distilled": {},
    "qwen-image": {"true_cfg_scale": 4.0, "negative_prompt": "rain"},
    "z-image": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "sana": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "chroma": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "cogview4": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "lumina2": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "pixart-alpha": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "pixart-sigma": {"guidance_scale": 4.0, "negative_prompt": "rain"},
    "auraflow": {"guidance_scale": 4.0, "negative_prompt": "rain"},
}
"""What each pipeline is asked beside prompt, size, steps and seed, in its own words."""


def painted(folder: Path, **asked: Any) -> np.ndarray[Any, Any]:
    """What diffusers' own call makes of a folder."""
    pipe: Any = DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    given = {"num_inference_steps": 2, "generator": torch.Generator().manual_seed(5), **SIZE, **asked}
    with torch.inference_mode():
        return np.asarray(pipe(prompt=PROMPT, **given).images[0])


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("studio")
    made = Studio(AppPaths.under(home), isolated=False, persist_queue=False, bundled=home / "none", platform="")
    yield made
    made.close()


def file_of(studio: Studio, request: PosterRequest) -> np.ndarray[Any, Any]:
    (asset,) = studio.submit(request).future.result(60)
    return np.asarray(PIL.Image.open(asset.path).convert("RGB"))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of diffusers, about itself
@pytest.mark.parametrize("name", TOYS)
def test_a_picture_is_that_of_diffusers(tmp_path: Path, studio: Studio, name: str) -> None:
    folder = picture_model(tmp_path / name, name)
    model = studio.catalog.import_(folder, "poster", accept_licence=True)
    made = file_of(
        studio, PosterRequest(model=model.id, prompt=PROMPT, negative="rain", guidance=4, steps=2, seed=5, **SIZE)
    )
    there = painted(folder, **ASKED[name])
    assert there.std() > 10
    assert np.abs(made.astype(int) - there).max() <= 1
