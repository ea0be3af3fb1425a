"""First weights that draw: a generator laid out from toy drawings shows them before any training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from studio.backends.avatar.attributes import NONE, Attribute, AttributeTable, DrawingStyle
from studio.backends.avatar.dataset import FaceDataset
from studio.backends.avatar.engine.layers import Patterns
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.backends.avatar.engine.training import train, warm_start
from studio.backends.avatar.engine.training.batches import BatchSampler, premultiplied
from studio.backends.avatar.requests import AvatarTrainRequest
from studio.jobs.job import Cancelled, Progress

SIDE = 32


@pytest.fixture(scope="module")
def drawings() -> BatchSampler:
    """Two styles: a square in one of four corners and of any of three colours; a bar at one of three heights."""
    colours = ("#ff0000", "#00ff00", "#0000ff")
    corner = Attribute("corner", False, ("a", "b", "c", "d"), (1, 1, 1, 1))
    colour = Attribute("colour", True, colours, (1, 1, 1))
    height = Attribute("height", False, ("low", "middle", "high"), (1, 1, 1))
    table = AttributeTable((DrawingStyle("squares", 12, (corner, colour)), DrawingStyle("bars", 3, (height,))))
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
    return BatchSampler(
        FaceDataset(
            np.stack([pixels[i] for i in rows]),
            table,
            np.stack([conditions[i] for i in rows]),
            np.array([styles[i] for i in rows], np.int64),
        ),
        seed=0,
    )


def network(drawings: BatchSampler, w_dim: int = 32, constant: int = 48, patterns: tuple[int, ...] = ()) -> Generator:
    torch.manual_seed(0)
    assert drawings.table is not None
    shape = GeneratorShape(
        channels=(16, 8), constant=constant, first=1, start=16, z_dim=4, w_dim=w_dim,
        c_dim=drawings.table.c_dim, layers=2, classes=2, mapping_lr=1.0, patterns=patterns,
    )  # fmt: skip
    return Generator(shape)


def far(network: Generator, drawings: BatchSampler) -> float:
    assert drawings.c is not None
    with torch.inference_mode():
        ws = network.broadcast(network.mapping(torch.randn(len(drawings.c), 4), drawings.c))
        made = network.synthesis(ws, "none", size=16)
    return float((made - F.avg_pool2d(premultiplied(drawings.pixels), 2)).abs().mean())


def test_draws_before_any_training(drawings: BatchSampler) -> None:
    made = network(drawings)
    before = far(made, drawings)
    warm_start.init_from_drawings(made, drawings)
    average = premultiplied(drawings.pixels)
    plain = float((F.avg_pool2d(average - average.mean(dim=0), 2)).abs().mean())
    assert far(made, drawings) < 0.7 * plain < before


def test_the_strongest_patterns_come_first_and_are_repeated_where_there_are_too_few(drawings: BatchSampler) -> None:
    few, many = warm_start.fit_patterns(drawings, 16, 8), warm_start.fit_patterns(drawings, 16, 400)
    assert torch.equal(few.of, many.of[:8])
    assert torch.allclose(few.what, many.what[:, :8])
    assert many.where.shape == (400, 256)
    assert set(many.of.tolist()) <= set(range(drawings.c.shape[1]))  # type: ignore[union-attr]


def test_patterns_add_up_to_the_least_squares_picture(drawings: BatchSampler) -> None:
    assert drawings.c is not None
    pairs = warm_start.fit_patterns(drawings, 16, 150)
    cells = torch.einsum("dk,ks,nk->nds", pairs.what, pairs.where, drawings.c[:, pairs.of])
    rows = torch.nonzero(drawings.style == 1)[:, 0]  # type: ignore[arg-type]
    truth = F.pixel_unshuffle(premultiplied(drawings.pixels[rows]), 2).flatten(2)
    assert float((cells[rows] - truth).abs().mean()) < 0.2  # ridge regression pulls a little towards zero


def test_drawings_with_nothing_to_tell_make_weights_that_can_learn() -> None:
    plain = striped(rare=0)
    made = network(plain)
    warm_start.init_from_drawings(made, plain)
    assert all(torch.isfinite(tensor).all() for tensor in made.state_dict().values())


def test_needs_room_in_w(drawings: BatchSampler) -> None:
    with pytest.raises(ValueError, match="the condition needs"):
        warm_start.init_from_drawings(network(drawings, w_dim=8), drawings)


def test_the_edge_and_what_attributes_draw_count_most(drawings: BatchSampler) -> None:
    assert drawings.weights is not None
    squares = drawings.weights[0, 0]
    assert float(squares.mean()) == pytest.approx(1, abs=1e-5)
    rim = torch.cat([squares[0], squares[-1], squares[:, 0], squares[:, -1]])
    assert float(rim.min()) > 2 * float(squares[14:18, 14:18].max()), "no square reaches the middle"
    assert float(squares[4:12, 4:12].mean()) > 2 * float(squares[14:18, 14:18].max())


def striped(rare: int = 6) -> BatchSampler:
    """Grey squares, some of them with a line a pixel thin: red, or blue and elsewhere."""
    line = Attribute("line", False, ("red", "blue"), (rare, rare), 60)
    tone = Attribute("tone", False, ("dark", "light"), (30, 42))
    table = AttributeTable((DrawingStyle("lined", 72, (tone, line)),))
    pictures, conditions = [], []
    for i in range(60 + 2 * rare):
        picks = [i % 2, NONE if i < 60 else i % 2]
        picture = np.full((SIDE, SIDE, 4), 255, np.uint8)
        picture[..., :3] = 90 + 60 * picks[0]
        if picks[1] != NONE:
            picture[9 if picks[1] == 0 else 22, 4:28, :3] = (255, 0, 0) if picks[1] == 0 else (0, 0, 255)
        pictures.append(picture)
        conditions.append(table.vector(0, picks))
    return BatchSampler(
        FaceDataset(np.stack(pictures), table, np.stack(conditions), np.zeros(len(pictures), np.int64)), seed=1
    )


def test_what_is_not_drawn_yet_becomes_patterns_that_change_nothing_until_they_are_learnt() -> None:
    drawings = striped()
    made = network(drawings, patterns=(10,))
    warm_start.init_from_drawings(made, drawings)
    ws = made.broadcast(made.mapping(torch.zeros(len(drawings.pixels), 4), drawings.c))
    with torch.no_grad():
        before = made.synthesis(ws, "none")
    other = network(drawings, patterns=(10,))
    other.load_state_dict(made.state_dict())
    warm_start.add_patterns([made, other], drawings)
    with torch.no_grad():
        assert torch.equal(made.synthesis(ws, "none"), before)
    laid = made.synthesis.get_submodule("b32.conv1.patterns")
    assert isinstance(laid, Patterns)
    assert torch.equal(laid.maps, other.synthesis.state_dict()["b32.conv1.patterns.maps"])
    rows = laid.maps.detach().square().mean(dim=2).argmax(dim=1)
    assert {9, 22} <= set(rows.tolist()), "the thin lines are what is missing"
    # How much of a line is drawn follows the drawings that have one.
    strength = laid.affine(ws[:, 0]).detach()
    for row, value in ((9, 0), (22, 1)):
        k = rows.tolist().index(row)
        wears = drawings.c[:, 3 + value] == 1  # type: ignore[index]
        assert float(strength[wears, k].mean()) > 0.5 > 5 * float(strength[~wears, k].abs().mean())


def test_patterns_draw_thin_things_within_a_few_steps() -> None:
    drawings = striped()
    torch.manual_seed(0)
    shown = slice(48, None)  # as many with a line as without
    real = premultiplied(drawings.pixels)[shown]

    def missed(patterns: int, steps: int = 80) -> float:
        made = network(drawings, patterns=(patterns,))
        warm_start.init_from_drawings(made, drawings)
        if patterns:
            warm_start.add_patterns([made], drawings)
        block = made.synthesis.get_submodule("b32")
        adam = torch.optim.Adam(block.parameters(), lr=0.03)
        ws = made.broadcast(made.mapping(torch.zeros(len(drawings.pixels), 4), drawings.c)).detach()[shown]
        for _ in range(steps):
            adam.zero_grad()
            (made.synthesis(ws, "none") - real).abs().mean().backward()
            adam.step()
        with torch.no_grad():
            return float((made.synthesis(ws, "none") - real)[12:, :, [9, 22]].abs().mean())

    with_them, without = missed(10), missed(0)
    assert with_them < 0.6 * without


def test_a_training_lays_patterns_in_when_it_comes_to_pictures_of_full_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "CHANNELS", {4 * 2**i: 8 for i in range(7)})
    drawings = striped()
    assert drawings.c is not None
    assert drawings.style is not None
    parts = (drawings.pixels, drawings.c, drawings.style)
    pixels, conditions, style = (part.numpy() for part in parts)
    pictures = FaceDataset(pixels, drawings.table, conditions, style)
    run = train.RegressionTrainer(AvatarTrainRequest(out=str(tmp_path), size=SIDE), pictures, None)
    heard: list[int] = []
    stopped = [True]

    def report(progress: Progress) -> None:
        if stopped.pop() if stopped else False:
            raise Cancelled
        heard.append(progress.done)

    run.report = report
    for fraction, laid in ((0.0, False), (0.3, False), (0.34, False), (0.35, True), (0.5, True)):
        run.regression_step(fraction)
        run.average(0)
        assert [warm_start.has_patterns(one) for one in (run.g, run.ema)] == [laid, laid]
    assert heard == [0, 64], "who waits is told"
    kept = {name: tensor.clone() for name, tensor in run.g.state_dict().items()}
    again = train.RegressionTrainer(AvatarTrainRequest(out=str(tmp_path), size=SIDE), pictures, None)
    again.restore(run.state())
    assert all(torch.equal(kept[name], tensor) for name, tensor in again.g.state_dict().items())
    again.report = lambda progress: heard.clear()
    again.regression_step(0.6)
    assert heard, "patterns that were learnt are not laid again"
