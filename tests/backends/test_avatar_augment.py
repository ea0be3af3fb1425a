"""Adaptive augmentation: nothing changes at p = 0, nothing leaks below 1, and the strength follows the critic."""

from __future__ import annotations

import math

import pytest
import torch

from studio.backends.avatar.engine.training.augment import (
    LIMIT,
    SYM6,
    AugmentStrength,
    augment,
    recolour,
    sample_colours,
    sample_geometry,
    warp,
)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def soft(n: int = 2, planes: int = 4, size: int = 32) -> torch.Tensor:
    """Smooth pictures in [-1, 1], premultiplied."""
    coarse = torch.rand(n, planes, 5, 5, generator=random(3))
    x = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic", align_corners=False).clamp(0, 1)
    if planes == 4:
        x = torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], dim=1)
    return x * 2 - 1


def where(*rows: list[float], n: int = 2) -> torch.Tensor:
    return torch.tensor(rows)[None].repeat(n, 1, 1)


@pytest.mark.parametrize("planes", [3, 4])
def test_nothing_changes_at_strength_zero(planes: int) -> None:
    x = soft(planes=planes)
    assert augment(x, 0.0, random()) is x
    same = warp(x, sample_geometry(2, 32, 0.0, random()))
    torch.testing.assert_close(same, x, rtol=0, atol=2e-5)
    torch.testing.assert_close(recolour(x, sample_colours(2, 0.0, random())), x, rtol=0, atol=1e-6)


def test_the_filter_is_the_wavelet() -> None:
    h = torch.tensor(SYM6, dtype=torch.float64)
    assert float(h.sum()) == pytest.approx(math.sqrt(2), abs=1e-9)
    for shift in range(0, 12, 2):
        product = float((h[shift:] * h[: 12 - shift]).sum())
        assert product == pytest.approx(1.0 if shift == 0 else 0.0, abs=1e-9)


def test_moving_is_what_it_says() -> None:
    x = soft()
    mirrored = warp(x, where([-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    assert (mirrored - x.flip(3)).abs().mean() < 0.02  # the wavelet is not quite symmetric
    assert (mirrored - x).abs().mean() > 0.2
    moved = warp(x, where([1.0, 0.0, -3.0], [0.0, 1.0, 2.0]))
    torch.testing.assert_close(moved[..., 2:28, 5:30], x[..., 4:30, 2:27], rtol=0, atol=2e-5)
    turned = warp(x, where([0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]))
    assert (turned - torch.rot90(x, -1, (2, 3))).abs().mean() < 0.02


def test_what_is_outside_is_mirrored() -> None:
    x = soft()
    moved = warp(x, where([1.0, 0.0, 6.0], [0.0, 1.0, 0.0]))
    expected = torch.cat([x, x.flip(3)[..., 1:]], dim=3)[..., 6:38]
    assert (moved - expected).abs().mean() < 0.02


def test_what_is_clear_stays_clear() -> None:
    x = torch.full((64, 4, 16, 16), -1.0)
    made = augment(x, 0.8, random())
    torch.testing.assert_close(made, x, rtol=0, atol=1e-4)


def test_colours_turn_about_grey_and_alpha_stays() -> None:
    tints = sample_colours(512, 0.8, random())
    x = soft(512, 4, 8)
    made = recolour(x, tints)
    torch.testing.assert_close(made[:, 3], x[:, 3])
    assert (made[:, :3] != x[:, :3]).any()
    square = tints[:, :, :3]
    greys = square @ torch.ones(3, 1)
    # A grey stays a grey whatever is drawn: contrast and flips keep it on its axis.
    torch.testing.assert_close(greys, greys.mean(dim=1, keepdim=True).expand_as(greys), rtol=0, atol=1e-4)


@pytest.mark.parametrize("p", [0.1, 0.4, 0.7])
def test_nothing_leaks(p: float) -> None:
    """A picture comes out unmoved more often than in any other of the orderly positions (section 2.2)."""
    drawn = sample_geometry(200_000, 32, p, random())
    orderly = (drawn[:, :, :2].abs().round(decimals=4) % 1 == 0).all(dim=(1, 2)) & (drawn[:, :, 2] == 0).all(dim=1)
    some = drawn[orderly][:, :, :2].round().reshape(-1, 4)
    kinds, counts = some.unique(dim=0, return_counts=True)
    straight = (kinds == torch.tensor([1.0, 0.0, 0.0, 1.0])).all(dim=1)
    assert straight.sum() == 1
    others = counts[~straight]
    assert counts[straight] > 1.2 * others.max()
    plain = (sample_colours(4000, p, random()) - torch.eye(3, 4)).abs().amax(dim=(1, 2)) < 1e-6
    assert float(plain.float().mean()) == pytest.approx((1 - p) ** 4 * (1 - p / 2), abs=0.03)


def test_the_share_of_pictures_left_alone_follows_p() -> None:
    drawn = sample_geometry(8000, 32, 0.3, random(5))
    alone = (drawn - torch.eye(2, 3)).abs().amax(dim=(1, 2)) < 1e-6
    # Seven draws that change nothing: flips and turns do so by themselves in half and a quarter of the cases.
    expected = (1 - 0.3 / 2) * (1 - 0.3 * 3 / 4) * 0.7**5
    assert float(alone.float().mean()) == pytest.approx(expected, abs=0.02)


def test_the_same_generator_gives_the_same_pictures_and_gradients_flow() -> None:
    x = soft().requires_grad_()
    first, second = augment(x, 0.7, random(4)), augment(x, 0.7, random(4))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    first.square().sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert (x.grad != 0).float().mean() > 0.5


def test_strength_rises_while_the_critic_is_too_sure_and_falls_otherwise() -> None:
    strength = AugmentStrength(images=1000.0)
    sure, unsure = torch.ones(16), torch.tensor([1.0, -1.0] * 8)
    for _ in range(8):
        strength.update(sure)
    assert strength.p == pytest.approx(2 * 64 / 1000)
    assert strength.sureness == 1.0
    for _ in range(4):
        strength.update(unsure)
    assert strength.p == pytest.approx(64 / 1000)
    for _ in range(40):
        strength.update(unsure)
    assert strength.p == 0.0
    for _ in range(400):
        strength.update(sure)
    assert strength.p == LIMIT


def test_strength_goes_on_where_it_was() -> None:
    one, other = AugmentStrength(images=500.0), AugmentStrength(images=500.0)
    for _ in range(6):
        one.update(torch.ones(8))
    other.restore(one.state())
    for _ in range(2):
        one.update(torch.ones(8))
        other.update(torch.ones(8))
    assert one == other
    assert one.p > 0
