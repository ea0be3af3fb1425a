"""The models page: what is listed, bringing in by button and by drop, licences, cancel, removing, using."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialog,
    QFileDialog,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)
from qasync import QEventLoop
from safetensors.numpy import save_file

from studio.backends import families
from studio.errors import BadInput
from studio.jobs.imports import ModelImportRequest
from studio.jobs.job import Job
from studio.models import detect, packages
from studio.models.catalog import Catalog
from studio.models.detect import DetectedModel
from studio.models.families import Families
from studio.models.offers import Offer
from studio.schema.fields import ModelId, field
from studio.schema.request import Request
from studio.system import storage
from studio.ui.pages.licences import terms
from studio.ui.pages.models import ModelsPage
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
    return page


def brought(desk: Desk, page: ModelsPage, path: Path) -> None:
    page.import_files([path])
    desk.until(lambda: page.importer.isHidden())


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


def test_it_lists_what_there_is_with_licence_and_size(desk: Desk) -> None:
    page = models_page(desk)
    assert [model.id for model in page.list.models()] == [
        "avatar-starter",
        "poster-starter",
        "story-starter",
        "music-starter",
    ]
    assert page.total.text().startswith("4 models")
    titles = [page.list.item(at).text() for at in range(page.list.count())]
    assert titles[:2] == ["Avatar", "Fake avatar"]
    assert desk.find("modelTitle").text() == "Fake avatar"  # type: ignore[attr-defined]
    assert desk.find("modelLicence").text().startswith("Apache 2.0.")  # type: ignore[attr-defined]
    QTest.keyClick(page.list, Qt.Key.Key_Down)  # over the heading, to the next model
    assert desk.find("modelTitle").text() == "Fake poster"  # type: ignore[attr-defined]


def test_a_dropped_model_is_brought_in_and_can_be_used_at_once(desk: Desk, tmp_path: Path) -> None:
    panel = desk.panel("story")
    page = models_page(desk)
    assert drop(page, writer(tmp_path / "Tiny writer"))
    desk.until(lambda: page.importer.isHidden())
    current = page.list.current()
    assert current is not None
    assert (current.id, current.medium) == ("tiny-writer", "story")
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
    desk.until(lambda: len(page.list.models()) == 5)


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
    assert len(page.list.models()) == 4
    dialog = asked()
    bring = desk.window.findChild(QWidget, "licenceBring")
    assert bring is not None
    assert not bring.isEnabled()
    dialog.findChild(QCheckBox, "licenceAgree").setChecked(True)  # type: ignore[union-attr]
    bring.click()  # type: ignore[attr-defined]
    desk.until(lambda: len(page.list.models()) == 5)


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
    desk.until(lambda: "portraits" in {model.id for model in page.list.models()})
    assert (desk.studio.paths.models / "portraits" / "model.safetensors").is_file()


def test_what_is_no_model_is_said_in_words(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    (tmp_path / "model.ckpt").write_bytes(b"x")
    brought(desk, page, tmp_path / "model.ckpt")
    assert "is a pickle, which can run any program" in page.bar.message()
    assert len(page.list.models()) == 4


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
    assert len(page.list.models()) == 4
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
    assert [model.id for model in page.list.models() if not model.bundled] == ["second"]
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
        again.until(lambda: any(model.id == "tiny" for model in page.list.models()))
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
    desk.click("model.remove")
    box = desk.window.findChild(QMessageBox, "removeModel")
    assert box is not None
    assert box.defaultButton() is not box.findChild(QWidget, "removeYes")
    box.findChild(QWidget, "removeYes").click()  # type: ignore[union-attr]
    assert not folder.exists()
    assert [model.id for model in page.list.models() if not model.bundled] == []
    assert desk.window.toast.message() == "tiny removed."


def test_what_came_with_the_studio_stays(desk: Desk) -> None:
    page = models_page(desk)
    assert page.card.findChild(QWidget, "model.remove") is None
    QTest.keyClick(page, Qt.Key.Key_Delete)
    assert desk.window.findChild(QMessageBox, "removeModel") is None


def test_a_model_at_work_is_not_removed(desk: Desk, tmp_path: Path) -> None:
    page = models_page(desk)
    brought(desk, page, writer(tmp_path / "tiny"))
    page.use(page.list.current())  # type: ignore[arg-type]
    keep_seed(desk, "story", SLOW)
    desk.click("generate")
    desk.until(lambda: any(job.state == "running" for job in desk.studio.queue.jobs()))
    models_page(desk).run("remove")
    assert page.bar.message().startswith("tiny is in use.")
    assert desk.window.findChild(QMessageBox, "removeModel") is None


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
    desk.until(lambda: len(page.list.models()) == 5)


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
    model = page.list.current()
    assert model is not None
    said = [each.text() for each in page.card.findChildren(QLabel) if each.isVisible()]
    assert "Llama language model" in said
    assert "SHA-256 of the weights" in said
    assert "Fingerprint" not in said
    desk.click("model.sum")
    assert QGuiApplication.clipboard().text() == model.sha256
    assert len(model.sha256) == 64


def test_an_offered_model_is_fetched_from_the_menu(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(offer: Offer, folder: Path, report: Callable[[int, int], object]) -> Path:
        report(1, 2)
        return writer(folder / offer.id)

    monkeypatch.setattr(packages, "fetch", fetched)
    page = models_page(desk)
    menu, get = page.add.menu(), page.add.menu().findChild(QAction, "get-smollm2-135m-instruct")
    menu.aboutToShow.emit()
    assert get.isVisible()
    get.trigger()
    desk.until(lambda: desk.studio.catalog.listed("smollm2-135m-instruct") is not None)
    assert desk.studio.catalog.default("story").id == "smollm2-135m-instruct"
    desk.until(lambda: page.list.current() is not None and page.list.current().id == "smollm2-135m-instruct")  # type: ignore[union-attr]
    menu.aboutToShow.emit()
    assert not get.isVisible()
