"""Dropping and pasting onto a stage: what is brought stands there and is in the library."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from studio.media import codecs
from studio.media.payloads import Audio, Image
from studio.schema.presets import write
from studio.ui.stages.audio import AudioStage
from studio.ui.stages.image import ImageStage
from tests.ui.conftest import Desk

COPY, LEFT, PLAIN = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def enter(area: QWidget, data: QMimeData) -> QDragEnterEvent:
    event = QDragEnterEvent(QPoint(50, 50), COPY, data, LEFT, PLAIN)
    event.ignore()
    QApplication.sendEvent(area, event)
    return event


def drop(area: QWidget, data: QMimeData) -> None:
    enter(area, data)
    QApplication.sendEvent(area, QDropEvent(QPointF(50, 50), COPY, data, LEFT, PLAIN))


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def test_a_dropped_picture_stands_on_the_stage(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("poster")
    area = desk.find("stageArea")
    path = tmp_path / "mine.png"
    codecs.write(Image(np.full((20, 30, 3), 99, np.uint8)), path)
    data = files(path)
    assert enter(area, data).isAccepted()
    veil = area.findChild(QFrame, "dropVeil")
    assert veil.isVisible()
    QApplication.sendEvent(area, QDragLeaveEvent())
    assert not veil.isVisible()
    drop(area, data)
    assert not veil.isVisible()
    desk.until(lambda: panel.asset is not None)
    assert isinstance(panel.stage, ImageStage)
    assert panel.stage.image.width() == 30
    assert desk.studio.library.count() == 1


def test_words_are_no_work(desk: Desk) -> None:
    desk.panel("poster")
    data = QMimeData()
    data.setText("a lighthouse")
    assert not enter(desk.find("stageArea"), data).isAccepted()


def test_a_pasted_picture_stands_on_the_stage(desk: Desk) -> None:
    panel = desk.panel("poster")
    image = QImage(12, 10, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(image)
    QTest.keyClick(panel.stage, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    desk.until(lambda: panel.asset is not None)
    assert isinstance(panel.stage, ImageStage)
    assert panel.stage.image.width() == 12


def test_a_pasted_picture_that_cannot_be_saved_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = desk.panel("poster")
    monkeypatch.setattr(QImage, "save", lambda *_: False)
    QGuiApplication.clipboard().setImage(QImage(12, 10, QImage.Format.Format_RGB32))
    QTest.keyClick(panel.stage, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    desk.until(lambda: desk.window.toast.message().startswith("The pasted picture could not be saved"))


def test_a_dropped_sound_is_heard_where_it_belongs(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("music")
    path = tmp_path / "mine.wav"
    codecs.write(Audio(np.zeros((1, 16000), np.float32), 8000), path)
    data = files(path)
    drop(desk.find("stageArea"), data)
    desk.until(lambda: panel.asset is not None)
    assert isinstance(panel.stage, AudioStage)
    assert panel.stage.time.text() == "0:00 / 0:02"


def test_a_sound_dropped_on_pictures_is_in_the_library(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("poster")
    path = tmp_path / "mine.wav"
    codecs.write(Audio(np.zeros((1, 16000), np.float32), 8000), path)
    data = files(path)
    drop(desk.find("stageArea"), data)
    desk.until(lambda: desk.window.toast.message() == "1 file imported.")
    assert panel.asset is None
    assert desk.studio.library.count() == 1


def test_a_preset_dropped_on_the_brief_is_taken_up_and_kept(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("poster")
    path = tmp_path / "storm.json"
    write(path, "Storm", panel.form.value().replace(prompt="a storm at sea"))
    field = desk.find("prompt").findChild(QWidget, "qt_scrollarea_viewport")
    assert field is not None
    veil = panel.brief.findChild(QFrame, "dropVeil")
    assert not enter(panel.brief, files(tmp_path / "mine.png")).isAccepted()
    assert veil.isHidden()
    assert enter(field, files(path)).isAccepted()
    assert veil.isVisible(), "over a field too it is the brief that takes it, not the field its name"
    drop(panel.brief, files(path))
    assert panel.form.value().prompt == "a storm at sea"  # type: ignore[attr-defined]
    assert [preset.name for preset in panel.brief.presets._presets.of("poster")] == ["Storm"]
    assert desk.window.toast.message() == "Preset imported."
    words = QMimeData()
    words.setText("a lighthouse")
    assert enter(field, words).isAccepted(), "words are dropped into the field as ever"
