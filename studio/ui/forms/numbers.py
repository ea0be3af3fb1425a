"""Fields that hold a number: one with a range, and a seed; they know no requests."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt

from studio.schema.request import Range, Seed, fresh_seed
from studio.ui.commands import keys_of
from studio.ui.forms.field import FormField, Shape
from studio.ui.widgets.basic import NumberBox, QuietSlider, SeedBox, label, row, tool
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

DECIMALS = 6  # of a number that is kept: more are noise of reckoning
SLIDER_STEPS = 1000  # finer than a hand can drag over the width of the brief


class NumberField(FormField):
    """A number: typed beside its label and drawn with a slider below, or only typed, below its label or beside it."""

    def __init__(self, name: str, field: Range, shape: Shape = "slider") -> None:
        super().__init__(name, field)
        self.whole = field.whole
        low_word = tr(field.low_word) if field.low_word else ""
        self._factor, unit = field.shown or (1, field.unit)
        low, high, step = field.low, field.high, field.step
        if field.shown is not None:
            low, high = round(low * self._factor), round(high * self._factor)
            step = max(1, round(step * self._factor))
        self.box = NumberBox(low, high, step, tr(unit), low_word)
        self.name_control(self.box)
        self.slider = QuietSlider() if shape == "slider" else None
        if shape == "below":
            self.rows.addWidget(self.title)
            self.rows.addWidget(self.box)
        else:
            self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
            theme().changed.connect(self._fit)
            self._fit()
            self.rows.addLayout(row(self.title, None, self.box))
        if self.slider is not None:
            self._low, self._span = field.low, field.high - field.low
            self._steps = min(SLIDER_STEPS, max(1, round(self._span / field.step)))
            self.slider.setRange(0, self._steps)
            self.slider.setPageStep(max(1, self._steps // 10))
            self.name_control(self.slider, ".slider")
            self.slider.valueChanged.connect(self._on_slider_moved)
            self.rows.addWidget(self.slider)
        self.box.valueChanged.connect(self._on_value_changed)
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _fit(self) -> None:
        self.box.setFixedWidth(theme().scaled(118))

    def read(self) -> float:
        # A value still being typed counts: Generate may be pressed before the field is left.
        self.box.interpretText()
        assert isinstance(self.field, Range)
        value = self.box.value() / self._factor
        value = round(value) if self.whole else round(value, DECIMALS)
        return min(self.field.high, max(self.field.low, value))

    def write(self, value: float) -> None:
        self.box.setValue(value * self._factor)
        self._update_slider()

    def value(self) -> Any:
        if self._given is not None and self.box.hasFocus():
            self.box.interpretText()
        return super().value()

    def _on_value_changed(self) -> None:
        self._update_slider()
        self.on_edited()

    def _update_slider(self) -> None:
        if self.slider is not None:
            self.slider.blockSignals(True)
            self.slider.setValue(round((self.box.value() / self._factor - self._low) / self._span * self._steps))
            self.slider.blockSignals(False)

    def _on_slider_moved(self, place: int) -> None:
        assert isinstance(self.field, Range)
        raw = self._low + place / self._steps * self._span
        step = self.field.step
        value = min(self.field.high, self._low + round((raw - self._low) / step) * step)
        self.box.blockSignals(True)
        self.box.setValue(value * self._factor)
        self.box.blockSignals(False)
        self.on_edited()


class SeedField(FormField):
    """A seed with a die that rolls a new one and a lock that keeps it from one work to the next."""

    def __init__(self, name: str, field: Seed) -> None:
        super().__init__(name, field)
        self.box = SeedBox()
        self.name_control(self.box)
        self.box.valueChanged.connect(lambda _: self.on_edited())
        self.die = tool("die", tr("Randomize seed"), f"{name}.die", keys=keys_of("roll"), clicked=self.roll)
        self.lock = tool("unlock", tr("Lock seed"), f"{name}.lock", checked="lock", keys=keys_of("lock"))
        self.lock.toggled.connect(lambda _: self.changed.emit())
        self.source_label = label("", "muted")
        self.source_label.setObjectName(f"{name}.instead")
        self.source_label.hide()
        self.rows.addWidget(self.title)
        line = row(spacing=SIZE.hair)
        line.addWidget(self.box, 1)
        line.addWidget(self.source_label, 1)
        line.addWidget(self.die)
        line.addWidget(self.lock)
        self.rows.addLayout(line)

    @property
    def locked(self) -> bool:
        return self.lock.isChecked()

    @property
    def rolls(self) -> bool:
        """Whether the next work may have another seed."""
        return not self.locked and self.source_label.isHidden()

    def show_source(self, words: str) -> None:
        """Say where the work comes from while it comes from no seed; empty where it does. The die gives it one."""
        self.source_label.setText(words)
        self.source_label.setVisible(bool(words))
        for control in (self.box, self.lock):
            control.setVisible(not words)

    def roll(self) -> None:
        self.set_value(fresh_seed())

    def read(self) -> int:
        return self.box.value()

    def write(self, value: int) -> None:
        self.box.setValue(value)
