"""The models page: the list, the details, importing by button or drop, verifying and removing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu

from studio.checkpoints import NCNN, SUFFIXES
from studio.errors import Message
from studio.jobs.imports import ModelGetRequest
from studio.models.model import Model
from studio.models.offers import Offer
from studio.schema.nested import models_by_role
from studio.studio import Studio
from studio.ui.background import BackgroundTasks
from studio.ui.bridge import Bridge
from studio.ui.commands import keys_of
from studio.ui.library.importer import local
from studio.ui.library.work_actions import Actions
from studio.ui.pages.licences import terms
from studio.ui.pages.model_card import CARDS, ModelCard
from studio.ui.pages.model_import import ModelImporter
from studio.ui.pages.model_list import ModelList
from studio.ui.pages.text_dialog import TextDialog
from studio.ui.panel.panel import Panel
from studio.ui.widgets.controls import button, label, named, tip
from studio.ui.widgets.dialogs import ask_paths, confirm, open_folder
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import Page
from studio.ui.widgets.text import count, size, tr, worded

FILES = " ".join(f"*{suffix}" for suffix in (".safetensors", ".gguf", NCNN, *sorted(SUFFIXES)))


class ModelsPage(Page):
    def __init__(
        self,
        studio: Studio,
        bridge: Bridge,
        notify: Callable[[str, Actions], None],
        open_panel: Callable[[str], Panel | None],
    ) -> None:
        super().__init__()
        self._studio, self._bridge = studio, bridge
        self._notify, self._open_panel = notify, open_panel
        self._tasks = BackgroundTasks(self)
        self._check = BackgroundTasks(self)
        self.list = ModelList(self._tasks)
        self.card = ModelCard()
        self.bar = MessageBar("models")
        self.importer = ModelImporter(studio, bridge, self._tasks)
        self.list.chosen.connect(self.card.show_model)
        self.list.itemActivated.connect(lambda _: self.run("use"))
        self.card.command_requested.connect(self.run)
        self.importer.imported.connect(self._imported)
        self.importer.failed.connect(self.bar.show_error)
        bridge.news.connect(self._on_news)
        self._build()
        self.refresh()

    def _build(self) -> None:
        self.total = label("", "muted", name="modelsTotal")
        self.add = button(tr("Add a model"), "addModel", icon="plus", hint=tr("Import a model, or drop one here"))
        choices = QMenu(self.add)
        choices.addAction(tr("A &folder…"), lambda: self._choose(folder=True)).setObjectName("addFolder")
        file = choices.addAction(tr("A &file (.safetensors, .gguf, .pkl, .pt)…"), lambda: self._choose(folder=False))
        file.setObjectName("addFile")
        self._offers: list[tuple[Offer, QAction]] = []
        for offer in self._studio.catalog.offers:
            if offer.package is None:
                continue  # the others are only listed yet
            words = tr("&Get {name} ({size})").format(name=offer.title, size=size(offer.download))
            action = choices.addAction(words, lambda offer=offer: self.importer.get(offer))
            action.setObjectName(f"get-{offer.id}")
            action.setToolTip(tr(offer.sentence) + " " + terms(offer.licence).words)
            self._offers.append((offer, action))
        choices.setToolTipsVisible(True)
        choices.aboutToShow.connect(self._show_what_is_offered)
        self.add.setMenu(choices)
        self.train = button(tr("Train a model"), "trainOwn")
        self.train.setToolTip(tip(tr("Train a model on your own pictures"), keys_of("train")))
        head = named(QFrame(), "libraryHead")
        line = row(label(tr("Models"), "title"), self.total, None, self.train, self.add, margins=(16, 8, 16, 8))
        head.setLayout(line)
        head.setFixedHeight(54)
        words = tr("Drop a model folder, a .safetensors or .gguf file, or a StyleGAN checkpoint")
        self._drop_zone = DropZone(
            self, words, lambda data: bool(local(data)), lambda data: self.import_files(local(data))
        )
        left = column(None, self.importer, self.bar, (self.list, 1), spacing=8, margins=(16, 12, 8, 0))
        middle = row((left, 1), self.card, spacing=0)
        column(self, head, (middle, 1), spacing=0)

    def _show_what_is_offered(self) -> None:
        """Those that are installed, or on their way, are not offered."""
        jobs = [job.request for job in self._studio.queue.jobs() if job.state in ("queued", "running")]
        coming = {request.offer for request in jobs if isinstance(request, ModelGetRequest)}
        for offer, action in self._offers:
            action.setVisible(self._studio.catalog.listed(offer.id) is None and offer.id not in coming)

    def refresh(self) -> None:
        """Read the models again."""
        models = self._studio.catalog.models()
        self.list.fill(models)
        self.total.setText(count(len(models), "%n model", "%n models") + " · " + size(sum(m.size for m in models)))
        warnings = self._studio.catalog.warnings
        if warnings:
            self.bar.show_message(tr("A model cannot be read."), "\n".join(map(worded, warnings)), kind="error")

    def _on_news(self, news: Any) -> None:
        if news.kind == "models":
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._studio.catalog.models() != self.list.models():  # changed from outside the window
            self._bridge.models_changed()

    def run(self, name: str) -> None:
        model = self.list.current()
        actions: dict[str, Callable[[Model], None]] = {
            "use": self.use,
            "card": self.read_card,
            "reveal": lambda model: open_folder(model.folder),
            "check": self.check,
            "remove": self.ask_to_remove,
        }
        if model is not None:
            actions[name](model)

    def use(self, model: Model) -> None:
        """Open the page of its medium with this model selected."""
        panel = self._open_panel(model.medium)
        if panel is not None:
            panel.form.refresh_models()
            panel.form.fields["model"].set_value(model.id)

    def read_card(self, model: Model) -> None:
        path = next((model.folder / name for name in CARDS if (model.folder / name).is_file()), None)
        if path is not None:
            TextDialog(self.window(), model.title, path).open()

    def check(self, model: Model) -> None:
        """Verify all files of the model against their hashes."""
        self.bar.show_message(tr("Verifying {name}").format(name=model.title), closable=False)

        def tell(problems: list[Message]) -> None:
            if problems:
                again = tr("Import it again.") if not model.bundled else tr("Reinstall the studio.")
                self.bar.show_message(" ".join(map(worded, problems)), again, kind="error")
            else:
                self.bar.show_message(tr("The files of {name} are complete and unchanged.").format(name=model.title))

        verify = self._studio.catalog.verify
        self._check.run(lambda: verify(model), tell, self.bar.show_error)

    def ask_to_remove(self, model: Model) -> None:
        if model.bundled:
            return
        jobs = [job for job in self._studio.queue.jobs() if job.state in ("queued", "running")]
        if any(model.id in models_by_role(job.request).values() for job in jobs):
            words = tr("{name} is in use.").format(name=model.title)
            self.bar.show_message(words, tr("Wait for its jobs to finish, or cancel them in the queue."), kind="error")
            return
        confirm(
            self.window(),
            ("removeModel", "removeYes"),
            tr("Remove {name} and free {size}?").format(name=model.title, size=size(model.size)),
            tr("Its files are deleted permanently. What was made with it stays."),
            (tr("Remove"), tr("Cancel")),
            lambda: self.remove(model),
            title=tr("Remove a model"),
        )

    def remove(self, model: Model) -> None:
        with self.bar.errors():
            self._studio.catalog.remove(model.id)
            self._notify(tr("{name} removed.").format(name=model.title), ())
            self._bridge.models_changed()
            self.refresh()

    def import_files(self, paths: Sequence[Path]) -> None:
        self.bar.hide()
        self.importer.import_paths(paths)

    def _imported(self, model: Model) -> None:
        self.refresh()
        self.list.choose(model.id)
        self._bridge.models_changed()
        self._notify(tr("{name} is ready.").format(name=model.title), [(tr("Use it"), lambda: self.use(model))])

    def _choose(self, *, folder: bool) -> None:
        mode = QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFiles
        types = "" if folder else tr("Models and StyleGAN checkpoints") + f" ({FILES})"
        title = tr("Add a model")
        ask_paths(self.window(), title, "chooseModel", self.import_files, start=Path.home(), mode=mode, types=types)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.run("remove")
        else:
            super().keyPressEvent(event)

    def focus_first(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_down(self) -> None:
        self._tasks.close()
        self._check.close()

    def state(self) -> dict[str, Any]:
        model = self.list.current()
        return {"model": model.id if model is not None else ""}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.list.choose(str(state.get("model", "")))
