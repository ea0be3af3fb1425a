"""What can be done with works that exist, one or many: open, vary, export, tag, copy, delete."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QStandardPaths
from PySide6.QtWidgets import QFileDialog, QWidget

from studio.errors import StudioError
from studio.export import copies
from studio.jobs.make_again import request_to_repeat, works_to_repeat
from studio.library.library import Asset, LibraryQuery
from studio.media.payloads import Payload
from studio.schema.request import Request, fresh_seed
from studio.studio import Studio
from studio.ui.background import SerialTasks
from studio.ui.bridge import Bridge
from studio.ui.commands import command
from studio.ui.forms.undo import Change, ChangeHistory, Outcome, Undoable
from studio.ui.library import send_to
from studio.ui.library.importer import Importer
from studio.ui.library.model import file_name
from studio.ui.shell import window_state
from studio.ui.widgets import error_actions
from studio.ui.widgets.dialogs import QuestionDialog, ask_paths, open_folder
from studio.ui.widgets.messages import Toast
from studio.ui.widgets.page import timer
from studio.ui.widgets.text import count, failure, tr

if TYPE_CHECKING:
    from studio.ui.export.dialog import ExportDialog


def copy_works(works: Sequence[Asset], folder: Path, stopping: Callable[[], bool]) -> int:
    """Copy works to the folder, each under a name that is free there; how many. Raises StudioError."""
    made = 0
    for asset in works:
        if stopping():
            break
        copies.copy_work(asset, folder, file_name(asset))
        made += 1
    return made


Actions = Sequence[tuple[str, Callable[[], object]]]

FEW = 12  # works that are changed at once; more are changed in the background, in parts
PART = 24
REST = 2500  # milliseconds after which what a dialog will want is read from the disk


class WorkPanel(Protocol):
    """What a medium's page does with works."""

    def show_work(self, asset: Asset | None) -> None: ...
    def load_request(self, request: Request) -> None: ...
    def set_prompt(self, prompt: str) -> None: ...
    def submit(self, request: Request, *, parents: Sequence[str]) -> None: ...


class WorkActions:
    """Every action changes the library, then all views follow. `notify(words, actions)` shows a toast."""

    def __init__(
        self,
        studio: Studio,
        bridge: Bridge,
        window: QWidget,
        notify: Callable[[str, Actions], None],
        open_panel: Callable[[str], WorkPanel | None],
    ) -> None:
        self.studio, self._bridge, self.window = studio, bridge, window
        self.notify = notify
        self._open_panel = open_panel
        self._saved_in = studio.paths.state / "save.json"
        self.history = ChangeHistory(bridge.library_changed)
        self.tasks = SerialTasks(window)
        self._export: ExportDialog | None = None
        self._rest = timer(window, lambda: self.tasks.run(_read_ahead, lambda _: None))
        self._rest.start(REST)
        self.importer = Importer(studio, bridge, notify, self.show_error, window)

    def close(self) -> None:
        """The window closes: a running change ends after its current part."""
        if self._export is not None:
            self._export.close_down()
        self.tasks.close()

    def dismiss_message(self, words: str) -> None:
        """Hide the toast if it still shows these words."""
        toast = self.window.findChild(Toast)
        if toast is not None and toast.message() == words:
            toast.hide()

    def run(self, name: str, works: Sequence[Asset], ids: Sequence[str] = ()) -> None:
        """Run a command of the table on works: `ids` names them all where `works` has only the first of them."""
        ids = ids or [asset.id for asset in works]
        one = works[0]
        run: dict[str, Callable[[], object]] = {
            "open": lambda: self._attempt(lambda: self.open(one)),
            "recall": lambda: self._attempt(lambda: self.recall(one)),
            "again": lambda: self._attempt(lambda: self.again(one)) if len(ids) == 1 else self.make_all(ids),
            "vary": lambda: self._attempt(lambda: self.vary(one)) if len(ids) == 1 else self.make_all(ids, vary=True),
            "export": lambda: self._attempt(lambda: self.export(one)),
            "reveal": lambda: self._attempt(lambda: self.reveal(one)),
            "save": lambda: self.save(works if len(works) == len(ids) else self.studio.library.get_many(ids)),
            "favourite": lambda: self.favourite(ids, not all(asset.favourite for asset in works)),
            "bin": lambda: self.bin(ids),
            "restore": lambda: self.restore(ids),
            "delete": lambda: self.delete(ids),
        }
        act = command(name).on_works
        if name in run:
            run[name]()
        elif act is not None:
            self._attempt(lambda: act(self, works, ids))
        else:
            error_actions.run_command(self.window, name)

    def open(self, asset: Asset) -> None:
        """Show the work on its page; the settings there stay as they are."""
        panel = self._open_panel(send_to.home_medium(asset))
        if panel is not None:
            panel.show_work(asset)

    def recall(self, asset: Asset) -> None:
        """Load the settings of a work on its page, and show the work there."""
        panel = self._open_panel(asset.medium)
        if panel is not None:
            panel.load_request(Request.from_json(asset.request))
            panel.show_work(asset)

    def again(self, asset: Asset) -> None:
        """Make the same work once more."""
        self._make(asset, self._request_of(asset), parents=asset.parents)

    def vary(self, asset: Asset) -> None:
        """Make another with the same settings and a new seed; its parent is this work."""
        self._make(asset, self._request_of(asset).replace(seed=fresh_seed()), parents=(asset.id,))

    def make_all(self, ids: Sequence[str], *, vary: bool = False) -> None:
        """Make works once more, or one variation of each, as one group of the queue. Those that cannot be made here are
        left out, and said; the first error is shown where that is all of them.
        """
        title = tr("Variations") if vary else tr("Make again")

        def submit() -> tuple[int, int]:
            library = self.studio.library
            found = works_to_repeat(library.get_many(ids), self.studio.catalog, library, vary=vary)
            if found.errors and not found.requests:
                raise found.errors[0]
            self.studio.submit_group(found.requests, "batch", title=title, parents=dict(enumerate(found.parents)))
            return len(found.requests), len(found.errors)

        def announce(numbers: tuple[int, int]) -> None:
            queued, left = numbers
            words = [count(queued, "%n item added to the queue.", "%n items added to the queue.")]
            if left:
                words.append(count(left, "%n item cannot be made again.", "%n items cannot be made again."))
            self.notify(" ".join(words), [(tr("Show queue"), lambda: error_actions.run_command(self.window, "queue"))])

        self.tasks.run(submit, announce, self.show_error)

    def send(self, asset: Asset, medium: str) -> None:
        """Use the work's words as a prompt on another page, or continue a text on its own."""

        def sent() -> None:
            words = send_to.words(asset, medium)
            panel = self._open_panel(medium)
            if panel is not None and words:
                panel.set_prompt(words)

        self._attempt(sent)

    @property
    def undoable(self) -> Undoable:
        """The changes of works that undo takes back, on every page."""
        return Undoable(self.history, self.history.undo, self.history.redo)

    def rename(self, asset: Asset, title: str) -> bool:
        library = self.studio.library

        def put(title: str) -> Callable[[Sequence[str]], object]:
            return lambda ids: [library.rename(id, title) for id in ids]

        return self._change(
            [asset.id], put(title), lambda: self.history.add(self._reversible([asset.id], put(asset.title), put(title)))
        )

    def reveal(self, asset: Asset) -> None:
        """Open the folder that holds the work."""
        open_folder(asset.path.parent)

    def export(self, asset: Asset) -> None:
        """Open the export dialog."""
        if not asset.is_image or self._export is not None:
            return
        from studio.ui.export.dialog import ExportDialog  # rarely used, and slow to import

        dialog = self._export = ExportDialog(self.window, self.studio, asset)

        def gone() -> None:
            self._export = None

        def arrived(end: Path, number: int) -> None:
            folder = end if end.is_dir() else end.parent
            show = (tr("Show"), lambda: open_folder(folder))
            self.notify(count(number, "%n file exported.", "%n files exported."), [show])

        dialog.finished.connect(gone)
        dialog.arrived.connect(arrived)
        dialog.open()

    def _request_of(self, asset: Asset) -> Request:
        """The request of the work as it can be made here. Raises BadInput for models and works that are missing."""
        request = Request.from_json(asset.request)
        return request_to_repeat(request, asset.provenance, self.studio.catalog, self.studio.library)

    def _make(self, asset: Asset, request: Request, parents: Sequence[str]) -> None:
        panel = self._open_panel(send_to.home_medium(asset))
        if panel is not None:
            panel.submit(request, parents=parents)

    def save_edited(self, payload: Payload, made_from: Asset) -> Asset | None:
        """Add a person's edit of a work to the library; None if it could not be added."""
        kept: list[Asset] = []
        provenance = replace(made_from.provenance, edited=True)
        request, medium = made_from.request, made_from.medium
        add = self.studio.library.add
        self._attempt(
            lambda: kept.append(
                add(payload, medium=medium, request=request, provenance=provenance, parents=[made_from.id])
            )
        )
        return kept[0] if kept else None

    def favourite(self, ids: Sequence[str], on: bool) -> bool:
        library = self.studio.library
        return self._label(ids, on, library.favourite, lambda asset: asset.favourite, "")

    def bin(self, ids: Sequence[str], back: Callable[[], object] | None = None) -> bool:
        """Move works to the bin, with undo, after which `back` is called; False if they could not be moved."""
        library = self.studio.library

        def restored(number: int) -> None:
            self.notify(count(number, "%n item restored.", "%n items restored."), ())
            if back is not None:
                back()

        def said() -> None:
            words = count(len(ids), "%n item moved to the bin.", "%n items moved to the bin.")
            self.notify_change(words, self._reversible(ids, library.restore, library.bin, restored))

        return self._change(ids, library.bin, said)

    def restore(self, ids: Sequence[str]) -> bool:
        library = self.studio.library
        change = self._reversible(ids, library.bin, library.restore)
        return self._change(ids, library.restore, lambda: self.history.add(change))

    def _reversible(
        self,
        ids: Sequence[str],
        undo: Callable[[Sequence[str]], object],
        redo: Callable[[Sequence[str]], object],
        undone: Callable[[int], object] | None = None,
    ) -> Change:
        """A change of works that can be taken back and made again, for those that were not deleted since; `undone` gets
        their number.
        """

        def step(put: Callable[[Sequence[str]], object], then: Callable[[int], object] | None) -> Outcome:
            there = self._existing(ids)
            if not there:
                self.notify(count(len(ids), "This item no longer exists.", "These %n items no longer exist."), ())
                return "gone"
            end = None if then is None else lambda: then(len(there))
            done = self._change(there, put, end, lambda: self.history.failed_later(change))
            return "done" if done else "failed"

        change = Change(lambda: step(undo, undone), lambda: step(redo, None))
        return change

    def _existing(self, ids: Sequence[str]) -> list[str]:
        """Those of these works that were not deleted since."""
        return [asset.id for asset in self.studio.library.get_many(ids)]

    def notify_change(self, words: str, change: Change) -> None:
        """Remember a change, and say it with a button that takes it back."""
        self.history.add(change)
        if words:
            self.notify(words, [(tr("Undo"), lambda: self.history.undo(change))])

    def tag(self, ids: Sequence[str], name: str, on: bool) -> bool:
        """Add a tag to works or remove it, with undo for those that changed."""
        library = self.studio.library
        words = tr("Tagged “{name}”.") if on else tr("Tag “{name}” removed.")
        return self._label(
            ids,
            on,
            lambda part, on: library.tag(part, add=[name] if on else [], remove=[] if on else [name]),
            lambda asset: name in asset.tags,
            words.format(name=name),
        )

    def collect(self, ids: Sequence[str], name: str, on: bool) -> bool:
        """Add works to a collection or remove them, with undo for those that changed."""
        library = self.studio.library
        words = tr("Added to “{name}”.") if on else tr("Removed from “{name}”.")
        return self._label(
            ids,
            on,
            lambda part, on: library.collect(part, name, on),
            lambda asset: name in asset.collections,
            words.format(name=name),
        )

    def _label(
        self,
        ids: Sequence[str],
        on: bool,
        put: Callable[[Sequence[str], bool], object],
        has: Callable[[Asset], bool],
        words: str,
    ) -> bool:
        moved: list[str] = []

        def change(part: Sequence[str]) -> None:
            other = [asset.id for asset in self.studio.library.get_many(part) if has(asset) is not on]
            put(other, on)
            moved.extend(other)

        def said() -> None:
            if moved:
                change = self._reversible(moved, lambda part: put(part, not on), lambda part: put(part, on))
                self.notify_change(words, change)
            elif words:
                self.notify(words, ())

        return self._change(ids, change, said)

    def delete(self, ids: Sequence[str]) -> None:
        """Ask, then delete works of the bin for good."""
        QuestionDialog(
            self.window,
            ("deleteForGood", "deleteYes"),
            tr("Delete permanently"),
            count(len(ids), "Delete %n item permanently?", "Delete %n items permanently?"),
            tr("The files are deleted from this computer. This cannot be undone."),
            (tr("Delete"), tr("Cancel")),
            lambda: self._change(ids, self.studio.library.delete),
        ).open()

    def empty_bin(self) -> None:
        self.delete(self.studio.library.ids(LibraryQuery(binned=True)))

    def save(self, works: Sequence[Asset]) -> None:
        """Ask where to, and copy the files there."""
        folder = self._save_folder()
        if len(works) == 1:
            one, title = works[0], tr("Save a copy")
            name = f"{file_name(one)}{one.path.suffix}"
            take, types = lambda paths: self.copy_to(one, paths[0]), _file_types(one)
            ask_paths(self.window, title, "saveCopy", take, start=folder, save_as=name, types=types)
        else:
            title, mode = tr("Save copies to a folder"), QFileDialog.FileMode.Directory
            ask_paths(
                self.window, title, "saveCopy", lambda paths: self.copy_all(works, paths[0]), start=folder, mode=mode
            )

    def _save_folder(self) -> Path:
        """Where the last copy was saved; the downloads before."""
        last = window_state.load(self._saved_in).get("folder")
        if isinstance(last, str) and Path(last).is_dir():
            return Path(last)
        start = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        return Path(start or Path.home())

    def copy_to(self, asset: Asset, path: Path) -> None:
        window_state.save(self._saved_in, {"folder": str(path.parent)})

        def announce(_: object) -> None:
            self.notify(tr("Saved as {name}.").format(name=path.name), ())

        self.tasks.run(lambda: copies.copy_as(asset, path), announce, self.show_error)

    def copy_all(self, works: Sequence[Asset], folder: Path) -> None:
        window_state.save(self._saved_in, {"folder": str(folder)})

        def announce(made: int) -> None:
            show = (tr("Show"), lambda: open_folder(folder))
            self.notify(count(made, "%n copy saved.", "%n copies saved."), [show])

        stopping = self.tasks.stopping.is_set
        self.tasks.run(lambda: copy_works(works, folder, stopping), announce, self.show_error)

    def _attempt(self, act: Callable[[], object]) -> bool:
        """Call `act`; show its error if it fails."""
        try:
            act()
        except (StudioError, OSError) as error:
            self.show_error(error)
            return False
        self._bridge.library_changed()
        return True

    def show_error(self, error: BaseException) -> None:
        """Show an error in a toast, with the buttons that help."""
        mends = error_actions.buttons(error, self.window) if isinstance(error, StudioError) else ()
        self.notify(" ".join(failure(error)), [(words, act) for words, _, act in mends])
        self._bridge.library_changed()

    def _change(
        self,
        ids: Sequence[str],
        change: Callable[[Sequence[str]], object],
        then: Callable[[], object] | None = None,
        failed_later: Callable[[], object] = lambda: None,
    ) -> bool:
        """Change a few works at once, many in the background; False if it failed at once."""
        if len(ids) <= FEW:
            done = self._attempt(lambda: change(ids))
            if done and then is not None:
                then()
            return done
        self.notify(count(len(ids), "Updating %n item…", "Updating %n items…"), ())

        stopping, changed = self.tasks.stopping.is_set, self._bridge.library_changed

        def parts() -> None:
            for start in range(0, len(ids), PART):
                if stopping():
                    return
                change(ids[start : start + PART])
                changed()

        def failed(error: BaseException) -> None:
            self.show_error(error)
            failed_later()

        self.tasks.run(parts, lambda _: then() if then is not None else self.notify(tr("Done."), ()), failed)
        return True


def _file_types(asset: Asset) -> str:
    """The types that a copy can be saved as, its own first."""
    own = asset.path.suffix
    if own == ".md":
        return f"Markdown (*.md);;{tr('Plain text')} (*.txt)"
    return f"{own.removeprefix('.').upper()} (*{own});;{tr('All files')} (*)"


def _read_ahead() -> None:
    """Load what the export dialog draws with, so that it opens at once the first time too."""
    for name in ("studio.export.job", "studio.export.formats.png"):
        importlib.import_module(name)
