"""A form made from the fields of a request or of the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from studio.schema.fields import Checked, Choice, Field, ModelId, Range, Seed
from studio.schema.picture_sizes import SIDES, PictureSize
from studio.ui.forms.fields import FormField, ModelField, Models, NumberField, SeedField, Shape, make_field
from studio.ui.forms.size_presets import SizePresets
from studio.ui.widgets import icons
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.layout import column
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

MARGIN = 20  # pixels at the left and the right; a scroll bar takes 12 of them


SPACING: dict[Shape, int] = {"slider": 14, "below": 14, "beside": 9}  # pixels between fields
Value = TypeVar("Value", bound=Checked)


class Form(QWidget, Generic[Value]):
    """The fields of one class: those that matter first, advanced ones folded away, then model and seed.

    `names` are the fields to show, in their order; without it, all. `shape` is how numbers are
    shown.

    `value()` raises BadInput that names the field at fault. What the form does not show (unknown keys of a newer
    studio's request, fields left out) is carried along.
    """

    changed = Signal()

    def __init__(
        self, start: Value, *, models: Models = tuple, names: Sequence[str] | None = None, shape: Shape = "slider"
    ) -> None:
        super().__init__()
        self.setObjectName("form")
        self._base = start
        self._shape: Shape = shape
        self._filling = False
        self.last_changed = ""  # the field that was changed last; empty where all were set
        self.fields: dict[str, FormField] = {}
        self.sizes: SizePresets | None = None  # of a form with a width and a height
        self._headings: list[tuple[QWidget, set[str]]] = []  # of groups, and the fields below each
        self._left_out: set[str] = set()  # fields that have no effect now
        self._layout = column(self, spacing=SPACING[shape], margins=(MARGIN, 16, MARGIN, 16))
        noted = {name: note for name, note in type(start).fields() if not note.hidden}
        notes = [(name, noted[name]) for name in (noted if names is None else names)]
        shared: list[tuple[str, Field]] = [(name, note) for name, note in notes if isinstance(note, Seed | ModelId)]
        own = [(name, note) for name, note in notes if not isinstance(note, Seed | ModelId)]
        self._add_fields([pair for pair in own if not pair[1].advanced], self._layout, models)
        self._advanced = QWidget()
        self._advanced_button = button(
            tr("Advanced"), "fold", "fold", clicked=lambda: self.show_advanced(self._advanced.isHidden())
        )
        folded = column(self._advanced, spacing=SPACING[shape])
        advanced = [pair for pair in own if pair[1].advanced]
        self._add_fields(advanced, folded, models)
        self._layout.addWidget(self._advanced_button)
        self._layout.addWidget(self._advanced)
        self._advanced_button.setVisible(bool(advanced))
        self.show_advanced(False)
        self._add_fields(shared, self._layout, models)
        self._layout.addStretch(1)
        self.set_value(start)
        for name, made in self.fields.items():
            made.changed.connect(lambda name=name: self._changed(name))
        if self.sizes is not None:
            self.sizes.chosen.connect(self._set_size)

    def value(self) -> Value:
        given = {name: made.value() for name, made in self.fields.items()}
        return dataclasses.replace(self._base, **given)  # type: ignore[type-var]

    def set_value(self, value: Value, last_changed: str = "") -> None:
        """Show a value; `changed` says so once, when all fields show it. `last_changed`: the field by whose change the
        others get other values.
        """
        self._base = value
        self._filling = True
        try:
            for name, made in self.fields.items():
                made.set_value(getattr(value, name))
        finally:
            self._filling = False
        self.last_changed = last_changed
        self._show_size()
        self.changed.emit()

    def _set_size(self, *sides: int) -> None:
        """Set both sides at once, within what the model takes."""
        fields = [self.fields[name] for name in SIDES]
        self._filling = True
        try:
            for made, side in zip(fields, sides, strict=True):
                assert isinstance(made.field, Range)
                made.set_value(int(min(made.field.high, max(made.field.low, side))))
        finally:
            self._filling = False
        self.last_changed = "size"
        self._show_size()
        self.changed.emit()

    def _show_size(self) -> None:
        if self.sizes is not None:
            wide, high = (int(self.fields[name].value()) for name in SIDES)
            self.sizes.show_size(wide, high)

    def offer_sizes(self, sizes: Sequence[PictureSize]) -> None:
        """Offer sizes by name above width and height; none hides the choice."""
        if self.sizes is not None:
            self.sizes.offer(sizes)

    def _changed(self, name: str) -> None:
        if not self._filling:
            if name in SIDES:
                self._show_size()
            self.last_changed = name
            self.changed.emit()

    def set_fields(self, fields: Iterable[tuple[str, Field]]) -> None:
        """Show the fields of the form as `fields` have them: numbers within their limits, hidden ones left out."""
        for name, note in fields:
            made = self.fields.get(name)
            if isinstance(made, NumberField) and isinstance(note, Range):
                made.set_limits(note.low, note.high)
            if made is not None and note.hidden != (name in self._left_out):
                self._left_out ^= {name}
                made.setVisible(not note.hidden)
        for heading, below in self._headings:
            heading.setVisible(not below <= self._left_out)

    @property
    def seed(self) -> SeedField | None:
        return next((made for made in self.fields.values() if isinstance(made, SeedField)), None)

    def show_advanced(self, on: bool) -> None:
        """Show or hide the advanced fields."""
        self._advanced.setVisible(on)
        self._advanced_button.setText(tr("Hide advanced") if on else tr("Advanced"))
        icons.set_icon(self._advanced_button, "chevron-down" if on else "chevron-right", "muted", size=16)

    @property
    def advanced_shown(self) -> bool:
        return not self._advanced.isHidden()

    def reserve_scroll_bar(self, on: bool) -> None:
        """Keep the fields where they are when a scroll bar comes beside them."""
        self._layout.setContentsMargins(MARGIN, 16, MARGIN - 12 if on else MARGIN, 16)

    def refresh_models(self) -> None:
        for made in self.fields.values():
            if isinstance(made, ModelField):
                made.reload()

    def _add_fields(self, notes: list[tuple[str, Field]], layout: Any, models: Models) -> None:
        """Fields in their order; those of a named group under its heading, and two alike side by side."""
        groups: dict[str, list[tuple[str, Field]]] = {}
        for name, note in notes:
            groups.setdefault(note.group or f"field {name}", []).append((name, note))
        for group, members in groups.items():
            kinds = {type(note) for _, note in members}
            pair = len(members) == 2 and self._shape == "slider" and len(kinds) == 1 and kinds <= {Range, Choice}
            if pair:
                if [name for name, _ in members] == list(SIDES):
                    self.sizes = SizePresets()
                    self.sizes.hide()
                    layout.addWidget(self.sizes)
                grid = QGridLayout()
                grid.setHorizontalSpacing(SIZE.small)
                for at, (name, note) in enumerate(members):
                    grid.addWidget(self._add_field(name, note, models, shape="below"), 0, at)
                layout.addLayout(grid)
                continue
            if members[0][1].group:
                heading = QWidget()
                column(heading, label(tr(group), "heading"), margins=(0, SIZE.small if layout.count() else 0, 0, 0))
                self._headings.append((heading, {name for name, _ in members}))
                layout.addWidget(heading)
            for name, note in members:
                layout.addWidget(self._add_field(name, note, models, self._shape))

    def _add_field(self, name: str, note: Field, models: Models, shape: Shape) -> FormField:
        made = make_field(name, note, models=models, shape=shape)
        self.fields[name] = made
        return made
