"""First weights that draw: a generator laid out from toy drawings shows them before any training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from studio.backends.avatar import dictionary
from studio.backends.avatar.attributes import Attribute, Style, Table
from studio.backends.avatar.data import Pictures
from studio.backends.avatar.lessons import Drawings, premultiplied
from studio.backends.avatar.network import Generator, Shape

SIDE = 32


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    """Two styles: a square in one of four corners and of any of three colours; a bar at one of three heights."""
    colours = ("#ff0000", "#00ff00", "#0000ff")
    corner = Attribute("corner", False, ("a", "b", "c", "d"), (1, 1, 1, 1))
    colour = Attribute("colour", True, colours, (1, 1, 1))
    height = Attribute("height", False, ("low", "middle", "high"), (1, 1, 1))
    table = Table((Style("squares", 12, (corner, colour)), Style("bars", 3, (height,))))
    pixels, conditions, styles = [], [], []
    for which in range(4):
        for shade in range(3):
            picture = np.zeros((SIDE, SIDE, 4), np.uint8)
            top, left = which // 2 * 16, which % 2 * 16
            picture[top + 4 : top + 12, left + 4 : left + 12] = (*bytes.fromhex(colours[shade][1:]), 255)
            pixels.append(picture)
            conditions.append(table.vector(0, [which, shade]))
            styles.append(0)
    for which in range(3):
        picture = np.zeros((SIDE, SIDE, 4), np.uint8)
        picture[which * 8 + 4 : which * 8 + 8] = 255
        pixels.append(picture)
        conditions.append(table.vector(1, [which]))
        styles.append(1)
    rows = list(range(len(pixels))) * 4
    return Drawings(
        Pictures(
            np.stack([pixels[i] for i in rows]),
            table,
            np.stack([conditions[i] for i in rows]),
            np.array([styles[i] for i in rows], np.int64),
        ),
        seed=0,
    )


def network(drawings: Drawings, w_dim: int = 32, constant: int = 48) -> Generator:
    torch.manual_seed(0)
    assert drawings.table is not None
    shape = Shape(
        channels=(16, 8), constant=constant, first=1, start=16, z_dim=4, w_dim=w_dim,
        c_dim=drawings.table.c_dim, layers=2, classes=2, mapping_lr=1.0,
    )  # fmt: skip
    return Generator(shape)


def far(network: Generator, drawings: Drawings) -> float:
    assert drawings.c is not None
    with torch.inference_mode():
        ws = network.broadcast(network.mapping(torch.randn(len(drawings.c), 4), drawings.c))
        made = network.synthesis(ws, "none", size=16)
    return float((made - F.avg_pool2d(premultiplied(drawings.pixels), 2)).abs().mean())


def test_draws_before_any_training(drawings: Drawings) -> None:
    made = network(drawings)
    before = far(made, drawings)
    dictionary.lay_out(made, drawings)
    average = premultiplied(drawings.pixels)
    plain = float((F.avg_pool2d(average - average.mean(dim=0), 2)).abs().mean())
    assert far(made, drawings) < 0.7 * plain < before


def test_the_strongest_patterns_come_first_and_are_repeated_where_there_are_too_few(drawings: Drawings) -> None:
    few, many = dictionary.fitted(drawings, 16, 8), dictionary.fitted(drawings, 16, 400)
    assert torch.equal(few.of, many.of[:8])
    assert torch.allclose(few.what, many.what[:, :8])
    assert many.where.shape == (400, 256)
    assert set(many.of.tolist()) <= set(range(drawings.c.shape[1]))  # type: ignore[union-attr]


def test_patterns_add_up_to_the_least_squares_picture(drawings: Drawings) -> None:
    assert drawings.c is not None
    pairs = dictionary.fitted(drawings, 16, 150)
    cells = torch.einsum("dk,ks,nk->nds", pairs.what, pairs.where, drawings.c[:, pairs.of])
    rows = torch.nonzero(drawings.style == 1)[:, 0]  # type: ignore[arg-type]
    truth = F.pixel_unshuffle(premultiplied(drawings.pixels[rows]), 2).flatten(2)
    assert float((cells[rows] - truth).abs().mean()) < 0.2  # ridge regression pulls a little towards zero


def test_needs_room_in_w(drawings: Drawings) -> None:
    with pytest.raises(ValueError, match="the condition needs"):
        dictionary.lay_out(network(drawings, w_dim=8), drawings)


def test_the_edge_and_what_attributes_draw_count_most(drawings: Drawings) -> None:
    assert drawings.weights is not None
    squares = drawings.weights[0, 0]
    assert float(squares.mean()) == pytest.approx(1, abs=1e-5)
    rim = torch.cat([squares[0], squares[-1], squares[:, 0], squares[:, -1]])
    assert float(rim.min()) > 2 * float(squares[14:18, 14:18].max()), "no square reaches the middle"
    assert float(squares[4:12, 4:12].mean()) > 2 * float(squares[14:18, 14:18].max())
