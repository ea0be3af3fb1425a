"""The ways a network draws faster where nothing is learnt: they change no picture, and notice changed weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from studio.backends.avatar.engine import layers
from studio.backends.avatar.engine.layers import (
    blur_filter,
    polyphase,
    polyphase_transpose,
    upsample,
    upsample_bilinear,
)
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.bench.engine import reference_synthesis


def made(first: int = 3) -> Generator:
    """A small network of the paper, or with `first` 1 one whose constant is a dictionary and that has patterns."""
    torch.manual_seed(2)
    more = {"constant": 20, "patterns": (5, 3)} if first == 1 else {}
    drawn = Generator(GeneratorShape((12, 8, 6), z_dim=4, w_dim=8, planes=3, clamp=256.0, first=first, **more)).eval()
    with torch.no_grad():
        for name, parameter in drawn.named_parameters():
            if name.endswith(("noise_strength", "bias", "patterns.maps", "patterns.weight")):
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return drawn


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (1, 1)])
def test_four_convolutions_are_the_transposed_one(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    x, weight = torch.randn(2, 5, *size), torch.randn(3, 5, 3, 3)
    expected = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    torch.testing.assert_close(polyphase_transpose(x, polyphase(weight)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (1, 1)])
def test_the_filter_enlarges_as_bilinear_interpolation_does(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    x = torch.randn(2, 3, *size)
    torch.testing.assert_close(upsample_bilinear(x), upsample(x, blur_filter()), atol=1e-6, rtol=0)


@pytest.mark.parametrize("wide", [0, 10**9])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kernel", [1, 3])
def test_drawing_and_learning_give_the_picture_of_the_paper(
    wide: int, layout: torch.memory_format, count: int, kernel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "WIDE", wide)
    drawn = made(kernel).to(memory_format=layout)  # type: ignore[call-overload]
    ws = torch.randn(count, drawn.shape.num_ws, 8)
    learnt = drawn.synthesis(ws)
    with torch.inference_mode():
        first, second = drawn.synthesis(ws), drawn.synthesis(ws)
        plain = reference_synthesis.synthesis(dict(drawn.state_dict()), drawn.shape, ws)
    assert torch.equal(first, second)  # nothing that a picture is made from was changed in place
    torch.testing.assert_close(first, learnt.detach(), atol=2e-5, rtol=0)
    torch.testing.assert_close(first, plain, atol=2e-5, rtol=0)


def test_patterns_are_drawn_as_strongly_as_w_says_each_at_its_place() -> None:
    torch.manual_seed(1)
    one = layers.Patterns(2, 3, 4, 8)
    x, w = torch.zeros(2, 3, 8, 8), torch.randn(2, 4)
    assert not one(x, w).any(), "nothing is drawn before maps are laid in"
    with torch.no_grad():
        one.maps[0, 2, 5], one.maps[1, 7, 0] = 1.0, 2.0
        one.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.0]]))
    drawn, styles = one(x, w), one.affine(w)
    gain = 2**0.5
    torch.testing.assert_close(drawn[:, 0, 2, 5], styles[:, 0] * gain)
    torch.testing.assert_close(drawn[:, 1, 7, 0], 2 * styles[:, 1] * gain)
    torch.testing.assert_close(drawn[:, 2, 2, 5], styles[:, 0] * gain / 2)
    assert int((drawn != 0).sum()) == 2 * 3


@pytest.mark.parametrize(
    "name",
    [*(f"conv0.{part}" for part in ("weight", "bias", "noise_strength", "resample_filter")), "conv1.patterns.maps"],
)
def test_changed_weights_are_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "WIDE", 0)
    kernel = 1 if "patterns" in name else 3
    drawn = made(kernel)
    ws = torch.randn(1, drawn.shape.num_ws, 8)
    with torch.no_grad():
        before = drawn.synthesis(ws)
        drawn.synthesis.state_dict()[f"b8.{name}"].mul_(-1)
        after = drawn.synthesis(ws)
        fresh = made(kernel)
        fresh.load_state_dict(drawn.state_dict())
        assert torch.equal(after, fresh.synthesis(ws))
    assert (after - before).abs().max() > 1e-3
