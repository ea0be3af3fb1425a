"""Checkpoints as torch and the official tools write them, whole and broken: what comes out, and what is said."""

from __future__ import annotations

import gc
import json
import mmap
import os
import pickle
import shutil
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from studio.backends import families
from studio.backends.avatar.engine.files import open_network
from studio.bench import official_pickles
from studio.checkpoints import NVIDIA, read_checkpoint
from studio.errors import BadInput, StudioError
from studio.models.catalog import Catalog
from tests.official import NETWORKS, Toy, parameter, toy


@pytest.fixture
def shelf(tmp_path: Path) -> Catalog:
    return Catalog(bundled=tmp_path / "bundled", own=tmp_path / "own", families=families())


def converted(path: Path, folder: Path) -> dict[str, Tensor]:
    folder.mkdir()
    read_checkpoint(path).write(folder, "avatar", "own", lambda _bytes: None)
    return load_file(folder / "model.safetensors")


def community(one: Toy) -> dict[str, Tensor]:
    """The network under the names of the community's trainers, which keep sides of length one."""
    named: dict[str, Tensor] = {"input.input": one.tensors["synthesis.b4.const"][None]}
    for name, tensor in one.tensors.items():
        parts = name.split(".")
        if parts[0] == "mapping":
            if parts[1].startswith("fc"):
                named[f"style.{int(parts[1][2:]) + 1}.{parts[2]}"] = tensor
            continue
        block = (int(parts[1][1:]).bit_length() - 3) if parts[1].startswith("b") else 0
        rest = ".".join(parts[3:])
        if parts[2] == "torgb":
            place = f"to_rgbs.{block - 1}" if block else "to_rgb1"
            if rest == "bias":
                named[f"{place}.bias"] = tensor[None, :, None, None]
            elif rest == "weight":
                named[f"{place}.conv.weight"] = tensor[None]
            else:
                named[f"{place}.conv.modulation.{parts[4]}"] = tensor
            if block:
                named[f"{place}.upsample.kernel"] = torch.ones(4, 4)
        elif parts[2] in ("conv0", "conv1"):
            number = 2 * (block - 1) + int(parts[2][4])
            place = f"convs.{number}" if block else "conv1"
            if rest == "noise_const":
                named[f"noises.noise_{number + 1 if block else 0}"] = tensor[None, None]
            elif rest == "noise_strength":
                named[f"{place}.noise.weight"] = tensor[None]
            elif rest == "bias":
                named[f"{place}.activate.bias"] = tensor
            elif rest == "weight":
                named[f"{place}.conv.weight"] = tensor[None]
            elif rest.startswith("affine"):
                named[f"{place}.conv.modulation.{parts[4]}"] = tensor
            if parts[2] == "conv0":
                named[f"{place}.conv.blur.kernel"] = torch.ones(4, 4)
    return named


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", NETWORKS)
def test_tensors_of_official_pickles_are_read_exactly(name: str, protocol: int, tmp_path: Path) -> None:
    one = toy(name)
    found = converted(one.pickle(tmp_path / "network.pkl", protocol), tmp_path / "out")
    assert found.keys() == one.tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in one.tensors.items())
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["z"], config["native"], config["medium"]) == ("randomstate", [64, 64], "avatar")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_state_dicts_with_official_names_are_read_exactly(zipped: bool, kind: torch.dtype, tmp_path: Path) -> None:
    one = toy("stylegan2-ada-64")
    state = OrderedDict((f"module.{name}", tensor.to(kind)) for name, tensor in one.tensors.items())
    content = {"g_ema": state, "g": {}, "g_optim": {"state": {0: {"step": 1}}}, "iteration": 1000}
    torch.save(content, tmp_path / "network.pt", _use_new_zipfile_serialization=zipped)
    found = converted(tmp_path / "network.pt", tmp_path / "out")
    assert all(torch.equal(found[name], tensor.to(kind).float()) for name, tensor in one.tensors.items())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_community_checkpoint_draws_the_same_picture(zipped: bool, tmp_path: Path, shelf: Catalog) -> None:
    one = toy("stylegan2-ada-64")
    content = {"g_ema": community(one), "latent_avg": one.tensors["mapping.w_avg"], "args": None}
    torch.save(content, tmp_path / "550000.pt", _use_new_zipfile_serialization=zipped)
    model = shelf.import_(tmp_path / "550000.pt", "avatar", accept_licence=True)
    assert (model.id, model.family, model.licence, model.native) == ("550000", "stylegan2", "unknown", (64, 64))
    found = load_file(model.folder / "model.safetensors")
    assert found.keys() == one.tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in one.tensors.items())


def test_a_missing_average_of_w_is_computed(tmp_path: Path) -> None:
    one = toy("stylegan2-ada-64")
    torch.save({"g_ema": community(one)}, tmp_path / "network.pt")
    converted(tmp_path / "network.pt", tmp_path / "out")
    network, _ = open_network(tmp_path / "out")
    with torch.inference_mode():
        ws = network.mapping(torch.randn(20_000, 64, generator=torch.Generator().manual_seed(2)))
    error = (network.mapping.w_avg - ws.mean(dim=0)).abs()
    assert error.max() < 5 * ws.std(dim=0).max() * (1 / 4096 + 1 / 20_000) ** 0.5


@pytest.mark.parametrize("names", ["official", "community"])
def test_safetensors_with_official_and_community_names_are_read(names: str, tmp_path: Path, shelf: Catalog) -> None:
    one = toy("stylegan2-ada-64")
    tensors = one.tensors if names == "official" else community(one)
    path = tmp_path / "Faces.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, {"modelspec.license": "CC0-1.0"})
    model = shelf.import_(path, "avatar")
    assert (model.licence, model.family) == ("CC0-1.0", "stylegan2")
    found = load_file(model.folder / "model.safetensors")
    assert all(torch.equal(found[name], one.tensors[name]) for name in one.tensors if name != "mapping.w_avg")


def test_tensors_that_are_views_in_any_stride_are_read(tmp_path: Path) -> None:
    one = toy("stylegan2-ada-64")
    name = "synthesis.b8.conv0.weight"
    big = torch.cat([torch.zeros(1, 16, 3, 3), one.tensors[name]])
    state = one.tensors | {name: big[1:], "synthesis.b8.conv1.weight": one.tensors["synthesis.b8.conv1.weight"].to(
        memory_format=torch.channels_last
    )}  # fmt: skip
    torch.save({"g_ema": state}, tmp_path / "network.pt")
    found = converted(tmp_path / "network.pt", tmp_path / "out")
    assert all(torch.equal(found[name], tensor) for name, tensor in one.tensors.items())


def test_networks_without_noise_get_zeros(tmp_path: Path) -> None:
    one = toy("stylegan2-ada-64")
    silent = {name: tensor for name, tensor in one.tensors.items() if ".noise_" not in name}
    path = tmp_path / "network.pkl"
    official_pickles.write(path, {"G_ema": official_pickles.network(silent, one.options, parameter)})
    found = converted(path, tmp_path / "out")
    assert found.keys() == one.tensors.keys()
    assert not any(found[name].any() for name in found.keys() - silent.keys())


def test_an_official_file_asks_about_its_licence(tmp_path: Path, shelf: Catalog) -> None:
    path = toy("stylegan3-t-64").pickle(tmp_path / "My Network.pkl")
    with pytest.raises(BadInput, match=r"Nvidia Source Code License, research and evaluation only.*--accept-licence"):
        shelf.import_(path, "avatar")
    assert not (tmp_path / "own").exists()
    with pytest.raises(BadInput, match="--medium avatar"):
        shelf.import_(path, "poster", accept_licence=True)
    model = shelf.import_(path, "avatar", accept_licence=True)
    assert (model.id, model.title, model.licence, model.native) == ("my-network", "My Network", NVIDIA, (64, 64))
    assert {entry.name for entry in model.folder.iterdir()} == {"model.safetensors", "config.json", "model.toml"}
    assert shelf.verify(model) == []
    shelf.remove(model.id)
    assert shelf.import_(path, "avatar", licence="own").licence == "own"


def test_the_same_weights_are_imported_once(tmp_path: Path, shelf: Catalog) -> None:
    one = toy("stylegan2-ada-64")
    shelf.import_(one.pickle(tmp_path / "first.pkl"), "avatar", accept_licence=True)
    with pytest.raises(BadInput, match="installed already, as first"):
        shelf.import_(one.pickle(tmp_path / "second.pkl", protocol=3), "avatar", accept_licence=True)
    assert [entry.name for entry in (tmp_path / "own").iterdir()] == ["first"]
    changed = one.pickle(tmp_path / "first.pkl", mapping__w_avg=torch.ones(64))
    assert shelf.import_(changed, "avatar", accept_licence=True).id == "first-2"


def test_an_import_reports_progress_and_can_be_cancelled(tmp_path: Path, shelf: Catalog) -> None:
    path = toy("stylegan2-ada-64").pickle(tmp_path / "network.pkl")
    heard: list[tuple[int, int]] = []
    shelf.import_(path, "avatar", accept_licence=True, report=lambda done, total: heard.append((done, total)))
    assert heard[-1][0] == heard[-1][1] == sum(t.numel() for t in toy("stylegan2-ada-64").tensors.values()) * 4
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    shelf.remove("network")

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.import_(path, "avatar", accept_licence=True, report=stop)
    assert list((tmp_path / "own").iterdir()) == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(bad: float, tmp_path: Path, shelf: Catalog) -> None:
    one = toy("stylegan2-ada-64")
    path = one.pickle(tmp_path / "network.pkl", mapping__fc0__weight=one.tensors["mapping.fc0.weight"] * bad)
    with pytest.raises(BadInput, match=r"mapping\.fc0\.weight holds values that are no numbers"):
        shelf.import_(path, "avatar", accept_licence=True)
    assert list((tmp_path / "own").iterdir()) == []


def test_another_low_pass_filter_is_refused(tmp_path: Path, shelf: Catalog) -> None:
    path = toy("stylegan2-ada-64").pickle(tmp_path / "a.pkl", synthesis__b8__resample_filter=torch.ones(4, 4) / 16)
    with pytest.raises(BadInput, match="another low-pass filter"):
        shelf.import_(path, "avatar", accept_licence=True)
    path = toy("stylegan3-t-64").pickle(tmp_path / "b.pkl", synthesis__L3_36_16__magnitude_ema=torch.tensor(-1.0))
    with pytest.raises(BadInput, match="is not positive"):
        shelf.import_(path, "avatar", accept_licence=True)


@pytest.mark.parametrize(
    ("network", "changed", "words"),
    [
        ("stylegan2-ada-64", {"mapping.fc1.weight": (64, 63)}, r"mapping\.fc1\.weight is 64 x 63 where .* 64 x 64"),
        ("stylegan2-ada-64", {"synthesis.b8.conv0.weight": (16, 16, 1, 1)}, "16 x 16 x 3 x 3"),
        ("stylegan2-ada-64", {"synthesis.b4.torgb.weight": (1, 16, 1, 1)}, "1 colour planes"),
        ("stylegan2-ada-64", {"synthesis.b16.skip.weight": (16, 16, 1, 1)}, "has synthesis.b16.skip.weight"),
        ("stylegan2-ada-64", {"synthesis.b4.const": None}, "no generator"),
        ("stylegan2-ada-64", {"mapping.fc0.bias": None}, r"lacks mapping\.fc0\.bias"),
        ("stylegan2-ada-64", {"mapping.fc0.weight": (64,)}, "64, which no StyleGAN has"),
        ("stylegan2-ada-64", {"mapping.embed.weight": (64, 64)}, "mapping network is of an impossible size"),
        ("stylegan3-t-64", {"synthesis.L2_36_16.bias": None}, "lacks synthesis.L2_36_16.bias"),
        ("stylegan3-t-64", {"synthesis.L2_36_16.weight": None}, "are not those of a StyleGAN3"),
        ("stylegan3-t-64", {"synthesis.input.phases": (3,)}, "is 3 where its network needs 16"),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    network: str, changed: dict[str, tuple[int, ...] | None], words: str, tmp_path: Path
) -> None:
    one = toy(network)
    tensors = one.tensors | {name: torch.zeros(shape) for name, shape in changed.items() if shape is not None}
    for name in (name for name, shape in changed.items() if shape is None):
        del tensors[name]
    path = tmp_path / "network.pkl"
    official_pickles.write(path, {"G_ema": official_pickles.network(tensors, one.options, parameter)})
    with pytest.raises(BadInput, match=words):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"synthesis_kwargs": {"architecture": "resnet"}}, "architecture is resnet"),
        ({"synthesis_kwargs": {"activation": "relu"}}, "activation is relu"),
        ({"synthesis_kwargs": {"conv_clamp": "x"}}, "x where a number is needed"),
        ({"mapping_kwargs": {"lr_multiplier": float("nan")}}, "nan where a number is needed"),
    ],
)
def test_unsupported_options_are_named(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    one = toy("stylegan2-ada-64")
    path = tmp_path / "network.pkl"
    official_pickles.write(path, {"G_ema": official_pickles.network(one.tensors, options, parameter)})
    with pytest.raises(BadInput, match=words):
        read_checkpoint(path)


@pytest.mark.parametrize("where", ["synthesis_kwargs", "mapping_kwargs"])
def test_an_option_of_endless_length_is_not_quoted(where: str, tmp_path: Path) -> None:
    """Forty pairs, each of the one before twice: a hundred bytes whose words would fill every disk."""
    grown: Any = ("x", "x")
    for _ in range(40):
        grown = (grown, grown)
    path = tmp_path / "network.pkl"
    options = {where: {"architecture": grown, "lr_multiplier": grown}}
    official_pickles.write(
        path, {"G_ema": official_pickles.network(toy("stylegan2-ada-64").tensors, options, parameter)}
    )
    with pytest.raises(BadInput, match="something of 2 parts"):
        read_checkpoint(path)


def test_a_file_is_closed_after_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stays mapped, Windows lets nobody delete or replace it."""
    mapped: list[weakref.ref[Any]] = []
    real = mmap.mmap

    def noted(*args: Any, **options: Any) -> Any:
        one = real(*args, **options)
        mapped.append(weakref.ref(one))
        return one

    monkeypatch.setattr(mmap, "mmap", noted)
    path = toy("stylegan2-ada-64").pickle(tmp_path / "network.pkl")
    gc.disable()
    try:
        read_checkpoint(path).write(tmp_path, "avatar", "own", lambda _: None)
        assert mapped[0]() is None
    finally:
        gc.enable()


def test_options_of_stylegan3_that_do_not_fit_its_layers_are_named(tmp_path: Path) -> None:
    one = toy("stylegan3-t-64")
    for options, words in [
        ({"num_critical": 4}, "its generator"),
        ({"first_cutoff": 1e-300}, "impossible"),
        ({"margin_size": 10**8}, "impossible"),
        ({"lrelu_upsampling": 4}, "lrelu_upsampling is 4"),
    ]:
        path = tmp_path / "network.pkl"
        official_pickles.write(path, {"G_ema": official_pickles.network(one.tensors, options, parameter)})
        with pytest.raises(BadInput, match=words):
            read_checkpoint(path)


class Evil:
    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.touched}",)


class Storage:
    """A tensor whose nested torch file is what it is told."""

    def __init__(self, content: bytes, shape: tuple[int, ...]) -> None:
        self.content, self.shape = content, shape

    def __reduce__(self) -> tuple[Any, ...]:
        stride = tuple(int(np.prod(self.shape[i + 1 :])) for i in range(len(self.shape)))
        nested = Call(torch.storage._load_from_bytes, self.content)
        return torch._utils._rebuild_tensor_v2, (nested, 0, self.shape, stride, False, OrderedDict())


class Call:
    def __init__(self, function: Any, *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.args


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("attack", BadInput, "system to be called"),
        ("plain", BadInput, "something else than numbers"),
        ("zip", BadInput, "a zip of its own"),
        ("cut", StudioError, "its end is missing"),
        ("short", StudioError, "claims more numbers|cut short"),
    ],
)
def test_a_torch_file_inside_a_tensor_is_checked_too(
    content: str, error: type[StudioError], words: str, tmp_path: Path, shelf: Catalog
) -> None:
    touched = tmp_path / "touched"
    one = toy("stylegan2-ada-64")
    bytes_of = {
        "attack": pickle.dumps(Evil(touched), protocol=2),
        "plain": pickle.dumps([1, 2, 3], protocol=2),
        "zip": b"PK\x03\x04" + bytes(100),
        "cut": storage_bytes(4096)[:-1],
        "short": storage_bytes(4095),
    }[content]
    path = one.pickle(tmp_path / "network.pkl", mapping__fc0__weight=Storage(bytes_of, (64, 64)))
    with pytest.raises(error, match=words):
        shelf.import_(path, "avatar", accept_licence=True)
    assert not touched.exists()
    assert not (tmp_path / "own").exists() or list((tmp_path / "own").iterdir()) == []


def storage_bytes(count: int) -> bytes:
    """A storage of so many zeros as a torch file."""
    numbers = torch.zeros(count).untyped_storage()
    typed = torch.storage.TypedStorage(wrap_storage=numbers, dtype=torch.float32, _internal=True)
    return typed.__reduce__()[1][0]


def test_tensors_larger_than_the_file_are_refused(tmp_path: Path) -> None:
    one = toy("stylegan2-ada-64")
    shared = torch.zeros(64 * 64)
    small = {name: shared[: tensor.numel()].view(tensor.shape) for name, tensor in one.tensors.items()}
    torch.save({"g_ema": small}, tmp_path / "network.pt")
    with pytest.raises(BadInput, match="more numbers than the file can hold"):
        read_checkpoint(tmp_path / "network.pt")


def test_a_cut_checkpoint_is_damaged(tmp_path: Path, shelf: Catalog) -> None:
    one = toy("stylegan2-ada-64")
    whole = one.pickle(tmp_path / "network.pkl").read_bytes()
    torch.save({"g_ema": community(one)}, tmp_path / "whole.pt")
    for name, data in [("cut.pkl", whole), ("cut.pt", (tmp_path / "whole.pt").read_bytes())]:
        (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(StudioError, match="is damaged") as caught:
            shelf.import_(tmp_path / name, "avatar", accept_licence=True)
        assert caught.value.status == 3


def test_a_full_disk_leaves_nothing(tmp_path: Path, shelf: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toy("stylegan2-ada-64").pickle(tmp_path / "network.pkl")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 10, 0))  # type: ignore[attr-defined]
    with pytest.raises(StudioError, match="Free some space"):
        shelf.import_(path, "avatar", accept_licence=True)
    assert list((tmp_path / "own").iterdir()) == []
