"""Fields in which one chooses: among words, between yes and no, and among the models there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio.models.catalog import Model
from studio.schema.request import Choice, Flag, ModelId
from studio.ui.forms.field import CHOICE_WIDTH, FormField, Shape
from studio.ui.widgets.basic import ComboBox, row
from studio.ui.widgets.switch import Switch
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import theme

Models = Callable[[], Sequence[Model]]


class ChoiceField(FormField):
    """One of several, below its label or beside it."""

    def __init__(self, name: str, field: Choice, shape: Shape = "below") -> None:
        super().__init__(name, field)
        self.box = ComboBox()
        for value, text in field.options:
            self.box.addItem(tr(text), value)
        self.name_control(self.box)
        self.box.currentIndexChanged.connect(lambda _: self.on_edited())
        if shape == "beside":
            theme().changed.connect(self._fit)
            self._fit()
            self.rows.addLayout(row(self.title, None, self.box))
        else:
            self.rows.addWidget(self.title)
            self.rows.addWidget(self.box)

    def _fit(self) -> None:
        self.box.setFixedWidth(theme().scaled(CHOICE_WIDTH))

    def read(self) -> str:
        return str(self.box.currentData())

    def write(self, value: str) -> None:
        at = self.box.findData(value)
        if at < 0:  # a word that only a larger model knows
            self.box.addItem(value, value)
            at = self.box.count() - 1
        self.box.setCurrentIndex(at)


class FlagField(FormField):
    def __init__(self, name: str, field: Flag) -> None:
        super().__init__(name, field)
        self.box = Switch()
        self.name_control(self.box)
        self.box.toggled.connect(lambda _: self.on_edited())
        self.rows.addLayout(row(self.title, None, self.box))

    def read(self) -> bool:
        return self.box.isChecked()

    def write(self, value: bool) -> None:
        self.box.setChecked(value)


class ModelField(FormField):
    """Which model; the first is the medium's own default, which an empty id stands for."""

    def __init__(self, name: str, field: ModelId, models: Models) -> None:
        super().__init__(name, field)
        self._models = models
        self.box = ComboBox()
        self.name_control(self.box)
        self.reload()
        self.box.currentIndexChanged.connect(lambda _: self.on_edited())
        self.rows.addWidget(self.title)
        self.rows.addWidget(self.box)

    def reload(self) -> None:
        """Read the models anew; what was chosen stays chosen."""
        chosen = self.box.currentData()
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItem(tr("Default"), "")
        for model in self._models():
            self.box.addItem(model.title or model.id, model.id)
        self.box.setCurrentIndex(max(0, self.box.findData(chosen)))
        self.box.blockSignals(False)

    def read(self) -> str:
        return str(self.box.currentData() or "")

    def write(self, value: str) -> None:
        at = self.box.findData(value)
        if at < 0:
            self.box.addItem(tr("{model} (missing)").format(model=value), value)
            at = self.box.count() - 1
        self.box.setCurrentIndex(at)
