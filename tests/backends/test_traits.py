"""The order of a slider's values is what a network's own pictures tell: tried with one that draws exactly."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from studio.backends.avatar import traits
from studio.backends.avatar.attributes import NONE, Table
from tests.backends.toys import TABLE

SIZES = {"smile": 3, "frown": 0, "laughing": 4, "serious": 1}


class Exact(nn.Module):
    """Draws what a condition says: hair as a dark or light band, a mouth of some width, glasses in their colour."""

    shape = SimpleNamespace(z_dim=6)

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.table, self.here = table, nn.Parameter(torch.zeros(()))

    def mapping(self, _z: Tensor, c: Tensor) -> Tensor:
        return c

    def broadcast(self, w: Tensor) -> Tensor:
        return w[:, None]

    def synthesis(self, ws: Tensor, _noise: str) -> Tensor:
        picture = -torch.ones(len(ws), 4, 16, 16)
        hair, mouth, glasses, colour = self.table.styles[0].attributes
        for made, code in zip(picture, ws[:, 0], strict=True):
            at = self.table.starts[0]
            parts: list[Tensor] = []
            for one in (hair, mouth, glasses, colour):
                parts.append(code[at : at + one.width])
                at += one.width
            made[:3, :4] = parts[0][:3, None, None]
            made[:, 10:12, : 3 * int(torch.tensor([SIZES[v] for v in mouth.values])[parts[1].argmax()]) + 1] = 1
            if parts[2].any():
                made[:3, 6:8] = parts[3][:3, None, None]
        return picture


def test_what_needs_another_part_is_looked_at_where_that_is() -> None:
    found = traits.build(Exact(TABLE), TABLE)
    names = {track.name: track for track in found.styles[0]}
    assert set(names) == {"Hair colour", "Mouth", "Glasses", "Glasses colour"}
    assert names["Glasses"].order[0] == NONE
    mouth = TABLE.styles[0].attributes[1]
    assert [mouth.values[pick] for pick in names["Mouth"].order] == ["frown", "serious", "smile", "laughing"]
    assert found.styles[1] == (), "the other style is drawn alike whatever its skin"


def test_the_usual_drawing_has_the_most_frequent_parts_and_the_mean_colours() -> None:
    table = Table.from_json(
        {
            "styles": [
                {
                    "name": "round",
                    "count": 12,
                    "attributes": [
                        {"name": "hair", "kind": "part", "values": ["a", "b"], "counts": [3, 9]},
                        {"name": "skin", "kind": "colour", "values": ["#000000", "#ffffff"], "counts": [3, 9]},
                        {"name": "hat", "kind": "part", "values": ["x"], "counts": [5], "none": 7},
                        {"name": "hatColor", "kind": "colour", "values": ["#ff0000"], "counts": [5], "with": "hat"},
                    ],
                }
            ]
        }
    )
    vector = table.usual(0)
    np.testing.assert_allclose(vector, [1, 0, 1, 0.5, 0.5, 0.5, 1, 0, 0, 0, 0, 0])
