"""The avatar medium at toy size: the network against the official output, faces from seeds, two steps of learning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from studio.backends.avatar.attributes import NONE, AttributeTable
from studio.backends.avatar.engine import files
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.network import Generator, GeneratorShape, truncate
from studio.backends.avatar.engine.synthesis import enlarge_drawing
from studio.backends.avatar.engine.training import train
from studio.backends.avatar.engine.training.discriminator import Discriminator
from studio.backends.avatar.engine.training.train import AvatarTrainer
from studio.backends.avatar.families import ModelCapabilities, capabilities_of
from studio.backends.avatar.requests import MEDIUM, STYLES, AvatarRequest, AvatarTrainRequest
from studio.backends.avatar.slider_tracks import sample_attributes
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Image, Weights
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources

PARITY = Path(__file__).parents[1] / "parity" / "stylegan2-ada-64-conditional.safetensors"
TABLE = AttributeTable.from_json(
    {
        "styles": [
            {
                "name": "round",
                "count": 12,
                "attributes": [
                    {"name": "eyes", "kind": "part", "values": ["open", "shut"], "counts": [9, 3]},
                    {"name": "glasses", "kind": "part", "values": ["small"], "counts": [6], "none": 6},
                    {
                        "name": "glassesColor",
                        "kind": "colour",
                        "values": ["#ff0000", "#0000ff"],
                        "counts": [3, 3],
                        "none": 6,
                        "with": "glasses",
                    },
                ],
            },
            {
                "name": "square",
                "count": 12,
                "attributes": [{"name": "skin", "kind": "colour", "values": ["#804020", "#f0d0b0"], "counts": [6, 6]}],
            },
        ]
    }
)
SHAPE = GeneratorShape(channels=(8, 8, 8), z_dim=4, w_dim=16, c_dim=TABLE.c_dim, layers=2, classes=2)


def quiet(_progress: Progress) -> None:
    pass


@pytest.fixture
def toy(tmp_path: Path) -> Model:
    """A model of random weights whose styles have averages, and whose noise can be seen."""
    torch.manual_seed(5)
    network = Generator(SHAPE)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.5)
        network.mapping.w_avg_of.normal_()
    folder = tmp_path / "toy"
    folder.mkdir()
    files.write(network, folder, TABLE)
    return Model("toy", "avatar", "stylegan2", "Toy", "CC0", folder)


def made(model: Model, **asked: object) -> np.ndarray:
    engine = AvatarEngine()
    engine.load(Resources(model), quiet)
    (image,) = engine.run(AvatarRequest(**{"size": "native", **asked}), quiet)  # type: ignore[arg-type]
    engine.close()
    assert isinstance(image, Image)
    return image.pixels


def pack(folder: Path, size: int = 16, count: int = 24) -> Path:
    """Drawings as prepare.py leaves them: discs and squares."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    values = np.full((count, 4), NONE, np.int16)
    pictures = np.zeros((count, size, size, 4), np.uint8)
    style = np.arange(count, dtype=np.int16) % 2
    for i in range(count):
        picks = TABLE.draw(int(style[i]), rng)
        values[i, 3 * style[i] : 3 * style[i] + len(picks)] = picks
        pictures[i, 3:-3, 3:-3] = (200, 160, 40 + 100 * style[i], 255)
        if style[i] == 0 and picks[0] == 1:
            pictures[i, 6:8, 4:12, :3] = 0
    held_out = np.arange(count) % 8 == 7
    np.savez(folder / "drawings.npz", pictures=pictures, values=values, style=style, held_out=held_out)
    (folder / "attributes.json").write_text(json.dumps(TABLE.to_json()))
    return folder


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "CHANNELS", {4 * 2**i: 8 for i in range(7)})


class StopAfter:
    """Cancels at the first report of training step `step`; keeps what it heard."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.heard: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.heard.append(progress)
        if progress.values.get("step", -1) >= self.step:
            raise Cancelled


def test_official_weights_give_the_official_picture() -> None:
    with safe_open(PARITY, framework="pt") as file:
        about, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    said = json.loads(about["init_kwargs"])
    width = said["synthesis_kwargs"]["channel_max"]
    shape = GeneratorShape(
        channels=(width,) * 5,
        z_dim=said["z_dim"],
        w_dim=said["w_dim"],
        c_dim=said["c_dim"],
        layers=said["mapping_kwargs"]["num_layers"],
        planes=said["img_channels"],
    )
    network = Generator(shape)
    network.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith("expected.")})
    with torch.inference_mode():
        picture = network(tensors["expected.z"], tensors["expected.c"], psi=float(about["truncation_psi"]))
    expected = tensors["expected.image"]
    # Measured: 3e-7 of the range.
    assert (picture - expected).abs().max() < 5e-6 * (expected.max() - expected.min())


def test_one_seed_is_one_face_and_another_seed_another(toy: Model) -> None:
    first = made(toy, seed=7)
    assert first.shape == (16, 16, 4)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, made(toy, seed=7))
    assert (first != made(toy, seed=8)).any()


def test_asking_for_the_style_a_seed_draws_changes_nothing(toy: Model) -> None:
    config = files.read_config(toy.folder)
    assert config.table is not None
    own = config.styles[sample_attributes(config.table, "any", 3, SHAPE.z_dim)[0]]
    other = next(style for style in config.styles if style != own)
    np.testing.assert_array_equal(made(toy, seed=3), made(toy, seed=3, style=own))
    assert (made(toy, seed=3) != made(toy, seed=3, style=other)).any()


def test_psi_zero_is_the_average_of_the_style(toy: Model) -> None:
    flat = {"psi": 0.0, "noise": "none"}
    mean = made(toy, seed=1, style="round", **flat)
    np.testing.assert_array_equal(mean, made(toy, seed=2, style="round", **flat))
    assert (mean != made(toy, seed=1, style="square", **flat)).any()
    w, centre = torch.randn(3, 16), torch.randn(16)
    torch.testing.assert_close(truncate(w, centre, 0.0), centre.expand(3, 16))
    torch.testing.assert_close(truncate(w, centre, 0.5), (w + centre) / 2)


def test_noise_is_the_models_the_seeds_or_none(toy: Model) -> None:
    asked = {"style": "round", "psi": 0.0}
    const, none = made(toy, seed=1, noise="const", **asked), made(toy, seed=1, noise="none", **asked)
    first, second = made(toy, seed=1, noise="random", **asked), made(toy, seed=2, noise="random", **asked)
    np.testing.assert_array_equal(const, made(toy, seed=2, noise="const", **asked))
    np.testing.assert_array_equal(first, made(toy, seed=1, noise="random", **asked))
    assert (const != none).any()
    assert (first != second).any()


def test_a_model_says_whether_it_has_learnt_noise(toy: Model, tmp_path: Path) -> None:
    assert capabilities_of(toy).noise
    asked = AvatarRequest(noise="random")
    family = MEDIUM.family("stylegan2")
    assert family.ignored(asked, toy) is None
    silent = Model("silent", "avatar", "stylegan2", "Silent", "CC0", tmp_path / "silent")
    silent.folder.mkdir()
    files.write(Generator(SHAPE), silent.folder, TABLE)
    assert not capabilities_of(silent).noise
    assert capabilities_of(silent).styles == capabilities_of(toy).styles
    assert str(family.ignored(asked, silent)) == "Silent does not use noise, which changes nothing."
    assert family.ignored(AvatarRequest(), silent) is None
    same = {"seed": 1, "style": "round"}
    np.testing.assert_array_equal(made(silent, noise="random", **same), made(silent, noise="none", **same))


@pytest.mark.parametrize(("family", "noise"), [("stylegan2", True), ("stylegan3", False)])
def test_a_model_from_before_noise_was_written_down(tmp_path: Path, family: str, noise: bool) -> None:
    (tmp_path / files.CONFIG).write_text(json.dumps({"family": family, "shape": {"c_dim": 3}}), encoding="utf-8")
    assert capabilities_of(Model("old", "avatar", family, "Old", "CC0", tmp_path)) == ModelCapabilities(
        classes=3, noise=noise
    )


def test_large_is_the_same_picture_with_steeper_edges(toy: Model) -> None:
    assert made(toy, seed=1, size="large").shape == (512, 512, 4)
    edge = torch.full((1, 4, 16, 16), -1.0)
    edge[..., 8:] = 1.0
    large = enlarge_drawing(edge, 8)
    assert large.min() >= -1
    assert large.max() <= 1
    assert int((large[0, 0, 64].abs() < 0.99).sum()) <= 8, "no wider than one pixel of the original"
    torch.testing.assert_close(enlarge_drawing(torch.full((1, 4, 8, 8), 0.25), 4), torch.full((1, 4, 32, 32), 0.25))


def test_alpha_is_straight_and_hidden_colour_is_black() -> None:
    plane = torch.tensor([[-1.0, 0.0, 1.0]])
    picture = torch.stack([torch.stack([plane, plane * 0 - 1, plane, plane])])
    pixels = files.to_straight_alpha(picture)[0, 0]
    assert pixels[0].tolist() == [0, 0, 0, 0]
    assert abs(int(pixels[1, 3]) - 128) <= 1
    assert pixels[1, 0] == 255
    assert pixels[2].tolist() == [255, 0, 255, 255]


def test_draws_keep_to_the_table() -> None:
    rng = np.random.default_rng(0)
    draws = [TABLE.draw(0, rng) for _ in range(400)]
    assert 0.65 < np.mean([picks[0] == 0 for picks in draws]) < 0.85
    assert 0.4 < np.mean([picks[1] == NONE for picks in draws]) < 0.6
    assert all((picks[1] == NONE) == (picks[2] == NONE) for picks in draws)
    assert AttributeTable.from_json(json.loads(json.dumps(TABLE.to_json()))) == TABLE
    assert TABLE.vector(1, [0])[-4:].tolist() == pytest.approx([128 / 127.5 - 1, 64 / 127.5 - 1, 32 / 127.5 - 1, 1])


def test_an_unknown_style_is_named(toy: Model) -> None:
    with pytest.raises(BadInput, match="no style 'micah'") as caught:
        made(toy, style="micah")
    assert "round, square" in caught.value.hint


@pytest.mark.parametrize("stages", [0, 1, 2, 3])
def test_cancel_stops_at_any_report(toy: Model, stages: int) -> None:
    engine = AvatarEngine()
    engine.load(Resources(toy), quiet)
    heard: list[Progress] = []

    def stop(progress: Progress) -> None:
        heard.append(progress)
        if len(heard) > stages:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.run(AvatarRequest(), stop)
    assert [progress.stage for progress in heard] == ["mapping", "synthesis", "enlarging", "enlarging"][: stages + 1]
    assert [progress.done for progress in heard] == list(range(stages + 1))


def damage_header(model: Model) -> None:
    path = model.folder / files.WEIGHTS
    path.write_bytes(b"\xff" * 16 + path.read_bytes()[16:])


def cut_short(model: Model) -> None:
    path = model.folder / files.WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])


def lose_weights(model: Model) -> None:
    (model.folder / files.WEIGHTS).unlink()


def change(model: Model, name: str, tensor: torch.Tensor | None) -> None:
    tensors = load_file(model.folder / files.WEIGHTS)
    tensors.pop(name)
    save_file(tensors if tensor is None else {**tensors, name: tensor}, model.folder / files.WEIGHTS)


def spoil_numbers(model: Model) -> None:
    change(model, "mapping.w_avg", torch.full((16,), float("nan")).half())


def bend_shape(model: Model) -> None:
    change(model, "mapping.w_avg", torch.zeros(17).half())


def lose_tensor(model: Model) -> None:
    change(model, "mapping.w_avg", None)


def edit(model: Model, **changes: object) -> None:
    path = model.folder / files.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def break_config(model: Model) -> None:
    (model.folder / files.CONFIG).write_text('{"family": "stylegan2", "version": 1, "shape": ')


def from_the_future(model: Model) -> None:
    edit(model, version=99)


def impossible_sizes(model: Model) -> None:
    edit(model, shape={"channels": [10**9, 8], "c_dim": TABLE.c_dim})


def lose_table(model: Model) -> None:
    edit(model, attributes={"styles": [{"name": "round"}]})


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage_header, "is damaged"),
        (cut_short, "is damaged"),
        (lose_weights, "are missing"),
        (spoil_numbers, "mapping.w_avg holds values that are no numbers"),
        (bend_shape, "does not fit its config.json, at mapping.w_avg"),
        (lose_tensor, "does not fit its config.json, at mapping.w_avg"),
        (break_config, "config.json is damaged"),
        (from_the_future, "version 99"),
        (impossible_sizes, "impossible layer sizes"),
        (lose_table, "config.json is damaged"),
    ],
)
def test_a_damaged_model_is_refused_in_words(toy: Model, harm, words: str) -> None:
    harm(toy)
    with pytest.raises(StudioError, match=words) as caught:
        AvatarEngine().load(Resources(toy), quiet)
    assert caught.value.hint
    assert caught.value.status == 3


@pytest.mark.usefixtures("small_network")
@pytest.mark.parametrize("stage", ["regress", "adversarial"])
def test_a_training_stops_goes_on_and_gives_a_model(tmp_path: Path, stage: str) -> None:
    request = AvatarTrainRequest(
        data=str(pack(tmp_path / "pack")), out=str(tmp_path / "out"), minutes=60, size=16, stage=stage
    )
    stop = StopAfter(2)
    with pytest.raises(Cancelled) as caught:
        AvatarTrainer().run(request, stop)
    assert all(np.isfinite(list(progress.values.values())).all() for progress in stop.heard)
    (weights,) = caught.value.payloads
    assert isinstance(weights, Weights)
    model = Model("new", "avatar", "stylegan2", "New", "", weights.folder)
    assert made(model, style="square").shape == (16, 16, 4)
    again = StopAfter(3)
    with pytest.raises(Cancelled):
        AvatarTrainer().run(request.replace(resume=True), again)
    assert [progress.values["step"] for progress in again.heard[1:]] == [3]


@pytest.mark.usefixtures("small_network")
def test_a_critic_goes_on_where_comparing_stopped(tmp_path: Path) -> None:
    request = AvatarTrainRequest(data=str(pack(tmp_path / "p")), out=str(tmp_path / "out"), minutes=60, size=16)
    with pytest.raises(Cancelled):
        AvatarTrainer().run(request, StopAfter(2))
    stop = StopAfter(4)
    with pytest.raises(Cancelled):
        AvatarTrainer().run(request.replace(resume=True, stage="adversarial"), stop)
    assert [progress.values["step"] for progress in stop.heard[1:]] == [3, 4]
    assert np.isfinite(stop.heard[-1].values["critic"])


@pytest.mark.usefixtures("small_network")
def test_resuming_is_the_same_as_never_stopping(tmp_path: Path) -> None:
    data = str(pack(tmp_path / "pack"))

    def learn(out: str, *stops: int) -> dict[str, torch.Tensor]:
        request = AvatarTrainRequest(data=data, out=str(tmp_path / out), minutes=20000, size=16)
        for i, stop in enumerate(stops):
            with pytest.raises(Cancelled) as caught:
                AvatarTrainer().run(request.replace(resume=i > 0), StopAfter(stop))
        (weights,) = caught.value.payloads
        assert isinstance(weights, Weights)
        return load_file(weights.folder / files.WEIGHTS)

    whole, halves = learn("whole", 4), learn("halves", 2, 4)
    for name, tensor in whole.items():
        # The rate follows the clock, so that the two differ by its rounding only.
        torch.testing.assert_close(tensor, halves[name], rtol=0.02, atol=0.02, msg=name)


@pytest.mark.usefixtures("small_network")
def test_comparing_learns(tmp_path: Path) -> None:
    request = AvatarTrainRequest(data=str(pack(tmp_path / "p")), out=str(tmp_path / "out"), minutes=60, size=16)
    stop = StopAfter(60)
    with pytest.raises(Cancelled):
        AvatarTrainer().run(request, stop)
    losses = [progress.values["loss"] for progress in stop.heard if "loss" in progress.values]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


@pytest.mark.usefixtures("small_network")
def test_a_plain_folder_is_learnt_and_broken_files_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for i in range(9):
        Picture.new("RGB", (40 + i, 30), (25 * i, 99, 0)).save(folder / "more" / f"{i}.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (folder / "notes.txt").write_text("not a picture")
    request = AvatarTrainRequest(data=str(folder), out=str(tmp_path / "out"), minutes=60, size=16)
    stop = StopAfter(2)
    with pytest.raises(Cancelled) as caught:
        AvatarTrainer().run(request, stop)
    assert stop.heard[-1].values["skipped"] == 1
    assert (tmp_path / "out" / "skipped.txt").read_text().startswith("broken.jpg: ")
    (weights,) = caught.value.payloads
    assert isinstance(weights, Weights)
    model = Model("new", "avatar", "stylegan2", "New", "", weights.folder)
    assert made(model).shape == (16, 16, 4)
    with pytest.raises(BadInput, match="no style 'micah'"):
        made(model, style="micah")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "missing"}, "is not a folder"),
        ({"data": "empty"}, "holds 0 pictures"),
        ({"size": 48}, "size is 48"),
        ({"data": "torn"}, "cannot be read"),
        ({"size": 32}, "drawings of 16 px"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path, changes: dict, words: str) -> None:
    (tmp_path / "empty").mkdir()
    pack(tmp_path / "pack")
    pack(tmp_path / "torn")
    path = tmp_path / "torn" / "drawings.npz"
    path.write_bytes(path.read_bytes()[:4000])
    asked = {"data": "pack", "size": 16, **changes}
    request = AvatarTrainRequest(**{**asked, "data": str(tmp_path / asked["data"]), "out": str(tmp_path / "out")})
    with pytest.raises(BadInput, match=words) as caught:
        AvatarTrainer().run(request, quiet)
    assert caught.value.hint


def test_the_starter_draws_faces_of_five_styles_on_clear_ground() -> None:
    model = Catalog().default("avatar")
    assert model.id == MEDIUM.starter
    faces = {style: made(model, seed=4, style=style).astype(float) for style, _ in STYLES[1:]}
    for style, face in faces.items():
        assert face.shape == (128, 128, 4), style
        assert face[:8, :8, 3].max() < 40, f"{style}: the corner is clear"
        assert face[60:84, 52:76, 3].min() > 240, f"{style}: the face is solid"
    pictures = list(faces.values())
    apart = [np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[:i]]
    assert min(apart) > 15


def test_the_critic_scores_each_picture_by_its_condition() -> None:
    torch.manual_seed(0)
    critic = Discriminator(SHAPE)
    picture = torch.randn(4, 4, 16, 16).repeat(2, 1, 1, 1)
    c = torch.zeros(8, TABLE.c_dim)
    c[4:, 0] = 1
    scores = critic(picture, c)
    assert scores.shape == (8,)
    assert (scores[:4] - scores[4:]).abs().max() > 1e-4


def test_the_medium_names_classes_that_exist() -> None:
    assert MEDIUM.task(AvatarRequest()).engine.endswith(f":{AvatarEngine.__name__}")
    assert MEDIUM.task(AvatarTrainRequest()).engine.endswith(f":{AvatarTrainer.__name__}")
