"""Where a picture lies in the room it is shown in: fit, scale, pan; plain geometry that draws nothing."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF

MARGIN = 24
ENLARGE = 6.0  # how far fitting enlarges a small picture
FARTHEST, NEAREST = 0.05, 32.0


class ViewTransform:
    """`room` in widget coordinates, `size` in pixels of the picture, `ratio` device pixels of a widget's pixel.

    Scales are device pixels per pixel of the picture: 1 is 100 %. What is larger than the room can be panned until its
    edge stands a margin inside the room's; what is smaller stays in the middle.
    """

    def __init__(self) -> None:
        self.size = QSizeF()
        self.room = QSizeF()
        self.ratio = 1.0
        self.fitted = True
        self._scale = 1.0
        self._centre = QPointF()  # the point of the picture in the middle of the room

    @property
    def scale(self) -> float:
        if not self.fitted or self.size.isEmpty():
            return self._scale
        wide = max(1.0, self.room.width() - 2 * MARGIN) * self.ratio / self.size.width()
        high = max(1.0, self.room.height() - 2 * MARGIN) * self.ratio / self.size.height()
        return min(wide, high, ENLARGE * self.ratio)

    @property
    def step(self) -> float:
        """Widget pixels per pixel of the picture."""
        return self.scale / self.ratio

    def fit(self) -> None:
        self.fitted = True

    def zoom(self, scale: float, at: QPointF | None = None) -> None:
        """Set the scale, keeping the point of the picture under `at` where it is, so far as its edges allow."""
        middle = self._middle()
        at = middle if at is None else at
        held = (at - self.box().topLeft()) / self.step
        self.fitted = False
        self._scale = min(NEAREST, max(FARTHEST, scale))
        self._centre = held - (at - middle) / self.step
        self._clamp()

    def pan(self, by: QPointF) -> None:
        """Move the picture by widget pixels, where it is larger than the room."""
        if not self.fitted:
            self._centre -= by / self.step
            self._clamp()

    def set_room(self, room: QSizeF, ratio: float) -> None:
        """The room has changed."""
        self.room, self.ratio = room, ratio
        self._clamp()

    def box(self) -> QRectF:
        """Where the picture lies."""
        high, wide = self.size.height() * self.step, self.size.width() * self.step
        middle = self._middle()
        held = QPointF(self.size.width() / 2, self.size.height() / 2) if self.fitted else self._centre
        corner = middle - held * self.step
        return QRectF(round(corner.x()), round(corner.y()), wide, high)

    def _middle(self) -> QPointF:
        return QPointF(self.room.width() / 2, self.room.height() / 2)

    def _clamp(self) -> None:
        if not self.fitted:
            self._centre = QPointF(
                self._clamp_axis(self._centre.x(), self.size.width(), self.room.width()),
                self._clamp_axis(self._centre.y(), self.size.height(), self.room.height()),
            )

    def _clamp_axis(self, centre: float, size: float, room: float) -> float:
        reach = (room / 2 - MARGIN) / self.step
        return min(size - reach, max(reach, centre)) if size > 2 * reach else size / 2
