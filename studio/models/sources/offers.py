"""The models that the studio offers to fetch: what they are good for, their licence, size, memory and sources."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast

from studio.errors import BadInput, Message
from studio.system.paths import RESOURCES

Sells = Literal["yes", "no", "conditions", "unknown"]
SELLS: tuple[Sells, ...] = ("yes", "no", "conditions", "unknown")
SOLD: tuple[Sells, ...] = ("yes", "conditions")
"""What "may be sold" means where models are searched for: works may be sold, if need be on conditions."""
FILE = RESOURCES / "catalog.toml"
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A file of a package index, which is a zip: it is never installed, and nothing in it is run. `files` are those to
    take out of it, and what they are called then. `size` is in bytes.
    """

    name: str
    version: str
    wheel: str
    size: int
    sha256: str
    files: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Wheels of a package index that hold a model, at least one. Their files that are called the same are the parts of
    one, in the order of the wheels; `joined` are the sha256 of these, by their names.
    """

    wheels: tuple[Wheel, ...]
    joined: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def name(self) -> str:
        return self.wheels[0].name

    @property
    def version(self) -> str:
        return self.wheels[0].version

    @property
    def size(self) -> int:
        """The bytes of all wheels."""
        return sum(wheel.size for wheel in self.wheels)


@dataclass(frozen=True, slots=True)
class HubSource:
    """Files of a repository on the Hugging Face hub, at a revision: a branch, a tag or a commit.

    `files` are names, which must be there, or patterns such as "vae/*.json", relative to the repository; `sizes`
    (bytes) and `sha256` are those that are known, by name.
    """

    repo: str
    files: tuple[str, ...]
    revision: str = "main"
    sizes: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    sha256: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def size(self) -> int:
        """The bytes of those files whose size is known; 0 where none is."""
        return sum(self.sizes.values())


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A single file behind an https address; `name` is what it is called here. `size` (bytes) is 0 and `sha256` empty
    where nobody published them.
    """

    url: str
    name: str
    size: int = 0
    sha256: str = ""


Source = PackageSource | HubSource | UrlSource


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that can be fetched; `id` is what it is called once it is installed, `size` its bytes then.

    `family` is the studio's name for its network. `sources` come in order of preference, at least one.
    `first` says that its medium uses it, once it is there, where no model is named.
    `sells` says whether works that come out of it may be sold, `terms` in a sentence on what conditions; `licence_url`
    is where its licence can be read, `gated` that its publisher asks for an account and consent before the download.
    `memory` are the bytes of its weights by dtype or quantisation, `parameters` how many numbers they are, of all its
    parts. `recommended` are values of fields that suit it better than those of its family.
    `checked` says that size and hashes were read from the files; else they are the publisher's, or, if `computed`, the
    size comes of parameters and dtype.
    `form_of` is the id of the offer that has the same weights in another dtype or quantisation, empty where it stands
    for itself. `unsupported` says why the studio cannot run it yet, and so does not fetch it; empty for all
    others.
    """

    id: str
    medium: str
    family: str
    title: str
    sentence: str
    licence: str
    size: int
    sources: tuple[Source, ...]
    credits: str = ""
    languages: tuple[str, ...] = ()
    first: bool = False
    sells: Sells = "unknown"
    terms: str = ""
    licence_url: str = ""
    gated: bool = False
    memory: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)
    parameters: int = 0
    recommended: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)
    checked: bool = False
    computed: bool = False
    form_of: str = ""
    unsupported: str = ""

    @property
    def package(self) -> PackageSource | None:
        """The package that holds it, where there is one."""
        return next((source for source in self.sources if isinstance(source, PackageSource)), None)

    @property
    def download(self) -> int:
        """The bytes to fetch from its first source, as far as they are known."""
        return self.sources[0].size or self.size

    @property
    def download_computed(self) -> bool:
        """Whether the bytes to fetch are an estimate, since no list of its files says them."""
        return self.computed and not self.sources[0].size


def names_commit(one: Offer, repo: str) -> bool:
    """Whether an offer says which commit of a repository is to be fetched, not a branch that moves."""
    return any(
        isinstance(source, HubSource) and source.repo == repo and COMMIT.fullmatch(source.revision)
        for source in one.sources
    )


def is_updated(one: Offer, recorded: str) -> bool:
    """Whether an offer has another commit or version than a model that was fetched from it, whose model.toml says where
    from in `recorded`. A source at a branch, or without a version, tells nothing.
    """
    for source in one.sources:
        if isinstance(source, HubSource) and recorded.startswith(f"hub:{source.repo}@"):
            return names_commit(one, source.repo) and recorded != f"hub:{source.repo}@{source.revision}"
        if isinstance(source, PackageSource) and recorded.startswith(f"package {source.name} "):
            return recorded != f"package {source.name} {source.version}"
    return False


def update_among(among: Iterable[Offer], id: str, recorded: str) -> Offer | None:
    """The offer of that id, where it has another version than the model that was fetched from it; see `is_updated`."""
    return next((each for each in among if each.id == id and is_updated(each, recorded)), None)


class _Table:
    """A table of the catalogue, whose values are taken one by one. BadInput that names the value where one is missing,
    of another kind than it should be, or left over at the end.
    """

    def __init__(self, where: str, values: object) -> None:
        self._where = where
        if not isinstance(values, dict):
            raise BadInput("{where} is not a table.", where=where)
        self._left = dict(cast("dict[str, Any]", values))

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def names(self) -> list[str]:
        return list(self._left)

    def text(self, name: str, default: str | None = None, pattern: re.Pattern[str] | None = None) -> str:
        value = self._take(name, str, default)
        if pattern is not None and value and not pattern.fullmatch(value):
            raise self._wrong(name)
        return value

    def number(self, name: str, default: int | None = None) -> int:
        value = self._take(name, int, default)
        if value < 0 or (default is None and not value):
            raise self._wrong(name)
        return value

    def flag(self, name: str) -> bool:
        return self._take(name, bool, False)

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        values = tuple(self._take(name, list, None if default is None else list(default)))
        if not all(isinstance(each, str) and each for each in values):
            raise self._wrong(name)
        return values

    def numbers(self, name: str) -> dict[str, int]:
        values = self._take(name, dict, {})
        if not all(type(each) is int and each > 0 for each in values.values()):
            raise self._wrong(name)
        return values

    def values(self, name: str) -> dict[str, float]:
        values = self._take(name, dict, {})
        if not all(type(each) in (int, float) for each in values.values()):
            raise self._wrong(name)
        return values

    def words(self, name: str, default: dict[str, str] | None = None) -> dict[str, str]:
        values = self._take(name, dict, default)
        if not all(isinstance(each, str) and each for each in values.values()):
            raise self._wrong(name)
        return values

    def table(self, name: str) -> _Table:
        return _Table(f"{self._where}.{name}", self._take(name, dict, None))

    def tables(self, name: str) -> list[_Table]:
        """The tables in a list; none where there is no such list."""
        values = self._take(name, list, cast("list[Any]", []))
        return [_Table(f"{self._where}.{name}", each) for each in values]

    def end(self) -> None:
        for name in self._left:
            raise BadInput("{where} has {name}, which no entry has.", where=self._where, name=name)

    def _take(self, name: str, kind: type, default: Any) -> Any:
        if name not in self._left:
            if default is None:
                raise BadInput("{where} has no {name}.", where=self._where, name=name)
            return default
        value = self._left.pop(name)
        if type(value) is not kind or (default is None and not value):
            raise self._wrong(name)
        return value

    def _wrong(self, name: str) -> BadInput:
        return BadInput("{where}: its {name} is not as it should be.", where=self._where, name=name)


def _package(table: _Table) -> PackageSource:
    wheels = [_wheel(table)]
    for inner in table.tables("further"):
        wheels.append(_wheel(inner))
        inner.end()
    joined = table.words("joined", {})
    names = Counter(name for wheel in wheels for name in wheel.files.values())
    if {name for name, count in names.items() if count > 1} != set(joined):
        raise BadInput("{name}: its joined files are not those in several parts.", name=wheels[0].name)
    if not all(SHA256.fullmatch(each) for each in joined.values()):
        raise BadInput("{name} has a sha256 that is none.", name=wheels[0].name)
    return PackageSource(tuple(wheels), joined)


def _wheel(table: _Table) -> Wheel:
    return Wheel(
        name=table.text("name"),
        version=table.text("version"),
        wheel=table.text("wheel", pattern=re.compile(r"[\w.-]+\.whl")),
        size=table.number("size"),
        sha256=table.text("sha256", pattern=SHA256),
        files=table.words("files"),
    )


def _hub(table: _Table) -> HubSource:
    source = HubSource(
        repo=table.text("repo", pattern=REPOSITORY),
        revision=table.text("revision", "main"),
        files=table.texts("files"),
        sizes=table.numbers("sizes"),
        sha256=table.words("sha256", {}),
    )
    paths = [PurePosixPath(name) for name in source.files]
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise BadInput("{repo} has a file outside of it.", repo=source.repo)
    if not all(SHA256.fullmatch(each) for each in source.sha256.values()):
        raise BadInput("{repo} has a sha256 that is none.", repo=source.repo)
    return source


def _url(table: _Table) -> UrlSource:
    return UrlSource(
        url=table.text("url", pattern=re.compile(r"https://\S+")),
        name=table.text("name", pattern=re.compile(r"[\w.-]+")),
        size=table.number("size", 0),
        sha256=table.text("sha256", "", SHA256),
    )


SOURCES: Mapping[str, Callable[[_Table], Source]] = {"package": _package, "hub": _hub, "url": _url}


def _sources(table: _Table) -> tuple[Source, ...]:
    """The sources of an entry, in the order in which they are written."""
    found: list[Source] = []
    for name in table.names():
        if name in SOURCES:
            inner = table.table(name)
            found.append(SOURCES[name](inner))
            inner.end()
    return tuple(found)


def _offer(id: str, values: object, first: Mapping[str, str]) -> Offer:
    if not ID.fullmatch(id):
        raise BadInput("{id!r} cannot be the id of a model.", id=id[:80])
    table = _Table(id, values)
    sources = _sources(table)
    if not sources:
        raise BadInput("{id} has no source: {kinds}.", id=id, kinds=", ".join(SOURCES))
    medium = table.text("medium")
    found = Offer(
        id=id,
        medium=medium,
        family=table.text("family", ""),
        title=table.text("title"),
        sentence=table.text("sentence"),
        licence=table.text("licence"),
        size=table.number("size"),
        sources=sources,
        credits=table.text("credits", ""),
        languages=table.texts("languages", ()),
        first=first.get(medium) == id,
        sells=cast(Sells, table.text("sells", "unknown", re.compile("|".join(SELLS)))),
        terms=table.text("terms", ""),
        licence_url=table.text("licence_url", "", re.compile(r"https://\S+")),
        gated=table.flag("gated"),
        memory=table.numbers("memory"),
        parameters=table.number("parameters", 0),
        recommended=table.values("recommended"),
        checked=table.flag("checked"),
        computed=table.flag("computed"),
        form_of=table.text("form_of", "", ID),
        unsupported=table.text("unsupported", ""),
    )
    table.end()
    return found


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("{path} is no valid TOML: {reason}", path=path, reason=str(error)) from error


def read_offers(path: Path) -> tuple[Offer, ...]:
    """The offers in a TOML file, each a table under its id, below `first`, see `read_first`. BadInput that names the
    entry and the value where one is wrong.
    """
    entries = _parsed(path.read_text("utf-8"), path)
    first = _Table(path.name, entries).words("first", {})
    entries.pop("first", None)
    found = tuple(_offer(id, entry, first) for id, entry in entries.items())
    for medium, id in first.items():
        if not any(each.id == id and each.medium == medium for each in found):
            raise BadInput("{path}: {id} is no model for {medium}.", path=path.name, id=id, medium=medium)
    plain = {(each.id, each.medium, each.parameters) for each in found if not each.form_of}
    for each in found:
        if each.form_of and (each.form_of, each.medium, each.parameters) not in plain:
            raise BadInput("{id} is a form of {other}, which has not the same weights.", id=each.id, other=each.form_of)
    return found


def read_first(path: Path) -> Mapping[str, str]:
    """The id of the model that a medium uses once it is installed, by medium: what the file says above its entries.

    Nothing below is read: this takes part in the start of the program.
    """
    head, _, _ = path.read_text("utf-8").partition("\n[")
    return _Table(path.name, _parsed(head, path)).words("first", {})


@functools.cache
def first_offers() -> Mapping[str, str]:
    """`read_first` of the catalogue that comes with the studio."""
    return read_first(FILE)


@functools.cache
def offers() -> tuple[Offer, ...]:
    """Those that come with the studio, in the order in which they are shown."""
    return read_offers(FILE)


def offer(id: str) -> Offer:
    """The offer of that id; BadInput where there is none."""
    for each in offers():
        if each.id == id:
            return each
    raise BadInput(
        "The studio offers no model {id!r}.",
        "List those that it offers with `studio models search`.",
        id=id[:80],
    )


def search(
    among: Iterable[Offer], words: str = "", medium: str = "", sells: Collection[str] = (), largest: int = 0
) -> list[Offer]:
    """The offers that have each of the words in their id, title, family, sentence, credits or licence, whatever their
    case; of that medium; whose `sells` is one of these; whose files take no more than `largest` bytes. What is empty
    does not count.
    """
    wanted = words.casefold().split()
    return [
        each
        for each in among
        if (not medium or each.medium == medium)
        and (not sells or each.sells in sells)
        and (not largest or each.size <= largest)
        and all(word in _searched(each) for word in wanted)
    ]


def _searched(one: Offer) -> str:
    return " ".join((one.id, one.title, one.family, one.sentence, one.credits, one.licence)).casefold()


def model_facts(one: Offer, source: str) -> dict[str, Any]:
    """What the model.toml beside the files of an offer says, from which an import takes it; `source` in words."""
    facts: dict[str, Any] = {
        "title": one.title,
        "licence": one.licence,
        "credits": one.credits,
        "description": one.sentence,
        "languages": list(one.languages),
        "source": source,
    }
    return {**facts, "defaults": dict(one.recommended)} if one.recommended else facts


def provenance(one: Offer) -> Message:
    """How far size and licence of an offer can be trusted."""
    if one.checked:
        return Message("Size and hashes were read from its files.")
    if one.computed:
        return Message("Size computed from its parameters; licence from the publisher's page; not checked by us.")
    return Message("Size and licence from the publisher's page; not checked by us.")
