"""The stage for texts by itself: a text that streams, and a line that is comfortable to read."""

from __future__ import annotations

import numpy as np

from studio.media import Text
from studio.ui.stages.text import TextStage
from tests.ui.conftest import Desk


def test_a_text_streams_without_being_set_again(desk: Desk) -> None:
    stage = TextStage()
    stage.resize(900, 600)
    stage.show()
    whole = "# The Fox\n\nOnce there was a fox.\n\nIt ran <b>away</b> & came # back."
    first = None
    for end in range(1, len(whole) + 1):
        stage.preview(Text(whole[:end]))
        if end == 20:
            first = stage.page.document().firstBlock()
    assert stage.page.toPlainText() == "The Fox\n\nOnce there was a fox.\n\nIt ran <b>away</b> & came # back."
    assert stage.page.document().firstBlock() == first
    stage.copy()
    stage.preview(Text("Another"))
    assert stage.page.toPlainText() == "Another"
    stage.deleteLater()


def test_a_line_is_comfortable_to_read(desk: Desk) -> None:
    stage = TextStage()
    stage.resize(1400, 700)
    stage.show()
    stage.preview(Text("It was a bright cold day in the village and the clocks were all a little late. " * 9))
    desk.breathe(0.02)
    layout = stage.page.document().firstBlock().layout()
    lengths = [layout.lineAt(at).textLength() for at in range(layout.lineCount() - 1)]
    assert 60 <= np.mean(lengths) <= 80
    stage.deleteLater()
