"""Works by their ids, what filters can offer, and deleting some works of the bin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.library.library import Library, LibraryQuery
from studio.media.payloads import Text
from studio.media.provenance import Provenance
from tests.core.crashes import quick_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as made:
        yield made


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    opened = Library(folder / "library")
    for at in range(6):
        medium = "story" if at % 2 else "poster"
        request = {"kind": medium, "prompt": f"lighthouse number {at}", "model": f"{medium}-starter", "seed": at}
        opened.add(Text(f"tale {at}"), medium=medium, request=request, provenance=Provenance())
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "query",
    [
        LibraryQuery(),
        LibraryQuery(medium="story"),
        LibraryQuery(text="lighthouse"),
        LibraryQuery(text="nu"),
        LibraryQuery(model="poster-starter"),
    ],
)
def test_ids_agree_with_the_pages_and_give_the_works_again(library: Library, query: LibraryQuery) -> None:
    shown = library.page(query)
    assert shown
    assert library.ids(query) == [asset.id for asset in shown]
    assert library.get_many(library.ids(query)) == shown


def test_some_leaves_out_what_is_not_there(library: Library) -> None:
    first, second = library.page()[:2]
    assert library.get_many([second.id, "unknown", first.id]) == [second, first]


def test_models_are_those_of_works_outside_the_bin(library: Library) -> None:
    assert library.models() == {"poster-starter": 3, "story-starter": 3}
    library.bin([library.page(LibraryQuery(medium="story"))[0].id])
    assert library.models() == {"poster-starter": 3, "story-starter": 2}


def test_deleting_leaves_what_is_not_in_the_bin(library: Library) -> None:
    gone, kept, outside = library.ids()[:3]
    library.bin([gone, kept])
    path = library.get(gone).path
    assert library.delete([gone, outside, "unknown"]) == 1
    assert not path.exists()
    assert library.ids(LibraryQuery(binned=True)) == [kept]
    assert outside in library.ids()
    assert library.empty_bin() == 1
    assert library.count() == 4
