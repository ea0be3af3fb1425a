"""The models page: finding, getting, importing, verifying and removing models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QMenu, QStackedWidget

from studio.backends import PAGELESS
from studio.checkpoints import NCNN, SUFFIXES
from studio.errors import Message
from studio.jobs.io.imports import ModelGetRequest
from studio.models.fit.estimate import Fit
from studio.models.model import Model, ModelUses
from studio.models.sources.offers import Offer, update_among
from studio.schema.nested import models_by_role
from studio.studio import Studio
from studio.ui.background import BackgroundTasks, LatestOnly
from studio.ui.bridge import Bridge
from studio.ui.commands import Run, keys_of
from studio.ui.library.importer import local
from studio.ui.library.work_actions import Actions
from studio.ui.models.dialogs import AddressDialog, LicenceDialog
from studio.ui.models.downloads import DownloadState, ModelDownloads
from studio.ui.models.entries import (
    ModelEntry,
    ModelQuery,
    Order,
    Place,
    fits_of,
    of_download,
    of_found,
    of_model,
    of_offer,
    selected,
)
from studio.ui.models.found_models import FoundModels, OtherProgramsBar
from studio.ui.models.model_card import CARDS, ModelCard
from studio.ui.models.model_fetcher import ModelFetcher
from studio.ui.models.model_filters import ModelFilters
from studio.ui.models.model_import import ModelImporter
from studio.ui.models.model_list import ModelList
from studio.ui.pages.licences import terms
from studio.ui.pages.text_dialog import TextDialog
from studio.ui.panel.panel import Panel
from studio.ui.widgets.controls import button, tip
from studio.ui.widgets.dialogs import QuestionDialog, ask_paths, open_folder
from studio.ui.widgets.drop_zone import DropZone
from studio.ui.widgets.layout import column, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import Page
from studio.ui.widgets.placeholder import EmptyState
from studio.ui.widgets.text import count, size, tr, worded

if TYPE_CHECKING:
    from studio.models.sources.programs import FoundModel

FILES = " ".join(f"*{suffix}" for suffix in (".safetensors", ".gguf", NCNN, *sorted(SUFFIXES)))
PLACES: tuple[Place, ...] = get_args(Place)


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
        self._removal = BackgroundTasks(self)
        self._entries: list[ModelEntry] = []
        self._offers: tuple[Offer, ...] = ()
        self._fits: dict[str, Fit] = {}  # by the key of an entry
        self._reckoning = LatestOnly(self)
        self._just_fetched: dict[str, str] = {}  # ids of models by that of their download, until its place is left
        self.downloads = ModelDownloads(studio, bridge, self)
        self.fetcher = ModelFetcher(studio, self.downloads, self._state_of, self)
        self.found = FoundModels(studio, bridge, self)
        self.list = ModelList(self._tasks, self._state_of)
        self.card = ModelCard(self._state_of)
        self.bar = MessageBar("models")
        self.importer = ModelImporter(studio, bridge, self._tasks)
        self._build()
        self._wire()
        bridge.news.connect(self._on_news)
        self.refresh()
        catalog = studio.catalog
        self._tasks.run(lambda: catalog.offers, self._take_offers)  # read once, which takes a moment

    def _build(self) -> None:
        self.add = button(
            tr("Add a model"), "addModel", "compact", icon="plus", hint=tr("Import a model, or drop one here")
        )
        choices = QMenu(self.add)
        choices.addAction(tr("A &folder…"), lambda: self._choose(folder=True)).setObjectName("addFolder")
        file = choices.addAction(tr("A &file (.safetensors, .gguf, .pkl, .pt)…"), lambda: self._choose(folder=False))
        file.setObjectName("addFile")
        address = choices.addAction(tr("From an &address…"), lambda: self.ask_address())
        address.setObjectName("addAddress")
        self.add.setMenu(choices)
        self.train = button(tr("Train a model"), "trainOwn", "compact")
        self.train.setToolTip(tip(tr("Train a model on your own pictures"), keys_of("train")))
        self.filters = ModelFilters(self.train, self.add)
        self.total = self.filters.total
        words = tr("Drop a model folder, a .safetensors or .gguf file, or a StyleGAN checkpoint")
        self._drop_zone = DropZone(
            self, words, lambda data: bool(local(data)), lambda data: self.import_files(local(data))
        )
        self._empty_state = EmptyState("models")
        self.machine = OtherProgramsBar()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.list)
        self._pages.addWidget(self._empty_state)
        left = column(None, self.importer, self.bar, self.machine, (self._pages, 1), spacing=8, margins=(16, 12, 8, 0))
        middle = row((left, 1), self.card, spacing=0)
        column(self, self.filters, (middle, 1), spacing=0)

    def _wire(self) -> None:
        self.filters.changed.connect(self._on_filters)
        self.filters.down.connect(self.focus_first)
        self.list.chosen.connect(self.card.show_entry)
        self.list.activated.connect(lambda _: self.run("go"))
        self.list.typed.connect(self.filters.type_in_search)
        self.card.command_requested.connect(self.run)
        self.downloads.changed.connect(self._on_download)
        self.downloads.arrived.connect(self._fetched)
        self.downloads.listed.connect(self.refresh)
        self.importer.imported.connect(self._imported)
        self.importer.failed.connect(self.bar.show_error)
        self.importer.moved.connect(self._moved)
        self.found.progressed.connect(self._show_looking)
        self.found.changed.connect(self.refresh)
        self.found.failed.connect(self.bar.show_error)
        self.machine.again.clicked.connect(lambda: self.found.look())
        self.machine.add.clicked.connect(lambda: self._ask_folder_to_look_in())
        self._empty_state.left.connect(self._on_empty_action)

    def _state_of(self, entry: ModelEntry) -> DownloadState | None:
        return self.downloads.state(entry.id) if entry.is_fetched else None

    def _take_offers(self, offers: tuple[Offer, ...]) -> None:
        self._offers = offers
        self.refresh()
        self._reckon()

    def _reckon(self) -> None:
        """Ask aside which models fit this machine."""
        studio, entries, offers = self._studio, list(self._entries), self._offers

        def take(fits: dict[str, Fit]) -> None:
            self._fits = fits
            self.refresh()

        self._reckoning.run(lambda: fits_of(studio.fit.now(), entries, offers), take)

    def refresh(self) -> None:
        """Read the models again."""
        catalog = self._studio.catalog
        models = catalog.models()
        installed = {model.id: model for model in models}
        found = [each if each.installed in installed else replace(each, installed="") for each in self.found.models]
        self._entries = [
            *(replace(of_model(model), update=update_among(self._offers, model.id, model.source)) for model in models),
            *self._available(installed),
            *map(of_found, found),
        ]
        self._entries = [replace(entry, fit=self._fits.get(entry.key)) for entry in self._entries]
        self.filters.show_counts({place: sum(e.place == place for e in self._entries) for place in PLACES})
        self._show_looking()
        self._show(self.list.renew)
        unavailable = [model.unavailable for model in models]  # these say so themselves
        warnings = [each for each in catalog.warnings if each not in unavailable]
        if warnings:
            self.bar.show_message(tr("A model cannot be read."), "\n".join(map(worded, warnings)), kind="error")

    def _available(self, installed: Mapping[str, Model]) -> list[ModelEntry]:
        """The models to get, those from addresses first; one that was fetched just now stays where it was offered."""
        entries = {each.id: of_download(each) for each in self.downloads.others()}
        offers = {each.id: each for each in self._offers}
        fetched = {id: installed[each] for id, each in self._just_fetched.items() if each in installed}
        for id in dict.fromkeys([*entries, *fetched, *offers]):
            if id in fetched:
                entries[id] = replace(of_model(fetched[id]), place="available", id=id)
            elif id in offers and (id not in installed or self.downloads.state(id) is not None):
                entries[id] = of_offer(offers[id])  # while a download ends, its model is there before that is said
        order = [*(id for id in entries if id not in offers), *(id for id in offers if id in entries)]
        return [entries[id] for id in order]

    def _show_looking(self) -> None:
        self.machine.show_found(len(self.found.models), self.found.looking, self.found.notes)

    def _on_filters(self) -> None:
        if self.filters.query.place == "machine" and not self.found.looked:
            self.found.look()
        if self.filters.query.place != "available":
            self._forget_fetched()
        self._show(self.list.fill)

    def _forget_fetched(self) -> None:
        """List models that were fetched just now among the installed ones only."""
        if not self._just_fetched:
            return
        entry = self.list.current()
        self._just_fetched.clear()
        self.refresh()
        if entry is not None and entry.model is not None and self.filters.query.place == "installed":
            self.list.choose(f"installed:{entry.model.id}")

    def _show(self, fill: Callable[[list[str | ModelEntry]], None]) -> None:
        """Show what the filters find, by `fill`; where that is nothing, why, and the way on."""
        query = self.filters.query
        rows = selected(self._entries, query)
        self.filters.show_total(query, self._entries)
        fill(rows)
        self._pages.setCurrentIndex(0 if rows else 1)
        self.card.setVisible(bool(rows))
        self.machine.setVisible(query.place == "machine")
        if not rows:
            self._empty_state.say(*self._empty_words(query))

    def _elsewhere(self, query: ModelQuery) -> tuple[Place, int]:
        """Another place where the same filters find something, and how much; 0 where none does."""
        for place in PLACES:
            there = replace(query, place=place)
            found = sum(there.finds(entry) for entry in self._entries)
            if place != query.place and found:
                return place, found
        return query.place, 0

    def _empty_words(self, query: ModelQuery) -> tuple[str, str, str]:
        place, found = self._elsewhere(query)
        if query.is_filtered and found:
            words = {
                "installed": count(found, "%n installed model fits.", "%n installed models fit."),
                "available": count(found, "%n model that you can get fits.", "%n models that you can get fit."),
                "machine": count(found, "%n model of another program fits.", "%n models of other programs fit."),
            }[place]
            return tr("No results"), words, tr("Show them")
        if query.fits and self._reckoning.busy:
            return tr("Looking at what fits this machine…"), tr("This takes a moment the first time."), ""
        if query.is_filtered:
            return tr("No results"), tr("Try other words or clear the filters."), tr("Clear filters")
        if query.place == "machine":
            if self.found.looking is not None:
                return tr("Looking for models…"), tr("This takes a moment where disks are slow."), ""
            words = tr("The Hugging Face cache, ComfyUI, A1111, Forge, InvokeAI, LM Studio, Ollama and KoboldCpp are "
                       "looked through. Add a folder to look in others too.")  # fmt: skip
            return tr("No models of other programs were found"), words, tr("Add a folder…")
        if query.place == "available":
            return tr("You have every model that is offered"), tr("Add others from files, or drop them here."), ""
        return tr("No models yet"), tr("Get one that is offered, or drop a model here."), tr("Show available models")

    def _on_empty_action(self) -> None:
        query = self.filters.query
        place, found = self._elsewhere(query)
        if query.is_filtered and not found:
            self.filters.clear()
        elif query.place == "machine" and not query.is_filtered:
            self._ask_folder_to_look_in()
            return
        else:
            self.filters.set_query(replace(query, place=place if found else "available"))
        self.focus_first()

    def show_medium(self, medium: str, *, fits: bool = False) -> None:
        """Show the models of a medium that can be had; with `fits`, those that this machine can run."""
        self.filters.set_query(ModelQuery(place="available", medium=medium, fits=fits))

    def _on_news(self, news: Any) -> None:
        if news.kind == "models":
            self.refresh()
            self._reckon()

    def _on_download(self, id: str) -> None:
        self.list.rows.touch(id)
        self.card.follow(id)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        listed = [entry.model for entry in self._entries if entry.model is not None]
        if self._studio.catalog.models() != listed:  # changed from outside the window
            self._bridge.models_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self._forget_fetched()

    def commands(self) -> dict[str, Run]:
        """What the commands of the table do here."""
        search = self.filters.search
        found: dict[str, Run] = {"find": lambda: search.setFocus(Qt.FocusReason.ShortcutFocusReason)}
        return found | {"cancel": search.clear} if search.text() else found

    def run(self, name: str) -> None:
        """Run a command on the selected model; `go` is what Return does."""
        entry = self.list.current()
        if entry is None:
            return
        self.list.hold()
        if name == "other" and entry.fit is not None and entry.fit.other is not None:
            self.show_offer(entry.fit.other.offer.id)
            return
        if entry.found is not None:
            found = entry.found
            actions: dict[str, Callable[[], object]] = {
                "go": lambda: self.show_model(found.installed) if found.installed else self.link(found),
                "link": lambda: self.link(found),
                "show": lambda: self.show_model(found.installed),
                "reveal": lambda: open_folder(found.path if found.path.is_dir() else found.path.parent),
            }
        else:
            actions = {
                "go": lambda: self.fetcher.get(entry),
                "get": lambda: self.fetcher.get(entry),
                "accept": lambda: self.fetcher.ask_licence(entry),
                "token": lambda: self.fetcher.ask_token(entry),
                "pause": lambda: self.downloads.pause(entry.id),
                "cancel": lambda: self.downloads.cancel(entry.id),
            }
        if entry.model is not None:
            model = entry.model
            actions |= {
                "update": lambda: self.fetcher.update(entry, model),
                "go": lambda: self.use(model),
                "use": lambda: self.use(model),
                "card": lambda: self.read_card(model),
                "reveal": lambda: open_folder(Path(model.linked or model.moved or model.folder)),
                "check": lambda: self.check(model),
                "move": lambda: self._ask_where_to(model),
                "back": lambda: self.importer.move_model(model, None),
                "remove": lambda: self.ask_to_remove(model),
            }
        if name in actions:
            actions[name]()

    def ask_address(self) -> None:
        """Ask for the name or address of a model that is not in the list."""
        dialog = AddressDialog(self.window())
        dialog.asked.connect(self._get_from_address)
        dialog.open()

    def _get_from_address(self, request: ModelGetRequest) -> None:
        self.filters.set_query(ModelQuery(place="available", order=self.filters.query.order))
        self.downloads.start(request)
        self.list.choose(f"available:{request.download}")

    def link(self, found: FoundModel) -> None:
        """Use a model of another program where it lies; asks first where its licence is not known or has terms."""
        if found.why_not is not None or found.installed:
            return
        allowed = terms(found.licence)
        if allowed.free:
            self.importer.link(found)
            return
        question = tr("Use {name}?").format(name=found.title)
        dialog = LicenceDialog(self.window(), question, allowed, tr("Use it"))
        dialog.accepted.connect(lambda: self.importer.link(found))
        dialog.open()

    def show_model(self, id: str) -> None:
        """Select an installed model; filters that hide it are removed."""
        if not any(entry.id == id for entry in self.list.entries() if entry.model is not None):
            self.filters.set_query(ModelQuery(order=self.filters.query.order))
        self.list.choose(f"installed:{id}")

    def show_offer(self, id: str) -> None:
        """Select a model that is offered, where it is installed already that one; filters that hide it are removed."""
        if self._studio.catalog.listed(id) is not None:
            self.show_model(id)
            return
        key = f"available:{id}"
        if self.list.rows.row_of(key) < 0:
            self.filters.set_query(ModelQuery(place="available", order=self.filters.query.order))
        self.list.choose(key)

    def _ask_folder_to_look_in(self) -> None:
        mode = QFileDialog.FileMode.Directory
        ask_paths(self.window(), tr("Add a folder"), "chooseLook", self.found.add_folders, start=Path.home(), mode=mode)

    def _ask_where_to(self, model: Model) -> None:
        def take(paths: Sequence[Path]) -> None:
            self.bar.hide()
            self.importer.move_model(model, paths[0])

        title, mode = tr("Move {name} to").format(name=model.title), QFileDialog.FileMode.Directory
        ask_paths(self.window(), title, "chooseDisk", take, start=Path.home(), mode=mode)

    def _moved(self, model: Model) -> None:
        self.refresh()
        place = model.moved or str(model.folder)
        self._notify(tr("{name} lies in {folder} now.").format(name=model.title, folder=place), ())

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
        studio = self._studio
        self._removal.run(lambda: studio.uses_of(model), lambda uses: self._confirm_removal(model, uses))

    def _confirm_removal(self, model: Model, uses: ModelUses) -> None:
        said = [worded(each) for each in uses.said]
        if model.linked:
            question = tr("Remove {name} from the studio?").format(name=model.title)
            said.append(tr("Its files stay in {folder}.").format(folder=model.linked))
        else:
            question = tr("Remove {name} and free {size}?").format(name=model.title, size=size(model.size))
            said.append(tr("Its files are deleted permanently. What was made with it stays."))
        QuestionDialog(
            self.window(),
            ("removeModel", "removeYes"),
            tr("Remove a model"),
            question,
            "\n".join(said),
            (tr("Remove"), tr("Cancel")),
            lambda: self.remove(model),
        ).open()

    def remove(self, model: Model) -> None:
        with self.bar.errors():
            left = self._studio.catalog.remove(model.id)
            self._notify(tr("{name} removed.").format(name=model.title), ())
            if left:
                words = tr("Its files in {folder} could not be reached.").format(folder=left)
                self.bar.show_message(words, tr("Delete them there yourself."))
            self._bridge.models_changed()
            self.refresh()

    def import_files(self, paths: Sequence[Path]) -> None:
        self.bar.hide()
        self.importer.import_paths(paths)

    def _fetched(self, download: str, model: Model) -> None:
        """A model was fetched: whatever a person does at the moment goes on where it is."""
        if self.isVisible() and self.filters.query.place == "available":
            self._just_fetched[download] = model.id
        self.refresh()
        self._announce(model)

    def _imported(self, model: Model) -> None:
        """Show a model that was imported just now."""
        self.refresh()
        if self.isVisible():
            self.show_model(model.id)
        self._announce(model)

    def _announce(self, model: Model) -> None:
        """Say that a model can be used."""
        self._bridge.models_changed()
        paged = model.medium not in {each.name for each in PAGELESS}
        use = [(tr("Use it"), lambda: self.use(model))] if paged else []
        self._notify(tr("{name} is ready.").format(name=model.title), use)

    def _choose(self, *, folder: bool) -> None:
        mode = QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFiles
        types = "" if folder else tr("Models and StyleGAN checkpoints") + f" ({FILES})"
        title = tr("Add a model")
        ask_paths(self.window(), title, "chooseModel", self.import_files, start=Path.home(), mode=mode, types=types)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        focused = QApplication.focusWidget()
        if event.key() == Qt.Key.Key_Delete:
            self.run("remove")
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focused, QAbstractButton):
            focused.click()  # Qt presses a focused button with the space bar alone
        else:
            super().keyPressEvent(event)

    def focus_first(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_down(self) -> None:
        self._tasks.close()
        self._check.close()
        self._removal.close()
        self.downloads.close()
        self.fetcher.close()
        self._reckoning.close()

    def state(self) -> dict[str, Any]:
        entry, query = self.list.current(), self.filters.query
        return {"model": entry.key if entry is not None else "", "place": query.place, "order": query.order}

    def restore(self, state: Mapping[str, Any]) -> None:
        place, order, key = state.get("place"), state.get("order"), str(state.get("model", ""))
        query = ModelQuery(
            place=place if place in PLACES else "installed",  # type: ignore[arg-type]
            order=order if order in get_args(Order) else "medium",  # type: ignore[arg-type]
        )
        self.filters.set_query(query)
        self.list.choose(key if ":" in key else f"installed:{key}")
