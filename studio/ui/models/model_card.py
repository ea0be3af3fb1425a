"""The details of one model: what it makes, what it needs, its licence and source, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QStorageInfo, Qt, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QFrame, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from studio.backends import PAGELESS
from studio.errors import StudioError
from studio.models.fit.estimate import Fit
from studio.models.importing import LicenceToAccept
from studio.models.model import Model
from studio.models.sources.hub import NotGranted
from studio.models.sources.offers import Offer, provenance
from studio.ui.models.downloads import DownloadState
from studio.ui.models.entries import ModelEntry, medium_named
from studio.ui.models.model_facts import download_size, entry_facts
from studio.ui.pages.licences import sells_words, terms
from studio.ui.panel.onboarding import SamplePicture
from studio.ui.widgets import placeholder
from studio.ui.widgets.controls import ElidedLabel, IconLabel, ProgressBar, button, label, named, tool
from studio.ui.widgets.dialogs import open_address
from studio.ui.widgets.error_actions import buttons as mends
from studio.ui.widgets.layout import column, fact_table, row, scrolling
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.text import failure, size, tr, worded
from studio.ui.widgets.theme import SIZE, theme

if TYPE_CHECKING:
    from studio.models.sources.programs import FoundModel

CARDS = ("card.md", "README.md", "model_card.md")
PICTURE = 180  # pixels that the sample sheet is high
SIGN = 96  # pixels that the sign in its place is high


class ModelCard(QFrame):
    """`command_requested(name)`: a command for the model that is shown: use, card, reveal, check, move, back, remove,
    get, update, pause, cancel, accept, token, link, show, other.

    `states` says how far the download of one is.
    """

    command_requested = Signal(str)

    def __init__(self, states: Callable[[ModelEntry], DownloadState | None]) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setFixedWidth(SIZE.inspector)
        self._states = states
        self._entry: ModelEntry | None = None
        self._progress: DownloadView | None = None
        self._inside = named(QWidget(), "form")
        self._rows = column(self._inside, spacing=12, margins=(16, 16, 16, 16))
        self._inside.setMinimumWidth(1)  # a word that is too wide is cut by itself, not all that stands above it
        self._area = scrolling(self._inside)
        column(self, self._area, spacing=0)
        self._whole = QWidget()
        self._rows.addWidget(self._whole)
        self._rows.addStretch(1)

    def show_entry(self, entry: ModelEntry | None) -> None:
        """Show this model; nothing where there is none."""
        if entry is None or entry != self._entry:  # making it takes more than a frame
            self._show(entry)

    def _show(self, entry: ModelEntry | None) -> None:
        other = entry is None or self._entry is None or entry.key != self._entry.key
        self._entry, self._progress = entry, None
        focused = self._inside.focusWidget() if self._inside.isAncestorOf(QApplication.focusWidget() or self) else None
        whole = QWidget()
        if entry is not None:
            self._fill(column(whole, spacing=12), entry)
        self._rows.replaceWidget(self._whole, whole)
        whole.show()  # at once, not with the next event
        if focused is not None:
            self._pass_focus(focused.objectName(), whole)
        self._whole.hide()
        self._whole.deleteLater()
        self._whole = whole
        if other:
            self._area.verticalScrollBar().setValue(0)

    def _pass_focus(self, name: str, whole: QWidget) -> None:
        """Give the focus to the control of that name in the new content, else to the first button there."""
        buttons = [each for each in whole.findChildren(QAbstractButton) if each.isVisible() and each.isEnabled()]
        same = [each for each in whole.findChildren(QWidget, name) if name and each.isVisible() and each.isEnabled()]
        next(iter([*same, *buttons, self._area])).setFocus(Qt.FocusReason.OtherFocusReason)

    def follow(self, id: str) -> None:
        """The download of an offer has gone on."""
        entry = self._entry
        if entry is None or not entry.is_fetched or entry.id != id:
            return
        state = self._states(entry)
        if self._progress is not None and state is not None and self._progress.shows(state):
            self._progress.follow(state)
        else:
            self._show(entry)

    def _fill(self, rows: QVBoxLayout, entry: ModelEntry) -> None:
        add = rows.addWidget
        model = entry.model
        sheet = None if model is None else model.folder / "sheet.png"
        if sheet is not None and sheet.exists():
            picture = SamplePicture(sheet)
            picture.setFixedHeight(PICTURE)
            add(picture)
        else:
            medium = medium_named(entry.medium)
            add(SampleSign("models" if medium is None else medium.icon))
        add(label(entry.title, "heading", name="modelTitle", wrap=True, selectable=True))
        if entry.sentence:
            add(label(entry.sentence, wrap=True, selectable=True))
        if entry.reason:
            bar = MessageBar("cannot")
            bar.show_message(entry.reason, closable=False)
            add(bar)
        if model is not None:
            rows.addLayout(self._of_installed(model))
            if entry.update is not None:
                self._add_update(rows, entry, entry.update)
        elif entry.found is None and not entry.reason:
            self._add_download(rows, entry)
        elif entry.found is not None:
            rows.addLayout(self._of_found(entry.found))
        if entry.licence or entry.model is not None:
            rows.addLayout(_sells(entry))
        if entry.fit is not None:
            rows.addLayout(self._fits(entry.fit))
        add(fact_table(entry_facts(entry), "told"))
        if entry.found is not None:
            add(_location(entry.found.path, tr("File") if entry.found.path.is_file() else tr("Folder")))
        if model is not None:
            self._add_location(rows, model)
            if model.sha256:
                rows.addLayout(
                    column(None, label(tr("SHA-256 of the weights"), "caption"), _hash_row(model.sha256), spacing=2)
                )
        if entry.licence or entry.model is not None:
            self._add_licence(rows, entry)

    def _add_location(self, rows: QVBoxLayout, model: Model) -> None:
        """Where its files lie, and what moves them."""
        rows.addWidget(_location(Path(model.linked or model.moved or model.folder), tr("Folder")))
        if model.bundled or model.linked or model.unavailable is not None:
            return
        words = [(tr("Move to another disk…"), "move")]
        if model.moved:
            words = [(tr("Move to another folder…"), "move"), (tr("Move back"), "back")]
        made = [button(text, f"model.{name}", "quiet", clicked=self._do(name)) for text, name in words]
        made[0].setProperty("edge", "left")
        rows.addLayout(row(*made, None, spacing=4))

    def _add_licence(self, rows: QVBoxLayout, entry: ModelEntry) -> None:
        allowed = terms(entry.licence)
        rows.addWidget(label(tr("Licence"), "heading"))
        words = tr(entry.offer.terms) if entry.offer is not None and entry.offer.terms else allowed.words
        rows.addWidget(label(f"{allowed.name}. {words}", name="modelLicence", wrap=True, selectable=True))
        if entry.offer is not None:
            url = entry.offer.licence_url
            if url:
                read = button(tr("Read the licence"), "model.licence", "quiet", clicked=lambda: open_address(url))
                read.setProperty("edge", "left")
                read.setToolTip(url)
                rows.addLayout(row(read, None))
            rows.addWidget(label(worded(provenance(entry.offer)), "caption", name="modelChecked", wrap=True))
        credits = entry.model.credits if entry.model is not None else entry.offer.credits if entry.offer else ""
        if credits:
            rows.addWidget(label(tr("Credits"), "heading"))
            rows.addWidget(label(credits, "caption", wrap=True, selectable=True))

    def _fits(self, fit: Fit) -> QLayout:
        """How it fits, with a way to a model that serves better here."""
        if fit.other is None:
            return _fits(fit)
        other = fit.other.offer.title
        show = button(tr("Show it"), "model.other", "quiet", clicked=self._do("other"))
        show.setAccessibleName(tr("Show {name}").format(name=other))
        show.setProperty("edge", "left")
        return _fits(fit, row(show, None))

    def _do(self, name: str) -> Callable[[], object]:
        return lambda: self.command_requested.emit(name)

    def _of_installed(self, model: Model) -> QHBoxLayout:
        small = [("folder", tr("Show in folder"), "reveal"), ("verify", tr("Verify files"), "check")]
        if any((model.folder / name).is_file() for name in CARDS):
            small.insert(0, ("document", tr("Read model card"), "card"))
        if not model.bundled:
            small.append(("trash", tr("Remove… (Delete)"), "remove"))
        tools = [tool(icon, words, f"model.{name}", clicked=self._do(name)) for icon, words, name in small]
        if model.medium in {each.name for each in PAGELESS} or model.unavailable is not None:
            return row(*tools, None, spacing=4)
        use = button(tr("Use it"), "model.use", "primary", clicked=self._do("use"))
        use.setToolTip(tr("Open its page with this model chosen (Return)"))
        return row((use, 1), *tools, spacing=4)

    def _of_found(self, found: FoundModel) -> QHBoxLayout:
        reveal = tool("folder", tr("Show in folder"), "model.reveal", clicked=self._do("reveal"))
        if found.why_not is not None:
            return row(reveal, None)
        if found.installed:
            return row((button(tr("Show it"), "model.show", clicked=self._do("show")), 1), reveal, spacing=4)
        words, hint = tr("Use in place"), tr("Its files stay where they are; nothing is copied (Return)")
        if found.converted:
            words, hint = tr("Import a copy"), tr("It has to be converted: a copy of it is made (Return)")
        use = button(words, "model.link", "primary", clicked=self._do("link"))
        use.setToolTip(hint)
        return row((use, 1), reveal, spacing=4)

    def _add_download(self, rows: QVBoxLayout, entry: ModelEntry) -> None:
        """The button that gets it; how far that is, once it has begun; and what went wrong."""
        state = self._states(entry)
        if state is None:
            words = tr("Get ({size})").format(size=download_size(entry.offer)) if entry.offer is not None else tr("Get")
            get = button(words, "model.get", "primary", clicked=self._do("get"))
            get.setToolTip(tr("Download and install it (Return)"))
            rows.addWidget(get)
        elif state.stage == "failed" and state.error is not None:
            bar = MessageBar("download")
            title, hint = failure(state.error)
            hint = _hint(state.error) or hint
            bar.show_message(title, hint, kind="error", actions=self._mends(state.error), closable=False)
            rows.addWidget(bar)
        else:
            self._progress = DownloadView(state, self.command_requested.emit)
            rows.addWidget(self._progress)

    def _add_update(self, rows: QVBoxLayout, entry: ModelEntry, offer: Offer) -> None:
        """That there is a newer version, and the button that gets it; or how far that is."""
        if self._states(entry) is not None:
            self._add_download(rows, entry)
            return
        rows.addWidget(label(tr("The catalogue has a newer version."), name="modelNewer", wrap=True))
        words = tr("Update ({size})").format(size=download_size(offer))
        hint = tr("Download it; the version that is here stays until it is there")
        rows.addWidget(button(words, "model.update", hint=hint, clicked=self._do("update")))

    def _mends(self, error: BaseException) -> list[tuple[str, str, Callable[[], object]]]:
        """What can be done about a download that failed: (words, object name, what it does)."""
        found: list[tuple[str, str, Callable[[], object]]] = []
        page = str(error.advice.params.get("page", "")) if isinstance(error, StudioError) else ""
        if isinstance(error, LicenceToAccept):
            found.append((tr("Accept licence…"), "model.accept", self._do("accept")))
        elif isinstance(error, NotGranted):
            found.append((tr("Enter a token…"), "model.token", self._do("token")))
        if page.startswith("https://"):
            found.append((tr("Open the page"), "model.page", lambda: open_address(page)))
        if not isinstance(error, LicenceToAccept):
            found.append((tr("Retry"), "model.retry", self._do("get")))
        found.append((tr("Cancel"), "model.cancel", self._do("cancel")))
        return [*found, *mends(error, self)]


def _hint(error: BaseException) -> str:
    """What the card advises where the error's own advice is for the command line; empty where it is not."""
    if isinstance(error, LicenceToAccept):
        return tr("Read it. If you agree, accept it and continue.")
    if isinstance(error, NotGranted) and "`" in error.advice.template:
        if "repo" in error.said.params:
            return tr("Accept it on its page, make a token there, and enter it here.")
        return tr("Make a new one on its page, and enter it here.")
    return ""


class DownloadView(QWidget):
    """How far a download is, with the buttons to hold or end it; `do` gets the name of the command."""

    def __init__(self, state: DownloadState, do: Callable[[str], object]) -> None:
        super().__init__()
        self._stage = state.stage
        self.words = label("", "label", name="downloadWords", wrap=True)
        self.pace = label("", "caption", name="downloadPace")
        self.bar = ProgressBar()
        hold = {"waiting": "pause", "fetching": "pause", "paused": "get"}.get(state.stage)
        buttons: list[QWidget] = []
        if hold == "get":
            buttons.append(button(tr("Continue"), "model.continue", clicked=lambda: do("get")))
        elif hold:
            buttons.append(button(tr("Pause"), "model.pause", clicked=lambda: do("pause")))
        if state.stage != "stopping":
            hint = tr("Stop, and delete what has come")
            buttons.append(button(tr("Cancel"), "model.cancel", hint=hint, clicked=lambda: do("cancel")))
        column(self, self.words, self.bar, self.pace, row(*buttons, None), spacing=8)
        self.follow(state)

    def shows(self, state: DownloadState) -> bool:
        """Whether its buttons are those of this state."""
        return state.stage == self._stage

    def follow(self, state: DownloadState) -> None:
        self.words.setText(state.words)
        self.pace.setText(state.pace)
        self.pace.setVisible(state.stage == "fetching")
        moving = state.stage in ("fetching", "paused")
        self.bar.setVisible(state.stage != "waiting")
        self.bar.show_progress(state.done, state.total if moving else 0)


class SampleSign(QWidget):
    """Stands where there is no sample of a model: the icon of its medium."""

    def __init__(self, icon: str) -> None:
        super().__init__()
        self._icon = icon
        self.setFixedHeight(SIGN)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        placeholder.missing(painter, QRectF(self.rect()), self._icon, SIZE.card)
        painter.end()


def _fits(fit: Fit, *more: QLayout) -> QLayout:
    """Whether a model runs on this machine, with a sign, and what it takes; `more` stands below."""
    sign, tone, words = {
        "well": ("tick", "accent", tr("Runs well here")),
        "slowly": ("info", "muted", tr("Runs slowly here")),
        "no": ("close", "danger", tr("Too large for this machine")),
    }[fit.verdict]
    better = () if fit.other is None else (fit.other.words,)
    takes = " ".join(map(worded, (fit.takes, *fit.instead, *better)))
    said = label(words, "label", name="modelFit", wrap=True)
    inside = column(None, said, label(takes, "caption", name="modelTakes", wrap=True), *more, spacing=2)
    mark = IconLabel(sign, tone, 16)
    made = row(mark, (inside, 1), spacing=8)
    made.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
    return made


def _sells(entry: ModelEntry) -> QLayout:
    """Whether works may be sold, with a sign."""
    sign, tone = {"yes": ("tick", "accent"), "no": ("close", "danger")}.get(entry.sells, ("info", "muted"))
    said = label(sells_words(entry.sells), "label", name="modelSells", wrap=True)
    return row(IconLabel(sign, tone, 16), (said, 1), spacing=8)


def _location(path: Path, what: str) -> QWidget:
    """Where a model lies, and on which disk."""
    disk = QStorageInfo(str(path))
    lies = named(ElidedLabel(str(path)), "modelFolder")
    lies.setToolTip(str(path))
    words = [label(what, "caption"), lies]
    if disk.isValid():
        name, free = disk.displayName() or disk.rootPath(), size(disk.bytesFree())
        free = tr("On {disk}, {size} free").format(disk=name, size=free)
        words.append(label(free, "caption", name="modelDisk", wrap=True))
    made = QWidget()
    column(made, *words, spacing=2)
    return made


def _hash_row(sha256: str) -> QLayout:
    """The hash of the weights, shortened, with a button to copy it."""
    shown = label(f"{sha256[:8]} … {sha256[-8:]}", name="modelSum", selectable=True)
    shown.setToolTip(sha256)
    copy, words = (lambda: QGuiApplication.clipboard().setText(sha256)), tr("Copy the SHA-256 of the weights")
    return row(shown, None, tool("copy", words, "model.sum", clicked=copy, size=16), spacing=4)
