"""The fields of a form: one control for each kind of field a request can have."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QSyntaxHighlighter, QTextCharFormat
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPlainTextEdit, QWidget

from studio.models.model import Model
from studio.schema.fields import Choice, Field, Flag, FreeText, ModelId, PathTo, Range, Seed, WorkKey, WorkRef
from studio.schema.request import fresh_seed
from studio.ui.commands import keys_of
from studio.ui.forms.marked_text import MarkedText
from studio.ui.widgets.controls import ComboBox, NumberBox, QuietSlider, SeedBox, Switch, button, label, tool
from studio.ui.widgets.dialogs import ask_paths
from studio.ui.widgets.layout import ScaledSize, add, column, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

Shape = Literal["slider", "below", "beside"]
CHOICE_WIDTH, NUMBER_WIDTH = 260, 118  # pixels of a choice and of a number beside its label


class FormField(QWidget):
    """A control with its label. A value that was set is returned unchanged until a person edits it."""

    changed = Signal()

    def __init__(self, name: str, field: Field) -> None:
        super().__init__()
        self.name, self.field = name, field
        self.setObjectName(f"field.{name}")
        self.rows = column(self, spacing=SIZE.hair)
        self.head = row()  # the line of the title, where the control is below it
        self.title = label(tr(field.label), "label")
        self.setToolTip(tr(field.help))
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

    def on_edited(self) -> None:
        """A person changed it."""
        if not self._setting:
            self._given = None
            self.changed.emit()

    def name_control(self, control: QWidget, suffix: str = "") -> None:
        """Give the control its names, for tests, screen readers and the label's shortcut."""
        control.setObjectName(f"{self.name}{suffix}")
        control.setAccessibleName(tr(self.field.label))
        control.setAccessibleDescription(tr(self.field.help))
        if not suffix:
            self.title.setBuddy(control)
            self.setFocusProxy(control)

    def place(self, control: QWidget, *, beside: int = 0) -> None:
        """Put the control below its title, or beside it, so many pixels wide."""
        if beside:
            ScaledSize(control, wide=beside)
            self.rows.addLayout(row(self.title, None, control))
        else:
            self.head = row(self.title, None)
            add(self.rows, self.head, control)

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError


Models = Callable[[], Sequence[Model]]
"""The models of a medium, its default first."""


class ChoiceField(FormField):
    """One of several, below its label or beside it."""

    def __init__(self, name: str, field: Choice, shape: Shape = "below") -> None:
        super().__init__(name, field)
        self.box = ComboBox()
        for value, text in field.options:
            self.box.addItem(tr(text), value)
        self.name_control(self.box)
        self.box.currentIndexChanged.connect(lambda _: self.on_edited())
        self.place(self.box, beside=CHOICE_WIDTH if shape == "beside" else 0)

    def read(self) -> str:
        return str(self.box.currentData())

    def write(self, value: str) -> None:
        at = self.box.findData(value)
        if at < 0:  # a value that only some models know
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
    """Which model. An empty id stands for the medium's default, or for none where the model has a role.

    `more_requested`: a person looks for others; its button is hidden where nobody can show them.
    """

    more_requested = Signal()

    def __init__(self, name: str, field: ModelId, models: Models) -> None:
        super().__init__(name, field)
        self._models, self._optional = models, bool(field.role)
        self._default = ""  # the default's id
        self.box = ComboBox()
        self.name_control(self.box)
        self.reload()
        self.box.currentIndexChanged.connect(lambda _: self.on_edited())
        self.more = button(tr("More models…"), f"{name}.more", "quiet", clicked=self.more_requested.emit)
        self.more.hide()
        add(self.rows, row(self.title, None, self.more), self.box)

    def reload(self) -> None:
        """Read the list of models again; the chosen one stays chosen."""
        chosen = self.value()
        self.box.blockSignals(True)
        self.box.clear()
        models = list(self._models())
        if self._optional or not models:
            self._default = ""
            self.box.addItem(tr("None"), "")
        else:
            default = models.pop(0)
            self._default = default.id
            self.box.addItem(tr("{model} (default)").format(model=default.title or default.id), "")
        for model in models:
            self.box.addItem(model.title or model.id, model.id)
        self.write(chosen)
        self._given = chosen  # one that names the default keeps its id
        self.box.blockSignals(False)

    def read(self) -> str:
        return str(self.box.currentData() or "")

    def write(self, value: str) -> None:
        at = self.box.findData("" if value == self._default else value)
        if at < 0:
            self.box.addItem(tr("{model} (missing)").format(model=value), value)
            at = self.box.count() - 1
        self.box.setCurrentIndex(at)


DECIMALS = 6  # decimals that are kept: more are rounding errors
SLIDER_STEPS = 1000  # finer than a mouse can drag


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
        if shape != "below":
            self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.place(self.box, beside=0 if shape == "below" else NUMBER_WIDTH)
        if self.slider is not None:
            self._scale_slider()
            self.name_control(self.slider, ".slider")
            self.slider.valueChanged.connect(self._on_slider_moved)
            self.rows.addWidget(self.slider)
        self.box.valueChanged.connect(self._on_value_changed)

    def set_limits(self, low: float, high: float) -> None:
        """Take values from `low` to `high` only. What is shown is set again by whoever changes them."""
        assert isinstance(self.field, Range)
        if (low, high) == (self.field.low, self.field.high):
            return
        self.field = dataclasses.replace(self.field, low=low, high=high)
        if self.slider is not None:
            self._scale_slider()
        with QSignalBlocker(self.box):
            self.box.setRange(low * self._factor, high * self._factor)
        self._update_slider()

    def _scale_slider(self) -> None:
        assert isinstance(self.field, Range)
        assert self.slider is not None
        self._low, self._span = self.field.low, self.field.high - self.field.low
        self._steps = min(SLIDER_STEPS, max(1, round(self._span / self.field.step)))
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, self._steps)
        self.slider.setPageStep(max(1, self._steps // 10))

    def read(self) -> float:
        # Generate may be pressed while a value is still being typed.
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
            with QSignalBlocker(self.slider):
                self.slider.setValue(round((self.box.value() / self._factor - self._low) / self._span * self._steps))

    def _on_slider_moved(self, place: int) -> None:
        assert isinstance(self.field, Range)
        raw = self._low + place / self._steps * self._span
        step = self.field.step
        value = min(self.field.high, self._low + round((raw - self._low) / step) * step)
        with QSignalBlocker(self.box):
            self.box.setValue(value * self._factor)
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
        self.source_label = label("", "muted", name=f"{name}.instead")
        self.source_label.hide()
        line = row((self.box, 1), (self.source_label, 1), self.die, self.lock, spacing=SIZE.hair)
        add(self.rows, self.title, line)

    @property
    def locked(self) -> bool:
        return self.lock.isChecked()

    @property
    def rolls(self) -> bool:
        """Whether the next work may have another seed."""
        return not self.locked and self.source_label.isHidden()

    def show_source(self, words: str) -> None:
        """Show `words` in place of the seed while it has no effect; empty shows the seed. The die sets a seed."""
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


class PathField(FormField):
    """A file or folder, or the file or id of a work, below its label or beside it."""

    def __init__(self, name: str, field: PathTo | WorkRef, shape: Shape = "below") -> None:
        super().__init__(name, field)
        self._folder = isinstance(field, PathTo) and field.folder
        self._work: WorkKey | None = None  # what was set, since the text does not hold all of it
        self.line = QLineEdit()
        self.line.setPlaceholderText(tr("Default folder") if self._folder else "")
        self.name_control(self.line)
        self.line.textChanged.connect(lambda _: self.on_edited())
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

    def read(self) -> str | WorkKey:
        text = self.line.text()
        return self._work if self._work is not None and text == str(self._work) else text

    def write(self, value: str | WorkKey) -> None:
        self._work = value if isinstance(value, WorkKey) else None
        self.line.setText(str(value))

    def _choose(self) -> None:
        mode = QFileDialog.FileMode.Directory if self._folder else QFileDialog.FileMode.ExistingFile
        title, start = tr(self.field.label), self.line.text() or Path.home()
        ask_paths(self, title, "", lambda paths: self.line.setText(str(paths[0])), start=start, mode=mode)


TITLE = 1.15  # relative to the text size


class TitleHighlighter(QSyntaxHighlighter):
    """Shows a line that begins with `# ` as a title and hides the mark; the text is not changed."""

    def __init__(self, text: QPlainTextEdit) -> None:
        super().__init__(text.document())
        self._tint()
        theme().changed.connect(self._tint)

    def _tint(self) -> None:
        font = theme().font(TITLE, strong=True)
        self._title, self._mark = QTextCharFormat(), QTextCharFormat()
        self._title.setFont(font)
        self._mark.setFontPointSize(0.1)
        self._mark.setForeground(QColor(Qt.GlobalColor.transparent))
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        mark = len(text) - len(text.lstrip("#"))
        if mark and text[mark : mark + 1] == " ":
            self.setFormat(0, mark + 1, self._mark)
            self.setFormat(mark + 1, len(text) - mark - 1, self._title)


class TextField(FormField):
    """Text, as many lines high as the field says."""

    def __init__(self, name: str, field: FreeText) -> None:
        super().__init__(name, field)
        if field.lines > 1:
            self.long = MarkedText()
            self.long.setTabChangesFocus(True)
            self.long.setUndoRedoEnabled(False)  # undo is that of the whole form
            self.long.setPlaceholderText(tr(field.placeholder).lstrip("# "))
            self._titles = TitleHighlighter(self.long)
            self._lines = field.lines
            theme().changed.connect(self._fit)
            self._fit()
            self.long.textChanged.connect(self.on_edited)
            self.line = None
            self.name_control(self.long)
            self.place(self.long)
        else:
            self.line = QLineEdit()
            self.line.setPlaceholderText(tr(field.placeholder))
            self.line.textChanged.connect(lambda _: self.on_edited())
            self.name_control(self.line)
            self.place(self.line)

    def _fit(self) -> None:
        height = QFontMetricsF(theme().font()).lineSpacing() * self._lines
        self.long.setFixedHeight(round(height) + 22)

    def mark(self, places: Sequence[tuple[int, int]], hint: str, words: str) -> None:
        """Underline the text from each start to its end, with a tool tip; `words` say it to screen readers."""
        if self.line is None:
            self.long.mark(places, hint)
        described = f"{tr(self.field.help)} {words}".strip()
        (self.line or self.long).setAccessibleDescription(described)

    def read(self) -> str:
        return self.long.toPlainText() if self.line is None else self.line.text()

    def write(self, value: str) -> None:
        before = self.read()
        if value == before:
            return  # and the cursor stays where it is
        place = _end_of_change(before, value)
        if self.line is not None:
            self.line.setText(value)
            self.line.setCursorPosition(place)
            return
        self.long.setPlainText(value)
        cursor = self.long.textCursor()
        cursor.setPosition(place)
        self.long.setTextCursor(cursor)


def _end_of_change(before: str, after: str) -> int:
    """Where the change from `before` ends in `after`, in UTF-16 units, as Qt counts."""
    shorter = min(len(before), len(after))
    tail = _shared(reversed(before), reversed(after), shorter)
    end = len(after) - tail
    if _shared(before, after, shorter) + tail < shorter:  # other words, which may end with the same letters
        end = next((at for at in range(end, len(after)) if after[at].isspace()), len(after))
    return len(after[:end].encode("utf-16-le")) // 2


def _shared(one: Iterable[str], other: Iterable[str], most: int) -> int:
    """How many characters are the same at the beginning of both; `most` if the shorter one is the other's beginning."""
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), most)


def make_field(name: str, note: Field, *, models: Models = tuple, shape: Shape = "slider") -> FormField:
    if isinstance(note, Range):
        return NumberField(name, note, shape)
    if isinstance(note, Choice):
        return ChoiceField(name, note, shape)
    if isinstance(note, PathTo | WorkRef):
        return PathField(name, note, shape)
    if isinstance(note, ModelId):
        return ModelField(name, note, models)
    for kind, control in _CONTROLS:
        if isinstance(note, kind):
            return control(name, note)
    raise TypeError(f"There is no control for {type(note).__name__}.")


_CONTROLS: tuple[tuple[type[Field], Callable[[str, Any], FormField]], ...] = (
    (FreeText, TextField),
    (Flag, FlagField),
    (Seed, SeedField),
)
