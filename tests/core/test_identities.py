"""Identities on the disk: kept, renamed, removed and back; damaged files, two at once, no name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.backends.avatar.requests import AvatarRequest, AvatarWalkRequest, SliderValue
from studio.errors import BadInput, StudioError
from studio.library import identities
from studio.library.identities import Identities
from studio.media.payloads import Image
from studio.studio import Studio
from studio.system import storage
from tests.studios import fake_studio


def portrait(level: int = 90, planes: int = 4) -> Image:
    pixels = np.full((20, 16, planes), level, np.uint8)
    pixels[:5] = 0
    return Image(pixels)


def face(**fields: Any) -> AvatarRequest:
    return AvatarRequest(**{"seed": 7, "traits": (SliderValue("Hair", 0.5),), "model": "avatar-starter", **fields})


@pytest.fixture
def people(tmp_path: Path) -> Identities:
    return Identities(tmp_path / "identities")


def test_a_kept_face_is_there_for_whoever_asks_next(people: Identities, tmp_path: Path) -> None:
    assert people.all() == []
    kept = people.save("  Mara \n Lind ", face(name="old"), portrait(), "work-1")
    assert (kept.name, kept.work) == ("Mara Lind", "work-1")
    assert kept.face == face(name="Mara Lind")
    again = Identities(tmp_path / "identities")
    assert again.all() == [kept]
    assert again.get(kept.id) == again.get("mara lind") == kept
    assert np.array_equal(again.portrait(kept.id).pixels, portrait().pixels)


def test_a_portrait_has_alpha_even_where_its_model_draws_none(people: Identities) -> None:
    kept = people.save("Mara", face(), portrait(planes=3))
    pixels = people.portrait(kept.id).pixels
    assert pixels.shape == (20, 16, 4)
    assert (pixels[..., 3] == 255).all()


def test_the_same_name_is_the_same_person_with_another_face(people: Identities, tmp_path: Path) -> None:
    first = people.save("Mara", face(), portrait(90), "work-1")
    other = people.save("Ben", face(seed=1), portrait(10))
    second = people.save("MARA", face(seed=8), portrait(200), "work-2")
    assert (second.id, second.created, second.name) == (first.id, first.created, "MARA")
    assert [one.name for one in people.all()] == ["Ben", "MARA"]
    assert people.portrait(first.id).pixels.max() == 200
    assert people.get("Ben") == other
    assert len(list((tmp_path / "identities").glob("*.png"))) == 2, "the portrait of before is gone"


def test_renaming_keeps_all_else_and_takes_no_name_that_is_there(people: Identities) -> None:
    mara, ben = people.save("Mara", face(), portrait()), people.save("Ben", face(seed=1), portrait())
    renamed = people.rename(mara.id, "Mara Lind")
    assert (renamed.id, renamed.portrait, renamed.created) == (mara.id, mara.portrait, mara.created)
    assert renamed.face == face(name="Mara Lind")
    assert people.rename(mara.id, "mara lind").name == "mara lind", "its own name is free"
    with pytest.raises(BadInput, match="mara lind exists"):
        people.rename(ben.id, "MARA LIND")
    with pytest.raises(BadInput, match="needs a name"):
        people.rename(ben.id, " \n")
    assert people.get("Ben") == ben


def test_who_is_removed_lies_in_the_bin_and_comes_back(people: Identities) -> None:
    mara = people.save("Mara", face(), portrait(90))
    people.remove(mara.id)
    assert people.all() == []
    assert [one.id for one in people.binned()] == [mara.id]
    people.save("Mara", face(seed=8), portrait(10))
    back = people.restore(mara.id)
    assert (back.id, back.name) == (mara.id, "Mara 2")
    assert people.portrait(mara.id).pixels.max() == 90
    assert people.binned() == []
    with pytest.raises(BadInput, match="No character in the bin"):
        people.restore(mara.id)
    with pytest.raises(BadInput, match=r"There is no character called 'Zoe'. There are: Mara, Mara 2"):
        people.remove("Zoe")


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"format": "aigc-studio identity"}',
        json.dumps({"format": "aigc-studio preset", "name": "x"}).encode(),
    ],
)
def test_a_damaged_file_hides_nobody_else_and_stays(people: Identities, tmp_path: Path, damage: bytes) -> None:
    kept = people.save("Mara", face(), portrait())
    broken = tmp_path / "identities" / "0000.json"
    broken.write_bytes(damage)
    assert people.all() == [kept]
    people.save("Ben", face(), portrait())
    assert broken.read_bytes() == damage


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": "1"},
        {"name": "  "},
        {"portrait": "../../secret.png"},
        {"face": {"kind": "avatar", "psi": 12}},
        {"face": {"kind": "avatar.walk"}},
        {"kept": "yesterday"},
        {"kept": float("nan")},
        {"changed": 1e300},
    ],
)
def test_what_cannot_be_is_left_out(people: Identities, change: dict[str, Any]) -> None:
    kept = people.save("Mara", face(), portrait())
    path = kept.portrait.with_name(f"{kept.id}.json")
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **change}), encoding="utf-8")
    assert people.all() == []


def test_a_lost_portrait_is_said_and_a_new_one_mends_it(people: Identities) -> None:
    kept = people.save("Mara", face(), portrait())
    kept.portrait.unlink()
    assert people.all() == [kept]
    with pytest.raises(StudioError, match="portrait of Mara"):
        people.portrait(kept.id)
    people.save("Mara", face(), portrait(30))
    assert people.portrait(kept.id).pixels.max() == 30


def test_a_crash_leaves_the_face_of_before(people: Identities, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = people.save("Mara", face(), portrait(90))

    def dies(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(storage, "write_atomic", dies)
    with pytest.raises(StudioError, match="the disk is full"):
        people.save("Mara", face(seed=8), portrait(10))
    assert people.all() == [kept]
    assert people.portrait(kept.id).pixels.max() == 90
    assert [path.name for path in kept.portrait.parent.glob("*.png")] == [kept.portrait.name], "and nothing beside it"


@pytest.mark.parametrize("deed", ["remove", "restore"])
def test_who_a_crash_left_in_two_places_is_there_once(
    people: Identities, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    kept = people.save("Mara", face(), portrait())
    if deed == "restore":
        people.remove(kept.id)

    def dies(_path: Path, missing_ok: bool = False) -> None:
        raise OSError(5, "the power is gone")

    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", dies)
        with pytest.raises(StudioError, match="the power is gone"):
            getattr(people, deed)(kept.id)
    assert [one.name for one in people.all()] == ["Mara"]
    assert people.binned() == []
    people.remove(kept.id)
    assert people.restore("Mara").name == "Mara", "nobody has that name but the person"


def test_what_could_not_be_read_again_is_not_written(people: Identities, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = people.save("Mara", face(), portrait(90))
    monkeypatch.setattr(identities, "SIZE_LIMIT", 1000)
    told = tuple(SliderValue(f"Trait {n}", 0.5) for n in range(20))
    for name in ("Mara", "Ben"):
        with pytest.raises(BadInput, match="too large to save"):
            people.save(name, face(traits=told), portrait(10))
    assert people.all() == [kept]
    assert people.portrait(kept.id).pixels.max() == 90


def test_no_name_and_no_face_are_refused(people: Identities, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs a name"):
        people.save(" ", face(), portrait())
    with pytest.raises(BadInput, match="is no face"):
        people.save("Mara", AvatarWalkRequest(), portrait())
    assert not (tmp_path / "identities").exists()
    assert len(people.save("x" * 500, face(), portrait()).name) == identities.NAME_LIMIT


def test_a_studio_says_when_they_change(home: Path) -> None:
    studio: Studio = fake_studio(home)
    heard: list[str] = []
    studio.subscribe(lambda news: heard.append(news.kind))
    try:
        kept = studio.identities.save("Mara", face(), portrait())
        studio.identities.rename(kept.id, "Mia")
        studio.identities.remove(kept.id)
        studio.identities.restore(kept.id)
    finally:
        studio.close()
    assert heard.count("identities") == 4
    assert kept.portrait.parent == studio.paths.identities == home / "identities"
