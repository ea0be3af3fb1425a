"""Paints a text as a small page: its heading, and as many whole lines as there is room for."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QTextLayout

from studio.ui.widgets.theme import theme


def split_heading(text: str) -> tuple[str, str]:
    """The heading of a text, without its marks, and the rest without empty lines."""
    heading, _, rest = text.partition("\n") if text.startswith("#") else ("", "", text)
    return heading.lstrip("# ").strip(), "\n".join(line for line in rest.splitlines() if line.strip())


def paint_text(
    painter: QPainter, text: str, page: QRectF, heading: QFont, body: QFont, tones: tuple[str, str] = ("ink", "muted")
) -> None:
    """`heading` and `body` are the fonts, `tones` their colours in the theme."""
    words, rest = split_heading(text)
    top = page.top()
    for part, font, tone in ((words, heading, tones[0]), (rest, body, tones[1])):
        step = QFontMetricsF(font).xHeight() * 3.0
        painter.setFont(font)
        painter.setPen(theme().colour(tone))
        layout = QTextLayout(part.replace("\n", "\u2028"), font)
        layout.beginLayout()
        while (line := layout.createLine()).isValid() and top + step <= page.bottom() + 1:
            line.setLineWidth(page.width())
            line.setPosition(QPointF(page.left(), top))
            top += step
            line.draw(painter, QPointF(0, 0))
        layout.endLayout()
        top += step * 0.35 if part else 0
