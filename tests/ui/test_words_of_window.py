"""Other languages: no words that escape translation, nothing cut off by words that are longer or Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QMenu, QWidget
from qasync import QEventLoop

from studio.ui.widgets import Elided
from tests.ui.conftest import Desk

PANELS = ("avatar", "poster", "story", "music")
OPEN, SHUT = "⟦", "⟧"


class Pseudo(QTranslator):
    """Marks every text and makes it `longer` times as long, or says it in as many signs as Chinese needs."""

    def __init__(self, chinese: bool) -> None:
        super().__init__()
        self._chinese = chinese

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        if context != "studio" or not text:
            return ""
        if self._chinese:
            kept = "".join(re.findall(r"\{\w+\}|%n|&(?=\w)", text))
            return f"{OPEN}{kept}{'画' * max(2, round(len(text) * 0.4))}{SHUT}"
        return f"{OPEN}{text}{'é' * round(len(text) * 0.4)}{SHUT}"


@pytest.fixture(params=[False, True], ids=["longer", "chinese"])
def translator(loop: QEventLoop, request: pytest.FixtureRequest) -> Iterator[Pseudo]:
    """Installed before the window of the test is built."""
    made = Pseudo(request.param)
    QCoreApplication.installTranslator(made)
    yield made
    QCoreApplication.removeTranslator(made)


def words(root: QWidget) -> Iterator[tuple[QWidget, str]]:
    """What a person reads under `root`, without what is elided on purpose."""
    for kind in (QAbstractButton, QLabel):
        for widget in root.findChildren(kind):
            text = widget.text()  # type: ignore[attr-defined]
            if widget.isVisible() and text and not isinstance(widget, Elided):
                yield widget, text


def escaped(text: str) -> bool:
    """Whether letters stand outside the marks of translation."""
    outside = re.sub(f"{OPEN}.*?{SHUT}", "", text, flags=re.DOTALL)
    return bool(re.search(r"[A-Za-z]{2}", outside))


def test_longer_words_fit_and_none_escape_translation(translator: Pseudo, desk: Desk) -> None:
    desk.window.resize(1024, 640)
    assert escaped("Left") != escaped(f"{OPEN}Left{SHUT} 3")
    faults: list[str] = []
    for name in PANELS:
        panel = desk.panel(name)
        panel.form.unfold(True)
        desk.breathe(0.02)
        for widget, text in words(desk.window):
            room = widget.width() + 1
            wide = widget.minimumSizeHint().width() if isinstance(widget, QLabel) else widget.sizeHint().width()
            if wide > room:
                faults.append(f"{name}: “{text}” is {wide - room} px too wide")
            if isinstance(widget, QLabel) and widget.wordWrap() and widget.heightForWidth(room) > widget.height() + 1:
                faults.append(f"{name}: “{text}” needs {widget.heightForWidth(room) - widget.height()} px more height")
            if escaped(text):
                faults.append(f"{name}: “{text}” is not translated")
        assert panel.brief.width() + desk.window.rail.width() < 512, "the brief takes half of the window"
    assert not faults


def test_menus_and_choices_are_translated(translator: Pseudo, desk: Desk) -> None:
    desk.panel("poster")
    actions = [action.text() for menu in desk.window.menuBar().findChildren(QMenu) for action in menu.actions()]
    boxes = desk.panel("poster").findChildren(QComboBox)
    choices = [box.itemText(at) for box in boxes if box.objectName() != "model" for at in range(box.count())]
    assert len(actions) > 30
    assert [text for text in [*actions, *choices] if escaped(text)] == []
