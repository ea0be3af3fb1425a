"""The settings page and what stands beside the settings: diagnostics and about; each is made when first shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QFrame, QScrollArea, QStackedWidget, QToolButton, QWidget

from studio.ui.forms.form import MARGIN
from studio.ui.pages.settings_form import SettingsForm
from studio.ui.widgets.basic import column, row, scrolling
from studio.ui.widgets.text import tr

if TYPE_CHECKING:
    from studio.studio import Studio

WIDTH = 640  # of what is read: longer lines tire the eye


class SettingsSection(Protocol):
    """What every section answers to."""

    def close_down(self) -> None: ...


class SettingsPage(QWidget):
    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._studio = studio
        self._made: dict[str, QWidget] = {}
        self._areas: dict[str, QScrollArea] = {}
        self.choices = SettingsForm(studio)
        self.form = self.choices.form
        self._makers: dict[str, tuple[str, Callable[[], QWidget]]] = {
            "settings": (tr("Settings"), lambda: self.choices),
            "diagnostics": (tr("Diagnostics"), self._diagnostics),
            "about": (tr("About"), self._about),
        }
        self._stack = QStackedWidget()
        whole = column(self, spacing=0)
        whole.addWidget(self._head())
        self.choices.notice.setMaximumWidth(WIDTH - 2 * MARGIN)
        line = row(None, self.choices.notice, None, margins=(16, 0, 28, 8))  # a scroll bar stands below, at the right
        line.setStretch(1, 100)
        whole.addSpacing(8)
        whole.addLayout(line)  # not scrolled away with the fields
        whole.addWidget(self._stack, 1)
        self.show_section("settings")

    def _head(self) -> QWidget:
        head = QFrame()
        head.setObjectName("libraryHead")
        self._buttons = QButtonGroup(self)
        self._buttons.setExclusive(True)
        line = row(spacing=4, margins=(16, 10, 16, 10))
        for name, (title, _) in self._makers.items():
            made = QToolButton()
            made.setText(title)
            made.setObjectName(f"section.{name}")
            made.setAccessibleName(title)
            made.setProperty("role", "segment")
            made.setCheckable(True)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.clicked.connect(lambda _=False, name=name: self.show_section(name))
            self._buttons.addButton(made)
            line.addWidget(made)
        line.addStretch(1)
        head.setLayout(line)
        head.setMinimumHeight(54)  # as on the other pages
        return head

    @property
    def section(self) -> str:
        """The name of the section that is shown."""
        shown = self._stack.currentWidget()
        return next((name for name, area in self._areas.items() if area is shown), "")

    def show_section(self, name: str) -> None:
        """Show settings, diagnostics or about."""
        if name not in self._areas:
            made = self._made[name] = self._makers[name][1]()
            self._areas[name] = _scrolled(made)
            self._stack.addWidget(self._areas[name])
        self._stack.setCurrentWidget(self._areas[name])
        if name != "settings":
            self.choices.notice.hide()
        self._buttons.buttons()[list(self._makers).index(name)].setChecked(True)

    def _diagnostics(self) -> QWidget:
        from studio.ui.pages.diagnostics import DiagnosticsPage

        return DiagnosticsPage(self._studio)

    def _about(self) -> QWidget:
        from studio.ui.pages.about import AboutPage

        return AboutPage(self._studio.catalog)

    def follow(self) -> None:
        """The settings were changed elsewhere."""
        self.choices.follow()

    def save(self) -> None:
        """Keep the settings now."""
        self.choices.save()

    def focus_first(self) -> None:
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def leave(self) -> None:
        self.choices.finish()
        self.show_section("settings")  # whoever asks for the settings next time gets them

    def close_down(self) -> None:
        for made in self._made.values():
            section: SettingsSection = made  # type: ignore[assignment]
            section.close_down()

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Any) -> None:
        """The settings are their own memory."""


def _scrolled(section: QWidget) -> QScrollArea:
    """A section in the middle of the page, as wide as reads well."""
    section.setMaximumWidth(WIDTH)
    inside = QWidget()
    inside.setObjectName("form")
    line = row(None, section, None, spacing=0, margins=(16, 8, 16, 8))
    line.setStretch(1, 100)
    inside.setLayout(line)
    return scrolling(inside)
