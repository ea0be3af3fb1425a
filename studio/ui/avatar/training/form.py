"""The form of a training of avatars: pictures, name, start model, size, time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QWidget

from studio.backends.avatar.requests import MEDIUM, AvatarTrainRequest
from studio.errors import BadInput
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.schema.request import TrainRequest, fresh_seed
from studio.ui.training.parts import TrainingForm
from studio.ui.widgets.controls import ComboBox, ElidedLabel, NumberBox, Switch, button, label, named
from studio.ui.widgets.dialogs import ask_paths
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import tr
from studio.ui.widgets.theme import SIZE

SIZES = (32, 64, 128, 256)
FIRST_SIZE, FIRST_HOURS = 64, 8.0
LONGEST = 24 * 14  # hours


class AvatarTrainingForm(TrainingForm):
    """`changed`: the folder or the size, which decide how pictures are used."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self._catalog = catalog
        self.folder = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.folder_label = named(ElidedLabel(tr("No folder chosen"), "muted"), "trainFolder")
        self.choose = button(tr("Choose a folder…"), "chooseFolder", icon="folder", clicked=self.ask_folder)
        self.choose.setToolTip(tr("The folder of pictures to train on; it is not changed"))
        self.name = QLineEdit()
        self.name.setMaxLength(80)
        self.name.setPlaceholderText(tr("My faces"))
        self.start = ComboBox()
        self.size_box = ComboBox()
        for side in SIZES:
            self.size_box.addItem(tr("{n} px").format(n=side), side)
        self.size_box.setCurrentIndex(SIZES.index(FIRST_SIZE))
        self.hours = NumberBox(0.1, LONGEST, 0.5, tr("hours"))
        self.hours.setValue(FIRST_HOURS)
        self.mirror = Switch()
        self._build()
        self.refresh()
        self.start.currentIndexChanged.connect(lambda _: self._start_changed())
        self.size_box.currentIndexChanged.connect(lambda _: self.changed.emit())

    def _build(self) -> None:
        inside = self.form = QWidget()
        inside.setObjectName("form")
        whole = self._fields = column(inside, spacing=16, margins=(20, 16, 20, 16))
        whole.addLayout(
            column(None, label(tr("Pictures"), "label"), self.folder_label, self.choose, spacing=SIZE.small)
        )
        fields: tuple[tuple[str, str, QWidget, str, bool], ...] = (
            ("trainName", tr("Name"), self.name, tr("The name of the model"), False),
            ("trainStart", tr("Start from"), self.start, tr("A new network, or a model you already have"), False),
            ("trainSize", tr("Size"), self.size_box, tr("Width and height; doubling takes four times as long"), True),
            ("trainHours", tr("Time"), self.hours, tr("How long to train; you can stop and save at any time"), True),
            ("trainMirror", tr("Use mirrored copies"), self.mirror, tr("Also train on mirror images"), True),
        )  # fmt: skip
        for name, title, control, help, beside in fields:
            control.setObjectName(name)
            control.setAccessibleName(title)
            control.setAccessibleDescription(help)
            control.setToolTip(help)
            told = label(title, "label")
            told.setBuddy(control)
            if beside:
                if not isinstance(control, Switch):
                    control.setFixedWidth(130)
                whole.addLayout(row(told, None, control))
            else:
                whole.addLayout(column(None, told, control, spacing=SIZE.hair))
        whole.addSpacing(SIZE.small)
        whole.addStretch(1)
        self.setWidget(inside)

    def add_below(self, widget: QWidget) -> None:
        self._fields.insertWidget(self._fields.count() - 1, widget)  # above the stretch at the end

    def request(self, out: Path) -> AvatarTrainRequest:
        if self.folder is None:
            raise BadInput("No pictures are chosen.", "Choose a folder of pictures.")
        self.hours.interpretText()
        return AvatarTrainRequest(
            data=str(self.folder),
            out=str(out),
            title=self.name.text().strip() or tr("My faces"),
            model=str(self.start.currentData() or ""),
            size=self.side,
            minutes=self.hours.value() * 60,
            mirror=self.mirror.isChecked(),
            seed=fresh_seed(),
        )

    def show_request(self, request: TrainRequest) -> None:
        assert isinstance(request, AvatarTrainRequest)
        self.folder = Path(request.data)
        self.folder_label.set_text(request.data)
        self.name.setText(request.title)
        for box, value in ((self.start, request.model), (self.size_box, request.size)):
            box.blockSignals(True)
            box.setCurrentIndex(max(0, box.findData(value)))
            box.blockSignals(False)
        self.hours.setValue(request.minutes / 60)
        self.mirror.setChecked(request.mirror)

    @property
    def side(self) -> int:
        return int(self.size_box.currentData())

    def set_folder(self, folder: Path) -> None:
        self.folder = folder
        self.folder_label.set_text(str(folder))
        if not self.name.text().strip():
            self.name.setText(folder.name[:80])
        self.changed.emit()

    def ask_folder(self) -> None:
        title, start, mode = tr("Pictures to train on"), self.folder or Path.home(), QFileDialog.FileMode.Directory
        take = lambda paths: self.set_folder(paths[0])  # noqa: E731
        ask_paths(self.window(), title, "chooseTrainFolder", take, start=start, mode=mode)

    def refresh(self) -> None:
        """Read the models again, and keep the selection."""
        chosen = self.start.currentData()
        self.start.blockSignals(True)
        self.start.clear()
        self.start.addItem(tr("A new network"), "")
        for model in self._catalog.models(MEDIUM.name):
            if model.family == "stylegan2":
                self.start.addItem(model.title or model.id, model.id)
        self.start.setCurrentIndex(max(0, self.start.findData(chosen)))
        self.start.blockSignals(False)

    def _start_changed(self) -> None:
        """A model can be trained at its own size only."""
        model = self._model()
        at = self.size_box.findData(model.native[0]) if model is not None else -1
        self.size_box.setEnabled(at < 0)
        if at >= 0:
            self.size_box.setCurrentIndex(at)

    def _model(self) -> Model | None:
        chosen = str(self.start.currentData() or "")
        return next((model for model in self._catalog.models(MEDIUM.name) if model.id == chosen), None)

    def state(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder or ""),
            "name": self.name.text(),
            "start": self.start.currentData(),
            "size": self.side,
            "hours": self.hours.value(),
            "mirror": self.mirror.isChecked(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.name.setText(str(state.get("name") or ""))
        self.start.setCurrentIndex(max(0, self.start.findData(state.get("start"))))
        at = self.size_box.findData(state.get("size"))
        self.size_box.setCurrentIndex(at if at >= 0 else self.size_box.currentIndex())
        hours = state.get("hours")
        if isinstance(hours, int | float) and 0 < hours <= LONGEST:
            self.hours.setValue(float(hours))
        self.mirror.setChecked(state.get("mirror") is True)
        folder = state.get("folder")
        if isinstance(folder, str) and folder and Path(folder).is_dir():
            self.set_folder(Path(folder))
