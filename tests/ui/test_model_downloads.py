"""Downloads on the models page: an address, pause, continue, cancel, restart, licences and tokens of the hub."""

from __future__ import annotations

import shutil

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QDialog, QLabel, QPushButton, QWidget
from qasync import QEventLoop

from studio.models.catalog import DOWNLOADS
from studio.models.sources import hub
from studio.ui.models.dialogs import source_of
from studio.ui.models.page import ModelsPage
from tests.core.test_hub import WEIGHTS, WRITER, fake_hub, toy_keyring  # noqa: F401 - fixtures
from tests.fake_hub import FIRST, FakeHub
from tests.file_server import cut, hold, status
from tests.ui.conftest import Desk
from tests.ui.test_models_page import current, models_page

FILE = f"/cdn/{FIRST}/model.safetensors"


def dialog(desk: Desk, name: str) -> QDialog:
    desk.until(lambda: any(each.isVisible() for each in desk.window.findChildren(QDialog, name)))
    return next(each for each in desk.window.findChildren(QDialog, name) if each.isVisible())


def press(asked: QDialog, name: str) -> None:
    made = asked.findChild(QWidget, name)
    assert made is not None
    assert made.isEnabled()
    made.click()  # type: ignore[attr-defined]


def get_from(desk: Desk, page: ModelsPage, address: str) -> None:
    """As a person does: the menu, the address, Get."""
    menu = page.add.menu()
    next(action for action in menu.actions() if action.objectName() == "addAddress").trigger()
    asked = dialog(desk, "address")
    line = asked.findChild(QWidget, "addressLine")
    assert line is not None
    QTest.keyClicks(line, address)
    QTest.keyClick(line, Qt.Key.Key_Return)


def downloading(desk: Desk, fake_hub: FakeHub, address: str = "toys/fox") -> ModelsPage:  # noqa: F811
    """The page while a download that was asked for there has come to 100 kB, and goes no further."""
    fake_hub.server.faults[FILE] = [hold(100_000)]
    page = models_page(desk)
    get_from(desk, page, address)
    desk.until(fake_hub.server.reached.is_set)
    desk.until(lambda: text(desk, "downloadWords").startswith("100 of "))
    return page


def text(desk: Desk, name: str) -> str:
    """The words of a widget; empty while it is not shown."""
    page = desk.window.pages.currentWidget()
    assert page is not None
    return next((each.text() for each in page.findChildren(QLabel, name) if each.isVisible()), "")


def _on(page: ModelsPage, widget: QWidget) -> QRect:
    """Where a widget of the card lies in what is shown of it."""
    return QRect(widget.mapTo(page.card._area.viewport(), QPoint()), widget.size())


def installed(page: ModelsPage) -> bool:
    entry = page.list.current()
    return entry is not None and entry.model is not None and not entry.model.bundled


def test_a_download_pauses_goes_on_and_survives_a_restart(
    desk: Desk,
    fake_hub: FakeHub,  # noqa: F811
    loop: QEventLoop,
) -> None:
    page = downloading(desk, fake_hub)
    entry = page.list.current()
    assert entry is not None
    assert (entry.title, entry.sentence) == ("fox", "From toys/fox")
    desk.click("model.pause")
    desk.until(lambda: text(desk, "downloadWords").startswith("Paused at 100 of "))
    desk.close()
    fake_hub.server.closing.set()

    again = Desk(desk.home, loop)
    try:
        page = models_page(again)
        assert text(again, "downloadWords").startswith("Paused at 100 of ")
        again.click("model.continue")
        again.until(lambda: installed(page))
        assert (current(page).title, current(page).medium) == ("fox", "story")
        assert sum(sent for _, sent in fake_hub.fetched("model.safetensors")) < len(WEIGHTS) + 100_000
        again.click("place.available")
        assert not [each for each in page.list.entries() if each.download is not None]
    finally:
        again.close()


def test_a_cancelled_download_leaves_nothing(desk: Desk, fake_hub: FakeHub) -> None:  # noqa: F811
    page = downloading(desk, fake_hub, "https://huggingface.co/toys/fox")
    desk.click("model.cancel")
    desk.idle()
    desk.until(lambda: not desk.studio.catalog.downloads())
    desk.settle()
    assert not [each for each in page.list.entries() if each.download is not None]
    assert not page.bar.message()


def test_a_download_that_breaks_off_is_tried_again_from_there(desk: Desk, fake_hub: FakeHub) -> None:  # noqa: F811
    fake_hub.server.faults[FILE] = [cut(100_000), *[status(503)] * 9]
    page = models_page(desk)
    get_from(desk, page, "toys/fox")
    desk.idle()
    assert "503" in text(desk, "downloadTitle") + text(desk, "downloadHint")
    fake_hub.server.faults.clear()
    desk.click("model.retry")
    desk.until(lambda: installed(page))


def test_a_licence_is_accepted_before_its_model_is_fetched(desk: Desk, fake_hub: FakeHub) -> None:  # noqa: F811
    files = {**WRITER, "README.md": b"---\nlicense: cc-by-nc-4.0\n---\n"}
    fake_hub.add("toys/bear", files, licence="cc-by-nc-4.0")
    page = models_page(desk)
    get_from(desk, page, "toys/bear")
    desk.idle()
    assert "licence" in text(desk, "downloadTitle")
    assert not fake_hub.fetched("model.safetensors")
    assert desk.studio.catalog.downloads() == [], "nothing has come of it"
    assert page.list.current().title == "bear"  # type: ignore[union-attr]
    desk.click("model.accept")
    asked = dialog(desk, "licence")
    box = asked.findChild(QCheckBox, "licenceAgree")
    assert box is not None
    box.setChecked(True)
    press(asked, "licenceBring")
    desk.until(lambda: installed(page))
    assert text(desk, "modelSells") == "Works may not be sold"


def test_a_token_is_asked_for_where_the_hub_wants_one(desk: Desk, fake_hub: FakeHub) -> None:  # noqa: F811
    fake_hub.repositories["toys/fox"].token = "hf_right"
    page = models_page(desk)
    get_from(desk, page, "toys/fox")
    desk.idle()
    assert "account" in text(desk, "downloadTitle")
    assert text(desk, "downloadHint") == "Accept it on its page, make a token there, and enter it here."
    assert page.card._inside.width() <= page.card._area.viewport().width(), "nothing of the card is cut off"
    shown = [each for each in page.card.findChildren(QPushButton) if each.isVisible()]
    assert {"model.token", "model.retry", "model.cancel"} <= {each.objectName() for each in shown}
    assert all(each.width() >= each.sizeHint().width() for each in shown)
    assert all(page.card._area.viewport().rect().contains(_on(page, each)) for each in shown[:2])
    desk.click("model.token")
    asked = dialog(desk, "token")
    line = asked.findChild(QWidget, "tokenLine")
    assert line is not None
    QTest.keyClicks(line, "hf_right")
    press(asked, "tokenSave")
    desk.until(lambda: installed(page))
    assert hub.token_place() == "keyring"


def test_a_download_that_was_refused_before_its_first_byte_goes(desk: Desk, fake_hub: FakeHub) -> None:  # noqa: F811
    fake_hub.repositories["toys/fox"].token = "hf_right"
    page = models_page(desk)
    get_from(desk, page, "toys/fox")
    desk.idle()
    assert "account" in text(desk, "downloadTitle")
    assert desk.studio.catalog.downloads() == []
    desk.click("model.cancel")
    desk.settle()
    assert not [each for each in page.list.entries() if each.download is not None]


def test_a_download_that_was_cut_off_is_offered_on_its_card_alone(
    desk: Desk,
    fake_hub: FakeHub,  # noqa: F811
    loop: QEventLoop,
) -> None:
    page = downloading(desk, fake_hub)
    desk.close()
    fake_hub.server.closing.set()
    again = Desk(desk.home, loop)
    try:
        assert not again.window.resume_bar.isVisible()
        assert not again.studio.queue.interrupted
        page = models_page(again)
        assert text(again, "downloadWords").startswith("Paused at 100 of ")
        again.click("model.continue")
        again.until(lambda: installed(page))
    finally:
        again.close()


def test_a_download_that_had_not_begun_is_not_forgotten(
    desk: Desk,
    fake_hub: FakeHub,  # noqa: F811
    loop: QEventLoop,
) -> None:
    page = downloading(desk, fake_hub)
    place = desk.studio.catalog.downloads()[0].id
    desk.close()
    fake_hub.server.closing.set()
    for folder in desk.home.rglob(f"{DOWNLOADS}/{place}"):
        shutil.rmtree(folder)
    again = Desk(desk.home, loop)
    try:
        assert again.window.resume_bar.isVisible()
        again.click("offerResume")
        page = models_page(again)
        again.until(lambda: installed(page))
    finally:
        again.close()


def test_what_is_no_address_is_said_in_the_dialog(desk: Desk) -> None:
    page = models_page(desk)
    get_from(desk, page, "three words here")
    asked = dialog(desk, "address")
    title = asked.findChild(QWidget, "addressTitle")
    assert title is not None
    assert "is no address of a model" in title.text()  # type: ignore[attr-defined]
    asked.reject()
    assert not desk.studio.queue.jobs()


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("owner/model", "hub:owner/model"),
        (" owner/model@main ", "hub:owner/model@main"),
        ("owner/model:a.gguf", "hub:owner/model:a.gguf"),
        ("hub:owner/model", "hub:owner/model"),
        ("https://huggingface.co/owner/model", "hub:owner/model"),
        ("https://huggingface.co/owner/model/tree/v1", "hub:owner/model@v1"),
        ("https://hf.co/owner/model/", "hub:owner/model"),
        ("https://example.org/a.safetensors", "https://example.org/a.safetensors"),
        (
            "https://huggingface.co/owner/model/resolve/main/a.gguf",
            "https://huggingface.co/owner/model/resolve/main/a.gguf",
        ),
    ],
)
def test_a_name_or_page_of_the_hub_is_understood(written: str, source: str) -> None:
    assert source_of(written) == source
