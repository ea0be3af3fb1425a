"""Provenance: one value whose JSON is read back as it was written, by this studio and by others."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.errors import Message
from studio.export.formats import find_format
from studio.export.metadata import EmbeddedMetadata
from studio.library.asset import AssetRecord
from studio.media import codecs
from studio.media.payloads import Audio, Image, Svg, Text
from studio.media.provenance import Background, ModelOrigin, Provenance, embedded_note, parse_note

REQUEST = {"kind": "poster", "prompt": "海 --> <b>"}
FULL = Provenance(
    studio="1",
    model=ModelOrigin("poster-starter", "dit", "Apache-2.0", "ab"),
    models={"lora": ModelOrigin("inks", "lora", "mit", "cd"), "control": ModelOrigin("lines")},
    libraries={"torch": "2"},
    seed=7,
    device="cpu",
    edited=True,
    background=Background(REQUEST, Provenance(seed=8)),
    remark=Message("{n} words were read.", n=12),
    extra={"threads": "2"},
)

OTHERS: dict[str, Any] = {
    "nothing": {},
    "today": {"studio": "0.1.0", "model": {"id": "m", "sha256": "ab"}, "libraries": {"torch": "2"}, "seed": 1},
    "remark": {"remark": "Only the end was read."},
    "import": {"imported": "a.png"},
    "unknown": {"c2pa": {"signed": True}, "seed": 3},
    "odd": {"seed": "7", "model": "m", "libraries": [], "studio": 7, "edited": "yes", "device": None, "background": 1},
    "newer model": {"model": {"id": "m", "revision": "2"}},
    "models": {"models": {"lora": {"id": "inks", "sha256": "ab"}, "upscaler": {"id": "big"}}},
    "newer models": {"models": {"lora": {"id": "inks"}, "control": {"id": "m", "weight": "0.5"}}},
    "odd models": {"models": ["inks"]},
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_what_any_studio_wrote_is_written_back(data: dict[str, Any]) -> None:
    assert Provenance.from_json(data).to_json() == data


def test_every_fact_comes_back_through_json() -> None:
    again = Provenance.from_json(json.loads(json.dumps(FULL.to_json())))
    assert again == FULL
    assert str(again.remark) == "12 words were read."
    assert again.to_json()["remark"] == "12 words were read."  # which older studios read


def test_a_sidecar_of_an_older_studio_is_read_as_before() -> None:
    record = AssetRecord("a", 1, "poster", "2026-01/a.png", 0.0, "", 1, provenance=FULL)
    assert AssetRecord.from_json(record.to_json()) == record
    assert json.loads(record.to_json())["provenance"]["model"]["id"] == record.model == "poster-starter"


def test_every_kind_of_file_carries_it(tmp_path: Path) -> None:
    note = embedded_note(REQUEST, FULL, "all")
    payloads = (Image(np.zeros((2, 2, 3), np.uint8)), Audio(np.zeros((1, 8), np.float32), 8000), Text("a"))
    for payload in (*payloads, Svg("<svg xmlns='http://www.w3.org/2000/svg'></svg>")):
        path = tmp_path / f"a{codecs.suffix(payload)}"
        codecs.write(payload, path, note=note)
        assert parse_note(codecs.read_note(path)) == (REQUEST, FULL)


@pytest.mark.parametrize("form", ["png", "webp", "jpeg"])
def test_an_exported_picture_is_read_back(tmp_path: Path, form: Any) -> None:
    asset = AssetRecord("a", 1, "poster", "2026-01/a.png", 0.0, "", 1, request=REQUEST, provenance=FULL).to_asset(
        tmp_path
    )
    path = tmp_path / f"a.{form}"
    path.write_bytes(
        find_format(form).encode(Image(np.zeros((2, 2, 3), np.uint8)), EmbeddedMetadata(asset, "all"), "#ffffff")
    )
    request, provenance = parse_note(codecs.read_note(path))
    assert request == REQUEST
    assert provenance.exported
    assert provenance.model == FULL.model


def test_what_is_embedded_follows_the_setting() -> None:
    assert embedded_note(REQUEST, FULL, "none") is None
    alone = embedded_note(REQUEST, FULL, "provenance")
    assert alone is not None
    assert "request" not in alone
    assert alone["provenance"]["background"] == {"provenance": {"seed": 8}}
