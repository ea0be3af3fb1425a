"""Other languages: no words that escape translation, nothing cut off by words that are longer or Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QComboBox, QMenu, QWidget
from qasync import QEventLoop

from studio.backends.poster.requests import PosterRequest
from studio.ui.panel.panel import Panel
from tests.ui.conftest import Desk
from tests.ui.tour import clipped, fill, outside, overlapping, places, worded

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
            return None  # type: ignore[return-value]  # Qt's own words stay as they are
        if self._chinese:
            kept = "".join(re.findall(r"\{\w+[^{}]*\}|%n|&(?=\w)", text))
            return f"{OPEN}{kept}{'画' * max(2, round(len(text) * 0.4))}{SHUT}"
        return f"{OPEN}{text}{'é' * round(len(text) * 0.4)}{SHUT}"


@pytest.fixture(params=[False, True], ids=["longer", "chinese"])
def translator(loop: QEventLoop, request: pytest.FixtureRequest) -> Iterator[Pseudo]:
    """Installed before the window of the test is built."""
    made = Pseudo(request.param)
    QCoreApplication.installTranslator(made)
    yield made
    QCoreApplication.removeTranslator(made)


# Names of things, which are called the same in every language, what the system's own locale says, and what a person
# wrote: the details of a work show its prompt.
NAMES = re.compile(
    re.escape(PosterRequest().prompt)
    + r"|Fake \w+|fake|Apache 2.0|AIGC Studio|\w*Error: .*|\bbytes\b|torch|Traceback|^Esc$|(Ctrl|Alt|Shift)\+.*"
)


def escaped(text: str) -> bool:
    """Whether letters stand outside the marks of translation, beside names."""
    outside = NAMES.sub("", re.sub(f"{OPEN}.*?{SHUT}", "", text, flags=re.DOTALL))
    return bool(re.search(r"[A-Za-z]{2}", outside))


def credit(widget: QWidget) -> bool:
    """Whether it names a library or its licence, which are called the same everywhere."""
    return widget.parent().objectName() == "libraries"


def test_longer_words_fit_everywhere_and_none_escape_translation(translator: Pseudo, desk: Desk) -> None:
    assert escaped("Left") != escaped(f"{OPEN}Left{SHUT} 3")
    fill(desk)
    desk.window.resize(1024, 640)
    faults: list[str] = []
    for name, shown in places(desk):
        for look in (clipped, outside, overlapping):
            faults += [f"{name}: {fault}" for fault in look(shown)]
        faults += [
            f"{name}: “{text}” is not translated"
            for widget, text in worded(shown)
            if not credit(widget) and escaped(text)
        ]
        page = desk.window.pages.currentWidget()
        if isinstance(page, Panel):
            assert page.brief.width() + desk.window.sidebar.width() < 512, "the brief takes half of the window"
    assert not faults, "\n".join(dict.fromkeys(faults))


def test_menus_and_choices_are_translated(translator: Pseudo, desk: Desk) -> None:
    desk.panel("poster")
    actions = [action.text() for menu in desk.window.menuBar().findChildren(QMenu) for action in menu.actions()]
    boxes = desk.panel("poster").findChildren(QComboBox)
    choices = [box.itemText(at) for box in boxes if box.objectName() != "model" for at in range(box.count())]
    assert len(actions) > 30
    assert [text for text in [*actions, *choices] if escaped(text)] == []
