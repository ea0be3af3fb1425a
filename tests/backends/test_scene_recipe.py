"""The recipe of vector scenes: what is composed is without faults and as asked; a toy model learns and samples."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recipes.poster.scene.asks import Ask, Part, ask, held_out, phrase
from recipes.poster.scene.compose import compose
from studio.backends.poster.engine.scene_network import SceneConfig, SceneModel, sample
from studio.backends.poster.scene.elements import KINDS, MOST, ORDER, Element, Scene, faults
from studio.backends.poster.scene.rows import decode, encode
from studio.backends.poster.scene.words import FORMATS, GRAPHIC, PLACES, THINGS, tokens, vocabulary

ISLAND = Ask("island", "sunset", "clear", (("boat", 2),))


def asks(count: int) -> list[Ask]:
    """Random asks, every place among them."""
    drawn = [ask(random.Random(f"test {i}")) for i in range(count)]
    return drawn + [Ask(place, "day", "clear") for place in (*PLACES, *GRAPHIC)]


@pytest.mark.parametrize("what", asks(24), ids=lambda what: f"{what.place}-{what.hour}-{what.weather}")
def test_what_is_composed_has_no_fault_and_shows_the_things_asked_for(what: Ask) -> None:
    scene = compose(what, 1)
    count = Counter(e.kind for e in scene.elements)
    assert faults(scene) == []
    assert len(scene.elements) <= MOST
    assert count[what.hour] == 1
    for name, number in what.things:
        assert count[name] == number if number > 1 else count[name] > 0
    for slot, part in enumerate(what.parts, 1):
        assert count[f"{part.role}-{slot}"] == max(1, part.count)


def test_the_same_ask_and_seed_give_the_same_scene_and_another_seed_another() -> None:
    assert compose(ISLAND, 3) == compose(ISLAND, 3)
    assert compose(ISLAND, 3).elements != compose(ISLAND, 4).elements


def changed(scene: Scene, kind: str, **to: float) -> Scene:
    """The scene with the first element of a kind changed."""
    one = scene.having(kind)[0]
    return replace(scene, elements=tuple(replace(e, **to) if e is one else e for e in scene.elements))


def test_a_boat_on_land_or_cut_by_the_edge_or_of_a_giant_and_a_second_sun_are_faults() -> None:
    scene = compose(ISLAND, 1)
    assert "floating: boat" in faults(changed(scene, "boat", y=0.4))
    assert "cut: boat" in faults(changed(scene, "boat", x=0.01))
    assert "scale: boat" in faults(changed(scene, "boat", size=0.9))
    assert "doubled: sun" in faults(replace(scene, elements=(*scene.elements, Element("sun", 0.2, 0.2))))
    assert "missing: sky" in faults(replace(scene, elements=tuple(e for e in scene.elements if e.kind != "sunset")))


def test_a_scene_survives_the_rows_the_model_sees() -> None:
    scene = compose(ISLAND, 1)
    again = decode(encode(scene), scene.height, scene.seed)
    made = sorted(again.elements, key=lambda e: (ORDER[e.kind], e.x))
    assert [e.kind for e in made] == [e.kind for e in scene.elements]
    for a, b in zip(made, scene.elements, strict=True):
        assert (a.x, a.y, a.size, a.turn) == pytest.approx((b.x, b.y, b.size, b.turn), abs=1e-4)


def test_what_the_model_puts_twice_on_one_spot_or_too_often_is_there_once() -> None:
    boat = compose(ISLAND, 1).having("boat")[0]
    rows = encode(Scene((boat, replace(boat, x=boat.x + 0.001)), 1.5))
    assert len(decode(rows, 1.5, 0).having("boat")) == 1
    four = encode(Scene(tuple(replace(boat, x=0.2 * i) for i in range(1, 5)), 1.5))
    assert len(decode(four, 1.5, 0).having("boat")) == KINDS["boat"].most == 3


def test_what_is_asked_for_keeps_its_rows_whatever_else_there_is() -> None:
    parts = (Part("stander", "large", 2),)
    one, more = (Ask("hills", "day", "clear", things, parts=parts) for things in ((), (("balloon", 2),)))
    there = [np.flatnonzero(encode(compose(what, 1))[:, ORDER["stander-1"]] > 0).tolist() for what in (one, more)]
    assert there[0] == there[1]
    assert len(there[0]) == 2


def test_captions_use_known_words_only_and_name_what_is_asked() -> None:
    known = set(vocabulary())
    for i, what in enumerate(asks(200)):
        words = tokens(phrase(what, random.Random(i)))
        assert set(words) <= known
        for name, number in what.things:
            if number > 1:
                assert f"{('two', 'three')[number - 2]} {THINGS[name].many}" in words


def test_a_plural_without_a_number_is_read_as_two_of_a_thing() -> None:
    assert tokens("Boats and three balloons by a house") == ["two boats", "and", "three balloons", "by", "a", "house"]
    assert tokens("two deer, a deer") == ["two deer", "a", "deer"]
    assert tokens("village houses")[-1] == "houses"


def test_some_of_every_hundred_asks_are_held_out_and_no_place_or_hour_is() -> None:
    drawn = asks(400)
    kept = [what for what in drawn if not held_out(what)]
    assert 0.1 < 1 - len(kept) / len(drawn) < 0.4
    assert {what.place for what in kept} == {*PLACES, *GRAPHIC}
    assert {what.hour for what in kept} == {"dawn", "day", "sunset", "night"}


def test_a_toy_model_trains_two_steps_goes_on_from_there_and_samples_scenes(tmp_path: Path) -> None:
    from recipes.poster.scene.train import TrainingPlan, train

    config = SceneConfig(tuple(vocabulary()), width=32, layers=1, heads=2)
    plan = TrainingPlan(steps=2, batch=4, pool=4, fresh=1)
    train(tmp_path, plan, config)
    first = SceneModel.load(tmp_path / "model")
    train(tmp_path, replace(plan, steps=3), config)
    second = SceneModel.load(tmp_path / "model")
    assert not np.allclose(first.leave.weight.detach(), second.leave.weight.detach())
    heard: list[int] = []

    def made(seed: int) -> Scene:
        return sample(second, ["an island"], ["square"], [seed], 3, report=lambda step, _: heard.append(step))[0]

    assert made(7) == made(7)
    assert heard == [1, 2, 3, 1, 2, 3]
    assert made(7).height == FORMATS["square"]
    assert all(e.kind in KINDS for e in made(7).elements)
    assert made(7) != made(8)


def test_all_that_was_asked_is_found_in_what_is_composed_and_nothing_in_an_empty_scene() -> None:
    from recipes.poster.scene.measure import shows

    for what in asks(30):
        assert all(shows(compose(what, 2), what).values()), what
        found = shows(Scene((), what.height), what)
        assert not any(found[part] for part in ("place", "hour", *(name for name, _ in what.things)))
