"""Every place of the window in turn, filled with works, and what a careful eye looks for in each of them."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QCheckBox,
    QDialog,
    QLabel,
    QLayout,
    QScrollArea,
    QStackedLayout,
    QWidget,
)

from studio.errors import Message
from studio.support import diagnostics
from studio.support.diagnostics import DiagnosticFinding
from studio.ui.panel.panel import Panel
from studio.ui.shell.window import MainWindow
from studio.ui.widgets.controls import ElidedLabel, Switch
from tests.fakes import BAD_INPUT, UNEXPECTED
from tests.ui.conftest import Desk

PANELS = ("avatar", "poster", "story", "music")
ROLE = QAccessible.Role
NAMED = (
    ROLE.Button,
    ROLE.ButtonMenu,
    ROLE.ComboBox,
    ROLE.EditableText,
    ROLE.SpinBox,
    ROLE.Slider,
    ROLE.CheckBox,
    ROLE.ProgressBar,
    ROLE.List,
    ROLE.ListItem,
    ROLE.MenuItem,
)
# What the diagnostics found, without the seconds that asking torch takes.
FINDINGS = [
    DiagnosticFinding("Studio", "version", "0.1.0"),
    DiagnosticFinding(
        "Graphics",
        "card",
        Message("none"),
        missing=Message("There is no graphics card."),
        remedy=Message("Install one: `pip install x`."),
    ),
    DiagnosticFinding(
        "Libraries",
        "torch",
        "",
        missing=Message("PortAudio is not installed."),
        remedy=Message("Install it."),
        essential=True,
    ),
]


def fill(desk: Desk) -> None:
    """A work on every stage, and in the queue one job that was refused and one that failed."""
    for at, name in enumerate(PANELS):
        panel = desk.panel(name)
        assert panel.form.seed is not None
        panel.form.set_value(panel.form.value().replace(seed=at))
        panel.form.seed.lock.setChecked(True)
        panel.count.setCurrentIndex(0)
        desk.act("generate")
        desk.until(lambda panel=panel: panel.asset is not None)
    for seed in (BAD_INPUT, UNEXPECTED):
        desk.studio.submit(desk.panel("poster").form.value().replace(seed=seed))
    desk.idle()


def places(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    """Each place by name, as it is shown: pages, sections, welcome, queue, palette, then the dialogs."""
    window = desk.window
    for name in window.names:
        shown = window.open(name)
        if isinstance(shown, Panel):
            shown.form.show_advanced(True)
        if name == "library":
            shown.grid.setCurrentIndex(shown.grid.model().index(0, 0))  # type: ignore[attr-defined]
            desk.settle()
        desk.settle()
        yield name, window
    for section in ("diagnostics", "about"):
        with mock.patch.object(diagnostics, "examine", return_value=FINDINGS):
            window.run_command(section)
            page = window.pages.currentWidget()
            report = page.findChild(QAbstractButton, "copyReport" if section == "diagnostics" else "copyCredits")
            desk.until(report.isEnabled)  # type: ignore[union-attr]
        desk.settle()
        yield section, window
    window.open("poster")
    for name, laid in (("queue", window.queue), ("palette", window.command_palette)):
        window.run_command(name)
        desk.settle()
        yield name, window
        laid.hide()
    window.show_welcome()
    desk.settle()
    yield "welcome", window
    window.open("library")
    yield from _dialogs(desk)


def _dialogs(desk: Desk) -> Iterator[tuple[str, QWidget]]:
    from studio.ui.models.page import ModelsPage
    from studio.ui.shell.crash_dialog import CrashDialog

    window = desk.window
    models = window.open("models")
    assert isinstance(models, ModelsPage)
    poster = desk.panel("poster")
    unexpected = CrashDialog(window)
    unexpected.show_error("ValueError: seven", "Traceback", key="")
    asks = {
        "shortcuts": lambda: window.run_command("shortcuts"),
        "delete": lambda: window.work_actions.delete(desk.studio.library.ids()),
        "preset": poster.brief.presets.ask_name,
        "unexpected": unexpected.open,
    }
    for name, ask in asks.items():
        ask()
        desk.settle()
        shown = next(each for each in QApplication.topLevelWidgets() if isinstance(each, QDialog) and each.isVisible())
        yield name, shown
        shown.reject()
        desk.settle()
    unexpected.deleteLater()


def worded(root: QWidget) -> Iterator[tuple[QWidget, str]]:
    """What a person reads under `root`, without what is elided on purpose."""
    for kind in (QAbstractButton, QLabel):
        for widget in root.findChildren(kind):
            text = widget.text()  # type: ignore[attr-defined]
            if widget.isVisible() and text and not isinstance(widget, (ElidedLabel, Switch)) and not _drawn(widget):
                yield widget, text


def _drawn(widget: QWidget) -> bool:
    """Whether it paints its own words, and elides them: the cards of the welcome."""
    return widget.objectName().startswith("welcome.")


def clipped(root: QWidget) -> list[str]:
    """Words that have less room than they need."""
    faults: list[str] = []
    for widget, text in worded(root):
        room, need = widget.size(), widget.minimumSizeHint() if isinstance(widget, QLabel) else widget.sizeHint()
        name = f"{widget.objectName()} “{text}”"
        if need.width() > room.width() + 1:
            faults.append(f"{name} is {need.width() - room.width()} px too wide")
        if isinstance(widget, QLabel) and widget.wordWrap():
            need.setHeight(widget.heightForWidth(room.width()))
        if not isinstance(widget, QCheckBox) and need.height() > room.height() + 1:
            faults.append(f"{name} is {need.height() - room.height()} px too high")
    return faults


def outside(root: QWidget) -> list[str]:
    """What reaches over the edge of its window, or sideways out of what scrolls only up and down."""
    faults: list[str] = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisible() or widget.isWindow() or _inside_list(widget):
            continue
        area = _area(widget)
        frame = root.rect() if area is None else area.viewport().rect()
        over = root if area is None else area.viewport()
        box = QRect(widget.mapTo(over, QPoint(0, 0)), widget.size())
        if area is not None:
            frame.setTop(min(frame.top(), box.top()))
            frame.setBottom(max(frame.bottom(), box.bottom()))
        if not frame.contains(box):
            faults.append(f"{type(widget).__name__} {widget.objectName()} at {box} is outside of {frame}")
    return faults


def overlapping(root: QWidget) -> list[str]:
    """Neighbours of one layout that lie over each other, for which something has not found its room."""
    faults: list[str] = []
    for widget in root.findChildren(QWidget):
        layout = widget.layout()
        if layout is None or not widget.isVisible():
            continue
        laid = [each for each in _laid(layout) if each.isVisible()]
        for at, one in enumerate(laid):
            for other in laid[at + 1 :]:
                over = one.geometry().intersected(other.geometry())
                if over.width() > 1 and over.height() > 1:
                    faults.append(f"{_called(one)} lies over {_called(other)} by {over.width()} x {over.height()}")
    return faults


def _laid(layout: QLayout) -> Iterator[QWidget]:
    if isinstance(layout, QStackedLayout):
        return
    for at in range(layout.count()):
        item = layout.itemAt(at)
        inner, widget = item.layout(), item.widget()  # type: ignore[union-attr]
        if widget is not None:
            yield widget
        elif inner is not None:
            yield from _laid(inner)


def _called(widget: QWidget) -> str:
    said = getattr(widget, "text", lambda: "")()
    return f"{type(widget).__name__} {widget.objectName()} “{said}”"


def _area(widget: QWidget) -> QScrollArea | None:
    above = widget.parentWidget()
    while above is not None and not above.isWindow():
        if isinstance(above, QScrollArea) and above.widget() is not None and above.widget().isAncestorOf(widget):
            return above
        above = above.parentWidget()
    return None


def _inside_list(widget: QWidget) -> bool:
    """Whether it belongs to a list or a text, which scrolls what it holds in its own way."""
    above = widget.parentWidget()
    while above is not None and not above.isWindow():
        if isinstance(above, QAbstractScrollArea) and not isinstance(above, QScrollArea):
            return True
        above = above.parentWidget()
    return False


def blurred(root: QWidget) -> list[str]:
    """Icons with fewer pixels than the screen has for them."""
    faults: list[str] = []
    for made in root.findChildren(QLabel):
        picture = made.pixmap()
        if made.isVisible() and not picture.isNull() and picture.devicePixelRatio() != made.devicePixelRatioF():
            faults.append(f"{made.objectName()} in {made.parent().objectName()} at {picture.devicePixelRatio()}")
    for press in root.findChildren(QAbstractButton):
        if press.isVisible() and not press.icon().isNull():
            ratio = press.devicePixelRatioF()
            picture = press.icon().pixmap(press.iconSize(), ratio)
            if picture.height() < round(press.iconSize().height() * ratio) - 1:
                faults.append(f"{press.objectName()} has {picture.height()} px for {press.iconSize()} at {ratio}")
    return faults


def tree(of: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """What assistive tools read, without what cannot be seen."""
    yield of
    for at in range(of.childCount()):
        child = of.child(at)
        if child is not None and child.isValid() and not child.state().invisible:  # type: ignore[attr-defined]
            yield from tree(child)


def read_aloud(root: QWidget) -> list[tuple[object, str]]:
    """Role and name of all that assistive tools find, `root` first. The tree itself is not kept, for Qt frees it."""
    found = QAccessible.queryAccessibleInterface(root)
    assert found is not None
    return [(each.role(), each.text(QAccessible.Text.Name)) for each in tree(found)]


def nameless(root: QWidget) -> list[str]:
    """Controls without a name, and buttons whose name a screen reader could only spell: it is an icon's."""
    found = QAccessible.queryAccessibleInterface(root)
    assert found is not None
    faults: list[str] = []
    for each in tree(found):
        owner = each.object()
        if each.role() in NAMED and not each.text(QAccessible.Text.Name) and not _inner(owner):
            place = "" if owner is None else f"{type(owner).__name__} {owner.objectName()} in {owner.parent()}"
            faults.append(f"{each.role()} {place}")
    return faults


def _inner(owner: object) -> bool:
    """Whether it is a part of Qt's own inside a control that has the name."""
    if owner is None:
        return False
    name = owner.objectName()  # type: ignore[attr-defined]
    return name.startswith("qt_") or (isinstance(owner, QWidget) and owner.focusPolicy() == owner.focusPolicy().NoFocus)


def unreachable(root: QWidget) -> list[str]:
    """Buttons that the tab key never comes to; of those that exclude each other one is enough, arrows do the rest."""
    chain: set[QWidget] = set()
    at = root if isinstance(root, MainWindow) else root.focusWidget() or root
    while at not in chain:
        chain.add(at)
        at = at.nextInFocusChain()

    def reached(button: QAbstractButton) -> bool:
        return button in chain and bool(button.focusPolicy() & Qt.FocusPolicy.TabFocus)

    def alone(button: QAbstractButton) -> bool:
        group = button.group()
        return group is None or not group.exclusive() or not any(reached(each) for each in group.buttons())

    return [
        f"{type(each).__name__} {each.objectName()}"
        for each in root.findChildren(QAbstractButton)
        if each.isVisible() and each.isEnabled() and not each.objectName().startswith("qt_")
        if not _inside_list(each) and not reached(each) and alone(each)
    ]
