"""Settings: both ways through TOML, and every way the file can be wrong."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.errors import BadInput, StudioError
from studio.schema import settings
from studio.schema.settings import Settings, change, folder, load, save
from studio.system import storage

CHANGED: dict[str, Any] = {
    "device": "cpu",
    "threads": 3,
    "memory_budget_gb": 6.5,
    "context": 8192,
    "gpu_layers": 12,
    "library_folder": "/tmp/图库 'a' \"b\"",
    "models_folder": "C:\\models",
    "model_folders": "/tmp/models\n/mnt/図 disk",
    "theme": "dark",
    "language": "zh_CN",
    "audio_output": "Speakers\n2",
    "text_size": 1.25,
    "reduced_motion": True,
    "embed_metadata": "none",
}


def test_every_setting_is_read_back(tmp_path: Path) -> None:
    assert set(CHANGED) == {name for name, _ in Settings.fields()}
    changed = Settings(**CHANGED)
    assert all(getattr(changed, name) != getattr(Settings(), name) for name in CHANGED)
    save(tmp_path / "new" / "settings.toml", changed)
    assert load(tmp_path / "new" / "settings.toml") == (changed, [])


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "settings.toml") == (Settings(), [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"theme = ",
        b"\xff\xfe\x00",
        b"a = " + b"[" * 100_000,
        b'theme = "dark"\n' + b"#" * settings.SIZE_LIMIT,
        b'version = "one"',
        b"version = 0",
        b"x = " + b"9" * 5000,
    ],
)
def test_a_damaged_file_is_moved_and_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.toml"
    for number in (1, 2):
        path.write_bytes(content)
        loaded, warnings = load(path)
        aside = tmp_path / f"settings.broken-{number}.toml"
        assert loaded == Settings()
        assert len(warnings) == 1
        assert str(aside) in str(warnings[0])
        assert aside.read_bytes() == content
        assert not path.exists()


def test_one_bad_value_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('theme = "purple"\nthreads = 4\ntext_size = nan\nreduced_motion = 1\n', encoding="utf-8")
    loaded, warnings = load(path)
    assert loaded == Settings(threads=4)
    assert [next(name for name in CHANGED if name in str(warning)) for warning in warnings] == [
        "theme",
        "text_size",
        "reduced_motion",
    ]
    assert path.exists()


def test_too_large_a_number_leaves_the_other_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f'theme = "dark"\nthreads = 1{"0" * 400}\ntext_size = 0x{"f" * 5000}\n', encoding="utf-8")
    loaded, warnings = load(path)
    assert loaded == Settings(theme="dark")
    assert len(warnings) == 2


def test_saving_sets_aside_what_was_broken_by_hand_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    save(path, Settings())
    path.write_text('theme = "dark', encoding="utf-8")
    save(path, Settings(threads=2))
    assert load(path) == (Settings(threads=2), [])
    assert (tmp_path / "settings.broken-1.toml").read_text(encoding="utf-8") == 'theme = "dark'


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('future = [1, 2]\ntheme = "dark"\n[shortcuts]\nsend = "Ctrl+E"\n', encoding="utf-8")
    loaded, warnings = load(path)
    assert warnings == []
    save(path, loaded.replace(threads=2))
    data = settings.tomllib.loads(path.read_text(encoding="utf-8"))
    assert data["future"] == [1, 2]
    assert data["shortcuts"] == {"send": "Ctrl+E"}
    assert load(path)[0] == Settings(theme="dark", threads=2)


def test_a_newer_file_is_used_and_a_copy_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    newer = f'version = {settings.VERSION + 1}\ntheme = "dark"\nnew = true\n'
    path.write_text(newer, encoding="utf-8")
    loaded, warnings = load(path)
    assert loaded.theme == "dark"
    assert "newer" in str(warnings[0])
    save(path, loaded)
    assert (tmp_path / f"settings.version-{settings.VERSION + 1}.toml").read_text(encoding="utf-8") == newer
    assert load(path) == (loaded, [])


def test_migrations_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(data: dict[str, Any]) -> dict[str, Any]:
        return {"theme" if key == "look" else key: value for key, value in data.items()}

    def soften(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "theme": {"black": "dark"}[data["theme"]]}

    path = tmp_path / "settings.toml"
    path.write_text('version = 1\nlook = "black"\n', encoding="utf-8")
    monkeypatch.setattr(settings, "VERSION", 3)
    monkeypatch.setattr(settings, "MIGRATIONS", {1: rename, 2: soften})
    loaded, warnings = load(path)
    assert warnings == []
    assert loaded.theme == "dark"
    save(path, loaded)
    assert settings.tomllib.loads(path.read_text(encoding="utf-8")) == dataclasses.asdict(loaded) | {"version": 3}


def test_invalid_values_and_names_are_refused_with_the_reason() -> None:
    with pytest.raises(BadInput, match=r"theme cannot be 'purple'.*system, light, dark"):
        Settings(theme="purple")
    with pytest.raises(BadInput, match=r"threads is -1.*from 0 to"):
        Settings().replace(threads=-1)
    with pytest.raises(BadInput, match="There is no setting colour"):
        Settings().replace(colour="red")


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.toml"
    save(path, Settings(threads=1))

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(StudioError, match="the disk is full"):
        save(path, Settings(threads=2))
    assert load(path)[0].threads == 1
    assert [file.name for file in tmp_path.iterdir()] == ["settings.toml"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_unwritable_folder_is_a_studio_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StudioError, match="could not be saved"):
            save(tmp_path / "settings.toml", Settings())
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_in_place_of_the_file_is_a_studio_error(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.mkdir()
    loaded, warnings = load(path)
    assert loaded == Settings()
    assert "cannot be read" in str(warnings[0])
    with pytest.raises(StudioError):
        save(path, loaded)


def test_changes_of_two_studios_are_both_saved(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    one = other = Settings()
    one = change(path, one, theme="dark")
    other = change(path, other, text_size=1.5)
    assert (other.theme, other.text_size) == ("dark", 1.5)
    one = change(path, one, reduced_motion=True)
    assert load(path) == (one, [])
    assert (one.theme, one.text_size, one.reduced_motion) == ("dark", 1.5, True)


def test_a_change_after_the_file_was_broken_by_hand_keeps_what_was_in_force(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    now = change(path, Settings(), theme="dark")
    path.write_text("theme = = light", encoding="utf-8")
    assert change(path, now, threads=3) == Settings(theme="dark", threads=3)
    with pytest.raises(BadInput):
        change(path, now, colour="red")


def test_a_folder_is_the_same_wherever_the_studio_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    usual = tmp_path / "usual"
    assert folder("", usual) == usual
    assert folder(str(tmp_path / "works"), usual) == tmp_path / "works"
    assert folder("works", usual) == Path.home() / "works"
    assert folder("~/works", usual) == Path.home() / "works"
