"""The details of one model: what it makes, licence, source, and buttons for what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from studio.backends import MEDIA, PAGELESS
from studio.models.families import Family
from studio.models.model import Model
from studio.schema.request import Request
from studio.ui.pages.licences import terms
from studio.ui.panel.onboarding import SamplePicture
from studio.ui.widgets.controls import button, label, named, tool
from studio.ui.widgets.layout import column, fact_table, row, scrolling
from studio.ui.widgets.text import size, tr
from studio.ui.widgets.theme import SIZE

CARDS = ("card.md", "README.md", "model_card.md")
LANGUAGES = {"en": "English", "zh": "Chinese"}


class ModelCard(QFrame):
    """`command_requested(name)`: a command for the model that is shown: use, card, reveal, check, remove."""

    command_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setFixedWidth(SIZE.inspector)
        self._inside = named(QWidget(), "form")
        self._rows = column(self._inside, spacing=12, margins=(16, 16, 16, 16))
        column(self, scrolling(self._inside), spacing=0)
        self._whole = QWidget()
        self._rows.addWidget(self._whole)
        self._rows.addStretch(1)

    def show_model(self, model: Model | None) -> None:
        whole = QWidget()
        if model is not None:
            self._fill(column(whole, spacing=12), model)
        self._rows.replaceWidget(self._whole, whole)
        whole.show()  # at once, not with the next event
        self._whole.hide()
        self._whole.deleteLater()
        self._whole = whole

    def _fill(self, rows: QVBoxLayout, model: Model) -> None:
        add = rows.addWidget
        picture = model.folder / "sheet.png"
        if picture.exists():
            sheet = SamplePicture(picture)
            sheet.setFixedHeight(180)
            add(sheet)
        title = label(model.title, "heading", name="modelTitle", wrap=True, selectable=True)
        add(title)
        if model.description:
            add(label(" ".join(model.description.split()), wrap=True, selectable=True))
        rows.addLayout(self._buttons(model))
        add(fact_table(model_facts(model), "told"))
        if model.sha256:
            rows.addLayout(
                column(None, label(tr("SHA-256 of the weights"), "caption"), _hash_row(model.sha256), spacing=2)
            )
        allowed = terms(model.licence)
        add(label(tr("Licence"), "heading"))
        licence = label(f"{allowed.name}. {allowed.words}", name="modelLicence", wrap=True, selectable=True)
        add(licence)
        if model.credits:
            add(label(tr("Credits"), "heading"))
            add(label(model.credits, "caption", wrap=True, selectable=True))

    def _buttons(self, model: Model) -> QHBoxLayout:
        use = button(tr("Use it"), "model.use", clicked=lambda: self.command_requested.emit("use"))
        use.setToolTip(tr("Open its page with this model chosen (Return)"))
        use.setVisible(model.medium not in {each.name for each in PAGELESS})
        small = [("folder", tr("Show in folder"), "reveal"), ("verify", tr("Verify files"), "check")]
        if any((model.folder / name).is_file() for name in CARDS):
            small.insert(0, ("document", tr("Read model card"), "card"))
        if not model.bundled:
            small.append(("trash", tr("Remove (Delete)"), "remove"))
        tools = [
            tool(icon, words, f"model.{name}", clicked=lambda name=name: self.command_requested.emit(name))
            for icon, words, name in small
        ]
        return row((use, 1), *tools, spacing=4)


def model_facts(model: Model) -> list[tuple[str, str]]:
    """What is known of a model, as (name, value) rows."""
    medium = next((each for each in (*MEDIA, *PAGELESS) if each.name == model.medium), None)
    family = Family(model.family) if medium is None else medium.family(model.family)
    facts = [] if medium is None else [(tr("Makes"), tr(medium.makes))]
    facts.append((tr("Size"), size(model.size)))
    if all(model.native):
        facts.append((tr("Native size"), "{} × {}".format(*model.native)))
    if model.languages:
        facts.append((tr("Languages"), ", ".join(tr(LANGUAGES.get(each, each)) for each in model.languages)))
    facts.append((tr("Type"), tr(family.title) if family.title else model.family))
    if medium is not None:
        facts += _suited(family, model, medium.default_task.request)
    facts.append((tr("Source"), tr("Built in") if model.bundled else model.source or tr("Imported")))
    return facts


def _hash_row(sha256: str) -> QHBoxLayout:
    """The hash of the weights, shortened, with a button to copy it."""
    shown = label(f"{sha256[:8]} … {sha256[-8:]}", name="modelSum", selectable=True)
    shown.setToolTip(sha256)
    copy, words = (lambda: QGuiApplication.clipboard().setText(sha256)), tr("Copy the SHA-256 of the weights")
    return row(shown, None, tool("copy", words, "model.sum", clicked=copy, size=16), spacing=4)


def _suited(family: Family, model: Model, request: type[Request]) -> list[tuple[str, str]]:
    """What the form is set to for a model, and what it leaves out."""
    fields = dict(request.fields())
    suited = [f"{tr(fields[name].label)} {value}" for name, value in family.suited(request, model).items()]
    without = family.without_effect(request, model)  # reads a file of the model
    unused = [tr(each.label) for name, each in fields.items() if name in without]
    rows = ((tr("Suggested settings"), suited), (tr("Does not use"), [words for words in unused if words]))
    return [(name, ", ".join(words)) for name, words in rows if words]
