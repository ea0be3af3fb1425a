"""A family of models that is one entry in its medium's table is known everywhere that asks for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.backends import families, medium
from studio.errors import BadInput
from studio.models.families import Family, Mark
from studio.schema.request import Request
from studio.ui.forms.fields import NumberField
from studio.ui.models.model_facts import model_facts
from tests.core.cli_runs import Runs
from tests.core.test_catalog import tensors
from tests.studios import fake_studio
from tests.ui.conftest import Desk

TOY = Family(
    "toy-flow",
    "Toy Flow network",
    (Mark("pipeline", "ToyFlowPipeline"), Mark("tensor", "toy_flow.")),
    defaults={"steps": 4, "guidance": 1.0},
    limits={"steps": (1, 8)},
    controls=frozenset({"prompt", "negative", "width", "height", "steps"}),
)
POSTER = medium("poster")


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    before = POSTER.families
    object.__setattr__(POSTER, "families", (*before, TOY))
    yield
    object.__setattr__(POSTER, "families", before)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(capsys)


def pipeline(folder: Path) -> Path:
    tensors(folder / "transformer" / "model.safetensors")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "ToyFlowPipeline"}), encoding="utf-8")
    (folder / "README.md").write_text("license: mit\n", encoding="utf-8")
    return folder


def test_it_is_detected_and_its_limits_are_kept(home: Path, tmp_path: Path) -> None:
    studio = fake_studio(home)
    try:
        model = studio.catalog.import_(pipeline(tmp_path / "Toy"), "poster")
        assert model.family == "toy-flow"
        tensors(tmp_path / "single.safetensors", "toy_flow.weight")
        assert (
            studio.catalog.import_(tmp_path / "single.safetensors", "poster", accept_licence=True).family == "toy-flow"
        )
        ask = POSTER.default_task.request
        assert studio.submit(ask(model=model.id, steps=8)).future.result(20)
        with pytest.raises(BadInput, match=r"steps is 9, which is out of range") as caught:
            studio.submit(ask(model=model.id, steps=9))
        assert "from 1 to 8" in caught.value.hint
        assert studio.submit(ask(steps=9)).future.result(20), "the starter's family allows more"
    finally:
        studio.close()
    assert "toy-flow" in [family.name for family in families()["poster"]]


def test_the_form_and_the_card_follow_the_model(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("poster")
    fields = panel.form.fields
    steps = fields["steps"]
    assert isinstance(steps, NumberField)
    before = panel.form.value()
    model = desk.studio.catalog.import_(pipeline(tmp_path / "Toy"), "poster")
    panel.form.refresh_models()
    fields["model"].box.setCurrentIndex(fields["model"].box.findData(model.id))  # type: ignore[attr-defined]
    made: Request = panel.form.value()
    assert (made.model, made.steps, made.guidance) == (model.id, 4, 1.0)  # type: ignore[attr-defined]
    assert (steps.box.minimum(), steps.box.maximum()) == (1, 8)
    assert fields["guidance"].isHidden()
    facts = dict(model_facts(model))
    assert facts["Type"] == "Toy Flow network"
    assert facts["Suggested settings"] == "Steps 4, Guidance 1.0"
    assert facts["Does not use"] == "Variety, Guidance"
    panel.brief.undo()
    assert panel.form.value() == before
    assert steps.box.maximum() == 150
    assert not fields["guidance"].isHidden()


def test_the_command_line_takes_its_defaults(run: Runs, home: Path, tmp_path: Path) -> None:
    assert run("models", "import", pipeline(tmp_path / "Toy"), "--medium", "poster").status == 0
    ended = run("make", "poster", "--model", "toy", "--json")
    assert ended.status == 0
    request = json.loads(Path(ended.json["assets"][0]["path"]).with_suffix(".json").read_text("utf-8"))["request"]
    assert (request["steps"], request["guidance"]) == (4, 1.0)
    chosen = run("make", "poster", "--model", "toy", "--steps", 6, "--json")
    request = json.loads(Path(chosen.json["assets"][0]["path"]).with_suffix(".json").read_text("utf-8"))["request"]
    assert (request["steps"], request["guidance"]) == (6, 1.0)
    assert run("make", "poster", "--model", "toy", "--steps", 9).status == 2
    ignored = run("make", "poster", "--model", "toy", "--guidance", 3, "--json")
    assert ignored.status == 0
    assert "Toy does not use guidance, which changes nothing." in ignored.err
