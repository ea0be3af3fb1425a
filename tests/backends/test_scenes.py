"""The scene engine with the bundled model and at toy size: what is asked is drawn, said, stopped and refused."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recipes.poster.scene.asks import Ask
from recipes.poster.scene.compose import compose
from studio.backends import families
from studio.backends.poster.engine.by_family import PosterFamilyEngine
from studio.backends.poster.engine.scene_network import SceneConfig, SceneModel
from studio.backends.poster.engine.scene_trial import try_out
from studio.backends.poster.engine.scenes import PREVIEW_EVERY, SceneEngine
from studio.backends.poster.requests import MEDIUM, PosterRequest
from studio.backends.poster.scene import SCENE
from studio.backends.poster.scene.check import check, shapes
from studio.backends.poster.scene.elements import Element, Scene, faults
from studio.backends.poster.scene.light import _oklab, light, turned
from studio.backends.poster.scene.prompt import CHINESE, HEADS, OTHERS, misses, read
from studio.backends.poster.scene.render import svg
from studio.backends.poster.scene.vary import varied
from studio.backends.poster.scene.words import THINGS, tokens, vocabulary
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Bundle, Image, Svg
from studio.models import detect
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources

WORDS = frozenset(vocabulary())


class Diary(list[Progress]):
    """A report that keeps everything, and cancels after so many steps."""

    def __init__(self, stop: int = 10**9) -> None:
        super().__init__()
        self._stop = stop

    def __call__(self, progress: Progress) -> None:
        self.append(progress)
        if progress.stage == "painting" and progress.done >= self._stop:
            raise Cancelled


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("scene")
    SceneModel(SceneConfig(tuple(vocabulary()), width=32, layers=1, heads=2)).save(folder)
    return folder


def loaded(folder: Path) -> SceneEngine:
    engine = SceneEngine()
    engine.load(Resources(Model("toy", "poster", SCENE, "Toy", "", folder)), Diary())
    return engine


@pytest.fixture(scope="module")
def small(toy: Path) -> SceneEngine:
    return loaded(toy)


@pytest.fixture(scope="module")
def starter() -> PosterFamilyEngine:
    """The bundled model, as its task finds it."""
    engine = PosterFamilyEngine()
    engine.load(Resources(Catalog().get(MEDIUM.starter)), Diary())
    return engine


def made(engine: Any, report: Diary | None = None, **changes: Any) -> tuple[np.ndarray, str, str]:
    """The pixels, the SVG and the remark."""
    request = PosterRequest(**{"width": 64, "height": 96, "steps": 2, "guidance": 1.5, **changes})
    (bundle,) = engine.run(request, Diary() if report is None else report)
    assert isinstance(bundle, Bundle)
    drawing = bundle.parts["svg"]
    assert isinstance(bundle.main, Image)
    assert isinstance(drawing, Svg)
    return bundle.main.pixels, drawing.text, str(bundle.main.remark)


def names(drawing: str) -> list[str]:
    return [str(each.get("id")) for each in ET.fromstring(drawing) if each.tag.endswith("}g")]


def test_the_starter_draws_what_it_is_asked_for_and_says_what_it_does_not_know(starter: PosterFamilyEngine) -> None:
    prompt = "a lighthouse on the coast at night with two boats and a whatnot"
    pixels, drawing, remark = made(starter, prompt=prompt, steps=30, seed=5, width=120, height=160)
    assert pixels.shape == (160, 120, 3)
    found = names(drawing)
    assert {"lighthouse-1", "boat-1", "boat-2", "night-1"} <= set(found)
    assert remark == "Understood: lighthouse, coast, night, two boats. Not known: whatnot."


def test_the_starter_reads_chinese(starter: PosterFamilyEngine) -> None:
    _, drawing, remark = made(starter, prompt="沙漠日落，三只热气球和橡皮筋", steps=30, seed=1)
    assert {"sunset-1", "balloon-3"} <= set(names(drawing))
    assert remark == "Understood: 沙漠, 日落, 三只热气球. Not known: 橡皮筋."


@pytest.mark.parametrize("size", [(64, 96), (150, 50), (90, 90), (65, 190)])
def test_a_poster_has_the_size_that_was_asked_for_and_its_drawing_too(
    small: SceneEngine, size: tuple[int, int]
) -> None:
    pixels, drawing, _ = made(small, width=max(64, size[0]), height=max(64, size[1]))
    assert pixels.shape == (max(64, size[1]), max(64, size[0]), 3)
    head = ET.fromstring(drawing)
    assert (head.get("width"), head.get("height")) == (str(pixels.shape[1]), str(pixels.shape[0]))


def test_the_same_request_is_the_same_poster_and_another_seed_another(small: SceneEngine, toy: Path) -> None:
    first, again, fresh = made(small, seed=7), made(small, seed=7), made(loaded(toy), seed=7)
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1] == fresh[1]
    assert first[1] != made(small, seed=8)[1]


def test_scenes_of_neighbouring_seeds_differ_in_light_and_side() -> None:
    scene = Scene((Element("sunset", tint=0.3), Element("boat", x=0.2, turn=0.5), Element("sun", x=0.7)))
    assert varied(scene, 7, 0.0) == scene
    four = [varied(scene, seed, 1.0) for seed in (7, 8, 9, 10)]
    tints = sorted(made.sky.tint for made in four if made.sky is not None)
    assert min(later - one for one, later in pairwise(tints)) > 0.1
    assert tints[-1] - tints[0] > 0.5
    hues = [made.hue for made in four]
    assert len({round(hue, 3) for hue in hues}) == 4
    assert 0.03 < max(hues) - min(hues) < 0.15
    boats = [made.having("boat")[0] for made in four]
    assert [(boat.x, boat.turn) for boat in boats] == [(0.8, -0.5), (0.2, 0.5)] * 2
    assert all(boat.tint == 0.5 for boat in boats), "the light alone changes"
    half = varied(scene, 8, 0.5).sky
    assert half is not None
    assert min(0.3, four[1].sky.tint) < half.tint < max(0.3, four[1].sky.tint)  # type: ignore[union-attr]


def test_light_that_is_turned_is_as_bright_and_of_another_hue() -> None:
    before = light("sunset", 0.4, set())
    after = turned(before, 0.07)
    assert turned(before, 0.0) is before
    for one, other in zip((*before.sky, before.haze), (*after.sky, after.haze), strict=True):
        apart = _oklab(np.array(one)) - _oklab(np.array(other))
        assert abs(apart[0]) < 0.03
        assert np.abs(apart[1:]).max() > 0.005
    scene = Scene((Element("sunset", tint=0.4), Element("sun", x=0.5)), seed=3)
    assert svg(scene, 40, 60) != svg(replace(scene, hue=0.07), 40, 60)


@pytest.mark.parametrize("place", ["coast", "mountains", "city", "forest", "canyon"])
def test_scenes_of_neighbouring_seeds_have_other_horizons_and_no_more_faults(place: str) -> None:
    scene = compose(Ask(place, "dawn", "clear", (("balloon", 2),)), 5)
    four = [varied(scene, seed, 1.0) for seed in range(4)]
    assert all(len(faults(made)) <= len(faults(scene)) for made in four)
    kinds = sorted(e.kind for e in scene.elements)
    assert all(sorted(e.kind for e in made.elements) == kinds for made in four), "what was asked for stays"
    horizons = [made.sky.y for made in four if made.sky is not None]
    assert max(horizons) - min(horizons) > 0.02
    assert all(abs(y - scene.sky.y) < 0.11 * scene.height for y in horizons)  # type: ignore[union-attr]


def test_variety_changes_the_poster_and_is_kept_with_it(small: SceneEngine) -> None:
    without, with_it = (PosterRequest(prompt="a lake", seed=5, steps=2, variety=amount) for amount in (0.0, 0.8))
    assert "variety" not in without.to_json(), "works made before are made again as they were"
    assert PosterRequest.from_json(with_it.to_json()) == with_it
    pictures = [small.run(request, lambda _: None)[0] for request in (without, with_it, with_it)]
    one, other, again = (each.main.pixels for each in pictures if isinstance(each, Bundle))  # type: ignore[union-attr]
    assert not np.array_equal(one, other)
    assert np.array_equal(other, again)
    medium_families = {family.name: family for family in MEDIUM.families}
    assert "variety" in medium_families["sdxl"].without_effect(PosterRequest)
    assert "variety" not in medium_families[SCENE].without_effect(PosterRequest)


def test_every_step_is_reported_and_some_are_shown(small: SceneEngine) -> None:
    diary = Diary()
    made(small, diary, steps=2 * PREVIEW_EVERY + 1)
    painting = [each for each in diary if each.stage == "painting"]
    assert [each.done for each in painting] == list(range(2 * PREVIEW_EVERY + 2))
    shown = [each for each in painting if each.preview is not None]
    assert [each.done for each in shown] == [PREVIEW_EVERY, 2 * PREVIEW_EVERY]
    assert isinstance(shown[0].preview, Image)
    assert shown[0].preview.pixels.shape == (256, 171, 3)


def test_cancel_at_the_first_step_stops_there_and_leaves_the_engine_well(small: SceneEngine) -> None:
    diary = Diary(stop=1)
    with pytest.raises(Cancelled):
        made(small, diary, steps=50)
    assert diary[-1].done == 1
    assert made(small, seed=3)[1] == made(small, seed=3)[1]


def test_a_poster_too_slim_is_refused(small: SceneEngine) -> None:
    with pytest.raises(BadInput, match="too slim"):
        made(small, width=64, height=400)


def test_what_a_scene_model_does_not_heed_is_not_offered_and_is_said(toy: Path) -> None:
    family = MEDIUM.family(SCENE)
    model = Model("toy", "poster", SCENE, "Toy", "", toy)
    hidden = {name for name, each in family.fields(PosterRequest, model) if each.hidden}
    assert "negative" in hidden
    assert not hidden & {"prompt", "width", "height", "steps", "guidance", "seed"}
    assert str(family.ignored(PosterRequest(negative="rain"), model)) == (
        "Toy does not use negative, which changes nothing."
    )
    with pytest.raises(BadInput, match="guidance"):
        family.check(PosterRequest(guidance=9))


@pytest.mark.parametrize(
    "prompt", ["", "   ", "!!!", "{}", "%s <b>&amp;", "a" * 2000, "boats " * 300, "海" * 500, "\U0001f98a"]
)
def test_any_prompt_makes_a_poster(small: SceneEngine, prompt: str) -> None:
    _, drawing, _ = made(small, prompt=prompt)
    assert ET.fromstring(drawing).tag.endswith("svg")


@pytest.mark.parametrize(
    ("prompt", "understood", "unknown"),
    [
        ("Two ships and 3 balloons near Paris", ("two ships", "3 balloons"), ("paris",)),
        ("hot-air balloons over a misty canyon, cats", ("hot air balloons", "misty canyon", "cats"), ()),
        ("three birds", ("birds",), ("three",)),
        ("four boats", ("boats",), ("four",)),
        ("a poster of the", (), ()),
        ("café", ("café",), ()),
        ("雪山黎明，有一座灯塔", ("雪山", "黎明", "灯塔"), ()),
        ("萨克斯和海滩", ("萨克斯", "海滩"), ()),
    ],
)
def test_each_word_of_a_prompt_is_understood_or_said_to_be_unknown(
    prompt: str, understood: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    found = read(prompt, WORDS)
    assert (found.understood, found.unknown) == (understood, unknown)


def test_when_nothing_is_known_chance_is_said_to_have_chosen() -> None:
    assert str(read("a cyberpunk whatnot", WORDS).remark(Scene(()))) == (
        "Nothing of the prompt is known, so chance chose the scene: cyberpunk whatnot."
    )
    assert not read("", WORDS).remark(Scene(()))


def test_what_was_understood_and_is_not_shown_is_said_too() -> None:
    asked = read("a lake with two boats and a stag", WORDS)
    one = Scene((Element("day"), Element("boat"), Element("deer")))
    assert str(asked.remark(one)) == (
        "Understood: lake, two boats, stag. Not in this scene, another seed may show it: two boats."
    )
    assert str(asked.remark(Scene((*one.elements, Element("boat"))))) == "Understood: lake, two boats, stag."


def test_all_words_of_the_tables_lead_to_words_that_a_model_knows() -> None:
    for text in (*CHINESE.values(), *OTHERS.values()):
        assert set(tokens(text)) <= WORDS, text
    assert set(HEADS) <= WORDS
    assert set(HEADS.values()) == set(THINGS)


def test_a_scene_without_what_was_asked_for_is_further_from_it() -> None:
    asked = read("a lighthouse at night", WORDS)
    night = Scene((Element("night", y=1.0), Element("hill", 0.5, 1.0, 0.1), Element("lighthouse", 0.5, 1.1, 0.5)))
    day = Scene((Element("day", y=1.0), Element("hill", 0.5, 1.0, 0.1)))
    assert misses(night, asked) < misses(day, asked)


def test_a_folder_is_recognised_and_weights_are_those_that_its_config_describes(toy: Path) -> None:
    found = detect.recognise(toy, families())
    assert (found.medium, found.family) == ("poster", SCENE)
    check(toy)
    network = SceneModel.load(toy)
    config = network.config
    assert shapes(config.width, config.layers, len(config.words)) == {
        name: tuple(value.shape) for name, value in network.state_dict().items()
    }


def test_weights_that_are_no_numbers_are_said_to_be_damaged(toy: Path, tmp_path: Path) -> None:
    network = SceneModel.load(toy)
    network.leave.bias.data.fill_(torch.nan)
    network.save(tmp_path / "damaged")
    with pytest.raises(StudioError, match="not numbers"):
        loaded(tmp_path / "damaged").run(PosterRequest(steps=2), Diary())
    with pytest.raises(StudioError, match="not numbers"):
        try_out(tmp_path / "damaged")
    try_out(toy)
    (scenes,) = (family for family in MEDIUM.families if family.name == SCENE)
    assert scenes.trial == try_out.__module__


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("width", "layers", "heads") for value in (0, -1, 3, 10**12, 1.5, "8", None, True)),
        ("words", []), ("words", "sea"), ("words", ["sea", 3]), ("words", ["sea", "sea"]), ("words", ["sea"]),
        ("kinds", []), ("fields", ["x"]), ("slots", 3), ("slots", None), ("model_type", "bert"),
    ],
)  # fmt: skip
def test_whatever_one_value_of_its_config_is_changed_to_it_is_refused_in_words(
    toy: Path, tmp_path: Path, name: str, value: Any
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(toy, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, name: value}), encoding="utf-8")
    with pytest.raises(StudioError, match=re.escape(str(folder))):
        loaded(folder)
