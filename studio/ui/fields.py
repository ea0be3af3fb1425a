"""One control per kind of note: a number, a choice, words, yes or no, a seed, a model, a path; knows no requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPlainTextEdit, QWidget

from studio.catalog import Model
from studio.request import Choice, Flag, ModelId, Note, PathTo, Range, Seed, Text, fresh_seed
from studio.ui.actions import keys_of
from studio.ui.switch import Switch
from studio.ui.theme import SIZE, theme
from studio.ui.widgets import Combo, Number, SeedBox, Slider, column, label, row, tool
from studio.ui.words import tr

Models = Callable[[], Sequence[Model]]
Shape = Literal["slider", "below", "beside"]
BESIDE = 260  # pixels of a choice beside its label
DECIMALS = 6  # of a number that is kept: more are noise of reckoning
SLIDER_STEPS = 1000  # finer than a hand can drag over the width of the brief


class Field(QWidget):
    """A control with its label. What was set comes back exactly as it was set until a person changes it."""

    changed = Signal()

    def __init__(self, name: str, note: Note) -> None:
        super().__init__()
        self.name, self.note = name, note
        self.setObjectName(f"field.{name}")
        self.rows = column(self, spacing=SIZE.hair)
        self.title = label(tr(note.label), "label")
        self.setToolTip(tr(note.help))
        self._given: Any = None
        self._setting = False

    def value(self) -> Any:
        return self._given if self._given is not None else self.read()

    def set_value(self, value: Any) -> None:
        self._setting = True
        try:
            self.write(value)
        finally:
            self._setting = False
        self._given = value
        self.changed.emit()

    def touched(self) -> None:
        """A person changed it."""
        if not self._setting:
            self._given = None
            self.changed.emit()

    def named(self, control: QWidget, suffix: str = "") -> None:
        """Give the control its names, for tests, screen readers and the label's shortcut."""
        control.setObjectName(f"{self.name}{suffix}")
        control.setAccessibleName(tr(self.note.label))
        control.setAccessibleDescription(tr(self.note.help))
        if not suffix:
            self.title.setBuddy(control)
            self.setFocusProxy(control)

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError


class NumberField(Field):
    """A number: typed beside its label and drawn with a slider below, or only typed, below its label or beside it."""

    def __init__(self, name: str, note: Range, shape: Shape = "slider") -> None:
        super().__init__(name, note)
        self.whole = note.whole
        low_word = tr(note.low_word) if note.low_word else ""
        self._factor, unit = note.shown or (1, note.unit)
        low, high, step = note.low, note.high, note.step
        if note.shown is not None:
            low, high = round(low * self._factor), round(high * self._factor)
            step = max(1, round(step * self._factor))
        self.box = Number(low, high, step, tr(unit), low_word)
        self.named(self.box)
        self.slider = Slider() if shape == "slider" else None
        if shape == "below":
            self.rows.addWidget(self.title)
            self.rows.addWidget(self.box)
        else:
            self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
            theme().changed.connect(self._fit)
            self._fit()
            self.rows.addLayout(row(self.title, None, self.box))
        if self.slider is not None:
            self._low, self._span = note.low, note.high - note.low
            self._steps = min(SLIDER_STEPS, max(1, round(self._span / note.step)))
            self.slider.setRange(0, self._steps)
            self.slider.setPageStep(max(1, self._steps // 10))
            self.named(self.slider, ".slider")
            self.slider.valueChanged.connect(self._slid)
            self.rows.addWidget(self.slider)
        self.box.valueChanged.connect(self._typed)
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def _fit(self) -> None:
        self.box.setFixedWidth(theme().high(118))

    def read(self) -> float:
        # A value still being typed counts: Generate may be pressed before the field is left.
        self.box.interpretText()
        assert isinstance(self.note, Range)
        value = self.box.value() / self._factor
        value = round(value) if self.whole else round(value, DECIMALS)
        return min(self.note.high, max(self.note.low, value))

    def write(self, value: float) -> None:
        self.box.setValue(value * self._factor)
        self._follow()

    def value(self) -> Any:
        if self._given is not None and self.box.hasFocus():
            self.box.interpretText()
        return super().value()

    def _typed(self) -> None:
        self._follow()
        self.touched()

    def _follow(self) -> None:
        if self.slider is not None:
            self.slider.blockSignals(True)
            self.slider.setValue(round((self.box.value() / self._factor - self._low) / self._span * self._steps))
            self.slider.blockSignals(False)

    def _slid(self, place: int) -> None:
        assert isinstance(self.note, Range)
        raw = self._low + place / self._steps * self._span
        step = self.note.step
        value = min(self.note.high, self._low + round((raw - self._low) / step) * step)
        self.box.blockSignals(True)
        self.box.setValue(value * self._factor)
        self.box.blockSignals(False)
        self.touched()


class ChoiceField(Field):
    """One of several, below its label or beside it."""

    def __init__(self, name: str, note: Choice, shape: Shape = "below") -> None:
        super().__init__(name, note)
        self.box = Combo()
        for value, text in note.options:
            self.box.addItem(tr(text), value)
        self.named(self.box)
        self.box.currentIndexChanged.connect(lambda _: self.touched())
        if shape == "beside":
            theme().changed.connect(self._fit)
            self._fit()
            self.rows.addLayout(row(self.title, None, self.box))
        else:
            self.rows.addWidget(self.title)
            self.rows.addWidget(self.box)

    def _fit(self) -> None:
        self.box.setFixedWidth(theme().high(BESIDE))

    def read(self) -> str:
        return str(self.box.currentData())

    def write(self, value: str) -> None:
        at = self.box.findData(value)
        if at < 0:  # a word that only a larger model knows
            self.box.addItem(value, value)
            at = self.box.count() - 1
        self.box.setCurrentIndex(at)


class TextField(Field):
    """Words, on as many lines as the note asks for."""

    def __init__(self, name: str, note: Text) -> None:
        super().__init__(name, note)
        self.rows.addWidget(self.title)
        if note.lines > 1:
            self.long = QPlainTextEdit()
            self.long.setTabChangesFocus(True)
            self.long.setUndoRedoEnabled(False)  # the brief undoes, over all its fields
            self.long.setPlaceholderText(tr(note.placeholder))
            self._lines = note.lines
            theme().changed.connect(self._fit)
            self._fit()
            self.long.textChanged.connect(self.touched)
            self.line = None
            self.named(self.long)
            self.rows.addWidget(self.long)
        else:
            self.line = QLineEdit()
            self.line.setPlaceholderText(tr(note.placeholder))
            self.line.textChanged.connect(lambda _: self.touched())
            self.named(self.line)
            self.rows.addWidget(self.line)

    def _fit(self) -> None:
        height = QFontMetricsF(theme().font()).lineSpacing() * self._lines
        self.long.setFixedHeight(round(height) + 22)

    def read(self) -> str:
        return self.long.toPlainText() if self.line is None else self.line.text()

    def write(self, value: str) -> None:
        before = self.read()
        if value == before:
            return  # and the cursor stays where it is
        place = _changed_until(before, value)
        if self.line is not None:
            self.line.setText(value)
            self.line.setCursorPosition(place)
            return
        self.long.setPlainText(value)
        cursor = self.long.textCursor()
        cursor.setPosition(place)
        self.long.setTextCursor(cursor)


class FlagField(Field):
    def __init__(self, name: str, note: Flag) -> None:
        super().__init__(name, note)
        self.box = Switch()
        self.named(self.box)
        self.box.toggled.connect(lambda _: self.touched())
        self.rows.addLayout(row(self.title, None, self.box))

    def read(self) -> bool:
        return self.box.isChecked()

    def write(self, value: bool) -> None:
        self.box.setChecked(value)


class SeedField(Field):
    """A seed with a die that rolls a new one and a lock that keeps it from one work to the next."""

    def __init__(self, name: str, note: Seed) -> None:
        super().__init__(name, note)
        self.box = SeedBox()
        self.named(self.box)
        self.box.valueChanged.connect(lambda _: self.touched())
        self.die = tool("die", tr("Roll a new seed"), f"{name}.die", keys=keys_of("roll"), clicked=self.roll)
        self.lock = tool("unlock", tr("Keep this seed"), f"{name}.lock", checked="lock", keys=keys_of("lock"))
        self.lock.toggled.connect(lambda _: self.changed.emit())
        self.rows.addWidget(self.title)
        line = row(spacing=SIZE.hair)
        line.addWidget(self.box, 1)
        line.addWidget(self.die)
        line.addWidget(self.lock)
        self.rows.addLayout(line)

    @property
    def locked(self) -> bool:
        return self.lock.isChecked()

    def roll(self) -> None:
        self.set_value(fresh_seed())

    def read(self) -> int:
        return self.box.value()

    def write(self, value: int) -> None:
        self.box.setValue(value)


class ModelField(Field):
    """Which model; the first is the medium's own default, which an empty id stands for."""

    def __init__(self, name: str, note: ModelId, models: Models) -> None:
        super().__init__(name, note)
        self._models = models
        self.box = Combo()
        self.named(self.box)
        self.refill()
        self.box.currentIndexChanged.connect(lambda _: self.touched())
        self.rows.addWidget(self.title)
        self.rows.addWidget(self.box)

    def refill(self) -> None:
        """Read the models anew; what was chosen stays chosen."""
        chosen = self.box.currentData()
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItem(tr("The studio's own"), "")
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


class PathField(Field):
    """A file or folder, below its label or beside it."""

    def __init__(self, name: str, note: PathTo, shape: Shape = "below") -> None:
        super().__init__(name, note)
        self._folder = note.folder
        self.line = QLineEdit()
        self.line.setPlaceholderText(tr("In the studio's own folder"))
        self.named(self.line)
        self.line.textChanged.connect(lambda _: self.touched())
        self.browse = tool("folder", tr("Choose…"), f"{name}.browse", clicked=self._choose)
        line = row(spacing=SIZE.hair)
        if shape == "beside":
            line.addWidget(self.title, 1)
            line.addWidget(self.line, 2)
        else:
            self.rows.addWidget(self.title)
            line.addWidget(self.line, 1)
        line.addWidget(self.browse)
        self.rows.addLayout(line)

    def read(self) -> str:
        return self.line.text()

    def write(self, value: str) -> None:
        self.line.setText(value)

    def _choose(self) -> None:
        dialog = QFileDialog(self, tr(self.note.label), self.line.text() or str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory if self._folder else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()


def _changed_until(before: str, after: str) -> int:
    """Where in `after` that which differs from `before` ends, in UTF-16 units, as Qt counts."""
    pairs = enumerate(zip(reversed(before), reversed(after), strict=False))
    alike = next((at for at, (old, new) in pairs if old != new), min(len(before), len(after)))
    return len(after[: len(after) - alike].encode("utf-16-le")) // 2


def field(name: str, note: Note, *, models: Models = tuple, shape: Shape = "slider") -> Field:
    """The control for a note."""
    if isinstance(note, Range):
        return NumberField(name, note, shape)
    if isinstance(note, Choice):
        return ChoiceField(name, note, shape)
    if isinstance(note, PathTo):
        return PathField(name, note, shape)
    if isinstance(note, ModelId):
        return ModelField(name, note, models)
    for kind, control in _CONTROLS:
        if isinstance(note, kind):
            return control(name, note)
    raise TypeError(f"There is no control for {type(note).__name__}.")


_CONTROLS: tuple[tuple[type[Note], Callable[[str, Any], Field]], ...] = (
    (Text, TextField),
    (Flag, FlagField),
    (Seed, SeedField),
)
