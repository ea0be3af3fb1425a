"""Pictures of every page of the real window, with works that the starters make, in both themes and at two sizes."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtWidgets import QApplication, QProgressBar

from studio.backends import MEDIA
from studio.errors import StudioError
from studio.library.library import LibraryQuery
from studio.studio import Studio
from studio.system.paths import AppPaths
from studio.ui.app import application, event_loop
from studio.ui.panel.panel import Panel
from studio.ui.shell.window import MainWindow
from studio.ui.widgets.theme import Scheme, theme

SIZES = ((1280, 800), (1024, 640))
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SEED = 7  # of the works in the pictures: the same pictures on every machine of a kind
ROUNDS = 3  # example briefs made per medium
SECTIONS = ("diagnostics", "about")  # beside the settings
LOOK = 120.0  # seconds that a page may be busy
PATIENCE = 900.0  # seconds that one brief may take


class ScreenshotSession:
    """A window with works in it, and the camera."""

    def __init__(self, studio: Studio, out: Path) -> None:
        self.studio, self.out = studio, out
        self.window = MainWindow(studio)
        self.window.show()

    async def fill(self) -> None:
        """Make the example briefs of every medium that has no works yet, and leave candidates on the first stage."""
        for medium in MEDIA:
            panel = self.window.panel(medium.name)
            if panel is None or self.studio.library.count(LibraryQuery(medium=medium.name)):
                continue
            for at in range(ROUNDS):
                if panel.form.seed is not None:
                    panel.form.seed.set_value(SEED + 100 * at)
                    panel.form.seed.lock.setChecked(True)
                panel.try_example()
                await self._ended()
        panel = self.window.panel(MEDIA[0].name)
        if panel is not None and not panel.stage_area.candidates.count and panel.form.seed is not None:
            panel.form.seed.set_value(SEED)
            panel.form.seed.lock.setChecked(True)
            panel.try_example()
            await self._ended()
        self.window.open(MEDIA[0].name)
        if panel is not None and self.window.can("faces"):  # to choose from, rather than the last one large
            self.window.run_command("faces")
            grid, deadline = panel.stage_area.candidates, time.monotonic() + LOOK
            while not 0 < grid.count == grid.done and time.monotonic() < deadline:
                await asyncio.sleep(0.1)

    async def take_all(self) -> list[Path]:
        """Every page in every theme and size; returns the files."""
        taken: list[Path] = []
        for scheme in SCHEMES:
            theme().choose(scheme)
            for wide, high in SIZES:
                self.window.resize(wide, high)
                for page in self.window.names:
                    self.window.open(page)
                    await self._arrange(page)
                    taken.append(self._shot(f"{page}-{scheme}-{wide}x{high}"))
                for section in SECTIONS:
                    self.window.run_command(section)
                    await self._looked()
                    taken.append(self._shot(f"{section}-{scheme}-{wide}x{high}"))
                self.window.show_welcome()
                await asyncio.sleep(0.4)
                taken.append(self._shot(f"welcome-{scheme}-{wide}x{high}"))
                self.window.open(MEDIA[0].name)
                self.window.queue.toggle()
                await asyncio.sleep(0.2)
                taken.append(self._shot(f"queue-{scheme}-{wide}x{high}"))
                self.window.queue.hide()
        return taken

    async def _arrange(self, page: str) -> None:
        """Put on the page what shows what it is for, and wait until it is drawn."""
        shown = self.window.pages.currentWidget()
        if page == "library":
            self.window.run_command("find")
            shown.grid.setCurrentIndex(shown.grid.model().index(0, 0))  # type: ignore[union-attr]
            shown.grid.setFocus()  # type: ignore[union-attr]
        elif isinstance(shown, Panel) and shown.stage_area.candidates.count:
            shown.stage_area.back_to_candidates()
        await asyncio.sleep(0.4)

    async def _looked(self) -> None:
        """Wait until nothing on the page is busy any more."""
        deadline = time.monotonic() + LOOK
        busy = [bar for bar in self.window.pages.findChildren(QProgressBar) if not bar.maximum()]
        while any(bar.isVisible() for bar in busy) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.4)

    def _shot(self, name: str) -> Path:
        path = self.out / f"{name}.png"
        if not self.window.grab().save(str(path), "PNG"):
            raise StudioError("{path} cannot be written.", "Choose a folder you may write to.", path=path)
        return path

    async def _ended(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while any(job.state in ("queued", "running") for job in self.studio.queue.jobs()):
            if time.monotonic() > deadline:
                raise StudioError("The examples took too long.", "Try again while the machine is idle.")
            await asyncio.sleep(0.05)
        failed = next((job for job in self.studio.queue.jobs() if job.error is not None), None)
        if failed is not None and isinstance(failed.error, BaseException):
            raise failed.error
        await asyncio.sleep(0.2)


def run(out: Path, home: Path | None) -> None:
    """Write the pictures to `out`, a folder that exists, of the studio kept in `home` or else of one made for this."""
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY") and sys.platform.startswith("linux"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(AppPaths.under((home or Path(folder)).resolve()), persist_queue=False)
        app = application([], studio)
        QApplication.setQuitOnLastWindowClosed(False)
        loop = event_loop(app)
        shoot = ScreenshotSession(studio, out)
        try:
            loop.run_until_complete(shoot.fill())
            for path in loop.run_until_complete(shoot.take_all()):
                sys.stdout.write(f"{path}\n")
        finally:
            shoot.window.close()
            loop.run_until_complete(asyncio.sleep(0.05))
            studio.close()
            loop.close()
