"""The window: the rail, the pages, the job strip, and one place where every action ends up; makes pages when shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QMainWindow, QMessageBox, QStackedWidget, QToolButton, QWidget

from studio.backends import MEDIA
from studio.errors import StudioError
from studio.ui import actions, icons, memory
from studio.ui.bridge import Bridge
from studio.ui.deeds import Actions, Deeds
from studio.ui.jobs import Queue, Strip
from studio.ui.panel import Panel
from studio.ui.theme import SIZE, theme
from studio.ui.toast import Toast
from studio.ui.widgets import Bar, column, row
from studio.ui.words import count, failure, gist, tr
from studio.ui.works import Thumbnails

if TYPE_CHECKING:
    from studio.studio import Studio


class Page(Protocol):
    """What every page answers to."""

    def focus_first(self) -> None: ...

    def leave(self) -> None: ...

    def close_down(self) -> None: ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: Mapping[str, Any]) -> None: ...


class Window(QMainWindow):
    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("AIGC Studio")
        self.setMinimumSize(880, 560)
        self.studio = studio
        self.bridge = Bridge(studio, self)
        self.thumbnails = Thumbnails(studio.library, self)
        self.deeds = Deeds(studio, self.bridge, self, self.notify, self.panel)
        self._file = studio.places.state / "window.json"
        self._state = memory.load(self._file)
        self._made: dict[str, QWidget] = {}
        self._entries: dict[str, tuple[str, str, Callable[[], QWidget]]] = {}
        for medium in MEDIA:
            make = lambda medium=medium: Panel(studio, self.bridge, medium, self.thumbnails, self.deeds)  # noqa: E731
            self._entries[medium.name] = (tr(medium.title), medium.icon, make)
        self._entries["library"] = (tr("Library"), "library", self._library)
        self._entries["settings"] = (tr("Settings"), "settings", self._settings)
        self._build()
        self.actions_ = actions.build(self, self.act, [(name, entry[0]) for name, entry in self._entries.items()])
        self.bridge.news.connect(self._hear)
        theme().changed.connect(self._tint)
        self._mark_theme()
        self._come_back()
        self._offer()
        for warning in [*studio.warnings, *studio.library.notices][:1]:
            self.notify(warning, ())

    def _build(self) -> None:
        rail = QFrame()
        rail.setObjectName("rail")
        rail.setFixedWidth(SIZE.rail)
        rail.setAccessibleName(tr("Pages"))
        self._rail = QButtonGroup(self)
        self._rail.setExclusive(True)
        buttons = column(rail, spacing=4, margins=(8, 10, 8, 10))
        for name, (title, icon, _) in self._entries.items():
            made = QToolButton()
            made.setObjectName(f"rail.{name}")
            made.setText(title)
            made.setAccessibleName(title)
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            made.setIconSize(QSize(22, 22))
            made.setFixedWidth(SIZE.rail - 17)
            made.setMinimumHeight(54)
            made.setCheckable(True)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            icons.put(made, icon, size=22)
            made.clicked.connect(lambda _=False, name=name: self.open(name))
            self._rail.addButton(made)
            if name == "library":
                rule = QFrame()
                rule.setObjectName("rule")
                rule.setFixedHeight(1)
                buttons.addSpacing(4)
                buttons.addWidget(rule)
                buttons.addSpacing(4)
            if name == "settings":
                buttons.addStretch(1)
            buttons.addWidget(made)
        self.offer = Bar("offer")
        self.offer.dismissed.connect(lambda: self._answer(False))
        self.pages = QStackedWidget()
        self.pages.setObjectName("pages")
        central = QWidget()
        self.queue = Queue(self.studio, central)
        self.queue.wanted.connect(self._show_made)
        self.strip = Strip(self.studio, self.queue.toggle)
        whole = column(central, spacing=0)
        middle = row(spacing=0)
        middle.addWidget(rail)
        right = column(spacing=0)
        self._offer_line = QWidget()
        column(self._offer_line, margins=(16, 8, 16, 8)).addWidget(self.offer)
        self._offer_line.hide()
        right.addWidget(self._offer_line)
        right.addWidget(self.pages, 1)
        middle.addLayout(right, 1)
        whole.addLayout(middle, 1)
        whole.addWidget(self.strip)
        self.setCentralWidget(central)
        self.toast = Toast(central)

    def come_forward(self) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    # Pages.

    @property
    def names(self) -> list[str]:
        """The names of all pages, from the top of the rail."""
        return list(self._entries)

    @property
    def page(self) -> str:
        """The name of the page that is shown."""
        shown = self.pages.currentWidget()
        return next((name for name, page in self._made.items() if page is shown), "")

    def open(self, name: str) -> QWidget:
        """Show a page, made now if it was never shown."""
        if name not in self._made:
            made = self._made[name] = self._entries[name][2]()
            self.pages.addWidget(made)
            drafts = self._state.get("pages")
            if isinstance(drafts, dict) and isinstance(drafts.get(name), dict):
                self._page(made).restore(drafts[name])
        if self.page and self.page != name:
            self._page(self._made[self.page]).leave()
        self.queue.hide()
        self.pages.setCurrentWidget(self._made[name])
        button = self._rail.buttons()[list(self._entries).index(name)]
        button.setChecked(True)
        if not any(each.hasFocus() for each in self._rail.buttons()):
            self._page(self._made[name]).focus_first()
        return self._made[name]

    def panel(self, name: str) -> Panel | None:
        """Show the panel of a medium; None where there is no such panel."""
        if name not in self._entries:
            return None
        found = self.open(name)
        return found if isinstance(found, Panel) else None

    def _page(self, widget: QWidget) -> Page:
        return widget  # type: ignore[return-value]

    def _library(self) -> QWidget:
        from studio.ui.library import LibraryPage

        return LibraryPage(self.studio, self.bridge, self.thumbnails, self.deeds)

    def _settings(self) -> QWidget:
        from studio.ui.preferences import SettingsPage

        return SettingsPage(self.studio)

    # Actions.

    def act(self, name: str) -> None:
        """Do what an action of the menus says."""
        if name.startswith("page."):
            self.open(name.removeprefix("page."))
        elif name in ("light", "dark", "system"):
            theme().choose(name)
            self._mark_theme()
            try:
                self.studio.change_settings(theme=name)
            except StudioError as error:
                self.notify(" ".join(failure(error)))
        elif name in ("settings",):
            self.open(name)
        elif name == "quit":
            self.close()
        elif name == "queue":
            self.queue.toggle()
        elif name == "find":
            page = self.open("library")
            page.search.setFocus()  # type: ignore[attr-defined]
        elif name == "about":
            self._about()
        elif name == "cancel" and self.queue.isVisible():
            self.queue.hide()
        else:
            self._act_on_page(name)

    def _act_on_page(self, name: str) -> None:
        page = self.pages.currentWidget()
        act = getattr(page, "act", None)
        if act is not None:
            act(name)

    def notify(self, words: str, actions: Actions = ()) -> None:
        """Say something in passing."""
        page = self.pages.currentWidget()
        foot = page.findChild(QWidget, "filmstripArea") if page is not None else None
        self.toast.say(words, actions, lift=foot.height() if foot is not None and foot.isVisible() else 0)

    def _about(self) -> None:
        import studio
        from studio.about import LICENCE

        box = QMessageBox(self)
        box.setObjectName("about")
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(tr("About AIGC Studio"))
        box.setText(f"AIGC Studio {studio.__version__}")
        box.setInformativeText(
            tr("Generative models on your own machine. Licence: {licence}.").format(licence=LICENCE)
            + "\n"
            + tr("Run “studio about” for all libraries, models and credits.")
        )
        box.open()

    # News.

    def _hear(self, news: Any) -> None:
        if news.kind in ("job", "queue"):
            self.strip.refresh()
            if self.queue.isVisible():
                self.queue.refresh()
        elif news.kind == "settings":
            page = self._made.get("settings")
            if page is not None:
                page.follow()  # type: ignore[attr-defined]

    def _show_made(self, job: Any) -> None:
        """Show what a job of the queue made."""
        panel = self.panel(job.request.medium)
        works = job.future.result() if job.state == "done" else []
        if panel is not None and works and hasattr(works[0], "medium"):
            panel.show_work(works[0])
        self.queue.hide()

    # What ran when the program died.

    def _offer(self) -> None:
        offered = self.studio.offered
        self._offer_line.setVisible(bool(offered))
        if offered:
            self.offer.say(
                count(
                    len(offered),
                    "The studio ended while it was making a work.",
                    "The studio ended while it was making %n works.",
                ),
                gist(offered[0].request.to_json()),
                actions=[(tr("Make it now"), "offerResume", lambda: self._answer(True))],
            )

    def _answer(self, resume: bool) -> None:
        for entry in list(self.studio.offered):
            try:
                self.studio.take(entry, resume=resume)
                if resume:
                    self.panel(entry.request.medium)
            except StudioError as error:
                self.notify(" ".join(failure(error)), ())
        self._offer_line.hide()

    # The look, and what comes back.

    def _tint(self) -> None:
        icons.refresh(self)
        self._mark_theme()

    def _mark_theme(self) -> None:
        for name in ("light", "dark", "system"):
            self.actions_[name].setChecked(theme().choice == name)

    def _come_back(self) -> None:
        self.resize(QSize(1280, 800).boundedTo(self.screen().availableSize()))
        geometry = self._state.get("geometry")
        if isinstance(geometry, str):
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))
        page = self._state.get("page")
        self.open(page if page in self._entries else MEDIA[0].name)

    def state(self) -> dict[str, Any]:
        """All that comes back at the next start."""
        before = self._state.get("pages")
        drafts = dict(before) if isinstance(before, dict) else {}
        drafts.update({name: self._page(page).state() for name, page in self._made.items()})
        geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        return {"geometry": geometry, "page": self.page, "pages": drafts}

    def closeEvent(self, event: QCloseEvent) -> None:
        memory.save(self._file, self.state())
        for page in self._made.values():
            self._page(page).close_down()
        self.bridge.close()
        self.thumbnails.close()
        event.accept()
