"""The theme: colours, sizes, fonts, and the style sheet made from them."""

from __future__ import annotations

import math
import re
import string
from dataclasses import asdict, dataclass
from typing import Literal
from weakref import WeakSet

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QIcon, QPalette
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget
from shiboken6 import isValid

from studio.system.paths import RESOURCES

Scheme = Literal["light", "dark"]

COLOURS = {
    "window": ("#f3f2ef", "#1b1b1d"),  # behind the rail and the strip
    "surface": ("#fbfaf8", "#222225"),  # brief, inspector, menus
    "field": ("#ffffff", "#19191b"),  # inside inputs
    "stage": ("#e9e7e2", "#131315"),  # behind the work
    "hover": ("#e2dfda", "#2e2e32"),
    "pressed": ("#dcd9d3", "#3a3a3f"),
    "line": ("#dedbd5", "#34343a"),  # hairlines that only part areas
    "outline": ("#837f77", "#7b7a7f"),  # outlines that tell a control from its ground
    "ink": ("#1f1e1b", "#ecebe8"),
    "muted": ("#5c5851", "#aaa8a3"),
    "disabled": ("#a39f97", "#6a6970"),
    "accent": ("#0c6b65", "#5cc7bb"),
    "accent_hover": ("#0a5b56", "#74d4c9"),
    "accent_pressed": ("#084b47", "#49b3a8"),
    "on_accent": ("#ffffff", "#06211e"),
    "accent_soft": ("#d3e6e3", "#1d3d3a"),  # ground of what is selected
    "danger": ("#a82a1f", "#ff9d8f"),
    "danger_soft": ("#f8e4e0", "#3f2320"),
    "notice_soft": ("#e3ecea", "#203130"),
    "paper": ("#fffefb", "#1d1d1f"),  # ground of a text on the stage
    # Behind transparent pictures, and a square of the board on the stage; drawings have dark lines.
    "mat": ("#fbfaf8", "#d5d3ce"),
    "checker": ("#edebe7", "#cdcbc5"),  # the other square
    "skeleton": ("#dedbd5", "#29292d"),  # where a picture will come, or is missing
    "track": ("#c9c5bd", "#45454b"),  # what is still to come: of a bar, a slider, a waveform
}
"""Each colour in the light and in the dark scheme. Texts reach 4.5:1 on every ground they are put on, outlines of
controls and focus rings 3:1.
"""
SCHEMES: dict[Scheme, dict[str, str]] = {
    "light": {name: light for name, (light, _) in COLOURS.items()},
    "dark": {name: dark for name, (_, dark) in COLOURS.items()},
}


@dataclass(frozen=True, slots=True)
class Measures:
    """Sizes in device-independent pixels, on a grid of 8 with 4 for what is small."""

    hair: int = 4
    small: int = 8
    medium: int = 16
    large: int = 24
    wide: int = 32
    radius: int = 6
    card: int = 10
    control: int = 34  # height of buttons and fields
    brief: int = 320
    inspector: int = 300
    rail: int = 76
    strip: int = 48
    icon: int = 20


SIZE = Measures()
LINE = 20.0  # pixels that a line of text may be high before what holds it grows
MOTION = 120  # milliseconds that anything on the screen takes to move

# Faces to prefer where the system's own is only a stopgap, as on bare Linux installations.
STOPGAPS = ("DejaVu Sans", "Bitstream Vera Sans", "Sans Serif", "Sans")
FACES = ("Inter", "Noto Sans", "Open Sans", "Cantarell", "Ubuntu")
READING_FACES = ("Charter", "Source Serif 4", "Noto Serif", "Georgia", "Noto Serif CJK SC", "Times New Roman")


class Theme(QObject):
    """The scheme in force. `choose("system")` follows the system; `changed` tells what paints by hand."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: str = "system", text_size: float = 1.0, still: bool = False) -> None:
        super().__init__(app)
        self._app = app
        self._flash = QGuiApplication.styleHints().cursorFlashTime()
        self.set_reduced_motion(still)
        self.choice = "system"
        self.scheme: Scheme = "light"
        self.colours = SCHEMES["light"]
        self.style_sheet = ""
        self._windows = WeakSet[QWidget]()
        self.icon_cache: dict[tuple[str, str, int, str, int], QIcon] = {}  # icons in the colours of the scheme
        self.line_cache: dict[tuple[str, str], QSvgRenderer] = {}  # their lines, by name and colour
        style = QStyleFactory.create("Fusion")
        if style is not None:
            app.setStyle(style)
        self._face = _face(app.font())
        self._text_size = text_size
        app.setFont(_sized(self._face, text_size))
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply)
        self.choose(choice)

    def choose(self, choice: str) -> None:
        """`light`, `dark` or `system`; anything else counts as `system`."""
        self.choice = choice if choice in SCHEMES else "system"
        hints = QGuiApplication.styleHints()
        asked = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(choice, Qt.ColorScheme.Unknown)
        hints.setColorScheme(asked)  # the frame of the window follows where the platform can
        self._apply()

    def set_text_size(self, text_size: float) -> None:
        """Text at `text_size` times the system's own size."""
        if text_size != self._text_size:
            self._text_size = text_size
            self._app.setFont(_sized(self._face, text_size))
            self._show()

    def set_reduced_motion(self, still: bool) -> None:
        """Whether things change at once instead of moving; then the cursor does not blink either."""
        self._still = still
        QGuiApplication.styleHints().setCursorFlashTime(0 if still else self._flash)

    def style(self, window: QWidget) -> None:
        """Give a window, and with it all its parts and dialogs, the style sheet; `window` is kept by its owner.

        The application has none: with one, Qt would style the parts of a page anew each time that they come into a
        larger part, which takes four fifths of the time in which a page is built.
        """
        self._windows.add(window)
        window.setStyleSheet(self.style_sheet)

    @property
    def motion(self) -> int:
        """Milliseconds that a movement takes; 0 where things shall not move."""
        return 0 if self._still else MOTION

    def scaled(self, pixels: int) -> int:
        """A height or width that holds words: `pixels` at the usual size of text, more where text is larger."""
        return round(pixels * _grown(self._app.font()))

    def text_width(self, words: str, scale: float = 1.0, *, strong: bool = False) -> int:
        """How wide words are in the window's face."""
        return math.ceil(QFontMetricsF(self.font(scale, strong=strong)).horizontalAdvance(words))

    def colour(self, name: str) -> QColor:
        return QColor(self.colours[name])

    def font(self, scale: float = 1.0, *, strong: bool = False, reading: bool = False) -> QFont:
        """The window's face, scaled; `reading` gives the face of long texts."""
        font = QFont(self._app.font())
        if reading:
            font.setFamilies([face for face in READING_FACES if QFontDatabase.hasFamily(face)] or ["serif"])
        font.setPointSizeF(font.pointSizeF() * scale)
        if strong:
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def _apply(self) -> None:
        """Show the scheme that is chosen, or the system's."""
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        scheme: Scheme = "light" if self.choice == "light" or (self.choice == "system" and not dark) else "dark"
        if scheme != self.scheme or not self.style_sheet:
            self.scheme, self.colours = scheme, SCHEMES[scheme]
            self._show()

    def _show(self) -> None:
        self.icon_cache.clear()
        self.line_cache.clear()
        self._app.setPalette(_palette(self.colours))
        self.style_sheet = _sheet(self.colours, self._app.font())
        for window in [each for each in self._windows if isValid(each)]:
            window.setStyleSheet(self.style_sheet)
        self.changed.emit()


def theme() -> Theme:
    """The theme of this process; `run` makes it before any widget."""
    app = QApplication.instance()
    found = app.findChild(Theme) if app is not None else None
    if found is None:
        raise RuntimeError("The theme is made before the first widget.")
    return found


def _sized(face: QFont, text_size: float) -> QFont:
    font = QFont(face)
    font.setPointSizeF(face.pointSizeF() * text_size)
    return font


def _grown(font: QFont) -> float:
    return max(1.0, QFontMetricsF(font).height() / LINE)


def _face(font: QFont) -> QFont:
    font = QFont(font)
    if font.family() in STOPGAPS:
        better = next((face for face in FACES if QFontDatabase.hasFamily(face)), None)
        if better is not None:
            font.setFamily(better)
    if font.pointSizeF() <= 0:
        font.setPointSizeF(10.0)
    font.setPointSizeF(max(9.5, font.pointSizeF()))
    font.setFeature(QFont.Tag("calt"), 0)  # some faces make a cross of the x in x86
    return font


def _palette(colours: dict[str, str]) -> QPalette:
    palette = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for which, name in (
        (role.Window, "surface"),
        (role.WindowText, "ink"),
        (role.Base, "field"),
        (role.AlternateBase, "surface"),
        (role.Text, "ink"),
        (role.Button, "surface"),
        (role.ButtonText, "ink"),
        (role.BrightText, "danger"),
        (role.Highlight, "accent"),
        (role.HighlightedText, "on_accent"),
        (role.Link, "accent"),
        (role.LinkVisited, "accent"),
        (role.ToolTipBase, "ink"),
        (role.ToolTipText, "surface"),
        (role.PlaceholderText, "muted"),
        (role.Mid, "line"),
        (role.Dark, "outline"),
        (role.Accent, "accent"),
    ):
        palette.setColor(which, QColor(colours[name]))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, which, QColor(colours["disabled"]))
    return palette


def _sheet(colours: dict[str, str], font: QFont) -> str:
    """The style sheet, from resources/theme/studio.qss, with every $token filled in; what holds text grows with it."""
    points = font.pointSizeF()
    sizes = {"caption": points * 0.88, "body": points, "heading": points * 1.12, "title": points * 1.5}
    values: dict[str, object] = {**colours, **asdict(SIZE)}
    values.update({name: f"{size:.1f}pt" for name, size in sizes.items()})
    template = (RESOURCES / "theme" / "studio.qss").read_text("utf-8")
    filled = string.Template(template).substitute(values)
    grown = _grown(font)
    return re.sub(
        r"(min|max)-height: (\d+)px",
        lambda found: f"{found[1]}-height: {round(int(found[2]) * (grown if int(found[2]) > LINE else 1))}px",
        filled,
    )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)
