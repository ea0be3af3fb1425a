"""One person in several expressions, told by what the drawings' values are called, and the sheet that shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.backends.avatar import expressions, sliders
from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.requests import (
    AvatarRequest,
    AvatarSheetRequest,
    DirectionStep,
    SheetCell,
    SliderValue,
    StyleMix,
    Variation,
)
from studio.errors import BadInput
from studio.jobs.job import Cancelled, Progress
from studio.media.payloads import Image
from studio.schema.request import Request
from studio.system.paths import RESOURCES
from tests.backends.toys import PLAIN, TABLE, engine_of, made, toy_model

STARTER = RESOURCES / "models" / "avatar-starter"
STYLES = ("adventurer", "open-peeps", "micah", "big-smile", "personas")
SHOWING = {"Expression", "Mouth", "Eyes", "Eyebrows"}


def face(**fields: Any) -> AvatarRequest:
    return AvatarRequest(**{"style": "round", "size": "native", **fields})


def posed(pose: SheetCell) -> AvatarRequest:
    found = Request.from_json(json.loads(pose.face))
    assert isinstance(found, AvatarRequest)
    return found


def stands(folder: Path, request: AvatarRequest) -> dict[str, str]:
    return {one.name: one.at for one in sliders.sliders(folder, request)}


def with_value(request: AvatarRequest, name: str, value: str) -> AvatarRequest:
    """The starter's face with a slider where one of its values stands."""
    slider = next(one for one in sliders.sliders(STARTER, request) if one.name == name)
    return sliders.with_trait(request, name, slider.values.index(value) / (slider.stations - 1))


@pytest.mark.parametrize("style", STYLES)
def test_the_starter_shows_one_person_in_many_moods(style: str) -> None:
    for seed in range(30):
        person = face(style=style, seed=seed)
        before = stands(STARTER, person)
        found = expressions.expressions(STARTER, person)
        assert 5 <= len(found) <= expressions.MANY
        assert len({pose.words for pose in found}) == len(found)
        shown = [stands(STARTER, posed(pose)) for pose in found]
        telling = {tuple(each.get(name) for name in sorted(SHOWING)) for each in shown}
        assert len(telling) == len(found), "no two look alike"
        for each in shown:
            changed = {name for name in before if each.get(name) != before[name]}
            assert changed <= SHOWING or {before[name] for name in changed - SHOWING} <= {
                "medicalMask", "respirator", "faceMask", "sleepMask",
            }  # fmt: skip


def test_every_value_of_the_moods_is_one_that_the_starter_draws() -> None:
    table = AttributeTable.from_json(json.loads((STARTER / "config.json").read_text("utf-8"))["attributes"])
    assert set(expressions.MOODS) == {style.name for style in table.styles}
    for style in table.styles:
        values = {one.name: set(one.values) for one in style.attributes}
        for words, mood in expressions.MOODS[style.name].items():
            for attribute, said in mood.items():
                assert set(said.split()) <= values[attribute], f"{words} in {style.name}"


def test_what_belongs_to_the_person_stays_in_every_mood() -> None:
    made_up = with_value(with_value(face(style="micah", seed=3), "Eyes", "eyesShadow"), "Eyebrows", "eyelashesUp")
    for pose in expressions.expressions(STARTER, made_up):
        at = stands(STARTER, posed(pose))
        assert "Shadow" in at["Eyes"]
        assert at["Eyebrows"].startswith("eyelashes")
    glasses = with_value(face(style="personas", seed=3), "Eyes", "glasses")
    found = [stands(STARTER, posed(pose)) for pose in expressions.expressions(STARTER, glasses)]
    assert {each["Eyes"] for each in found} == {"glasses"}
    assert len({each["Mouth"] for each in found}) == len(found) >= 5
    braces = with_value(face(style="big-smile", seed=3), "Mouth", "braces")
    happy = next(pose for pose in expressions.expressions(STARTER, braces) if pose.words == "Happy")
    assert stands(STARTER, posed(happy))["Mouth"] == "braces"


def test_a_mask_comes_off_and_a_face_that_is_mixed_in_takes_the_mood_too() -> None:
    masked = with_value(face(style="open-peeps", seed=3), "Mask", "medicalMask")
    other = json.dumps(face(style="open-peeps", seed=8).to_json())
    found = expressions.expressions(STARTER, masked.replace(mix=(StyleMix(other, "middle", 1.0),)))
    for pose in found:
        whole = posed(pose)
        inner = Request.from_json(json.loads(whole.mix[0].face))
        assert isinstance(inner, AvatarRequest)
        assert stands(STARTER, whole)["Mask"] == ""
        assert stands(STARTER, whole)["Expression"] == stands(STARTER, inner)["Expression"]
    assert len({whole.face for whole in found}) == len(found)


def test_a_style_that_nobody_described_is_told_by_its_values_names(tmp_path: Path) -> None:
    folder = toy_model(tmp_path / "toy").folder
    person = face(seed=4, near=(Variation(1),), traits=(SliderValue("Glasses", 1.0),), name="Mara")
    found = expressions.expressions(folder, person)
    assert [pose.words for pose in found] == ["Frown", "Serious", "Smile", "Laughing"]
    assert [stands(folder, posed(pose))["Mouth"] for pose in found] == ["frown", "serious", "smile", "laughing"]
    assert {posed(pose).name for pose in found} == {""}
    assert len(expressions.expressions(folder, person, 3)) == 3
    with pytest.raises(BadInput, match="has no expressions"):
        expressions.expressions(folder, face(style="square"))
    with pytest.raises(BadInput, match="has no expressions"):
        expressions.expressions(toy_model(tmp_path / "plain", PLAIN, None).folder, face(style="any"))


def named_mouths(*values: str, style: str = "round") -> AttributeTable:
    """The toys' attributes with a mouth whose values are called so."""
    said = TABLE.to_json()
    said["styles"][0]["name"] = style
    mouth = next(one for one in said["styles"][0]["attributes"] if one["name"] == "mouth")
    assert len(values) == len(mouth["values"]), "the network stays as large"
    mouth["values"] = list(values)
    return AttributeTable.from_json(said)


def test_values_may_be_called_anything(tmp_path: Path) -> None:
    table = named_mouths("big smile", "small_frown", "gap-toothed", "so" + "Long" * 30)
    folder = toy_model(tmp_path / "toy", table=table).folder
    found = expressions.expressions(folder, face(seed=4))
    assert {pose.words for pose in found} >= {"Big smile", "Small frown", "Gap toothed"}
    assert len(found) == 4
    assert max(len(pose.words) for pose in found) == expressions.CAPTION


def test_a_style_of_a_known_name_with_other_drawings_is_told_by_its_values_names(tmp_path: Path) -> None:
    table = named_mouths("glad", "glum", "cross", "sleepy", style="micah")
    folder = toy_model(tmp_path / "toy", table=table).folder
    found = expressions.expressions(folder, face(seed=4, style="micah"))
    assert {pose.words for pose in found} == {"Glad", "Glum", "Cross", "Sleepy"}


def test_whether_there_are_moods_is_known_without_the_faces_that_are_mixed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy_model(tmp_path / "toy").folder

    def looked(*_: object) -> StyleMix:
        raise AssertionError

    monkeypatch.setattr(expressions, "_mixed_with_mood", looked)
    other = StyleMix(json.dumps(face(seed=8).to_json()), "middle", 1.0)
    expressions.check_expressive(folder, face(seed=4, mix=(other,) * 3))
    with pytest.raises(BadInput, match="has no expressions"):
        expressions.check_expressive(folder, face(style="square", mix=(other,)))


def test_the_sheet_has_the_person_large_each_mood_beside_it_and_its_name(tmp_path: Path) -> None:
    model = toy_model(tmp_path / "toy")
    engine = engine_of(model)
    asked = expressions.sheet(model.folder, face(seed=4, name="Mara", model=model.id))
    assert Request.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    heard: list[Progress] = []
    (sheet,) = engine.run(asked, heard.append)
    assert isinstance(sheet, Image)
    assert [progress.done for progress in heard] == [0, 1, 2, 3, 4, 5]
    assert {progress.total for progress in heard} == {5}
    previews = [progress.preview.pixels for progress in heard if isinstance(progress.preview, Image)]
    assert {preview.shape for preview in previews} == {sheet.pixels.shape}, "nothing jumps while it grows"
    drawn = [int((preview != preview[-1, -1]).any(axis=2).sum()) for preview in [*previews, sheet.pixels]]
    assert drawn == sorted(set(drawn)), "each step adds a face"
    unnamed = made(engine, asked.replace(name=""))
    assert unnamed.pixels.shape[0] < sheet.pixels.shape[0]
    assert np.array_equal(made(engine, asked).pixels, sheet.pixels)


def test_a_sheet_is_stopped_between_two_faces_and_says_what_it_lacks(tmp_path: Path) -> None:
    model = toy_model(tmp_path / "toy")
    engine = engine_of(model)
    asked = expressions.sheet(model.folder, face(seed=4, model=model.id))

    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.run(asked, stop)
    with pytest.raises(BadInput, match="missing"):
        made(engine, AvatarSheetRequest(model=model.id))
    lost = json.dumps(face(seed=4, slides=(DirectionStep("gone", 1.0),)).to_json())
    with pytest.raises(BadInput, match="no direction"):
        made(engine, asked.replace(poses=(SheetCell("Lost", lost),)))


def test_what_shows_only_on_a_beard_is_drawn_with_every_beard_and_with_nothing_else() -> None:
    """Micah's mouth is white on a beard and black elsewhere: drawn apart, it grew half a beard on one face in nine."""
    table = AttributeTable.from_json(json.loads((STARTER / "config.json").read_text(encoding="utf-8"))["attributes"])
    style = table.style("micah")
    one = {attribute.name: at for at, attribute in enumerate(table.styles[style].attributes)}
    beard = table.styles[style].attributes[one["facialHair"]].values.index("beard")
    rng = np.random.default_rng(0)
    drawn = [table.draw(style, rng) for _ in range(400)]
    assert 5 < sum(picks[one["facialHair"]] == beard for picks in drawn) < 60
    assert all((picks[one["facialHair"]] == beard) == (picks[one["mouthColor"]] == 0) for picks in drawn)
    assert "mouthColor" not in {slider.attribute for slider in sliders.sliders(STARTER, AvatarRequest(style="micah"))}
