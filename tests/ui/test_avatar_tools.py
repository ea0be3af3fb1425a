"""The tools of the avatar page: mixing, walks, faces of pictures, directions, and models that others trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from qasync import QEventLoop

from studio.backends.avatar.directions import directions
from studio.backends.avatar.mixing import parse_face
from studio.backends.avatar.requests import AvatarRequest, AvatarWalkRequest, DirectionStep
from studio.library.library import Asset, LibraryQuery
from studio.media import clips
from studio.ui.avatar.faces import WorkChooser
from studio.ui.avatar.inspector import AvatarInspector
from tests.faces import LATENT, REMARK, REMARK_STEPS, FaceEngine, face_studio
from tests.ui.avatar_actions import brief, colour_of, face_desk, inside, page, pick, shows, sixteen, works
from tests.ui.conftest import Desk


@pytest.fixture
def desk(home: Path, loop: QEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with face_desk(home, loop, monkeypatch) as made:
        yield made


def kept(desk: Desk) -> Asset:
    """A face in the library."""
    panel, _ = page(desk)
    before = len(works(desk))
    sixteen(desk)
    pick(desk, 0)
    desk.act("keep")
    desk.until(lambda: len(works(desk)) > before and panel.asset is not None)
    return desk.studio.library.page()[0]


def drop(desk: Desk, widget: QWidget, asset: Asset) -> None:
    """Let go of a work of the filmstrip above a tool."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(asset.path))])
    told = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    inside(desk, QApplication.sendEvent, widget, QDragEnterEvent(QPoint(10, 10), *told))
    event = QDropEvent(QPointF(10, 10), *told)
    inside(desk, QApplication.sendEvent, widget, event)


def test_a_work_that_is_dragged_over_a_tool_is_looked_up_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, inspector = page(desk)
    asset, get, asked = kept(desk), desk.studio.library.get, list[str]()
    monkeypatch.setattr(desk.studio.library, "get", lambda id: asked.append(id) or get(id))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(asset.path))])
    told = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    moves = [QDragEnterEvent(QPoint(9, 9), *told), *(QDragMoveEvent(QPoint(at, 9), *told) for at in range(10, 13))]
    for event in moves:
        event.ignore()
        inside(desk, QApplication.sendEvent, inspector.mix, event)
    assert all(event.isAccepted() for event in moves)
    assert asked == [asset.id]


def own_model(desk: Desk, classes: int, **said: object) -> str:
    """A model without attributes among the person's own; its id."""
    folder = desk.home / "models" / "stranger"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(
        'id = "stranger"\nmedium = "avatar"\nfamily = "stylegan2"\ntitle = "Stranger"\nlicence = "MIT"\n'
        'source = "tests"\nsize = 8\nsha256 = ""\n',
        encoding="utf-8",
    )
    (folder / "config.json").write_text(json.dumps({"shape": {"c_dim": classes, "z_dim": 8}, **said}), encoding="utf-8")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    desk.studio.catalog.refresh()
    desk.settle()
    return "stranger"


def choose_model(desk: Desk, id: str) -> None:
    panel, _ = page(desk)
    box = panel.form.fields["model"].box  # type: ignore[attr-defined]
    inside(desk, box.setCurrentIndex, box.findData(id))


def test_a_face_that_is_dropped_is_mixed_in_and_its_work_is_a_parent(desk: Desk) -> None:
    panel, inspector = page(desk)
    first = kept(desk)
    sixteen(desk)
    pick(desk, 3)
    before = brief(panel)
    desk.click("tab.mix")
    drop(desk, inspector.mix, first)
    assert len(brief(panel).mix) == 1
    assert json.loads(brief(panel).mix[0].face)["seed"] == first.request["seed"]
    desk.until(lambda: shows(panel, brief(panel)))
    desk.act("keep")
    desk.until(lambda: len(works(desk)) == 2)
    assert desk.studio.library.page()[0].parents == (first.id,)
    desk.act("undo")
    assert brief(panel) == before
    assert not inspector.mix.parts


def test_sixteen_faces_to_mix_in_keep_nothing_of_what_was_moved_on_this_one(desk: Desk) -> None:
    panel, inspector = page(desk)
    inside(desk, inspector.session.set_face, brief(panel).replace(slides=(DirectionStep("1", 3.0),)))
    desk.until(lambda: any(getattr(request, "size", "") == "large" for request in FaceEngine.asked))
    desk.idle()
    FaceEngine.asked.clear()
    desk.click("tab.mix")
    desk.click("mixSixteen")
    desk.until(lambda: panel.stage_area.candidates.isVisible() and panel.stage_area.candidates.done == 16)
    drawn = [request for request in FaceEngine.asked if isinstance(request, AvatarRequest)]
    assert len({request.seed for request in drawn}) >= 16
    assert not any(request.slides or request.mix for request in drawn)
    assert brief(panel).slides, "the face in the brief keeps them"


def test_what_is_taken_amount_and_taking_out_are_steps_of_the_brief(desk: Desk) -> None:
    panel, inspector = page(desk)
    desk.click("tab.mix")
    desk.click("mixSixteen")
    desk.until(lambda: panel.stage_area.candidates.isVisible() and panel.stage_area.candidates.done == 16)
    own = brief(panel)
    spot = panel.stage_area.candidates.cell(2).center().toPoint()
    inside(desk, QTest.mouseClick, panel.stage_area.candidates, Qt.MouseButton.LeftButton, pos=spot)
    assert brief(panel).seed == own.seed, "the face in the brief stays, another is mixed in"
    part = inspector.mix.parts[0]
    inside(desk, part.layers.setCurrentIndex, 0)
    assert brief(panel).mix[0].layers == "shape"
    slider = inspector.mix.parts[0].amount.slider
    slider.setFocus()
    inside(desk, QTest.keyClick, slider, Qt.Key.Key_Home)
    inside(desk, slider.settle)
    assert brief(panel).mix[0].amount == 0
    desk.until(lambda: shows(panel, brief(panel)))
    desk.click("mixRemove.0")
    assert brief(panel).mix == ()
    desk.act("undo")
    assert brief(panel).mix[0].layers == "shape"
    assert len(inspector.mix.parts) == 1


def test_a_face_is_chosen_among_the_works(desk: Desk) -> None:
    panel, inspector = page(desk)
    work = kept(desk)
    desk.click("tab.mix")
    desk.click("mixChoose")
    chooser = inspector.findChild(WorkChooser)
    assert chooser is not None
    assert chooser.isVisible()
    at = chooser.list.visualRect(chooser.list.model().index(0, 0)).center()
    inside(desk, QTest.mouseClick, chooser.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    desk.settle()
    assert inspector.findChild(WorkChooser) is None
    assert json.loads(brief(panel).mix[0].face)["seed"] == work.request["seed"]


def test_a_walk_is_put_together_previewed_made_and_found_again(desk: Desk, home: Path, loop: QEventLoop) -> None:
    panel, inspector = page(desk)
    first = kept(desk)
    desk.click("tab.walk")
    morph = inspector.morph
    assert not morph.make.isEnabled()
    desk.click("stationAdd")
    sixteen(desk)
    pick(desk, 4)
    desk.click("stationAdd")
    assert morph.stations.count() == 2
    assert morph.make.isEnabled()
    desk.click("stationUp")
    order = [json.loads(each.face)["seed"] for each in morph.request().stations]
    assert order == [brief(panel).seed, first.request["seed"]]
    desk.click("walkPreview")
    desk.until(lambda: getattr(panel.stage, "clip_loaded", False))
    assert not inspector.save.isVisible(), "a preview is no face to keep"
    clip = inspector.morph._preview_clip
    assert clip is not None
    assert clip.path.exists()
    assert not [each for each in desk.studio.library.page() if each.is_clip]
    desk.click("walkMake")
    desk.until(lambda: [each for each in desk.studio.library.page() if each.is_clip])
    assert not clip.path.exists(), "the preview's file is gone"
    made = desk.studio.library.page()[0]
    assert made.path.suffix == ".webp"
    assert made.parents == (first.id,)
    desk.until(lambda: panel.asset is not None and panel.asset.id == made.id)
    state = morph.request()
    morph.stations.setCurrentRow(0)
    morph.stations.setFocus()
    inside(desk, QTest.keyClick, morph.stations, Qt.Key.Key_Delete)
    assert morph.stations.count() == 1
    desk.act("undo")
    assert morph.request() == state, "a walk has steps of its own"
    desk.act("recall")
    assert inspector.tabs.tab == "walk"
    desk.close()
    again = Desk(home, loop, studio=face_studio(home))
    fresh = again.panel("avatar").inspector
    assert isinstance(fresh, AvatarInspector)
    assert [json.loads(each.face)["seed"] for each in fresh.morph.request().stations] == order
    again.close()


def test_faces_and_clips_of_morphs_have_pictures_after_a_restart(desk: Desk, home: Path, loop: QEventLoop) -> None:
    _, inspector = page(desk)
    kept(desk)
    desk.click("tab.walk")
    desk.click("stationAdd")
    sixteen(desk)
    pick(desk, 4)
    desk.click("stationAdd")
    desk.click("walkMake")
    desk.until(lambda: [each for each in desk.studio.library.page() if each.is_clip])
    clip = desk.studio.library.page()[0]
    faces = [parse_face(each.face) for each in inspector.morph.request().stations]
    desk.close()
    again = Desk(home, loop, studio=face_studio(home))
    try:
        panel, fresh = page(again)
        assert fresh.tabs.tab == "walk"
        stations = fresh.morph.stations

        def centres() -> list[tuple[int, int, int]]:
            icons = [stations.item(at).icon().pixmap(24).toImage() for at in range(stations.count())]
            colours = [icon.pixelColor(icon.width() // 2, icon.height() // 2) for icon in icons]
            return [(each.red(), each.green(), each.blue()) for each in colours]

        again.until(lambda: centres() == [colour_of(face) for face in faces])
        thumbnails = panel.filmstrip._works.thumbnails
        again.until(lambda: thumbnails.is_loaded(clip.id))
        assert thumbnails.loaded(clip.id).picture is not None
        assert thumbnails.loaded(clip.id).picture.width() > 1
    finally:
        again.close()


def test_faces_of_a_morph_move_by_key_and_its_settings_are_in_its_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, inspector = page(desk)
    desk.click("tab.walk")
    morph = inspector.morph
    inside(desk, morph.extend, [brief(panel).replace(seed=at) for at in (1, 2, 3)])
    morph.stations.setCurrentRow(2)
    inside(desk, QTest.keyClick, morph.stations, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert [json.loads(each.face)["seed"] for each in morph.request().stations] == [1, 3, 2]
    inside(desk, morph.form.set_value, morph.request().replace(way="z", loop=False, seconds=1.5, format="gif"))
    made: list[AvatarWalkRequest] = []
    monkeypatch.setattr(inspector.session, "submit", lambda request, parents: made.append(request))
    desk.click("walkMake")
    assert (made[0].way, made[0].loop, made[0].seconds, made[0].format) == ("z", False, 1.5, "gif")


def test_films_that_cannot_be_made_are_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, inspector = page(desk)
    monkeypatch.setattr(clips, "mp4_available", lambda: False)
    desk.click("tab.walk")
    morph = inspector.morph
    inside(desk, morph.extend, [brief(panel), brief(panel).replace(seed=2)])
    inside(desk, morph.form.fields["format"].box.setCurrentIndex, 2)  # type: ignore[attr-defined]
    assert "video extra" in morph.films.text()
    assert morph.films.isVisibleTo(morph)
    assert not morph.make.isEnabled()
    inside(desk, morph.form.fields["format"].box.setCurrentIndex, 0)  # type: ignore[attr-defined]
    assert morph.make.isEnabled()


def test_a_picture_becomes_the_face_in_the_brief(desk: Desk, tmp_path: Path) -> None:
    panel, inspector = page(desk)
    desk.click("tab.find")
    match = inspector.match
    assert not match.go.isEnabled()
    path = tmp_path / "me.png"
    Picture.fromarray(np.full((90, 60, 3), 90, np.uint8)).save(path)
    match.source.take_file(path)
    desk.until(lambda: match.go.isEnabled())
    assert match.drop_area.picture is not None
    before = brief(panel)
    desk.click("findGo")
    desk.until(lambda: brief(panel).latent == LATENT)
    assert panel.asset is not None
    assert match.asset is not None
    assert panel.asset.parents == (match.asset.id,)
    assert panel.asset.request["kind"] == "avatar"
    line = inspector.traits.sliders["Hair"]
    assert line.value == 0.5
    assert not line.reset.isVisible()
    desk.click("tab.face")
    line.slider.setFocus()
    inside(desk, QTest.keyClick, line.slider, Qt.Key.Key_End)
    inside(desk, line.slider.settle)
    assert brief(panel).latent == LATENT
    desk.until(lambda: shows(panel, brief(panel)))
    desk.click("reset.Hair")
    assert brief(panel).traits[0].value == 0.5, "a found face rests where it was found"
    for _ in range(3):
        desk.act("undo")
    assert brief(panel) == before


def test_what_is_no_picture_is_refused_by_name(desk: Desk, tmp_path: Path) -> None:
    _, inspector = page(desk)
    desk.click("tab.find")
    match = inspector.match
    note = tmp_path / "note.txt"
    note.write_text("Once.", encoding="utf-8")
    work = desk.studio.library.import_file(note)
    refused = "is not a picture. Picture takes PNG, JPG"

    def paste() -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(note))])
        match.source.take_data(data)

    for use, name in ((paste, "note.txt"), (lambda: match.source.take_file(note), "note.txt")):
        match.show_remark("")
        inside(desk, use)
        assert match.remark.text().startswith(f"{name} {refused}")
    inside(desk, match.set_picture, work)
    assert match.remark.text().startswith(f"note {refused}")
    assert match.remark.isVisibleTo(match)
    assert (match.asset, match.go.isEnabled()) == (None, False)
    assert desk.studio.library.count() == 1
    assert [job for job in desk.studio.queue.jobs() if not job.has_ended] == []


def test_what_is_said_of_a_found_face_is_shown_beside_its_picture(desk: Desk, tmp_path: Path) -> None:
    panel, inspector = page(desk)
    desk.click("tab.find")
    match = inspector.match
    path = tmp_path / "me.png"
    Picture.fromarray(np.full((90, 60, 3), 90, np.uint8)).save(path)
    match.source.take_file(path)
    desk.until(lambda: match.go.isEnabled())
    assert not match.remark.isVisibleTo(match)
    inside(desk, match.form.set_value, match.form.value().replace(steps=REMARK_STEPS))
    desk.click("findGo")
    desk.until(lambda: brief(panel).latent == LATENT)
    assert match.remark.text() == REMARK
    assert match.remark.isVisibleTo(match)
    assert REMARK in desk.window.toast.message()
    inside(desk, match.form.set_value, match.form.value().replace(steps=20))
    panel.form.set_value(brief(panel).replace(latent="", traits=()))
    desk.click("findGo")
    desk.until(lambda: brief(panel).latent == LATENT)
    assert not match.remark.isVisibleTo(match)


def test_a_found_face_shows_no_seed_until_the_die_gives_it_one(desk: Desk) -> None:
    panel, _ = page(desk)
    seed = panel.form.seed
    assert seed is not None
    found = brief(panel).replace(latent=LATENT, seed=4)
    inside(desk, panel.form.set_value, found)
    assert seed.source_label.isVisibleTo(panel)
    assert not seed.box.isVisibleTo(panel)
    panel.brief.roll()
    assert brief(panel) == found, "Generate makes the face that was found"
    desk.click("seed.die")
    assert brief(panel).latent == ""
    assert brief(panel).seed != 4
    assert seed.box.isVisibleTo(panel)
    assert not seed.source_label.isVisibleTo(panel)
    desk.act("undo")
    assert brief(panel) == found


def test_a_picture_is_pasted(desk: Desk) -> None:
    _, inspector = page(desk)
    desk.click("tab.find")
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(image)
    desk.click("findPaste")
    desk.until(lambda: inspector.match.go.isEnabled())


def test_mixing_ends_with_words_where_no_more_faces_fit(desk: Desk) -> None:
    panel, inspector = page(desk)
    desk.click("tab.mix")
    other = AvatarRequest(seed=5, model="avatar-starter")
    depth = 0
    while depth < 30:
        inside(desk, inspector.mix.add, other)
        if panel.error.isVisible():
            break
        depth += 1
        other = brief(panel)
        panel.form.set_value(brief(panel).replace(mix=()))
    assert 9 <= depth <= 11, "each that lies in another nearly doubles what is written down"
    assert "No more faces" in panel.error.message()
    assert brief(panel).mix == ()
    panel.error.hide()
    for _ in range(13):
        inside(desk, inspector.mix.add, AvatarRequest(seed=6))
    assert "No more faces" in panel.error.message()
    assert len(brief(panel).mix) == 12


def test_what_is_no_face_cannot_be_mixed_in_and_that_is_said(desk: Desk, tmp_path: Path) -> None:
    panel, inspector = page(desk)
    path = tmp_path / "me.png"
    Picture.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(path)
    desk.click("tab.mix")
    drop(desk, inspector.mix, desk.studio.library.import_file(path))
    assert brief(panel).mix == ()
    assert "did not make this picture" in desk.window.toast.message()


def test_directions_are_found_moved_named_and_forgotten(desk: Desk) -> None:
    panel, inspector = page(desk)
    tool = inspector.directions
    desk.click("findDirections")
    desk.until(lambda: len(tool.sliders) == 2)
    assert tool.search.isVisible()
    assert not works(desk), "a search is no work"
    id, way = next(iter(tool.sliders.items()))
    way.slider.slider.setFocus()
    inside(desk, QTest.keyClick, way.slider.slider, Qt.Key.Key_Right)
    inside(desk, QTest.keyClick, way.slider.slider, Qt.Key.Key_Right)
    inside(desk, way.slider.slider.settle)
    assert [(each.direction, each.amount) for each in brief(panel).slides] == [(id, 0.2)]
    desk.until(lambda: shows(panel, brief(panel)))
    name = desk.find(f"wayName.{id}")
    assert isinstance(name, QLineEdit)
    name.selectAll()
    inside(desk, QTest.keyClicks, name, "Smile")
    inside(desk, QTest.keyClick, name, Qt.Key.Key_Return)
    model = desk.studio.catalog.default("avatar")
    assert directions(model)[0].name == "Smile"
    left = [other for other in tool.sliders if other != id]
    desk.click(f"wayForget.{id}")
    assert [each.id for each in directions(model)] == list(tool.sliders) == left
    assert brief(panel).slides == (), "the face in the brief goes on without it"


def test_a_direction_rests_at_nothing(desk: Desk) -> None:
    panel, inspector = page(desk)
    desk.click("findDirections")
    desk.until(lambda: len(inspector.directions.sliders) == 2)
    id, way = next(iter(inspector.directions.sliders.items()))
    at = QPoint(way.slider.slider.width() - 10, way.slider.slider.height() // 2)
    inside(desk, QTest.mouseClick, way.slider.slider, Qt.MouseButton.LeftButton, pos=at)
    assert brief(panel).slides[0].amount > 2.5
    desk.click(f"reset.way.{id}")
    assert brief(panel).slides == ()


def test_a_model_without_attributes_has_no_named_sliders_and_no_styles(desk: Desk) -> None:
    panel, inspector = page(desk)
    form = panel.form
    form.set_value(brief(panel).replace(style="micah"))
    assert form.fields["style"].isVisible()
    assert not form.fields["label"].isVisibleTo(form)
    choose_model(desk, own_model(desk, classes=0))
    assert brief(panel).style == "any"
    assert not form.fields["style"].isVisible()
    assert inspector.traits.sliders == {}
    assert "no named sliders" in inspector.traits._no_sliders.text()
    desk.until(lambda: shows(panel, brief(panel)))
    assert isinstance(FaceEngine.asked[-1], AvatarRequest)
    assert FaceEngine.asked[-1].model == "stranger"
    desk.act("undo")
    assert brief(panel).style == "micah"
    assert brief(panel).model == ""


def test_a_conditional_model_offers_its_classes(desk: Desk) -> None:
    panel, _ = page(desk)
    choose_model(desk, own_model(desk, classes=3))
    desk.click("fold")
    field = panel.form.fields["label"]
    assert field.isVisible()
    inside(desk, field.box.setValue, 2)  # type: ignore[attr-defined]
    assert brief(panel).label == 2
    desk.until(lambda: shows(panel, brief(panel)))
    choose_model(desk, "")
    assert brief(panel).label == -1
    assert not field.isVisible()


def test_noise_is_offered_where_the_model_has_learnt_some(desk: Desk) -> None:
    panel, _ = page(desk)
    desk.click("fold")
    field = panel.form.fields["noise"]
    assert field.isVisible()
    panel.form.set_value(brief(panel).replace(noise="none"))
    choose_model(desk, own_model(desk, classes=0, noise=False))
    assert not field.isVisible()
    assert brief(panel).noise == "const"
    choose_model(desk, "")
    assert field.isVisible()


def test_the_library_finds_what_was_kept(desk: Desk) -> None:
    work = kept(desk)
    assert [each.id for each in desk.studio.library.page(LibraryQuery(medium="avatar"))] == [work.id]
