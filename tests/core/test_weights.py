"""Safetensors headers: whole files pass, and each way of being damaged is refused before anything is loaded."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from studio.errors import StudioError
from studio.models import weights


def made(path: Path, table: Any, data: bytes = b"", length: int | None = None) -> Path:
    head = table if isinstance(table, bytes) else json.dumps(table).encode()
    path.write_bytes((len(head) if length is None else length).to_bytes(8, "little") + head + data)
    return path


def entry(shape: list[Any], begin: Any, end: Any, dtype: Any = "F32") -> Mapping[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_a_file_of_the_library_passes(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    arrays = {"b": np.zeros((3, 4), np.float16), "a": np.ones(5, np.int64), "none": np.zeros((0, 2), np.float32)}
    save_file(arrays, path, metadata={"modelspec.license": "MIT"})
    weights.check_file(path)
    header = weights.read_header(path)
    assert {name: tensor.shape for name, tensor in header.tensors.items()} == {"a": (5,), "b": (3, 4), "none": (0, 2)}
    assert header.tensors["b"].dtype == "F16"
    assert header.metadata == {"modelspec.license": "MIT"}


def test_padding_after_the_table_and_part_bytes_are_fine(tmp_path: Path) -> None:
    table = json.dumps({"a": entry([2, 2], 0, 2, "F4")}).encode() + b"   "
    weights.check_file(made(tmp_path / "m.safetensors", table, b"ab"))


@pytest.mark.parametrize("cut", [0, 4, 8, 40, -1, -500])
def test_a_truncated_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": np.zeros(200, np.float32)}, path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StudioError, match=r"model\.safetensors is damaged") as caught:
        weights.check_file(path)
    assert caught.value.hint
    assert caught.value.status == 3


@pytest.mark.parametrize(
    ("table", "data", "why"),
    [
        (b"not json", b"", "header is not valid"),
        (b"[1]", b"", "header is not valid"),
        (b"[" * 200_000, b"", "header is not valid"),
        (b'{"a": {"dtype":' + b"[" * 200_000, b"", "header is not valid"),
        (b'{"a": ' + b"9" * 6000 + b"}", b"", "header is not valid"),
        (b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, "a": 1}', b"x", "header is not valid"),
        ({"a": 1}, b"", "header is not valid"),
        ({"__metadata__": 3}, b"", "header is not valid"),
        (b'{"\xff": 1}', b"", "header is not valid"),
        ({"a": entry([2], 0, 8, "O8")}, b"x" * 8, "header is not valid"),
        ({"a": entry([2], 0, 8, ["F32"])}, b"x" * 8, "header is not valid"),
        ({"a": entry([-2], 0, 8)}, b"x" * 8, "header is not valid"),
        ({"a": entry([True], 0, 4)}, b"x" * 4, "header is not valid"),
        ({"a": entry([2.0], 0, 8)}, b"x" * 8, "header is not valid"),
        ({"a": entry([2**64], 0, 8)}, b"x" * 8, "header is not valid"),
        ({"a": entry([2**40, 2**40], 0, 8)}, b"x" * 8, "do not fit their shapes"),
        ({"a": entry([2], 8, 0)}, b"x" * 8, "do not fit their shapes"),
        ({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, b"x" * 12, "overlap"),
        ({"a": entry([2], 4, 12)}, b"x" * 12, "gap"),
        ({"a": entry([2], 0, 8)}, b"x" * 7, "its end is missing"),
        ({"a": entry([2], 0, 8)}, b"x" * 9, "something after it"),
    ],
)
def test_a_damaged_header_is_refused_with_the_reason(tmp_path: Path, table: Any, data: bytes, why: str) -> None:
    with pytest.raises(StudioError, match=why):
        weights.check_file(made(tmp_path / "m.safetensors", table, data))


def test_a_header_that_claims_a_terabyte_is_never_read(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="does not begin like"):
        weights.check_file(made(tmp_path / "m.safetensors", b"{}", length=2**40))
    path = made(tmp_path / "sparse.safetensors", b"{}", length=10**8 + 1)
    os.truncate(path, 10**8 + 100)
    with pytest.raises(StudioError, match="does not begin like"):
        weights.check_file(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [(b"no", "not valid"), (b"[1]", "no object"), (b"[" * 200_000, "nested"), (b'{"a": 1, "a": 1}', "twice")],
)
def test_damaged_json_beside_the_weights_is_refused(tmp_path: Path, text: bytes, why: str) -> None:
    (tmp_path / "config.json").write_bytes(text)
    with pytest.raises(StudioError, match=rf"config\.json is damaged: .*{why}"):
        weights.read_json(tmp_path / "config.json")


def test_reading_a_header_loads_no_torch(tmp_path: Path) -> None:
    path = made(tmp_path / "m.safetensors", {"a": entry([2], 0, 8)}, b"x" * 8)
    code = (
        "import sys; from pathlib import Path; from studio.models import weights;"
        f" weights.read_header(Path({str(path)!r})); print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match=r"nothing\.safetensors cannot be read"):
        weights.check_file(tmp_path / "nothing.safetensors")


def test_json_beside_the_weights_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "llama"}', encoding="utf-8")
    assert weights.read_json(path) == {"model_type": "llama"}
    monkeypatch.setattr(weights, "JSON_LIMIT", 10)
    with pytest.raises(StudioError, match="too large"):
        weights.read_json(path)


def test_the_fingerprint_is_the_hash_of_sorted_lines(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    save_file({"a": np.zeros(2, np.float32)}, tmp_path / "unet" / "x.safetensors")
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "a.safetensors")
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    files = [tmp_path / "a.safetensors", tmp_path / "unet" / "x.safetensors"]
    names = ["a.safetensors", "unet/x.safetensors"]
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n" for file, name in zip(files, names, strict=True)
    ]
    expected = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    assert weights.fingerprint(tmp_path) == (sum(file.stat().st_size for file in files), expected)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"<!doctype html><html>", "it is a web page and no"),
        (b"PK\x03\x04", "it is a zip archive and no"),
        (b"\x80\x04\x95", "it is a pickle and no"),
        (b"version https://git-lfs.github.com/spec/v1", "only a pointer to a file"),
        (b"\x1f\x8b\x08", "a compressed archive"),
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".gguf"])
def test_a_file_of_another_kind_is_named_for_what_it_is(tmp_path: Path, suffix: str, head: bytes, words: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(head.ljust(200, b" "))
    with pytest.raises(StudioError, match=words):
        weights.check_file(path)


def test_a_gguf_file_under_another_name_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"GGUF".ljust(200, b"\0"))
    with pytest.raises(StudioError, match="it is a GGUF file and no safetensors file"):
        weights.check_file(path)
