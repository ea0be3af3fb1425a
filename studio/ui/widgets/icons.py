"""SVG line icons in the theme's colours, sharp at every scale."""

from __future__ import annotations

from functools import cache
from typing import Any

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QWidget

from studio.system.paths import RESOURCES
from studio.ui.widgets.theme import SIZE, theme


@cache
def _source(name: str) -> str:
    return (RESOURCES / "icons" / f"{name}.svg").read_text("utf-8")


def pixmap(name: str, colour: str = "ink", size: int = SIZE.icon, ratio: float = 1.0, gap: int = 0) -> QPixmap:
    """The icon in one of the theme's colours, `size` logical pixels at `ratio` device pixels each, and a gap beside."""
    side = round(size * ratio)
    picture = QPixmap(side + round(abs(gap) * ratio), side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint(painter, name, QRectF(picture.width() - side if gap < 0 else 0, 0, side, side), colour)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def paint(painter: QPainter, name: str, box: QRectF, colour: str = "ink") -> None:
    """Draw the icon into `box`, as lines, not as a scaled picture."""
    kept = theme().line_cache
    lines = kept.get((name, colour))
    if lines is None:  # a list paints the same icon in each of its rows
        source = _source(name).replace("currentColor", theme().colour(colour).name())
        lines = kept[name, colour] = QSvgRenderer(QByteArray(source.encode()))
    lines.render(painter, box)


def icon(name: str, colour: str = "ink", size: int = SIZE.icon, checked: str = "", gap: int = 0) -> QIcon:
    """A QIcon for the scales of the screens there are; `checked` names a second icon for the checked state.

    `gap` pixels stay free at its right, or at its left where it is negative.
    """
    kept = theme().icon_cache
    key = (name, colour, size, checked, gap)
    if key not in kept:
        made = kept[key] = QIcon()
        for ratio in sorted({1.0, *(screen.devicePixelRatio() for screen in QGuiApplication.screens())}):
            made.addPixmap(pixmap(name, colour, size, ratio, gap))
            made.addPixmap(pixmap(name, "disabled", size, ratio, gap), QIcon.Mode.Disabled)
            if checked:
                made.addPixmap(pixmap(checked, colour, size, ratio, gap), QIcon.Mode.Normal, QIcon.State.On)
    return kept[key]


def set_icon(
    widget: Any, name: str, colour: str = "ink", *, size: int = SIZE.icon, checked: str = "", gap: int = 0
) -> None:
    """Give a button an icon that `refresh` tints again when the colour scheme changes."""
    widget.setProperty("iconName", [name, colour, str(size), checked, str(gap)])
    widget.setIcon(icon(name, colour, size, checked, gap))


def refresh(root: QWidget) -> None:
    """Tint every icon under `root` for the scheme in force."""
    for widget in root.findChildren(QWidget):
        named = widget.property("iconName")
        if named:
            name, colour, size, checked, gap = named
            widget.setIcon(icon(name, colour, int(size), checked, int(gap)))  # type: ignore[attr-defined]
