"""Models that the studio offers: the table, fetching by pip from a local index, what goes wrong on the way."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from studio.backends import MEDIA, PAGELESS, medium
from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled
from studio.models.catalog import Catalog
from studio.models.detect import FREE
from studio.models.sources import download, packages
from studio.models.sources.download import OutOfReach, Patience, Report
from studio.models.sources.download_folder import FilePart, bytes_there, claimed
from studio.models.sources.offers import (
    HubSource,
    Offer,
    PackageSource,
    UrlSource,
    Wheel,
    first_offers,
    offer,
    offers,
    read_first,
    read_offers,
)
from studio.system.paths import RESOURCES
from tests import catalogue
from tests.file_server import FileServer, Handler, cut, silent, status

TEXT = b"GGUF and nothing else" * 1000


def write_wheel(index: Path, name: str, files: dict[str, bytes]) -> Path:
    """Put version 1.0 of a package with these files into an index; returns its wheel."""
    place, stem = index / name, f"{name.replace('-', '_')}-1.0"
    place.mkdir()
    path = place / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, data in files.items():
            wheel.writestr(inside, data)
        wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    (place / "index.html").write_text(f'<a href="{path.name}">{path.name}</a>', "utf-8")
    return path


def pinned(name: str, path: Path, files: dict[str, str]) -> Wheel:
    return Wheel(name, "1.0", path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest(), files)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder, which pip is told of as users tell it."""
    folder = tmp_path / "index"
    folder.mkdir()
    write_wheel(
        folder, "toy-writer", {"toy_writer/model.gguf": TEXT, "toy_writer-1.0.dist-info/LICENSE": b"MIT License"}
    )
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", folder.as_uri())
    return folder


@pytest.fixture
def toy(index: Path) -> Offer:
    wheel = index / "toy-writer" / "toy_writer-1.0-py3-none-any.whl"
    files = {"toy_writer/model.gguf": "model.gguf", "toy_writer-1.0.dist-info/LICENSE": "LICENSE"}
    one = pinned("toy-writer", wheel, files)
    source = PackageSource((one,))
    return Offer("toy-writer", "story", "llama", "Toy writer", "Writes toys.", "mit", len(TEXT), (source,))


@pytest.fixture
def parted(index: Path) -> PackageSource:
    """A file in three parts, in wheels of their own, the first with its licence."""
    wheels: list[Wheel] = []
    size = len(TEXT) // 3
    for at in range(3):
        name, inside = f"toy-part{at}", f"toy_part{at}/data/model.gguf.part0{at}"
        part = TEXT[at * size : (at + 1) * size if at < 2 else None]
        licence = {"toy_part0/LICENSE.txt": "LICENSE"} if at == 0 else {}
        path = write_wheel(index, name, {inside: part, **dict.fromkeys(licence, b"MIT License")})
        wheels.append(pinned(name, path, {**licence, inside: "model.gguf"}))
    return PackageSource(tuple(wheels), {"model.gguf": hashlib.sha256(TEXT).hexdigest()})


def changed(offer: Offer, **values: str) -> Offer:
    """An offer whose package is another."""
    (source,) = offer.sources
    assert isinstance(source, PackageSource)
    (wheel,) = source.wheels
    return dataclasses.replace(offer, sources=(PackageSource((dataclasses.replace(wheel, **values),)),))


WHOLE = """
first = { story = "one" }

[one]
medium = "story"
family = "llama"
title = "One"
sentence = "Writes."
licence = "mit"
size = 20
sells = "conditions"
terms = "Free below a revenue."
licence_url = "https://example.org/licence"
gated = true
memory = { bfloat16 = 10 }
parameters = 5
hub = { repo = "owner/name", files = ["a.gguf", "b.gguf"], sizes = { "a.gguf" = 8, "b.gguf" = 12 } }
url = { url = "https://example.org/a.gguf", name = "a.gguf" }

[two]
medium = "story"
title = "Two"
sentence = "Waits."
licence = "mit"
size = 1
unsupported = "The studio has no engine for it."
hub = { repo = "owner/two", revision = "v1", files = ["*.safetensors"] }
"""


def test_an_entry_is_read_with_all_its_sources(tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(WHOLE, "utf-8")
    one, two = read_offers(tmp_path / "catalog.toml")
    hub, url = one.sources
    assert isinstance(hub, HubSource)
    assert (hub.repo, hub.revision, hub.size, one.download) == ("owner/name", "main", 20, 20)
    assert isinstance(url, UrlSource)
    assert (url.url, url.size) == ("https://example.org/a.gguf", 0)
    assert (one.first, one.sells, one.gated, one.memory) == (True, "conditions", True, {"bfloat16": 10})
    assert (two.first, two.package, two.checked) == (False, None, False)
    assert two.sources[0] == HubSource("owner/two", ("*.safetensors",), "v1")
    assert read_first(tmp_path / "catalog.toml") == {"story": "one"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("gated = true", "gatd = true", "one has gatd"),
        ("gated = true", 'gated = "yes"', "its gated is not"),
        ("size = 20", "", "one has no size"),
        ("size = 20", "size = 0", "its size is not"),
        ("size = 20", "size = -1", "its size is not"),
        ("size = 20", "size = true", "its size is not"),
        ('sells = "conditions"', 'sells = "maybe"', "its sells is not"),
        ('title = "One"', 'title = ""', "its title is not"),
        ("bfloat16 = 10", 'bfloat16 = "10 GB"', "its memory is not"),
        ('"https://example.org/licence"', '"http://example.org/licence"', "its licence_url is not"),
        ('"https://example.org/a.gguf"', '"file:///a.gguf"', "one.url: its url is not"),
        ('name = "a.gguf"', 'name = "../a.gguf"', "one.url: its name is not"),
        ('name = "a.gguf"', 'name = "a.gguf", sha256 = "12"', "its sha256 is not"),
        ('repo = "owner/name"', 'repo = "name"', "its repo is not"),
        ('repo = "owner/name"', 'repo = "owner/name", branch = "main"', "one.hub has branch"),
        ('"*.safetensors"', '"../*.safetensors"', "a file outside of it"),
        ('hub = { repo = "owner/two", revision = "v1", files = ["*.safetensors"] }', "", "two has no source"),
        ('files = ["*.safetensors"]', "files = []", "its files is not"),
        ("[two]", "[Two]", "cannot be the id"),
        ('sentence = "Waits."', 'sentence = "Waits."\nform_of = "one"', "two is a form of one, which has not the same"),
        ('sentence = "Waits."', 'sentence = "Waits."\nform_of = "three"', "two is a form of three"),
        ('first = { story = "one" }', 'first = { story = "none" }', "none is no model for story"),
        ('first = { story = "one" }', "first = 1", "its first is not"),
        ("size = 20", "size = ", "no valid TOML"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in WHOLE
    (tmp_path / "catalog.toml").write_text(WHOLE.replace(before, after, 1), "utf-8")
    with pytest.raises(BadInput, match=said):
        read_offers(tmp_path / "catalog.toml")


def test_a_start_reads_no_offers() -> None:
    code = (
        "from studio.models import catalog; from studio.models.sources import offers; "
        "catalog.Catalog().default('story'); print(offers.offers.cache_info().misses)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_what_the_studio_cannot_run_is_not_fetched(toy: Offer, tmp_path: Path) -> None:
    waiting = dataclasses.replace(toy, unsupported="The studio has no engine for it.")
    with pytest.raises(BadInput, match="cannot be fetched yet"):
        Catalog(tmp_path / "none", tmp_path / "own").get_offered(waiting)


def test_the_catalogue_has_what_people_look_for() -> None:
    assert len(offers()) >= 40
    for one in (*MEDIA, *PAGELESS):
        assert any(each.medium == one.name and not each.unsupported for each in offers()), one.name
    assert {each.medium: each.id for each in offers() if each.first} == first_offers()
    assert (RESOURCES / "catalog.toml").is_file()


@pytest.mark.parametrize("each", offers(), ids=lambda each: each.id)
def test_an_offer_is_sound(each: Offer) -> None:
    families = {one.name: one.families for one in (*MEDIA, *PAGELESS)}[each.medium]
    if each.unsupported:
        assert not each.family
        assert each.unsupported.endswith(".")
    else:
        every_text_model = any(mark.kind == "gguf" for family in families if not family.name for mark in family.marks)
        assert each.family in {family.name for family in families} - {""} or (every_text_model and each.family)
    assert each.title.strip() == each.title
    assert each.sentence.endswith(".")
    assert each.sentence[0].isupper()
    assert each.credits
    if each.sells == "yes":
        assert each.licence in FREE
    else:
        assert each.terms.endswith(".")
        assert each.licence_url
    if "-nc-" in each.licence or "research" in each.licence:
        assert each.sells == "no"
    assert each.checked == any(isinstance(source, PackageSource) for source in each.sources)
    assert not (each.checked and each.computed)
    if each.parameters:
        for dtype, bytes_each in (("bfloat16", 2), ("float32", 4)):
            assert each.memory.get(dtype, each.parameters * bytes_each) == each.parameters * bytes_each


@pytest.mark.parametrize("each", [each for each in offers() if each.recommended], ids=lambda each: each.id)
def test_recommended_values_are_taken(each: Offer) -> None:
    fields = dict(medium(each.medium).tasks[0].request.fields())
    for name, value in each.recommended.items():
        assert fields[name].check(name, value) == value


@pytest.mark.parametrize(
    "source", [source for each in offers() for source in each.sources if isinstance(source, HubSource)]
)
def test_hub_files_have_no_pickles_and_no_code(source: HubSource) -> None:
    code = (".bin", ".pt", ".ckpt", ".py", ".pkl")
    assert not [name for name in source.files if name.endswith(code) or name in ("*", "**")]
    assert set(source.sizes) | set(source.sha256) <= set(source.files)
    if any(name.endswith(".gguf") for name in source.files):
        assert source.size > 0
        assert list(source.sha256) == [name for name in source.files if name.endswith(".gguf")]


def test_an_unknown_offer_is_named() -> None:
    with pytest.raises(BadInput, match="offers no model 'nothing'"):
        offer("nothing")


def fetch(offer: Offer, folder: Path, report: Report = lambda done, total: None) -> Path:
    (source,) = offer.sources
    assert isinstance(source, PackageSource)
    with claimed(folder, offer.title):
        return packages.fetch(source, folder, "toy", offer.size, report, offer.title)


def test_the_files_of_a_package_are_taken_out(toy: Offer, tmp_path: Path) -> None:
    reports = list[tuple[int, int]]()
    folder = fetch(toy, tmp_path / "here", lambda *done: reports.append(done))
    assert (folder / "model.gguf").read_bytes() == TEXT
    assert (folder / "LICENSE").read_text("utf-8") == "MIT License"
    assert reports[-1] == (toy.download, toy.download)


def test_a_file_in_parts_is_joined_and_what_has_come_stays(parted: PackageSource, tmp_path: Path) -> None:
    offer = Offer("toy", "story", "llama", "Toy", "Writes.", "mit", len(TEXT), (parted,))
    reports = list[tuple[int, int]]()
    first, second, third = parted.wheels
    total = first.size + second.size + third.size
    assert offer.download == total

    def cancel(done: int, total: int) -> None:
        reports.append((done, total))
        if (tmp_path / "here" / packages.WHEEL / second.wheel).exists():
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(offer, tmp_path / "here", cancel)
    kept = tmp_path / "here" / packages.WHEEL
    there = {path.name: path.stat().st_ino for path in kept.iterdir()}
    assert there.keys() == {first.wheel, second.wheel}
    found = bytes_there(packages.wheel_files(parted), tmp_path / "here", packages.WHEEL)
    assert found == (first.size + second.size, total)
    folder = fetch(offer, tmp_path / "here", lambda *done: reports.append(done))
    assert (folder / "model.gguf").read_bytes() == TEXT
    assert (folder / "LICENSE").read_text("utf-8") == "MIT License"
    assert {name: (kept / name).stat().st_ino for name in there} == there, "what was there was not fetched again"
    assert reports[-1] == (total, total)
    assert {each for _, each in reports} == {total}


def test_parts_that_do_not_belong_together_are_no_file(parted: PackageSource, tmp_path: Path) -> None:
    first, second, third = parted.wheels
    mixed = dataclasses.replace(parted, wheels=(first, third, second))
    offer = Offer("toy", "story", "llama", "Toy", "Writes.", "mit", len(TEXT), (mixed,))
    with pytest.raises(StudioError, match=r"model\.gguf is another file"):
        fetch(offer, tmp_path / "here")


PARTS = """
[one]
medium = "story"
title = "One"
sentence = "Writes."
licence = "mit"
size = 20

[one.package]
name = "one"
version = "1"
wheel = "one-1-py3-none-any.whl"
size = 5
sha256 = "SHA"
files = { "one/LICENSE" = "LICENSE", "one/a" = "a.gguf" }
joined = { "a.gguf" = "SHA" }

[[one.package.further]]
name = "two"
version = "2"
wheel = "two-2-py3-none-any.whl"
size = 7
sha256 = "SHA"
files = { "two/b" = "a.gguf" }
""".replace("SHA", "0" * 64)


def test_an_entry_names_the_parts_of_a_file_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "catalog.toml").write_text(PARTS, "utf-8")
    (one,) = read_offers(tmp_path / "catalog.toml")
    assert one.package is not None
    assert [(wheel.name, wheel.files) for wheel in one.package.wheels] == [
        ("one", {"one/LICENSE": "LICENSE", "one/a": "a.gguf"}),
        ("two", {"two/b": "a.gguf"}),
    ]
    assert (one.package.name, one.package.version, one.download) == ("one", "1", 12)
    assert one.package.joined == {"a.gguf": "0" * 64}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('joined = { "a.gguf" = "' + "0" * 64 + '" }', "", "its joined files are not"),
        ('"two/b" = "a.gguf"', '"two/b" = "b.gguf"', "its joined files are not"),
        ('joined = { "a.gguf" = "0', 'joined = { "a.gguf" = "x', "a sha256 that is none"),
        ('version = "2"', "", "further has no version"),
        ('version = "2"', 'version = "2"\nbranch = "x"', "further has branch"),
    ],
)
def test_parts_that_are_wrong_are_named(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in PARTS
    (tmp_path / "catalog.toml").write_text(PARTS.replace(before, after), "utf-8")
    with pytest.raises(BadInput, match=said):
        read_offers(tmp_path / "catalog.toml")


def test_a_wheel_behind_http_is_resumed(
    toy: Offer, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert toy.package is not None
    (source,) = toy.package.wheels
    wheel, path = (index / "toy-writer" / source.wheel).read_bytes(), f"/files/{source.wheel}"
    monkeypatch.setattr(download, "PATIENCE", Patience(waits=(0.0,)))
    with FileServer({path: wheel}) as server:
        pages = f'<!DOCTYPE html><a href="{path}#sha256={source.sha256}">{source.wheel}</a>'.encode()

        def simple(handler: Handler) -> bool:
            if "/simple/" in handler.path:
                handler.answer(200, pages, {"Content-Type": "text/html"})
            return "/simple/" in handler.path

        server.answers = simple
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        # pip itself gets nothing: it has only to say where the wheel is.
        server.faults[path] = [silent_for_pip, cut(300), status(503), status(503), silent_for_pip]
        with pytest.raises(StudioError, match="503"):
            fetch(toy, tmp_path / "here")
        folder = fetch(toy, tmp_path / "here")
        ours = [one for one in server.log if one.path == path and "pip" not in one.headers["User-Agent"]]
        assert [(one.start, one.sent) for one in ours if one.sent] == [(0, 300), (300, len(wheel) - 300)]
    assert (folder / "model.gguf").read_bytes() == TEXT
    assert fetch(toy, tmp_path / "here") == folder  # the server is gone, the wheel is there


def silent_for_pip(handler: Handler, data: bytes) -> None:
    """Let pip wait; what is not pip is served, and the fault stays for pip."""
    path = handler.served.path
    if "pip" in handler.headers["User-Agent"]:
        silent(handler, data)
        return
    rest = handler.owner.faults[path]
    if rest:
        rest.pop(0)(handler, data)
    else:
        handler.serve(data)


def test_another_file_of_that_name_is_refused(toy: Offer, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="hash differs"):
        fetch(changed(toy, sha256="0" * 64), tmp_path / "here")


def test_a_wheel_of_the_right_length_with_other_bytes_is_fetched_again(toy: Offer, tmp_path: Path) -> None:
    assert toy.package is not None
    (wheel,) = toy.package.wheels
    folder = tmp_path / "here"
    part = FilePart(packages.wheel_files(toy.package)[0], folder, packages.WHEEL)
    part.path.parent.mkdir(parents=True)
    part.begin("", "", wheel.size)
    part.append(bytes(wheel.size))  # a machine that lost its power had kept the length of the file alone
    part.close()
    assert (fetch(toy, folder) / "model.gguf").read_bytes() == TEXT


def test_a_package_out_of_reach_is_said(toy: Offer, tmp_path: Path) -> None:
    with pytest.raises(OutOfReach, match=r"package toy-writer 9\.9 is out of reach"):
        fetch(changed(toy, version="9.9"), tmp_path / "here")


def test_without_pip_another_source_may_have_it(toy: Offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(OutOfReach, match="it has no pip"):
        fetch(toy, tmp_path / "here")


def test_a_cancelled_fetch_ends_pip(toy: Offer, tmp_path: Path) -> None:
    def cancel(_done: int, _total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fetch(toy, tmp_path / "here", cancel)
    assert not (tmp_path / "here" / "pip").exists()


def test_what_does_not_fit_is_said_before(toy: Offer, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="Free some space"):
        fetch(dataclasses.replace(toy, size=1 << 60), tmp_path / "here")


@pytest.mark.parametrize(
    ("wheel", "tags"),
    [
        ("a-1-py3-none-any.whl", []),
        (
            "a-1-cp311-none-manylinux1_x86_64.whl",
            ["--python-version", "311", "--abi", "none", "--platform", "manylinux1_x86_64"],
        ),
    ],
)
def test_a_wheel_for_one_system_is_fetched_on_all(wheel: str, tags: list[str]) -> None:
    assert packages._tags(wheel) == tags


def test_the_guide_lists_the_catalogue() -> None:
    assert catalogue.FILE.read_text("utf-8") == catalogue.updated(), (
        "Run `python -m tests.catalogue` to bring the tables in docs/guides/open-models.md up to date."
    )
