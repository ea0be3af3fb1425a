"""Models from the hub, addresses and packages: chosen, fetched, resumed, imported; gated ones and the user's token."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import keyring
import keyring.backend
import keyring.errors
import numpy as np
import pytest
from gguf import GGUFWriter
from safetensors.numpy import save

from studio.backends import families
from studio.cli.models import downloads as downloads_verb
from studio.errors import BadInput, StudioError
from studio.jobs.io.imports import ModelGetRequest
from studio.jobs.job import Cancelled
from studio.models import catalog as catalogs
from studio.models.catalog import Catalog
from studio.models.importing import AlreadyInstalled, LicenceToAccept
from studio.models.model import Model
from studio.models.sources import download as http
from studio.models.sources import fetch, hub
from studio.models.sources.download import OutOfReach, Patience
from studio.models.sources.download_folder import claimed
from studio.models.sources.offers import HubSource, Offer, UrlSource, is_updated
from studio.schema.request import Request
from tests import fakes
from tests.core.cli_runs import Runs
from tests.fake_hub import FIRST, SECOND, FakeHub, Repository
from tests.file_server import FileServer, Handler, cut, hold, page, silent, status

CONFIG = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}).encode()
WEIGHTS = save({"weight": np.arange(60_000, dtype=np.float32)})
OTHER = save({"weight": np.arange(1, 60_001, dtype=np.float32)})
THIRD = save({"weight": np.arange(2, 60_002, dtype=np.float32)})
WRITER = {
    "README.md": b"---\nlicense: mit\n---\n# Fox\n",
    "config.json": CONFIG,
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"a pickle",
    "onnx/model.onnx": b"onnx",
    ".gitattributes": b"",
}


class ToyKeyring(keyring.backend.KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class LockedKeyring(ToyKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("locked")

    set_password = get_password  # type: ignore[assignment]


@pytest.fixture
def toy_keyring() -> Iterator[ToyKeyring]:
    before, made = keyring.get_keyring(), ToyKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def fake_hub(monkeypatch: pytest.MonkeyPatch, toy_keyring: ToyKeyring, tmp_path: Path) -> Iterator[FakeHub]:
    with FileServer() as server:
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setattr(http, "PATIENCE", Patience(waits=(0.0, 0.0, 0.0)))
        made = FakeHub(server)
        made.add("toys/fox", dict(WRITER))
        yield made
        huggingface_hub.close_session()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "bundled", tmp_path / "Ящик 図 é" / "models", families())


def downloads(catalog: Catalog) -> list[tuple[int, int]]:
    return [(each.done, each.total) for each in catalog.downloads()]


def left(catalog: Catalog) -> list[str]:
    assert catalog._own is not None
    place = catalog._own / catalogs.DOWNLOADS
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


def test_of_a_download_that_is_refused_before_its_first_byte_nothing_stays(fake_hub: FakeHub, catalog: Catalog) -> None:
    fake_hub.repositories["toys/fox"].licence = "cc-by-nc-4.0"
    with pytest.raises(LicenceToAccept):
        catalog.get_source("hub:toys/fox")
    assert (catalog.downloads(), left(catalog)) == ([], [])


def test_a_repository_becomes_a_model_that_knows_where_it_is_from(fake_hub: FakeHub, catalog: Catalog) -> None:
    seen: list[tuple[int, int]] = []
    model = catalog.get_source("hub:toys/fox", report=lambda *at: seen.append(at))
    assert (model.id, model.medium, model.title, model.licence) == ("fox", "story", "fox", "mit")
    assert model.source == f"hub:toys/fox@{FIRST}"
    assert sorted(path.name for path in model.folder.iterdir()) == [
        "README.md", "config.json", "model.safetensors", "model.toml", "tokenizer.json",
    ]  # fmt: skip
    assert (model.folder / "model.safetensors").stat().st_nlink == 1
    assert left(catalog) == []
    whole = sum(len(data) for name, data in WRITER.items() if (model.folder / name).exists())
    assert seen[-1][0] == seen[-1][1]
    assert (whole, whole) in seen
    assert catalog.newer(model) == ""
    fake_hub.repositories["toys/fox"].commits[SECOND] = dict(WRITER)
    fake_hub.repositories["toys/fox"].head = SECOND
    assert catalog.newer(model) == SECOND
    assert catalog.newer(replace(model, source="imported")) == ""
    with pytest.raises(AlreadyInstalled, match="installed already, as fox"):
        catalog.get_source("hub:toys/fox")
    assert left(catalog) == []


def test_no_telemetry_and_no_token_leave_the_machine(fake_hub: FakeHub, catalog: Catalog) -> None:
    catalog.get_source("hub:toys/fox")
    for one in fake_hub.server.log:
        assert "Authorization" not in one.headers
        assert "session" not in json.dumps(one.headers)


def test_what_has_come_is_linked_and_not_copied(
    fake_hub: FakeHub, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[Path] = []
    real = catalogs.storage.copy

    def copy(source: Path, target: Path, step: Callable[[int], object]) -> None:
        copied.append(source)
        real(source, target, step)

    monkeypatch.setattr(catalogs.storage, "copy", copy)
    first = catalog.get_source("hub:toys/fox")
    assert copied == []
    catalog.remove(first.id)
    monkeypatch.setattr(catalogs.storage, "can_link", lambda *_: False)  # a disk of a camera
    catalog.get_source("hub:toys/fox")
    assert [path.name for path in copied] == ["README.md", "config.json", "model.safetensors", "tokenizer.json"]


def test_a_pause_keeps_and_a_discard_deletes(fake_hub: FakeHub, catalog: Catalog) -> None:
    path = f"/cdn/{FIRST}/model.safetensors"
    fake_hub.server.faults[path] = [hold(100_000)]

    def pause(_done: int, total: int) -> None:
        if any(one.path == path and one.sent for one in fake_hub.server.log) and total:
            raise Cancelled

    with pytest.raises(Cancelled):
        catalog.get_source("hub:toys/fox", "story", pause)
    (one,) = catalog.downloads()
    assert (one.title, one.medium, one.asked, one.running) == ("fox", "story", "hub:toys/fox", False)
    assert 0 <= one.done < one.total
    fake_hub.repositories["toys/fox"].commits[SECOND] = {"README.md": b"all gone"}
    fake_hub.repositories["toys/fox"].head = SECOND
    model = catalog.get_source("hub:toys/fox")  # goes on with the commit that it began with
    assert model.source.endswith(FIRST)
    assert sum(sent for _, sent in fake_hub.server.bodies(path)) >= len(WEIGHTS)
    catalog.remove(model.id)
    fake_hub.server.faults[path] = [cut(100_000), *[status(503)] * 9]
    fake_hub.repositories["toys/fox"].head = FIRST
    with pytest.raises(StudioError, match="503"):
        catalog.get_source("hub:toys/fox")
    (one,) = catalog.downloads()
    assert one.done >= 100_000
    catalog.discard_download(one.id)
    assert catalog.downloads() == []
    assert left(catalog) == []
    for id in (one.id, "../bundled", ".", ""):
        with pytest.raises(BadInput, match="no unfinished download"):
            catalog.discard_download(id)


def test_a_commit_that_is_gone_is_left_for_the_one_there_is(fake_hub: FakeHub, catalog: Catalog) -> None:
    fake_hub.server.faults[f"/cdn/{FIRST}/model.safetensors"] = [cut(100_000), *[status(503)] * 9]
    with pytest.raises(StudioError, match="503"):
        catalog.get_source("hub:toys/fox")
    mended = {**WRITER, "config.json": CONFIG + b"\n", "added.json": b"{}"}
    mended["tokenizer.json"] = b'{"new": 1}'
    del mended["README.md"]
    fake_hub.repositories["toys/fox"] = Repository({SECOND: mended}, SECOND)
    model = catalog.get_source("hub:toys/fox")
    assert model.source.endswith(SECOND)
    assert (model.folder / "config.json").read_bytes() == CONFIG + b"\n"
    assert not (model.folder / "README.md").exists()
    sent = fake_hub.fetched("model.safetensors")
    assert sum(count for _, count in sent) <= len(WEIGHTS) + 100_000


def test_two_studios_do_not_fetch_the_same_model(fake_hub: FakeHub, catalog: Catalog) -> None:
    wanted = fetch.wanted_source("hub:toys/fox")
    assert catalog._own is not None
    folder = catalog._own / catalogs.DOWNLOADS / wanted.id
    with claimed(folder, "fox"):
        with pytest.raises(StudioError, match="fox is being fetched already"):
            catalog.get_source("hub:toys/fox")
        (folder / fetch.PLAN).write_text("{}")
        assert [each.running for each in catalog.downloads()] == [True]
        with pytest.raises(StudioError, match="being fetched already"):
            catalog.discard_download(wanted.id)


def test_a_listing_that_takes_long_can_be_cancelled(fake_hub: FakeHub, catalog: Catalog) -> None:
    fake_hub.server.faults["/api/models/toys/fox/revision/main"] = [silent]

    def cancel(_done: int, _total: int) -> None:
        if fake_hub.server.log:
            fake_hub.server.closing.set()
            raise Cancelled

    with pytest.raises(Cancelled):
        catalog.get_source("hub:toys/fox", report=cancel)
    assert left(catalog) == []


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("hub:toys/nothing", OutOfReach, "has no toys/nothing"),
        ("hub:toys/fox@gone", OutOfReach, "no such revision"),
        ("hub:toys/fox:missing.gguf", OutOfReach, "has no file missing.gguf"),
        ("hub:fox", BadInput, "names no repository"),
        ("hub:../fox", BadInput, "names no repository"),
        ("ftp://models.example/fox.gguf", BadInput, "no address"),
        ("http://models.example/fox.gguf", BadInput, "no address"),
        ("https://models.example:x/fox.gguf", BadInput, "no address"),
        ("https://models.example/CON", BadInput, "may be called"),
    ],
)
def test_sources_that_lead_nowhere_are_said(
    source: str, error: type[StudioError], said: str, fake_hub: FakeHub, catalog: Catalog
) -> None:
    with pytest.raises(error, match=said):
        catalog.get_source(source)
    assert left(catalog) == []


def test_a_hub_that_is_none_is_said(fake_hub: FakeHub, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/models/toys/fox/revision/main"
    fake_hub.server.faults[path] = [page, status(502), status(429)]
    for said in ("as a model hub does", "HTTP 502", "HTTP 429"):
        with pytest.raises(OutOfReach, match=said):
            catalog.get_source("hub:toys/fox")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    served = len(fake_hub.server.log)
    with pytest.raises(OutOfReach, match="HF_HUB_OFFLINE"):
        catalog.get_source("hub:toys/fox")
    assert len(fake_hub.server.log) == served


def test_a_gated_model_says_where_to_ask_and_takes_the_token(
    fake_hub: FakeHub, catalog: Catalog, toy_keyring: ToyKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    fake_hub.repositories["toys/fox"].token = "hf_right"
    said: list[str] = []
    with pytest.raises(OutOfReach, match="accepted its licence") as caught:
        catalog.get_source("hub:toys/fox")
    said.append(str(caught.value))
    assert f"{fake_hub.server.url}/toys/fox" in said[0]
    assert "studio models token" in said[0]
    hub.set_token("hf_wrong\n")
    with pytest.raises(OutOfReach, match="account of your token has not") as caught:
        catalog.get_source("hub:toys/fox")
    said.append(str(caught.value))
    hub.set_token("hf_right")
    assert hub.token_place() == "keyring"
    model = catalog.get_source("hub:toys/fox")
    written = (model.folder / "model.toml").read_text("utf-8")
    assert not any("hf_" in text for text in (*said, caplog.text, written))
    assert all("Authorization" not in one.headers for one in fake_hub.server.log if one.path.startswith("/cdn/")) or (
        "127.0.0.1" in fake_hub.server.url  # the same host as the hub's own
    )
    assert hub.remove_token()
    assert not hub.remove_token()
    assert hub.token_place() == ""


def test_the_token_of_others_is_used_and_never_kept(
    toy_keyring: ToyKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = tmp_path / "token"
    kept.write_text("hf_file\n")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(kept))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert (hub.token(), hub.token_place()) == ("hf_file", "file")
    monkeypatch.setenv("HF_TOKEN", "hf_variable")
    assert (hub.token(), hub.token_place()) == ("hf_variable", "HF_TOKEN")
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    assert hub.token_place() == ""
    assert toy_keyring.kept == {}
    keyring.set_keyring(LockedKeyring())
    assert hub.token() == ""
    with pytest.raises(StudioError, match="no keyring"):
        hub.set_token("hf_some")
    for odd in ("", "two words", "x" * 2000, "naïve"):
        with pytest.raises(BadInput, match="no token"):
            hub.set_token(odd)


@pytest.mark.parametrize(("address", "sent"), [("http://mirror.test", False), ("https://mirror.test", "hf_mine")])
def test_a_token_is_not_sent_without_encryption(
    address: str, sent: object, fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def api(**how: object) -> None:
        seen.append(how["token"])
        raise OSError("no network in a test")

    monkeypatch.setattr(huggingface_hub, "HfApi", api)
    monkeypatch.setenv("HF_ENDPOINT", address)
    hub.set_token("hf_mine")
    with pytest.raises(OutOfReach, match="out of reach"):
        hub.newest_commit("toys/fox")
    assert seen == [sent]


def test_what_a_removal_that_was_cut_off_has_left_is_no_download_and_is_swept(
    fake_hub: FakeHub, catalog: Catalog
) -> None:
    fake_hub.server.faults[f"/cdn/{FIRST}/model.safetensors"] = [cut(100_000), *[status(503)] * 9]
    with pytest.raises(StudioError, match="503"):
        catalog.get_source("hub:toys/fox")
    (one,) = catalog.downloads()
    assert catalog._own is not None
    folder = catalog._own / catalogs.DOWNLOADS / one.id
    catalog.sweep()
    assert catalog.downloads() == [one]
    (folder / fetch.PLAN).unlink()  # as far as a killed one comes
    assert catalog.downloads() == []
    with claimed(folder, "fox"):  # another studio is at the beginning of this download
        catalog.sweep()
        assert folder.is_dir()
    catalog.sweep()
    assert left(catalog) == []


def test_a_licence_is_accepted_before_anything_is_fetched(fake_hub: FakeHub, catalog: Catalog) -> None:
    fake_hub.repositories["toys/fox"].licence = "openrail"
    with pytest.raises(BadInput, match="openrail: it may limit"):
        catalog.get_source("hub:toys/fox")
    assert not any("/resolve/" in one.path for one in fake_hub.server.log)
    offer = an_offer(HubSource("toys/fox", ("*.json", "*.safetensors")), licence="community", terms="Not for sale.")
    with pytest.raises(BadInput, match="Not for sale"):
        catalog.get_offered(offer)
    model = catalog.get_offered(offer, accept_licence=True)
    assert (model.id, model.licence) == ("toy-fox", "community")


def an_offer(*sources: Any, **facts: Any) -> Offer:
    values: dict[str, Any] = {"licence": "mit", **facts}
    return Offer("toy-fox", "story", "llama", "Toy fox", "Writes.", size=len(WEIGHTS), sources=sources, **values)


def updated(fake_hub: FakeHub) -> None:
    """The repository has another commit, with other weights."""
    repository = fake_hub.repositories["toys/fox"]
    repository.commits[SECOND] = {**WRITER, "model.safetensors": OTHER}
    repository.head = SECOND


def test_a_newer_version_takes_the_place_of_the_one_that_is_there(fake_hub: FakeHub, catalog: Catalog) -> None:
    files = ("*.json", "model.safetensors")
    first = an_offer(HubSource("toys/fox", files, FIRST))
    second = replace(first, sources=(HubSource("toys/fox", files, SECOND),))
    old = catalog.get_offered(first)
    (old.folder / "directions.json").write_text('{"directions": []}', encoding="utf-8")
    (old.folder / "directions").mkdir()
    (old.folder / "directions" / "1.png").write_bytes(b"a preview")
    assert [is_updated(each, old.source) for each in (first, second)] == [False, True]
    assert not is_updated(replace(first, sources=(HubSource("toys/fox", files),)), old.source), "a branch tells nothing"
    updated(fake_hub)
    path = f"/cdn/{SECOND}/model.safetensors"
    fake_hub.server.faults[path] = [cut(100_000), *[status(503)] * 9]
    with pytest.raises(StudioError, match="503"):
        catalog.get_offered(second, replaces="toy-fox")
    assert catalog.get("toy-fox").sha256 == old.sha256, "it stays until the other one is there"
    with pytest.raises(AlreadyInstalled):
        catalog.get_offered(second)
    assert catalog.verify(catalog.get("toy-fox")) == []
    fake_hub.server.faults.clear()
    new = catalog.get_offered(second, replaces="toy-fox")
    assert fake_hub.server.bodies(path)[-1][0] == 100_000
    assert [each.id for each in catalog.models("story")] == ["toy-fox"]
    assert new.sha256 != old.sha256
    assert new.source == f"hub:toys/fox@{SECOND}"
    assert (new.folder / "directions.json").is_file(), "what a person added stays"
    assert (new.folder / "directions" / "1.png").read_bytes() == b"a preview"
    assert (left(catalog), catalog.find("toy-fox", old.sha256)) == ([], new)


def test_a_newer_version_with_the_same_weights_is_noted(fake_hub: FakeHub, catalog: Catalog) -> None:
    old = catalog.get_source("hub:toys/fox")
    fake_hub.repositories["toys/fox"].commits[SECOND] = {**WRITER, "README.md": b"Another card."}
    fake_hub.repositories["toys/fox"].head = SECOND
    assert catalog.newer(old) == SECOND
    new = catalog.get_source("hub:toys/fox", replaces=old.id)
    assert (new.id, new.sha256, new.source) == (old.id, old.sha256, f"hub:toys/fox@{SECOND}")
    assert (catalog.newer(new), left(catalog)) == ("", [])
    assert len(catalog.models("story")) == 1


def test_where_the_old_version_was_removed_meanwhile_the_newer_one_stays(fake_hub: FakeHub, catalog: Catalog) -> None:
    old = catalog.get_source("hub:toys/fox")
    updated(fake_hub)

    def remove(done: int, _total: int) -> None:
        there = catalog.listed(old.id)
        if done and there is not None and there.sha256 == old.sha256:
            catalog.remove(old.id)

    new = catalog.get_source("hub:toys/fox", "", remove, replaces=old.id)
    assert new.sha256 != old.sha256
    assert catalog.models("story") == [new]
    assert (catalog.verify(new), left(catalog)) == ([], [])


def test_where_the_old_version_cannot_be_removed_both_stay(
    fake_hub: FakeHub, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = catalog.get_source("hub:toys/fox")
    updated(fake_hub)

    def busy(id: str) -> str:
        raise StudioError("It is in use.")

    monkeypatch.setattr(catalog, "remove", busy)
    new = catalog.get_source("hub:toys/fox", replaces=old.id)
    assert new.id != old.id
    assert {each.id for each in catalog.models("story")} == {old.id, new.id}


def test_an_offer_is_fetched_from_the_next_source_where_one_is_out_of_reach(
    fake_hub: FakeHub, catalog: Catalog
) -> None:
    gone = HubSource("toys/gone", ("*",))
    there = HubSource("toys/fox", ("*.json", "model.safetensors"), sha256={"model.safetensors": "0" * 64})
    with pytest.raises(StudioError, match=r"another model\.safetensors than"):
        catalog.get_offered(an_offer(gone, there))
    model = catalog.get_offered(an_offer(gone, replace(there, sha256={})))
    assert (model.id, model.title, model.description) == ("toy-fox", "Toy fox", "Writes.")
    with pytest.raises(OutOfReach, match=r"toys/gone"):
        Catalog(catalog._bundled, catalog._bundled / "own", families()).get_offered(an_offer(gone, gone))


def test_a_source_that_has_begun_is_not_left_for_another(fake_hub: FakeHub, catalog: Catalog) -> None:
    fake_hub.add("toys/copy", dict(WRITER))
    sources = [HubSource(name, ("*.json", "*.safetensors")) for name in ("toys/fox", "toys/copy")]
    fake_hub.server.faults[f"/cdn/{FIRST}/model.safetensors"] = [cut(100_000), status(404), status(404)]
    with pytest.raises(OutOfReach, match="no file"):
        catalog.get_offered(an_offer(*sources))
    assert not any("/toys/copy/" in one.path for one in fake_hub.server.log)
    assert catalog.get_offered(an_offer(*reversed(sources))).source == f"hub:toys/fox@{FIRST}"


def gguf(path: Path) -> bytes:
    writer = GGUFWriter(path, "llama")
    writer.add_license("mit")
    writer.add_context_length(128)
    writer.add_block_count(1)
    writer.add_embedding_length(32)
    writer.add_token_list(["<s>", "a", "猫"])
    writer.add_tensor("a.weight", np.ones((3, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_a_file_at_an_address_is_imported(fake_hub: FakeHub, catalog: Catalog, tmp_path: Path) -> None:
    server = fake_hub.server
    big = gguf(tmp_path / "toy.gguf")
    server.files["/模型 fox.gguf"] = big
    server.files["/page.safetensors"] = b"<html>Sign in</html>"
    server.files["/model.pth"] = b"PK\3\4 a zip of something else"
    model = catalog.get_source(f"{server.url}/模型 fox.gguf?key=secret")
    assert (model.id, model.medium, model.title, model.licence) == ("fox", "story", "模型 fox", "mit")
    assert model.source == f"{server.url}/模型 fox.gguf"
    with pytest.raises(StudioError, match="web page"):
        catalog.get_source(f"{server.url}/page.safetensors", accept_licence=True)
    with pytest.raises(StudioError, match=r"model\.pth"):
        catalog.get_source(f"{server.url}/model.pth", accept_licence=True)
    source = UrlSource(f"{server.url}/模型 fox.gguf", "other.gguf", len(big), "0" * 64)
    with pytest.raises(StudioError, match="hash differs"):
        catalog.get_offered(replace(an_offer(source), id="other"))


def test_what_lets_in_to_an_address_is_written_nowhere_and_asked_for_again(
    fake_hub: FakeHub, catalog: Catalog, tmp_path: Path
) -> None:
    server = fake_hub.server
    server.files["/fox.gguf"] = gguf(tmp_path / "toy.gguf")

    def guarded(handler: Handler) -> bool:
        if "token=hush" not in handler.path:
            handler.answer(403, b"who are you?")
            return True
        return False

    server.answers = guarded
    server.faults["/fox.gguf"] = [cut(150)] * 4
    signed = f"{server.url}/fox.gguf?v=2&token=hush&X-Amz-Signature=hush1".replace("//", "//me:hush@")
    with pytest.raises(StudioError, match="could not be fetched"):
        catalog.get_source(signed)
    assert catalog._own is not None
    place = catalog._own / catalogs.DOWNLOADS
    written = [path for path in place.rglob("*") if path.is_file()]
    assert [path.name for path in written if b"hush" in path.read_bytes()] == []
    (plan,) = (path for path in written if path.name == fetch.PLAN)
    if os.name == "posix":
        assert plan.stat().st_mode & 0o777 == 0o600
    assert [each.asked for each in catalog.downloads()] == [signed]
    later = Catalog(catalog._bundled, catalog._own, families())
    (unfinished,) = later.downloads()
    assert unfinished.asked == f"{server.url}/fox.gguf?v=2"
    assert unfinished.done == 150
    with pytest.raises(StudioError, match="had a key"):
        later.get_source(unfinished.asked)
    assert later.downloads()[0].done == 150
    model = later.get_source(signed.replace("hush1", "hush2"))  # signed anew
    assert server.log[-1].start == 150
    assert "hush" not in (model.folder / "model.toml").read_text("utf-8")
    assert later.downloads() == []


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["a.Q4_K_M.gguf"], ["a.Q4_K_M.gguf"]),
        (["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"], ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]),
        (["4x.pth", "x.png"], ["4x.pth"]),
        (["config.json", "a.safetensors", "a.fp16.safetensors", "original/a.pth"], ["a.safetensors", "config.json"]),
        (["config.json", "consolidated.safetensors", "model-1.safetensors"], ["config.json", "model-1.safetensors"]),
        (
            ["model_index.json", "sd.safetensors", "unet/config.json", "unet/a.fp16.safetensors", "unet/a.safetensors",
             "vae/b.fp16.safetensors", "vae/b.bin"],
            ["model_index.json", "unet/a.safetensors", "unet/config.json", "vae/b.fp16.safetensors"],
        ),
    ],
)  # fmt: skip
def test_the_files_of_one_model_are_chosen(names: list[str], chosen: list[str]) -> None:
    assert sorted(hub.model_files(names, "toys/fox")) == chosen


@pytest.mark.parametrize(
    ("names", "said"), [(["a.Q4.gguf", "a.Q8.gguf"], "hub:toys/fox:a.Q4.gguf"), (["x.onnx"], "no model")]
)
def test_a_choice_is_the_users(names: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        hub.model_files(names, "toys/fox")


CHILD = """
import json, os, sys, time
from pathlib import Path
import huggingface_hub.constants
huggingface_hub.constants.HF_HUB_OFFLINE = False
from studio.backends import families
from studio.cli.models import downloads as downloads_verb
from studio.models import importing as module, trial
from studio.models.catalog import Catalog
bundled, own, stop = json.loads(sys.argv[1])
trial.run = lambda *_: None
if stop == "import":
    def wait(*_):
        Path(own, "importing").touch()
        time.sleep(60)
    module._describe = wait
elif stop == "imported":
    from studio.models.sources import fetch
    def wait(*_):
        Path(own, "importing").touch()
        time.sleep(60)
    fetch.remove = wait
Catalog(Path(bundled), Path(own), families()).get_source("hub:toys/fox")
"""


def killed(catalog: Catalog, stop: str, when: Callable[[], bool]) -> None:
    said = json.dumps([str(catalog._bundled), str(catalog._own), stop])
    env = {**os.environ, "PYTHONPATH": ".", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    child = subprocess.Popen([sys.executable, "-c", CHILD, said], env=env)
    fakes.until(lambda: when() or child.poll() is not None, 40)
    child.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    assert child.wait() != 0


def test_a_studio_killed_while_it_lists_or_imports_loses_nothing(fake_hub: FakeHub, catalog: Catalog) -> None:
    server = fake_hub.server
    assert catalog._own is not None
    server.faults["/api/models/toys/fox/revision/main"] = [silent]
    killed(catalog, "", server.reached.is_set)
    marker = catalog._own / "importing"
    killed(catalog, "import", marker.exists)
    marker.unlink()
    assert downloads(catalog)[0][0] == downloads(catalog)[0][1] > len(WEIGHTS)
    assert catalog.models() == []
    killed(catalog, "imported", marker.exists)
    assert [model.id for model in catalog.models()] == ["fox"]
    with pytest.raises(AlreadyInstalled):
        catalog.get_source("hub:toys/fox")
    assert left(catalog) == []
    for name in ("model.safetensors", "config.json", "README.md", "tokenizer.json"):
        assert fake_hub.fetched(name) == [(0, len(WRITER[name]))]
    assert not list(catalog._own.glob(".importing-*"))


def test_models_that_were_fetched_are_plain_models(fake_hub: FakeHub, catalog: Catalog) -> None:
    model = catalog.get_source("hub:toys/fox")
    assert isinstance(model, Model)
    assert catalog.verify(model) == []
    catalog.remove(model.id)
    assert catalog.models() == []


def test_the_command_line_fetches_lists_and_discards(
    fake_hub: FakeHub, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Runs(capsys)
    path = f"/cdn/{FIRST}/model.safetensors"
    fake_hub.server.faults[path] = [cut(100_000), *[status(503)] * 9]
    failed = run("models", "get", "hub:toys/fox", "--medium", "story")
    assert failed.status == 3
    assert "503" in failed.err
    (one,) = run("models", "downloads", "--json").json["downloads"]
    assert one["done"] >= 100_000
    assert one["running"] is False
    assert one["id"] in run("models", "downloads").out
    fake_hub.server.faults[path] = []
    brought = run("models", "get", one["id"], "--json")  # goes on by the id of the download
    assert brought.json == {"id": "fox", "family": "llama", "licence": "mit"}
    assert fake_hub.server.bodies(path)[-1][0] == 100_000
    assert "No download is unfinished" in run("models", "downloads").err
    fake_hub.repositories["toys/fox"].commits[FIRST]["tokenizer.json"] = b'{"other": 1}'
    fake_hub.server.faults[f"/toys/fox/resolve/{FIRST}/tokenizer.json"] = [status(503)] * 9
    assert run("models", "get", "hub:toys/fox").status == 3
    assert run("models", "downloads", "--discard", one["id"]).status == 0
    assert run("models", "downloads", "--discard", one["id"]).status == 2
    assert run("models", "get", "nothing").status == 2


def test_the_command_line_says_that_a_model_is_newer_and_updates_it(
    fake_hub: FakeHub, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, files = Runs(capsys), ("*.json", "model.safetensors")
    toy = an_offer(HubSource("toys/fox", files, FIRST))

    def offering(one: Offer) -> None:
        monkeypatch.setattr(catalogs, "offers", lambda: (one,))
        monkeypatch.setattr(downloads_verb, "offer", lambda id: one)

    offering(toy)
    assert run("models", "get", "toy-fox").status == 0
    assert run("models", "info", "toy-fox", "--json").json["update"] is None
    same = run("models", "get", "toy-fox", "--update")
    assert (same.status, same.out.strip()) == (0, "No newer version of Toy fox is known.")
    updated(fake_hub)
    offering(replace(toy, sources=(HubSource("toys/fox", files, SECOND),)))
    refused = run("models", "get", "toy-fox")
    assert refused.status == 2
    assert "newer version" in refused.err
    assert "models get toy-fox --update" in refused.err
    assert "toy-fox --update" in run("models", "info", "toy-fox").out
    assert run("models", "get", "toy-fox", "--update", "--json").json["id"] == "toy-fox"
    assert run("models", "info", "toy-fox", "--json").json["source"] == f"hub:toys/fox@{SECOND}"
    # One that is not in the catalogue: the hub itself is asked.
    offering(replace(toy, id="other"))
    assert run("models", "get", "hub:toys/fox", "--medium", "story").status == 2  # installed already
    fake_hub.repositories["toys/fox"].commits["c" * 40] = {**WRITER, "model.safetensors": THIRD}
    fake_hub.repositories["toys/fox"].head = "c" * 40
    assert run("models", "get", "toy-fox", "--update").status == 0
    assert run("models", "info", "toy-fox", "--json").json["source"] == f"hub:toys/fox@{'c' * 40}"
    assert run("models", "get", "nothing", "--update").status == 2


def test_the_command_line_keeps_a_token_and_never_shows_it(
    fake_hub: FakeHub, toy_keyring: ToyKeyring, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Runs(capsys)
    assert "no token" in run("models", "token").out
    monkeypatch.setattr("sys.stdin", io.StringIO("hf_secret\n"))
    said = run("models", "token", "set")
    assert "keyring" in said.out
    assert list(toy_keyring.kept.values()) == ["hf_secret"]
    shown = run("models", "token", "--json")
    assert shown.json == {"token": "keyring"}
    assert "hf_secret" not in said.out + said.err + shown.out + shown.err
    assert "no token" in run("models", "token", "remove").out
    assert "kept no token" in run("models", "token", "remove").err


def test_a_request_knows_its_download(fake_hub: FakeHub) -> None:
    source = f"{fake_hub.server.url}/模型.gguf?key=secret"
    request = ModelGetRequest(source=source, target="story", accept_licence=True)
    assert Request.from_json(request.to_json()) == request
    assert request.subject == "模型.gguf"
    assert request.download == fetch.wanted_source(source).id == fetch.wanted_source(source.partition("?")[0]).id
    assert request.storable == request.replace(source=source.partition("?")[0])
    assert ModelGetRequest(offer="smollm2-135m-instruct").download == "smollm2-135m-instruct"
    assert ModelGetRequest(source="nowhere").subject == ""
