"""The upscale dialog: how many times larger, and by which model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from studio.backends.upscale.requests import MEDIUM, UpscaleRequest
from studio.errors import StudioError
from studio.export.upscaling import Upscaling
from studio.library.library import Asset
from studio.models.model import Model
from studio.schema.fields import WorkKey
from studio.ui.commands import WorkOwner
from studio.ui.forms.form import Form
from studio.ui.widgets import error_actions
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import count, failure, tr
from studio.ui.widgets.theme import SIZE, theme

WIDTH = 380  # pixels


class UpscaleDialog(QDialog):
    """Queues one request for each picture among the works `ids`, as one group; `works` are those of them that are
    known.
    """

    def __init__(self, owner: WorkOwner, works: Sequence[Asset], ids: Sequence[str]) -> None:
        super().__init__(owner.window)
        self.setObjectName("upscale")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Upscale"))
        self._owner, self._ids = owner, ids
        wide, high = works[0].width, works[0].height
        self._size = (wide, high) if len(ids) == 1 and wide and high else None  # of the only one, where it is known
        self.form = Form(UpscaleRequest(), models=self._models, names=("factor", "model"))
        self.form.changed.connect(self._show_size)
        self.becomes = label("", "muted", name="upscaleResult", wrap=True)
        self.error = label("", name="upscaleError", wrap=True)
        self.error.hide()
        self.start = button(tr("Upscale"), "upscaleStart", "primary", clicked=self.submit)
        self.start.setDefault(True)
        self.models = button(tr("Open Models"), "upscaleModels", clicked=self._open_models)
        self.models.hide()
        bottom = row(self.models, None, button(tr("Cancel"), "upscaleCancel", clicked=self.reject), self.start)
        below = column(None, self.becomes, self.error, bottom, spacing=SIZE.medium, margins=(20, 0, 20, 16))
        column(self, (self.form, 1), below, spacing=0)
        self.setMinimumWidth(theme().scaled(WIDTH))
        self._show_size()
        if not self._models():
            self.error.setText(tr("No upscaler is installed. Models fetches or imports one."))
            self.error.show()
            self.models.show()
            self.start.setEnabled(False)

    def _models(self) -> list[Model]:
        """Those that can enlarge, the default one first."""
        return Upscaling(MEDIUM, MEDIUM.default_task).models(self._owner.studio.catalog)

    def _show_size(self) -> None:
        """Say how large the picture becomes, or how many there are."""
        factor = int(self.form.value().factor)
        if self._size is None:
            self.becomes.setText(count(len(self._ids), "%n picture", "%n pictures"))
        else:
            wide, high = self._size
            words = tr("{width} × {height} pixels become {larger} × {higher}.")
            self.becomes.setText(words.format(width=wide, height=high, larger=wide * factor, higher=high * factor))

    def _open_models(self) -> None:
        self.reject()
        error_actions.run_command(self._owner.window, "page.models")

    def submit(self) -> None:
        """Queue the pictures, and close."""
        studio, request = self._owner.studio, self.form.value()
        pictures = [work for work in studio.library.get_many(self._ids) if work.is_image]
        requests = [request.replace(picture=WorkKey(id=work.id)) for work in pictures]
        try:
            studio.submit_group(
                requests,
                "batch",
                title=tr("Upscale"),
                parents={at: (work.id,) for at, work in enumerate(pictures)},
            )
        except StudioError as error:
            self.error.setText(" ".join(failure(error)))
            self.error.show()
            return
        window = self._owner.window
        self._owner.notify(
            count(len(requests), "%n item added to the queue.", "%n items added to the queue."),
            [(tr("Show queue"), lambda: error_actions.run_command(window, "queue"))],
        )
        self.accept()
