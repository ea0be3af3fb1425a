"""The About page: licence, models with their credits, libraries."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

import studio
from studio.models.catalog import Catalog
from studio.support import credits as about
from studio.support.credits import CreditedPart
from studio.system.paths import RESOURCES
from studio.ui.background import BackgroundTasks
from studio.ui.forms.form import MARGIN
from studio.ui.pages.licences import terms
from studio.ui.pages.text_dialog import TextDialog
from studio.ui.widgets.controls import button, label
from studio.ui.widgets.layout import add, column, column_table, row
from studio.ui.widgets.messages import MessageBar
from studio.ui.widgets.page import Page
from studio.ui.widgets.text import failure, tr

TEXTS = (("LICENSE", "readLicence"), ("NOTICE", "readNotice"))


class AboutPage(Page):
    def __init__(self, catalog: Catalog) -> None:
        super().__init__("form")
        self._tasks = BackgroundTasks(self)
        self._catalog = catalog
        self.parts: list[CreditedPart] = []
        self.bar = MessageBar("about")
        self.copy = button(tr("Copy credits"), "copyCredits", icon="copy", clicked=self.copy_credits)
        self.copy.setEnabled(False)
        title = label(f"AIGC Studio {studio.__version__}", "title", name="aboutTitle", selectable=True)
        line = row()
        titles = {"LICENSE": tr("Licence"), "NOTICE": tr("Notices")}
        for name, object_name in TEXTS:
            path = text_of(name)
            if path is not None:
                read = lambda path=path, words=titles[name]: TextDialog(self.window(), words, path).open()  # noqa: E731
                line.addWidget(button(titles[name], object_name, icon="document", clicked=read))
        line.addWidget(self.copy)
        line.addStretch(1)
        self._rows = column(spacing=8)
        whole = column(self, title, spacing=8, margins=(MARGIN, 0, MARGIN, 0))
        words = tr(
            "Generative models on your own computer. Nothing you make or write leaves it. "
            "You own what you make, subject to the model's licence."
        )
        add(whole, label(words, "muted", wrap=True), 4, line, self.bar, 8, self._rows, None)
        self._tasks.run(lambda: about.parts(catalog), self._show, lambda error: self.bar.show_message(*failure(error)))

    def copy_credits(self) -> None:
        QGuiApplication.clipboard().setText(credits(self.parts))
        self.copy.setText(tr("Copied"))

    def close_down(self) -> None:
        self._tasks.close()

    def _show(self, parts: list[CreditedPart]) -> None:
        self.parts = parts
        self.copy.setEnabled(True)
        models = self._catalog.models()
        if models:
            self._rows.addWidget(label(tr("Models"), "heading"))
        for model in models:
            self._rows.addLayout(row(label(model.title, "label"), None, label(terms(model.licence).name, "muted")))
            if model.credits:
                self._rows.addWidget(label(model.credits, "caption", wrap=True, selectable=True))
            self._rows.addSpacing(8)
        self._rows.addSpacing(8)
        self._rows.addWidget(label(tr("Libraries"), "heading"))
        self._rows.addWidget(_libraries([part for part in parts if part.kind == "library"]))


def credits(parts: list[CreditedPart]) -> str:
    """The credits as text: one part a line, its credits below it."""
    lines: list[str] = []
    for part in parts:
        lines.append(f"{part.name} {part.version}, {part.licence}")
        if part.credits:
            lines.append(f"  {part.credits}")
    return "\n".join(lines)


def text_of(name: str) -> Path | None:
    """A file that comes with the studio, beside its sources or in the installed package; None if there is none."""
    from importlib import metadata

    beside = RESOURCES.parent / name
    if beside.is_file():
        return beside
    try:
        files = metadata.distribution("aigc-studio").files or []
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if Path(str(file)).name == name)
    return next((path for path in found if path.is_file()), None)


def _libraries(parts: list[CreditedPart]) -> QWidget:
    lines = [
        (label(part.name, selectable=True), label(part.version, "muted"), label(part.licence, "muted", wrap=True))
        for part in parts
    ]
    return column_table(lines, "libraries")
