"""Language models of others come out as transformers has them, or are refused in words that name the file."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.backends import families, medium
from studio.backends.story.engine import generation
from studio.backends.story.engine.engine import StoryEngine
from studio.backends.story.engine.generation import SeededSampler, encode
from studio.backends.story.engine.texts import train_tokenizer
from studio.backends.story.engine.trial import try_out
from studio.backends.story.engine.writing import SamplingSettings, StopTexts
from studio.backends.story.prompt import clean
from studio.backends.story.requests import StoryRequest
from studio.errors import StudioError
from studio.jobs.job import Progress
from studio.jobs.previews import PreviewJoiner, TextDelta, TextPreview
from studio.media.payloads import Text
from studio.models import trial
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.models.resources import Resources
from tests.backends.fuzz import cut, in_two, set_in
from tests.backends.language_models import KINDS, LANGUAGE_MODELS, PROMPT, greedy, language_model
from tests.backends.toys import quiet

RUN = trial.run  # tests get another one


def loaded(folder: Path) -> StoryEngine:
    engine = StoryEngine()
    engine.load(Resources(Model("toy", "story", "", "Toy", "", folder)), quiet)
    return engine


def written(folder: Path, **fields: Any) -> str:
    """What follows the prompt, where the likeliest token is always taken."""
    request = StoryRequest(**{"prompt": PROMPT, "tokens": 24, "temperature": 0, "whole_sentences": False, **fields})
    (made,) = loaded(folder).run(request, quiet)
    assert isinstance(made, Text)
    return made.text.removeprefix(PROMPT)


def as_work(text: str) -> str:
    """A text of transformers as a work has it."""
    return clean(text.rstrip("\ufffd")).rstrip() + "\n"


@pytest.mark.parametrize("kind", LANGUAGE_MODELS)
def test_the_likeliest_tokens_are_those_of_transformers(tmp_path: Path, kind: str) -> None:
    folder = language_model(tmp_path / kind, kind)
    try_out(folder)
    text = written(folder)
    assert len(text) > 9, "something is compared"
    assert text == as_work(greedy(folder, PROMPT, 24))


@pytest.mark.parametrize("kind", KINDS)
def test_a_beginning_gets_the_first_token_that_its_tokenizer_adds(tmp_path: Path, kind: str) -> None:
    tokenizer = loaded(language_model(tmp_path / kind, kind)).model.tokenizer
    assert encode(tokenizer, PROMPT) == tokenizer(PROMPT).input_ids
    assert (encode(tokenizer, PROMPT)[0] == tokenizer.convert_tokens_to_ids("<|begin|>")) == (kind == "llama")
    named = encode(tokenizer, "<|begin|><|endoftext|>")
    assert len([one for one in named if one in tokenizer.all_special_ids]) == (kind == "llama")


def test_a_model_trained_here_begins_each_text_with_its_one_token() -> None:
    tokenizer = train_tokenizer([PROMPT * 20], 300, 64)
    plain = tokenizer(PROMPT).input_ids
    assert encode(tokenizer, PROMPT) == [tokenizer.eos_token_id, *plain]


@pytest.mark.parametrize("kind", KINDS)
def test_rows_beyond_the_tokenizer_are_never_drawn(tmp_path: Path, kind: str) -> None:
    folder = language_model(tmp_path / kind, kind, spare=28)
    assert written(folder) == as_work(greedy(folder, PROMPT, 24))
    engine = loaded(folder)
    sampler = SeededSampler(SamplingSettings(seed=3, temperature=1.5, top_p=1.0, top_k=0), engine.model.tokenizer)
    known = len(engine.model.tokenizer)
    for _ in range(50):
        scores = sampler(torch.zeros(1, 1, dtype=torch.long), torch.linspace(0, 9, known + 28)[None])
        assert int(scores.argmax()) < known


@pytest.mark.parametrize(
    ("raw", "ended", "whole_sentences", "text", "remark"),
    [
        (" cat sat. Then", False, False, " cat sat. Then", ""),
        (" cat sat. Then", False, True, " cat sat.", "Left out at the end: Then"),
        (" cat sat. Then", True, True, " cat sat. Then", ""),
        (" c\x1bat\r\n", False, False, " cat", "wrote a character that cannot be shown, which was left out"),
        (" c\x1bat\ufffd\x00.", False, False, " cat.", "wrote 3 characters that cannot be shown, which were left out"),
    ],
)
def test_what_is_left_out_of_a_text_was_asked_for_or_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raw: str,
    ended: bool,
    whole_sentences: bool,
    text: str,
    remark: str,
) -> None:
    story = loaded(language_model(tmp_path / "toy"))
    monkeypatch.setattr(generation, "generate", lambda *_: (raw, ended))
    (made,) = story.run(StoryRequest(prompt="The", whole_sentences=whole_sentences), quiet)
    assert isinstance(made, Text)
    assert made.text == f"The{text}\n"
    assert remark in str(made.remark)
    assert bool(made.remark) == bool(remark)


@pytest.mark.parametrize("at", [5, 9, 14])
def test_a_text_ends_before_what_it_is_to_stop_at_and_shows_nothing_of_it(tmp_path: Path, at: int) -> None:
    engine = loaded(language_model(tmp_path / "llama", "llama"))
    request = StoryRequest(prompt=PROMPT, tokens=24, temperature=0, whole_sentences=False)
    (whole,) = engine.run(request, quiet)
    assert isinstance(whole, Text)
    made = whole.text.removeprefix(PROMPT)
    wanted = made[at : at + 4]
    assert "\n" not in wanted
    shown, joiner = list[str](), PreviewJoiner()

    def show(progress: Progress) -> None:
        preview = joiner.join(progress.preview) if isinstance(progress.preview, TextDelta) else None
        if isinstance(preview, TextPreview):
            shown.append(preview.text)

    (text,) = engine.run(dataclasses.replace(request, stop=f"none of it\n{wanted}"), show)
    assert isinstance(text, Text)
    assert text.text == PROMPT + made[: made.index(wanted)].rstrip() + "\n"
    assert not any(wanted in each for each in shown)
    assert shown[-1] == PROMPT + made[: made.index(wanted)]


@pytest.mark.parametrize("stops", [["END"], ["ENDED", "D."], ["xxxx", "E"], ["NEVER"], []])
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_what_is_told_before_a_stop_is_all_of_the_text_before_it(stops: list[str], size: int) -> None:
    text, stop, joined = "The ENGINE EN ENDED. More", StopTexts(stops), ""
    for at in range(0, len(text), size):
        new = stop.add(TextDelta(at, text[at : at + size]))
        joined = joined[: new.at] + new.text
        assert not any(each in joined for each in stops)
    before = min((text.index(each) for each in stops if each in text), default=len(text))
    assert joined == text[:before] == stop.cut(text)
    assert stop.found is any(each in text for each in stops)


def test_only_models_in_gguf_follow_a_grammar(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "llama", "llama")
    asked = StoryRequest(prompt=PROMPT, grammar='root ::= "yes"')
    model = Model("toy", "story", "llama", "Toy", "", folder)
    llama = next(each for each in medium("story").families if each.name == "llama")
    assert llama.without_effect(StoryRequest, model) == {"grammar"}
    assert str(llama.ignored(asked, model)) == "Toy does not use grammar, which changes nothing."
    assert written(folder, grammar=asked.grammar) == written(folder)
    (folder / "model.gguf").touch()
    assert llama.without_effect(StoryRequest, dataclasses.replace(model, sha256="other")) == set()


def test_a_request_names_what_it_stops_at_in_lines() -> None:
    request = StoryRequest(stop="\\n\\n\nTHE END\n\nChapter\\n")
    assert request.stop_texts == ("\n\n", "THE END", "Chapter\n")
    assert StoryRequest.from_json(request.to_json()) == request
    assert not {"stop", "grammar"} & set(StoryRequest().to_json())


def test_only_whole_sentences_are_the_starters_way_and_older_requests(tmp_path: Path) -> None:
    assert StoryRequest.from_json({"kind": "story"}) == StoryRequest(whole_sentences=True)
    assert "whole_sentences" not in StoryRequest().to_json()
    assert StoryRequest(whole_sentences=False).to_json()["whole_sentences"] is False
    catalog = Catalog(own=tmp_path / "own", families=families())
    imported = catalog.import_(language_model(tmp_path / "toy"), "story", accept_licence=True)
    family = medium("story").family
    for model, way in ((catalog.default("story"), True), (imported, False)):
        assert family(model.family).suited(StoryRequest, model)["whole_sentences"] is way


def test_a_model_that_also_sees_is_imported_and_one_that_only_hears_is_not(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "bundled", tmp_path / "own", families())
    folder = language_model(tmp_path / "seeing", "gemma3")
    assert catalog.import_(folder, "story", accept_licence=True).family == "gemma3"
    set_in("config.json", model_type="whisper", architectures=["WhisperForConditionalGeneration"])(folder)
    with pytest.raises(StudioError, match="needs WhisperForConditionalGeneration of transformers"):
        catalog.import_(folder, "story", accept_licence=True)


def test_a_models_own_settings_do_not_replace_those_of_the_request(tmp_path: Path) -> None:
    plain = language_model(tmp_path / "plain")
    other = language_model(tmp_path / "other")
    settings = {"num_beams": 3, "do_sample": True, "return_dict_in_generate": True, "max_time": 0.0001}
    (other / "generation_config.json").write_text(json.dumps({**settings, "temperature": 0.1}), encoding="utf-8")
    assert written(other) == written(plain)


def tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = folder / "model.safetensors"
    found = load_file(path)
    change(found)
    save_file(found, path, metadata={"format": "pt"})


QUERY = "model.layers.0.self_attn.q_proj"


@pytest.mark.parametrize("scale", ["scale_weight", "weight_scale", "weight_scale_inv"])
def test_scaled_eight_bit_weights_are_refused_by_name(tmp_path: Path, scale: str) -> None:
    folder = language_model(tmp_path / "toy")

    def scaled(found: dict[str, torch.Tensor]) -> None:
        found[f"{QUERY}.{scale}"] = torch.tensor(0.01)
        found[f"{QUERY}.weight"] = (found[f"{QUERY}.weight"] / 0.01).to(torch.float8_e4m3fn)

    tensors(folder, scaled)
    with pytest.raises(StudioError, match=rf"quantised.*{QUERY}.{scale} beside weights in F32, F8_E4M3"):
        loaded(folder)


def test_a_method_of_quantisation_is_named(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "toy")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(StudioError, match="quantised in a way that the studio cannot read: gptq"):
        loaded(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda found: found.update({"model.extra.weight": torch.zeros(2)}), r"does not use: model\.extra\.weight"),
        (lambda found: found.pop("model.norm.weight"), r"lack model\.norm\.weight"),
        (
            lambda found: found.update({"model.norm.weight": torch.ones(16)}),
            r"model\.norm\.weight has the shape \[16\], and config.json asks for \[32\]",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object], says: str
) -> None:
    folder = language_model(tmp_path / "toy")
    tensors(folder, change)
    with pytest.raises(StudioError, match=says):
        loaded(folder)


def test_tied_weights_may_be_saved_twice_or_once(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "toy")
    set_in("config.json", tie_word_embeddings=True)(folder)
    tensors(folder, lambda found: found.update({"lm_head.weight": found[WORDS].clone()}))
    twice = written(folder)
    tensors(folder, lambda found: found.pop("lm_head.weight"))
    assert written(folder) == twice


@pytest.mark.parametrize("metadata", [None, {}, {"format": "np"}, {"note": "图 é", "format": "pt"}])
def test_what_a_file_says_beside_its_tensors_changes_nothing(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    folder = language_model(tmp_path / "toy")
    plain = written(folder)
    path = folder / WHOLE
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    if metadata is not None:
        header["__metadata__"] = metadata
    said = json.dumps(header).encode()
    path.write_bytes(len(said).to_bytes(8, "little") + said + raw[8 + size :])
    assert written(folder) == plain


def test_constants_that_older_files_hold_change_nothing(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "toy", "gpt2")
    plain = written(folder)
    tensors(folder, lambda found: found.update({"transformer.h.0.attn.masked_bias": torch.tensor(-1e4)}))
    assert written(folder) == plain


def remove(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink() for name in names]


def number_as_metadata(folder: Path) -> None:
    path = folder / WHOLE
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.dumps({**json.loads(raw[8 : 8 + size]), "__metadata__": {"n": 1}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw[8 + size :])


WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
SECOND = "model-00002-of-00002.safetensors"


REFUSED: list[tuple[Callable[[Path], object], str]] = [
    (remove("tokenizer.json"), "has no tokenizer"),
    (remove("tokenizer.json", "tokenizer_config.json"), "has no tokenizer"),
    (
        lambda folder: (folder / "tokenizer.json").rename(folder / "tokenizer.model"),
        "is tokenizer.model, which the Python package sentencepiece would read; it is not installed",
    ),
    (set_in("config.json", use_cache=None), "config.json is damaged: use_cache is None, and should be true or false"),
    (set_in("config.json", max_position_embeddings=0), "max_position_embeddings is 0"),
    (set_in("config.json", max_position_embeddings=1), "max_position_embeddings is 1"),
    (set_in("config.json", num_hidden_layers=100_000), "num_hidden_layers is 100000"),
    (set_in("config.json", hidden_size=10**9), "hidden_size is 1000000000"),
    (set_in("config.json", num_attention_heads="4"), "num_attention_heads is '4'"),
    (set_in("config.json", eos_token_id="</s>"), "config.json is damaged: eos_token_id"),
    (set_in("generation_config.json", eos_token_id=["x"]), "generation_config.json is damaged: eos_token_id"),
    (number_as_metadata, "model.safetensors is damaged"),
    (cut(WHOLE), "model.safetensors is damaged"),
]
SPLIT: list[tuple[Callable[[Path], object], str]] = [
    (remove(SECOND), f"{INDEX} names {SECOND}, which is missing"),
    (remove(INDEX), f"has neither {WHOLE} nor {INDEX}"),
    (cut(SECOND), f"{SECOND} is damaged"),
    (set_in(INDEX, weight_map={"a": "../a.safetensors"}), "names ../a.safetensors, which is missing"),
    (set_in(INDEX, weight_map={}), f"{INDEX} is damaged: it names no weights"),
]


@pytest.mark.parametrize(
    ("spoil", "says", "split"), [(*one, False) for one in REFUSED] + [(*one, True) for one in SPLIT]
)
def test_import_refuses_what_make_refuses_with_the_same_words(
    tmp_path: Path, spoil: Callable[[Path], object], says: str, split: bool
) -> None:
    folder = language_model(tmp_path / "toy")
    if split:
        in_two(folder / WHOLE)
    catalog = Catalog(tmp_path / "bundled", tmp_path / "own", families())
    catalog.import_(folder, "story", accept_licence=True)
    spoil(folder)
    with pytest.raises(StudioError, match=re.escape(says)) as refused:
        catalog.import_(folder, "story", accept_licence=True)
    with pytest.raises(StudioError) as failed:
        loaded(folder)
    assert str(failed.value) == str(refused.value)
    assert [model.id for model in catalog.models()] == ["toy"]


def scaled_embedding(folder: Path) -> None:
    """Weights for fewer tokens than the tokenizer has."""
    tensors(folder, lambda found: found.update({name: found[name][:-1].clone() for name in (WORDS, "lm_head.weight")}))
    config = json.loads((folder / "config.json").read_text())
    set_in("config.json", vocab_size=config["vocab_size"] - 1)(folder)


WORDS = "model.embed_tokens.weight"
UNFIT: list[tuple[Callable[[Path], object], str]] = [
    (scaled_embedding, "tokens, and the weights know"),
    (lambda folder: tensors(folder, lambda found: found.pop("lm_head.weight")), "its weights lack lm_head.weight"),
    (
        lambda folder: tensors(folder, lambda found: found.update({"model.norm.weight": torch.ones(16)})),
        "model.norm.weight has the shape [16], and config.json asks for [32]",
    ),
    (set_in("config.json", hidden_act="nonsense"), "cannot be read"),
    (set_in("tokenizer_config.json", model_max_length={}), "cannot be read"),
    (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be read"),
]


@pytest.mark.parametrize(("spoil", "says"), UNFIT)
def test_a_trial_refuses_what_make_refuses_with_the_same_words(
    tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    folder = language_model(tmp_path / "toy")
    spoil(folder)
    with pytest.raises(StudioError, match=re.escape(says)) as failed:
        loaded(folder)
    with pytest.raises(StudioError) as tried:
        try_out(folder)
    assert str(tried.value) == str(failed.value)


def test_heads_that_do_not_fit_are_found_by_one_step(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "toy", num_attention_heads=4, num_key_value_heads=3)
    with pytest.raises(StudioError, match="cannot run"):
        try_out(folder)


def test_an_import_is_tried_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = language_model(tmp_path / "toy")
    catalog = Catalog(tmp_path / "bundled", tmp_path / "own", families())
    catalog.import_(folder, "story", accept_licence=True)
    spoil, says = UNFIT[2]
    spoil(folder)
    monkeypatch.setattr(trial, "run", RUN)  # one that is accepted there: see the models of a hub
    with pytest.raises(StudioError, match=re.escape(says)) as refused:
        catalog.import_(folder, "story", accept_licence=True)
    assert str(folder) in str(refused.value), "it names the folder that was to be imported"
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["toy"]


def test_weights_in_two_files_come_out_as_in_one(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "toy")
    whole = written(folder)
    in_two(folder / WHOLE)
    assert written(folder) == whole
