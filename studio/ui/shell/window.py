"""The main window: sidebar, pages, job strip, and the commands that are the window's own."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QStackedWidget, QWidget

from studio.backends import MEDIA
from studio.backends.medium import Medium
from studio.errors import StudioError
from studio.jobs.engine_cache import resolve
from studio.jobs.io.host import IoRequest
from studio.library.library import Asset
from studio.schema.request import Request, TrainRequest
from studio.studio import Studio
from studio.ui import commands
from studio.ui.background import SerialTasks
from studio.ui.bridge import Bridge
from studio.ui.commands import Context, Run
from studio.ui.forms.fields import ModelField
from studio.ui.forms.undo import undo_and_redo
from studio.ui.library.send_to import home_medium
from studio.ui.library.thumbnails import ThumbnailLoader
from studio.ui.library.work_actions import Actions, WorkActions
from studio.ui.panel.panel import Panel
from studio.ui.plugin import plugin
from studio.ui.preload import PageBuild, PagePreloader, touch_widget_types
from studio.ui.shell import menu_bar, window_state
from studio.ui.shell.command_palette import CommandPalette, PaletteEntry
from studio.ui.shell.job_strip import JobStrip
from studio.ui.shell.notifications import Notifications
from studio.ui.shell.queue import QueuePanel
from studio.ui.shell.resume_bar import ResumeBar
from studio.ui.shell.sidebar import Sidebar
from studio.ui.shell.text_focus import TextFocus
from studio.ui.widgets import icons
from studio.ui.widgets.controls import named
from studio.ui.widgets.layout import column, row, show_whole
from studio.ui.widgets.messages import Toast
from studio.ui.widgets.page import Page, timer
from studio.ui.widgets.text import tr, worded
from studio.ui.widgets.theme import theme

SAVE_INTERVAL = 20_000  # milliseconds between two looks at whether there is something new to remember


class MainWindow(QMainWindow):
    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("AIGC Studio")
        self.setMinimumSize(880, 560)
        self.studio = studio
        self.bridge = Bridge(studio, self)
        self.thumbnails = ThumbnailLoader(studio.library, self)
        self.work_actions = WorkActions(studio, self.bridge, self, self.notify, self.panel)
        self._file = studio.paths.state / "window.json"
        self._state = window_state.load(self._file)
        self._kept: dict[str, Any] = {}
        self._writer = SerialTasks(self)
        self._pages_by_name: dict[str, Page] = {}
        self._entries: dict[str, tuple[str, str, Callable[[], Page]]] = {}
        for medium in MEDIA:
            make = functools.partial(self._panel, medium)
            self._entries[medium.name] = (tr(medium.title), medium.icon, make)
        self._preloader = PagePreloader(self._library, self)
        self._entries["library"] = (tr("Library"), "library", self._preloader.page)
        self._entries["models"] = (tr("Models"), "models", self._models)
        self._entries["settings"] = (tr("Settings"), "settings", self._settings)
        self._training_pages: dict[str, str] = {}  # names of pages by the medium whose models they train
        self._hidden_pages: dict[str, Callable[[], Page]] = {}  # reached from other pages
        for medium in MEDIA:
            if training_page := plugin(medium).training_page:
                # The first keeps the name under which older states hold its draft.
                name = f"training.{medium.name}" if self._training_pages else "training"
                self._training_pages[medium.name] = name
                self._hidden_pages[name] = functools.partial(self._training, training_page)
        self._build()
        theme().style(self)
        self.menu_actions = menu_bar.build(self, self._context)
        self._text_focus = TextFocus(self, self.work_actions.history)
        self.bridge.news.connect(self._on_news)
        self.notifications = Notifications(studio, self.bridge, self)
        theme().changed.connect(self._on_theme_changed)
        self._mark_theme()
        self._restore()
        self._save_timer = timer(self, self._save_state, SAVE_INTERVAL, repeat=True)
        self._save_timer.start()
        for warning in [*studio.library.notices, *studio.warnings][:1]:
            self.notify(worded(warning), ())

    def _build(self) -> None:
        self.sidebar = Sidebar()
        for name, (title, icon, _) in self._entries.items():
            if name == "library":
                self.sidebar.rule()
            if name == "settings":
                self.sidebar.gap()
            self.sidebar.add(name, title, icon)
        self.sidebar.chosen.connect(self.open)
        self.resume_bar = ResumeBar(self.studio, self._resumed, self.work_actions.show_error)
        self.pages = named(QStackedWidget(), "pages")
        central = QWidget()
        self.queue = QueuePanel(self.studio, central)
        self.queue.result_requested.connect(self._show_result)
        self.job_strip = JobStrip(self.studio, self.queue.toggle)
        self.command_palette = CommandPalette(central, self._palette_entries)
        whole = column(central, spacing=0)
        right = column(None, self.resume_bar, (self.pages, 1), spacing=0)
        whole.addLayout(row(self.sidebar, (right, 1), spacing=0), 1)
        whole.addWidget(self.job_strip)
        self.setCentralWidget(central)
        self.toast = Toast(central)

    def raise_window(self) -> None:
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    @property
    def names(self) -> list[str]:
        """The names of all pages, from the top of the sidebar."""
        return [*self._entries, *self._hidden_pages]

    @property
    def page(self) -> str:
        """The name of the page that is shown."""
        shown = self.pages.currentWidget()
        return next((name for name, page in self._pages_by_name.items() if page is shown), "")

    def open(self, name: str) -> Page:
        """Show a page; it is built when it is first shown."""
        if name not in self._pages_by_name:
            make = self._hidden_pages[name] if name in self._hidden_pages else self._entries[name][2]
            page = self._pages_by_name[name] = make()
            self.pages.addWidget(page)
            drafts = self._state.get("pages")
            if isinstance(drafts, dict) and isinstance(drafts.get(name), dict):
                page.restore(drafts[name])
        if self.page and self.page != name:
            self._pages_by_name[self.page].leave()
        self.queue.hide()
        self.pages.setCurrentWidget(self._pages_by_name[name])
        self.sidebar.mark(name)
        if not self.sidebar.focused:
            self._pages_by_name[name].focus_first()
        return self._pages_by_name[name]

    def panel(self, name: str) -> Panel | None:
        """Show the panel of a medium; None where there is no such panel."""
        if name not in self._entries:
            return None
        found = self.open(name)
        return found if isinstance(found, Panel) else None

    def _library(self) -> PageBuild:
        """Build the library page in steps."""
        # The first picture would wait for numpy and Pillow, without which the window starts.
        for name in ("images", "clips"):
            yield self.thumbnails.submit(functools.partial(importlib.import_module, f"studio.media.{name}"))
        yield from touch_widget_types()
        for name in ("detail_parts", "details", "filters", "grid"):
            importlib.import_module(f"studio.ui.library.{name}")
            yield
        from studio.ui.library.page import LibraryPage

        yield
        page = LibraryPage(self.studio, self.bridge, self.thumbnails, self.work_actions)
        page.setParent(self.pages)
        yield from page.build_steps()
        return page

    def _models(self) -> Page:
        from studio.ui.models.page import ModelsPage

        page = ModelsPage(self.studio, self.bridge, self.notify, self.panel)
        page.train.clicked.connect(self.train)
        page.train.setVisible(bool(self._training_pages))
        return page

    def _training(self, name: str) -> Page:
        return resolve(name)(self.studio, self.bridge, self.panel)

    def train(self) -> None:
        """Show the page that trains models of the medium that is shown; where it has none, the only one or a choice."""
        pages = self._training_pages
        if self.page in pages:
            self.open(pages[self.page])
        elif len(pages) == 1:
            self.open(*pages.values())
        else:
            menu = QMenu(self)
            menu.setObjectName("chooseTraining")
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            for medium, name in pages.items():
                menu.addAction(self._entries[medium][0], functools.partial(self.open, name))
            menu.popup(self.pages.mapToGlobal(self.pages.rect().center()))

    @property
    def can_train(self) -> bool:
        """Whether any medium has a page that trains its models."""
        return bool(self._training_pages)

    def _show_training(self, request: TrainRequest) -> None:
        """Show the page that follows a training; that of the medium where there is none."""
        self.open(self._training_pages.get(request.medium, request.medium))

    def _panel(self, medium: Medium) -> Page:
        panel = Panel(self.studio, self.bridge, medium, self.thumbnails, self.work_actions)
        for field in panel.form.fields.values():
            if isinstance(field, ModelField):
                field.more.show()
                field.more_requested.connect(functools.partial(self.show_models, medium.name))
        if panel.brief.prompt_words is not None:
            more = panel.brief.prompt_words.more_requested
            more.connect(functools.partial(self.show_models, medium.name, fits=True))
        if panel.brief.train is not None:
            panel.brief.train.clicked.connect(self.train)
        return panel

    def _resumed(self, request: Request) -> None:
        """Show the page of a job that was resumed."""
        if isinstance(request, TrainRequest):
            self._show_training(request)
        elif not isinstance(request, IoRequest):
            self.panel(request.medium)
        elif request.page:
            self.open(request.page)

    def show_welcome(self) -> None:
        """Show the page of the first start, with examples to create."""
        from studio.ui.pages.welcome import WelcomePage

        shown = WelcomePage(self.studio.catalog)
        shown.chosen.connect(self._begin)
        self.pages.addWidget(shown)
        if self.page:
            self._pages_by_name[self.page].leave()
        self.queue.hide()
        self.pages.setCurrentWidget(shown)
        self.sidebar.mark("")
        shown.focus_first()

    def _begin(self, medium: str) -> None:
        """Leave the welcome page, and make an example of a medium if one was chosen."""
        shown = self.pages.currentWidget()
        panel = self.panel(medium or MEDIA[0].name)
        if shown is not None:
            shown.deleteLater()
        if panel is not None and medium:
            panel.try_example()

    def _settings(self) -> Page:
        from studio.ui.pages.settings_page import SettingsPage

        return SettingsPage(self.studio)

    def run_command(self, name: str) -> None:
        """Run a command of the table by its name, where it can be run now."""
        commands.command(name).trigger(self._context())

    def can(self, name: str) -> bool:
        """Whether a command can be run now."""
        return commands.command(name).can_run(self._context())

    def _context(self) -> Context:
        found = getattr(self.pages.currentWidget(), "commands", dict)
        here: dict[str, Run] = {**undo_and_redo([self.work_actions.undoable]), **found()}
        if self.queue.isVisible():
            here["cancel"] = self.queue.hide
        return Context(self, here)

    def _palette_entries(self) -> list[PaletteEntry]:
        """The commands that can be run now."""
        now = self._context()
        return [
            PaletteEntry(
                each.text().removesuffix("…"),
                tr("Go to") if each in commands.PAGES else tr(each.menu).replace("&", ""),
                each.shortcut.toString(QKeySequence.SequenceFormat.NativeText),
                functools.partial(self.run_command, each.name),
            )
            for each in commands.table()
            if each.menu and each.name != "palette" and each.can_run(now)
        ]

    def choose_theme(self, name: str) -> None:
        """Use the theme `light`, `dark` or `system`, and save the choice."""
        theme().choose(name)
        self._mark_theme()
        try:
            self.studio.change_settings(theme=name)
        except StudioError as error:
            self.work_actions.show_error(error)

    def toggle_queue(self) -> None:
        self.queue.toggle()

    def toggle_pause(self) -> None:
        self.studio.queue.pause(not self.studio.queue.paused)

    def show_palette(self) -> None:
        self.command_palette.open()

    def show_shortcuts(self) -> None:
        from studio.ui.shell.shortcuts import ShortcutsDialog

        ShortcutsDialog(self).open()

    def search_library(self) -> None:
        page = self.open("library")
        page.search.setFocus()  # type: ignore[attr-defined]

    def show_models(self, medium: str, *, fits: bool = False) -> None:
        """Show the models of a medium that can be had; with `fits`, those that this machine can run."""
        self.open("models").show_medium(medium, fits=fits)  # type: ignore[attr-defined]

    def show_section(self, name: str) -> None:
        """Show a part of the settings page."""
        self.open("settings").show_section(name)  # type: ignore[attr-defined]

    def step_area(self, by: int) -> None:
        """Move the focus to the next (+1) or previous (-1) area of the window."""
        page = self.pages.currentWidget()
        areas = page.areas() if isinstance(page, Panel) else [page] if page is not None else []
        step_focus([self.sidebar, *areas, self.job_strip], by)

    def notify(self, words: str, actions: Actions = ()) -> None:
        """Show a toast."""
        page = self.pages.currentWidget()
        foot = page.findChild(QWidget, "filmstripArea") if page is not None else None
        self.toast.show_message(words, actions, lift=foot.height() if foot is not None and foot.isVisible() else 0)

    def _on_news(self, news: Any) -> None:
        if news.kind in ("job", "queue"):
            self.job_strip.refresh()
            if self.queue.isVisible():
                self.queue.refresh()
        elif news.kind == "settings":
            page = self._pages_by_name.get("settings")
            if page is not None:
                page.follow()  # type: ignore[attr-defined]

    def _show_result(self, job: Any) -> None:
        """Show what a job of the queue made."""
        if isinstance(job.request, TrainRequest):
            self._show_training(job.request)
            return
        if isinstance(job.request, IoRequest):
            self.open(job.request.page)
            return
        works = job.future.result() if job.future.done() and job.future.exception() is None else []
        work = works[0] if works and isinstance(works[0], Asset) else None
        panel = self.panel(job.request.medium if work is None else home_medium(work))
        if panel is not None and work is not None:
            panel.show_work(work)
        self.queue.hide()

    def _on_theme_changed(self) -> None:
        icons.refresh(self)
        self._mark_theme()

    def _mark_theme(self) -> None:
        for name in ("light", "dark", "system"):
            self.menu_actions[name].setChecked(theme().choice == name)

    def _restore(self) -> None:
        frame = QSize(16, 40)  # about: how large the title bar and the edges are, is known only once they are shown
        self.resize(QSize(1280, 800).boundedTo(self.screen().availableSize() - frame))
        geometry = self._state.get("geometry")
        if isinstance(geometry, str):
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))
        page = self._state.get("page")
        if page not in self.names and not self._file.exists() and not self.studio.library.count():
            self.show_welcome()
        else:
            self.open(page if page in self.names else MEDIA[0].name)

    def state(self) -> dict[str, Any]:
        """The state that is restored at the next start."""
        before = self._state.get("pages")
        drafts = dict(before) if isinstance(before, dict) else {}
        drafts.update({name: page.state() for name, page in self._pages_by_name.items()})
        geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        return {"geometry": geometry, "page": self.page, "pages": drafts}

    def _save_state(self) -> None:
        """Save the state in the background if it has changed, so that a crash loses little."""
        state = self.state()
        if state != self._kept:
            self._kept = state
            file = self._file
            self._writer.run(lambda: window_state.save(file, state), lambda _: None)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab comes here from everywhere in the window."""
        moved = super().focusNextPrevChild(next)
        focused = self.focusWidget()
        if moved and focused is not None:
            show_whole(focused)
        return moved

    def closeEvent(self, event: QCloseEvent) -> None:
        self._save_timer.stop()
        self._preloader.stop()
        self._writer.close()
        window_state.save(self._file, self.state())
        for page in self._pages_by_name.values():
            page.close_down()
        self.work_actions.close()
        self.notifications.close()
        self.bridge.close()
        self.thumbnails.close()
        event.accept()


def step_focus(areas: Sequence[QWidget], by: int) -> None:
    """Move the focus to the next (+1) or previous (-1) visible area that accepts it."""
    focused = QApplication.focusWidget()
    here = next(
        (
            at
            for at, area in enumerate(areas)
            if focused is not None and (area is focused or area.isAncestorOf(focused))
        ),
        -1,
    )
    start = here if here >= 0 or by > 0 else 0
    for distance in range(1, len(areas) + 1):
        target = _first_focusable(areas[(start + by * distance) % len(areas)])
        if target is not None:
            target.setFocus(Qt.FocusReason.TabFocusReason)
            return


def _first_focusable(area: QWidget) -> QWidget | None:
    """The widget of an area that gets the focus: what is selected in it, else the first in tab order."""
    if not area.isVisible():
        return None
    found = [each for each in [area, *area.findChildren(QWidget)] if _takes(each)]
    return next((each for each in found if getattr(each, "isChecked", bool)()), found[0] if found else None)


def _takes(widget: QWidget) -> bool:
    return widget.isVisible() and widget.isEnabled() and bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
