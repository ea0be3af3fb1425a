"""Things that a prompt names: their drawings, how they are read and placed, and the posters that are no landscapes."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recipes.poster.scene.asks import Ask, Part
from recipes.poster.scene.compose import compose
from studio.backends.poster.engine.scene_network import SceneConfig, SceneModel
from studio.backends.poster.scene import drawings
from studio.backends.poster.scene.draw import draw
from studio.backends.poster.scene.elements import BACKDROPS, HOURS, PARTS, Element, Scene, box, faults
from studio.backends.poster.scene.ink import Ink
from studio.backends.poster.scene.light import light
from studio.backends.poster.scene.pen import document, group
from studio.backends.poster.scene.prompt import OTHERS, Noun, misses, read
from studio.backends.poster.scene.raster import pixels
from studio.backends.poster.scene.render import svg
from studio.backends.poster.scene.rows import decode, encode
from studio.backends.poster.scene.words import FORMATS, GRAPHIC, SIZES, tokens, vocabulary

WORDS = frozenset(vocabulary())
CELL, COLUMNS = 14, 10


@pytest.mark.parametrize("first", range(0, 1200, 50))
def test_every_drawing_is_drawn_within_its_box(first: int) -> None:
    known = list(drawings.drawings().values())[first : first + 50]
    ink = Ink(1.0, light("day", 0.5, set()), random.Random(0), 0.2)
    marks: list[str] = []
    for i, one in enumerate(known):
        x, y = i % COLUMNS, i // COLUMNS
        ink.pen.begin(one.name)
        draw(ink, Element("flyer-1", x + 0.5, y + 0.5, 0.86, drawing=one.name, aspect=one.aspect), snowy=False)
        marks.append(group(one.name, one.name, ink.pen.marks))
    rows = 50 // COLUMNS
    picture = pixels(document(marks, (COLUMNS * CELL, rows * CELL), 0, 0, COLUMNS, rows))
    cells = (picture.max(-1) > 8).reshape(rows, CELL, COLUMNS, CELL).swapaxes(1, 2).reshape(50, CELL, CELL)
    inner = cells[:, 1:-1, 1:-1].mean((1, 2))
    edges = np.asarray(np.stack([cells[:, 0], cells[:, -1], cells[..., 0], cells[..., -1]]).any((0, 2)))
    assert [one.name for one, share in zip(known, inner, strict=False) if share < 0.03] == []
    assert [one.name for one, out in zip(known, edges, strict=False) if out] == []
    assert not inner[len(known) :].any()


def test_names_are_unique_and_every_drawing_says_its_licence_and_its_author() -> None:
    known = drawings.drawings()
    sets = {one.name: one for one in drawings.sets()}
    assert 900 < len(known) <= 1200
    for words in (
        [w for one in known.values() for w in one.english],
        [w for one in known.values() for w in one.chinese],
    ):
        assert [word for word, count in Counter(words).items() if count > 1] == []
    for one in known.values():
        assert one.english, one
        assert one.size in SIZES, one
        assert f"{one.role}-1" in PARTS, one
        assert sets[one.set].licence in ("CC-BY-4.0", "CC-BY-3.0", "Apache-2.0"), one
        assert one.author or "authors named" not in sets[one.set].author, one
    assert drawings.FILE.stat().st_size < 3_500_000


def test_words_lead_to_drawings_and_those_that_come_near_are_not_names() -> None:
    known = drawings.drawings()
    for table in (drawings.english(), drawings.chinese()):
        assert all(set(names) <= set(known) for names in table.values())
    near = drawings.near()
    assert len(near) > 400
    assert set(near.values()) <= set(known)
    assert not set(near) & (set(drawings.english()) | set(OTHERS) | WORDS)


@pytest.mark.parametrize(
    ("prompt", "place", "parts", "unknown"),
    [
        ("jazz concert, saxophone player", "stage", {"hero-1": ("saxophone", 1)}, ()),
        ("elephant in the desert at sunset", "", {"stander-1": ("elephant", 1)}, ()),
        ("a rocket over the mountains at night", "", {"flyer-1": ("rocket", 1)}, ()),
        ("lost cats", "plain", {"hero-1": ("cat", 2)}, ("lost",)),
        ("three foxes and two wolves", "plain", {"hero-1": ("fox", 3), "hero-2": ("wolf", 2)}, ()),
        ("2 cherries on a table", "table", {"stander-1": ("cherries", 2)}, ()),
        ("fire truck in the city", "", {"stander-1": ("fire-engine", 1)}, ()),
        ("a whale by the coast", "", {"floater-1": ("whale", 1)}, ()),
        ("a duck in the forest", "", {"stander-1": ("duck", 1)}, ()),
        ("两只熊猫 竹林", "", {"stander-1": ("panda", 2)}, ()),
        ("太空里的宇航员", "space", {"flyer-1": ("astronaut", 1)}, ()),
        ("a guitar, 3 pianos", "plain", {"hero-1": ("guitar", 1), "hero-2": ("piano", 3)}, ()),
        ("a lighthouse on the coast at night with two boats", "", {}, ()),
    ],
)  # fmt: skip
def test_what_a_prompt_names_gets_a_role_and_a_drawing(
    prompt: str, place: str, parts: dict[str, tuple[str, int]], unknown: tuple[str, ...]
) -> None:
    asked = read(prompt, WORDS)
    assert asked.place == place
    assert {kind: (noun.drawing, noun.count) for kind, noun in asked.parts.items()} == parts
    assert asked.unknown == unknown
    assert set(tokens(" ".join(asked.told))) <= WORDS


def test_a_model_that_leaves_no_drawing_to_the_prompt_reads_as_before() -> None:
    older = frozenset(word for word in WORDS if "<" not in word)
    asked = read("jazz concert, saxophone player", older)
    assert not asked.parts
    assert asked.unknown == ("jazz", "saxophone player")


def test_a_word_that_nothing_is_called_is_shown_by_the_nearest_and_that_is_said() -> None:
    word, name = next((word, name) for word, name in drawings.near().items())
    asked = read(f"a {word}", WORDS)
    assert {kind: (noun.drawing, noun.near) for kind, noun in asked.parts.items()} == {"hero-1": (name, True)}
    called = drawings.drawings()[name].english[0]
    scene = asked.dressed(Scene((Element("day"), Element("hero-1"))))
    assert str(asked.remark(scene)) == f"Understood: {word}. Shown by the nearest drawing: {word} – {called}."


def test_many_small_ones_are_scattered_where_something_else_is_asked_for_too() -> None:
    asked = read("an owl and autumn leaves", WORDS)
    assert asked.scattered == "autumn-leaf"
    assert [noun.drawing for noun in asked.parts.values()] == ["owl"]
    assert "<scatter>" in asked.told
    assert [noun.drawing for noun in read("autumn leaves", WORDS).parts.values()] == ["autumn-leaf"]


@pytest.mark.parametrize(
    "prompt",
    ["saxophone " * 400, "a" * 4000, "两" * 4000, "(<hero 1>" * 450, "two " * 1000, "大象" * 2000, "two two cats"],
)
def test_any_prompt_is_read_and_told_in_few_words(prompt: str) -> None:
    assert len(read(prompt, WORDS).told) <= 32


def test_a_scene_is_dressed_in_what_was_asked_and_what_nobody_asked_for_goes() -> None:
    asked = read("a giraffe in the hills", WORDS)
    giraffes = Element("stander-1", x=0.99, y=1.2, size=0.5), Element("stander-2", y=1.2)
    scene = Scene((Element("day"), *giraffes, Element("scatter")))
    dressed = asked.dressed(scene)
    assert [(e.kind, e.drawing) for e in dressed.elements] == [
        ("day", ""),
        ("stander-1", "giraffe"),
        ("scatter", "music-note"),
    ]
    giraffe = dressed.having("stander-1")[0]
    assert 0.98 < box(giraffe)[2] < 1
    assert giraffe.aspect == drawings.drawings()["giraffe"].aspect
    assert giraffe.nominal == SIZES["tall"]


def test_a_scene_with_what_was_asked_for_is_nearer_than_one_without_and_the_wrong_place_is_further() -> None:
    asked = read("a cat", WORDS)
    right = asked.dressed(compose(Ask("plain", "day", "clear", parts=(Part("hero", "small"),)), 1))
    without = replace(right, elements=tuple(e for e in right.elements if e.kind != "hero-1"))
    elsewhere = compose(Ask("hills", "day", "clear"), 1)
    assert misses(right, asked) < misses(without, asked) < misses(elsewhere, asked)


@pytest.mark.parametrize("place", list(GRAPHIC))
@pytest.mark.parametrize("form", list(FORMATS))
def test_graphic_posters_are_composed_without_faults_and_drawn_to_every_edge(place: str, form: str) -> None:
    role = {"plain": "hero", "stage": "hero", "table": "stander"}.get(place, "flyer")
    parts = (Part(role, "middle"),)
    for seed, hour in enumerate(HOURS):
        what = Ask(place, "night" if place == "space" else hour, "clear", (), form, parts)
        scene = compose(what, seed)
        assert faults(scene) == []
        assert any(e.kind == f"{role}-1" for e in scene.elements)
        noun = Noun("saxophone", "saxophone")
        dressed = replace(read("", WORDS), parts={f"{role}-1": noun}, place=place).dressed(scene)
        for size in ((60, 90), (120, 50), (50, 130)):
            text = svg(dressed, *size)
            assert "saxophone" in [g.get("id") for g in ET.fromstring(text)]
            assert (pixels(text).reshape(-1, 3).max(1) > 0).all()


def test_graphic_posters_of_one_ask_have_many_patterns() -> None:
    rows = encode(compose(Ask("plain", "day", "clear", parts=(Part("hero", "small"),)), 1))
    kinds = {e.kind for seed in range(40) for e in decode(rows, 1.5, seed).having(*BACKDROPS)}
    assert kinds == set(BACKDROPS)


def test_training_begins_with_the_weights_of_a_model_that_knew_less(tmp_path: Path) -> None:
    from recipes.poster.scene.train import begin_with

    torch.manual_seed(1)
    words = tuple(vocabulary())
    older = SceneModel(SceneConfig(words[3:], width=32, layers=1, heads=2))
    older.save(tmp_path)
    model = SceneModel(SceneConfig(words, width=32, layers=1, heads=2))
    begin_with(model, tmp_path)
    assert torch.equal(model.word.weight[4:], older.word.weight[1:])
    assert torch.equal(model.leave.weight, older.leave.weight)
    assert torch.equal(model.enter.weight, older.enter.weight)
    with pytest.raises(ValueError, match="other sizes"):
        begin_with(SceneModel(SceneConfig(words, width=64, layers=1, heads=2)), tmp_path)
