"""Checkpoints that attack, lie or are cut: each is refused with the reason, nothing in it is run or even imported."""

from __future__ import annotations

import builtins
import copyreg
import importlib
import operator
import os
import pickle
import pickletools
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.checkpoints import read_checkpoint
from studio.errors import BadInput, StudioError


class Calls:
    """Pickles as a call of `function`, so that unpickling runs it."""

    def __init__(self, function: Callable[..., Any], *args: Any, state: Any = None) -> None:
        self.reduced = (function, args, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def written(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


def raw(path: Path, opcodes: bytes) -> Path:
    """A pickle of these opcodes, whatever they say."""
    path.write_bytes(b"\x80\x04" + opcodes)
    return path


def text(words: str) -> bytes:
    return b"X" + len(words).to_bytes(4, "little") + words.encode()


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


def refused(path: Path, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_checkpoint(path)
    assert "nothing in the file was run" in caught.value.hint


def damaged(path: Path, words: str) -> None:
    with pytest.raises(StudioError, match=words) as caught:
        read_checkpoint(path)
    assert not isinstance(caught.value, BadInput)


ATTACKS: dict[str, Callable[[str], Any]] = {
    "os.system": lambda command: Calls(os.system, command),
    "eval": lambda command: Calls(eval, f"__import__('os').system({command!r})"),
    "exec": lambda command: Calls(exec, f"import os; os.system({command!r})"),
    "getattr": lambda command: Calls(getattr, Calls(importlib.import_module, "os"), "system"),
    "import_module": lambda command: Calls(importlib.import_module, "os"),
    "__import__": lambda command: Calls(builtins.__import__, "os"),
    "Popen": lambda command: Calls(subprocess.Popen, ["/bin/sh", "-c", command]),
    "check_output": lambda command: Calls(subprocess.check_output, ["/bin/sh", "-c", command]),
    "attrgetter": lambda command: Calls(operator.attrgetter, "system"),
    "methodcaller": lambda command: Calls(operator.methodcaller, "system", command),
    "open": lambda command: Calls(open, command.split()[-1], "w"),
    "loads": lambda command: Calls(pickle.loads, pickle.dumps(Calls(os.system, command))),
    "setattr": lambda command: Calls(setattr, Calls(importlib.import_module, "sys"), "excepthook", None),
    "_reconstructor": lambda command: Calls(copyreg._reconstructor, Calls, object, None),
    "touch": lambda command: Calls(Path.touch, Path(command.split()[-1])),
}  # fmt: skip


@pytest.mark.parametrize("where", ["G_ema", "D", "a list", "the state of another"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_pickle_that_calls_something_is_refused_and_nothing_runs(attack: str, where: str, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    evil = ATTACKS[attack](f"touch {touched}")
    content = {"the state of another": Calls(dict, state=evil), "a list": [1, evil]}.get(where, {where: evil})
    for protocol in (2, 4):
        refused(written(tmp_path / "network.pkl", content, protocol), "it wants .* to be called, which no checkpoint")
    assert not touched.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch.jit", "load"),
        ("torch.serialization", "load"),
        ("numpy", "load"),
        ("numpy.f2py.crackfortran", "myeval"),
        ("torch.nn.modules.module", "Module.__init_subclass__"),
        ("torch_utils.persistence", "_module_to_src"),
        ("dnnlib.util", "open_url"),
        ("studio_attack_module", "f"),
    ],
)
def test_a_name_in_a_pickle_imports_nothing(
    module: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda *_args: pytest.fail("it was imported"))
    before = set(sys.modules)  # other tests may have brought torch
    opcodes = named(module, name) + text("https://example.org/evil") + b"\x85R."
    refused(raw(tmp_path / "network.pkl", opcodes), name.partition(".")[0])
    assert module in before or module not in sys.modules


def test_source_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    meta = {"type": "class", "class_name": "G", "module_src": "raise SystemExit", "state": {"_modules": {}}}
    opcodes = pickle.dumps(meta, protocol=4)[2:-1]
    call = named("torch_utils.persistence", "_reconstruct_persistent_obj")
    refused(raw(tmp_path / "network.pkl", call + opcodes + b"\x85R."), "no mapping network")


def test_the_extension_registry_is_not_used(tmp_path: Path) -> None:
    copyreg.add_extension("os", "system", 200)
    try:
        path = raw(tmp_path / "network.pkl", b"\x82\xc8" + text("touch x") + b"\x85R.")
        assert "EXT1" in [opcode.name for opcode, _, _ in pickletools.genops(path.read_bytes())]
        refused(path, "extension registry")
    finally:
        copyreg.remove_extension("os", "system", 200)


@pytest.mark.parametrize(
    ("opcodes", "words"),
    [
        (b"(S'touch x'\nios\nsystem\n.", "first, textual protocol|first protocol"),
        (b"(cos\nsystem\nS'x'\no.", "os.system"),
        (b"I01\n.", "textual protocol"),
        (b"Pmystery\n.", "textual protocol"),
        (b"\x97.", "buffers that are not in it"),
        (b"\x80\x01N.", "protocol 1"),
        (b"\x80\x06N.", "protocol 6"),
        (named("collections", "OrderedDict") + b"}b.", "wants to change collections.OrderedDict"),
        (b"})R.", "something to be called that it has made itself"),
        (b"NQ.", "refers to data that is not in it"),
        (named("_codecs", "encode") + text("x") + text("rot13") + b"\x86R.", "_codecs.encode to be called in a way"),
        (named("dnnlib.tflib.network", "Network") + b")\x81.", "TensorFlow version of StyleGAN"),
        (named("training.networks", "Generator") + b".", "Generator of training.networks"),
        (named("torch.nn.modules.linear", "Linear") + b")\x81.", "holds no network"),
    ],
)
def test_unsupported_opcodes_are_refused_with_the_reason(opcodes: bytes, words: str, tmp_path: Path) -> None:
    refused(raw(tmp_path / "network.pkl", opcodes), words)


def grown(times: int) -> bytes:
    """Ten references to a tuple of ten references to a tuple ...: ten to the power of `times` for who follows them."""
    step = b"".join(b"(" + bytes([ord("h"), i]) * 10 + b"t\x940" for i in range(times))
    return b")\x940" + step + bytes([ord("h"), times])


COLLIDING = b"".join(b"\x8a\x10" + (k * (2**61 - 1)).to_bytes(16, "little") + b"Ns" for k in range(2, 9))
"""Keys that all hash to nothing."""


@pytest.mark.parametrize(
    ("opcodes", "words"),
    [
        (grown(60) + b".", "holds no network"),
        (b"}" + grown(60) + b"Ns.", "keys what no checkpoint"),
        (b"](" * 200_000 + b".", "nested far deeper"),
        (b"N" * 200_000 + b".", "nested far deeper"),
        (b"}" + COLLIDING + b".", "keys"),
        (b"\x8b" + (2**30).to_bytes(4, "little"), "number of far more digits"),
        (b"X" + (2**31).to_bytes(4, "little"), "far more text"),
        (
            named("collections", "OrderedDict") + b"\x94](" + (text("k") + b"N\x86") * 10_000 + b"e\x940"
            + b"h\x00h\x01\x85R0" * 120 + b".",
            "far more of its parts",
        ),
    ],
)  # fmt: skip
def test_pickles_that_grow_without_end_are_refused(opcodes: bytes, words: str, tmp_path: Path) -> None:
    refused(raw(tmp_path / "network.pkl", opcodes), words)


def test_too_many_opcodes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.checkpoints.torch_files.read_pickle.__defaults__", (1000,))
    refused(raw(tmp_path / "network.pkl", b"N0" * 2000 + b"N."), "far more steps")


def test_a_network_that_contains_itself_is_refused(tmp_path: Path) -> None:
    call = named("torch_utils.persistence", "_reconstruct_persistent_obj") + b"\x94"
    meta = text("class_name") + text("G") + text("state")
    # state = {}; network = call(state); state["_modules"] = {"a": network, ..., "h": network}
    network = call + b"}(" + meta + b"}\x94u\x85R\x94"
    modules = b"h\x01" + text("_modules") + b"}(" + b"".join(text(name) + b"h\x02" for name in "abcdefgh") + b"us0."
    refused(raw(tmp_path / "network.pkl", network + modules), "nested far deeper than any StyleGAN")


@pytest.mark.parametrize("claim", [2**31 - 1, 2**62])
def test_a_length_beyond_the_end_is_a_damaged_file(claim: int, tmp_path: Path) -> None:
    damaged(raw(tmp_path / "network.pkl", b"\x8e" + claim.to_bytes(8, "little") + b"x"), "its end is missing")


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    whole = pickle.dumps({"G_ema": {"style.1.weight": [1, 2.5, "x", None, b"y" * 300]}, "n": (1,)}, protocol=4)
    for end in range(len(whole)):
        path = tmp_path / "network.pkl"
        path.write_bytes(whole[:end])
        with pytest.raises(StudioError):
            read_checkpoint(path)


def test_a_scrambled_file_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    whole = np.frombuffer(pickle.dumps({"G_ema": {"a": [1, (2.5, "x")], "b": {"c": b"y"}}}, protocol=4), np.uint8)
    path = tmp_path / "network.pkl"
    for _ in range(300):
        changed = whole.copy()
        changed[rng.integers(2, len(whole), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(changed.tobytes())
        with pytest.raises(StudioError):
            read_checkpoint(path)


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    path = tmp_path / "network.pkl"
    for content, words in [
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"hello", "neither a pickle nor a file that torch wrote"),
    ]:
        path.write_bytes(content)
        refused(path, words)
    path.write_bytes(b"")
    damaged(path, "empty")
    with tarfile.open(tmp_path / "network.pt", "w") as tar:
        tar.add(path, "pickle")
    refused(tmp_path / "network.pt", "tar archive")


@pytest.mark.parametrize(
    ("entries", "compressed", "words"),
    [
        ({"photo.png": b"x"}, False, "no checkpoint: torch's have a data.pkl"),
        ({"archive/data.pkl": b"\x80\x02N."}, True, "compressed"),
        ({"a/data.pkl": b"\x80\x02N.", "a/constants.pkl": b""}, False, "TorchScript"),
        ({"a/data.pkl": b"\x80\x02N.", "a/byteorder": b"big"}, False, "big-endian"),
        ({"a/data.pkl": b"\x80\x02cos\nsystem\nX\x01\x00\x00\x00x\x85R."}, False, "os.system to be called"),
    ],
)
def test_zips_that_are_no_checkpoint_are_refused(
    entries: dict[str, bytes], compressed: bool, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "network.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    refused(path, words)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    damaged(path, "zip")


def test_a_file_without_a_generator_is_refused_with_the_reason(tmp_path: Path) -> None:
    refused(written(tmp_path / "network.pkl", {"weights": 1}), "holds no mapping network")
    refused(written(tmp_path / "network.pkl", ["a", "b"]), "holds no network")
    save_file({"mapping.fc0.weight": np.zeros((4, 4), np.float32)}, tmp_path / "some.safetensors")
    refused(tmp_path / "some.safetensors", "no generator of a StyleGAN2 or StyleGAN3")
    save_file({"mapping.fc0.weight": np.zeros((4, 4), np.int32)}, tmp_path / "some.safetensors")
    refused(tmp_path / "some.safetensors", "I32")


def test_names_of_unknown_modules_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a module that is there and would answer is not looked at."""
    trap = ModuleType("collections_of_traps")
    monkeypatch.setitem(sys.modules, trap.__name__, trap)
    monkeypatch.setattr(trap, "__getattr__", lambda name: pytest.fail(f"{name} was looked up"), raising=False)
    refused(raw(tmp_path / "network.pkl", named(trap.__name__, "spring") + b")R."), "collections_of_traps.spring")
