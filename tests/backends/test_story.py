"""The story backend with its real classes at toy size: writing, streaming, cancelling, hostile beginnings, training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from studio.backends.story.engine import induction_init
from studio.backends.story.engine.engine import StoryEngine, trim_to_sentence
from studio.backends.story.engine.generation import StreamDecoder, decode, encode
from studio.backends.story.engine.texts import END, IGNORE_INDEX, TokenDataset, read_texts, train_tokenizer
from studio.backends.story.engine.train import StoryTrainer
from studio.backends.story.prompt import clean, prepare_prompt
from studio.backends.story.requests import MEDIUM, StoryRequest, StoryTrainRequest
from studio.errors import BadInput, Message, StudioError
from studio.jobs.job import Cancelled, Progress
from studio.jobs.previews import PreviewJoiner, TextPreview
from studio.media.payloads import Text, Weights
from studio.models.model import Model
from studio.models.resources import Resources

TALE = (
    '# The Lost {thing}\n\n{name} the fox lost a {thing}. "Where is my {thing}?" asked {name}.\n\n'
    'The owl found the {thing} in the tree. "Thank you," said {name}, and they went home.'
)


def quiet(progress: Progress) -> None:
    pass


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    names, things = (
        ("Pip", "Mina", "Tuft", "Ada", "Zuri", "Bo"),
        ("bell", "kite", "key", "hat", "drum", "map", "ring", "shell"),
    )
    rows = [{"text": TALE.format(name=name, thing=thing), "group": name + thing} for name in names for thing in things]
    (folder / "tales.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "own.md").write_text("# Sea\n\nThe sea was blue. 海很蓝。", encoding="utf-8")
    (folder / "CREDITS.md").write_text("about the texts, not one of them", encoding="utf-8")
    return folder


def train(texts: Path, out: Path, **changes: object) -> StoryTrainRequest:
    values = {
        "data": str(texts),
        "out": str(out),
        "minutes": 60,
        "size": "toy",
        "vocabulary": 400,
        "context": 64,
        "seed": 3,
    }
    return StoryTrainRequest(**{**values, **changes})  # type: ignore[arg-type]


def learn(request: StoryTrainRequest, steps: int, model: Model | None = None) -> tuple[Path, list[Progress]]:
    """The folder of a model trained until `steps`, and what the training said on the way."""
    said: list[Progress] = []

    def until(progress: Progress) -> None:
        said.append(progress)
        if progress.values.get("step") == steps:
            raise Cancelled

    trainer = StoryTrainer()
    trainer.load(Resources(model), quiet)
    with pytest.raises(Cancelled) as cancelled:
        trainer.run(request, until)
    (made,) = cancelled.value.payloads
    assert isinstance(made, Weights)
    return made.folder, [progress for progress in said if "step" in progress.values]


@pytest.fixture(scope="module")
def model(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A toy model after a hundred steps: it knows a few words."""
    folder, _ = learn(train(texts, tmp_path_factory.mktemp("model")), 100)
    return Model("toy", "story", "llama", "Toy", "CC0-1.0", folder)


@pytest.fixture
def engine(model: Model) -> StoryEngine:
    engine = StoryEngine()
    engine.load(Resources(model), quiet)
    return engine


def told(engine: StoryEngine, report: Callable[[Progress], None] = quiet, **fields: object) -> str:
    (made,) = engine.run(StoryRequest(**{"tokens": 24, "seed": 1, **fields}), report)  # type: ignore[arg-type]
    assert isinstance(made, Text)
    return made.text


def test_the_same_seed_tells_the_same_story_whatever_torch_drew_before(engine: StoryEngine) -> None:
    first = told(engine, temperature=1.0)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert told(engine, temperature=1.0) == first
    assert torch.equal(torch.get_rng_state(), before), "writing leaves the global dice alone"
    assert len({told(engine, temperature=1.5, seed=seed) for seed in range(4)}) > 1


def test_temperature_zero_is_the_likeliest_and_ignores_the_seed(engine: StoryEngine) -> None:
    assert told(engine, temperature=0, seed=1) == told(engine, temperature=0, seed=2)
    assert told(engine, temperature=0) == told(engine, temperature=1.3, top_k=1)
    assert told(engine, temperature=0) == told(engine, temperature=1e-40) == told(engine, temperature=1e-300)


def test_every_token_is_heard_and_previews_only_grow(engine: StoryEngine) -> None:
    heard: list[Progress] = []
    told(engine, heard.append, prompt="Pip the fox", tokens=20, temperature=1.2)
    assert [progress.done for progress in heard] == sorted(progress.done for progress in heard)
    assert heard[-1].done <= heard[-1].total == 20
    joiner = PreviewJoiner()
    joined = [joiner.join(progress.preview) for progress in heard]
    previews = [preview.text for preview in joined if isinstance(preview, TextPreview)]
    assert len(previews) >= 10
    assert all(later.startswith(earlier) for earlier, later in pairwise(previews))
    assert previews[0].startswith("Pip the fox")


class Counting:
    """A tokenizer that counts the tokens it decodes."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.most = tokenizer, 0

    def decode(self, ids: list[int], **options: Any) -> str:
        self.most = max(self.most, len(ids))
        return self.tokenizer.decode(ids, **options)


def test_a_stream_is_decoded_as_the_whole_at_a_cost_that_does_not_grow(engine: StoryEngine) -> None:
    text = "The sea was blue. 海很蓝。\r\n\r\n“Ada”\u2026 \U0001f98a and\r on it went. " * 20
    ids = engine.model.tokenizer(text, add_special_tokens=False).input_ids
    counting = Counting(engine.model.tokenizer)
    stream = StreamDecoder(counting, [])
    joiner, length = PreviewJoiner(), 0
    for count, token in enumerate(ids, 1):
        delta = stream.add(token)
        length += len(delta.text)
        joined = joiner.join(delta)
        assert isinstance(joined, TextPreview)
        assert joined.text == clean(decode(engine.model.tokenizer, ids[:count], []))
    assert counting.most < 20
    assert length == len(clean(decode(engine.model.tokenizer, ids, []))), "nothing is told twice"


def test_bytes_that_never_become_a_character_cost_no_more_either(engine: StoryEngine) -> None:
    half, *_ = engine.model.tokenizer("\U0001f98a", add_special_tokens=False).input_ids
    assert decode(engine.model.tokenizer, [half], []) == ""
    counting = Counting(engine.model.tokenizer)
    stream = StreamDecoder(counting, [])
    assert not "".join(stream.add(half).text for _ in range(200))
    assert counting.most < 40
    after = engine.model.tokenizer("Ada.", add_special_tokens=False).input_ids
    assert "".join(stream.add(token).text for token in after) == "Ada."


def test_a_cancel_after_the_first_token_keeps_it_and_the_model_goes_on(engine: StoryEngine) -> None:
    steps = 0

    def stop(progress: Progress) -> None:
        nonlocal steps
        steps += progress.done > 0
        if progress.done:
            raise Cancelled

    whole = told(engine, prompt="The owl", temperature=1.2)
    with pytest.raises(Cancelled) as cancelled:
        told(engine, stop, prompt="The owl", temperature=1.2)
    assert steps == 1
    (kept,) = cancelled.value.payloads
    assert isinstance(kept, Text)
    assert kept.text.startswith("The owl")
    assert len(kept.text) < len(whole)
    assert told(engine, prompt="The owl", temperature=1.2) == whole


def test_a_cancel_before_the_first_token_keeps_nothing(engine: StoryEngine) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled) as cancelled:
        told(engine, stop, prompt="The owl")
    assert cancelled.value.payloads == []


@pytest.mark.parametrize(
    "prompt",
    [
        f"{END}{END} the owl",
        "the \x1b[31mowl\x07 \u202e",
        "🦊 狐狸 سلام\r\nthe owl",
        "\ud800 x",
        "[|{h}|]",
        " \n\t ",
        "#",
        "a\0b",
    ],
)
def test_hostile_beginnings_are_only_text(engine: StoryEngine, prompt: str) -> None:
    text = told(engine, prompt=prompt)
    assert text.startswith(prepare_prompt(StoryRequest(prompt=prompt).prompt).strip()[:6])
    assert not any(c < " " and c not in "\n\t" for c in text)
    ids = encode(engine.model.tokenizer, StoryRequest(prompt=prompt).prompt)
    assert ids.count(engine.model.tokenizer.eos_token_id) == 1, "only the model's own first token is special"


def test_a_beginning_longer_than_the_context_keeps_its_tail_and_says_so(engine: StoryEngine) -> None:
    stages: set[object] = set()
    long = "The owl sat in the tree. " * 4000
    text = told(engine, lambda progress: stages.add(progress.stage), prompt=long + "Pip said", temperature=0)
    assert text.startswith(long), "the work keeps the whole beginning"
    assert any("last 40 of" in str(stage) for stage in stages)
    short = ("The owl sat in the tree. " * 10) + "Pip said"
    assert told(engine, prompt=short, temperature=0)[len(short) :] == text[len(long) + len("Pip said") :]


def test_more_tokens_than_the_context_holds_are_written(engine: StoryEngine) -> None:
    counts: list[int] = []
    engine.model.network.generation_config.eos_token_id = None
    engine.model.tokenizer.eos_token = None
    told(engine, lambda progress: counts.append(progress.done), tokens=100, temperature=1.0)
    assert max(counts) == 100


def test_an_empty_beginning_starts_with_a_title(engine: StoryEngine) -> None:
    assert told(engine, prompt="").startswith("#")
    assert prepare_prompt("# The Sea") == "# The Sea\n\n"
    assert prepare_prompt("Once upon ") == "Once upon"


def test_a_dangling_sentence_is_cut() -> None:
    assert trim_to_sentence('He ran. "Stop!" she cried. Then the') == ('He ran. "Stop!" she cried.', " Then the", "")
    assert trim_to_sentence('"Come here. I have') == ('"Come here.', " I have", '"')
    assert trim_to_sentence('no end at "all') == ('no end at "all', "", "")
    assert trim_to_sentence("海很蓝。天也") == ("海很蓝。", "天也", "")
    assert trim_to_sentence(' now." He went', 'He said: "Come') == (' now."', " He went", ""), "opened in the prompt"
    assert trim_to_sentence(" now. He went", 'He said: "Come') == (" now.", " He went", '"')


class Writes:
    """A language model that writes one text, and says whether it ended it itself."""

    def __init__(self, text: str, ended: bool = False) -> None:
        self.text, self.ended = text, ended

    def write(self, *_: object, **__: object) -> tuple[str, bool]:
        return self.text, self.ended

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("written", "ended", "text", "remark"),
    [
        (" hid. Then\n the  owl", False, "The fox hid.\n", "Left out at the end: Then the owl"),
        (' said "Go. So', False, 'The fox said "Go."\n', "A closing quote was added. Left out at the end: So"),
        (' said "Go.', False, 'The fox said "Go."\n', "A closing quote was added."),
        (" hid.\n\n", False, "The fox hid.\n", ""),
        (" hid. Then", True, "The fox hid. Then\n", ""),
        (" hid. {a} \x07", False, "The fox hid.\n",
         "The model wrote a character that cannot be shown, which was left out. Left out at the end: {a}"),
        (" hid. " + "ab " * 60, False, "The fox hid.\n", "Left out at the end: " + ("ab " * 40)[:119].rstrip() + "…"),
    ],
)  # fmt: skip
def test_what_is_cut_off_or_added_is_said(
    engine: StoryEngine, monkeypatch: pytest.MonkeyPatch, written: str, ended: bool, text: str, remark: str
) -> None:
    monkeypatch.setattr(engine, "model", Writes(written, ended))
    (made,) = engine.run(StoryRequest(prompt="The fox"), quiet)
    assert isinstance(made, Text)
    assert made.text == text
    assert str(made.remark) == remark
    assert Message.from_json(json.loads(json.dumps(made.remark.to_json()))) == made.remark
    (whole,) = engine.run(StoryRequest(prompt="The fox", whole_sentences=False), quiet)
    assert isinstance(whole, Text)
    assert "Left out at" not in str(whole.remark)


def test_a_training_stopped_after_two_steps_goes_on_where_it_was(texts: Path, tmp_path: Path) -> None:
    folder, _ = learn(train(texts, tmp_path / "out"), 2)
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} <= names
    _, apart = learn(train(texts, tmp_path / "out", resume=True), 4)
    assert [progress.values["step"] for progress in apart] == [3, 4]
    _, whole = learn(train(texts, tmp_path / "whole"), 4)
    # The order of the texts begins anew at a resume, so only the size of the loss can be the same.
    assert apart[-1].values["loss"] == pytest.approx(whole[-1].values["loss"], rel=0.1)
    with pytest.raises(BadInput, match="already holds"):
        StoryTrainer().run(train(texts, tmp_path / "out"), quiet)


def test_a_training_learns_and_ends_by_itself(texts: Path, tmp_path: Path) -> None:
    _, said = learn(train(texts, tmp_path / "out"), 100)
    assert said[-1].values["loss"] < 0.75 * said[0].values["loss"]
    text, made = StoryTrainer().run(train(texts, tmp_path / "short", minutes=0.01), quiet)
    assert isinstance(text, Text)
    assert text.text.startswith("#")
    assert isinstance(made, Weights)


def test_a_model_is_trained_on_from(texts: Path, model: Model, tmp_path: Path) -> None:
    folder, said = learn(train(texts, tmp_path / "out", vocabulary=900), 1, model)
    sizes = [json.loads((place / "config.json").read_text())["vocab_size"] for place in (folder, model.folder)]
    assert sizes[0] == sizes[1], "the words of the model it starts from"
    _, fresh = learn(train(texts, tmp_path / "fresh"), 1)
    assert said[0].values["loss"] < fresh[0].values["loss"] - 1


def test_texts_are_gathered_split_and_packed(texts: Path) -> None:
    writings = read_texts(texts)
    assert len(writings) == 49
    assert 0 < sum(writing.held_out for writing in writings) < 10
    tokenizer = train_tokenizer([writing.text for writing in writings], 400, 64)
    for text in ("海很蓝 🦊\n", f"{END} hm", "\t\x00é"):
        assert tokenizer.decode(tokenizer(text, split_special_tokens=True).input_ids) == text
    pieces = TokenDataset([writing.text for writing in writings], tokenizer, 64)
    assert pieces.tokens == sum(len(tokenizer(writing.text).input_ids) + 2 for writing in writings)
    batches = pieces.batches(torch.Generator().manual_seed(0), 4)
    begins = 0
    for batch in (next(batches) for _ in range(6)):
        assert batch.ndim == 2
        assert batch.numel() <= 4 * 64
        assert (batch == IGNORE_INDEX).float().mean() < 0.4
        begins += int((batch[:, 0] == tokenizer.bos_token_id).sum())
    assert begins > 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"no": 1}', "Line 2 of a.jsonl"),
        ("a.jsonl", b"[1]", "Line 1 of a.jsonl"),
        ("a.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("a.txt", b"short", "too little text"),
        ("a.pdf", b"x" * 900, "too little text"),
    ],
)
def test_texts_that_cannot_be_used_are_named(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=says):
        read_texts(tmp_path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def scramble(path: Path) -> None:
    path.write_bytes(b"\xff" * 64 + path.read_bytes()[64:])


def spoil(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    tensors["model.norm.weight"] = torch.full_like(tensors["model.norm.weight"], torch.nan)
    save_file(tensors, path, metadata={"format": "pt"})


def thin(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    del tensors["model.norm.weight"]
    save_file(tensors, path, metadata={"format": "pt"})


@pytest.mark.parametrize("damage", [cut, scramble, spoil, thin, Path.unlink])
def test_damaged_weights_are_told_in_words(model: Model, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(model.folder, folder)
    damage(folder / "model.safetensors")

    def tell() -> None:
        engine = StoryEngine()
        engine.load(Resources(Model("x", "story", "llama", "X", "", folder)), quiet)
        told(engine)

    with pytest.raises(StudioError) as error:
        tell()
    assert error.value.hint
    assert "Traceback" not in str(error.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_damaged_settings_are_told_in_words(model: Model, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(model.folder, folder)
    (folder / name).write_text("{nonsense", encoding="utf-8")
    with pytest.raises(StudioError, match=r"cannot be read|is damaged"):
        StoryEngine().load(Resources(Model("x", "story", "llama", "X", "", folder)), quiet)


def test_code_that_a_model_brings_is_never_run(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    shutil.copytree(model.folder, folder)
    mark = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n", encoding="utf-8")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(StudioError):
        StoryEngine().load(Resources(Model("x", "story", "llama", "X", "", folder)), quiet)
    assert not mark.exists()


def test_the_medium_names_its_parts() -> None:
    assert MEDIUM.task(StoryRequest()).engine == "studio.backends.story.engine.engine:StoryEngine"
    assert MEDIUM.task(StoryTrainRequest()).engine == "studio.backends.story.engine.train:StoryTrainer"


def test_a_network_repeats_before_it_has_learned_anything() -> None:
    tokenizer = train_tokenizer(["The owl sat in the tree. " * 20], 400, 128)
    torch.manual_seed(0)
    network = LlamaForCausalLM(induction_init.make_config(tokenizer, 128, 192, 4, 3)).eval()
    dice = torch.Generator().manual_seed(0)

    def right(length: int = 20) -> float:
        """The share of tokens said rightly when twenty random ones are read a second and a third time."""
        once = torch.randint(1, len(tokenizer), (8, length), generator=torch.Generator().manual_seed(1))
        ids = once.repeat(1, 3)
        with torch.inference_mode():
            said = network(input_ids=ids).logits[:, length:-1].argmax(-1)
        return float((said == ids[:, length + 1 :]).float().mean())

    assert right() < 0.1
    induction_init.initialise(network, dice)
    assert right() > 0.6
