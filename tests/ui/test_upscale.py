"""Upscaling in the window: from the library, many at once, and from the stage; and what it says without a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from studio.checkpoints.upscalers import network_shapes
from studio.jobs.job import JobGroup
from studio.library.library import LibraryQuery
from studio.ui.upscale.dialog import UpscaleDialog
from tests.ui.conftest import Desk
from tests.ui.test_library_page import choose, fill, page

SIZES = {"features": 4, "layers": 1, "scale": 2}


def install(desk: Desk, folder: Path) -> str:
    """The id of an upscaler that was imported."""
    folder.mkdir()
    tensors = {name: np.ones(shape, np.float32) for name, shape in network_shapes("srvgg", SIZES).items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "srvgg", **SIZES}), encoding="utf-8")
    return desk.studio.catalog.import_(folder, "upscale", licence="mit").id


def opened(desk: Desk) -> UpscaleDialog:
    desk.until(lambda: desk.window.findChild(UpscaleDialog) is not None)
    found = desk.window.findChild(UpscaleDialog)
    assert isinstance(found, UpscaleDialog)
    return found


def test_several_pictures_are_enlarged_as_one_group_beside_their_originals(desk: Desk, tmp_path: Path) -> None:
    id = install(desk, tmp_path / "toy")
    fill(desk, "poster", range(2))
    fill(desk, "avatar", range(1))
    library = page(desk)
    desk.until(lambda: library.total.text() == "3 items")
    choose(library, 0, 1, 2)
    originals = {work.id: work.medium for work in library.selected()}
    desk.settle()
    desk.act("upscale")
    dialog = opened(desk)
    dialog.form.fields["factor"].set_value("4")
    assert dialog.becomes.text() == "3 pictures"
    dialog.start.click()
    assert desk.window.toast.message() == "3 items added to the queue."
    (group,) = desk.studio.queue.rows()
    assert isinstance(group, JobGroup)
    assert (group.group.kind, group.group.title) == ("batch", "Upscale")
    desk.idle()
    made = group.future.result(20)
    assert {work.parents[0]: work.medium for work in made} == originals
    assert {(work.request["factor"], work.request["model"]) for work in made} == {("4", id)}


def test_the_shown_picture_is_enlarged_and_has_no_settings_to_reuse(desk: Desk, tmp_path: Path) -> None:
    install(desk, tmp_path / "toy")
    fill(desk, "poster", range(1))
    (work,) = desk.studio.library.page(LibraryQuery())
    panel = desk.window.panel("poster")
    assert panel is not None
    panel.show_work(work)
    desk.settle()
    desk.act("upscale")
    dialog = opened(desk)
    assert work.width and work.height  # noqa: PT018
    assert dialog.becomes.text() == f"{work.width} × {work.height} pixels become {2 * work.width} × {2 * work.height}."
    dialog.form.fields["factor"].set_value("3")
    assert dialog.becomes.text().endswith(f"become {3 * work.width} × {3 * work.height}.")
    dialog.start.click()
    desk.idle()
    newest = desk.studio.library.page(LibraryQuery())[0]
    assert (newest.parents, newest.medium) == ((work.id,), "poster")
    panel.show_work(newest)
    desk.settle()
    assert desk.window.can("again")
    assert not desk.window.can("recall")
    assert not desk.window.can("vary")
    desk.act("again")
    desk.idle()
    assert len(desk.studio.library.page(LibraryQuery())) == 3


def test_without_a_model_the_dialog_says_so_and_leads_to_the_models(desk: Desk) -> None:
    fill(desk, "poster", range(1))
    library = page(desk)
    desk.until(lambda: library.total.text() == "1 item")
    choose(library, 0)
    desk.settle()
    desk.act("upscale")
    dialog = opened(desk)
    assert dialog.error.text().startswith("No upscaler is installed.")
    assert not dialog.start.isEnabled()
    dialog.models.click()
    assert desk.window.page == "models"


def test_texts_are_not_offered(desk: Desk) -> None:
    fill(desk, "story", range(1))
    library = page(desk)
    desk.until(lambda: library.total.text() == "1 item")
    choose(library, 0)
    desk.settle()
    assert not desk.window.can("upscale")
