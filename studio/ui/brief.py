"""The brief: what to make, in the user's words, how many, and the one accented button; submits nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.request import Request, fresh_seed
from studio.ui.fields import TextField
from studio.ui.form import Form
from studio.ui.theme import SIZE
from studio.ui.widgets import Combo, button, column, label, row
from studio.ui.words import tr

if TYPE_CHECKING:
    from studio.studio import Studio

MANY = (1, 2, 3, 4, 6, 9, 12, 16)
FIRST_COUNT = {"avatar": 9}


class Brief(QWidget):
    """The form of one medium's requests, with Generate and Cancel at its foot."""

    def __init__(self, studio: Studio, medium: Medium) -> None:
        super().__init__()
        self._catalog, self._medium = studio.catalog, medium
        self.form = Form[Request](self.first(), models=lambda: studio.catalog.models(medium.name))
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self.form)
        area.verticalScrollBar().rangeChanged.connect(lambda _, last: self.form.make_room(last > 0))
        brief = QFrame()
        brief.setObjectName("brief")
        column(brief, spacing=0).addWidget(area)
        self.count = Combo()
        self.count.setObjectName("count")
        self.count.setAccessibleName(tr("How many"))
        for number in MANY:
            self.count.addItem(str(number), number)
        self.count.setCurrentIndex(MANY.index(FIRST_COUNT.get(medium.name, 1)))
        self.count.setFixedWidth(84)
        self.generate = button(tr("Generate"), "generate", "primary")
        self.generate.setToolTip(tr("Make it (Ctrl+Return)"))
        self.cancel = button(tr("Cancel"), "cancel")
        self.cancel.setToolTip(tr("Stop what runs here (Esc)"))
        self.cancel.setFixedHeight(40)
        foot = QFrame()
        foot.setObjectName("briefFoot")
        inside = column(foot, spacing=12, margins=(20, 12, 20, 16))
        inside.addLayout(row(label(tr("How many"), "label"), None, self.count))
        line = row()
        line.addWidget(self.generate, 1)
        line.addWidget(self.cancel)
        inside.addLayout(line)
        self.setFixedWidth(SIZE.brief)
        whole = column(self, spacing=0)
        whole.addWidget(brief, 1)
        whole.addWidget(foot)

    def first(self) -> Request:
        """The brief of a panel that was never used: a seed that nobody chose, the size that the model is best at."""
        request = self._medium.make(seed=fresh_seed())
        try:
            wide, high = self._catalog.default(self._medium.name).native
        except StudioError:
            return request
        sizes = {"width": wide, "height": high} if wide and high and hasattr(request, "width") else {}
        return request.replace(**sizes)

    def take(self, request: Request) -> None:
        """Put a request into the form, its seed locked, so that Generate makes the same again."""
        self.form.set_value(request)
        if self.form.seed is not None:
            self.form.seed.lock.setChecked(True)

    def focus_first(self) -> bool:
        """Put the keyboard where one begins to type; False where there is nothing to type."""
        first = next(iter(self.form.fields.values()))
        if isinstance(first, TextField):
            first.setFocus(Qt.FocusReason.OtherFocusReason)
        return isinstance(first, TextField)

    def state(self) -> dict[str, Any]:
        """What comes back at the next start."""
        try:
            request = self.form.value().to_json()
        except StudioError:
            request = {}
        seed = self.form.seed
        return {
            "request": request,
            "count": self.count.currentData(),
            "locked": seed is not None and seed.locked,
            "unfolded": self.form.unfolded,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state; what cannot be used is left as it is."""
        try:
            request = Request.from_json(state.get("request"))
            if isinstance(request, self._medium.make):
                self.form.set_value(request)
        except (StudioError, TypeError, ValueError):
            pass
        at = self.count.findData(state.get("count"))
        self.count.setCurrentIndex(at if at >= 0 else self.count.currentIndex())
        self.form.unfold(state.get("unfolded") is True)
        if self.form.seed is not None:
            self.form.seed.lock.setChecked(state.get("locked") is True)
