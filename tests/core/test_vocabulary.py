"""What models with a vocabulary understand of a prompt: read by words, found again in the text, said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.backends import medium
from studio.backends.music.description_words import understood
from studio.cli.words import worded
from studio.models.model import Model, read_model
from studio.models.vocabulary import UnderstoodPrompt, places, read_words
from studio.schema.request import Request
from studio.system.paths import RESOURCES


def starter(id: str) -> Model:
    return read_model(RESOURCES / "models" / id, bundled=True)


def asked_of(model: Model, prompt: str) -> UnderstoodPrompt | None:
    one = medium(model.medium)
    request = one.default_task.request(prompt=prompt)  # type: ignore[call-arg]
    assert isinstance(request, Request)
    return one.family(model.family).understood_of(request, model)


def small_pipeline(folder: Path) -> Model:
    """A network of pictures whose tokenizer learned a few words."""
    (folder / "tokenizer").mkdir()
    vocabulary = ["s", "n", "sn", "s</w>", "snow</w>", "mountains</w>", "dusk</w>", "lighthouse</w>", "sunset</w>"]
    told = {"model": {"vocab": {token: number for number, token in enumerate(vocabulary)}}}
    (folder / "tokenizer" / "tokenizer.json").write_text(json.dumps(told), encoding="utf-8")
    return Model("small", "poster", "diffusers", "Small", "", folder)


@pytest.mark.parametrize("drawn", [True, False])
def test_a_small_picture_model_names_what_it_does_not_know(tmp_path: Path, drawn: bool) -> None:
    model = starter("poster-scenes") if drawn else small_pipeline(tmp_path)
    assert asked_of(model, "Snow on the mountains at dusk") == UnderstoodPrompt(("snow", "mountains", "dusk"))
    found = asked_of(model, "a lighthouse with zorblaxian qwertyphones, sunset")
    assert found is not None
    assert found.known == ("lighthouse", "sunset")
    assert found.unknown == ("zorblaxian qwertyphones",)


def test_a_large_tokenizer_is_no_vocabulary(tmp_path: Path) -> None:
    model = small_pipeline(tmp_path)
    told = {"model": {"vocab": {f"word{number}</w>": number for number in range(49_408)}}}
    (tmp_path / "tokenizer" / "tokenizer.json").write_text(json.dumps(told), encoding="utf-8")
    assert asked_of(model, "zorblaxian") is None


@pytest.mark.parametrize("told", ["", "[]", '{"model": 3}', '{"model": {"vocab": []}}'])
def test_a_damaged_tokenizer_is_none(tmp_path: Path, told: str) -> None:
    model = small_pipeline(tmp_path)
    (tmp_path / "tokenizer" / "tokenizer.json").write_text(told, encoding="utf-8")
    assert asked_of(model, "zorblaxian") is None


def test_a_model_that_takes_any_words_knows_them_all() -> None:
    assert asked_of(starter("story-starter"), "zorblaxian qwertyphones") is None
    poster, request = medium("poster"), medium("poster").default_task.request(prompt="a saxophone")  # type: ignore[call-arg]
    flux = Model("flux", "poster", "flux", "FLUX", "", RESOURCES)
    assert poster.family("flux").understood_of(request, flux) is None


def test_what_a_model_does_not_heed_is_not_read() -> None:
    """The prompt of a music model that was trained without labels changes nothing."""
    music = medium("music")
    family = music.family("studio-music")
    request = music.default_task.request(prompt="a saxophone")  # type: ignore[call-arg]
    assert family.understood_of(request, starter("music-starter")) == UnderstoodPrompt((), ("saxophone",))
    without = [name for name, each in family.fields(type(request)) if each.hidden]
    assert "prompt" not in without
    assert music.family("musicgen").understood_of(request, starter("music-starter")) is None


@pytest.mark.parametrize(
    ("prompt", "known", "unknown"),
    [
        ("", (), ()),
        ("a slow, dreamy lullaby", ("slow", "dreamy", "lullaby"), ()),
        ("Lullaby in F sharp minor at 90 bpm", ("lullaby", "f sharp minor", "90 bpm"), ()),
        ("a lullaby with a saxophone solo", ("lullaby",), ("saxophone solo",)),
        ("lo-fi hip hop, vinyl crackle", ("lo-fi", "hip hop"), ("vinyl crackle",)),
        ("一首宁静的摇篮曲，萨克斯", ("宁静", "摇篮曲"), ("萨克斯",)),
        ("sleepless waltzes", (), ("sleepless waltzes",)),
    ],
)
def test_a_description_of_music_is_read_by_the_words_of_its_plan(
    prompt: str, known: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    assert understood(prompt) == UnderstoodPrompt(known, unknown)


def test_words_are_read_in_phrases_that_stops_part() -> None:
    found = read_words("The big RED fox, fox's den; a red moon", {"red", "moon"}.__contains__, {"the", "a"})
    assert found == UnderstoodPrompt(("red", "red moon"), ("big", "fox", "fox's den"))


@pytest.mark.parametrize(
    ("text", "phrases", "found"),
    [
        ("A Saxophone-player, saxophones", ("saxophone player",), ["Saxophone-player"]),
        ("jazz, jazzy jazz", ("jazz",), ["jazz", "jazz"]),
        ("两只熊猫在竹林里", ("熊猫", "竹林"), ["熊猫", "竹林"]),
        ("what (is) [this]", ("(is)", "", "[th"), ["(is)"]),
    ],
)
def test_unknown_phrases_are_found_in_the_text(text: str, phrases: tuple[str, ...], found: list[str]) -> None:
    assert [text[start:end] for start, end in places(text, phrases)] == found


def test_a_warning_names_only_so_much() -> None:
    assert UnderstoodPrompt(("a lake",)).warning("Scenes") is None
    none = UnderstoodPrompt((), ("jazz",)).warning("Scenes")
    assert none is not None
    assert worded(none) == "Scenes knows nothing of the prompt: jazz."
    many = UnderstoodPrompt(("lake",), ("y" * 500, *(f"word{n}" for n in range(40)))).warning("Scenes")
    assert many is not None
    said = worded(many)
    assert said.startswith("Scenes does not know: yyyy")
    assert said.endswith("word6, …. It understands: lake.")
    assert len(said) < 200
