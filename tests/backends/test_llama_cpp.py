"""Language models in GGUF on llama.cpp: the same text as transformers, cancel, stop texts, grammars, long texts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.backends.engine import device
from studio.backends.story.engine.engine import StoryEngine
from studio.backends.story.engine.llama_cpp import LlamaCpp, try_file
from studio.backends.story.engine.writing import SamplingSettings
from studio.backends.story.prompt import clean
from studio.errors import BadInput, StudioError
from studio.jobs.previews import PreviewJoiner, TextDelta
from studio.models.model import Model
from studio.models.resources import Resources
from tests.backends.gguf_models import gguf_model
from tests.backends.language_models import PROMPT, greedy, language_model

LIKELIEST = SamplingSettings(0, 0.0, 1.0, 0)
DRAWN = SamplingSettings(5, 1.0, 1.0, 0)


def ignore(_delta: TextDelta, _count: int) -> None:
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return language_model(tmp_path_factory.mktemp("llama") / "model")


@pytest.fixture(scope="module")
def model(folder: Path) -> LlamaCpp:
    return LlamaCpp(gguf_model(folder, folder.parent / "toy.gguf"), context=128, threads=1, gpu_layers=0)


def test_writes_what_transformers_writes(model: LlamaCpp, folder: Path) -> None:
    # llama.cpp looks back at numbers of 16 bits: after many tokens two that are nearly as likely change places.
    text, ended = model.write(PROMPT, 12, LIKELIEST, ignore)
    assert clean(text) == clean(greedy(folder, PROMPT, 12))
    assert not ended


def test_a_seed_decides_the_text(model: LlamaCpp) -> None:
    texts = [model.write(PROMPT, 16, SamplingSettings(seed, 1.0, 1.0, 0), ignore)[0] for seed in (1, 2, 1)]
    assert texts[0] == texts[2] != texts[1]


LONG = "the owl sat in the tree. " * 10 + PROMPT


class Reading:
    """How many tokens of prompts llama.cpp reads in each call, of a model whose server it stands before."""

    def __init__(self, model: LlamaCpp) -> None:
        self.tokens = list[int]()
        self._server, model._server = model._server, self

    def handle_completions(self, asked: dict[str, Any], hear: Callable[[dict[str, Any]], bool]) -> None:
        read = 0

        def listen(answer: dict[str, Any]) -> bool:
            nonlocal read
            read = answer.get("timings", {}).get("prompt_n", read)
            return hear(answer)

        self._server.handle_completions(asked, listen)
        self.tokens.append(read)


def test_candidates_read_their_beginning_once_and_are_what_each_is_alone(folder: Path, tmp_path: Path) -> None:
    path = gguf_model(folder, tmp_path / "toy.gguf")
    seeds = [SamplingSettings(seed, 1.0, 1.0, 0) for seed in (5, 6, 7, 8)]
    together = LlamaCpp(path, 128, 1, 0)
    reading = Reading(together)
    texts = [together.write(LONG, 16, each, ignore)[0] for each in seeds]
    whole, *rest = reading.tokens
    assert whole > 60
    assert rest == [1] * 4
    assert len(set(texts)) == 4
    for each, text in zip(reversed(seeds), reversed(texts), strict=True):
        assert LlamaCpp(path, 128, 1, 0).write(LONG, 16, each, ignore)[0] == text
        together.write("another beginning", 4, LIKELIEST, ignore)
        assert together.write(LONG, 16, each, ignore)[0] == text


def test_a_beginning_that_has_left_the_memory_is_read_again(folder: Path, tmp_path: Path) -> None:
    model = LlamaCpp(gguf_model(folder, tmp_path / "toy.gguf"), 128, 1, 0)
    reading = Reading(model)
    first, _ = model.write(LONG, 8, DRAWN, ignore)
    model.write(LONG, 200, DRAWN, ignore)  # beyond the context, which moves on
    whole = reading.tokens[0]
    reading.tokens.clear()
    assert model.write(LONG, 8, DRAWN, ignore)[0] == first
    assert whole in reading.tokens
    assert reading.tokens[-1] == 1


def test_a_cancel_while_candidates_are_written_leaves_the_others_what_they_are(folder: Path, tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(_delta: TextDelta, count: int) -> None:
        if count == 3:
            raise Stop

    model = LlamaCpp(gguf_model(folder, tmp_path / "toy.gguf"), 128, 1, 0)
    text, _ = model.write(LONG, 12, DRAWN, ignore)
    with pytest.raises(Stop):
        model.write(LONG, 12, LIKELIEST, stop)
    assert model.write(LONG, 12, DRAWN, ignore)[0] == text


def test_deltas_make_up_the_text_and_count_its_tokens(model: LlamaCpp) -> None:
    joiner, counts = PreviewJoiner(), list[int]()
    shown = ""

    def hear(delta: TextDelta, count: int) -> None:
        nonlocal shown
        shown = joiner.join(delta).text
        counts.append(count)

    text, _ = model.write(PROMPT, 12, LIKELIEST, hear)
    assert shown == clean(text)
    assert counts[-1] == 12
    assert counts == sorted(counts)


def test_what_on_token_raises_ends_the_writing_within_a_token(model: LlamaCpp) -> None:
    class Stop(Exception):
        pass

    seen = list[int]()

    def stop(_delta: TextDelta, count: int) -> None:
        seen.append(count)
        if count == 3:
            raise Stop

    with pytest.raises(Stop):
        model.write(PROMPT, 100, LIKELIEST, stop)
    assert seen[-1] == 3
    assert model.write(PROMPT, 4, LIKELIEST, ignore)[0] == model.write(PROMPT, 4, LIKELIEST, ignore)[0]


def test_ends_before_a_stop_text(model: LlamaCpp) -> None:
    whole, _ = model.write(PROMPT, 24, LIKELIEST, ignore)
    wanted = whole[8:11]
    text, ended = model.write(PROMPT, 24, LIKELIEST, ignore, stop=[wanted])
    assert text == whole[: whole.index(wanted)]
    assert ended


def test_a_grammar_allows_only_what_it_describes(model: LlamaCpp) -> None:
    text, _ = model.write(PROMPT, 8, DRAWN, ignore, grammar='root ::= "yes" | "no"')
    assert text in ("yes", "no")


def test_a_grammar_that_is_none_is_refused(model: LlamaCpp) -> None:
    with pytest.raises(BadInput, match="GBNF"):
        model.write(PROMPT, 8, DRAWN, ignore, grammar="root ::= (((")


def test_a_text_longer_than_the_context_is_continued_from_its_end(model: LlamaCpp) -> None:
    long = "the owl sat in the tree. " * 60 + PROMPT
    assert model.count(PROMPT) < 128
    text, _ = model.write(long, 10, LIKELIEST, ignore)
    assert text


def test_writes_beyond_its_context(model: LlamaCpp) -> None:
    counts = list[int]()
    model.write(PROMPT, 200, DRAWN, lambda _, count: counts.append(count))
    assert counts[-1] == 200


@pytest.mark.parametrize("name", ["<|endoftext|>", "<|begin|>"])
def test_names_of_special_tokens_in_a_text_are_plain_text(model: LlamaCpp, name: str) -> None:
    assert model.count(f"fox {name} owl") > model.count("fox  owl") + 4


def test_a_chat_template_tells_the_model_to_write(folder: Path, tmp_path: Path) -> None:
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<go>"
    model = LlamaCpp(gguf_model(folder, tmp_path / "chat.gguf", template), 128, 1, 0)
    assert model.prefix.startswith("<system>")
    assert model.prefix.endswith("<user>Write a story.<go>")


def test_a_title_alone_is_told_to_the_model(folder: Path, tmp_path: Path) -> None:
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<go>"
    model = LlamaCpp(gguf_model(folder, tmp_path / "chat.gguf", template), 128, 1, 0)
    told = model._prompt("# The Sea <|endoftext|> at Night\n\n")
    assert isinstance(told, str)
    assert told.endswith('<user>Write a story called "The Sea  at Night".<go>')
    assert str(model._prompt("# The Sea\n\nOnce")).endswith("<go># The Sea\n\nOnce")
    assert str(model._prompt("#")).endswith("<go>#")


def test_a_chat_template_longer_than_the_context_is_said(folder: Path, tmp_path: Path) -> None:
    model = LlamaCpp(gguf_model(folder, tmp_path / "long.gguf", "the owl sat in the tree. " * 60), 128, 1, 0)
    with pytest.raises(StudioError, match="longer than it can look back at"):
        model.write(PROMPT, 8, LIKELIEST, ignore)


@pytest.mark.parametrize(
    "template", ["{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}", "{% for %}"]
)
def test_a_template_without_an_end_or_sense_is_refused(folder: Path, tmp_path: Path, template: str) -> None:
    path = gguf_model(folder, tmp_path / "odd.gguf", template)
    with pytest.raises(StudioError, match="chat template"):
        LlamaCpp(path, 128, 1, 0)


def test_what_llama_cpp_cannot_open_is_said(folder: Path, tmp_path: Path) -> None:
    path = gguf_model(folder, tmp_path / "odd.gguf", head_count_kv=3)
    with pytest.raises(StudioError, match=r"cannot open odd\.gguf"):
        LlamaCpp(path, 128, 1, 0)


def test_a_trial_says_what_llama_cpp_says(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    good = gguf_model(folder, tmp_path / "good.gguf")
    try_file(good)
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(good.read_bytes().replace(b"llama", b"lxama"))
    capfd.readouterr()
    with pytest.raises(StudioError, match="unknown model architecture: 'lxama'"):
        try_file(odd)
    assert capfd.readouterr().err == ""


def test_a_long_text_says_how_much_of_it_is_read(model: LlamaCpp) -> None:
    cuts = list[tuple[int, int]]()
    model.write("the owl sat in the tree. " * 60, 10, LIKELIEST, ignore, lambda *cut: cuts.append(cut))
    assert len(cuts) == 1
    assert cuts[0][0] > 300
    assert cuts[0][1] == 118


def test_threads_other_than_the_one_that_made_it_may_write(model: LlamaCpp) -> None:
    texts = list[str]()
    thread = threading.Thread(target=lambda: texts.append(model.write(PROMPT, 4, LIKELIEST, ignore)[0]))
    thread.start()
    thread.join()
    assert texts == [model.write(PROMPT, 4, LIKELIEST, ignore)[0]]


def test_the_settings_say_how_much_is_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf_model(folder, tmp_path / "toy.gguf")
    model = Model("toy", "story", "llama", "Toy", "CC0-1.0", tmp_path)
    read = list[int]()
    for asked in (0, 1, 200, 10**6):
        monkeypatch.setattr(device, "context", asked)
        engine = StoryEngine()
        engine.load(Resources(model), lambda _: None)
        assert isinstance(engine.model, LlamaCpp)
        read.append(engine.model.context)
        engine.close()
    longest = read[0]
    assert read == [longest, 128, min(200, longest), longest]
