"""The command line's contract for making and training."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.backends import MEDIA
from studio.cli import flags, jobs, main
from studio.errors import StudioError
from studio.export import copies
from studio.library.asset import Asset, AssetFile
from studio.library.library import Library
from studio.media import codecs
from studio.media.payloads import Image
from studio.schema.fields import SEED_LIMIT, Choice, Flag, Range, WorkKey, WorkRef
from studio.schema.nested import FloatArray, ListOf, NestedRequest
from studio.schema.request import Request
from studio.studio import Studio
from studio.system import storage
from studio.system.paths import AppPaths
from tests.core.cli_runs import Runs, open_fake
from tests.disk import disk_reads
from tests.fakes import BAD_INPUT, KILLED, SEVERAL_FILES, SLOW, UNEXPECTED
from tests.studios import starters

ROOT = Path(__file__).resolve().parent.parent.parent
KEYS = {"path", "medium", "seed", "model", "sha256", "seconds"}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(capsys)


@pytest.mark.parametrize("medium", [one.name for one in MEDIA])
def test_make_prints_one_json_object(run: Runs, tmp_path: Path, home: Path, medium: str) -> None:
    ended = run("make", medium, "--seed", 7, "--count", 3, "--out", tmp_path / "a" / "b", "--json")
    assert ended.status == 0
    assert set(ended.json) == {"assets"}
    assets = ended.json["assets"]
    assert [asset["seed"] for asset in assets] == [7, 8, 9]
    for asset in assets:
        assert set(asset) == KEYS
        path = Path(asset["path"])
        assert path.is_absolute()
        assert path.parent == tmp_path / "a" / "b"
        assert path.stem == f"{medium}-{asset['seed']}"
        assert asset["medium"] == medium
        assert asset["model"] == next(one.starter for one in MEDIA if one.name == medium)
        assert asset["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert 0 <= asset["seconds"] < 20
    kept = [path for path in (home / "library" / "works").rglob("*.*") if path.suffix in codecs.SUFFIXES]
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in kept} == {asset["sha256"] for asset in assets}


def test_the_same_request_gives_the_same_bytes_under_a_new_name(run: Runs, tmp_path: Path) -> None:
    asked = ("make", "avatar", "--seed", 7, "--out", tmp_path / "out", "--json")
    first, second, third = (run(*asked).json["assets"][0] for _ in range(3))
    assert [Path(one["path"]).name for one in (first, second, third)] == [
        "avatar-7.png",
        "avatar-7-2.png",
        "avatar-7-3.png",
    ]
    assert first["sha256"] == second["sha256"] == third["sha256"]


def test_out_never_overwrites_a_file(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "story-1.md").write_text("mine", encoding="utf-8")
    (tmp_path / "story-1-2.md").symlink_to(tmp_path / "nowhere")
    ended = run("make", "story", "--seed", 1, "--out", tmp_path)
    assert ended.out == f"{tmp_path / 'story-1-3.md'}\n"
    assert (tmp_path / "story-1.md").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_work_of_several_files_is_copied_whole_under_one_name(run: Runs, tmp_path: Path) -> None:
    for stem in (f"music-{SEVERAL_FILES}", f"music-{SEVERAL_FILES}-2"):
        (made,) = run("make", "music", "--seed", SEVERAL_FILES, "--out", tmp_path / "out", "--json").json["assets"]
        files = [made, *made["files"]]
        names = [f"{stem}.wav", f"{stem}.svg", f"{stem}-captions.md"]
        assert [file["path"] for file in files] == [str(tmp_path / "out" / name) for name in names]
        assert all(hashlib.sha256(Path(file["path"]).read_bytes()).hexdigest() == file["sha256"] for file in files)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / f"music-{SEVERAL_FILES}.svg").write_text("mine")
    (made,) = run("make", "music", "--seed", SEVERAL_FILES, "--out", tmp_path / "own", "--json").json["assets"]
    # All of its files have the same number.
    assert Path(made["path"]).name == f"music-{SEVERAL_FILES}-2.wav"


def test_parallel_copies_get_different_names(tmp_path: Path) -> None:
    source = tmp_path / "work.png"
    source.write_bytes(b"x" * 1000)
    drawing = tmp_path / "work.svg"
    drawing.write_text("<svg/>")
    work = Asset(
        "work", "avatar", source, "", 0.0, False, (), (), False, (), False, "", 1000,
        files=(AssetFile("svg", drawing, "", 6),),
    )  # fmt: skip
    out = tmp_path / "out"
    out.mkdir()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: copies.copy_work(work, out, "avatar-7", "-"), range(40)))
    assert all(main.stem == further.stem for main, further in made)
    paths = [path for copied in made for path in copied]
    assert len(set(paths)) == 80
    assert sorted(out.iterdir()) == sorted(paths)
    assert all(path.read_bytes() == (tmp_path / f"work{path.suffix}").read_bytes() for path in paths)


def test_a_saved_copy_replaces_a_file_only_when_all_of_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work.png").write_bytes(b"picture")
    (tmp_path / "work.svg").write_text("<svg/>")
    work = Asset(
        "work", "avatar", tmp_path / "work.png", "", 0.0, False, (), (), False, (), False, "", 7,
        files=(AssetFile("svg", tmp_path / "work.svg", "", 6),),
    )  # fmt: skip
    out = tmp_path / "out"
    (out / f"{copies.COPYING}1f").mkdir(parents=True)
    (out / "mine.png").write_bytes(b"old")

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        if source.suffix == ".svg":
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "copy", full)
        with pytest.raises(StudioError, match="the disk is full"):
            copies.copy_as(work, out / "mine.png")
    assert [path.read_bytes() for path in out.iterdir()] == [b"old"]
    copies.copy_as(work, out / "mine.png")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"mine.png": b"picture", "mine.svg": b"<svg/>"}


def test_what_a_killed_copy_left_is_removed_by_the_next_one(run: Runs, tmp_path: Path) -> None:
    left = tmp_path / "out" / f"{copies.COPYING}1f"
    left.mkdir(parents=True)
    (left / "0").write_bytes(b"half")
    (made,) = run("make", "avatar", "--seed", 1, "--out", left.parent, "--json").json["assets"]
    assert list(left.parent.iterdir()) == [Path(made["path"])]


def test_a_copy_that_fails_leaves_nothing(
    run: Runs, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "copy", full)
    ended = run("make", "avatar", "--out", tmp_path / "out")
    assert ended.status == 3
    assert "disk is full" in ended.err
    assert list((tmp_path / "out").iterdir()) == []
    (work,) = (home / "library" / "works").rglob("*.png")
    assert f"It is saved in the library: {work}\n" in ended.err


def test_without_out_the_work_is_in_the_library(run: Runs, home: Path) -> None:
    path = Path(run("make", "poster", "--seed", 3).out.strip())
    assert path.is_file()
    assert path.is_relative_to(home / "library")


def test_without_a_seed_each_run_has_another(run: Runs) -> None:
    seeds = {run("make", "avatar", "--json").json["assets"][0]["seed"] for _ in range(3)}
    assert len(seeds) == 3
    assert all(0 <= seed < SEED_LIMIT for seed in seeds)


def test_make_again_from_a_work_and_from_a_file(run: Runs, tmp_path: Path) -> None:
    asked = ("make", "story", "--prompt", '# A "fox"\n\nü 狐狸', "--top-p", 0.5, "--tokens", 40, "--seed", 9)
    work = run(*asked, "--out", tmp_path, "--json").json["assets"][0]
    again = run("make", "--request", work["path"], "--out", tmp_path, "--json").json["assets"][0]
    assert again["sha256"] == work["sha256"]
    assert again["path"] != work["path"]
    note = codecs.read_note(Path(work["path"]))
    assert note is not None
    assert note["request"]["top_p"] == 0.5
    request = tmp_path / "request.json"
    for content in (note["request"], note):
        request.write_text(json.dumps(content), encoding="utf-8")
        made = run("make", "story", "--request", request, "--json").json["assets"][0]
        assert made["sha256"] == work["sha256"]


def test_flags_override_a_request_file(run: Runs, tmp_path: Path) -> None:
    work = run("make", "poster", "--prompt", "a fox", "--seed", 5, "--out", tmp_path, "--json").json["assets"][0]
    ended = run(
        "make", "poster", "--request", work["path"], "--steps", 3, "--count", 2, "--out", tmp_path / "b", "--json"
    )
    notes = [codecs.read_note(Path(asset["path"])) for asset in ended.json["assets"]]
    assert [(note or {})["request"]["prompt"] for note in notes] == ["a fox", "a fox"]
    assert [(note or {})["request"]["steps"] for note in notes] == [3, 3]
    assert [asset["seed"] for asset in ended.json["assets"]] == [5, 6]


def test_a_request_file_is_read_once(run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"kind": "avatar", "seed": 4}), encoding="utf-8")
    with disk_reads(monkeypatch) as reads:
        assert run("make", "--request", request, "--json").json["assets"][0]["seed"] == 4
    assert [call for call in reads if call.startswith("open") and str(request) in call] == [f"open {request}"]


def test_a_library_work_without_metadata_uses_its_sidecar(run: Runs, tmp_path: Path) -> None:
    path = Path(run("make", "avatar", "--seed", 4).out.strip())
    codecs.write(codecs.read(path), path, note=None)  # type: ignore[arg-type]
    assert run("make", "--request", path, "--json").json["assets"][0]["seed"] == 4


def test_unknown_fields_are_named_and_kept(run: Runs, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"kind": "avatar", "seed": 1, "glow": 3}', encoding="utf-8")
    ended = run("make", "--request", request, "--out", tmp_path, "--json")
    assert ended.status == 0
    assert "glow" in ended.err
    assert (codecs.read_note(Path(ended.json["assets"][0]["path"])) or {})["request"]["glow"] == 3


def test_an_ignored_field_is_warned_about_once(run: Runs, home: Path, tmp_path: Path) -> None:
    asked = ("make", "avatar", "--seed", 1, "--count", 2, "--json")
    assert "noise" not in run(*asked, "--noise", "none").err
    config = home.parent / "bundled" / "avatar-starter" / "config.json"
    config.write_text('{"family": "stylegan2", "noise": false}', encoding="utf-8")
    ended = run(*asked, "--noise", "none")
    assert ended.status == 0
    assert len(ended.json["assets"]) == 2
    assert ended.err.count("Fake avatar does not use noise") == 1
    assert "noise" not in run(*asked).err


def test_words_that_the_model_does_not_know_are_named_before_it_runs(run: Runs, home: Path) -> None:
    config = starters(home.parent / "bundled") / "poster-scenes" / "config.json"
    config.write_text('{"words": ["coast", "sunset"]}', encoding="utf-8")
    asked = ("make", "poster", "--seed", 1, "--count", 2, "--json")
    ended = run(*asked, "--prompt", "a saxophone on the coast")
    assert ended.status == 0
    assert ended.err.count("Fake poster does not know: saxophone. It understands: coast.") == 1
    assert "does not know" not in run(*asked, "--prompt", "the coast at sunset").err
    failed = run("make", "poster", "--seed", BAD_INPUT, "--prompt", "a saxophone").err
    assert failed.index("Fake poster knows nothing of the prompt: saxophone.") < failed.index("The moon")


def test_a_size_is_asked_for_by_name_or_in_pixels(run: Runs, tmp_path: Path) -> None:
    def sides(*more: Any) -> tuple[int, int]:
        work = run("make", "poster", "--seed", 1, "--json", *more).json["assets"][0]
        request = (codecs.read_note(Path(work["path"])) or {})["request"]
        return request["width"], request["height"]

    assert sides("--size", "square") == (1024, 1024)
    assert sides("--size", "640x320") == (640, 320)
    assert sides("--size", "square", "--height", 512) == (1024, 512)
    path = tmp_path / "request.json"
    path.write_text('{"kind": "poster", "width": 300, "height": 200}', encoding="utf-8")
    assert sides("--request", path, "--size", "banner") == (1500, 500)
    refused = run("make", "poster", "--size", "huge")
    assert refused.status == 2
    assert "The size cannot be 'huge'. Give a size such as 1024x1536, or one of: default, square" in refused.err
    assert run("make", "poster", "--size", "9999x10").status == 2


def test_a_flag_that_a_family_ignores_is_said_whatever_its_value(run: Runs, home: Path) -> None:
    run("make", "poster", "--seed", 1)  # the models of the tests are there from now on
    about = home.parent / "bundled" / "poster-scenes" / "model.toml"
    words = about.read_text("utf-8").partition("[defaults]")[0].replace('family = "sd"', 'family = "flux"')
    about.write_text(f'{words}[defaults]\nnegative = "rain"\n', encoding="utf-8")
    for value in ("snow", "rain", ""):
        said = run("make", "poster", "--seed", 1, "--negative", value).err
        assert "Fake poster does not use negative, which changes nothing." in said
    assert "does not use" not in run("make", "poster", "--seed", 1, "--steps", 2).err


def test_a_request_that_makes_no_work_is_bad_input(run: Runs, tmp_path: Path) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"kind": "export"}', encoding="utf-8")
    ended = run("make", "--request", request)
    assert (ended.status, ended.err) == (2, "request.json is a request for export, which makes no work.\n")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A disk on which a work can be saved while the list is empty; each attempt without room is counted in it."""
    attempts, add = [0], Library.add

    def full(self: Library, *args: Any, **options: Any) -> Asset:
        if not attempts:
            return add(self, *args, **options)
        attempts[0] += 1
        raise storage.disk_error("The work could not be saved", OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(Library, "add", full)
    return attempts


def at_terminal(monkeypatch: pytest.MonkeyPatch, readline: Callable[[], str]) -> None:
    """Make standard input and error those of a terminal; `readline` is what a person does there."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(terminal, "readline", readline)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no shell that reads the command")
@pytest.mark.parametrize(
    "asked",
    [
        ("poster", "--prompt", "a 'red' fox", "--negative", "-5", "--steps", "3"),
        ("story", "--prompt", "# The fox\n\n\\ 狐狸"),
        ("avatar.walk", "--stations", '[{"face": {"kind": "avatar", "seed": 3}}, {"face": {"kind": "avatar"}}]'),
    ],
    ids=lambda asked: asked[0],
)
def test_a_work_without_room_can_be_made_again(
    run: Runs, disk: list[int], tmp_path: Path, asked: tuple[str, ...]
) -> None:
    ended = run("make", *asked, "--out", tmp_path / "out")
    assert (ended.status, ended.out) == (3, "")
    *_, told, error = ended.err.splitlines()
    assert error == "The work could not be saved: the disk is full. Free some space and try again."
    words, _, command = told.partition(": ")
    assert words == "This makes the work again that could not be saved"
    again = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True)
    argv = again.stdout.split("\0")[:-1]
    assert argv[0] == "studio"
    disk.clear()
    (made,) = run(*argv[1:], "--json").json["assets"]
    expected = run("make", *asked, "--seed", made["seed"], "--json").json["assets"][0]
    assert made["sha256"] == expected["sha256"]


def test_a_person_at_a_terminal_can_make_room(run: Runs, disk: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    presses: list[int] = []

    def press() -> str:
        presses.append(disk[0])
        if len(presses) == 2:
            disk.clear()
        return "\n"

    at_terminal(monkeypatch, press)
    ended = run("make", "avatar", "--seed", 7, "--count", 2, "--json")
    assert ended.status == 0
    assert [made["seed"] for made in ended.json["assets"]] == [7, 8]
    assert len(presses) == 2
    assert ended.err.count("The work is not saved yet. Press Return to try again, or Ctrl-C to give it up.") == 2
    assert run("library", "list", "--json").json["total"] == 2


def test_a_person_at_a_terminal_can_give_a_work_up(run: Runs, disk: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> str:
        raise KeyboardInterrupt

    at_terminal(monkeypatch, interrupt)
    ended = run("make", "avatar", "--seed", 7, "--json")
    assert (ended.status, ended.json) == (3, {"assets": []})
    assert ended.err.count("Press Return to try again") == 1
    assert "studio make avatar --size large --seed 7 --model avatar-starter" in " ".join(ended.err.split())
    assert "the disk is full" in ended.err.splitlines()[-1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"kind": "sculpture"}',
        b'{"kind": "avatar", "psi": "wide"}',
        b'{"kind": "avatar", "psi": 1e999}',
        b'{"kind": "avatar", "seed": true}',
        b'{"kind": "avatar.train"}',
        b'{"kind": "avatar", "kind": "poster"}',
        b'{"seed": 1}',
        b"\xff\xfe\x00",
        b"[" * 300_000,
        b'{"a": ' * 100_000,
        b" " * 9_000_000,
    ],
    ids=lambda content: content[:30].decode("latin-1").strip() or "blank",
)
def test_a_corrupted_request_file_is_bad_input(run: Runs, tmp_path: Path, content: bytes) -> None:
    request = tmp_path / "request.json"
    request.write_bytes(content)
    ended = run("make", "--request", request, "--json")
    assert (ended.status, ended.out, run.opened) == (2, "", 0)
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("picture", ["x" * 5000, "x" * 256, "x/" * 3000, "a\0b"])
def test_a_request_for_an_impossible_file_is_bad_input(run: Runs, tmp_path: Path, picture: str) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"kind": "avatar.project", "picture": picture}), encoding="utf-8")
    ended = run("make", "--request", request)
    assert (ended.status, ended.out, run.opened) == (2, "", 0)
    assert ended.err.startswith("picture cannot be ")
    assert len(ended.err) < 200


def test_a_picture_without_metadata_is_no_request(run: Runs, tmp_path: Path) -> None:
    codecs.write(Image(np.zeros((4, 4, 3), np.uint8)), tmp_path / "photo.png")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    (tmp_path / "odd.xyz").write_bytes(b"?")
    for name in ("photo.png", "torn.png", "odd.xyz", "."):
        ended = run("make", "--request", tmp_path / name)
        assert ended.status == 2, name
        assert len(ended.err.splitlines()) == 1
    work = run("make", "avatar", "--seed", 1).out.strip()
    ended = run("make", "poster", "--request", work)
    assert ended.status == 2
    assert "a request for avatar, not poster" in ended.err


def test_an_unwritable_out_fails_before_anything_opens(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        ended = run("make", "avatar", "--out", out)
        assert ended.status == 2
        assert "cannot be written to" in ended.err
    assert run.opened == 0


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_read_only_out(run: Runs, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    ended = run("make", "avatar", "--out", tmp_path)
    tmp_path.chmod(0o700)
    assert (ended.status, run.opened) == (2, 0)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "   ",
        "\udcff\ud800",
        "a\0b\x1b[31m\r\n",
        "\u202eright to left",
        "'; DROP TABLE works; --",
        "%s %d {0}",
        "-5",
        "字" * 2000,
    ],
    ids=lambda prompt: ascii(prompt)[:20],
)
def test_hostile_prompts_are_plain_text(run: Runs, tmp_path: Path, prompt: str) -> None:
    ended = run("make", "poster", "--prompt", prompt, "--seed", 1, "--out", tmp_path, "--json")
    assert ended.status == 0
    note = codecs.read_note(Path(ended.json["assets"][0]["path"]))
    assert (note or {})["request"]["prompt"] == prompt.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    assert run("make", "--request", ended.json["assets"][0]["path"]).status == 0


def test_a_home_that_is_a_file(run: Runs, home: Path) -> None:
    home.write_text("in the way", encoding="utf-8")
    ended = run("make", "avatar")
    assert (ended.status, len(ended.err.splitlines())) == (3, 1)
    assert run("library", "list").status == 3
    assert run("models", "list").status == 0


def test_works_made_before_an_error_are_kept_and_listed(run: Runs, tmp_path: Path) -> None:
    ended = run("make", "avatar", "--seed", UNEXPECTED - 2, "--count", 3, "--out", tmp_path, "--json")
    assert ended.status == 3
    assert [asset["seed"] for asset in ended.json["assets"]] == [UNEXPECTED - 2, UNEXPECTED - 1]
    assert len(list(tmp_path.glob("*.png"))) == 2


def test_unexpected_errors_are_logged_without_the_prompt(run: Runs, home: Path) -> None:
    ended = run("make", "poster", "--prompt", "my secret garden", "--seed", UNEXPECTED)
    assert ended.status == 3
    log = home / "logs" / "command-line.log"
    assert str(log) in ended.err
    words = log.read_text(encoding="utf-8")
    assert "ZeroDivisionError" in words
    assert "Traceback" in words
    assert "secret" not in words


def test_progress_as_json_lines(run: Runs) -> None:
    ended = run("make", "music", "--seed", 1, "--count", 2, "--progress", "json")
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert {line["job"] for line in lines} == {1, 2}
    assert lines[-1]["state"] == "done"
    assert {"kind", "seed", "stage", "done", "total", "seconds", "left", "count"} <= set(lines[0])
    assert ended.out.count("\n") == 2


def test_other_tasks_of_a_medium_are_verbs_of_make(run: Runs) -> None:
    stations = json.dumps([{"face": {"kind": "avatar", "seed": seed}} for seed in (1, 2)])
    ended = run("make", "avatar.walk", "--stations", stations, "--seconds", 0.5, "--seed", 3, "--json")
    (asset,) = ended.json["assets"]
    request = json.loads(Path(asset["path"]).with_suffix(".json").read_text("utf-8"))["request"]
    assert request["kind"] == "avatar.walk"
    assert [json.loads(station["face"])["seed"] for station in request["stations"]] == [1, 2]
    wrong = run("make", "avatar.walk", "--stations", '[{"face": {"kind": "story"}}]')
    assert wrong.status == 2
    assert "stations[0].face: It is a request for story" in wrong.err


def test_flags_may_stand_before_the_medium(run: Runs, tmp_path: Path) -> None:
    ended = run("make", "--out", tmp_path, "--count", 2, "--json", "avatar", "--seed", 1)
    assert [Path(asset["path"]).name for asset in ended.json["assets"]] == ["avatar-1.png", "avatar-2.png"]


@pytest.mark.parametrize("kind", [task.request for one in MEDIA for task in one.tasks], ids=lambda kind: kind.kind)
def test_every_field_is_a_flag_with_help_and_round_trips(kind: type[Request], tmp_path: Path) -> None:
    parser = flags.ArgumentParser(prog="test")
    flags.add_fields(parser, kind)
    actions = {action.dest: action for action in parser._actions}
    words: list[str] = []
    expected: dict[str, Any] = {}
    for name, note in kind.fields():
        about = actions[name].help
        assert about is not None
        assert "(default: " in about
        if isinstance(note, Range):
            assert f"{note.low:g} to {note.high:g}" in about
            expected[name] = note.check(name, note.high)
            words += [flags.flag(name), f"{note.high:g}" if note.high < 1e5 else str(note.high)]
        elif isinstance(note, Choice):
            assert all(value in about for value, _ in note.options)
            expected[name] = note.options[-1][0]
            words += [flags.flag(name), expected[name]]
        elif isinstance(note, Flag):
            expected[name] = True
            words += [flags.flag(name)]
        elif isinstance(note, ListOf):
            expected[name] = (note.of(),)
            words += [flags.flag(name), json.dumps(note.plain(expected[name]))]
        elif isinstance(note, FloatArray):
            expected[name] = "AAA="
            words += [flags.flag(name), "AAA="]
        elif isinstance(note, NestedRequest):
            expected[name] = note.check(name, {"kind": note.kind, "seed": 12})
            words += [flags.flag(name), expected[name]]
        elif isinstance(note, WorkRef):
            expected[name] = WorkKey(path=str(tmp_path / "words"))
            words += [flags.flag(name), str(tmp_path / "words")]
        else:
            expected[name] = 12 if name == "seed" else str(tmp_path / "words")
            words += [flags.flag(name), str(expected[name])]
    request = kind(**flags.given_fields(kind, parser.parse_args(words)))
    assert {name: getattr(request, name) for name, _ in kind.fields()} == expected
    parser.format_help()


def test_relative_paths_of_trainings_become_absolute(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    ended = run("train", "avatar", "--data", "data", "--out", "out", "--minutes", 1, "--json")
    assert ended.status == 0
    (model,) = ended.json["models"]
    assert model["path"] == str(tmp_path / "out" / "model")
    imported = run("models", "import", tmp_path / "out", "--medium", "avatar", "--json")
    assert imported.json == {"id": "out", "family": "stylegan2", "licence": "own"}


def test_train_says_where_the_model_is_and_how_to_use_it(run: Runs, tmp_path: Path) -> None:
    ended = run("train", "story", "--data", tmp_path, "--out", tmp_path / "out")
    assert ended.out == f"{tmp_path / 'out' / 'model'}\n"
    assert f"studio models import {tmp_path / 'out' / 'model'} --medium story" in ended.err


def test_an_interrupt_while_copying_copies_again(run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = storage.copy
    calls: list[int] = []

    def interrupted(*args: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(storage, "copy", interrupted)
    ended = run("make", "avatar", "--seed", 1, "--count", 2, "--out", tmp_path / "out", "--json")
    assert ended.status == 130
    assert [asset["seed"] for asset in ended.json["assets"]][:1] == [1]
    assert sorted(Path(asset["path"]) for asset in ended.json["assets"]) == sorted((tmp_path / "out").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is no signal that can be sent")
def test_ctrl_c_on_the_whole_group_keeps_what_is_made(tmp_path: Path, home: Path) -> None:
    script = (
        "import signal, sys; from studio.cli import main as cli; from tests.core.cli_runs import open_fake\n"
        # Shells start background jobs deaf to Ctrl-C, and the suite may be one.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(cli.main(sys.argv[1:], lambda places: open_fake(places, isolated=True)))"
    )
    argv = ["make", "avatar", "--seed", str(SLOW), "--count", "3", "--out", str(tmp_path / "out"), "--json"]
    with subprocess.Popen(
        [sys.executable, "-c", script, *argv, "--progress", "json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            told = json.loads(line)
            if (told["seed"], told["done"]) == (SLOW, 4):
                break
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the worker as well
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assets = json.loads(out)["assets"]
    assert [(asset["seed"], asset.get("partial")) for asset in assets] == [(SLOW, True)]
    assert sorted(Path(asset["path"]) for asset in assets) == sorted((tmp_path / "out").iterdir())
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "Cancelled."


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_engine_is_a_machine_problem(capsys: pytest.CaptureFixture[str]) -> None:
    def isolated(places: AppPaths) -> Studio:
        return open_fake(places, isolated=True)

    assert main.main(["make", "avatar", "--seed", str(KILLED)], isolated) == StudioError.status
    said = capsys.readouterr()
    assert said.out == ""
    assert "engine process was killed" in said.err


def test_an_interrupt_before_anything_is_made(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "run", interrupt)
    ended = run("make", "avatar", "--json")
    assert (ended.status, ended.json) == (130, {"assets": []})


def test_heavy_libraries_stay_out() -> None:
    script = (
        "import sys; from studio.cli import main as cli\n"
        "cli.main(['make', 'avatar', '--help']); cli.main(['models', 'list']); cli.main(['library', 'list'])\n"
        "import studio.studio\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'PySide6', 'qasync'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_closed_pipe_is_no_error() -> None:
    script = "import sys; from studio.cli import main as cli; sys.exit(cli.main(['about']))"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0
