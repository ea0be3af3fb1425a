"""Training an avatar model on a plain folder at toy size: the terms of the loss, stop and resume, explosions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from safetensors.torch import load_file

from studio.backends import families
from studio.backends.avatar.dataset import FaceDataset, read
from studio.backends.avatar.engine import files
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.backends.avatar.engine.training import adversarial, train
from studio.backends.avatar.engine.training.adversarial import GanTrainer, batch_for, path_lengths, path_weight
from studio.backends.avatar.engine.training.train import AvatarTrainer, shape_for
from studio.backends.avatar.requests import AvatarRequest, AvatarTrainRequest
from studio.backends.engine import training
from studio.errors import BadInput, StudioError
from studio.jobs import training_runs
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Image, Weights
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources

SIZE = 16


def quiet(_progress: Progress) -> None:
    pass


class Killed(BaseException):
    """The process is gone: nothing hears of it."""


class Stop:
    """Raises at the report of a step; keeps what it heard."""

    def __init__(self, step: int, error: type[BaseException] = Cancelled) -> None:
        self.step, self.error = step, error
        self.heard: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.heard.append(progress)
        if progress.values.get("step", -1) >= self.step:
            raise self.error


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "CHANNELS", {4 * 2**i: 8 for i in range(7)})
    monkeypatch.setattr(adversarial, "AVERAGED", 64)
    monkeypatch.setattr(adversarial, "batch_for", lambda size: 4)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Discs of several colours on clear ground."""
    folder = tmp_path / "discs"
    folder.mkdir()
    yy, xx = np.mgrid[:24, :24] - 11.5
    rng = np.random.default_rng(0)
    for i in range(24):
        pixels = np.zeros((24, 24, 4), np.uint8)
        pixels[xx**2 + yy**2 < 30 + 4 * i] = (*rng.integers(0, 256, 3), 255)
        Picture.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def asked(tmp_path: Path, data: Path) -> Callable[..., AvatarTrainRequest]:
    def make(**changes: Any) -> AvatarTrainRequest:
        given = {"data": str(data), "out": str(tmp_path / "out"), "minutes": 60, "size": SIZE, "seed": 3}
        return AvatarTrainRequest(**{**given, **changes})

    return make


def stopped(request: AvatarTrainRequest, step: int) -> Path:
    """Train to a step, stop and keep; the folder of the model."""
    with pytest.raises(Cancelled) as caught:
        AvatarTrainer().run(request, Stop(step))
    (weights,) = caught.value.payloads
    assert isinstance(weights, Weights)
    return weights.folder


def same(one: Path, other: Path) -> None:
    first, second = load_file(one / files.WEIGHTS), load_file(other / files.WEIGHTS)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], rtol=0, atol=0, msg=name)


def player(request: AvatarTrainRequest) -> GanTrainer:
    made = GanTrainer(request, read(Path(request.data), SIZE), None, shape_for(SIZE, None))
    made.training = training.TrainingLoop(
        request, quiet, state=made.state, restore=made.restore, preview=made.preview, export=made.export
    )
    return made


def test_path_lengths_are_those_of_the_jacobian() -> None:
    torch.manual_seed(1)
    network = Generator(GeneratorShape(channels=(4, 4), z_dim=4, w_dim=6, layers=2)).double()
    w = network.mapping(torch.randn(3, 4, dtype=torch.float64)).detach().requires_grad_()

    def draw(each: torch.Tensor) -> torch.Tensor:
        return network.synthesis(network.broadcast(each[None]), "none")[0]

    pictures = network.synthesis(network.broadcast(w), "none")
    lengths = path_lengths(pictures, w, torch.Generator().manual_seed(7))
    y = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(7)).double()
    for i in range(3):
        jacobian = torch.autograd.functional.jacobian(draw, w[i].detach())  # [4, 8, 8, 6]
        direct = torch.einsum("chwk,chw->k", jacobian, y[i]).norm()
        assert lengths[i].item() == pytest.approx(direct.item(), rel=1e-6)


def test_path_regularisation_evens_the_lengths_out(asked: Callable[..., AvatarTrainRequest]) -> None:
    one = player(asked())
    first = one._path_length_step()
    assert one.path_mean == pytest.approx(0.01 * one.last["path"])
    first.backward()
    slopes = [p.grad for p in one.g.parameters() if p.grad is not None]
    assert any(bool((slope != 0).any()) for slope in slopes)
    assert path_weight(1024) == pytest.approx(np.log(2) / (1024**2 * (np.log(1024) - np.log(2))))


def test_r1_is_half_gamma_times_the_squared_slope(asked: Callable[..., AvatarTrainRequest]) -> None:
    one = player(asked(augment="none", gamma=4.0))
    real = one._real(4)
    one.random.manual_seed(9)
    losses = one._discriminator_step(0, real * 0.5, 0.0)
    assert np.isfinite(losses)
    assert one.gamma == 4.0
    before = one.last["r1"]
    one._discriminator_step(1, real * 0.5, 0.0)
    assert one.last["r1"] == before, "it is looked at on every sixteenth step only"


def test_layers_are_mixed_from_two_latents(asked: Callable[..., AvatarTrainRequest]) -> None:
    one = player(asked())
    ws = one._ws(400)
    mixed = (ws[:, 0] != ws[:, -1]).any(dim=1).float().mean()
    assert float(mixed) == pytest.approx(adversarial.MIXED, abs=0.06)
    cuts = (ws == ws[:, :1]).all(dim=2).sum(dim=1)
    assert set(cuts.tolist()) == set(range(1, one.g.shape.num_ws + 1))


def test_the_average_forgets_half_after_its_half_life(asked: Callable[..., AvatarTrainRequest]) -> None:
    one = player(asked())
    one.images = 10**9
    one.batch = int(adversarial.HALF_LIFE)
    with torch.no_grad():
        for mean, new in zip(one.ema.parameters(), one.g.parameters(), strict=True):
            mean.zero_()
            new.fill_(1.0)
    one._average()
    assert all(torch.allclose(mean, torch.tensor(0.5)) for mean in one.ema.parameters())
    one.images = 0
    one._average()
    assert all(torch.equal(mean, torch.ones_like(mean)) for mean in one.ema.parameters()), "at first it only follows"


def test_pictures_are_mirrored_only_where_asked(asked: Callable[..., AvatarTrainRequest]) -> None:
    half = np.zeros((8, SIZE, SIZE, 4), np.uint8)
    half[:, :, :8] = 255
    plain, both = (
        GanTrainer(asked(mirror=mirror), FaceDataset(half), None, shape_for(SIZE, None))._real(64)
        for mirror in (False, True)
    )
    assert (plain[:, 3, :, 0] == 1).all()
    share = (both[:, 3, 0, 0] == 1).float().mean()
    assert 0.3 < share < 0.7


def test_augmentation_rises_where_a_small_set_is_known_by_heart(asked: Callable[..., AvatarTrainRequest]) -> None:
    one = player(asked(gamma=1e-3))
    one.strength.images = 400.0
    one.g.requires_grad_(False)
    for step in range(1, 41):
        one._discriminator_step(
            step, one.g.synthesis(one._ws(4), "none").detach(), 0.0
        )  # a generator that never learns
    assert one.strength.sureness > 0.6
    assert one.strength.p > 0.2


def test_stopping_anywhere_and_resuming_gives_the_same_weights(
    asked: Callable[..., AvatarTrainRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversarial, "R1_EVERY", 4)
    monkeypatch.setattr(adversarial, "PATH_EVERY", 4)
    whole = stopped(asked(out=str(tmp_path / "whole")), 9)
    for stop in (3, 8):
        out = str(tmp_path / f"stop-{stop}")
        stopped(asked(out=out), stop)
        same(whole, stopped(asked(out=out, resume=True), 9))


def test_a_kill_at_any_step_costs_only_what_came_after_the_checkpoint(
    asked: Callable[..., AvatarTrainRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "FIRST_SAVE", 0.0)
    whole = stopped(asked(out=str(tmp_path / "whole")), 7)
    rng = np.random.default_rng(4)
    out = asked(out=str(tmp_path / "killed"))
    at = 0
    for round in range(2):
        at += int(rng.integers(1, 4))
        with pytest.raises(Killed):
            AvatarTrainer().run(out.replace(resume=round > 0), Stop(at, Killed))
    same(whole, stopped(out.replace(resume=True), 7))
    steps = [line.step for line in training_runs.read_log(tmp_path / "killed")[0] if line.values]
    assert steps == sorted(set(steps)), "what a kill undid is not in the log twice"


def test_a_kill_while_saving_leaves_the_checkpoint_before(
    asked: Callable[..., AvatarTrainRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stopped(asked(out=str(tmp_path / "whole")), 6)
    stopped(asked(), 3)
    real = torch.save

    def torn(whole: Any, file: Any) -> None:
        Path(file).write_bytes(b"half of")
        raise Killed

    monkeypatch.setattr(training.torch, "save", torn)
    with pytest.raises(Killed):
        AvatarTrainer().run(asked(resume=True), Stop(5))
    monkeypatch.setattr(training.torch, "save", real)
    same(whole, stopped(asked(resume=True), 6))


def test_a_disk_that_is_full_when_a_training_begins_costs_nothing_that_was_learnt(
    asked: Callable[..., AvatarTrainRequest], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "torn.png").write_bytes(b"no picture")
    whole = stopped(asked(out=str(tmp_path / "whole")), 6)
    stopped(asked(), 3)
    real = Path.write_bytes

    def full(path: Path, written: bytes) -> int:
        if "skipped" in path.name:
            raise OSError(28, "No space left on device")
        return real(path, written)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StudioError, match=r"skipped\.txt could not be written: No space left on device"):
        AvatarTrainer().run(asked(resume=True), Stop(5))
    monkeypatch.setattr(Path, "write_bytes", real)
    same(whole, stopped(asked(resume=True), 6))


def test_another_seed_goes_on_another_way(asked: Callable[..., AvatarTrainRequest], tmp_path: Path) -> None:
    for name in ("one", "other"):
        stopped(asked(out=str(tmp_path / name)), 3)
    one = stopped(asked(out=str(tmp_path / "one"), resume=True), 5)
    other = stopped(asked(out=str(tmp_path / "other"), resume=True, seed=4), 5)
    with pytest.raises(AssertionError):
        same(one, other)


def test_an_explosion_stops_with_words_and_keeps_the_last_good_state(
    asked: Callable[..., AvatarTrainRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = stopped(asked(), 4)
    kept = load_file(good / files.WEIGHTS)
    real = GanTrainer._ws

    def bursting(self: GanTrainer, n: int) -> torch.Tensor:
        ws = real(self, n)
        return ws * float("nan") if self.images > 7 * self.batch else ws

    monkeypatch.setattr(GanTrainer, "_ws", bursting)
    words = r"lost its way at step \d+: the generator's loss .* step 4 is kept"
    with pytest.raises(StudioError, match=words) as caught:
        AvatarTrainer().run(asked(resume=True), quiet)
    assert "another seed" in caught.value.hint
    for name, tensor in load_file(good / files.WEIGHTS).items():
        torch.testing.assert_close(tensor, kept[name], rtol=0, atol=0)
    monkeypatch.undo()
    whole = torch.load(good.parent / training_runs.CHECKPOINT, weights_only=True)
    assert whole["step"] == 4


def test_an_explosion_at_once_says_that_nothing_is_kept(
    asked: Callable[..., AvatarTrainRequest], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(adversarial, "HUGE", 0.0)
    with pytest.raises(StudioError, match="at step 0") as caught:
        AvatarTrainer().run(asked(), quiet)
    assert "Begin anew" in caught.value.hint
    assert not (tmp_path / "out" / training_runs.MODEL).exists()


def test_weights_that_are_no_numbers_are_never_saved(asked: Callable[..., AvatarTrainRequest]) -> None:
    stopped(asked(), 2)
    one = player(asked(resume=True))
    with torch.no_grad():
        next(one.d.parameters())[0] = float("inf")
    with pytest.raises(StudioError, match="a weight"):
        one.training.save()
    assert bool(torch.isfinite(next(one.d.parameters())).all()), "back at the last good state"


def test_the_model_comes_with_card_and_sheet(asked: Callable[..., AvatarTrainRequest], tmp_path: Path) -> None:
    folder = stopped(asked(title="Discs"), 3)
    catalog = Catalog(tmp_path / "none", tmp_path / "own", families())
    model = catalog.import_(folder, "avatar")
    assert (model.title, model.licence, model.native) == ("Discs", "own", (SIZE, SIZE))
    card = (model.folder / "card.md").read_text()
    assert card.startswith("# Discs")
    assert "Licence: own" in card
    with Picture.open(model.folder / "sheet.png") as sheet:
        assert sheet.size == (8 * SIZE, 8 * SIZE)
    engine = AvatarEngine()
    engine.load(Resources(model), quiet)
    (image,) = engine.run(AvatarRequest(seed=5, size="native"), quiet)
    assert isinstance(image, Image)
    assert image.pixels.shape == (SIZE, SIZE, 4)
    engine.close()


def test_measurements_and_previews_can_be_followed(
    asked: Callable[..., AvatarTrainRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "PREVIEW_SPACING", 0)
    real = training.TrainingLoop.__init__

    def eager(self: training.TrainingLoop, *args: Any, **how: Any) -> None:
        real(self, *args, **{**how, "preview_seconds": 0.0})

    monkeypatch.setattr(training.TrainingLoop, "__init__", eager)
    stop = Stop(3)
    with pytest.raises(Cancelled):
        AvatarTrainer().run(asked(), stop)
    last = stop.heard[-1]
    assert isinstance(last.preview, Image)
    assert {"generator", "critic", "p", "sureness", "r1", "path"} <= set(last.values)
    line = training_runs.read_log(tmp_path / "out")[0][-1]
    assert {"generator", "critic", "p"} <= set(line.values)
    with Picture.open(tmp_path / "out" / training_runs.PREVIEW) as preview:
        assert preview.size == (8 * SIZE, 4 * SIZE)


def test_learning_makes_pictures_more_like_the_set(asked: Callable[..., AvatarTrainRequest]) -> None:
    one = player(asked(rate=0.01, augment="none"))
    real = (one._real(64)[:, 3] + 1) / 2

    def far() -> float:
        with torch.no_grad():
            made = (one.ema(one.show_z, noise="none")[:, 3] + 1) / 2
        return float((made.mean(dim=0) - real.mean(dim=0)).abs().mean())

    before = far()
    for step in range(50):
        one.train_step(step)
    assert far() < 0.6 * before


def grown(tmp_path: Path, **shape: Any) -> Model:
    torch.manual_seed(2)
    folder = tmp_path / "start"
    folder.mkdir()
    network = Generator(GeneratorShape(**{"channels": (8, 8, 8), "z_dim": 6, "w_dim": 12, "layers": 2, **shape}))
    files.write(network, folder, None)
    return Model("start", "avatar", "stylegan2", "Start", "cc-by-4.0", folder, credits="Somebody")


@pytest.mark.parametrize("shape", [{}, {"planes": 3}, {"c_dim": 5}, {"start": 8, "channels": (8, 8)}])
def test_a_training_goes_on_from_a_model(
    asked: Callable[..., AvatarTrainRequest], tmp_path: Path, shape: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adversarial, "HEAD_START", 2)
    start = grown(tmp_path, **shape)
    trainer = AvatarTrainer()
    trainer.load(Resources(start), quiet)
    with pytest.raises(Cancelled):
        trainer.run(asked(), Stop(2))
    before = load_file(start.folder / files.WEIGHTS)
    early = load_file(tmp_path / "out" / "model" / files.WEIGHTS)
    name = "synthesis.b16.conv1.weight"
    torch.testing.assert_close(early[name], before[name], rtol=0, atol=0, msg="the critic learns first")
    with pytest.raises(Cancelled):
        trainer.run(asked(resume=True), Stop(6))
    after = load_file(tmp_path / "out" / "model" / files.WEIGHTS)
    assert after.keys() == before.keys()
    assert (after[name] != before[name]).any()
    said = Catalog(tmp_path / "none", tmp_path / "own", families()).import_(tmp_path / "out" / "model", "avatar")
    assert (said.licence, said.credits) == ("cc-by-4.0", "Somebody")


def test_a_model_of_another_size_is_refused(asked: Callable[..., AvatarTrainRequest], tmp_path: Path) -> None:
    trainer = AvatarTrainer()
    trainer.load(Resources(grown(tmp_path, channels=(8, 8))), quiet)
    with pytest.raises(BadInput, match="draws 8 px, and the training is for 16 px"):
        trainer.run(asked(), quiet)


def test_an_imported_network_keeps_its_own_way_of_drawing_latents(
    asked: Callable[..., AvatarTrainRequest], tmp_path: Path
) -> None:
    start = grown(tmp_path)
    path = start.folder / files.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), "z": "randomstate"}))
    trainer = AvatarTrainer()
    trainer.load(Resources(start), quiet)
    with pytest.raises(Cancelled):
        trainer.run(asked(), Stop(1))
    assert files.read_config(tmp_path / "out" / "model").z == "randomstate"


def test_steps_stay_short_on_a_processor() -> None:
    assert batch_for(128) < batch_for(64) == 16
