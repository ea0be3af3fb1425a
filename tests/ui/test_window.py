"""The whole window: what comes back at the next start, closing in mid-job, offers, the queue, keyboard and names."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QSlider,
    QWidget,
)
from qasync import QEventLoop

from studio.studio import News
from studio.ui import commands
from studio.ui.bridge import Bridge
from studio.ui.shell import resume_bar
from studio.ui.shell.window import MainWindow
from tests.fakes import BAD_INPUT, SLOW
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed


def test_everything_comes_back_at_the_next_start(desk: Desk, loop: QEventLoop) -> None:
    panel = desk.panel("story")
    panel.form.set_value(panel.form.value().replace(prompt="Once 从前", tokens=100))
    panel.form.show_advanced(True)
    panel.count.setCurrentIndex(2)
    desk.window.resize(880, 600)  # the screen of these tests is no wider
    brief = panel.form.value()
    desk.act("dark")
    desk.close()
    again = Desk(desk.home, loop)
    try:
        assert again.window.page == "story"
        back = again.panel("story")
        assert back.form.value() == brief
        assert back.form.advanced_shown
        assert back.count.currentData() == 3
        assert (again.window.width(), again.window.height()) == (880, 600)
        assert again.studio.settings.theme == "dark"
    finally:
        again.act("system")
        again.close()


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[1]", b'{"page": 3, "pages": {"avatar": {"request": 5}}}', b"\xff\xfe"]
)
def test_a_damaged_memory_costs_only_itself(home: Path, loop: QEventLoop, damage: bytes) -> None:
    state = home / "state"
    state.mkdir(parents=True)
    (state / "window.json").write_bytes(damage)
    desk = Desk(home, loop)
    assert desk.window.page == "avatar"
    desk.close()
    assert json.loads((state / "window.json").read_text("utf-8"))["page"] == "avatar"


def test_closing_in_mid_job_leaves_nothing_behind(desk: Desk, loop: QEventLoop) -> None:
    keep_seed(desk, "poster", SLOW)
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    keep_seed(desk, "poster", 6)
    desk.click("generate")
    desk.close()
    again = Desk(desk.home, loop)
    try:
        # What waited waits again and is made; what ran is offered.
        assert [entry.request.seed for entry in again.studio.queue.interrupted] == [SLOW]
        bar = again.window.resume_bar.bar
        assert bar.isVisible()
        assert bar.message().startswith("The studio closed while generating an item.")
        panel = again.panel("poster")
        again.until(lambda: panel.asset is not None and panel.asset.request["seed"] == 6)
        again.click("offerResume")
        again.until(
            lambda: any(job.request.seed == SLOW and job.state == "running" for job in again.studio.queue.jobs())
        )
        assert not again.studio.queue.interrupted
        assert not bar.isVisible()
    finally:
        again.close()


def test_an_offer_can_be_dismissed_for_good(desk: Desk, loop: QEventLoop) -> None:
    keep_seed(desk, "story", SLOW)
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    desk.close()
    second = Desk(desk.home, loop)
    second.click("offerClose")
    assert not second.studio.queue.jobs()
    second.close()
    third = Desk(desk.home, loop)
    assert not third.studio.queue.interrupted
    assert not third.window.resume_bar.bar.isVisible()
    third.close()


def test_the_queue_is_reordered_cancelled_paused_and_tried_again(desk: Desk) -> None:
    desk.click("stripQueue")
    desk.click("queuePause")
    assert desk.studio.queue.paused
    desk.window.queue.hide()
    for seed in (1, 2, BAD_INPUT):
        keep_seed(desk, "poster", seed)
        desk.click("generate")
    queue = desk.window.queue
    desk.click("stripQueue")
    desk.until(lambda: len(queue.rows()) == 3)
    queue.rows()[1].up.click()
    desk.until(lambda: [row.job.request.seed for row in queue.rows()] == [2, 1, BAD_INPUT])
    queue.rows()[0].cancel.click()
    desk.until(lambda: queue.rows()[-1].state.full_text() == "Cancelled")
    desk.click("queuePause")
    desk.idle()
    desk.until(lambda: {row.job.state for row in queue.rows()} == {"done", "failed", "cancelled"})
    failed = next(row for row in queue.rows() if row.job.state == "failed")
    assert failed.why.text() == "The moon cannot be painted. Ask for the sun."
    done = next(row for row in queue.rows() if row.job.state == "done")
    done.show_it.click()
    assert not queue.isVisible()
    panel = desk.panel("poster")
    assert panel.asset is not None
    assert panel.asset.request["seed"] == 1


def test_the_strip_says_what_runs(desk: Desk) -> None:
    strip = desk.window.job_strip
    assert strip.words.full_text() == "Ready"
    keep_seed(desk, "music", SLOW)
    desk.click("generate")
    desk.until(lambda: strip.words.full_text() == "Music · making 24 of 24")
    assert strip.bar.isVisible()
    assert strip.bar.value() == 24
    desk.click("stripCancel")
    desk.until(lambda: strip.words.full_text() == "Ready")


def test_keys_alone_make_a_story(desk: Desk) -> None:
    window = desk.window
    QTest.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert window.page == "story"
    for _ in range(4):
        focused = QApplication.focusWidget()
        if isinstance(focused, QPlainTextEdit):
            break
        QTest.keyClick(focused or window, Qt.Key.Key_Tab)
    focused = QApplication.focusWidget()
    assert isinstance(focused, QPlainTextEdit)
    QTest.keyClicks(focused, "A fox")

    def press() -> bool:
        QTest.keyClick(focused, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        return True

    desk.until(press)
    desk.until(lambda: desk.panel("story").asset is not None)
    asset = desk.panel("story").asset
    assert asset is not None
    assert asset.request["prompt"] == "A fox"


def test_every_control_has_a_name_for_screen_readers(desk: Desk) -> None:
    nameless = []
    for name in ("avatar", "poster", "story", "music", "library", "settings"):
        page = desk.window.open(name)
        kinds = (QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QAbstractSpinBox, QSlider)
        for kind in kinds:
            for control in page.findChildren(kind):
                inner = isinstance(control.parent(), QAbstractSpinBox | QComboBox | QLineEdit)
                inner = inner or control.objectName().startswith("qt_")
                if not inner and not control.accessibleName():
                    nameless.append(f"{name}: {type(control).__name__} {control.objectName()}")
    assert not nameless


def test_shortcuts_are_told_apart() -> None:
    keys = [each.keys for each in commands.table() if each.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("size", [(1024, 640), (1280, 800)])
def test_nothing_is_cut_off(desk: Desk, size: tuple[int, int]) -> None:
    desk.window.resize(*size)
    for name in ("avatar", "poster", "story", "music", "library", "settings"):
        page = desk.window.open(name)
        desk.settle()
        for button in page.findChildren(QAbstractButton):
            if button.isVisible() and button.text() and button.sizeHint().width() > button.width() + 1:
                pytest.fail(f"{name}: “{button.text()}” is {button.sizeHint().width() - button.width()} px too wide")
        assert page.width() + desk.window.findChild(QWidget, "rail").width() == size[0]


def test_pages_come_and_go_without_growing(desk: Desk) -> None:
    for name in ("avatar", "poster", "story", "music", "library", "settings"):
        desk.window.open(name)

    def turn() -> int:
        for name in ("avatar", "library", "poster", "settings", "story", "music"):
            desk.window.open(name)
        keep_seed(desk, "poster", 3)
        desk.panel("poster")
        desk.click("generate")
        desk.idle()
        gc.collect()
        return len(desk.window.findChildren(QObject))

    turn()
    before = turn()
    for _ in range(3):
        after = turn()
    assert after <= before


def test_news_cross_threads_once_per_frame(desk: Desk) -> None:
    bridge = Bridge(desk.studio)
    heard: list[tuple[str, bool]] = []
    bridge.news.connect(lambda news: heard.append((news.kind, threading.current_thread() is threading.main_thread())))

    def tell() -> None:
        for _ in range(500):
            bridge._receive(News("library"))

    threads = [threading.Thread(target=tell) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.until(lambda: heard)
    desk.settle()
    assert set(heard) == {("library", True)}
    assert len(heard) <= 3
    bridge.close()
    bridge._receive(News("library"))
    desk.settle()
    assert len(heard) <= 3


def test_an_unexpected_error_gets_one_dialog(desk: Desk, loop: QEventLoop) -> None:
    from studio.ui.app import ErrorReporter

    surface = ErrorReporter()
    surface.set_window(desk.window)
    for words in ("first", "second"):
        surface.report(ValueError(words))
    desk.settle()
    boxes = desk.window.findChildren(QWidget, "unexpected")
    assert len(boxes) == 1
    told = boxes[0].findChild(QWidget, "unexpectedReport").toPlainText()  # type: ignore[union-attr]
    assert "ValueError: first" in told
    assert "ValueError: second" in told
    boxes[0].close()
    desk.settle()
    assert not [box for box in desk.window.findChildren(QWidget, "unexpected") if box.isVisible()]


def test_the_window_brings_no_torch_along(home: Path) -> None:
    code = (
        "import sys\n"
        "import studio.ui.app, studio.ui.shell.window, studio.ui.library.page, studio.ui.pages.settings_page\n"
        "import studio.studio\n"
        "import studio.ui.stages.image, studio.ui.stages.text, studio.ui.stages.audio\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'sounddevice', 'PIL'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("page", ["", "poster", "story"])
def test_the_first_window_loads_no_more_than_it_shows(home: Path, page: str) -> None:
    """What only pictures, sounds, imports and jobs need is imported when there are some."""
    later = ("numpy", "PIL", "soundfile", "psutil", "statistics", "urllib.request", "studio.checkpoints")
    if page:
        (home / "state").mkdir(parents=True)
        (home / "state" / "window.json").write_text(json.dumps({"page": page}), encoding="utf-8")
    code = (
        "import sys\n"
        "from studio.studio import Studio\n"
        "from studio.system.paths import AppPaths\n"
        "from studio.ui.app import application, event_loop\n"
        "studio = Studio(AppPaths.for_user())\n"
        "loop = event_loop(application(['studio'], studio))\n"
        "from studio.ui.shell.window import MainWindow\n"
        "window = MainWindow(studio)\n"
        "window.show()\n"
        "window.grab()\n"
        f"loaded = set(sys.modules) & set({later})\n"
        "from studio.models.sources.offers import offers\n"
        "print(window.page, *sorted(loaded), *(['catalogue'] if offers.cache_info().misses else []))\n"
        "window.close()\n"
        "studio.close()\n"
        "loop.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == page, done.stderr


def test_closing_twice_is_closing_once(desk: Desk) -> None:
    assert isinstance(desk.window, MainWindow)
    desk.window.close()
    desk.window.close()


def test_a_paused_queue_says_at_the_next_start_why_nothing_runs(desk: Desk, loop: QEventLoop) -> None:
    desk.act("pause")
    said = "The queue is paused"
    desk.until(lambda: desk.window.job_strip.words.full_text() == said)
    keep_seed(desk, "poster", 6)
    desk.click("generate")
    desk.close()
    again = Desk(desk.home, loop)
    try:
        assert again.window.job_strip.words.full_text() == "The queue is paused: 1 item is waiting"
        again.click("stripResume")
        again.idle()
        assert again.studio.library.count() == 1
        assert again.window.job_strip.words.full_text() == "Ready"
        assert not again.window.job_strip.resume.isVisible()
    finally:
        again.close()


@pytest.mark.parametrize(
    ("running", "waiting", "mixed", "said"),
    [
        (1, 0, False, "The studio closed while generating an item."),
        (2, 0, False, "The studio closed while generating 2 items."),
        (0, 1, False, "A waiting item could not be started."),
        (1, 3, False, "The studio closed while generating an item. 3 waiting items could not be started."),
        (2, 0, True, "The studio closed before 2 tasks were done."),
    ],
)
def test_the_offer_tells_what_ran_from_what_waited(running: int, waiting: int, mixed: bool, said: str) -> None:
    assert resume_bar._words(running, waiting, mixed=mixed) == said
