"""Networks that somebody brings: imported without torch, opened with it, and drawing what the official code draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studio.backends import families
from studio.backends.avatar.engine import stylegan3
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.files import open_network
from studio.backends.avatar.engine.network import truncate
from studio.backends.avatar.families import capabilities_of
from studio.backends.avatar.requests import MEDIUM, AvatarRequest
from studio.checkpoints.stylegan3_layers import StyleGAN3Shape
from studio.errors import StudioError
from studio.jobs.job import Progress
from studio.media.payloads import Image
from studio.models import weights
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from tests.official import NETWORKS, Toy, toy

# Of the picture's range; measured: at most 2e-6 on one processor.
TOLERANCE = 1e-5


def quiet(_progress: Progress) -> None:
    pass


def brought(one: Toy, tmp_path: Path) -> Model:
    shelf = Catalog(bundled=tmp_path / "bundled", own=tmp_path / "own", families=families())
    return shelf.import_(one.pickle(tmp_path / f"{one.path.stem}.pkl"), "avatar", accept_licence=True)


def official_bytes(picture: torch.Tensor) -> np.ndarray:
    return (picture[0].permute(1, 2, 0) * 127.5 + 128).clamp(0, 255).to(torch.uint8).numpy()


def conditions(one: Toy) -> torch.Tensor | None:
    return None if one.label < 0 else torch.eye(one.options["c_dim"])[one.label : one.label + 1]


@pytest.mark.parametrize("name", NETWORKS)
def test_an_imported_network_draws_the_official_picture(name: str, tmp_path: Path) -> None:
    one = toy(name)
    network, config = open_network(brought(one, tmp_path).folder)
    z = torch.from_numpy(np.random.RandomState(one.seed).randn(1, config.shape.z_dim).astype(np.float32))
    with torch.inference_mode():
        w = truncate(network.mapping(z, conditions(one)), network.mapping.centre(None), one.psi)
        picture = network.synthesis(network.broadcast(w), "const")
    far = (picture - one.picture).abs().max() / (one.picture.max() - one.picture.min())
    assert far < TOLERANCE
    assert (config.z, config.table) == ("randomstate", None)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_import_says_whether_the_network_has_learnt_noise(name: str, tmp_path: Path) -> None:
    one = toy(name)
    model = brought(one, tmp_path)
    said = weights.read_json(model.folder / "config.json")
    assert said["noise"] is capabilities_of(model).noise is name.startswith("stylegan2")
    strengths = [name for name in one.tensors if name.endswith(".noise_strength")]
    if strengths:
        deaf: dict[str, Any] = {name.replace(".", "__"): torch.zeros([]) for name in strengths}
        path = one.pickle(tmp_path / "deaf.pkl", **deaf)
        shelf = Catalog(bundled=tmp_path / "bundled", own=tmp_path / "own", families=families())
        assert not capabilities_of(shelf.import_(path, "avatar", accept_licence=True)).noise


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_people_bring_draws_at_its_own_size(name: str, tmp_path: Path) -> None:
    model = brought(toy(name), tmp_path)
    asked = MEDIUM.usual_request(model.family, model)
    assert isinstance(asked, AvatarRequest)
    assert asked.size == "native"
    starter = Catalog(own=tmp_path / "own", families=families()).get(MEDIUM.starter)
    assert MEDIUM.usual_request(starter.family, starter) == AvatarRequest()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_known_from_elsewhere_is_the_same_face_here(name: str, tmp_path: Path) -> None:
    one = toy(name)
    engine = AvatarEngine()
    engine.load(Resources(brought(one, tmp_path)), quiet)
    asked = AvatarRequest(seed=one.seed, psi=one.psi, label=one.label, noise="const", size="native")
    (image,) = engine.run(asked, quiet)
    engine.close()
    assert isinstance(image, Image)
    assert image.pixels.shape == (64, 64, 3)
    assert np.abs(image.pixels.astype(int) - official_bytes(one.picture)).max() <= 1


@pytest.mark.parametrize("name", ["stylegan2-ada-64", "stylegan3-t-64"])
def test_each_layer_may_have_a_w_of_its_own(name: str, tmp_path: Path) -> None:
    network, config = open_network(brought(toy(name), tmp_path).folder)
    torch.manual_seed(3)
    with torch.inference_mode():
        a, b = (network.broadcast(network.mapping(torch.randn(1, config.shape.z_dim))) for _ in range(2))
        mixed = torch.cat([a[:, :4], b[:, 4:]], dim=1)
        pictures = [network.synthesis(ws) for ws in (a, b, mixed)]
        together = network.synthesis(torch.cat([a, b, mixed]))
    assert mixed.shape == (1, network.shape.num_ws, config.shape.w_dim)
    assert all((pictures[i] - pictures[2]).abs().max() > 1e-3 for i in (0, 1))
    torch.testing.assert_close(together, torch.cat(pictures), atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", ["stylegan2-ada-64", "stylegan3-t-64", "stylegan3-r-64"])
def test_half_precision_draws_the_same_face(name: str, tmp_path: Path) -> None:
    """The way to 16 bits and back is the same on a processor, where bfloat16 stands in for the card's own format."""
    one = toy(name)
    network, config = open_network(brought(one, tmp_path).folder)
    z = torch.from_numpy(np.random.RandomState(one.seed).randn(1, config.shape.z_dim).astype(np.float32))
    with torch.inference_mode():
        ws = network.broadcast(network.mapping(z))
        exact = network.synthesis(ws)
        network.synthesis.halved, network.synthesis.low = 3, torch.bfloat16
        rough = network.synthesis(ws)
    assert rough.dtype == torch.float32
    far = (rough - exact).abs().max() / (exact.max() - exact.min())
    assert 1e-6 < far < 0.05


def test_activations_stay_within_the_bounds_they_were_trained_with(tmp_path: Path) -> None:
    one = toy("stylegan2-ada-64")
    network, _ = open_network(brought(one, tmp_path).folder)
    layer = network.synthesis.get_submodule("b64").get_submodule("conv1")
    layer.get_parameter("bias").fill_(1e4)
    heard: list[torch.Tensor] = []
    layer.register_forward_hook(lambda _module, _args, made: heard.append(made))
    with torch.inference_mode():
        network.synthesis(network.broadcast(network.mapping(torch.randn(1, 64))))
    assert heard[0].max() == 256


def test_filters_of_stylegan3_are_those_of_the_paper() -> None:
    for name in ("stylegan3-t-64", "stylegan3-r-64"):
        one = toy(name)
        radial = name == "stylegan3-r-64"
        width = int(one.tensors["synthesis.input.phases"].shape[0])
        shape = StyleGAN3Shape(64, (width,) * 14 + (3,), 64, 64, kernel=1 if radial else 3, radial=radial)
        ours = stylegan3.StyleGAN3Generator(shape).state_dict()
        filters = [key for key in ours if key.endswith("_filter")]
        assert len(filters) == 28
        for key in filters:
            torch.testing.assert_close(ours[key], one.tensors[key], atol=1e-6, rtol=0)


def test_a_new_stylegan3_draws_at_once() -> None:
    torch.manual_seed(1)
    shape = StyleGAN3Shape(32, (8,) * 14 + (3,), z_dim=8, w_dim=8, c_dim=2)
    network = stylegan3.StyleGAN3Generator(shape).eval()
    with torch.inference_mode():
        w = network.mapping(torch.randn(2, 8), torch.eye(2))
        picture = network.synthesis(network.broadcast(w))
    assert picture.shape == (2, 3, 32, 32)
    assert picture.isfinite().all()
    assert picture.std() > 0.01


def test_weights_that_do_not_fit_their_config_are_refused(tmp_path: Path) -> None:
    folder = brought(toy("stylegan3-t-64"), tmp_path).folder
    said = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(said.replace('"kernel": 3', '"kernel": 1'), encoding="utf-8")
    with pytest.raises(StudioError, match="does not fit"):
        open_network(folder)
    (folder / "config.json").write_text(said.replace('"size": 64', '"size": 63.5e9'), encoding="utf-8")
    with pytest.raises(StudioError, match="damaged"):
        open_network(folder)
