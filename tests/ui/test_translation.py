"""Other languages: no words that escape translation, nothing cut off by words that are longer or Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator
from PySide6.QtWidgets import QComboBox, QMenu, QWidget
from qasync import QEventLoop

from studio.backends.poster.requests import PosterRequest
from studio.errors import BadInput, Flaw, Message, counted
from studio.ui.panel.panel import Panel
from studio.ui.widgets.text import failure
from studio.ui.widgets.text import worded as message_text
from tests.ui.avatar_actions import inside
from tests.ui.conftest import Desk
from tests.ui.window_tour import clipped, fill, outside, overlapping, places, worded

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
    marked = re.compile(f"{OPEN}[^{OPEN}{SHUT}]*{SHUT}")
    while marked.search(text):  # the innermost first: a message may stand in another one
        text = marked.sub("", text)
    return bool(re.search(r"[A-Za-z]{2}", NAMES.sub("", text)))


def credit(widget: QWidget) -> bool:
    """Whether it names a library or its licence, which are called the same everywhere."""
    return widget.parent().objectName() == "libraries"


def test_longer_words_fit_everywhere_and_none_escape_translation(translator: Pseudo, desk: Desk) -> None:
    assert escaped("Left") != escaped(f"{OPEN}Left{SHUT} 3")
    assert escaped(f"{OPEN}In {OPEN}it{SHUT}") != escaped(f"{OPEN}In {OPEN}it{SHUT} too{SHUT}")
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


def marked(text: str) -> bool:
    """Whether the whole `text` is a translation."""
    return text.startswith(OPEN) and text.endswith(SHUT)


def test_an_error_with_parameters_is_translated_in_bar_and_toast(translator: Pseudo, desk: Desk) -> None:
    reason = Flaw("it ends after {count:,} bytes", count=1200)
    error = BadInput("{name} is damaged: {reason}.", "Copy {name} again.", name="scan.png", reason=reason)
    message, hint = failure(error)
    for said in (message, hint):
        assert marked(said)
        assert "scan.png" in said
    assert message.count(OPEN) == 2, "what is wrong with the file is translated too"
    assert "1,200" in message
    panel = desk.panel("poster")
    inside(desk, panel.show_error, error)
    assert message in panel.error.message()
    desk.window.notify(message, ())
    assert message in desk.window.toast.message()


class Plural(QTranslator):
    """A language with three forms, as Polish has."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        if text != "{n} works of {folder}":
            return None  # type: ignore[return-value]
        return {1: "jedna: {folder}", 2: "{n} prace: {folder}"}.get(n, "{n} prac: {folder}")


def test_a_count_in_a_message_chooses_the_form_of_the_language(loop: QEventLoop) -> None:
    def said(n: int) -> str:
        return message_text(counted(n, "1 work of {folder}", "{n} works of {folder}", folder="a"))

    assert [said(n) for n in (1, 2)] == ["1 work of a", "2 works of a"]
    polish = Plural()
    QCoreApplication.installTranslator(polish)
    assert [said(n) for n in (1, 2, 5)] == ["jedna: a", "2 prace: a", "5 prac: a"]
    QCoreApplication.removeTranslator(polish)


def test_numbers_in_a_message_are_written_as_the_locale_does(loop: QEventLoop) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German))
    try:
        said = message_text(Message("{size:,} of {room:.1f} GB", size=12345, room=2.5))
    finally:
        QLocale.setDefault(before)
    assert said == "12.345 of 2,5 GB"


def test_braces_of_a_translation_that_fit_nothing_leave_the_english(loop: QEventLoop) -> None:
    class Torn(Plural):
        def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
            return "{nothing} {"

    torn = Torn()
    QCoreApplication.installTranslator(torn)
    assert message_text(Message("{name} is gone.", name="a")) == "a is gone."
    QCoreApplication.removeTranslator(torn)
