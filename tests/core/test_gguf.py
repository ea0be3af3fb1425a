"""Headers of GGUF files: what they say, and that damaged or hostile ones are refused in words."""

from __future__ import annotations

import contextlib
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter

from studio.models.gguf import BLOCKS, DamagedGguf, read_header


@pytest.fixture
def path(tmp_path: Path) -> Path:
    writer = GGUFWriter(tmp_path / "model.gguf", "llama")
    writer.add_context_length(128)
    writer.add_name("Ein kleines Modell 图")
    writer.add_token_list(["<s>", "a", "猫"])
    writer.add_token_scores([0.0, -1.5, 2.0])
    writer.add_array("test.empty", [""])
    writer.add_bool("test.flag", True)
    writer.add_tensor("a.weight", np.ones((3, 32), np.float32))
    writer.add_tensor("b.weight", np.zeros((2, 34), np.uint8), raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "model.gguf"


def test_reads_what_the_format_s_own_writer_wrote(path: Path) -> None:
    header = read_header(path)
    assert header.architecture == "llama"
    assert header.count(".context_length") == 128
    assert header.text("general.name") == "Ein kleines Modell 图"
    assert header.metadata["tokenizer.ggml.tokens"] == ["<s>", "a", "猫"]
    assert header.metadata["tokenizer.ggml.scores"] == [0.0, -1.5, 2.0]
    assert header.metadata["test.flag"] is True
    tensor = header.tensors["b.weight"]
    assert (tensor.dtype, tensor.shape, tensor.size) == ("Q8_0", (32, 2), 68)
    assert header.tensors["a.weight"].shape == (32, 3)


def test_knows_the_sizes_of_all_types_that_the_format_s_own_library_knows() -> None:
    from gguf import GGML_QUANT_SIZES

    known = {int(kind): (kind.name, *sizes) for kind, sizes in GGML_QUANT_SIZES.items()}
    assert {kind: known[kind] for kind in BLOCKS} == dict(BLOCKS)


def test_every_cut_is_noticed(path: Path) -> None:
    whole = path.read_bytes().rstrip(b"\0")  # which only fill up
    for length in range(0, len(whole) - 68, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedGguf):
            read_header(path)


def test_changed_bytes_end_in_a_header_or_in_words(path: Path) -> None:
    whole = path.read_bytes()
    rng = random.Random(0)
    for _ in range(600):
        changed = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(changed))
            changed[at] = rng.randrange(256)
        path.write_bytes(changed)
        with contextlib.suppress(DamagedGguf):  # and nothing else
            read_header(path)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"<!doctype html>", "does not begin like a GGUF file"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**62, 2**62), "counts more than it holds"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**63), "counts more than it holds"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q1sI", 1, b"a", 77) + bytes(20), "type 77"),
        (b"GGUF", "its end is missing"),
    ],
)
def test_other_files_are_named_for_what_is_wrong(tmp_path: Path, head: bytes, words: str) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(head)
    with pytest.raises(DamagedGguf, match=words):
        read_header(path)
