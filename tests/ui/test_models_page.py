"""The models page: what is listed, bringing in by button and by drop, licences, cancel, removing, using."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialog,
    QFileDialog,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)
from qasync import QEventLoop
from safetensors.numpy import save_file

from studio.backends import families
from studio.checkpoints.upscalers import network_shapes
from studio.errors import BadInput, StudioError
from studio.jobs.io import imports
from studio.jobs.io.imports import ModelImportRequest
from studio.jobs.job import Job
from studio.models import catalog as catalogs
from studio.models import detect
from studio.models.catalog import Catalog
from studio.models.detect import DetectedModel
from studio.models.families import Families
from studio.models.fit.demand import Machine
from studio.models.model import Model
from studio.models.sources import packages
from studio.models.sources.offers import SOLD, HubSource, search
from studio.schema.fields import ModelId, field
from studio.schema.request import Request
from studio.system import storage
from studio.ui.models.downloads import DownloadState, Pace
from studio.ui.models.entries import ModelQuery, of_offer
from studio.ui.models.model_facts import LANGUAGES, model_facts, offer_facts
from studio.ui.models.page import ModelsPage
from studio.ui.pages.licences import terms
from studio.ui.widgets.dialogs import QuestionDialog
from studio.ui.widgets.text import rough_size, size
from tests.fakes import SLOW, until
from tests.ui.conftest import Desk
from tests.ui.test_panels import keep_seed

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}


def writer(folder: Path, licence: str = "mit") -> Path:
    """A story model as a hub would give it."""
    folder.mkdir(parents=True)
    save_file({"weight": np.arange(6, dtype=np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(LLAMA), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n# A tiny writer\n", encoding="utf-8")
    return folder


def models_page(desk: Desk) -> ModelsPage:
    page = desk.window.open("models")
    assert isinstance(page, ModelsPage)
    desk.until(
        lambda: not any(each.busy for each in (page._tasks, page.downloads._files, page._reckoning))
    )  # what is offered has been read
    return page


def brought(desk: Desk, page: ModelsPage, path: Path) -> None:
    page.import_files([path])
    desk.until(lambda: page.importer.isHidden())


def offered(page: ModelsPage, name: str) -> bool:
    """Whether the card has that button."""
    return any(each.isVisible() for each in page.card.findChildren(QWidget, name))


def removal(desk: Desk) -> QuestionDialog:
    """The question before the selected model is removed."""
    desk.click("model.remove")
    desk.until(lambda: desk.window.findChild(QuestionDialog, "removeModel"))
    box = desk.window.findChild(QuestionDialog, "removeModel")
    assert box is not None
    return box


def choose(desk: Desk, name: str, folder: Path) -> None:
    """Choose a folder in the open dialog of that name."""
    dialog = desk.window.findChild(QFileDialog, name)
    assert dialog is not None
    dialog.filesSelected.emit([str(folder)])
    dialog.close()


def drop(page: QWidget, path: Path) -> bool:
    """Drag a file over the page and let it go; whether the page wanted it."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    enter = QDragEnterEvent(
        page.rect().center(),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter.ignore()
    QApplication.sendEvent(page, enter)
    if not enter.isAccepted():
        return False
    centre = QPointF(page.rect().center())
    QApplication.sendEvent(
        page,
        QDropEvent(
            centre,
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        ),
    )
    return True


def ids(page: ModelsPage) -> list[str]:
    """The models that are shown, from the top."""
    return [entry.id for entry in page.list.entries()]


def current(page: ModelsPage) -> Model:
    entry = page.list.current()
    assert entry is not None
    assert entry.model is not None
    return entry.model


UPSCALER = {"features": 4, "layers": 1, "scale": 2}
STARTERS = ["avatar-starter", "poster-scenes", "story-starter", "music-starter"]


def test_it_lists_what_there_is_with_licence_and_size(desk: Desk) -> None:
    page = models_page(desk)
    assert ids(page) == STARTERS
    whole = size(sum(model.size for model in desk.studio.catalog.models()))
    assert page.total.text() == f"4 models · {whole}"
    titles = [page.list.rows.index(at).data() for at in range(page.list.rows.rowCount())]
    assert titles[:2] == ["Avatar", "Fake avatar"]
    assert desk.find("modelTitle").text() == "Fake avatar"  # type: ignore[attr-defined]
    assert desk.find("modelLicence").text().startswith("Apache 2.0.")  # type: ignore[attr-defined]
    assert desk.find("modelSells").text() == "Works may be sold"  # type: ignore[attr-defined]
    QTest.keyClick(page.list, Qt.Key.Key_Down)  # over the heading, to the next model
    assert desk.find("modelTitle").text() == "Fake poster"  # type: ignore[attr-defined]


def test_a_dropped_model_is_brought_in_and_can_be_used_at_once(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("story")
    page = models_page(desk)
    assert drop(page, writer(tmp_path / "Tiny writer"))
    desk.until(lambda: page.importer.isHidden())
    assert (current(page).id, current(page).medium) == ("tiny-writer", "story")
    assert desk.window.toast.message() == "Tiny writer is ready."
    desk.until(lambda: panel.form.fields["model"].box.findData("tiny-writer") >= 0)  # type: ignore[attr-defined]
    desk.click("model.use")
    assert desk.window.page == "story"
    assert panel.form.value().model == "tiny-writer"
    keep_seed(desk, "story", 5)
    desk.click("generate")
    desk.idle()
    assert panel.asset is not None
    assert panel.asset.request["model"] == "tiny-writer"


def test_what_is_no_file_is_not_taken(desk: Desk) -> None:
    page = models_page(desk)
    data = QMimeData()
    data.setText("a model")
    enter = QDragEnterEvent(
        page.rect().center(),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter.ignore()
    QApplication.sendEvent(page, enter)
    assert not enter.isAccepted()


def test_a_button_asks_for_a_folder(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    folder, *_ = page.add.menu().actions()
    folder.trigger()
    dialog = desk.window.findChild(QFileDialog, "chooseModel")
    assert dialog is not None
    dialog.filesSelected.emit([str(writer(tmp_path / "tiny"))])
    dialog.close()
    desk.until(lambda: len(ids(page)) == 5)


def test_a_licence_that_limits_use_is_agreed_to_first(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    path = writer(tmp_path / "tiny", licence="openrail")
    (path / "LICENSE").write_text("CreativeML Open RAIL: do no harm.", encoding="utf-8")

    def asked() -> QDialog:
        page.import_files([path])
        desk.until(lambda: desk.window.findChild(QDialog, "licence"))
        dialog = desk.window.findChild(QDialog, "licence")
        assert dialog is not None
        return dialog

    dialog = asked()
    assert dialog.findChild(QPlainTextEdit, "licenceText").toPlainText().startswith("CreativeML")  # type: ignore[union-attr]
    dialog.reject()
    desk.until(lambda: page.importer.isHidden())
    desk.until(lambda: desk.window.findChild(QDialog, "licence") is None)
    assert len(ids(page)) == 4
    dialog = asked()
    bring = desk.window.findChild(QWidget, "licenceBring")
    assert bring is not None
    assert not bring.isEnabled()
    dialog.findChild(QCheckBox, "licenceAgree").setChecked(True)  # type: ignore[union-attr]
    bring.click()  # type: ignore[attr-defined]
    desk.until(lambda: len(ids(page)) == 5)


def test_a_stylegan_checkpoint_is_asked_about_and_converted(desk: Desk, tmp_path: Path) -> None:
    from tests.official import toy  # brings torch along

    page = models_page(desk)
    page.import_files([toy("stylegan3-t-64").pickle(tmp_path / "portraits.pkl")])
    desk.until(lambda: desk.window.findChild(QDialog, "licence"))
    dialog = desk.window.findChild(QDialog, "licence")
    assert dialog is not None
    words = " ".join(one.text() for one in dialog.findChildren(QLabel))
    assert "Nvidia Source Code License" in words
    assert "research and evaluation only" in words
    dialog.findChild(QCheckBox, "licenceAgree").setChecked(True)  # type: ignore[union-attr]
    dialog.findChild(QPushButton, "licenceBring").click()  # type: ignore[union-attr]
    desk.until(lambda: "portraits" in ids(page))
    assert (desk.studio.paths.models / "portraits" / "model.safetensors").is_file()


def test_what_is_no_model_is_said_in_words(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    (tmp_path / "model.ckpt").write_bytes(b"x")
    brought(desk, page, tmp_path / "model.ckpt")
    assert "is a pickle, which can run any program" in page.bar.message()
    assert len(ids(page)) == 4


def test_an_import_can_be_cancelled(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = models_page(desk)
    copy, begun, go_on = storage.copy, threading.Event(), threading.Event()

    def slow(source: Path, target: Path, step: Callable[[int], object]) -> None:
        step(10)
        begun.set()
        assert go_on.wait(10)
        copy(source, target, step)

    monkeypatch.setattr(storage, "copy", slow)
    page.import_files([writer(tmp_path / "tiny"), writer(tmp_path / "other")])
    desk.until(begun.is_set)
    desk.until(lambda: page.importer.words.full_text().startswith("Copying tiny: 10 bytes of "))
    desk.click("importCancel")
    go_on.set()
    desk.until(lambda: page.importer.isHidden())
    assert len(ids(page)) == 4
    assert not page.bar.message()
    assert not list(desk.studio.paths.models.glob("*"))


@pytest.mark.parametrize("damaged", [False, True])
def test_a_file_that_was_cancelled_while_it_was_read_leaves_the_next_one_alone(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    page = models_page(desk)
    recognise, go_on, answered, read = detect.recognise, threading.Event(), threading.Event(), list[str]()

    def slow(path: Path, families: Families) -> DetectedModel:
        read.append(path.name)
        if path.name == "first":
            assert go_on.wait(10)
            if damaged:
                raise BadInput("It is damaged.")
        elif not go_on.is_set():
            go_on.set()
            assert answered.wait(10)
        return recognise(path, families)

    monkeypatch.setattr(detect, "recognise", slow)
    page.import_files([writer(tmp_path / "first")])
    desk.until(lambda: read == ["first"])
    desk.click("importCancel")
    page.import_files([writer(tmp_path / "second")])
    desk.until(go_on.is_set)
    desk.until(lambda: len(page.importer._tasks._waiting) == 1)
    answered.set()
    desk.until(lambda: page.importer.isHidden())
    assert [id for id in ids(page) if id not in STARTERS] == ["second"]
    assert (read[:2], page.bar.message()) == (["first", "second"], "")


def test_an_import_that_was_interrupted_goes_on_after_a_restart(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: QEventLoop
) -> None:
    page = models_page(desk)
    begun = threading.Event()
    copy = storage.copy

    def stuck(source: Path, target: Path, step: Callable[[int], object]) -> None:
        begun.set()
        job = next(job for job in desk.studio.queue.jobs() if job.request.kind == "import.model")
        until(lambda: job.cancelling)
        step(10)

    monkeypatch.setattr(storage, "copy", stuck)
    page.import_files([writer(tmp_path / "tiny")])
    desk.until(begun.is_set)
    desk.window.open("avatar")
    desk.close()
    monkeypatch.setattr(storage, "copy", copy)
    again = Desk(desk.home, loop)
    try:
        bar = again.window.resume_bar.bar
        assert bar.message() == "The studio closed while copying files. tiny"
        again.click("offerResume")
        assert again.window.page == "models"
        page = models_page(again)
        again.until(lambda: "tiny" in ids(page))
        again.until(lambda: page.importer.isHidden())
        again.until(lambda: again.window.toast.message() == "tiny is ready.")
    finally:
        again.close()


def test_the_queue_shows_imports_with_their_errors(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    (tmp_path / "gone.safetensors").write_bytes((500).to_bytes(8, "little") + b"{}")
    desk.studio.submit(ModelImportRequest(path=str(tmp_path / "gone.safetensors")))
    desk.idle()
    desk.click("stripQueue")
    failed, done = desk.window.queue.rows()
    assert done.name.full_text() == "tiny"
    assert done.state.full_text().startswith("Done")
    assert done.accessibleName().startswith("Import model, tiny")
    assert failed.why.text()
    assert failed.retry.isVisible()
    desk.window.open("avatar")
    desk.click("stripQueue")
    done = next(row for row in desk.window.queue.rows() if row.show_it.isVisible())
    done.show_it.click()
    assert desk.window.page == "models"
    assert page.bar.message(), "an import that was submitted elsewhere fails on its page too"


def test_removing_is_asked_about_and_said(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    folder = desk.studio.paths.models / "tiny"
    assert folder.is_dir()
    box = removal(desk)
    assert box.leave.isDefault()
    assert "cannot be made again" not in box.consequence.text()
    box.findChild(QWidget, "removeYes").click()  # type: ignore[union-attr]
    assert not folder.exists()
    assert [id for id in ids(page) if id not in STARTERS] == []
    assert desk.window.toast.message() == "tiny removed."


def test_what_came_with_the_studio_stays(desk: Desk) -> None:
    page = models_page(desk)
    assert page.card.findChild(QWidget, "model.remove") is None
    QTest.keyClick(page, Qt.Key.Key_Delete)
    assert desk.window.findChild(QuestionDialog, "removeModel") is None


def test_a_model_at_work_is_not_removed(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    page.use(current(page))
    keep_seed(desk, "story", SLOW)
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    models_page(desk).run("remove")
    assert page.bar.message().startswith("tiny is in use.")
    assert desk.window.findChild(QuestionDialog, "removeModel") is None


def test_a_model_that_a_job_uses_beside_its_own_is_not_removed(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Styled(Request):
        style: str = field("", ModelId(label="Style", help="", role="style"))

    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    with monkeypatch.context() as patched:
        patched.setattr(desk.studio.queue, "jobs", lambda: [Job(Styled(model="other", style="tiny"))])
        page.run("remove")
    assert page.bar.message().startswith("tiny is in use.")


def test_files_are_checked(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    desk.click("model.check")
    desk.until(lambda: "are complete and unchanged" in page.bar.message())
    weights = desk.studio.paths.models / "tiny" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    desk.click("model.check")
    desk.until(lambda: "have changed" in page.bar.message())


def test_a_card_can_be_read(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    desk.click("model.card")
    read = desk.window.findChild(QWidget, "readingText")
    assert read is not None
    assert read.toPlainText().strip() == "A tiny writer"  # type: ignore[attr-defined]
    desk.window.findChild(QDialog, "reading").accept()  # type: ignore[union-attr]


def test_models_that_others_brought_in_are_seen_when_the_page_is_shown(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    desk.window.open("library")
    Catalog(tmp_path / "none", desk.studio.paths.models, families()).import_(writer(tmp_path / "tiny"), "story")
    models_page(desk)
    desk.until(lambda: len(ids(page)) == 5)


@pytest.mark.parametrize(
    ("licence", "name", "free"),
    [
        ("apache-2.0", "Apache 2.0", True),
        ("CC-BY-4.0", "CC BY 4.0", True),
        ("own", "Your own", True),
        ("unknown", "Unknown", False),
        ("", "Unknown", False),
        ("cc-by-nc-4.0", "CC BY-NC 4.0", False),
        ("openrail", "OpenRAIL", False),
        ("llama3", "llama3", False),
    ],
)
def test_licences_are_told_in_words(licence: str, name: str, free: bool) -> None:
    told = terms(licence)
    assert (told.name, told.free) == (name, free)
    assert told.words


def test_a_card_says_what_kind_it_is_and_gives_the_sum_to_copy(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "writer"))
    model = current(page)
    said = [each.text() for each in page.card.findChildren(QLabel) if each.isVisible()]
    assert "Llama language model" in said
    assert "SHA-256 of the weights" in said
    assert "Fingerprint" not in said
    desk.click("model.sum")
    assert QGuiApplication.clipboard().text() == model.sha256
    assert len(model.sha256) == 64


def fetched_here(page: ModelsPage) -> bool:
    """Whether the selected model is the offered one, and is there."""
    entry = page.list.current()
    return entry is not None and entry.id == OFFER and entry.model is not None


OFFER = "smollm2-135m-instruct"
Bytes = Callable[[int, int], object]


def fetched(_source: object, folder: Path, into: str, _size: int, report: Bytes, _title: str) -> Path:
    report(1, 2)
    return writer(folder / into)


def test_an_offered_model_is_found_and_fetched_with_the_keyboard(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "fetch", fetched)
    page = models_page(desk)
    desk.click("place.available")
    assert OFFER in ids(page)
    assert "avatar-starter" not in ids(page)
    page.list.setFocus()
    QTest.keyClicks(page.list, "smollm2-135m")  # what is typed goes to the search
    assert page.filters.search.text() == "smollm2-135m"
    assert ids(page) == [OFFER]
    QTest.keyClick(page.filters.search, Qt.Key.Key_Down)
    assert page.list.hasFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Return)
    desk.until(lambda: desk.studio.catalog.listed(OFFER) is not None)
    assert desk.studio.catalog.default("story").id == OFFER
    desk.until(lambda: fetched_here(page))
    assert page.list.current() is not None
    assert page.list.current().key == f"available:{OFFER}", "it stays where it was chosen"  # type: ignore[union-attr]
    assert page.list.hasFocus()
    assert desk.find("model.use").isEnabled()
    assert desk.find("modelTitle").text() == current(page).title  # type: ignore[attr-defined]
    page.filters.clear()
    desk.click("place.installed")
    assert page.list.current().key == f"installed:{OFFER}"  # type: ignore[union-attr]
    desk.click("place.available")
    assert OFFER not in ids(page)


@dataclass
class Held:
    """A download that waits: `begun` is set once it has come half way, `go_on` lets it end."""

    begun: threading.Event
    go_on: threading.Event

    def fetch(self, source: object, folder: Path, into: str, size: int, report: Bytes, title: str) -> Path:
        report(312_000_000, 900_000_000)
        self.begun.set()
        assert self.go_on.wait(10)
        return fetched(source, folder, into, size, report, title)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    one = Held(threading.Event(), threading.Event())
    monkeypatch.setattr(packages, "fetch", one.fetch)
    return one


def begin_download(desk: Desk, page: ModelsPage, held: Held) -> None:
    desk.click("place.available")
    page.list.choose(f"available:{OFFER}")
    desk.click("model.get")
    desk.until(held.begun.is_set)
    desk.until(lambda: desk.find("downloadWords").text() == "312 of 900 MB")  # type: ignore[attr-defined]


@pytest.mark.parametrize("place", ["available", "installed"])
def test_a_download_that_ends_leaves_focus_selection_and_place(desk: Desk, held: Held, place: str) -> None:
    page = models_page(desk)
    begin_download(desk, page, held)
    desk.click(f"place.{place}")
    rows = page.list.entries()
    page.list.choose(rows[-1].key)
    desk.settle()
    page.filters.search.setFocus()
    desk.until(page.filters.search.hasFocus)
    bar = page.list.verticalScrollBar()
    bar.setValue(bar.value() - 20)
    before = (bar.value(), page.list.current().key)  # type: ignore[union-attr]
    held.go_on.set()
    desk.until(lambda: desk.studio.catalog.listed(OFFER) is not None)
    desk.idle()
    assert desk.window.toast.message().endswith(" is ready.")
    assert page.filters.search.hasFocus()
    assert page.filters.query.place == place
    assert page.list.current().key == before[1]  # type: ignore[union-attr]
    assert OFFER in ids(page), "in the list of those to get, nothing moves below the pointer"
    if place == "available":
        assert bar.value() == before[0]
    desk.window.open("avatar")
    models_page(desk)
    assert (OFFER in ids(page)) == (place == "installed")


def test_a_card_that_changes_keeps_the_focus(desk: Desk, held: Held) -> None:
    page = models_page(desk)
    begin_download(desk, page, held)
    desk.find("model.cancel").setFocus()
    desk.until(lambda: desk.find("model.cancel").hasFocus())
    held.go_on.set()
    desk.until(lambda: fetched_here(page))
    desk.until(lambda: desk.find("model.use").hasFocus())


def test_what_is_at_the_top_of_the_list_stays_when_models_come_above_it(desk: Desk, tmp_path: Path) -> None:
    for number in range(12):
        path = writer(tmp_path / f"writer-{number}")
        save_file({"weight": np.full(6, number, dtype=np.float32)}, path / "model.safetensors")
        desk.studio.catalog.import_(path, "story")
    page = models_page(desk)
    desk.until(lambda: len(ids(page)) == 16)
    page.list.choose("installed:writer-9")
    desk.settle()
    bar = page.list.verticalScrollBar()
    assert bar.value() > 0
    top = page.list.visualRect(page.list.currentIndex()).top()
    first = writer(tmp_path / "a-first")
    save_file({"weight": np.full(6, 99, dtype=np.float32)}, first / "model.safetensors")
    desk.studio.catalog.import_(first, "story")
    page.refresh()
    desk.settle()
    assert "a-first" in ids(page)
    assert current(page).id == "writer-9"
    assert page.list.visualRect(page.list.currentIndex()).top() == top


def test_a_download_shows_how_far_it_is_and_can_be_cancelled(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_source: object, folder: Path, into: str, _size: int, report: Bytes, _title: str) -> Path:
        report(312_000_000, 900_000_000)
        begun.set()
        assert go_on.wait(10)
        report(313_000_000, 900_000_000)
        raise AssertionError("it was cancelled")

    monkeypatch.setattr(packages, "fetch", slow)
    page = models_page(desk)
    desk.click("place.available")
    page.list.choose(f"available:{OFFER}")
    desk.click("model.get")
    desk.until(begun.is_set)
    desk.until(lambda: desk.find("downloadWords").text() == "312 of 900 MB")  # type: ignore[attr-defined]
    assert "312 of 900 MB" in page.list.currentIndex().data(Qt.ItemDataRole.AccessibleDescriptionRole)
    desk.window.open("avatar")
    models_page(desk)
    assert desk.find("downloadWords").text() == "312 of 900 MB"  # type: ignore[attr-defined]
    assert [each.id for each in desk.studio.catalog.downloads()] == [OFFER]
    desk.click("model.cancel")
    go_on.set()
    desk.idle()
    desk.until(lambda: desk.studio.catalog.downloads() == [])
    assert desk.find("model.get").isEnabled()
    assert OFFER in ids(page)
    assert not page.bar.message()


def test_a_download_that_fails_says_why_on_its_card_and_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_source: object, folder: Path, into: str, _size: int, report: Bytes, _title: str) -> Path:
        raise StudioError("The server does not answer.", "Check the connection.")

    monkeypatch.setattr(packages, "fetch", broken)
    page = models_page(desk)
    desk.click("place.available")
    page.list.choose(f"available:{OFFER}")
    desk.click("model.get")
    desk.idle()
    assert desk.find("downloadTitle").text() == "The server does not answer."  # type: ignore[attr-defined]
    assert desk.find("downloadHint").text() == "Check the connection."  # type: ignore[attr-defined]
    desk.window.open("avatar")
    models_page(desk)
    monkeypatch.setattr(packages, "fetch", fetched)
    desk.click("model.retry")
    desk.until(lambda: fetched_here(page))


def test_a_newer_version_is_offered_and_takes_the_place_of_the_old_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = [1.0]

    def fetch(_source: object, folder: Path, into: str, _size: int, report: Bytes, _title: str) -> Path:
        report(1, 2)
        place = writer(folder / into)
        save_file({"weight": np.full(6, value[0], dtype=np.float32)}, place / "model.safetensors")
        return place

    monkeypatch.setattr(packages, "fetch", fetch)
    page = models_page(desk)
    desk.click("place.available")
    page.list.choose(f"available:{OFFER}")
    desk.click("model.get")
    desk.until(lambda: fetched_here(page))
    desk.click("place.installed")
    assert not offered(page, "model.update")
    page.use(current(page))
    keep_seed(desk, "story", 5)
    desk.click("generate")
    desk.idle()
    (work,) = desk.studio.library.page()
    old = desk.studio.catalog.get(OFFER)
    package = next(each for each in desk.studio.catalog.offers if each.id == OFFER)
    assert package.package is not None
    wheels = tuple(replace(each, version="9.9") for each in package.package.wheels)
    newer = replace(package, sources=(replace(package.package, wheels=wheels),))
    monkeypatch.setattr(catalogs, "offers", lambda: (newer,))
    monkeypatch.setattr(imports, "offer", lambda _: newer)
    value[0] = 2.0
    page = models_page(desk)
    page._take_offers(desk.studio.catalog.offers)
    page.list.choose(f"installed:{OFFER}")
    assert desk.find("modelNewer").text() == "The catalogue has a newer version."  # type: ignore[attr-defined]
    desk.click("model.update")
    desk.until(lambda: desk.window.findChild(QuestionDialog, "updateModel"))
    box = desk.window.findChild(QuestionDialog, "updateModel")
    assert box is not None
    assert "1 work was made with the version that is here." in box.consequence.text()
    box.findChild(QWidget, "updateYes").click()  # type: ignore[union-attr]
    desk.until(lambda: desk.studio.catalog.get(OFFER).sha256 != old.sha256)
    desk.idle()
    assert current(page).id == OFFER
    assert current(page).source.endswith(" 9.9")
    assert not offered(page, "model.update")
    assert len([id for id in ids(page) if id.startswith(OFFER)]) == 1
    (kept,) = desk.studio.library.page()
    assert kept.provenance == work.provenance
    assert kept.provenance.model is not None
    assert kept.provenance.model.sha256 == old.sha256


def test_filters_are_combined_and_cleared(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    page.filters.set_query(ModelQuery(medium="story"))
    assert ids(page) == ["story-starter", "tiny"]
    page.filters.set_query(ModelQuery(medium="story", text="TINY mit"))  # title and licence
    assert ids(page) == ["tiny"]
    desk.click("filter.sold")
    assert ids(page) == ["tiny"]
    page.filters.set_query(ModelQuery(text="enlarges ncnn"))
    assert ids(page) == []
    assert not page.card.isVisible()
    assert desk.find("nothing").text() == "No results"  # type: ignore[attr-defined]
    desk.click("wayOut")  # those that can be fetched do
    assert ids(page) == ["realesr-animevideov3", "realesrgan-x4plus-anime", "realesrgan-x4plus"]
    page.filters.set_query(ModelQuery(place="available", text="enlarges ncnn", order="largest"))
    assert ids(page) == ["realesrgan-x4plus", "realesrgan-x4plus-anime", "realesr-animevideov3"]
    page.filters.set_query(ModelQuery(place="available", text="no such model"))
    desk.click("wayOut")
    assert page.filters.query == ModelQuery(place="available")
    assert len(ids(page)) == len(desk.studio.catalog.offers)


def test_the_head_says_how_many_are_shown_of_how_many(desk: Desk) -> None:
    page, there = models_page(desk), len(desk.studio.catalog.offers)
    page.filters.set_query(ModelQuery(place="available"))
    assert page.total.text() == f"{there} models"
    page.filters.search.setText("realesr")
    assert page.total.text() == f"{len(ids(page))} of {there} models"
    assert 0 < len(ids(page)) < there
    page.filters.search.setText("no such model")
    assert page.total.text() == f"0 of {there} models"
    page.filters.set_query(ModelQuery(medium="story"))
    assert page.total.text().startswith("1 of 4 models · ")
    desk.window.resize(1024, 640)
    desk.settle()
    assert page.total.isVisible()


def test_sizes_that_are_estimates_are_rounded(desk: Desk) -> None:
    page = models_page(desk)
    page.filters.set_query(ModelQuery(place="available"))
    estimated = next(each for each in desk.studio.catalog.offers if each.id == "stable-diffusion-v1-5")
    assert estimated.computed
    page.list.choose(f"available:{estimated.id}")
    assert desk.find("model.get").text() == "Get (about 2.7 GB)"  # type: ignore[attr-defined]
    assert "about 2.7 GB" in page.list.currentIndex().data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert dict(offer_facts(of_offer(estimated)))["Download"] == "about 2.7 GB"
    listed = HubSource("toys/fox", ("a",), sizes={"a": 494_212_345})
    known = dict(offer_facts(of_offer(replace(estimated, sources=(listed,)))))
    assert (known["Download"], known["Size on disk"]) == ("494.2 MB", "about 2.7 GB")
    page.list.choose(f"available:{OFFER}")
    assert desk.find("model.get").text() == "Get (92.9 MB)"  # type: ignore[attr-defined]
    assert [rough_size(each) for each in (494_212_345, 90_000_000, 2_000_000_000, 16_270_000_000)] == [
        "about 490 MB", "about 90 MB", "about 2 GB", "about 16 GB"
    ]  # fmt: skip


def test_may_be_sold_means_what_it_means_on_the_command_line(desk: Desk) -> None:
    page = models_page(desk)
    page.filters.set_query(ModelQuery(place="available", sold=True))
    sold = {each.id for each in search(desk.studio.catalog.offers, sells=SOLD)}
    assert set(ids(page)) == sold
    assert "flux.1-dev" in sold, "on conditions"
    assert "sdxl-turbo" not in sold
    page.list.choose("available:flux.1-dev")
    assert desk.find("modelSells").text() == "Works may be sold on conditions"  # type: ignore[attr-defined]
    terms_there = next(each.terms for each in desk.studio.catalog.offers if each.id == "flux.1-dev")
    assert terms_there in desk.find("modelLicence").text()  # type: ignore[attr-defined]


def test_works_of_some_models_may_not_be_sold(desk: Desk, tmp_path: Path) -> None:
    path = writer(tmp_path / "tiny", licence="cc-by-nc-4.0")
    desk.studio.catalog.import_(path, "story", accept_licence=True)
    page = models_page(desk)
    desk.until(lambda: len(ids(page)) == 5)
    page.list.choose("installed:tiny")
    assert desk.find("modelSells").text() == "Works may not be sold"  # type: ignore[attr-defined]
    desk.click("filter.sold")
    assert ids(page) == STARTERS
    desk.click("clearFilters")
    assert len(ids(page)) == 5


def test_the_shortcut_of_the_search_leads_to_the_search_of_this_page(desk: Desk) -> None:
    page = models_page(desk)
    desk.act("find")
    assert desk.window.page == "models"
    assert page.filters.search.hasFocus()
    QTest.keyClicks(page.filters.search, "poster")
    assert ids(page) == ["poster-scenes"]
    QTest.keyClick(page.filters.search, Qt.Key.Key_Escape)
    assert ids(page) == STARTERS


def test_home_leads_to_the_first_model_and_return_presses_the_button_that_has_the_focus(desk: Desk) -> None:
    page = models_page(desk)
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_End)
    assert current(page).id == STARTERS[-1]
    QTest.keyClick(page.list, Qt.Key.Key_Home)
    assert current(page).id == STARTERS[0]
    chip = desk.find("filter.sold")
    chip.setFocus()
    desk.until(chip.hasFocus)
    QTest.keyClick(chip, Qt.Key.Key_Return)
    assert page.filters.query.sold
    use = desk.find("model.use")
    use.setFocus()
    desk.until(use.hasFocus)
    QTest.keyClick(use, Qt.Key.Key_Return)
    assert desk.window.page == "avatar"


def test_place_order_and_model_come_back_at_the_next_start(desk: Desk, loop: QEventLoop) -> None:
    page = models_page(desk)
    page.filters.set_query(ModelQuery(place="available", order="smallest"))
    page.list.choose("available:realesrgan-x4plus")
    desk.close()
    again = Desk(desk.home, loop)
    try:
        page = models_page(again)
        assert page.filters.query == ModelQuery(place="available", order="smallest")
        entry = page.list.current()
        assert entry is not None
        assert entry.id == "realesrgan-x4plus"
    finally:
        again.close()


def test_the_rate_of_a_download_is_that_of_the_last_seconds() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    pace.step(0)
    assert pace.rate == 0.0
    for second in range(1, 11):
        now[0] = float(second)
        pace.step(1_000_000 * second)
    assert pace.rate == pytest.approx(1_000_000)
    for second in range(11, 31):
        now[0] = float(second)
        pace.step(10_000_000 + 3_000_000 * (second - 10))
    assert pace.rate == pytest.approx(3_000_000)
    state = DownloadState("fetching", 30_000_000, 90_000_000, pace.rate)
    assert (state.words, state.pace) == ("30 of 90 MB", "3.0 MB a second, 20 s left")


def test_removing_says_what_depends_on_the_model(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    page.use(current(page))
    keep_seed(desk, "story", 5)
    desk.click("generate")
    desk.idle()
    models_page(desk)
    box = removal(desk)
    assert "1 work was made with it, and cannot be made again without it." in box.consequence.text()
    box.findChild(QWidget, "removeYes").click()  # type: ignore[union-attr]
    assert "tiny" not in ids(page)
    assert desk.studio.library.count() == 1


def test_models_in_another_folder_are_found_and_used_in_place(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "others"
    weights = writer(folder / "their-writer") / "model.safetensors"
    other = writer(folder / "their-research", licence="cc-by-nc-4.0")
    save_file({"weight": np.ones(9, dtype=np.float32)}, other / "model.safetensors")
    before = weights.stat()
    page = models_page(desk)
    desk.click("place.machine")
    desk.idle()
    assert desk.find("nothing").text() == "No models of other programs were found"  # type: ignore[attr-defined]
    desk.click("wayOut")
    choose(desk, "chooseLook", folder)
    desk.idle()
    assert [entry.title for entry in page.list.entries()] == ["their-research", "their-writer"]
    assert page.list.rows.index(0).data() == "Other folders"
    page.list.choose(f"machine:{folder / 'their-writer'}")
    desk.click("model.link")
    desk.until(lambda: page.list.current() is not None and page.list.current().place == "installed")  # type: ignore[union-attr]
    assert current(page).linked
    assert desk.find("modelFolder").full_text() == str(folder / "their-writer")  # type: ignore[attr-defined]
    assert not offered(page, "model.move")
    after = weights.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
    desk.click("place.machine")
    page.list.choose(f"machine:{folder / 'their-writer'}")
    desk.click("model.show")
    box = removal(desk)
    assert f"Its files stay in {folder / 'their-writer'}." in box.consequence.text()
    box.findChild(QWidget, "removeYes").click()  # type: ignore[union-attr]
    assert weights.is_file()
    desk.click("place.machine")
    page.list.choose(f"machine:{folder / 'their-writer'}")
    assert desk.find("model.link").isEnabled()
    page.list.choose(f"machine:{folder / 'their-research'}")
    desk.click("model.link")  # its licence is asked about
    dialog = desk.window.findChild(QDialog, "licence")
    assert dialog is not None
    dialog.reject()
    assert len(desk.studio.catalog.models()) == 4


def test_what_cannot_run_is_listed_with_the_reason(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "old.ckpt").write_bytes(b"x" * 100)
    page = models_page(desk)
    page.found.add_folders([tmp_path / "others"])
    desk.click("place.machine")
    desk.idle()
    [entry] = page.list.entries()
    assert entry.reason
    assert desk.find("cannotTitle").text() == entry.reason  # type: ignore[attr-defined]
    assert not offered(page, "model.link")


def test_a_model_moves_to_another_disk_and_back(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    other = tmp_path / "disk"
    other.mkdir()
    desk.click("model.move")
    choose(desk, "chooseDisk", other)
    desk.idle()
    assert current(page).moved.startswith(str(other))
    assert list(other.rglob("*.safetensors"))
    assert str(other) in desk.window.toast.message()
    desk.click("model.back")
    desk.idle()
    assert not current(page).moved
    assert not list(other.rglob("*.safetensors"))


def test_a_model_whose_disk_is_away_says_so(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    page.importer.move_model(current(page), tmp_path / "disk")
    desk.idle()
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    desk.studio.catalog.refresh()
    page.refresh()
    page.list.choose("installed:tiny")
    assert desk.find("cannotTitle").text()  # type: ignore[attr-defined]
    assert not offered(page, "model.use")
    assert not page.bar.message()
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    desk.studio.catalog.refresh()
    page.refresh()
    assert desk.find("model.use").isEnabled()


def test_the_list_stays_where_it_is_when_models_are_read_again(desk: Desk) -> None:
    page = models_page(desk)
    desk.click("place.available")
    page.list.choose("available:realesrgan-x4plus")
    bar = page.list.verticalScrollBar()
    desk.settle()
    assert bar.value() > 0
    assert page.list.viewport().rect().intersects(page.list.visualRect(page.list.currentIndex()))
    bar.setValue(bar.value() // 2)
    before = bar.value()
    page.refresh()
    desk.settle()
    assert bar.value() == before
    assert page.list.current() is not None
    assert page.list.current().id == "realesrgan-x4plus"  # type: ignore[union-attr]


def test_the_settings_of_a_page_lead_to_more_models_of_its_medium(desk: Desk) -> None:
    desk.panel("music")
    desk.click("model.more")
    assert desk.window.page == "models"
    page = models_page(desk)
    assert page.filters.query == ModelQuery(place="available", medium="music")
    assert {entry.medium for entry in page.list.entries()} == {"music"}


def test_models_say_whether_they_fit_this_machine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Machine("cpu", 16_000_000_000, 8_000_000_000)
    asked: list[int] = []

    def machine() -> Machine:
        asked.append(1)
        return small

    monkeypatch.setattr(desk.studio.fit, "_machine", machine)
    page = models_page(desk)
    desk.click("place.available")
    desk.until(lambda: page._fits)
    assert len(asked) < 5, "not once for each model"
    page.list.choose("available:qwen-image")
    assert desk.find("modelFit").text() == "Too large for this machine"  # type: ignore[attr-defined]
    other = page._fits["available:qwen-image"].other
    assert other is not None
    assert other.offer.medium == "poster"
    assert f"{other.offer.title} would" in desk.find("modelTakes").text()  # type: ignore[attr-defined]
    page.filters.search.setText("qwen")
    desk.find("model.other").setFocus()
    QTest.keyClick(desk.find("model.other"), Qt.Key.Key_Space)
    assert page.list.current().id == other.offer.id  # type: ignore[union-attr]
    assert desk.find("modelFit").text() != "Too large for this machine"  # type: ignore[attr-defined]
    page.list.choose(f"available:{OFFER}")
    assert desk.find("modelFit").text() in ("Runs well here", "Runs slowly here")  # type: ignore[attr-defined]
    entry = page.list.current()
    assert entry is not None
    assert entry.fit is not None
    page.card.show_entry(replace(entry, fit=replace(entry.fit, seconds=400.0)))
    assert desk.find("modelFit").text() == "Runs slowly here"  # type: ignore[attr-defined]
    assert desk.find("modelTakes").text().startswith("About 7 minutes, ")  # type: ignore[attr-defined]
    desk.click("filter.fits")
    assert OFFER in ids(page)
    assert "qwen-image" not in ids(page)


def test_where_an_installed_model_is_from_is_said_as_before_it_was_fetched(desk: Desk) -> None:
    model = replace(desk.studio.catalog.get("story-starter"), bundled=False)
    for recorded, said in [
        (f"hub:toys/fox@{'0123456789ab' + 28 * 'c'}", "toys/fox (0123456789ab)"),
        ("package llm-toy 1.2", "llm-toy 1.2"),
        ("imported", "Imported"),
        ("https://example.org/a.gguf", "https://example.org/a.gguf"),
    ]:
        assert dict(model_facts(replace(model, source=recorded)))["Source"] == said


def test_what_has_no_page_is_not_offered_to_be_used(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    tensors = {name: np.ones(shape, np.float32) for name, shape in network_shapes("srvgg", UPSCALER).items()}
    folder = tmp_path / "toy"
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "srvgg", **UPSCALER}), encoding="utf-8")
    page._imported(desk.studio.catalog.import_(folder, "upscale", licence="mit"))
    toast = desk.window.toast
    assert toast.message() == "toy is ready."
    assert "Use it" not in [each.text() for each in toast.findChildren(QPushButton)]
    brought(desk, page, writer(tmp_path / "tiny"))
    assert "Use it" in [each.text() for each in toast.findChildren(QPushButton)]


def test_languages_have_names(desk: Desk) -> None:
    offer = next(each for each in desk.studio.catalog.offers if each.id == "qwen3-0.6b")
    named = dict(offer_facts(of_offer(offer)))["Languages"]
    assert named.startswith("English, Chinese, German, French, ")
    assert {code for each in desk.studio.catalog.offers for code in each.languages} <= LANGUAGES.keys()
