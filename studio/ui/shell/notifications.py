"""Desktop notifications when long jobs end, and keeping the machine awake while jobs run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from studio.jobs.job import Job
from studio.studio import Studio
from studio.system.keep_awake import KeepAwake
from studio.ui.bridge import Bridge
from studio.ui.widgets.text import failure, job_title, request_name, tr

LONG = 20.0  # seconds; the end of shorter jobs is not announced
TOGETHER = 5.0  # seconds after a notification in which no other is shown

Notify = Callable[[str, str], object]


class Notifications(QObject):
    """`notify(title, words)` shows a desktop notification; called only while the window is not in front."""

    def __init__(self, studio: Studio, bridge: Bridge, window: QWidget, notify: Notify | None = None) -> None:
        super().__init__(window)
        self._studio, self._window = studio, window
        self._desktop = DesktopNotifier(window)
        self._notify = self._desktop.show if notify is None else notify
        self._shown_at = -TOGETHER
        self._ended: set[str] = set()
        self.awake = KeepAwake()
        bridge.news.connect(self._on_news)
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

    def _on_news(self, news: Any) -> None:
        if news.kind == "queue":
            self.update_keep_awake()
        elif news.kind == "job" and news.job is not None:
            self._on_job(news.job)

    def _on_job(self, job: Job) -> None:
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
        if now - self._shown_at < TOGETHER:
            return
        self._shown_at = now
        QApplication.alert(self._window)
        error = job.error
        if error is not None:
            self._notify(tr("{medium}: failed").format(medium=job_title(job)), failure(error)[0])
        else:
            self._notify(tr("{medium}: ready").format(medium=job_title(job)), request_name(job.request)[:120])


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
