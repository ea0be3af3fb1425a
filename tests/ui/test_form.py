"""Forms: values round trip, changes by a person, and invalid values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QPlainTextEdit, QSlider, QToolTip

from studio.backends import MEDIA, medium
from studio.errors import BadInput
from studio.schema.fields import ModelId, Range
from studio.schema.request import Request
from studio.schema.settings import Settings
from studio.ui.forms.fields import ModelField
from studio.ui.forms.form import Form
from studio.ui.widgets.text import gist, request_lines, short_gist
from tests.ui.conftest import Desk, Room


def form_of(request: Request) -> Form[Request]:
    return Form[Request](request)


def test_a_value_finer_than_the_step_survives(room: Room) -> None:
    request = medium("avatar").default_task.request(
        psi=0.123456, style="a-style-of-tomorrow", seed=2**31 - 1, model="elsewhere"
    )
    assert form_of(request).value() == request


def test_unknown_keys_of_a_newer_studio_survive(room: Room) -> None:
    request = Request.from_json({"kind": "poster", "prompt": "x", "moonlight": 3})
    assert form_of(request).value().to_json()["moonlight"] == 3


def test_typing_sliding_and_choosing_count(room: Room) -> None:
    form = form_of(medium("avatar").default_task.request(psi=0.123456))
    form.show()
    slider = form.findChild(QSlider, "psi.slider")
    assert slider is not None
    slider.setValue(slider.maximum())
    assert form.value().psi == 1.5  # type: ignore[attr-defined]
    box = form.findChild(QDoubleSpinBox, "psi")
    assert box is not None
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "85")
    assert form.value().psi == 0.85  # type: ignore[attr-defined]
    style = form.findChild(QComboBox, "style")
    assert style is not None
    style.setCurrentIndex(style.findText("Micah"))
    assert form.value().style == "micah"  # type: ignore[attr-defined]


def test_a_number_that_is_too_large_becomes_the_largest_and_says_so(room: Room) -> None:
    form = form_of(medium("poster").default_task.request())
    form.show()
    box = form.findChild(QDoubleSpinBox, "width")
    assert box is not None
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, "99999")
    assert box.text().startswith("99999"), "no digit is lost"
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.value() == box.maximum() == form.value().width  # type: ignore[attr-defined]
    assert QToolTip.text() == f"At most {box.text()}"


def test_too_many_words_are_refused_by_name(room: Room) -> None:
    form = form_of(medium("poster").default_task.request())
    words = form.findChild(QPlainTextEdit, "prompt")
    assert words is not None
    words.setPlainText("x" * 2001)
    with pytest.raises(BadInput, match="prompt has 2,001 characters"):
        form.value()


def test_advanced_fields_are_folded_away(room: Room) -> None:
    form = form_of(medium("poster").default_task.request())
    form.show()
    steps = form.fields["steps"]
    assert not steps.isVisible()
    fold = form.findChild(object, "fold")
    QTest.mouseClick(fold, Qt.MouseButton.LeftButton)  # type: ignore[arg-type]
    assert steps.isVisible()


def test_the_die_rolls_another_seed(room: Room) -> None:
    form = form_of(medium("music").default_task.request(seed=4))
    assert form.seed is not None
    form.seed.die.click()
    assert form.value().seed != 4


@pytest.mark.parametrize("kind", [each.default_task.request for each in MEDIA], ids=[each.name for each in MEDIA])
def test_every_field_has_a_name_and_help_for_screen_readers(room: Room, kind: type[Request]) -> None:
    form = form_of(kind())
    for name, note in kind.fields():
        if note.hidden:
            assert form.findChild(object, name) is None
            continue
        control = form.findChild(object, name)
        assert control.accessibleName() == note.label  # type: ignore[union-attr]
        assert control.accessibleDescription() == note.help  # type: ignore[union-attr]
        if isinstance(note, Range):
            assert form.fields[name].value() == getattr(kind(), name)


def test_settings_are_a_form_too(room: Room) -> None:
    settings = Settings(theme="dark", threads=3, text_size=1.25)
    assert Form[Settings](settings).value() == settings


def test_a_title_looks_like_one_and_stays_what_it_is(room: Room) -> None:
    prompt = "# The Lost Compass\n\nIt pointed home. #not a title"
    form = form_of(medium("story").default_task.request(prompt=prompt))
    form.show()
    field = form.findChild(QPlainTextEdit, "prompt")
    assert field is not None
    first, last = field.document().firstBlock(), field.document().lastBlock()
    parts = first.layout().formats()  # which own what they give
    mark, title = parts[0].format, parts[1].format
    assert mark.fontPointSize() < 1
    assert mark.foreground().color().alpha() == 0
    assert title.font().weight() > field.font().weight()
    assert not last.layout().formats()
    assert not field.placeholderText().startswith("#")
    assert form.value() == medium("story").default_task.request(prompt=prompt, seed=form.value().seed)
    assert ("Beginning", "The Lost Compass\n\nIt pointed home. #not a title") in request_lines(form.value().to_json())


def test_what_has_little_room_leaves_out_the_seed() -> None:
    song = medium("music").default_task.request(genre="lullaby", mood="tender", seed=207).to_json()
    assert gist(song) == "Lullaby · Tender · Seed 207"
    assert short_gist(song) == "Lullaby · Tender"
    found = {"kind": "avatar", "style": "micah", "seed": 7, "latent": "AAAA"}
    assert gist(found) == "Micah · Matched to a picture"
    assert gist({**found, "latent": ""}) == "Micah · Seed 7"
    assert short_gist(medium("music").default_task.request(seed=207).to_json()) == "Seed 207"
    assert short_gist(medium("story").default_task.request(prompt="# A title\n\nand more").to_json()) == "A title"
    sheet = Request.from_json({"kind": "avatar.sheet", "seed": 7}).to_json()
    assert (gist(sheet), short_gist(sheet)) == ("Character sheet · Seed 7", "Character sheet")
    larger = {"kind": "upscale", "factor": "4", "seed": 0}
    assert gist(larger) == short_gist(larger) == "Upscaled · 4 times"
    assert gist({}) == short_gist({}) == gist({"kind": "of another studio"}) == ""


def test_the_default_model_is_named_and_a_request_that_names_it_keeps_the_id(desk: Desk) -> None:
    field = desk.panel("poster").form.fields["model"]
    assert isinstance(field, ModelField)
    assert field.box.currentText() == "Fake poster (default)"
    assert field.value() == ""
    field.set_value("poster-scenes")
    assert (field.box.currentText(), field.value()) == ("Fake poster (default)", "poster-scenes")
    assert [field.box.itemText(at) for at in range(field.box.count())].count("Fake poster") == 0
    field.set_value("gone")
    assert (field.box.currentText(), field.value()) == ("gone (missing)", "gone")
    field.box.setCurrentIndex(0)
    assert field.value() == ""


def test_the_chosen_model_stays_chosen_when_others_come_and_go(desk: Desk) -> None:
    first, chosen = models = desk.studio.catalog.models()[:2]
    field = ModelField("model", ModelId(label="Model", help=""), lambda: models)
    field.box.setCurrentIndex(1)
    for there, words in (
        ([chosen, first], f"{chosen.title} (default)"),
        ([first, chosen], chosen.title),
        ([first], f"{chosen.id} (missing)"),
        ([first, chosen], chosen.title),
    ):
        models = there
        field.reload()
        assert (field.box.currentText(), field.value()) == (words, chosen.id)
    field.box.setCurrentIndex(0)
    field.reload()
    assert field.value() == ""


def test_a_further_model_may_be_none(desk: Desk) -> None:
    field = ModelField(
        "lora", ModelId(label="LoRA", help="", role="lora"), lambda: desk.studio.catalog.models("poster")
    )
    assert (field.box.currentText(), field.value()) == ("None", "")
    assert field.box.count() == 2


def test_a_group_without_any_field_has_no_heading(room: Room) -> None:
    form, notes = Form(Settings()), dict(Settings.fields())
    form.show()
    group = next(note.group for note in notes.values() if note.group and not note.hidden)

    def headings() -> set[str]:
        return {each.text() for each in form.findChildren(QLabel) if each.isVisible()}

    assert group in headings()
    form.set_fields((name, replace(note, hidden=note.hidden or note.group == group)) for name, note in notes.items())
    assert group not in headings()
    form.set_fields(notes.items())
    assert group in headings()
