"""The ways a network draws faster where nothing is learnt: they change no picture, and notice changed weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from studio.backends.avatar import layers
from studio.backends.avatar.network import Generator, Shape
from studio.backends.avatar.resample import interleaved, phases
from studio.bench import plainly


def made() -> Generator:
    torch.manual_seed(2)
    drawn = Generator(Shape((12, 8, 6), z_dim=4, w_dim=8, planes=3, clamp=256.0)).eval()
    with torch.no_grad():
        for name, parameter in drawn.named_parameters():
            if name.endswith(("noise_strength", "bias")):
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return drawn


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (1, 1)])
def test_four_convolutions_are_the_transposed_one(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    x, weight = torch.randn(2, 5, *size), torch.randn(3, 5, 3, 3)
    expected = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    torch.testing.assert_close(interleaved(x, phases(weight)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("wide", [0, 10**9])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_drawing_and_learning_give_the_picture_of_the_paper(
    wide: int, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "WIDE", wide)
    drawn = made().to(memory_format=layout)  # type: ignore[call-overload]
    ws = torch.randn(3, drawn.shape.num_ws, 8)
    learnt = drawn.synthesis(ws)
    with torch.inference_mode():
        first, second = drawn.synthesis(ws), drawn.synthesis(ws)
        plain = plainly.synthesis(dict(drawn.state_dict()), drawn.shape, ws)
    assert torch.equal(first, second)  # nothing that a picture is made from was changed in place
    torch.testing.assert_close(first, learnt.detach(), atol=2e-5, rtol=0)
    torch.testing.assert_close(first, plain, atol=2e-5, rtol=0)


def test_changed_weights_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "WIDE", 0)
    drawn = made()
    ws = torch.randn(1, drawn.shape.num_ws, 8)
    with torch.no_grad():
        before = drawn.synthesis(ws)
        drawn.synthesis.get_parameter("b8.conv0.weight").mul_(-1)
        after = drawn.synthesis(ws)
        fresh = made()
        fresh.load_state_dict(drawn.state_dict())
        assert torch.equal(after, fresh.synthesis(ws))
    assert (after - before).abs().max() > 1e-3
