"""Sizes by name in the form of pictures: one step each, the person's own size kept, width and height swapped."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from qasync import QEventLoop

from studio.ui.forms.size_presets import SizePresets
from tests.ui.conftest import Desk


def presets(desk: Desk) -> SizePresets:
    found = desk.panel("poster").form.sizes
    assert found is not None
    return found


def size(desk: Desk) -> tuple[int, int]:
    request = desk.panel("poster").form.value().to_json()
    return request["width"], request["height"]


def take(desk: Desk, words: str) -> None:
    """Choose an entry as a person does."""
    box = presets(desk).box
    at = next(at for at in range(box.count()) if box.itemText(at).startswith(words))
    box.setCurrentIndex(at)
    box.activated.emit(at)


def entries(desk: Desk) -> list[str]:
    box = presets(desk).box
    return [box.itemText(at) for at in range(box.count()) if box.itemText(at)]


def test_a_size_by_name_is_one_step(desk: Desk) -> None:
    desk.panel("poster")
    assert presets(desk).box.currentText() == "Default, 512 x 768"
    take(desk, "Stories 9:16")
    assert size(desk) == (1080, 1920)
    desk.act("undo")
    assert size(desk) == (512, 768)
    assert presets(desk).box.currentText() == "Default, 512 x 768"


def test_a_typed_size_is_kept_as_ones_own(desk: Desk, loop: QEventLoop) -> None:
    panel = desk.panel("poster")
    assert not [words for words in entries(desk) if words.startswith("Your size")]
    panel.form.set_value(panel.form.value().replace(width=700, height=900))
    assert presets(desk).box.currentText() == "Your size, 700 x 900"
    take(desk, "Square")
    desk.close()
    again = Desk(desk.home, loop)
    try:
        again.panel("poster")
        assert size(again) == (1024, 1024)
        take(again, "Your size")
        assert size(again) == (700, 900)
    finally:
        again.close()


def test_width_and_height_are_swapped(desk: Desk) -> None:
    desk.panel("poster")
    take(desk, "Wide 16:9")
    desk.click("sizeSwap")
    assert size(desk) == (1080, 1920)
    assert presets(desk).box.currentText() == "Stories 9:16, 1080 x 1920"


def test_the_keyboard_chooses(desk: Desk) -> None:
    desk.panel("poster")
    box = presets(desk).box
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert size(desk) == (1024, 1024)
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert size(desk) == (1024, 1536)
    QTest.keyClick(presets(desk).swap, Qt.Key.Key_Space)
    assert size(desk) == (1536, 1024)


def test_other_forms_have_no_sizes(desk: Desk) -> None:
    for name in ("avatar", "story", "music"):
        assert desk.panel(name).form.sizes is None
