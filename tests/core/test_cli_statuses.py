"""Exit statuses for every kind of failure: 2 bad input, 3 a problem of the machine or a model, 130 cancelled."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from safetensors.numpy import save_file

from studio.media import codecs
from studio.media.payloads import Audio
from studio.schema.fields import SEED_LIMIT
from tests.core.cli_runs import Runs
from tests.fakes import BAD_INPUT, MEMORY_ALWAYS, UNEXPECTED

BAD, PROBLEM, CANCELLED = 2, 3, 130
LONG = "x" * 5000


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """The command line in a folder with files of every kind, and a story and a face in the library."""
    place = tmp_path / "files"
    (place / "folder").mkdir(parents=True)
    (place / "data").mkdir()
    monkeypatch.chdir(place)
    for name in ("png", "jpg", "gif", "wav", "flac", "mp3", "mp4", "md", "json", "pkl", "pt", "safetensors"):
        Path(f"empty.{name}").touch()
    for name in ("png", "wav", "mp3", "mp4", "json", "pkl", "pt", "safetensors"):
        Path(f"noise.{name}").write_bytes(bytes(range(1, 256)) * 9)
    Path("text.txt").write_text("A fox.", encoding="utf-8")
    Path("odd.xyz").write_bytes(b"?")
    Path("taken.zip").write_bytes(b"?")
    Picture.new("RGB", (64, 64), "teal").save("picture.png")
    Picture.new("RGB", (64, 64), "teal").save("big.png")
    Path("torn.png").write_bytes(Path("big.png").read_bytes()[:90])
    codecs.write(Audio(np.zeros((1, 800), np.float32), 8000), Path("sound.wav"), note=None)
    if sys.platform != "win32":
        Path("nowhere.png").symlink_to("gone.png")
        Path("loop.png").symlink_to("loop.png")
        os.mkfifo("pipe.png")
        os.mkfifo("pipe.json")
        os.mkfifo("pipe.pkl")
    Path("weights").mkdir()
    save_file({"weight": np.zeros(3, np.float32)}, "weights/model.safetensors")
    Path("weights/config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}', "utf-8")
    Path("weights/tokenizer.json").write_text("{}", "utf-8")
    Path("weights/README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    Path("avatar.json").write_text('{"kind": "avatar"}', "utf-8")
    for name, request in REQUESTS.items():
        Path(f"{name}.json").write_text(request, encoding="utf-8")
    return Runs(capsys)


REQUESTS = {
    "no-object": "[]",
    "no-kind": "{}",
    "kind-of-a-number": '{"kind": 3}',
    "kind-of-nothing": '{"kind": "sculpture"}',
    "torn-request": '{"kind": "avatar"',
    "twice": '{"kind": "avatar", "kind": "avatar"}',
    "training": '{"kind": "avatar.train"}',
    "exporting": '{"kind": "export"}',
    "importing": '{"kind": "import.model"}',
    "seed-of-words": '{"kind": "avatar", "seed": "seven"}',
    "seed-too-large": '{"kind": "avatar", "seed": 9999999999}',
    "size-of-words": '{"kind": "poster", "width": "wide"}',
    "size-too-large": '{"kind": "poster", "width": 60000}',
    "prompt-of-a-list": '{"kind": "story", "prompt": ["a"]}',
    "choice-unknown": '{"kind": "avatar", "noise": "loud"}',
    "picture-of-a-number": '{"kind": "avatar.project", "picture": 3}',
    "model-of-a-list": '{"kind": "avatar", "model": ["avatar-starter"]}',
    "infinite": '{"kind": "avatar", "psi": Infinity}',
    "unknown-infinite": '{"kind": "avatar", "glow": NaN}',
}

NO_PICTURES = ("text.txt", "empty.png", "torn.png", "noise.png", "noise.mp4", "odd.xyz", "sound.wav")
NO_WORK = "20200101-000000-00000000"
TABLE = [
    # verbs, flags and their values
    "",
    "paint",
    "make",
    "make sculpture",
    "library",
    "library dance",
    "models",
    "train",
    "identities",
    "make avatar --unknown 3",
    "make avatar --psi",
    "make avatar --psi wide",
    "make avatar --psi nan",
    "make avatar --psi inf",
    "make avatar --psi 9",
    "make avatar --noise loud",
    "make avatar --seed seven",
    "make avatar --seed -1",
    "make avatar --seed 1.5",
    "make avatar --seed 9999999999",
    f"make avatar --seed {'9' * 5000}",
    f"make avatar --seed {SEED_LIMIT - 1} --count 2",
    "make avatar --prompt x",
    "make avatar --ps 1",
    f"make poster --prompt {'x' * 300_000}",
    "make music --key H",
    "train avatar --data . --out x --minutes -1",
    "make avatar --count 0",
    "make avatar --count many",
    "make avatar --count 2000",
    "make avatar --expressions 99",
    "make poster --width 0",
    "make poster --width wide",
    "make poster --width 100.5",
    "make music --seconds 100000",
    "make avatar.walk --stations [",
    "make avatar.walk --stations {}",
    "make avatar.walk --stations [3]",
    "make avatar --latent ???",
    "make avatar --progress loud",
    "library list --limit 0",
    "library list --limit many",
    "library list --medium sculpture",
    "library list --offset -1",
    "bench nothing",
    # models
    f"make avatar --model {LONG}",
    "models info nothing",
    "models remove nothing",
    "models remove avatar-starter",
    "models directions nothing",
    "models directions story-starter",
    "models directions avatar-starter --delete nothing",
    "models import text.txt",
    "models import nothing --medium story",
    "models import folder --medium story",
    "models import text.txt --medium story",
    "models import picture.png --medium avatar",
    "models import pipe.pkl --medium avatar",
    f"models import {LONG} --medium story",
    # requests
    *(f"make --request {name}.json" for name in REQUESTS),
    "make poster --request avatar.json",
    "make --request nothing.json",
    "make --request folder",
    "make --request empty.json",
    "make --request noise.json",
    "make --request picture.png",
    "make --request torn.png",
    "make --request text.txt",
    "make --request odd.xyz",
    "make --request pipe.json",
    "make --request loop.png",
    "make --request nowhere.png",
    f"make --request {LONG}.json",
    f"make --request {LONG}/x.json",
    # works and files that requests use
    f"make avatar.project --picture {LONG}.png",
    # places for results
    "make avatar --out text.txt",
    "make avatar --out text.txt/below",
    f"make avatar --out {LONG}",
    "demo --out text.txt",
    "screenshots --out text.txt",
    "train avatar --data data --out text.txt",
    "train avatar --out out",
    "train avatar --data gone --out out",
    f"train avatar --data {LONG} --out out",
    f"train avatar --data data --out {LONG}",
    # works of the library
    f"library show {NO_WORK}",
    "library show folder",
    "library show text.txt",
    "library show pipe.png",
    f"library show {LONG}.png",
    "library import gone.png",
    "library import folder",
    "library import empty.png",
    "library import empty.jpg",
    "library import empty.gif",
    "library import empty.wav",
    "library import empty.flac",
    "library import empty.mp3",
    "library import empty.mp4",
    "library import noise.png",
    "library import noise.wav",
    "library import noise.mp3",
    "library import noise.mp4",
    "library import torn.png",
    "library import odd.xyz",
    "library import pipe.png",
    "library import loop.png",
    f"library import {LONG}.png",
    # characters
    "identities show Zoe",
    "identities rename Zoe Mara",
    "identities remove Zoe",
    "identities restore Zoe",
    "identities keep STORY --name Tale",
    "identities keep FACE",
    "identities keep picture.png --name Tale",
    "identities keep text.txt --name Tale",
    "make avatar --identity Zoe",
    "make avatar --identity Zoe --request avatar.json",
    # exports
    "export FACE",
    "export STORY --to out",
    f"export {NO_WORK} --to out",
    "export folder --to out",
    "export text.txt --to out",
    "export torn.png --to out",
    "export pipe.png --to out",
    "export FACE --to text.txt",
    "export FACE --to taken.zip",
    f"export FACE --to {LONG}",
    "export FACE --to out --shape star",
    "export FACE --to out --sizes huge",
    "export FACE --to out --sizes 0",
    "export FACE --to out --format bmp",
    "export FACE --to out --padding 9",
    "export FACE --to out --padding nan",
    "export FACE --to out --padding wide",
    "export FACE --to out --background #zzz",
    "export FACE --to out --background #fff,#000,north",
    "export FACE --to out --background STORY",
    "export FACE --to out --sheet poster",
    "export FACE --to out --sheet contact --format svg",
    "export FACE --to out --sheet contact --captions a,b",
]
SUBMITTED = [
    "make avatar --model nothing",
    "make avatar --model story-starter",
    "make avatar --model ../../etc",
    "make avatar.project --picture gone.png",
    "make avatar.project --picture folder",
    "make avatar.project --picture pipe.png",
    "make avatar.project --picture loop.png",
    f"make avatar.project --picture {NO_WORK}",
    f"library again {NO_WORK}",
    "library again picture.png",
    *(f"make avatar.project --picture {name}" for name in NO_PICTURES),
]
"""What is found out when the request is submitted, for which the studio is opened."""


class Works(dict[str, str]):
    """The ids of a story and of a face without a name, each made once it is asked for; every other word is itself."""

    MEDIA = {"STORY": "story", "FACE": "avatar"}  # noqa: RUF012 - nothing changes it

    def __init__(self, run: Runs) -> None:
        super().__init__()
        self._run = run

    def __missing__(self, word: str) -> str:
        if word not in self.MEDIA:
            return word
        self[word] = Path(self._run("make", self.MEDIA[word], "--seed", 1).out.strip()).stem
        return self[word]


@pytest.fixture
def works(run: Runs) -> Works:
    return Works(run)


def test_bad_input_of_every_kind_has_status_2(run: Runs, works: Works) -> None:
    wrong: list[str] = []
    for words in TABLE + SUBMITTED:
        argv = [works[word] for word in words.split()]
        opened = run.opened
        ended = run(*argv)
        lines = ended.err.splitlines()
        told = len(lines) == 1 and lines[0].endswith((".", "are.")) and len(lines[0]) < 500
        if ended.status != BAD or ended.out or not told or (run.opened != opened and words not in SUBMITTED):
            wrong.append(f"{words[:80]}: {ended.status} {ended.err[:300]!r} {ended.out[:80]!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NO_PICTURES)
def test_a_file_that_is_no_picture_is_named(run: Runs, home: Path, name: str) -> None:
    ended = run("make", "avatar.project", "--picture", name)
    assert (ended.status, ended.out) == (BAD, "")
    assert ended.err.startswith(f"{name} ")
    assert [path for path in (home / "library").rglob("*") if path.suffix == Path(name).suffix] == [], "no copy of it"


def test_a_damaged_model_or_work_is_a_problem_of_status_3(run: Runs, works: Works, home: Path) -> None:
    face = works["FACE"]
    for name in ("empty.pkl", "empty.pt", "empty.safetensors", "noise.safetensors"):
        medium = "poster" if name.endswith("safetensors") else "avatar"
        ended = run("models", "import", name, "--medium", medium)
        assert (ended.status, len(ended.err.splitlines())) == (PROBLEM, 1), name
    bundled = home.parent / "bundled" / "avatar-starter"
    (bundled / "model.safetensors").write_bytes(b"torn")
    for path in (home / "library" / "works").rglob(f"{face}.png"):
        path.write_bytes(b"torn")
    assert run("library", "verify").status == PROBLEM


FULL = OSError(errno.ENOSPC, "No space left on device")
FORBIDDEN = PermissionError(errno.EACCES, "Permission denied")
READ_ONLY = OSError(errno.EROFS, "Read-only file system")
BUSY = sqlite3.OperationalError("database is locked")
FAILURES = [
    # a command, what fails below it and how, the status, and what is said
    ("make avatar", "studio.library.library.Library.add", FULL, PROBLEM, "the disk is full"),
    ("make avatar --out out", "studio.system.storage.copy", FULL, PROBLEM, "the disk is full"),
    ("make avatar --out out", "tempfile.TemporaryFile", FORBIDDEN, BAD, "Choose another folder with --out"),
    ("make avatar --out out", "tempfile.TemporaryFile", FULL, PROBLEM, "the disk is full"),
    ("library import picture.png", "studio.system.storage.copy", FULL, PROBLEM, "the disk is full"),
    ("library import picture.png", "studio.media.codecs.read", MemoryError(), PROBLEM, "too little free memory"),
    ("library import picture.png", "studio.media.codecs.read", KeyboardInterrupt(), CANCELLED, "Cancelled."),
    ("library import picture.png", "studio.media.images.read", FORBIDDEN, BAD, "picture.png cannot be read"),
    ("library rebuild", "studio.library.library.Library.rebuild", READ_ONLY, PROBLEM, "may not be written to"),
    ("library list", "studio.library.library.Library.page", BUSY, PROBLEM, "database is locked"),
    ("models import weights --medium story", "studio.system.storage.copy", FULL, PROBLEM, "the disk is full"),
    ("models import weights --medium story", "studio.system.storage.copy", FORBIDDEN, PROBLEM, "may not be written to"),
    ("identities keep FACE --name Mara", "studio.system.storage.write_atomic", FULL, PROBLEM, "the disk is full"),
    ("export FACE --to out", "studio.export.writer.write_synced", FULL, PROBLEM, "the disk is full"),
    ("export FACE --to out", "studio.cli.export.render_files", MemoryError(), PROBLEM, "too little free memory"),
    ("make avatar", "studio.cli.jobs.run", KeyboardInterrupt(), CANCELLED, "Cancelled."),
    ("models list", "studio.models.catalog.Catalog.models", ZeroDivisionError(), PROBLEM, "command-line.log"),
]


@pytest.mark.parametrize(("words", "place", "error", "status", "said"), FAILURES)
def test_a_failure_of_every_kind_has_its_status(
    run: Runs,
    works: Works,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    place: str,
    error: BaseException,
    status: int,
    said: str,
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    argv = [works[word] for word in words.split()]
    monkeypatch.setattr(place, fail)
    ended = run(*argv)
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err


@pytest.mark.parametrize(
    ("seed", "status", "said"),
    [
        (BAD_INPUT, BAD, "The moon cannot be painted."),
        (MEMORY_ALWAYS, PROBLEM, "The machine ran out of memory. Choose a smaller size."),
        (UNEXPECTED, PROBLEM, "command-line.log"),
    ],
)
def test_a_failure_of_the_engine_has_its_status(run: Runs, seed: int, status: int, said: str) -> None:
    ended = run("make", "poster", "--seed", seed)
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err.splitlines()[-1]
