"""The order of a slider's values is what a network's own pictures tell: tried with one that draws exactly."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

from recipes.avatar import slider_order
from studio.backends.avatar.attributes import NONE, AttributeTable
from studio.backends.avatar.requests import SliderValue
from studio.backends.avatar.slider_tracks import SliderTracks
from tests.backends.toys import TABLE

SIZES = {"smile": 3, "frown": 0, "laughing": 4, "serious": 1}


class Exact(nn.Module):
    """Draws what a condition says: hair as a dark or light band, a mouth of some width, glasses in their colour."""

    shape = SimpleNamespace(z_dim=6)

    def __init__(self, table: AttributeTable) -> None:
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
    found = slider_order.order_sliders(Exact(TABLE), TABLE)
    names = {track.name: track for track in found.styles[0]}
    assert set(names) == {"Hair colour", "Mouth", "Glasses", "Glasses colour"}
    assert names["Glasses"].order[0] == NONE
    mouth = TABLE.styles[0].attributes[1]
    assert [mouth.values[pick] for pick in names["Mouth"].order] == ["frown", "serious", "smile", "laughing"]
    assert found.styles[1] == (), "the other style is drawn alike whatever its skin"


def test_the_usual_drawing_has_the_most_frequent_parts_and_the_mean_colours() -> None:
    table = AttributeTable.from_json(
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


def test_a_colour_of_what_is_not_there_is_none_in_whatever_order_sliders_were_moved() -> None:
    plain = SliderTracks.by_name(TABLE)
    style = next(style for style in TABLE.styles if any(one.needs for one in style.attributes))
    which = TABLE.style(style.name)
    names = {track.attribute: track.name for track in plain.styles[which]}
    colour = next(one for one in style.attributes if one.needs)
    worn = next(one for one in style.attributes if one.name == colour.needs)
    at = TABLE.starts[which] + sum(one.width for one in style.attributes[: style.attributes.index(colour)])

    def code(picks: list[int], *moved: tuple[str, float]) -> np.ndarray:
        found = plain.condition(which, picks, [SliderValue(names[name], value) for name, value in moved])
        return found[at : at + colour.width]

    without = [NONE if one.name in (worn.name, colour.name) else 0 for one in style.attributes]
    wearing = [0 for _ in style.attributes]
    assert not code(without, (colour.name, 1.0)).any(), "it was put back to what the seed drew, which wears none"
    assert not code(wearing, (worn.name, 0.0), (colour.name, 1.0)).any()
    assert not code(wearing, (colour.name, 1.0), (worn.name, 0.0)).any()
    one_way = code(without, (worn.name, 1.0), (colour.name, 1.0))
    assert one_way.any()
    np.testing.assert_array_equal(one_way, code(without, (colour.name, 1.0), (worn.name, 1.0)))
    again = code(wearing, (worn.name, 0.0), (worn.name, 1.0))
    np.testing.assert_array_equal(again, colour.code(0))  # only where it stands at last counts


def test_an_attribute_that_needs_what_the_drawings_do_not_have_is_a_slider_like_others() -> None:
    colours = {"name": "hatColor", "kind": "colour", "values": ["#ff0000", "#00ff00"], "counts": [5, 5], "with": "hat"}
    table = AttributeTable.from_json({"styles": [{"name": "round", "count": 10, "attributes": [colours]}]})
    assert list(SliderTracks.by_name(table).positions(0, [1], ())) == ["Hat color"]
