"""Pictures between files, payloads and the screen: loading, scaling, the checkerboard behind transparency.

numpy and what reads files with it are imported by the functions that need them: the window starts without.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter, QPixmap

from studio.errors import BadInput
from studio.media.payloads import Image
from studio.schema.request import Request
from studio.ui.widgets.theme import theme

LARGE_SIDE = 512  # pixels of a side that size "large" enlarges the picture of a small network to
CUBIC_LIMIT = 2400  # device pixels of a side up to which a picture is enlarged with a cubic filter
CACHED = 2  # scaled pictures: as many as are compared


def load(path: Path) -> QImage:
    """The picture in a file, or the first frame of a clip. Raises BadInput if it cannot be read."""
    if path.suffix == ".mp4":
        return _first(path)
    if path.suffix in (".tif", ".tiff", ".avif"):  # Qt reads neither 16 bits nor floating point well, and no AVIF
        from studio.media import images

        return of_payload(images.read(path))
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    image = reader.read()
    if image.isNull():
        raise BadInput("{name} cannot be shown.", "{reason}", name=path.name, reason=reader.errorString())
    return image


def _first(path: Path) -> QImage:
    """The first frame of an MP4 file, which Qt does not read."""
    from studio.media import clips

    frame = clips.first_frame(path)
    if frame is None:
        raise BadInput("{name} cannot be shown.", "MP4 needs the video extra.", name=path.name)
    return of_payload(frame)


def size(path: Path) -> QSize:
    """The size in pixels that a file's header gives; empty if it gives none."""
    return QImageReader(str(path)).size()


def expected_size(request: Request) -> QSizeF:
    """How large the picture of a request will be; empty if that is not known."""
    if getattr(request, "size", "") == "large":
        return QSizeF(LARGE_SIDE, LARGE_SIDE)
    return QSizeF(float(getattr(request, "width", 0)), float(getattr(request, "height", 0)))


def of_payload(payload: Image) -> QImage:
    """A QImage with a copy of the pixels."""
    import numpy as np

    pixels = np.ascontiguousarray(payload.pixels)
    height, width, channels = pixels.shape
    form = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    return QImage(pixels.data, width, height, width * channels, form).copy()


def scaled(image: QImage, size: QSize) -> QImage:
    """The picture at `size` device pixels. Enlarging uses a cubic filter, which keeps edges that Qt's own blurs."""
    if size == image.size():
        return image
    enlarging = size.width() > image.width()
    if not enlarging or max(size.width(), size.height()) > CUBIC_LIMIT:
        return image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    from PIL import Image as Pillow

    source = image.convertToFormat(QImage.Format.Format_RGBA8888)
    picture = Pillow.frombuffer(
        "RGBA", (source.width(), source.height()), bytes(source.constBits()), "raw", "RGBA", source.bytesPerLine(), 1
    )
    large = picture.resize((size.width(), size.height()), Pillow.Resampling.BICUBIC)
    data = large.tobytes()
    return QImage(data, size.width(), size.height(), size.width() * 4, QImage.Format.Format_RGBA8888).copy()


def reduced(image: QImage, side: int) -> QImage:
    """The picture with at most `side` pixels on its longer side; a smaller one as it is."""
    if max(image.width(), image.height()) <= side:
        return image
    return image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


class ScaledPictures:
    """A small cache of pictures scaled for the screen."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int, int], QPixmap] = {}

    def get(self, image: QImage, box: QSizeF, ratio: float) -> QPixmap:
        """The picture as large as `box` in widget pixels, each `ratio` device pixels."""
        size = QSize(max(1, round(box.width() * ratio)), max(1, round(box.height() * ratio)))
        key = (image.cacheKey(), size.width(), size.height())
        found = self._kept.pop(key, None)
        if found is None:
            found = QPixmap.fromImage(scaled(image, size))
            found.setDevicePixelRatio(ratio)
        self._kept[key] = found
        for old in list(self._kept)[:-CACHED]:
            del self._kept[old]
        return found


def checkerboard(painter: QPainter, box: QRectF, square: int = 8) -> None:
    """Paint the checkerboard that shows where a picture is transparent."""
    look = theme()
    tile = QPixmap(square * 2, square * 2)
    tile.fill(look.colour("mat"))
    pen = QPainter(tile)
    for x, y in ((0, 0), (square, square)):
        pen.fillRect(x, y, square, square, look.colour("checker"))
    pen.end()
    painter.save()
    painter.setBrushOrigin(box.topLeft())
    painter.fillRect(box, tile)
    painter.restore()
