"""The upscaler: it begins as the plain enlargement, learns crisp edges, and refuses files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from studio.backends.avatar.engine import files, upscaler
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.backends.avatar.engine.training.batches import premultiplied
from studio.backends.avatar.requests import AvatarRequest
from studio.errors import StudioError
from studio.media.payloads import Image
from studio.models.model import Model
from studio.models.resources import Resources


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """Discs of any colour, large and as small as an average of 4 x 4 pixels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64]
    large = np.zeros((24, 64, 64, 4), np.uint8)
    for picture in large:
        cx, cy, radius = rng.uniform(20, 44), rng.uniform(20, 44), rng.uniform(8, 18)
        picture[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = (*rng.integers(0, 256, 3), 255)
    whole = F.avg_pool2d(premultiplied(torch.from_numpy(large)), 4)
    alpha = (whole[:, 3:] + 1) / 2
    colour = (whole[:, :3] + 1) / 2 / alpha.clamp(min=1e-6)
    small = (torch.cat([colour, alpha], dim=1).permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()
    return small, large


def test_learns_what_the_plain_enlargement_lacks(pairs: tuple[np.ndarray, np.ndarray]) -> None:
    small, large = pairs
    x, y = premultiplied(torch.from_numpy(small)), premultiplied(torch.from_numpy(large))
    plain = F.interpolate(x, scale_factor=4, mode="bicubic").clamp(-1, 1)
    torch.manual_seed(0)
    assert torch.equal(upscaler.Upscaler()(x), plain)
    heard = []
    learnt = upscaler.train(small, large, 0, steps=25, report=lambda step, share, loss: heard.append((step, loss)))
    assert [step for step, _ in heard] == list(range(1, 26))
    assert float((learnt(x) - y).abs().mean()) < 0.95 * float((plain - y).abs().mean())
    further: list[float] = []
    upscaler.train(small, large, 0, steps=5, start=learnt, report=lambda step, share, loss: further.append(loss))
    assert np.mean(further) < np.mean([loss for _, loss in heard[:5]]), "it goes on from what was learnt"


def test_survives_being_written_and_read(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = upscaler.Upscaler()
    with torch.no_grad():
        network.leave.weight.normal_(std=0.05)
    assert upscaler.read(tmp_path) is None
    upscaler.write(network, tmp_path)
    again = upscaler.read(tmp_path)
    assert again is not None
    picture = torch.rand(1, 4, 8, 8) * 2 - 1
    with torch.inference_mode():
        assert again(picture).shape == (1, 4, 32, 32)
        assert float((again(picture) - network(picture)).abs().max()) < 0.01


def test_the_engine_enlarges_with_it_and_draws_small_pictures_without(tmp_path: Path) -> None:
    torch.manual_seed(2)
    files.write(Generator(GeneratorShape(channels=(8, 8, 8), z_dim=8, w_dim=8, layers=2)), tmp_path, None)
    plain = drawn(tmp_path, "large")
    network = upscaler.Upscaler()
    with torch.no_grad():
        network.leave.bias.fill_(0.5)  # every pixel half a range lighter, which nothing else would do
    upscaler.write(network, tmp_path)
    assert plain.shape == drawn(tmp_path, "large").shape == (512, 512, 4)
    assert drawn(tmp_path, "large")[..., 3].mean() > plain[..., 3].mean() + 20
    assert drawn(tmp_path, "native").shape == (16, 16, 4)


def drawn(folder: Path, size: str) -> np.ndarray:
    engine = AvatarEngine()
    engine.load(Resources(Model("toy", "avatar", "stylegan2", "", "", folder)), lambda progress: None)
    (picture,) = engine.run(AvatarRequest(seed=3, size=size), lambda progress: None)
    assert isinstance(picture, Image)
    return picture.pixels


@pytest.mark.parametrize("damage", ["cut", "other", "nan"])
def test_refuses_damaged_files(tmp_path: Path, damage: str) -> None:
    upscaler.write(upscaler.Upscaler(), tmp_path)
    path = tmp_path / upscaler.FILE
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "other":
        save_file({"a": torch.zeros(2)}, path)
    else:
        network = upscaler.Upscaler()
        with torch.no_grad():
            network.leave.weight.fill_(float("nan"))
        upscaler.write(network, tmp_path)
    with pytest.raises(StudioError, match="upscaler"):
        upscaler.read(tmp_path)
