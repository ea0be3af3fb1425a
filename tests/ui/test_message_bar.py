"""The bar of a message: in a narrow place with large text all of its words are there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from studio.ui.widgets.layout import column, scrolling
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Room

WORDS = (
    "model-Q4_K_M-00001-of-00004-with-a-long-name.gguf could not be fetched from huggingface.co:443: the connection "
    "broke off."
)
HINT = "What has come is kept: fetch it again later, and it goes on from there."
WIDTH = 288  # of the models page's card, beside its scroll bar


@pytest.fixture
def bar(room: Room) -> Iterator[MessageBar]:
    """A bar as a card has it: among other things, above a space that takes what is left."""
    made = MessageBar("toy")
    inside = QWidget()
    inside.setMinimumWidth(1)
    column(inside, QLabel("Above"), made, spacing=12, margins=(16, 16, 16, 16)).addStretch(1)
    area = scrolling(inside)
    area.resize(WIDTH, 640)
    yield made
    area.close()
    area.deleteLater()


@pytest.mark.parametrize("size", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("words", [WORDS, f"{'x' * 90} is too long."])
def test_no_line_is_cut_off(bar: MessageBar, room: Room, size: float, words: str) -> None:
    theme().set_text_size(size)
    try:
        acts = [("Retry", "toyRetry", lambda: None), ("Cancel", "toyCancel", lambda: None)]
        bar.show_message(words, HINT, kind="error", actions=acts, closable=False)
        bar.window().show()
        room.settle()
        titles = [each for each in bar.findChildren(QLabel) if each.text() in (words, HINT)]
        assert len(titles) == 2
        for each in titles:
            assert each.height() >= each.heightForWidth(each.width())
            wide = each.minimumSizeHint().width() > each.width()
            assert (each.toolTip() == each.text()) is wide, "what is too wide is read in the tool tip"
        assert bar.width() <= WIDTH
        buttons = [each for each in bar.findChildren(QPushButton) if each.isVisible()]
        assert len(buttons) == 2
        assert all(bar.rect().contains(each.geometry()) for each in buttons)
    finally:
        theme().set_text_size(1.0)
