"""What a training learns from: rare things oftener, and where in the picture they show."""

from __future__ import annotations

import numpy as np
import torch

from studio.backends.avatar.attributes import NONE, Attribute, AttributeTable, DrawingStyle
from studio.backends.avatar.dataset import FaceDataset
from studio.backends.avatar.engine.training.batches import HEAVIER, OFTENER, BatchSampler, picture_loss

SIDE, MANY, FEW = 32, 196, 4


def drawings(held_out: bool = False) -> BatchSampler:
    """Squares of two sizes, equally many; four of two hundred wear a bar; and as many plain discs of another style."""
    parts = (Attribute("size", False, ("small", "large"), (100, 100)), Attribute("bar", False, ("bar",), (FEW,), MANY))
    table = AttributeTable((DrawingStyle("squares", 200, parts), DrawingStyle("discs", 200, ())))
    rng = np.random.default_rng(0)
    pictures, conditions, styles = [], [], []
    for which in range(200):
        picture = np.zeros((SIDE, SIDE, 4), np.uint8)
        half = 4 + 2 * (which % 2)
        picture[16 - half : 16 + half, 16 - half : 16 + half] = (*rng.integers(190, 255, 3), 255)
        if which < FEW:
            picture[26:28, 8:24] = (0, 0, 0, 255)
        pictures.append(picture)
        conditions.append(table.vector(0, [which % 2, 0 if which < FEW else NONE]))
        styles.append(0)
    for _ in range(200):
        pictures.append(np.full((SIDE, SIDE, 4), 128, np.uint8))
        conditions.append(table.vector(1, []))
        styles.append(1)
    kept = np.zeros(400, bool)
    kept[FEW:200] = held_out
    return BatchSampler(
        FaceDataset(np.stack(pictures), table, np.stack(conditions), np.array(styles, np.int64), kept), seed=3
    )


def test_what_is_rare_is_learnt_from_oftener_and_styles_as_often_as_before() -> None:
    learnt = drawings()
    _, c, _ = learnt.batch(4000)
    assert c is not None
    squares, bars = float(c[:, 0].mean()), float(c[c[:, 0] == 1][:, 4].mean())
    assert 0.46 < squares < 0.54
    share = FEW * OFTENER / (FEW * OFTENER + MANY)
    assert share - 0.025 < bars < share + 0.025
    assert share > 3.5 * FEW / (FEW + MANY)


def test_a_rare_thing_counts_more_where_it_shows_and_only_in_the_drawings_that_have_it() -> None:
    learnt = drawings()
    _, c, weights = learnt.batch(400)
    assert c is not None
    assert weights is not None
    squares = c[:, 0] == 1
    wearing = squares & (c[:, 4] == 1)
    plain = squares & ~wearing
    assert wearing.any()
    there, elsewhere = (slice(26, 28), slice(10, 22)), (slice(2, 6), slice(2, 30))
    bar, usual = weights[wearing][:, 0], weights[plain][:, 0]
    assert torch.allclose(usual, usual[0].expand_as(usual)), "drawings without it weigh alike"
    assert float(bar[:, *there].mean()) > 1.4 * float(usual[:, *there].mean())
    assert torch.allclose(bar[:, *elsewhere], usual[:1, *elsewhere], rtol=0.05)
    # Both attributes show: a thing that few have is no less seen than one that all have.
    assert float(usual[0, *there].mean()) > 2 * float(usual[0, *elsewhere].mean())
    assert torch.allclose(learnt.weights.mean(dim=(1, 2, 3)), torch.ones(2))
    assert float(bar.max()) <= HEAVIER * float(learnt.weights.max()) + 1e-4


def test_the_same_mistake_costs_more_where_more_depends_on_it() -> None:
    learnt = drawings()
    real, c, weights = learnt.batch(64)
    assert c is not None
    assert weights is not None
    wearing = torch.nonzero(c[:, 4] == 1)[:, 0]
    some = wearing[:1]
    off = torch.zeros_like(real[some])
    off[:, :, 26:28, 10:22] = 0.5
    elsewhere = off.roll(-20, dims=2)
    losses = [picture_loss(real[some] + one, real[some], weights[some]) for one in (off, elsewhere)]
    assert losses[0] > 2 * losses[1]


def test_drawings_without_attributes_and_values_that_nobody_has_are_no_trouble() -> None:
    learnt = drawings(held_out=True)  # all that is left of the squares wears a bar
    real, c, weights = learnt.batch(64)
    assert real.shape == (64, 4, SIDE, SIDE)
    assert c is not None
    assert weights is not None
    assert torch.isfinite(weights).all()
    plain = BatchSampler(FaceDataset(np.zeros((16, SIDE, SIDE, 4), np.uint8)), seed=0)
    assert plain.batch(3)[1:] == (None, None)
