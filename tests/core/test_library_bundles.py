"""Works of several files: kept, shown, moved, verified, rebuilt and deleted together; older sidecars stay."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from studio.cli.make import describe
from studio.jobs.job import Job
from studio.library.asset import AssetRecord
from studio.library.library import Asset, Library, LibraryQuery
from studio.media import codecs
from studio.media.payloads import Audio, Bundle, Image, Svg, Text
from studio.media.provenance import Provenance

SVG = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0H4V4Z"/></svg>\n'
REQUEST = {"kind": "poster", "prompt": "海 <&> 灯塔", "model": "poster-starter", "seed": 1}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "library")
    yield opened
    opened.close()


def add(library: Library) -> Asset:
    sound = Audio(np.zeros((1, 80), np.float32), 8000)
    bundle = Bundle(
        Image(np.full((4, 4, 3), 9, np.uint8)), {"svg": Svg(SVG), "captions": Text("1\n海"), "stem-drums": sound}
    )
    return library.add(bundle, medium="poster", request=REQUEST, provenance=Provenance(seed=1))


def files_of(library: Library) -> set[Path]:
    rooms = ("works", "bin")
    return {path for room in rooms for path in (library.folder / room).glob("*/*") if path.suffix != ".json"}


def test_all_files_are_kept_named_after_the_work_and_carry_its_request(library: Library) -> None:
    asset = add(library)
    assert [file.role for file in asset.files] == ["svg", "captions", "stem-drums"]
    assert [path.name for path in asset.paths] == [
        f"{asset.id}.png",
        f"{asset.id}.svg.svg",
        f"{asset.id}.captions.md",
        f"{asset.id}.stem-drums.wav",
    ]
    assert files_of(library) == set(asset.paths)
    assert all((codecs.read_note(path) or {})["request"] == REQUEST for path in asset.paths)
    assert asset.files[0].path.read_text("utf-8").replace("\r", "").endswith('<path d="M0 0H4V4Z"/></svg>\n')
    assert library.page() == [asset]
    assert library.find_file(asset.files[1].path) == asset
    assert library.verify() == []


def test_they_move_together_and_are_deleted_together(library: Library) -> None:
    asset, other = add(library), add(library)
    library.bin([asset.id])
    binned = library.page(LibraryQuery(binned=True))[0]
    assert {path.parent.parent.name for path in binned.paths} == {"bin"}
    assert files_of(library) == {*binned.paths, *other.paths}
    library.restore([asset.id])
    assert library.get(asset.id) == asset
    assert all(path.exists() for path in asset.paths)
    library.bin([asset.id])
    library.empty_bin()
    assert files_of(library) == set(other.paths)
    assert library.verify() == []


def test_verify_finds_a_missing_and_a_changed_part(library: Library) -> None:
    asset = add(library)
    asset.files[0].path.unlink()
    asset.files[1].path.write_text("other")
    problems = library.verify()
    assert [(problem.kind, problem.id, Path(problem.path).name) for problem in problems] == [
        ("missing", asset.id, asset.files[0].path.name),
        ("changed", asset.id, asset.files[1].path.name),
    ]
    assert str(problems[0].message) == "A file of this work is missing."


def test_a_lost_index_and_a_lost_sidecar_bring_all_files_back(library: Library) -> None:
    asset = add(library)
    assert library.rebuild() == 1
    assert library.get(asset.id) == asset
    asset.path.with_suffix(".json").unlink()
    assert library.rebuild() == 1
    again = library.get(asset.id)
    assert {(file.role, file.path, file.sha256, file.size) for file in again.files} == {
        (file.role, file.path, file.sha256, file.size) for file in asset.files
    }
    assert again.request == REQUEST
    assert library.verify() == []


def test_a_work_of_one_file_is_written_as_older_studios_read_it(library: Library, tmp_path: Path) -> None:
    single = library.add(Text("Once"), medium="story", request={}, provenance=Provenance())
    sidecar = single.path.with_suffix(".json")
    data = json.loads(sidecar.read_bytes())
    assert data["schema"] == 1
    assert "files" not in data
    assert single.files == ()
    several = json.loads(add(library).path.with_suffix(".json").read_bytes())
    assert several["schema"] == 2
    assert json.loads((library.folder / "library.json").read_bytes()) == {"schema": 1}
    before = sidecar.read_bytes()
    moved = tmp_path / "moved"
    shutil.copytree(library.folder, moved)
    (moved / "index.sqlite").unlink()
    opened = Library(moved)
    assert opened.count() == 2
    assert opened.verify() == []
    assert (moved / sidecar.relative_to(library.folder)).read_bytes() == before
    opened.close()


@pytest.mark.parametrize(
    "entry",
    [
        {"role": "svg", "file": "2026-01/b.svg.svg", "sha256": "", "size": 1},
        {"role": "svg", "file": "2026-02/a.svg.svg", "sha256": "", "size": 1},
        {"role": "svg", "file": "2026-01/../../x.svg.svg", "sha256": "", "size": 1},
        {"role": "..", "file": "2026-01/a....svg", "sha256": "", "size": 1},
        {"role": "svg", "file": "2026-01/a.svg.json", "sha256": "", "size": 1},
        {"role": "svg", "file": "2026-01/a.svg.svg", "sha256": "", "size": -1},
        "a.svg.svg",
    ],
)
def test_a_sidecar_names_no_file_that_is_not_its_own(entry: object) -> None:
    record = AssetRecord("a", 1, "poster", "2026-01/a.png", 0.0, "", 1)
    data = json.loads(record.to_json()) | {"schema": 2, "files": [entry]}
    with pytest.raises(Exception, match="This sidecar is damaged"):
        AssetRecord.from_json(json.dumps(data))


def test_a_role_is_a_plain_word() -> None:
    with pytest.raises(ValueError, match="not a role"):
        Bundle(Text("a"), {"../x": Text("b")})


def test_a_refused_part_leaves_nothing(library: Library) -> None:
    bundle = Bundle(Text("a"), {"svg": Svg("no drawing")})
    with pytest.raises(Exception, match="no SVG"):
        library.add(bundle, medium="story", request=REQUEST, provenance=Provenance())
    assert files_of(library) == set()
    assert list((library.folder / "staging").iterdir()) == []
    assert library.page() == []


def test_the_command_line_copies_all_files_under_one_name(library: Library, tmp_path: Path) -> None:
    asset = add(library)
    out = tmp_path / "out"
    out.mkdir()
    job = cast("Job", SimpleNamespace(request=SimpleNamespace(seed=7, model="m"), seconds=1.0))
    for stem in ("poster-7", "poster-7-2"):  # a second copy is newly named, with all of its files
        entry = describe(job, asset, out, False)
        assert entry["path"] == str(out / f"{stem}.png")
        assert {file["role"]: file["path"] for file in entry["files"]} == {
            "svg": str(out / f"{stem}.svg"),
            "captions": str(out / f"{stem}-captions.md"),
            "stem-drums": str(out / f"{stem}-stem-drums.wav"),
        }
        assert Path(entry["files"][0]["path"]).read_bytes() == asset.files[0].path.read_bytes()
    single = library.add(Text("Once"), medium="story", request={}, provenance=Provenance())
    assert "files" not in describe(job, single, None, False)
