"""The settings of a medium's page: the form, the number of results, Generate and Cancel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QLineEdit, QPlainTextEdit, QPushButton, QWidget

from studio.backends.medium import Family, Medium
from studio.errors import StudioError
from studio.models.model import Model
from studio.schema.presets import Presets
from studio.schema.request import Request, fresh_seed
from studio.studio import Studio
from studio.ui.commands import Run, keys_of
from studio.ui.forms.fields import TextField
from studio.ui.forms.form import Form
from studio.ui.forms.undo import Undoable, UndoHistory
from studio.ui.library.importer import local
from studio.ui.panel.fit_line import FitLine
from studio.ui.panel.presets_menu import PresetMenus
from studio.ui.panel.prompt_words import PromptWords
from studio.ui.plugin import plugin
from studio.ui.widgets.controls import ComboBox, button, label, named, tool
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.layout import ScaledSize, column, row, scrolling
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE, theme

COUNTS = (1, 2, 3, 4, 6, 9, 12, 16)
TYPING_PAUSE = 1200  # milliseconds without a change, after which the next change is a new undo step


class Brief(QWidget):
    """The form of a medium's requests, with Generate and Cancel below it. The page wires these and undo and redo.

    `message(words)` for a toast; `stepped` where there is another step to undo or redo, `history_moved` after these;
    `other_request(request)`: a request of the medium of another kind was loaded; `model_changed(model)`: another model
    was chosen, None for one that is not there.
    """

    message = Signal(str)
    stepped = Signal()
    history_moved = Signal()
    other_request = Signal(object)
    model_changed = Signal(object)

    def __init__(self, studio: Studio, medium: Medium) -> None:
        super().__init__()
        self._catalog, self._medium = studio.catalog, medium
        self._model: Model | None = None
        self._suited: dict[str, Any] = {}  # the values that suit the model better than the request's own
        self.form = Form[Request](self.initial_request(), models=partial(self._catalog.choices, medium.name))
        self.history = UndoHistory(self.form.value())
        presets = Presets(studio.paths.config / "presets")
        self.presets = PresetMenus(presets, medium.default_task.request, self.form.value, self)
        self.presets.chosen.connect(lambda preset: self.form.set_value(preset.replace(seed=self.form.value().seed)))
        self.presets.message.connect(self.message)
        self.fit = FitLine(studio)
        self.fit.chosen.connect(self._use_what_fits)
        self.prompt_words: PromptWords | None = None
        prompt = self.form.fields.get("prompt")
        if isinstance(prompt, TextField):
            self.prompt_words = PromptWords(studio, medium, prompt)
            self.prompt_words.model_chosen.connect(self._use_model)
        self._typing_pause = timer(self, lambda: self.history.end_step(), TYPING_PAUSE)
        self.form.changed.connect(self._changed)
        for line in self.form.findChildren(QLineEdit):
            line.installEventFilter(self)
        for text in self.form.findChildren(QPlainTextEdit):
            text.installEventFilter(self)
            text.viewport().installEventFilter(self)
        column(self, self._build_header(), (self._build_form(), 1), self._build_footer(), spacing=0)
        self._drop_zone = DropZone(self, tr("Drop a preset to load it"), is_preset_drop, self._import_presets)
        ScaledSize(self.count, wide=84)
        ScaledSize(self.cancel, high=40)
        self._fit_model(self.form.value())
        self._ask(self.form.value())

    def fit_width(self, room: int) -> None:
        """Be as wide as it is made for where there is so much room; less wide in a narrow window, down to its least."""
        self.setFixedWidth(max(self.minimumSizeHint().width(), min(theme().scaled(SIZE.brief), room)))

    def _build_header(self) -> QFrame:
        head = named(QFrame(), "briefHead")
        head.setFixedHeight(48)
        self.undo_button = tool("undo", tr("Undo"), "undo", keys=keys_of("undo"))
        self.redo_button = tool("redo", tr("Redo"), "redo", keys=keys_of("redo"))
        title = label(tr(self._medium.title), "heading")
        tools = (self.undo_button, self.redo_button, self.presets.recent_button, self.presets.presets_button)
        head.setLayout(row(title, None, *tools, spacing=2, margins=(20, 0, 12, 0)))
        return head

    def _build_form(self) -> QFrame:
        area = scrolling(self.form)
        area.verticalScrollBar().rangeChanged.connect(lambda _, last: self.form.reserve_scroll_bar(last > 0))
        brief = named(QFrame(), "brief")
        column(brief, area, spacing=0)
        return brief

    def _build_footer(self) -> QFrame:
        self.count = named(ComboBox(), "count", tr("Number of results"))
        self.count.setToolTip(tr("Number of results, each with its own seed"))
        for number in COUNTS:
            self.count.addItem(str(number), number)
        self.count.currentIndexChanged.connect(lambda _: self.fit.set_number(int(self.count.currentData())))
        self.count.setCurrentIndex(COUNTS.index(self._medium.candidates))
        self.fit.set_number(int(self.count.currentData()))
        self.generate = button(tr("Generate"), "generate", "primary", keys=keys_of("generate"))
        self.cancel = button(tr("Cancel"), "cancel", hint=tr("Stop generating"))
        self.train: QPushButton | None = None
        if plugin(self._medium).training_page:
            self.train = button(tr("Train a model"), "trainOwn", "quiet", keys=keys_of("train"))
        foot = named(QFrame(), "briefFoot")
        inside = column(foot, spacing=12, margins=(20, 12, 20, 16))
        inside.addLayout(row(label(tr("Number of results"), "label"), None, self.count))
        inside.addWidget(self.fit)
        inside.addLayout(row((self.generate, 1), self.cancel))
        if self.train is not None:
            inside.addLayout(row(None, self.train, None))
        return foot

    def _changed(self) -> None:
        try:
            value = self.form.value()
        except StudioError:
            return  # not valid yet, as while a number is typed
        if self._model_of(value) != self._model and self._fit_model(value):
            return  # the form has changed again, and that is the step
        self.history.step(value, self.form.last_changed)
        self._ask(value)
        self._typing_pause.start()
        self.stepped.emit()

    def _ask(self, request: Request) -> None:
        """Have said of a request what it takes, and what of its prompt is understood."""
        self.fit.ask(request)
        if self.prompt_words is not None:
            self.prompt_words.ask(request, self._model)

    def _use_model(self, id: str) -> None:
        """Choose a model as a person does in its field: what suited the last one becomes what suits this."""
        self.form.set_value(self.form.value().replace(model=id), "model")

    def _model_of(self, request: Request) -> Model | None:
        """The model that a request asks for; None where it is not there."""
        try:
            return self._catalog.listed(request.model) if request.model else self._catalog.default(self._medium.name)
        except StudioError:
            return None

    @property
    def model(self) -> Model | None:
        """The model that is chosen; None where it is not there."""
        return self._model

    def _family(self) -> Family:
        return self._medium.family(self._model.family if self._model is not None else "")

    def _fit_model(self, request: Request) -> bool:
        """Show the form as the request's model needs it. After the model was changed by hand, what still has the value
        that suited the last model gets the one that suits this. Returns whether the form was filled in again.
        """
        before, kind = self._suited, type(request)
        self._model = self._model_of(request)
        self.model_changed.emit(self._model)
        family = self._family()
        self._suited = family.suited(kind, self._model)
        self.form.set_fields(family.fields(kind, self._model))
        self.form.offer_sizes(family.picture_sizes(kind, self._model))
        if self.form.last_changed == "model":
            usual = kind()
            suited = {name: getattr(usual, name) for name in before} | self._suited
            stood = {name: before.get(name, getattr(usual, name)) for name in suited}
            request = request.replace(**{k: v for k, v in suited.items() if getattr(request, k) == stood[k]})
        if before or self._suited or family.limits:
            self.form.set_value(request, self.form.last_changed)
            return True
        return False

    def uses(self, name: str) -> bool:
        """Whether a field of the request has an effect with the chosen model."""
        return name not in self._family().without_effect(self._medium.default_task.request, self._model)

    def models_changed(self) -> None:
        """Models were added, removed or changed."""
        self.form.refresh_models()
        if self._model_of(self.history.value) != self._model:
            self._fit_model(self.history.value)
        self.fit.ask_again()
        if self.prompt_words is not None:
            self.prompt_words.ask(self.history.value, self._model)
            self.prompt_words.ask_again()

    def _use_what_fits(self, request: Request) -> None:
        """Take from a request that fits what differs; the rest may have been changed since it was reckoned."""
        asked = self.fit.asked
        if asked is not None:
            names = [name for name, _ in request.fields() if getattr(request, name) != getattr(asked, name)]
            self.form.set_value(self.form.value().replace(**{name: getattr(request, name) for name in names}))

    def undo(self) -> None:
        self._set_value(self.history.undo())
        self.history_moved.emit()

    def redo(self) -> None:
        self._set_value(self.history.redo())
        self.history_moved.emit()

    def roll(self) -> None:
        """A new seed for the next work unless the seed is locked; no undo step."""
        seed = self.form.seed
        if seed is not None and seed.rolls:
            self.amend(self.form.value().replace(seed=fresh_seed()))

    def amend(self, value: Request) -> None:
        """Change the form without a new undo step."""
        self.history.amend(value)
        self._set_value(value)

    def _set_value(self, value: Request) -> None:
        self._typing_pause.stop()
        self.form.set_value(value)
        self.stepped.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Undo and redo keys, and presets that are dropped on a field, are for the whole form."""
        if isinstance(event, QDropEvent) and is_preset_drop(event.mimeData()):
            event.ignore()
            return True
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            undo, redo = QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo
            if event.matches(undo) or event.matches(redo):
                event.ignore()
                return True
        return False

    def _import_presets(self, data: QMimeData) -> None:
        for path in local(data):
            self.presets.import_file(path)

    def commands(self) -> dict[str, Run]:
        """What the commands of the table do to the settings now."""
        return {
            "clear": lambda: self.form.set_value(self.initial_request()),
            "preset.keep": self.presets.ask_name,
            "preset.bring": self.presets.ask_import,
        }

    @property
    def undoable(self) -> Undoable:
        return Undoable(self.history, self.undo, self.redo)

    def initial_request(self, model: str = "") -> Request:
        """The request of a new page: a random seed, and the values that suit the model of this id, or the default."""
        request = self._medium.default_task.request(seed=fresh_seed(), model=model)
        found = self._model_of(request)
        if found is None:
            return request
        wide, high = found.native
        sizes = {"width": wide, "height": high} if wide and high and hasattr(request, "width") else {}
        return request.replace(**{**self._medium.family(found.family).suited(type(request), found), **sizes})

    def load_request(self, request: Request) -> None:
        """Put a request into the form, its seed locked, so that Generate makes the same again."""
        if not isinstance(request, self._medium.default_task.request):
            self.other_request.emit(request)
            return
        self.form.set_value(request)
        if self.form.seed is not None:
            self.form.seed.lock.setChecked(True)

    def focus_first(self) -> bool:
        """Focus the first field if text is typed in it; False if it is not such a field."""
        first = next(iter(self.form.fields.values()))
        if isinstance(first, TextField):
            first.setFocus(Qt.FocusReason.OtherFocusReason)
        return isinstance(first, TextField)

    def state(self) -> dict[str, Any]:
        """What is restored at the next start."""
        try:
            request = Request.to_json(self.form.value())  # with every field, also those that a work's card leaves out
        except StudioError:
            request = {}
        seed = self.form.seed
        return {
            "request": request,
            "count": self.count.currentData(),
            "locked": seed is not None and seed.locked,
            "unfolded": self.form.advanced_shown,
            "recent": self.presets.state(),
            **({"size": list(self.form.sizes.own)} if self.form.sizes is not None else {}),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state; ignore what is not valid. Fields that did not exist when it was saved get what suits the
        model.
        """
        try:
            saved = dict(state["request"])
            request = Request.from_json(saved)
            if isinstance(request, self._medium.default_task.request):
                model = self._model_of(request)
                suited = self._medium.family(model.family if model is not None else "").suited(type(request), model)
                new = {name: value for name, value in suited.items() if name not in saved}
                self.form.set_value(request.replace(**new))
        except (StudioError, KeyError, TypeError, ValueError):
            pass
        self.presets.restore(state.get("recent"))
        match state.get("size"):
            case [int(wide), int(high)] if self.form.sizes is not None:
                self.form.sizes.remember((wide, high))
            case _:
                pass
        self.history = UndoHistory(self.form.value())
        self.stepped.emit()
        at = self.count.findData(state.get("count"))
        self.count.setCurrentIndex(at if at >= 0 else self.count.currentIndex())
        self.form.show_advanced(state.get("unfolded") is True)
        if self.form.seed is not None:
            self.form.seed.lock.setChecked(state.get("locked") is True)


def is_preset_drop(data: QMimeData) -> bool:
    """Whether only presets are dropped."""
    paths = local(data)
    return bool(paths) and all(path.suffix.lower() == ".json" for path in paths)
