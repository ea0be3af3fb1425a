"""The program around the window: it ends when its window closes, there is one of it, and it can picture itself."""

from __future__ import annotations

import ctypes
import gc
import linecache
import sys
import threading
import weakref
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from studio.__main__ import main
from studio.backends import medium
from studio.support import diagnostics
from studio.ui import screenshots
from studio.ui.app import GarbageCollector, run
from studio.ui.shell import single_instance
from studio.ui.shell.window import MainWindow
from tests.fakes import SLOW
from tests.studios import fake_studio
from tests.ui.conftest import Desk, Room
from tests.ui.test_panels import keep_seed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Qt needs these of the system on Linux only")
def test_a_library_that_qt_lacks_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def load(_path: str) -> None:
        raise OSError("libxcb-icccm.so.4: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    assert main([]) == 3
    said = capsys.readouterr().err
    assert "libxcb-icccm.so.4" in said
    assert "doctor" in said


def windows() -> list[MainWindow]:
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow) and each.isVisible()]


def test_garbage_is_collected_in_the_windows_thread_only(room: Room) -> None:
    """Python collects in any thread that allocates, and would destroy widgets there."""
    threads: list[threading.Thread] = []
    collector = GarbageCollector()

    def allocate() -> None:
        for _ in range(20):
            held: list[object] = [[number] for number in range(1000)]
            held.append(held)

    try:
        lost = QObject()
        weakref.finalize(lost, lambda: threads.append(threading.current_thread()))
        lost.itself = lost  # type: ignore[attr-defined] - a cycle
        del lost
        thread = threading.Thread(target=allocate)
        thread.start()
        thread.join()
        assert not threads
        room.until(lambda: threads)
        assert threads == [threading.main_thread()]
    finally:
        collector.close()
    assert gc.isenabled()


def test_the_source_of_what_is_imported_is_not_kept(room: Room) -> None:
    """PySide reads the source of each module that is imported after it."""
    collector = GarbageCollector()
    try:
        assert linecache.getlines(__file__)
        room.until(lambda: __file__ not in linecache.cache)
    finally:
        collector.close()


def test_it_runs_until_its_window_closes(home: Path, loop: QEventLoop) -> None:
    QApplication.setQuitOnLastWindowClosed(True)
    studio = fake_studio(home)
    hooks = sys.excepthook
    seen: list[str] = []

    def use() -> None:
        window = windows()[0]
        panel = window.panel("poster")
        assert panel is not None
        panel.form.set_value(panel.form.value().replace(seed=SLOW))
        panel.generate.click()
        seen.append(window.page)

    def watch() -> None:
        """Use the window once it is there, and close it once the job is at work."""
        if not seen:
            if windows():
                use()
        elif any(job.state == "running" for job in studio.queue.jobs()):
            clock.stop()
            windows()[0].close()

    clock = QTimer()
    clock.timeout.connect(watch)
    clock.start(10)
    assert run(studio, ["studio"]) == 0
    assert seen == ["poster"]
    assert not windows()
    assert sys.excepthook is hooks
    assert (home / "state" / "window.json").is_file()


def test_a_job_of_the_last_session_is_shown_when_it_ends(home: Path, loop: QEventLoop) -> None:
    """It is awaited while the window is made, before the loop runs."""
    QApplication.setQuitOnLastWindowClosed(True)
    (home / "state").mkdir(parents=True)
    (home / "state" / "window.json").write_text('{"page": "poster"}', encoding="utf-8")
    studio = fake_studio(home)
    studio.queue.pause(True)
    studio.submit(medium("poster").default_task.request(seed=4))
    shown: list[str | None] = []

    def begin() -> None:
        studio.queue.pause(False)
        look(100)

    def look(left: int) -> None:
        panel = windows()[0].panel("poster")
        assert panel is not None
        if left and panel.asset is None:
            QTimer.singleShot(50, lambda: look(left - 1))
        else:
            shown.append(panel.asset and panel.asset.medium)
            windows()[0].close()

    QTimer.singleShot(0, begin)
    assert run(studio, ["studio"]) == 0
    assert shown == ["poster"]


def test_a_second_start_raises_the_first_window(desk: Desk) -> None:
    name = single_instance.server_name(desk.studio.paths.state)
    assert not single_instance.raise_other(name)
    answer = single_instance.InstanceServer(name, desk.window)
    answer.raise_requested.connect(desk.window.raise_window)
    desk.window.showMinimized()
    assert single_instance.raise_other(name)
    desk.until(lambda: not desk.window.isMinimized())
    answer.close()
    assert not single_instance.raise_other(name)


def test_windows_of_other_folders_do_not_answer(tmp_path: Path) -> None:
    assert single_instance.server_name(tmp_path / "a") != single_instance.server_name(tmp_path / "b")


def test_it_pictures_every_page(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "SIZES", ((1024, 640),))
    monkeypatch.setattr(screenshots, "SCHEMES", ("dark",))
    monkeypatch.setattr(screenshots, "ROUNDS", 1)
    monkeypatch.setattr(diagnostics, "examine", lambda _places, _catalog: [])
    keep_seed(desk, "avatar", 1)
    shoot = screenshots.ScreenshotSession(desk.studio, tmp_path)
    desk.loop.run_until_complete(shoot.fill())
    taken = desk.loop.run_until_complete(shoot.take_all())
    assert [path.stem.split("-")[0] for path in taken] == [
        *shoot.window.names,
        *screenshots.SECTIONS,
        "welcome",
        "queue",
    ]
    for path in taken:
        assert QImage(str(path)).width() == 1024
    desk.act("system")
    shoot.window.close()
    shoot.window.deleteLater()
