"""The upscale dialog: how many times larger, and by which model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from studio.backends.upscale.requests import MEDIUM, UpscaleRequest
from studio.errors import StudioError
from studio.export.upscaling import Upscaling
from studio.models.model import Model
from studio.schema.fields import WorkKey
from studio.ui.commands import WorkOwner
from studio.ui.forms.form import Form
from studio.ui.widgets import error_actions
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.text import count, failure, tr


class UpscaleDialog(QDialog):
    """Queues one request for each picture among the works `ids`, as one group."""

    def __init__(self, owner: WorkOwner, ids: Sequence[str]) -> None:
        super().__init__(owner.window)
        self.setObjectName("upscale")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Upscale"))
        self._owner, self._ids = owner, ids
        self.form = Form(UpscaleRequest(), models=self._models, names=("factor", "model"), shape="beside")
        self.error = label("", "muted", name="upscaleError", wrap=True)
        self.error.hide()
        self.start = button(tr("Upscale"), "upscaleStart", clicked=self.submit)
        self.start.setDefault(True)
        self.models = button(tr("Open Models"), "upscaleModels", clicked=self._open_models)
        self.models.hide()
        bottom = row(self.models, None, button(tr("Cancel"), "upscaleCancel", clicked=self.reject), self.start)
        column(self, (self.form, 1), self.error, bottom, margins=(16, 12, 16, 12))
        if not self._models():
            self.error.setText(tr("No upscaler is installed. Models fetches or imports one."))
            self.error.show()
            self.models.show()
            self.start.setEnabled(False)

    def _models(self) -> list[Model]:
        """Those that can enlarge, the default one first."""
        return Upscaling(MEDIUM, MEDIUM.default_task).models(self._owner.studio.catalog)

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
