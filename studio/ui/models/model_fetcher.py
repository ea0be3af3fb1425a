"""Fetches models of the list: asks first about a licence, a token, or works made with the version that is here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from studio.jobs.io.imports import ModelGetRequest
from studio.models.importing import LicenceToAccept
from studio.models.model import Model, ModelUses
from studio.studio import Studio
from studio.ui.background import BackgroundTasks
from studio.ui.models.dialogs import LicenceDialog, TokenDialog
from studio.ui.models.downloads import DownloadState, ModelDownloads
from studio.ui.models.entries import ModelEntry
from studio.ui.pages.licences import terms
from studio.ui.widgets.dialogs import QuestionDialog
from studio.ui.widgets.text import count, tr


class ModelFetcher(QObject):
    """Starts downloads of entries of the list; questions stand over the window of `page`. `state_of` is how far the
    download of an entry is.
    """

    def __init__(
        self,
        studio: Studio,
        downloads: ModelDownloads,
        state_of: Callable[[ModelEntry], DownloadState | None],
        page: QWidget,
    ) -> None:
        super().__init__(page)
        self._studio, self._downloads, self._state_of, self._page = studio, downloads, state_of, page
        self._accepted: set[str] = set()  # downloads whose licence was accepted
        self._tasks = BackgroundTasks(self)

    def close(self) -> None:
        self._tasks.close()

    def get(self, entry: ModelEntry) -> None:
        """Fetch a model, or go on with that; asks first where its licence has terms to accept."""
        state, offer = self._state_of(entry), entry.offer
        if entry.reason or (state is not None and state.stage not in ("paused", "failed")):
            return
        if offer is not None and state is None and not terms(offer.licence).free:
            self.ask_licence(entry)
        else:
            self._fetch(entry, accepted=offer is not None or entry.id in self._accepted)

    def _fetch(self, entry: ModelEntry, *, accepted: bool) -> None:
        if accepted:
            self._accepted.add(entry.id)
        if entry.update is not None:
            self._downloads.start(ModelGetRequest(offer=entry.id, accept_licence=True, replaces=entry.id))
        elif entry.offer is not None:
            self._downloads.start(ModelGetRequest(offer=entry.offer.id, accept_licence=accepted))
        elif entry.download is not None:
            source, medium = entry.download.asked, entry.download.medium
            self._downloads.start(ModelGetRequest(source=source, target=medium, accept_licence=accepted))

    def update(self, entry: ModelEntry, model: Model) -> None:
        """Fetch a newer version of an installed model; asks first where works were made with the one that is here."""

        def ask(uses: ModelUses) -> None:
            if not uses.works:
                self._fetch(entry, accepted=True)
                return
            words = count(
                uses.works,
                "%n work was made with the version that is here. It stays; made again, it comes out differently.",
                "%n works were made with the version that is here. They stay; made again, they come out differently.",
            )
            QuestionDialog(
                self._page.window(),
                ("updateModel", "updateYes"),
                tr("Update a model"),
                tr("Update {name}?").format(name=model.title),
                words + "\n" + tr("The version that is here is deleted once the newer one is there."),
                (tr("Update"), tr("Cancel")),
                lambda: self._fetch(entry, accepted=True),
            ).open()

        studio = self._studio
        self._tasks.run(lambda: studio.uses_of(model), ask)

    def ask_licence(self, entry: ModelEntry) -> None:
        """Ask whether a person agrees to the licence, and fetch the model then."""
        state = self._state_of(entry)
        error = state.error if state is not None else None
        allowed = terms(error.licence if isinstance(error, LicenceToAccept) and entry.offer is None else entry.licence)
        if entry.offer is not None and entry.offer.terms:
            allowed = replace(allowed, words=tr(entry.offer.terms))
        url = entry.offer.licence_url if entry.offer is not None else ""
        dialog = LicenceDialog(
            self._page.window(), tr("Get {name}?").format(name=entry.title), allowed, tr("Get"), url=url
        )
        dialog.accepted.connect(lambda: self._fetch(entry, accepted=True))
        dialog.open()

    def ask_token(self, entry: ModelEntry) -> None:
        """Ask for a token of the model hub, and fetch the model then."""
        dialog = TokenDialog(self._page.window())
        dialog.accepted.connect(lambda: self.get(entry))
        dialog.open()
