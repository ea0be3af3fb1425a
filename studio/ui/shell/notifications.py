"""Desktop notifications when long jobs end, and keeping the machine awake while jobs run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from studio.jobs.job import Job
from studio.system.keep_awake import KeepAwake
from studio.ui.bridge import Bridge
from studio.ui.widgets.text import failure, job_title, request_name, tr

if TYPE_CHECKING:
    from studio.studio import Studio

LONG = 20.0  # seconds that a job took, from which on its end is worth a word to somebody who looks elsewhere
TOGETHER = 5.0  # seconds in which several ends are told as one

Tell = Callable[[str, str], object]


class Notifications(QObject):
    """`tell(title, words)` brings a notice to the desktop; it is asked only while the window is not in front."""

    def __init__(self, studio: Studio, bridge: Bridge, window: QWidget, tell: Tell | None = None) -> None:
        super().__init__(window)
        self._studio, self._window = studio, window
        self._desktop = DesktopNotifier(window)
        self._tell = self._desktop.show if tell is None else tell
        self._told = -TOGETHER
        self._ended: set[str] = set()
        self.awake = KeepAwake()
        bridge.news.connect(self._hear)
        self.update_keep_awake()

    def update_keep_awake(self) -> None:
        """Keep the machine awake while a job runs, or waits and is not held back."""
        jobs = self._studio.queue.jobs()
        busy = any(job.state == "running" for job in jobs)
        busy = busy or (not self._studio.queue.paused and any(job.state == "queued" for job in jobs))
        self.awake.set(busy)

    def close(self) -> None:
        self.awake.set(False)
        self._desktop.close()

    def _hear(self, news: Any) -> None:
        if news.kind == "queue":
            self.update_keep_awake()
        elif news.kind == "job" and news.job is not None:
            self._ends(news.job)

    def _ends(self, job: Job) -> None:
        if job.state not in ("done", "failed") or job.live or job.id in self._ended:
            return
        self._ended = {other.id for other in self._studio.queue.jobs() if other.state in ("done", "failed")}
        self._ended.add(job.id)
        group = self._studio.queue.group_of(job)
        if group is not None and not group.has_ended:
            return
        if (group or job).seconds < LONG or self._window.isActiveWindow():
            return
        now = time.monotonic()
        if now - self._told < TOGETHER:
            return
        self._told = now
        QApplication.alert(self._window)
        error = job.error
        if error is not None:
            self._tell(tr("{medium}: failed").format(medium=job_title(job)), failure(error)[0])
        else:
            self._tell(tr("{medium}: ready").format(medium=job_title(job)), request_name(job.request)[:120])


class DesktopNotifier:
    """The platform's notices: `notify-send` where there is one, else the notification area."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        self._sent: list[subprocess.Popen[bytes]] = []

    def show(self, heading: str, words: str) -> None:
        command = shutil.which("notify-send") if sys.platform.startswith("linux") else None
        if command is not None:
            self._sent = [child for child in self._sent if child.poll() is None]
            self._sent.append(
                subprocess.Popen(
                    [command, "--app-name=AIGC Studio", "--icon=aigc-studio", "--", heading, words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        elif QSystemTrayIcon.isSystemTrayAvailable():
            if self._tray is None:
                self._tray = QSystemTrayIcon(self._window.windowIcon(), self._window)
            self._tray.show()
            self._tray.showMessage(heading, words)

    def close(self) -> None:
        for child in self._sent:
            child.terminate()
            child.wait()
        if self._tray is not None:
            self._tray.hide()
