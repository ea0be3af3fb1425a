"""Picture models of others come out as diffusers has them, or are refused in words that name the file."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers as diffusers_library
import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.backends import families
from studio.backends.engine import pipeline_trial, pipelines
from studio.backends.poster.engine import preview
from studio.backends.poster.engine.engine import PosterEngine
from studio.backends.poster.engine.trial import try_out
from studio.backends.poster.families import TRIAL
from studio.backends.poster.requests import PosterRequest
from studio.errors import StudioError
from studio.jobs.job import Progress
from studio.media.payloads import Image
from studio.models import trial
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from studio.studio import Studio
from tests.backends.fuzz import cut, in_two, set_in
from tests.backends.picture_models import PROMPT, TOYS, picture_model, pipeline_named
from tests.backends.toys import quiet

diffusers: Any = diffusers_library  # which does not say what it exports
RUN = trial.run  # tests get another one
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # diffusers, of itself

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
    pipe: Any = diffusers.DiffusionPipeline.from_pretrained(folder, use_safetensors=True)
    pipe.set_progress_bar_config(disable=True)
    given = {"num_inference_steps": 2, "generator": torch.Generator().manual_seed(5), **SIZE, **asked}
    with torch.inference_mode():
        return np.asarray(pipe(prompt=PROMPT, **given).images[0])


def file_of(studio: Studio, request: PosterRequest) -> np.ndarray[Any, Any]:
    (asset,) = studio.submit(request).future.result(60)
    return np.asarray(PIL.Image.open(asset.path).convert("RGB"))


@pytest.mark.parametrize("name", TOYS)
def test_a_picture_is_that_of_diffusers(
    tmp_path: Path, studio: Studio, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = picture_model(tmp_path / name, name)
    model = studio.catalog.import_(folder, "poster", accept_licence=True)
    monkeypatch.setattr(pipeline_trial, "SMALL", 0)
    try_out(folder)  # as if it were a large one
    made = file_of(
        studio, PosterRequest(model=model.id, prompt=PROMPT, negative="rain", guidance=4, steps=2, seed=5, **SIZE)
    )
    there = painted(folder, **ASKED[name])
    assert there.std() > 10
    assert np.abs(made.astype(int) - there).max() <= 1


BLIND = {"pixart-alpha", "pixart-sigma"}
"""Those whose pipelines show nobody what they are painting."""


@pytest.mark.parametrize("name", [name for name in TOYS if name not in BLIND])
def test_the_last_preview_is_the_picture(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "SHARE", 1e9)
    monkeypatch.setattr(preview, "SMALL", 64)  # as random networks draw noise, which reduced is nothing
    engine = PosterEngine()
    model = Model("toy", "poster", name.split("-klein")[0].removesuffix("-schnell"), "Toy", "", tmp_path / name)
    engine.load(Resources(replace(model, folder=picture_model(tmp_path / name, name))), quiet)
    shown: list[Image] = []

    def keep(progress: Progress) -> None:
        if isinstance(progress.preview, Image):
            shown.append(progress.preview)

    (made,) = engine.run(PosterRequest(prompt=PROMPT, guidance=4, steps=2, seed=5, **SIZE), keep)
    assert isinstance(made, Image)
    assert len(shown) == 2
    high, wide = made.pixels.shape[:2]
    small = PIL.Image.fromarray(shown[-1].pixels).resize((wide, high), PIL.Image.Resampling.LANCZOS)
    alike = np.corrcoef(np.asarray(small).ravel(), made.pixels.ravel())[0, 1]
    assert alike > 0.8


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_model(tmp_path_factory.mktemp("models") / "toy", "sd")


@pytest.fixture
def toy(pristine: Path, tmp_path: Path) -> Path:
    """A whole model that a test may spoil."""
    return Path(shutil.copytree(pristine, tmp_path / "toy"))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "bundled", tmp_path / "own", families())


def loaded(folder: Path) -> PosterEngine:
    engine = PosterEngine()
    engine.load(Resources(Model("toy", "poster", "sd", "Toy", "", folder)), quiet)
    return engine


Spoil = Callable[[Path], object]
UNET = "unet/diffusion_pytorch_model.safetensors"
FIRST, SECOND = (f"unet/diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2))
SPLIT = f"{UNET}.index.json"
CODEC = "vae/diffusion_pytorch_model.safetensors"


def tensors(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    def changed(folder: Path) -> None:
        found = load_file(folder / name)
        change(found)
        save_file(found, folder / name, metadata={"format": "pt"})

    return changed


def after_split(change: Spoil) -> Spoil:
    def changed(folder: Path) -> None:
        in_two(folder / UNET)
        change(folder)

    return changed


def twice(folder: Path) -> None:
    first = load_file(folder / FIRST)
    tensors(SECOND, lambda found: found.update({"conv_in.bias": first["conv_in.bias"] + 1}))(folder)


def scaled(found: dict[str, torch.Tensor]) -> None:
    found["conv_in.weight"] = (found["conv_in.weight"] / 0.01).to(torch.float8_e4m3fn)
    found["conv_in.scale_weight"] = torch.tensor(0.01)


AT_THE_DOOR: list[tuple[Spoil, str]] = [
    (lambda folder: shutil.rmtree(folder / "vae"), "has no vae, which its model_index.json names"),
    (lambda folder: (folder / UNET).unlink(), "has neither diffusion_pytorch_model.safetensors nor"),
    (
        after_split(lambda folder: (folder / SECOND).unlink()),
        "names diffusion_pytorch_model-00002-of-00002.safetensors, which is missing",
    ),
    (after_split(cut(SECOND)), "diffusion_pytorch_model-00002-of-00002.safetensors is damaged: its end is missing"),
    (after_split(twice), "00002-of-00002.safetensors is damaged: it has conv_in.bias, as another file of the same"),
    (
        after_split(set_in(SPLIT, "weight_map", extra=Path(SECOND).name)),
        "index.json names extra, which is in none of its files",
    ),
    (set_in("text_encoder/config.json", dtype="nonsense"), "dtype is 'nonsense', and should be a type of numbers"),
    (set_in("text_encoder/config.json", dtype=["float16"]), "dtype is ['float16'], and should be a type of numbers"),
    (set_in("model_index.json", **{"/etc": ["diffusers", "Net"]}), "is damaged: /etc is no name of a part"),
    (cut(UNET), "diffusion_pytorch_model.safetensors is damaged"),
    (
        tensors(UNET, scaled),
        "quantised in a way that the studio cannot read: conv_in.scale_weight beside",
    ),
    (
        set_in("unet/config.json", quantization_config={"quant_method": "bitsandbytes"}),
        "quantised in a way that the studio cannot read: bitsandbytes",
    ),
    (
        set_in("model_index.json", unet=["own_code", "Net"]),
        "brings code of its own, which is never run: unet is",
    ),
    (set_in("model_index.json", unet=["../x", "Net"]), "brings code of its own"),
    (set_in("unet/config.json", layers_per_block=10**6), "layers_per_block is 1000000, and should be no more than"),
    (set_in("unet/config.json", cross_attention_dim=10**9), "cross_attention_dim is 1000000000"),
    (set_in("scheduler/scheduler_config.json", num_train_timesteps=10**9), "num_train_timesteps is 1000000000"),
    (set_in("scheduler/scheduler_config.json", beta_start=float("inf")), "beta_start is inf, and should be a number"),
    (set_in("vae/config.json", scaling_factor=float("nan")), "scaling_factor is nan, and should be a number that a"),
    (set_in("unet/config.json", down_block_types=["DownBlock2D", 1e300]), "down_block_types is 1e+300"),
    (set_in("unet/config.json", norm_eps=-1e-5), "norm_eps is -1e-05, and should be at least 0"),
    (set_in("text_encoder/config.json", layer_norm_eps=-1), "layer_norm_eps is -1, and should be at least 0"),
    (lambda folder: (folder / "unet" / "config.json").write_text("["), "config.json is damaged: its JSON is not valid"),
]


@pytest.mark.parametrize(("spoil", "says"), AT_THE_DOOR)
def test_import_refuses_what_make_refuses_with_the_same_words(
    toy: Path, catalog: Catalog, spoil: Spoil, says: str
) -> None:
    spoil(toy)
    with pytest.raises(StudioError, match=re.escape(says)) as refused:
        catalog.import_(toy, "poster", accept_licence=True)
    with pytest.raises(StudioError) as failed:
        loaded(toy)
    assert str(failed.value) == str(refused.value)
    assert not catalog.models()


UNFIT: list[tuple[Spoil, str]] = [
    (tensors(UNET, lambda found: found.pop("conv_in.bias")), "incomplete: its weights lack conv_in.bias"),
    (
        tensors(UNET, lambda found: found.update({"conv_in.bias": torch.ones(3)})),
        "conv_in.bias has the shape [3], and config.json asks for [8]",
    ),
    (tensors(CODEC, lambda found: found.update({"extra.weight": torch.ones(3)})), "does not use: extra.weight"),
    (set_in("model_index.json", unet=[None, None]), "incomplete: its model_index.json lacks unet"),
    (set_in("model_index.json", text_encoder=[None, None]), "incomplete: its model_index.json lacks text_encoder"),
    (set_in("model_index.json", unet=["diffusers", "NoSuch"]), "needs NoSuch, which this version of diffusers does"),
    (
        set_in("model_index.json", text_encoder=["stable_diffusion", "NoSuch"]),
        "needs NoSuch, which this version of diffusers does",
    ),
    (
        set_in("model_index.json", text_encoder=["transformers", "logging"]),
        "needs logging, which this version of transformers does",
    ),
    (set_in("unet/config.json", act_fn="nonsense"), "cannot be loaded"),
    (set_in("text_encoder/config.json", vocab_size=5), "has the shape"),
    (set_in("scheduler/scheduler_config.json", beta_schedule="nonsense"), "cannot be loaded"),
    (set_in("tokenizer/tokenizer_config.json", model_max_length={}), "cannot be loaded"),
]


@pytest.mark.parametrize(("spoil", "says"), UNFIT)
@pytest.mark.parametrize("small", [64 << 20, 0], ids=["painted", "shapes"])
def test_a_trial_refuses_what_make_refuses_with_the_same_words(
    toy: Path, spoil: Spoil, says: str, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_trial, "SMALL", small)
    spoil(toy)
    with pytest.raises(StudioError, match=re.escape(says)) as failed:
        loaded(toy)
    with pytest.raises(StudioError) as tried:
        try_out(toy)
    assert str(tried.value) == str(failed.value)


SCHEDULER = "scheduler/scheduler_config.json"
UNWORKABLE: list[tuple[str, Spoil, str]] = [
    ("sd", set_in("unet/config.json", center_input_sample="x", time_embedding_dim=7), "has the shape"),
    ("sd", set_in("vae/config.json", scaling_factor=None), "cannot run: a value in it is of another kind"),
    ("sd", set_in(SCHEDULER, timestep_spacing="x"), "cannot run: its contents are damaged"),
    ("sd", set_in(SCHEDULER, prediction_type={}), "cannot run: its contents are damaged"),
    ("lcm", set_in(SCHEDULER, rescale_betas_zero_snr="x"), "made a black picture"),
    ("sdxl", set_in(SCHEDULER, final_sigmas_type=[]), "cannot run: its contents are damaged"),
    ("qwen-image", set_in("vae/config.json", latents_std=[]), "cannot run: its contents are damaged"),
    ("z-image", set_in(SCHEDULER, shift_terminal="x"), "cannot run: a value in it is of another kind"),
    ("z-image", set_in("transformer/config.json", rope_theta=[[1]]), "cannot run"),
    ("z-image", set_in("tokenizer/tokenizer_config.json", pad_token=None), "cannot run: its contents are damaged"),
    ("cogview4", set_in(SCHEDULER, base_image_seq_len=-0.5), "cannot run: a value in it is of another kind"),
    ("sana", set_in("transformer/config.json", out_channels=""), "cannot run: a value in it is of another kind"),
    ("pixart-sigma", set_in(SCHEDULER, prediction_type=""), "cannot run: its contents are damaged"),
]
"""What can be opened, and fails at its work."""


@pytest.mark.filterwarnings("ignore:invalid value")  # numpy, of pictures that are no numbers
@pytest.mark.parametrize(("kind", "spoil", "says"), UNWORKABLE)
def test_of_a_large_model_a_trial_refuses_what_its_work_would_show(
    tmp_path: Path, kind: str, spoil: Spoil, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_trial, "SMALL", 0)
    folder = picture_model(tmp_path / kind, kind)
    spoil(folder)
    with pytest.raises(StudioError, match=re.escape(says)) as failed:
        loaded(folder).run(PosterRequest(prompt="a fox", steps=2, width=64, height=64), quiet)
    with pytest.raises(StudioError) as tried:
        try_out(folder)
    assert str(tried.value) == str(failed.value)


def test_parts_that_do_not_fit_each_other_are_found_in_a_large_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_trial, "SMALL", 0)
    folder = picture_model(tmp_path / "sdxl", "sdxl")
    shutil.rmtree(folder / "unet")
    shutil.copytree(picture_model(tmp_path / "sd", "sd") / "unet", folder / "unet")
    with pytest.raises(StudioError, match="cannot run") as failed:
        loaded(folder).run(PosterRequest(prompt="a fox", steps=2, width=64, height=64), quiet)
    with pytest.raises(StudioError) as tried:
        try_out(folder)
    assert str(tried.value) == str(failed.value)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited, and files have holes, on Linux")
def test_a_pipeline_larger_than_a_trial_may_take_is_opened(tmp_path: Path) -> None:
    folder = picture_model(tmp_path / "toy", "sd")
    set_in("text_encoder/config.json", vocab_size=1 << 25)(folder)  # 2 GB of words
    path = folder / "text_encoder/model.safetensors"
    shapes = {name: [*one.shape] for name, one in load_file(path).items()}
    (words,) = (name for name in shapes if name.endswith("token_embedding.weight"))
    sparse({**shapes, words: [1 << 25, 16]}, path)
    RUN(TRIAL, folder, folder)


def sparse(shapes: dict[str, list[int]], path: Path) -> None:
    """A file of zeros of these shapes that takes no place on the disk."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    head = json.dumps(header).encode()
    path.unlink()
    path.write_bytes(len(head).to_bytes(8, "little") + head)
    os.truncate(path, 8 + len(head) + end)


def in_half(folder: Path) -> None:
    """Renames the weights to those of a variant, of which there is no other."""
    for path in folder.rglob("*.safetensors"):
        path.rename(path.with_name(f"{path.stem}.fp16.safetensors"))


@pytest.mark.parametrize(
    "change",
    [in_half, lambda folder: shutil.copytree(folder / "vae", folder / "vae_1_0"), lambda folder: in_two(folder / UNET)],
    ids=["variant", "unnamed", "split"],
)
def test_files_laid_out_otherwise_paint_the_same(
    pristine: Path, toy: Path, change: Spoil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_trial, "SMALL", 0)
    change(toy)
    try_out(toy)
    asked = PosterRequest(prompt=PROMPT, steps=1, seed=5, width=64, height=64)
    plain, found = (loaded(folder).paint(asked, quiet)[0] for folder in (pristine, toy))
    assert np.array_equal(found, plain)


@pytest.mark.parametrize("name", ["DiTPipeline", "KandinskyV22Pipeline", "KandinskyV22CombinedPipeline"])
def test_a_pipeline_that_is_not_run_is_refused_by_name(tmp_path: Path, catalog: Catalog, name: str) -> None:
    assert hasattr(diffusers, name)
    folder = pipeline_named(tmp_path / "toy", name)
    with pytest.raises(StudioError) as refused:
        catalog.import_(folder, "poster", accept_licence=True)
    said = f"toy needs {name} of diffusers, which the studio cannot run. It can run: AuraFlowPipeline, "
    assert str(refused.value).startswith(said)
    assert not catalog.models()


def test_a_model_that_fails_leaves_other_models_their_type(toy: Path) -> None:
    set_in("unet/config.json", act_fn="nonsense")(toy)
    with pytest.raises(StudioError, match="cannot be loaded"):
        pipelines.read(toy, dtype=torch.bfloat16)
    assert torch.get_default_dtype() == torch.float32
