"""What is seen while pictures are being read, and of works that have none: never a hole, never a picture of nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from studio.library.library import Library
from studio.ui.library.page import LibraryPage
from studio.ui.library.thumbnails import FACES, KEPT
from studio.ui.panel.onboarding import SamplePicture
from studio.ui.stages.candidates import CandidateGrid
from studio.ui.widgets import placeholder
from studio.ui.widgets.lru_cache import LruCache
from studio.ui.widgets.theme import theme
from tests.ui.conftest import Desk, Room
from tests.ui.window_tour import fill


def colour_at(widget: object, at: QPoint) -> QColor:
    return widget.grab().toImage().pixelColor(at)  # type: ignore[attr-defined]


def drawn(paint: object, side: int = 80) -> QImage:
    made = QImage(side, side, QImage.Format.Format_RGB32)
    made.fill(theme().colour("stage"))
    painter = QPainter(made)
    paint(painter, QRectF(0, 0, side, side))  # type: ignore[operator]
    painter.end()
    return made


def test_a_block_says_reading_and_a_sign_says_none(room: Room) -> None:
    reading = drawn(placeholder.block)
    none = drawn(lambda painter, box: placeholder.missing(painter, box, "music"))
    ground = theme().colour("skeleton")
    assert reading.pixelColor(40, 40) == ground
    assert {reading.pixelColor(x, y).rgb() for x in range(12, 68) for y in range(12, 68)} == {ground.rgb()}
    assert len({none.pixelColor(x, y).rgb() for x in range(12, 68) for y in range(12, 68)}) > 5
    assert placeholder.PATIENCE < 200


def opened(desk: Desk) -> tuple[LibraryPage, int]:
    """The library as at the next start, its rows read and no thumbnail yet; and the row of a poster."""
    fill(desk)
    page = desk.window.open("library")
    assert isinstance(page, LibraryPage)
    desk.until(lambda: all(page._works.work_at(row) is not None for row in range(4)))
    desk.settle()
    thumbnails = desk.window.thumbnails
    thumbnails._kept, thumbnails.tiles = LruCache(KEPT), LruCache(FACES)
    return page, next(row for row in range(4) if page._works.work_at(row).medium == "poster")  # type: ignore[union-attr]


def test_tiles_and_details_show_blocks_until_thumbnails_come(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    page, row = opened(desk)
    gate = threading.Event()
    real = Library.thumbnail

    def slow(library: Library, id: str, size: int) -> Path | None:
        gate.wait(10)
        return real(library, id, size)

    monkeypatch.setattr(Library, "thumbnail", slow)
    try:
        page.grid.setCurrentIndex(page._works.index(row))
        details = page.details
        centre = page.grid.visualRect(page._works.index(row)).center() - QPoint(0, 10)
        block = theme().colour("skeleton")
        desk.until(lambda: colour_at(page.grid.viewport(), centre) == block)
        desk.until(lambda: details.thumbnail.isVisible())
        desk.until(lambda: colour_at(details.thumbnail, details.thumbnail.rect().center()) == block)
    finally:
        gate.set()
    asset = page._works.work_at(row)
    assert asset is not None
    desk.until(lambda: desk.window.thumbnails.is_loaded(asset.id))
    desk.settle()
    assert colour_at(page.grid.viewport(), centre) != block
    assert colour_at(details.thumbnail, details.thumbnail.rect().center()) != block


@pytest.mark.parametrize(("wide", "high"), [(300, 1000), (1000, 300), (500, 500)])
def test_the_place_of_a_tile_has_the_proportions_of_its_picture(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wide: int, high: int
) -> None:
    path = tmp_path / "sea.png"
    picture = QImage(wide, high, QImage.Format.Format_RGB32)
    picture.fill(QColor("#104080"))
    picture.save(str(path))
    desk.studio.library.import_file(path)
    gate, real = threading.Event(), Library.thumbnail

    def slow(library: Library, id: str, size: int) -> Path | None:
        gate.wait(10)
        return real(library, id, size)

    monkeypatch.setattr(Library, "thumbnail", slow)

    def box(page: LibraryPage, colour: QColor) -> tuple[int, int]:
        """Width and height of what has this colour in the first tile."""
        seen = page.grid.viewport().grab(page.grid.visualRect(page._works.index(0))).toImage()
        side = page.grid.delegate.side
        found = [(x, y) for x in range(side) for y in range(side) if seen.pixelColor(x, y) == colour]
        xs, ys = [x for x, _ in found], [y for _, y in found]
        return (max(xs) - min(xs), max(ys) - min(ys)) if found else (0, 0)

    try:
        page = desk.window.open("library")
        assert isinstance(page, LibraryPage)
        desk.until(lambda: box(page, theme().colour("skeleton")) != (0, 0))
        reading = box(page, theme().colour("skeleton"))
    finally:
        gate.set()
    desk.until(lambda: box(page, QColor("#104080")) != (0, 0))
    shown = box(page, QColor("#104080"))
    assert abs(reading[0] - shown[0]) <= 3
    assert abs(reading[1] - shown[1]) <= 3


def test_the_places_of_candidates_have_their_proportions(room: Room) -> None:
    grid = CandidateGrid()
    grid.resize(640, 640)
    grid.expect(4, shape=QSize(512, 768))
    seen, cell = grid.grab().toImage(), grid.cell(0)
    empty, outside = theme().colour("window"), theme().colour("stage")
    across = [seen.pixelColor(x, round(cell.center().y())) for x in range(round(cell.left()), round(cell.right()))]
    down = [seen.pixelColor(round(cell.center().x()), y) for y in range(round(cell.top()), round(cell.bottom()))]
    assert across.count(empty) / down.count(empty) == pytest.approx(2 / 3, abs=0.02)
    assert across[2] == outside
    grid.deleteLater()


def test_a_work_whose_picture_cannot_be_read_shows_its_kind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    page, row = opened(desk)
    monkeypatch.setattr(Library, "thumbnail", lambda *_: None)
    page.grid.setCurrentIndex(page._works.index(row))
    asset = page._works.work_at(row)
    assert asset is not None
    desk.until(lambda: desk.window.thumbnails.is_loaded(asset.id))
    desk.settle()
    tile = page.grid.visualRect(page._works.index(row))
    seen = page.grid.viewport().grab(tile).toImage()
    inner = {seen.pixelColor(x, y).rgb() for x in range(40, tile.width() - 40) for y in range(40, tile.width() - 40)}
    assert theme().colour("skeleton").rgb() in inner
    assert theme().colour("muted").rgb() in inner


def test_a_sheet_is_read_beside_the_window(room: Room, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    picture = QImage(64, 64, QImage.Format.Format_RGB32)
    picture.fill(QColor("red"))
    assert picture.save(str(path))
    sheet = SamplePicture(path)
    sheet.resize(100, 100)
    assert not sheet.ready
    room.until(lambda: sheet.ready)
    assert colour_at(sheet, QPoint(50, 50)) == QColor("red")
