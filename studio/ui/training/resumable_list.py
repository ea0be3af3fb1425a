"""The list of unfinished trainings, each with buttons to resume and to delete it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from studio.jobs import training_runs
from studio.schema.request import TrainRequest
from studio.ui.widgets.controls import ElidedLabel, button, label, tool
from studio.ui.widgets.dialogs import QuestionDialog
from studio.ui.widgets.layout import clear_layout, column, row
from studio.ui.widgets.text import duration, moment, size, tr
from studio.ui.widgets.theme import SIZE


class ResumableList(QWidget):
    """Those in the folder `home` whose requests are of one type.

    `resume_clicked(request)`; `delete_confirmed(request)`.
    """

    resume_clicked = Signal(object)
    delete_confirmed = Signal(object)

    def __init__(self, home: Path, kind: type[TrainRequest]) -> None:
        super().__init__()
        self._home, self._kind = home, kind
        self.setAccessibleName(tr("Unfinished training runs"))
        self._rows = column(spacing=SIZE.small)
        column(self, label(tr("Unfinished training runs"), "label"), self._rows, spacing=SIZE.small)
        self.count = 0

    def refresh(self, but: Collection[str]) -> None:
        """List them again, except those in the folders `but`, which are shown elsewhere."""
        clear_layout(self._rows)
        found = [
            one
            for one in training_runs.unfinished(self._home)
            if isinstance(one.request, self._kind) and one.request.out not in but
        ]
        for one in found:
            self._rows.addWidget(self._row(one))
        self.count = len(found)

    def _row(self, one: training_runs.UnfinishedTraining) -> QWidget:
        request, id = one.request, Path(one.request.out).name
        title = request.title or Path(request.data).name
        told = tr("{time} trained · {when}").format(time=duration(one.seconds), when=moment(one.time))
        words = column(None, ElidedLabel(title), ElidedLabel(told, "muted"), spacing=0)
        go = button(tr("Resume"), f"goOn.{id}", "compact", clicked=lambda: self.resume_clicked.emit(request))
        go.setAccessibleName(tr("Resume {name}").format(name=title))
        go.setToolTip(tr("Resume training where it stopped"))
        said = tr("Delete the training run of {name}").format(name=title)
        bin = tool("trash", said, f"deleteTraining.{id}", clicked=lambda: self._ask_to_delete(request, title))
        made = QWidget()
        made.setLayout(row((words, 1), go, bin, spacing=SIZE.small))
        return made

    def _ask_to_delete(self, request: TrainRequest, title: str) -> None:
        room = size(training_runs.disk_bytes(Path(request.out)))
        QuestionDialog(
            self.window(),
            ("deleteTraining", "deleteTrainingYes"),
            tr("Delete training run"),
            tr("Delete the training run of {name} and free {size}?").format(name=title, size=room),
            tr("Its progress is lost permanently. Models saved from it stay."),
            (tr("Delete"), tr("Keep")),
            lambda: self.delete_confirmed.emit(request),
        ).open()
