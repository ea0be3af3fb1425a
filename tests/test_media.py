"""What holds for every medium, whatever it is: its requests survive files and forms, and its engines exist."""

from __future__ import annotations

import base64
import dataclasses
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.backends import MEDIA
from studio.backends.medium import Medium
from studio.errors import BadInput
from studio.schema.fields import Choice, Field, Flag, FreeText, PathTo, Range, Seed, WorkKey, WorkRef
from studio.schema.nested import FloatArray, ListOf, NestedRequest, Record
from studio.schema.request import Request, TrainRequest
from studio.system.paths import RESOURCES

KINDS = [(medium, task.request) for medium in MEDIA for task in medium.tasks]
NAMES = [kind.kind for _, kind in KINDS]


def other(note: Field, default: Any) -> Any:
    """A value that is not the default, as far from it as may be."""
    if isinstance(note, Range):
        return note.high if default != note.high else note.low
    if isinstance(note, Choice):
        return next((value for value, _ in reversed(note.options) if value != default), default)
    if isinstance(note, FreeText):
        return 'Words "in" two\nlines, 中文 and \U0001f98a'
    if isinstance(note, Flag):
        return not default
    if isinstance(note, Seed):
        return 2**31 - 1
    if isinstance(note, ListOf):
        return (unusual_row(note.of), note.of())
    if isinstance(note, FloatArray):
        return base64.b64encode(np.array([0.5, -2, 1000], "<f2").tobytes()).decode()
    if isinstance(note, NestedRequest):
        return json.dumps(Request.kinds[note.kind](seed=3).to_json(), ensure_ascii=False)
    if isinstance(note, WorkRef):
        return WorkKey(id="20261130-103408-0123abcd", sha256="0123abcd" * 8)
    return "/a place/å" if isinstance(note, PathTo) else "some-model"


def unusual_row(kind: type[Record]) -> Record:
    plain = kind()
    changes = {name: other(note, getattr(plain, name)) for name, note in kind.fields()}
    return dataclasses.replace(plain, **changes, unknown='{"aura": 3}')


def unusual(kind: type[Request]) -> Request:
    plain = kind()
    return plain.replace(**{name: other(note, getattr(plain, name)) for name, note in kind.fields()})


@pytest.mark.parametrize(("medium", "kind"), KINDS, ids=NAMES)
def test_json_round_trip(medium: Medium, kind: type[Request]) -> None:
    for request in (kind(), unusual(kind)):
        text = json.dumps(request.to_json())
        again = Request.from_json(json.loads(text))
        assert again == request
        assert json.dumps(again.to_json()) == text
        assert hash(again) == hash(request)
    assert kind.medium == medium.name


@pytest.mark.parametrize(("medium", "kind"), KINDS, ids=NAMES)
def test_form_round_trip(medium: Medium, kind: type[Request]) -> None:
    from PySide6.QtWidgets import QApplication

    from studio.ui.forms.form import Form
    from studio.ui.widgets.theme import Theme

    app = QApplication.instance() or QApplication(["studio"])
    assert isinstance(app, QApplication)
    if app.findChild(Theme) is None:
        Theme(app)
    for request in (kind(), unusual(kind)):
        form = Form[Request](request)
        assert form.value() == request
        form.set_value(kind())
        form.set_value(request)
        assert form.value() == request
        # What the controls themselves show is the same value, not only what the form remembers.
        shown = {name: field.read() for name, field in form.fields.items()}
        assert dataclasses.replace(request, **shown) == request
        form.deleteLater()


@pytest.mark.parametrize(("medium", "kind"), KINDS, ids=NAMES)
def test_invalid_values_are_refused_by_the_name_of_the_field(medium: Medium, kind: type[Request]) -> None:
    for name, _ in kind.fields():
        with pytest.raises(BadInput, match=name):
            Request.from_json({"kind": kind.kind, name: {"not": "a value"}})


@pytest.mark.parametrize("medium", MEDIA, ids=[medium.name for medium in MEDIA])
def test_engines_resolve_without_being_imported(medium: Medium) -> None:
    for task in medium.tasks:
        module, _, name = task.engine.partition(":")
        found = importlib.util.find_spec(module)
        assert found is not None, f"there is no {module}"
        assert found.origin is not None
        with Path(found.origin).open(encoding="utf-8") as file:
            assert f"class {name}" in file.read()
        assert medium.task(task.request()) is task
    assert medium.default_task in medium.work_tasks
    training = medium.training_task
    assert training is not None
    assert issubclass(training.request, TrainRequest)
    assert (training.result, training.lane) == ("model", "training")


@pytest.mark.parametrize("medium", MEDIA, ids=[medium.name for medium in MEDIA])
def test_every_medium_has_an_icon_a_stage_and_labels(medium: Medium) -> None:
    assert (RESOURCES / "icons" / f"{medium.icon}.svg").is_file()
    assert medium.stage in ("image", "text", "audio")
    for name, note in (pair for task in medium.work_tasks for pair in task.request.fields()):
        assert note.label, f"{name} has no label"
        assert note.help.endswith("."), f"{name}'s help is no sentence"
