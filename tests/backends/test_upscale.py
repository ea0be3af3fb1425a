"""Upscalers at toy size: imported from every kind of file, tiles without seams, transparency, any size, cancelling."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from safetensors.torch import load_file, save_file

from studio import checkpoints
from studio.backends import PAGELESS, families
from studio.backends.upscale.engine.engine import UpscaleEngine
from studio.backends.upscale.engine.networks import RrdbNet, SrvggNet, network
from studio.backends.upscale.engine.tiles import enlarge
from studio.backends.upscale.requests import MEDIUM, UpscaleRequest
from studio.checkpoints.ncnn import FP16
from studio.errors import BadInput, StudioError
from studio.export.compose import PictureStyle, render
from studio.export.job import ExportJob, enlargement
from studio.export.task import ExportRequest, order_to_json
from studio.export.upscaling import upscaling
from studio.jobs.job import Cancelled, Progress
from studio.media import codecs, images
from studio.media.payloads import Image
from studio.media.provenance import Provenance, parse_note
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema.fields import WorkKey
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import AppPaths

SRVGG: Mapping[str, Any] = {"family": "srvgg", "sizes": {"features": 8, "layers": 2, "scale": 4}}
RRDB: Mapping[str, Any] = {
    "family": "rrdb",
    "sizes": {"features": 8, "growth": 4, "blocks": 2, "scale": 4, "squares": 1},
}


def toy(family: str, sizes: Mapping[str, int], **changes: int) -> SrvggNet | RrdbNet:
    """A network with random weights whose results lie about between black and white."""
    torch.manual_seed(1)
    made = network(family, {**sizes, **changes}).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.mul_(1.5)
    return made


def drawing(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    """Seeded blocks of colour, with alpha of all strengths where there is a fourth channel."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 256, (-(-height // 5), -(-width // 5), channels), np.uint8)
    return np.ascontiguousarray(small.repeat(5, 0).repeat(5, 1)[:height, :width])


def published(made: SrvggNet | RrdbNet, names: str) -> dict[str, torch.Tensor]:
    """The state dict of a network as others name it: "srvgg", or "new", "old" or "first" of an RRDB."""
    found: dict[str, torch.Tensor] = {}
    for name, tensor in made.state_dict().items():
        parts = name.split(".")
        if isinstance(made, SrvggNet):
            at = {"enter": 0, "leave": 2 * len(made.slopes)}.get(parts[0])
            if parts[0] == "body":
                at = 2 * int(parts[1]) + 2
            if parts[0] == "slopes":
                at = 2 * int(parts[1]) + 1
            found[f"body.{at}.{parts[-1]}"] = tensor.clone()
            continue
        i, j, k = (parts[1], int(parts[2]) + 1, int(parts[4]) + 1) if parts[0] == "blocks" else ("", 0, 0)
        up = int(parts[1]) if parts[0] == "ups" else 0
        ups = len(made.ups)
        blocks = len(made.blocks)
        said = {
            "new": {
                "enter": "conv_first", "blocks": f"body.{i}.rdb{j}.conv{k}", "body": "conv_body",
                "ups": f"conv_up{up + 1}", "fine": "conv_hr", "leave": "conv_last",
            },
            "old": {
                "enter": "conv_first", "blocks": f"RRDB_trunk.{i}.RDB{j}.conv{k}", "body": "trunk_conv",
                "ups": f"upconv{up + 1}", "fine": "HRconv", "leave": "conv_last",
            },
            "first": {
                "enter": "model.0", "blocks": f"model.1.sub.{i}.RDB{j}.conv{k}.0", "body": f"model.1.sub.{blocks}",
                "ups": f"model.{3 * up + 3}", "fine": f"model.{2 + 3 * ups}", "leave": f"model.{4 + 3 * ups}",
            },
        }[names]  # fmt: skip
        found[f"{said[parts[0]]}.{parts[-1]}"] = tensor.clone()
    return found


def write_ncnn(path: Path, made: SrvggNet | RrdbNet, *, half: bool = False) -> Path:
    """The two files of an ncnn network, as far as the studio reads them; `path` is that of its .param."""
    lines = ["Input data 0 1 data"]
    numbers = b""

    def convolution(layer: Any, leaks: bool) -> None:
        nonlocal numbers
        weight, bias = layer.weight.numpy(), layer.bias.numpy()
        line = f"Convolution c{len(lines)} 1 1 a b 0={len(bias)} 1=3 4=1 5=1 6={weight.size}"
        lines.append(line + (" 9=2 -23310=1,2.000000e-01" if leaks else ""))
        if half:
            stored = weight.astype("<f2").tobytes()
            numbers += FP16.to_bytes(4, "little") + stored + b"\0" * (-len(stored) % 4)
        else:
            numbers += b"\0\0\0\0" + weight.astype("<f4").tobytes()
        numbers += bias.astype("<f4").tobytes()

    if isinstance(made, SrvggNet):
        slopes: list[Any] = list(made.slopes)
        for layer, slope in zip([made.enter, *made.body], slopes, strict=True):
            convolution(layer, False)
            lines.append(f"PReLU p{len(lines)} 1 1 a b 0={slope.weight.numel()}")
            numbers += slope.weight.numpy().astype("<f4").tobytes()
        convolution(made.leave, False)
        lines += ["PixelShuffle s 1 1 a b 0=4", "Interp i 1 1 a b 0=1 1=4.0 2=4.0", "BinaryOp o 2 1 a b c"]
    else:
        convolution(made.enter, False)
        for block in made.blocks:
            dense: Any
            for dense in block:  # type: ignore[union-attr]
                for at, layer in enumerate(dense.layers):
                    convolution(layer, at < 4)
        convolution(made.body, False)
        for layer in made.ups:
            lines.append("Interp i 1 1 a b 0=1 1=2.0 2=2.0")
            convolution(layer, True)
        convolution(made.fine, True)
        convolution(made.leave, False)
    path.write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines]) + "\n", encoding="utf-8")
    path.with_suffix(".bin").write_bytes(numbers)
    return path


def imported(path: Path, folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of the model folder that a file becomes; they fit the network that its config.json describes."""
    found = checkpoints.read_foreign(path)
    folder.mkdir()
    found.write(folder, "upscale", "mit", lambda _: None)
    MEDIUM.family(found.family).check_files(folder)
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("kind", "names"), [(SRVGG, "srvgg"), (RRDB, "new"), (RRDB, "old"), (RRDB, "first")], ids=lambda each: str(each)[:9]
)
def test_every_file_of_a_network_gives_the_same_tensors(kind: Mapping[str, Any], names: str, tmp_path: Path) -> None:
    made = toy(**kind)
    state = published(made, names)
    torch.save({"params_ema": state, "params": {}}, tmp_path / "ema.pth")
    torch.save(state, tmp_path / "plain.pth")
    torch.save({"params": state}, tmp_path / "older.pth", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "state.safetensors")
    write_ncnn(tmp_path / "ncnn.param", made)
    for at, name in enumerate(("ema.pth", "plain.pth", "older.pth", "state.safetensors", "ncnn.param", "ncnn.bin")):
        found = imported(tmp_path / name, tmp_path / f"model{at}")
        assert found.keys() == made.state_dict().keys()
        assert all(torch.equal(tensor, found[key]) for key, tensor in made.state_dict().items()), name


def test_half_precision_of_ncnn_is_read(tmp_path: Path) -> None:
    made = toy(**SRVGG)
    found = imported(write_ncnn(tmp_path / "half.param", made, half=True), tmp_path / "model")
    assert torch.equal(found["enter.weight"], made.enter.weight.half().float())
    assert torch.equal(found["enter.bias"], made.state_dict()["enter.bias"])


@pytest.mark.parametrize(("scale", "squares"), [(2, 1), (8, 1), (2, 2)])
def test_other_scales_are_told_from_the_tensors(scale: int, squares: int, tmp_path: Path) -> None:
    made = toy(RRDB["family"], RRDB["sizes"], scale=scale, squares=squares)
    torch.save(published(made, "new"), tmp_path / "net.pth")
    found = checkpoints.read_upscaler(tmp_path / "net.pth")
    assert found is not None
    assert (found.layout.sizes["scale"], found.layout.sizes["squares"]) == (scale, squares)


def test_what_is_no_upscaler_here_is_refused_in_words(tmp_path: Path) -> None:
    state = published(toy(**RRDB), "new")
    torch.save(published(toy(RRDB["family"], RRDB["sizes"], scale=1), "new"), tmp_path / "same.pth")
    with pytest.raises(BadInput, match="it leaves pictures at their size"):
        checkpoints.read_foreign(tmp_path / "same.pth")
    state["conv_last.weight"] = torch.zeros(1, 8, 3, 3)
    torch.save(state, tmp_path / "grey.pth")
    with pytest.raises(BadInput, match="an upscaler of a kind that is not read here"):
        checkpoints.read_foreign(tmp_path / "grey.pth")
    state = published(toy(**SRVGG), "srvgg")
    state["body.0.bias"][0] = torch.nan
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(BadInput, match="holds values that are no numbers"):
        imported(tmp_path / "nan.pth", tmp_path / "nan")


def test_damaged_and_lonely_ncnn_files_are_refused(tmp_path: Path) -> None:
    param = write_ncnn(tmp_path / "net.param", toy(**SRVGG))
    numbers = param.with_suffix(".bin").read_bytes()
    param.with_suffix(".bin").write_bytes(numbers[:-4])
    with pytest.raises(StudioError, match="is damaged: its end is missing"):
        checkpoints.read_foreign(param)
    param.with_suffix(".bin").write_bytes(numbers + b"more")
    with pytest.raises(StudioError, match="do not belong together"):
        checkpoints.read_foreign(param)
    param.with_suffix(".bin").unlink()
    with pytest.raises(BadInput, match=r"net.bin is not beside it"):
        checkpoints.read_foreign(param)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_tiles_of_the_compact_network_equal_the_whole(factor: int, scale: int) -> None:
    made = toy(SRVGG["family"], SRVGG["sizes"], scale=scale)
    picture = drawing(53, 71)
    whole, tiled = (enlarge(made, picture, factor, tile) for tile in (256, 20))
    assert whole.shape == (53 * factor, 71 * factor, 3)
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert whole.std() > 10


@pytest.mark.parametrize("squares", [1, 2])
def test_tiles_of_the_deep_network_have_no_seams(squares: int) -> None:
    made = toy(RRDB["family"], RRDB["sizes"], scale=4 // squares, squares=squares)
    picture = drawing(50, 61)
    with torch.inference_mode():
        whole, tiled = (enlarge(made, picture, 4 // squares, tile) for tile in (256, 16))
    assert np.abs(whole.astype(int) - tiled).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 3), (7, 33)])
def test_a_picture_may_have_any_size(size: tuple[int, int]) -> None:
    for kind in (SRVGG, RRDB):
        assert enlarge(toy(**kind), drawing(*size), 2, 16).shape == (2 * size[0], 2 * size[1], 3)


def plain(scale: int) -> SrvggNet:
    """A network that enlarges by the nearest pixels."""
    made = toy(SRVGG["family"], SRVGG["sizes"], scale=scale)
    assert isinstance(made, SrvggNet)
    for parameter in made.leave.parameters():
        parameter.zero_()
    return made


def test_colours_and_alpha_stay_and_no_hidden_colour_shows_at_the_rim() -> None:
    picture = np.zeros((40, 40, 4), np.uint8)  # black where it is transparent
    picture[10:30, 10:30] = (200, 60, 30, 255)
    picture[10:30, 20:25, 3] = 128
    made = enlarge(plain(4), picture, 3, 16)
    assert made.shape == (120, 120, 4)
    assert np.abs(made[..., :3].astype(int) - (200, 60, 30)).max() <= 1
    assert set(np.unique(made[45:75, 33:57, 3])) == {255}
    assert np.abs(made[45:75, 64:71, 3].astype(int) - 128).max() <= 1
    assert not made[:26, :, 3].any()


def test_an_opaque_alpha_stays_opaque() -> None:
    picture = np.full((9, 9, 4), 255, np.uint8)
    assert (enlarge(toy(**SRVGG), picture, 2, 16)[..., 3] == 255).all()


def model_of(made: SrvggNet | RrdbNet, names: str, folder: Path) -> Model:
    torch.save(published(made, names), folder.with_suffix(".pth"))
    imported(folder.with_suffix(".pth"), folder)
    return Model(folder.name, "upscale", "", "Toy", "mit", folder)


def picture_file(path: Path, picture: Any, **options: Any) -> WorkKey:
    picture.save(path, **options)
    return WorkKey(path=str(path))


def run(engine: UpscaleEngine, key: WorkKey, factor: str = "2") -> NDArray[np.uint8]:
    made = engine.run(UpscaleRequest(picture=key, factor=factor), lambda _: None)
    assert isinstance(made[0], Image)
    return made[0].pixels


def test_pictures_of_every_kind_are_upright_and_in_colour(tmp_path: Path) -> None:
    engine = UpscaleEngine()
    engine.load(Resources(model_of(plain(4), "srvgg", tmp_path / "plain")), lambda _: None)
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turned by a quarter
    photo = Pillow.fromarray(drawing(20, 30))
    assert run(engine, picture_file(tmp_path / "turned.jpg", photo, exif=exif)).shape == (60, 40, 3)
    deep = Pillow.fromarray(np.full((8, 9), 40_000, np.uint16))
    assert np.abs(run(engine, picture_file(tmp_path / "deep.png", deep)).astype(int) - 40_000 // 257).max() <= 1
    palette = Pillow.fromarray(drawing(10, 10)).quantize(8)
    palette.info["transparency"] = 0
    assert run(engine, picture_file(tmp_path / "palette.png", palette, transparency=0), "4").shape == (40, 40, 4)
    engine.close()


def test_it_can_be_cancelled_at_each_tile(tmp_path: Path) -> None:
    engine = UpscaleEngine()
    engine.load(Resources(model_of(toy(**RRDB), "new", tmp_path / "net")), lambda _: None)
    key = picture_file(tmp_path / "wide.png", Pillow.fromarray(drawing(10, 400)))
    heard: list[Progress] = []

    def report(progress: Progress) -> None:
        heard.append(progress)
        if progress.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.run(UpscaleRequest(picture=key), report)
    assert list(dict.fromkeys((each.done, each.total) for each in heard)) == [(0, 5), (1, 5), (2, 5)]
    assert [each.done for each in heard].count(0) > 6  # between the blocks of a tile too


def test_a_picture_that_would_be_too_large_is_refused_before_it_is_made(tmp_path: Path) -> None:
    engine = UpscaleEngine()
    engine.load(Resources(model_of(toy(**SRVGG), "srvgg", tmp_path / "net")), lambda _: None)
    key = picture_file(tmp_path / "large.png", Pillow.new("RGB", (4000, 4000)))
    with pytest.raises(BadInput, match=r"would have 16,000 x 16,000 pixels"):
        run(engine, key, "4")


def test_a_folder_whose_config_and_weights_differ_is_refused(tmp_path: Path) -> None:
    model = model_of(toy(**SRVGG), "srvgg", tmp_path / "net")
    config = (model.folder / "config.json").read_text("utf-8")
    (model.folder / "config.json").write_text(config.replace('"layers": 2', '"layers": 3'), encoding="utf-8")
    with pytest.raises(StudioError, match=r"are not those that its config.json describes"):
        UpscaleEngine().load(Resources(model), lambda _: None)


@pytest.fixture
def studio(tmp_path: Path) -> Any:
    opened = Studio(AppPaths.under(tmp_path / "home"), isolated=False, persist_queue=False, bundled=tmp_path / "none")
    yield opened
    opened.close()


def finished(studio: Studio, request: Request) -> Any:
    (work,) = studio.submit(request).future.result(60)
    return work


def test_an_enlarged_work_stands_beside_its_original_and_can_be_made_again(studio: Studio, tmp_path: Path) -> None:
    from studio.jobs.make_again import works_to_repeat

    original = studio.library.add(Image(drawing(20, 30)), medium="poster", request={}, provenance=Provenance())
    with pytest.raises(StudioError, match="There is no model for upscale"):
        studio.submit(UpscaleRequest(picture=WorkKey(id=original.id)))
    param = write_ncnn(tmp_path / "toy.param", toy(**SRVGG))
    model = studio.catalog.import_(param, "upscale", licence="bsd-3-clause")
    assert (model.medium, model.family, model.source) == ("upscale", "srvgg", "imported from toy.param")
    assert studio.catalog.verify(model) == []

    work = finished(studio, UpscaleRequest(picture=WorkKey(id=original.id), factor="3"))
    assert (work.medium, work.width, work.height, work.parents) == ("poster", 90, 60, (original.id,))
    assert work.provenance.model.sha256 == model.sha256
    again = works_to_repeat([work], studio.catalog, studio.library, vary=False)
    assert not again.errors
    second = finished(studio, again.requests[0])
    assert second.sha256 == work.sha256

    key = picture_file(tmp_path / "found.png", Pillow.fromarray(drawing(8, 8)))
    assert finished(studio, UpscaleRequest(picture=key)).medium == "picture"


def test_a_folder_of_one_network_is_imported_and_of_several_asked_about(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "none", tmp_path / "own", families(PAGELESS))
    (tmp_path / "nets").mkdir()
    write_ncnn(tmp_path / "nets" / "one.param", toy(**SRVGG))
    assert catalog.import_(tmp_path / "nets", "upscale", licence="mit").family == "srvgg"
    write_ncnn(tmp_path / "nets" / "two.param", toy(**RRDB))
    with pytest.raises(BadInput, match=r"holds 2 models: one.param, two.param"):
        catalog.import_(tmp_path / "nets", "upscale", licence="mit")


def test_an_export_waits_for_the_enlarged_picture_keeps_its_clear_ground_and_names_the_network(
    studio: Studio, tmp_path: Path
) -> None:
    model = studio.catalog.import_(write_ncnn(tmp_path / "toy.param", toy(**SRVGG)), "upscale", licence="bsd-3-clause")
    pixels = drawing(20, 20, 4)
    pixels[:4] = 0
    drawn = studio.library.add(
        Image(pixels), medium="avatar", request={"kind": "avatar", "seed": 3}, provenance=Provenance(seed=3)
    )
    how = upscaling(studio.media.values())
    assert how is not None
    order = ExportJob(PictureStyle(), ("70",))
    factor = how.factor(enlargement(order, (20, 20), cut=True), 400)
    assert factor == 4
    asked = how.request(WorkKey(id=drawn.id), factor, model.id)
    export = ExportRequest(source=drawn.id, order=order_to_json(order), to=str(tmp_path / "out"), name="face")
    group = studio.submit_group([asked, export], "export", waits={1: {0: "enlarged"}})
    (made,) = group.jobs[1].future.result(60)
    (large,) = group.jobs[0].future.result(0)
    assert (large.width, large.height) == (80, 80)
    with Pillow.open(made.path) as opened:
        found = np.asarray(opened.convert("RGBA"))
    expected = render(images.read(large.path), order.style, 70, 70).pixels
    assert np.array_equal(found, expected)
    assert not np.array_equal(found, render(Image(pixels), order.style, 70, 70).pixels)
    assert found[:10, :, 3].max() == 0
    request, provenance = parse_note(codecs.read_note(made.path))
    assert request["seed"] == 3
    assert provenance.models["upscaler"].sha256 == model.sha256
    assert how.made_before(studio.library, drawn, asked) == large
    assert how.made_before(studio.library, drawn, how.request(WorkKey(id=drawn.id), 2, model.id)) is None


def test_no_export_comes_of_a_picture_that_could_not_be_enlarged(studio: Studio, tmp_path: Path) -> None:
    model = studio.catalog.import_(write_ncnn(tmp_path / "toy.param", toy(**SRVGG)), "upscale", licence="bsd-3-clause")
    (model.folder / "model.safetensors").write_bytes(b"x")
    drawn = studio.library.add(Image(drawing(20, 20)), medium="avatar", request={}, provenance=Provenance())
    asked = UpscaleRequest(picture=WorkKey(id=drawn.id), model=model.id)
    export = ExportRequest(
        source=drawn.id, order=order_to_json(ExportJob(PictureStyle())), to=str(tmp_path / "out"), name="face"
    )
    group = studio.submit_group([asked, export], "export", waits={1: {0: "enlarged"}})
    assert isinstance(group.jobs[0].future.exception(60), StudioError)
    assert isinstance(group.jobs[1].future.exception(60), Cancelled)
    assert not (tmp_path / "out").exists()
