"""The command line's other verbs: models, library, demo; and how progress shows on a terminal."""

from __future__ import annotations

import argparse
import errno
import io
import json
import re
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import LiteralString

import numpy as np
import pytest
from PIL import Image as Picture
from safetensors.numpy import save_file

from studio.backends import MEDIA
from studio.backends.avatar import directions
from studio.cli import context, main, progress
from studio.cli.flags import ArgumentParser
from studio.cli.words import table
from studio.errors import Message
from studio.jobs.job import Job, Progress
from studio.media import codecs
from studio.media.payloads import Image
from studio.models.catalog import Catalog
from studio.schema.request import Request
from studio.support import demo_page
from studio.system.paths import RESOURCES
from studio.system.storage import format_size
from tests.core.cli_runs import Runs
from tests.fakes import REMARK, REMARKS


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(capsys)


def writer(folder: Path, licence: str = "mit") -> Path:
    folder.mkdir()
    save_file({"weight": np.zeros(3, np.float32)}, folder / "model.safetensors")
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n", encoding="utf-8")
    return folder


def test_models_are_imported_described_and_removed(run: Runs, tmp_path: Path, home: Path) -> None:
    source = writer(tmp_path / "Tiny Tales")
    brought = run("models", "import", source, "--medium", "story", "--json")
    assert brought.json == {"id": "tiny-tales", "family": "llama", "licence": "mit"}
    listed = run("models", "list", "--medium", "story", "--json").json["models"]
    mine = next(model for model in listed if model["id"] == "tiny-tales")
    assert mine["bundled"] is False
    assert Path(mine["folder"]) == home / "models" / "tiny-tales"
    assert "tiny-tales" in run("models", "list").out
    assert run("models", "info", "tiny-tales", "--verify", "--json").json["problems"] == []
    assert "complete and unchanged" in run("models", "info", "tiny-tales", "--verify").out
    made = run("make", "story", "--model", "tiny-tales", "--json")
    assert made.json["assets"][0]["model"] == "tiny-tales"
    (home / "models" / "tiny-tales" / "model.safetensors").write_bytes(b"torn")
    checked = run("models", "info", "tiny-tales", "--verify")
    assert checked.status == 3
    assert "damaged" in checked.err
    uses = {"works": 1, "characters": [], "documents": [], "directions": 0}
    assert run("models", "remove", "tiny-tales", "--json").json == {"removed": "tiny-tales", "uses": uses}
    assert run("models", "remove", "tiny-tales").status == 2


def test_import_asks_about_licences_and_refuses_pickles(run: Runs, tmp_path: Path) -> None:
    source = writer(tmp_path / "limited", "openrail")
    refused = run("models", "import", source, "--medium", "story", "--json")
    assert (refused.status, refused.out) == (2, "")
    assert "--accept-licence" in refused.err
    accepted = run("models", "import", source, "--medium", "story", "--accept-licence", "--json")
    assert accepted.json["licence"] == "openrail"
    (tmp_path / "net.pkl").write_bytes(b"\x80\x04cos\nsystem\nX\x07\x00\x00\x00touch x\x85R.")
    refused = run("models", "import", tmp_path / "net.pkl", "--medium", "avatar", "--accept-licence")
    assert refused.status == 2
    assert "os.system to be called" in refused.err
    (source / "model.safetensors").write_bytes(b"torn")
    assert run("models", "import", source, "--medium", "story", "--accept-licence").status == 3
    assert run("models", "import", source).status == 2


def test_directions_are_listed_named_and_deleted(run: Runs, home: Path) -> None:
    none = run("models", "directions", "avatar-starter")
    assert none.status == 0
    assert "make avatar.directions --model avatar-starter" in none.err
    model = Catalog(RESOURCES / "models", home / "models").get("avatar-starter")
    vectors = [(np.eye(8, dtype=np.float32)[at], 0.5 + at) for at in range(3)]
    directions.add(model, "pca", "all", vectors)
    listed = run("models", "directions", "avatar-starter", "--json").json
    assert listed["model"] == "avatar-starter"
    assert [one["id"] for one in listed["directions"]] == ["pca-1", "pca-2", "pca-3"]
    assert listed["directions"][1] == {
        "id": "pca-2", "name": "Direction 2", "method": "pca", "layers": "all", "deviation": 1.5, "preview": None
    }  # fmt: skip
    changed = run("models", "directions", "avatar-starter", "--rename", "pca-3", " A  smile ", "--delete", "pca-1")
    assert changed.status == 0
    assert [line.split("  ")[0] for line in changed.out.splitlines()] == ["ID", "pca-2", "pca-3"]
    assert "A smile" in changed.out
    for words in (["--delete", "pca-1"], ["--rename", "pca-9", "x"], ["--rename", "pca-2", " "], ["--rename", "pca-2"]):
        assert run("models", "directions", "avatar-starter", "--delete", "pca-2", *words).status == 2
        assert run("models", "directions", "story-starter", *words).status == 2
    left = run("models", "directions", "avatar-starter", "--json").json["directions"]
    assert [(one["id"], one["name"]) for one in left] == [("pca-2", "Direction 2"), ("pca-3", "A smile")]


def test_models_of_another_folder(run: Runs, tmp_path: Path, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text(
        f"models_folder = {json.dumps(str(tmp_path / 'elsewhere'))}", encoding="utf-8"
    )
    run("models", "import", writer(tmp_path / "tales"), "--medium", "story")
    assert (tmp_path / "elsewhere" / "tales" / "model.toml").is_file()


def test_library_verbs(run: Runs, tmp_path: Path, home: Path) -> None:
    assert run("library", "list").err == "No works found.\n"
    run("make", "poster", "--prompt", "a red fox", "--seed", 1)
    run("make", "story", "--prompt", "从前有一只狐狸", "--seed", 2)
    listed = run("library", "list", "--json").json
    assert listed["total"] == 2
    story, poster = listed["assets"]
    assert (story["medium"], poster["medium"]) == ("story", "poster")
    assert (poster["seed"], poster["model"], poster["title"]) == (1, "poster-scenes", "a red fox")
    found = run("library", "search", "狐狸", "--json").json["assets"]
    assert [asset["id"] for asset in found] == [story["id"]]
    assert run("library", "search", "fox", "--medium", "music", "--json").json == {"total": 0, "assets": []}
    short = run("library", "list", "--limit", 1)
    assert story["id"] in short.out
    assert "1 of 2 works; continue with --offset 1" in short.err
    assert poster["id"] in run("library", "list", "--offset", 1).out
    shown = run("library", "show", poster["id"], "--json").json
    assert shown["request"]["prompt"] == "a red fox"
    assert shown["provenance"]["model"]["id"] == "poster-scenes"
    assert "a red fox" in run("library", "show", poster["id"]).out
    assert run("library", "verify").out == "No problems found in 2 works.\n"
    (home / "library" / "index.sqlite").write_bytes(b"torn")
    assert run("library", "rebuild", "--json").json == {"works": 2}
    Path(poster["path"]).write_bytes(b"torn")
    checked = run("library", "verify", "--json")
    assert checked.status == 3
    assert checked.json["problems"][0]["path"].endswith(Path(poster["path"]).name)
    assert run("library", "verify").status == 3


def test_library_again_makes_several_works_once_more_or_varies_them(run: Runs, tmp_path: Path) -> None:
    first = run("make", "poster", "--seed", 3, "--json").json["assets"]
    first += run("make", "story", "--seed", 4, "--json").json["assets"]
    ids = [asset["id"] for asset in reversed(run("library", "list", "--json").json["assets"])]
    again = run("library", "again", *ids, "--out", tmp_path / "again", "--json").json["assets"]
    assert [asset["sha256"] for asset in again] == [asset["sha256"] for asset in first]
    assert all(Path(asset["path"]).parent == tmp_path / "again" for asset in again)
    varied = run("library", "again", "--vary", first[0]["path"], ids[1], "--json").json["assets"]
    assert [asset["medium"] for asset in varied] == ["poster", "story"]
    assert all(new["seed"] != old["seed"] for new, old in zip(varied, first, strict=True))
    details = run("library", "show", varied[0]["path"], "--json").json
    assert details["parents"] == [ids[0]]


def test_library_again_makes_all_works_or_none(run: Runs, tmp_path: Path) -> None:
    Picture.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    run("library", "import", tmp_path / "photo.png")
    run("make", "poster", "--seed", 3)
    ids = [asset["id"] for asset in run("library", "list", "--json").json["assets"]]
    ended = run("library", "again", *ids)
    assert ended.status == 2
    assert "does not say how it was made" in ended.err
    assert run("library", "list", "--json").json["total"] == 2


def test_library_import_keeps_files_before_an_error(run: Runs, tmp_path: Path) -> None:
    codecs.write(Image(np.full((8, 8, 3), 9, np.uint8)), tmp_path / "photo.png")
    (tmp_path / "odd.xyz").write_bytes(b"?")
    ended = run("library", "import", tmp_path / "photo.png", tmp_path / "odd.xyz", "--json")
    assert ended.status == 2
    assert [asset["title"] for asset in ended.json["assets"]] == ["photo"]
    assert run("library", "list", "--json").json["total"] == 1


def test_library_import_says_how_an_old_text_was_read(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("caf\xe9 d\xe9j\xe0".encode("cp1252"))
    ended = run("library", "import", tmp_path / "old.txt")
    assert ended.status == 0
    assert "old.txt is not in UTF-8. It is read as Western European (Windows-1252)" in ended.err


STEERING = "a\x1b[2Jb\u202egnp\u2066d\x9be"
SHOWN = r"a\x1b[2Jb\u202egnp\u2066d\x9be"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_what_would_steer_a_terminal_is_shown_escaped(run: Runs, tmp_path: Path) -> None:
    file = tmp_path / f"{STEERING}.png"
    codecs.write(Image(np.full((8, 8, 3), 9, np.uint8)), file)
    id = run("library", "import", file).out.split()[0]
    assert SHOWN in run("library", "list").out
    assert SHOWN in run("library", "show", id).out
    listed = run("library", "list", "--json")
    assert listed.json["assets"][0]["title"] == STEERING
    refused = run("library", "import", tmp_path / f"two\nli\u2028nes {STEERING}.xyz")
    assert refused.status == 2
    assert rf"two\nli\u2028nes {SHOWN}" in refused.err
    unknown = run("library", STEERING)
    assert unknown.status == 2
    for ended in (listed, refused, unknown):
        assert not (set(STEERING) - set(SHOWN)) & set(ended.out + ended.err)


def test_progress_shows_names_escaped() -> None:
    stream = io.StringIO()
    for display in (progress.LineProgress(stream), progress.JsonProgress(stream)):
        display.say(f"{STEERING} 狐")
    line, data = stream.getvalue().splitlines()
    assert line == f"{SHOWN} 狐"
    assert json.loads(data) == {"message": f"{STEERING} 狐"}


class Page(HTMLParser):
    """What a page refers to, and whether its elements close."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for key, value in attrs if key in ("src", "href") and value]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_demo_makes_every_medium_and_a_page(run: Runs, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    ended = run("demo", "--out", out, "--json")
    assert ended.status == 0
    assets = ended.json["assets"]
    assert {asset["medium"] for asset in assets} == {one.name for one in MEDIA}
    assert ended.json["index"] == str(out / "index.html")
    source = (out / "index.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(source)
    assert page.open == []
    assert set(page.links) == {Path(asset["path"]).name for asset in assets if asset["medium"] != "story"}
    assert "http" not in source
    assert "<script" not in source
    assert "foxes" in page.words
    assert "aigc-studio" not in source
    for asset in assets:
        assert asset["model"] in page.words
        assert str(asset["seed"]) in page.words
    again = run("demo", "--out", out)
    assert again.out == f"{out / 'index.html'}\n"
    assert "avatar-7-2.png" in (out / "index.html").read_text(encoding="utf-8")


def test_demo_goes_into_its_own_folder_where_none_is_named(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("demo").status == 0
    assert (tmp_path / "demo" / "index.html").is_file()


def test_demo_does_not_overwrite_another_page(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>Mine</h1>", encoding="utf-8")
    assert run("demo", "--out", tmp_path).out == f"{tmp_path / 'index-2.html'}\n"
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "<h1>Mine</h1>"


def test_the_briefs_of_the_demo_are_requests() -> None:
    requests = [Request.from_json(brief) for brief in demo_page.BRIEFS]
    assert {request.medium for request in requests} == {one.name for one in MEDIA}
    assert all(request.unknown == "{}" for request in requests)


def test_hostile_prompts_are_escaped_on_the_page(tmp_path: Path) -> None:
    path = tmp_path / "story-1.md"
    path.write_text("# <b>T</b>\n\n<script>alert(1)</script>\n\n<!-- aigc-studio {} -->\n", encoding="utf-8")
    shown = demo_page.DemoWork("story", path, {"prompt": '"><img src=x>', "seed": 1}, "m", "<i>", 1.0)
    page = demo_page.page([shown], "here", "python3 run.py")
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def job(stage: LiteralString, done: int, total: int) -> Job:
    running = Job(Request.from_json({"kind": "avatar", "seed": 1}))
    running.start()
    running.progress = Progress(stage, done, total, values={"loss": 0.25})
    return running


def test_the_bar_fits_the_terminal_and_clears_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("COLUMNS", "50")
    bar = progress.display("bar")
    bar.show(job("making", 3, 4), 1, 2, 75.0)
    drawn = stream.getvalue().rsplit("\r", 1)[-1]
    assert len(drawn) <= 49
    assert drawn.startswith("avatar 1/2  " + "█" * 18 + "·" * 6)
    bar.say("a word")
    assert re.search(r"\r +\ra word\n$", stream.getvalue())
    bar.show(job("making", 3, 4), 1, 2, None)
    monkeypatch.setenv("COLUMNS", "120")
    ended = job("making", 4, 4)
    ended.finish([])
    bar.show(ended, 1, 2, 75.0)
    assert "loss 0.25  1 min 15 s left" in stream.getvalue()
    bar.close()
    assert re.search(r"\r +\r+$", stream.getvalue())


def test_line_progress_prints_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    lines = progress.display("bar")
    running = job("making", 1, 100)
    for done in range(100):
        running.progress = Progress("making", done, 100)
        lines.show(running, 1, 1, None)
    running.progress = Progress("saving")
    lines.show(running, 1, 1, None)
    assert stream.getvalue().splitlines() == ["avatar: making  0/100", "avatar: saving"]


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59.6, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min")])
def test_durations(seconds: float, words: str) -> None:
    assert progress.duration(seconds) == words


def test_tables_align_with_chinese_characters() -> None:
    lines = table([("狐狸", "a"), ("x", "b")])
    assert lines == ["狐狸  a", "x     b"]
    assert table([]) == []


@pytest.mark.parametrize(
    ("count", "words"),
    [(12, "12 bytes"), (4200, "4.2 kB"), (12_300_000, "12.3 MB"), (6.1e9, "6.1 GB"), (3e12, "3.0 TB")],
)
def test_sizes(count: int, words: str) -> None:
    assert format_size(int(count)) == words


def test_every_verb_has_help(run: Runs) -> None:
    top = run("--help")
    # Python 3.11 puts what a long name does on a line of its own, 3.13 behind the name.
    verbs = re.findall(r"^    (\w+)(?:  .*)?$", top.out, re.MULTILINE)
    assert verbs == [
        *(
            "make",
            "train",
            "models",
            "library",
            "identities",
            "upscale",
            "export",
            "demo",
            "bench",
            "about",
            "screenshots",
            "doctor",
        )
    ]
    for verb in verbs:
        ended = run(verb, "--help")
        assert ended.status == 0
        assert ended.err == ""
    assert re.fullmatch(r"AIGC Studio \S+\n", run("--version").out)


def test_help_and_hints_say_what_a_person_types(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_PROGRAM", "python3 run.py")
    for words in (["--help"], ["make", "--help"], ["models", "import", "--help"]):
        said = run(*words).out
        assert said.startswith("usage: python3 run.py ")
        assert "`studio" not in said
        assert "`python3 run.py " in said
    assert "`python3 run.py models list`" in run("models", "info", "nope").err
    assert "`python3 run.py library show --help`" in run("library", "show").err


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    assert isinstance(parser, ArgumentParser)
    parser.complete()
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def test_every_help_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    in_english = Message.__str__
    monkeypatch.setattr(Message, "__str__", lambda said: f"«{in_english(said)}»")
    found = list(parsers(main.parser()))
    assert len(found) > 30
    for parser in found:
        told = [*filter(None, (parser.description, parser.epilog))]
        for action in parser._actions:
            if not isinstance(action, argparse._HelpAction | argparse._VersionAction):
                told += [each.help or "" for each in (action, *getattr(action, "_choices_actions", ()))]
        own = {"positional arguments", "options"}
        told += [group.title or "" for group in parser._action_groups if group.title not in own]
        assert all(each.startswith("«") for each in told if each), parser.prog


@pytest.mark.parametrize("words", [["models", "list"], ["library", "show", "x"], ["make", "avatar"]])
def test_an_unknown_flag_names_the_help_of_its_verb(run: Runs, words: list[str]) -> None:
    ended = run(*words, "--nonsense")
    assert ended.status == 2
    assert "--nonsense" in ended.err
    assert f"`studio {' '.join(words[:2])} --help`" in ended.err


def test_works_are_listed_by_title_and_shown_with_their_date(run: Runs, tmp_path: Path) -> None:
    assert run("make", "story", "--prompt", "# The Lost Compass").status == 0
    listed = run("library", "list").out
    assert "  The Lost Compass" in listed
    asset = run("library", "list", "--json").json["assets"][0]
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(asset["created"]))
    assert day in run("library", "show", asset["id"]).out


def test_a_missing_file_is_reported_whatever_its_suffix(run: Runs, tmp_path: Path) -> None:
    ended = run("library", "import", tmp_path / "gone")
    assert ended.status == 2
    assert "There is no file" in ended.err


def test_bench_names_its_benches(run: Runs) -> None:
    assert "latency" in run("bench", "--help").out


def test_a_loss_of_nan_is_null(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    running = job("training", 0, 3)
    running.progress = Progress("training", 1, 3, values={"loss": float("nan"), "rate": 0.5})
    progress.display("json").show(running, 1, 1, None)
    assert json.loads(stream.getvalue(), parse_constant=pytest.fail)["values"] == {"loss": None, "rate": 0.5}


def test_a_full_disk_behind_the_output_gives_a_message(run: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def say(_desk: context.CliContext, _words: str = "") -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(context.CliContext, "print", say)
    ended = run("models", "list")
    assert ended.status == 3
    assert "the disk is full. Free some space" in ended.err


def test_pictures_of_the_window_need_a_folder(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    ended = run("screenshots", "--out", tmp_path / "file")
    assert ended.status == 2
    assert "Choose another folder with --out." in ended.err


def test_an_engine_remark_is_printed_and_kept(run: Runs, tmp_path: Path) -> None:
    picture = tmp_path / "me.png"
    Picture.new("RGB", (32, 32), (90, 120, 200)).save(picture)
    asked = ("make", "avatar.project", "--picture", picture, "--out", tmp_path / "copies", "--seed")
    said = run(*asked, REMARKS, "--json")
    assert said.json["assets"][0]["remark"] == REMARK
    assert said.err.splitlines()[-1] == REMARK
    path = Path(said.json["assets"][0]["path"])
    note = codecs.read_note(path)
    assert note is not None
    assert note["provenance"]["remark"] == REMARK
    quiet = run(*asked, 5, "--json")
    assert "remark" not in quiet.json["assets"][0]
    assert REMARK not in quiet.err


def test_works_without_a_title_differ_in_the_list(run: Runs, tmp_path: Path) -> None:
    run("make", "avatar", "--seed", 3)
    run("make", "avatar", "--seed", 4, "--style", "open-peeps")
    run("make", "music", "--seed", 5, "--genre", "lullaby")
    run("make", "avatar", "--seed", 6, "--name", "Mara")
    own = tmp_path / "holiday.png"
    Picture.new("RGB", (8, 8), "teal").save(own)
    run("library", "import", own)
    rows = [line.split("  ")[-1].strip() for line in run("library", "list").out.splitlines()[1:]]
    assert rows[:2] == ["holiday", "Mara"]
    assert rows[2].startswith("Lullaby")
    assert rows[2].endswith(" · Seed 5")
    assert rows[3:] == ["Open Peeps · Seed 4", "Seed 3"]
