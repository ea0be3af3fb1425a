"""Checks a folder of pictures for training: which are used, which are not and why, and how they are cropped."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem

from studio.errors import StudioError
from studio.ui.avatar.training.form import AvatarTrainingForm
from studio.ui.background import LatestOnly
from studio.ui.training.parts import DatasetCheck
from studio.ui.training.picture_grid import PictureGrid
from studio.ui.widgets.controls import ProgressBar, label, named
from studio.ui.widgets.layout import column
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import count, failure, tr, worded
from studio.ui.widgets.theme import theme

if TYPE_CHECKING:
    from studio.backends.avatar.folder import CheckedFolder

SHOWN = 240  # pictures in the grid
UPDATE_INTERVAL = 100  # milliseconds between two updates of the progress bar
LISTED = 2000  # unused files in the list
ROWS = 5  # of the list that are visible at once


class _CheckCancelled(StudioError):
    """The check was replaced by another."""


class _CheckProgress:
    """The progress of a check, shared with its thread."""

    def __init__(self) -> None:
        self.done = self.total = 0
        self.cancelled = False

    def report(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self.cancelled:
            raise _CheckCancelled("")


class PictureCheck(DatasetCheck):
    """The pictures in the folder that the form names, cropped to the size that it says."""

    def __init__(self, form: AvatarTrainingForm) -> None:
        super().__init__()
        self._form = form
        self.setObjectName("looking")
        self._tasks = LatestOnly(self)
        self._progress = _CheckProgress()
        self.title = label("", "heading", name="foundTitle", wrap=True)
        self.details = label("", "muted", name="foundTold", wrap=True)
        self.bar = ProgressBar()
        self.tiles = PictureGrid("foundTiles", partly=True)
        self.tiles.setAccessibleName(tr("Pictures that are used"))
        self.unused = label(tr("Not used"), "label")
        self.list = named(QListWidget(), "skipped", tr("Pictures that are not used"))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        column(self, self.title, self.details, self.bar, 4, (self.tiles, 1), self.unused, self.list, spacing=8)
        self._timer = timer(self, self._show_progress, UPDATE_INTERVAL, repeat=True)
        theme().changed.connect(self._fit)
        self._fit()

    def check(self) -> None:
        folder, size = self._form.folder, self._form.side
        assert folder is not None
        self.ready = False
        self._progress.cancelled = True
        far = self._progress = _CheckProgress()
        self.title.setText(tr("Checking the pictures"))
        self.details.setText(str(folder))
        self.bar.setRange(0, 0)
        self.bar.show()
        self.tiles.show_pictures([])
        self.unused.hide()
        self.list.hide()
        self._timer.start()

        def work() -> CheckedFolder:
            from studio.backends.avatar.dataset import check_pack  # loads Pillow: not before it is needed
            from studio.backends.avatar.folder import check_folder

            return check_pack(folder, size) or check_folder(folder, size, far.report)

        self._tasks.run(work, self._found, self._fail)

    def close_down(self) -> None:
        self._progress.cancelled = True
        self._tasks.close()

    def _show_progress(self) -> None:
        if self._progress.total:
            self.bar.setRange(0, self._progress.total)
            self.bar.setValue(self._progress.done)

    def _found(self, found: CheckedFolder) -> None:
        from studio.backends.avatar.folder import FEWEST, nearly_the_same

        self._timer.stop()
        self.bar.hide()
        used, skipped = len(found.pixels), found.skipped
        self.title.setText(count(used, "%n picture is used", "%n pictures are used"))
        alike = nearly_the_same(found.pixels)
        self.details.setText(_summary(used, found, alike=alike))
        self.details.setVisible(bool(self.details.text()))
        step = max(1, used // SHOWN)
        self.tiles.show_pictures([_image(found.pixels[at]) for at in range(0, used, step)[:SHOWN]])
        self.unused.setVisible(bool(skipped))
        self.unused.setText(count(len(skipped), "%n picture is not used", "%n pictures are not used"))
        self.list.setVisible(bool(skipped))
        self.list.clear()
        for entry in skipped[:LISTED]:
            item = QListWidgetItem(f"{entry.path}: {worded(entry.words())}")
            item.setToolTip(item.text())
            self.list.addItem(item)
        self._fit()
        self.ready = used >= FEWEST and not alike
        self.checked.emit()

    def _fail(self, error: StudioError | OSError) -> None:
        if isinstance(error, _CheckCancelled):
            return
        self._timer.stop()
        self.bar.hide()
        self.failed.emit(*failure(error))

    def _fit(self) -> None:
        high = self.list.sizeHintForRow(0) if self.list.count() else theme().scaled(20)
        self.list.setFixedHeight(high * min(ROWS, max(1, self.list.count())))


def _image(pixels: np.ndarray) -> QImage:
    pixels = np.ascontiguousarray(pixels)
    side = pixels.shape[0]
    return QImage(pixels.data, side, side, side * 4, QImage.Format.Format_RGBA8888).copy()


def _summary(used: int, found: CheckedFolder, *, alike: bool) -> str:
    """What is worth knowing about all pictures together."""
    from studio.backends.avatar.folder import FEWEST

    words: list[str] = []
    if used < FEWEST:
        words.append(tr("At least {n} are needed.").format(n=FEWEST))
    elif alike:
        words.append(tr("They are nearly the same picture, so there is nothing to learn from them. Add others."))
    elif used < 200:
        words.append(tr("A few hundred pictures give a likeness, a few thousand give variety."))
    notes = Counter(note for entry in found.used for note in entry.notes)
    told = {
        "middle": ("%n cropped to the middle", "%n cropped to the middle"),
        "cut": ("%n cropped to the visible part", "%n cropped to the visible part"),
        "turned": ("%n rotated upright", "%n rotated upright"),
        "moving": ("%n animation reduced to its first frame", "%n animations reduced to their first frame"),
        "enlarged": ("%n enlarged", "%n enlarged"),
    }
    done = [count(notes[note], *words_) for note, words_ in told.items() if notes[note]]
    if done:
        words.append(tr("Of these: {list}.").format(list=", ".join(done)))
    return " ".join(words)
