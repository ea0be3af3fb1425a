"""The catalog: what is found, how a model comes in and goes, and what never comes in."""

from __future__ import annotations

import json
import pickle
import shutil
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from safetensors.numpy import save_file

from studio.backends import families
from studio.errors import BadInput, StudioError
from studio.models import detect, installed, weights
from studio.models.catalog import Catalog
from studio.system import storage
from studio.system.paths import RESOURCES
from tests.disk import disk_reads

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}


def tensors(path: Path, name: str = "weight", metadata: Mapping[str, str] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.arange(6, dtype=np.float32)}, path, metadata=dict(metadata or {}))


def writer(folder: Path, config: Mapping[str, Any] = LLAMA, licence: str = "mit") -> Path:
    """A story model as a hub would give it."""
    tensors(folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    if licence:
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n# A model\n", encoding="utf-8")
    return folder


def bundle(folder: Path, **more: str) -> Path:
    tensors(folder / "model.safetensors")
    size, sha256 = weights.fingerprint(folder)
    facts = {"medium": "story", "family": "llama", "title": folder.name.title(), "licence": "CC0-1.0", **more}
    lines = [f"{key} = {json.dumps(value)}" for key, value in facts.items()]
    (folder / "model.toml").write_text("\n".join([*lines, f"size = {size}", f'sha256 = "{sha256}"']), encoding="utf-8")
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Catalog:
    return Catalog(bundled=tmp_path / "bundled", own=tmp_path / "own", families=families())


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_bundled_and_own_models_are_found(shelf: Catalog, tmp_path: Path) -> None:
    assert shelf.models() == []
    bundle(tmp_path / "bundled" / "story-starter")
    bundle(tmp_path / "bundled" / "a-second")
    own = bundle(tmp_path / "own" / "mine", credits="me", description="A test", source="here")
    assert [(model.id, model.bundled) for model in shelf.models()] == [
        ("a-second", True),
        ("story-starter", True),
        ("mine", False),
    ]
    assert shelf.models("music") == []
    assert shelf.default("story").id == "story-starter"
    mine = shelf.get("mine")
    assert (mine.folder, mine.credits, mine.description, mine.source) == (own, "me", "A test", "here")
    assert mine.size == (own / "model.safetensors").stat().st_size
    assert all(shelf.verify(model) == [] for model in shelf.models())


def test_lists_and_sizes_in_model_toml(shelf: Catalog, tmp_path: Path) -> None:
    folder = bundle(tmp_path / "own" / "mine")
    with (folder / "model.toml").open("a", encoding="utf-8") as file:
        file.write('\ncredits = ["Ann", "Bo"]\nlanguages = ["en", "zh"]\nnative = [256, 128]\n')
    model = shelf.get("mine")
    assert (model.credits, model.languages, model.native) == ("Ann\nBo", ("en", "zh"), (256, 128))


@pytest.mark.parametrize("id", ["", "nothing", "../own/mine", "/etc", "a\0b", "x" * 300, "Mine"])
def test_an_unknown_id_is_bad_input(shelf: Catalog, tmp_path: Path, id: str) -> None:
    bundle(tmp_path / "own" / "mine")
    with pytest.raises(BadInput, match="There is no model"):
        shelf.get(id)


def test_no_model_of_a_medium_says_how_to_get_one(shelf: Catalog) -> None:
    with pytest.raises(StudioError, match="models import PATH --medium music") as caught:
        shelf.default("music")
    assert caught.value.status == 3


@pytest.mark.parametrize("text", ["medium = ", 'family = "x"', 'medium = "story"\nfamily = 3', 'id = "other"'])
def test_a_damaged_description_costs_only_its_model(shelf: Catalog, tmp_path: Path, text: str) -> None:
    bundle(tmp_path / "own" / "good")
    folder = bundle(tmp_path / "own" / "bad")
    if "id" in text:
        text = f'medium = "story"\nfamily = "llama"\n{text}'
    (folder / "model.toml").write_text(text, encoding="utf-8")
    assert [model.id for model in shelf.models()] == ["good"]
    assert len(shelf.warnings) == 1
    assert "bad" in str(shelf.warnings[0])
    with pytest.raises(StudioError, match="bad"):
        shelf.get("bad")


def test_an_own_model_never_hides_a_bundled_one(shelf: Catalog, tmp_path: Path) -> None:
    bundle(tmp_path / "bundled" / "story-starter")
    bundle(tmp_path / "own" / "story-starter")
    assert shelf.get("story-starter").bundled
    assert [model.bundled for model in shelf.models()] == [True]


def test_verify_notices_changed_cut_and_missing_weights(shelf: Catalog, tmp_path: Path) -> None:
    folder = bundle(tmp_path / "own" / "mine")
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "have changed" in str(shelf.verify(shelf.get("mine"))[0])
    path.write_bytes(whole[:-1])
    assert "is damaged" in str(shelf.verify(shelf.get("mine"))[0])
    path.unlink()
    assert "has no weights" in str(shelf.verify(shelf.get("mine"))[0])


def test_import_copies_a_folder_and_describes_it(shelf: Catalog, tmp_path: Path) -> None:
    source = writer(tmp_path / "Tiny Llama 1B!")
    (source / "modeling_llama.py").write_text("raise SystemExit", encoding="utf-8")
    (source / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    (source / "optimizer.pt").write_bytes(b"x")
    (source / "pytorch_model.bin").write_bytes(pickle.dumps(1))
    (source / ".git").mkdir()
    (source / ".git" / "x.json").write_text("{}", encoding="utf-8")
    model = shelf.import_(source, "story")
    assert (model.id, model.medium, model.family, model.licence) == ("tiny-llama-1b", "story", "llama", "mit")
    assert model.title == "Tiny Llama 1B!"
    assert names(model.folder) == {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "chat_template.jinja",
        "README.md",
        "model.toml",
    }
    assert model.folder == tmp_path / "own" / "tiny-llama-1b"
    assert shelf.verify(model) == []
    with pytest.raises(BadInput, match="installed already, as tiny-llama-1b"):
        shelf.import_(source, "story")
    assert [entry.name for entry in (tmp_path / "own").iterdir()] == ["tiny-llama-1b"]
    tensors(source / "model.safetensors", "other")
    assert shelf.import_(source, "story").id == "tiny-llama-1b-2"
    assert [entry.name for entry in sorted((tmp_path / "own").iterdir())] == ["tiny-llama-1b", "tiny-llama-1b-2"]


def test_a_mended_config_is_another_model_and_an_added_direction_is_not(shelf: Catalog, tmp_path: Path) -> None:
    source = writer(tmp_path / "tales")
    model = shelf.import_(source, "story")
    (model.folder / "smile.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput, match="installed already, as tales"):
        shelf.import_(source, "story")
    (source / "config.json").write_text(json.dumps({**LLAMA, "rope_theta": 1e6}), encoding="utf-8")
    mended = shelf.import_(source, "story")
    assert (mended.id, mended.sha256) == ("tales-2", model.sha256)
    with pytest.raises(BadInput, match="installed already, as tales-2"):
        shelf.import_(source, "story")


def test_every_file_but_the_readme_makes_a_version(shelf: Catalog, tmp_path: Path) -> None:
    source = writer(tmp_path / "tales")
    (source / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    first = shelf.import_(source, "story")
    (source / "README.md").write_text("---\nlicense: mit\n---\nAnother text\n", encoding="utf-8")
    with pytest.raises(BadInput, match="installed already, as tales"):
        shelf.import_(source, "story")
    (source / "chat_template.jinja").unlink()
    second = shelf.import_(source, "story")
    (source / "tokenizer.json").write_text('{"version": "1.0"}', encoding="utf-8")
    third = shelf.import_(source, "story")
    assert [model.id for model in (first, second, third)] == ["tales", "tales-2", "tales-3"]
    assert len({model.fingerprint for model in (first, second, third)}) == 3
    # Works name their model by its weights, as those made before files were recorded do.
    assert {model.sha256 for model in (first, second, third)} == {first.sha256}
    assert shelf.find("tales-2", first.sha256) == second
    shelf.remove("tales-2")
    assert shelf.find("tales-2", first.sha256) == first


def test_a_model_that_was_imported_before_its_files_were_recorded_is_known(shelf: Catalog, tmp_path: Path) -> None:
    source = writer(tmp_path / "tales")
    label = shelf.import_(source, "story").folder / "model.toml"
    facts = tomllib.loads(label.read_text(encoding="utf-8"))
    assert facts.pop("files").keys() == {"config.json", "tokenizer.json"}
    label.write_text(tomli_w.dumps(facts), encoding="utf-8")
    with pytest.raises(BadInput, match="installed already, as tales"):
        shelf.import_(source, "story")
    (source / "config.json").write_text(json.dumps({**LLAMA, "rope_theta": 1e6}), encoding="utf-8")
    assert shelf.import_(source, "story").id == "tales-2"


def test_verify_names_a_changed_config(shelf: Catalog, tmp_path: Path) -> None:
    model = shelf.import_(writer(tmp_path / "tales"), "story")
    (model.folder / "directions.json").write_text("[]", encoding="utf-8")
    assert shelf.verify(model) == []
    (model.folder / "config.json").write_text(json.dumps({**LLAMA, "rope_theta": 1e6}), encoding="utf-8")
    (model.folder / "tokenizer.json").unlink()
    assert [str(problem) for problem in shelf.verify(model)] == [
        "config.json of tales has changed or is missing. Import the model again.",
        "tokenizer.json of tales has changed or is missing. Import the model again.",
    ]


def test_import_of_a_pipeline_takes_its_parts(shelf: Catalog, tmp_path: Path) -> None:
    source = tmp_path / "sdxl"
    for part in ("unet", "vae"):
        tensors(source / part / "model.safetensors")
    tensors(source / "whole_again.safetensors")
    (source / "model_index.json").write_text('{"_class_name": "StableDiffusionXLPipeline"}', encoding="utf-8")
    model = shelf.import_(source, "poster", accept_licence=True)
    assert model.family == "sdxl"
    assert model.licence == "unknown"
    assert names(model.folder) == {
        "unet/model.safetensors",
        "vae/model.safetensors",
        "model_index.json",
        "model.toml",
    }


def test_import_follows_the_links_of_a_hub_cache(shelf: Catalog, tmp_path: Path) -> None:
    blobs = writer(tmp_path / "blobs")
    snapshot = tmp_path / "snapshots" / ("0123456789" * 4)
    snapshot.mkdir(parents=True)
    for name in ("model.safetensors", "config.json", "tokenizer.json", "README.md"):
        (snapshot / name).symlink_to(blobs / name)
    model = shelf.import_(snapshot, "story")
    assert not any(path.is_symlink() for path in model.folder.iterdir())
    assert model.id == "story-llama"
    assert shelf.verify(model) == []


def test_import_of_what_a_training_made(shelf: Catalog, tmp_path: Path) -> None:
    out = tmp_path / "out"
    writer(out / "model", {"medium": "avatar", "family": "stylegan2", "native": [64, 64]}, licence="")
    (out / "checkpoint.pt").write_bytes(b"x")
    model = shelf.import_(out, "avatar")
    assert model.native == (64, 64)
    assert (model.id, model.family, model.licence) == ("out", "stylegan2", "own")
    assert "checkpoint.pt" not in names(model.folder)
    shelf.remove(model.id)
    again = shelf.import_(out / "model", "avatar")
    assert (again.id, again.title) == ("avatar-stylegan2", "avatar-stylegan2")


@pytest.mark.parametrize(("title", "id"), [("My Füchse, no. 2!", "my-fuchse-no.-2"), ("狐狸 2", ""), ("../..", "")])
def test_a_trained_model_is_called_as_its_title_says(shelf: Catalog, tmp_path: Path, title: str, id: str) -> None:
    said = {"medium": "avatar", "family": "stylegan2", "title": title}
    made = writer(tmp_path / "out" / "model", said, licence="cc0-1.0")
    model = shelf.import_(made, "avatar")
    assert (model.id, model.title) == (id or "avatar-stylegan2", title)


def test_what_the_studio_trains_is_recognised_in_every_medium(shelf: Catalog, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"x")
    music = writer(tmp_path / "model", {"model_type": "studio-music", "version": 1}, licence="")
    tensors(music / "prior" / "model.safetensors")
    brought = shelf.import_(music, "music")
    assert (brought.family, brought.licence) == ("studio-music", "own")
    assert "prior/model.safetensors" in names(brought.folder)
    shutil.rmtree(music)
    poster = writer(tmp_path / "model", {"family": "diffusers", "native": [256, 384]}, licence="")
    (poster / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}', encoding="utf-8")
    tensors(poster / "unet" / "diffusion_pytorch_model.safetensors")
    with pytest.raises(BadInput, match="--medium poster"):
        shelf.import_(poster, "story")
    brought = shelf.import_(poster, "poster")
    assert (brought.family, brought.native, brought.licence) == ("diffusers", (256, 384), "own")


def test_a_single_file_is_recognised_by_its_header_and_refused_where_its_engine_reads_folders(
    shelf: Catalog, tmp_path: Path
) -> None:
    path = tmp_path / "My.Checkpoint.safetensors"
    tensors(path, "conditioner.embedders.1.model.ln_final.bias", {"modelspec.license": "CC0-1.0"})
    found = detect.recognise(path, families())
    assert (found.medium, found.family, found.licence) == ("poster", "sdxl", "cc0-1.0")
    with pytest.raises(StudioError, match=r"My\.Checkpoint\.safetensors is a model in one file"):
        shelf.import_(path, "poster")
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("licence", ["", "openrail++", "other", "cc-by-nc-4.0"])
def test_a_licence_that_restricts_or_is_unknown_is_asked_about(shelf: Catalog, tmp_path: Path, licence: str) -> None:
    source = writer(tmp_path / "model", licence=licence)
    with pytest.raises(BadInput, match="--accept-licence"):
        shelf.import_(source, "story")
    assert not (tmp_path / "own").exists()
    assert shelf.import_(source, "story", accept_licence=True).licence == (licence or "unknown")


def test_a_licence_text_is_recognised(shelf: Catalog, tmp_path: Path) -> None:
    source = writer(tmp_path / "model", licence="")
    (source / "LICENSE").write_text("\n   Apache License\n  Version 2.0, January 2004\n", encoding="utf-8")
    assert shelf.import_(source, "story").licence == "apache-2.0"


@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".pth", ".bin", ".ckpt"])
def test_pickles_never_come_in(shelf: Catalog, tmp_path: Path, suffix: str) -> None:
    touched = tmp_path / "touched"

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (touched,))

    path = tmp_path / f"network{suffix}"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(BadInput, match=r"pickle, which can run any program|it wants .* to be called"):
        shelf.import_(path, "avatar")
    folder = tmp_path / "folder"
    writer(folder)
    (folder / "text_encoder").mkdir()
    path.rename(folder / "text_encoder" / path.name)
    with pytest.raises(BadInput, match="pickle"):
        shelf.import_(folder, "story")
    assert not touched.exists()


def test_what_is_no_model_is_refused_in_words(shelf: Catalog, tmp_path: Path) -> None:
    def refused(path: Path, medium: str, words: str) -> None:
        with pytest.raises(BadInput, match=words):
            shelf.import_(path, medium, accept_licence=True)

    refused(tmp_path / "nothing", "story", "does not exist")
    (tmp_path / "note.txt").write_text("x", encoding="utf-8")
    refused(tmp_path / "note.txt", "story", "is not a model")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "story", r"no \.safetensors")
    refused(writer(tmp_path / "llama"), "poster", "belongs to story.*--medium story")
    bert = writer(tmp_path / "bert", {"model_type": "bert", "architectures": ["BertModel"]})
    refused(bert, "story", "needs BertModel of transformers")
    refused(writer(tmp_path / "code", {**LLAMA, "auto_map": {"AutoModel": "x.Y"}}), "story", "never runs")
    tensors(tmp_path / "bare" / "model.safetensors")
    refused(tmp_path / "bare", "story", "neither config")
    tensors(tmp_path / "lora.safetensors", "unet.lora_A.weight")
    refused(tmp_path / "lora.safetensors", "poster", "is a LoRA")
    tensors(tmp_path / "odd.safetensors")
    refused(tmp_path / "odd.safetensors", "poster", "does not know")
    tensors(tmp_path / "pipe" / "unet" / "x.safetensors")
    (tmp_path / "pipe" / "model_index.json").write_text('{"_class_name": "EvilPipeline"}', encoding="utf-8")
    refused(tmp_path / "pipe", "poster", "needs EvilPipeline")
    assert not (tmp_path / "own").exists()


def test_damaged_weights_and_configs_are_model_problems(shelf: Catalog, tmp_path: Path) -> None:
    source = writer(tmp_path / "cut")
    whole = (source / "model.safetensors").read_bytes()
    (source / "model.safetensors").write_bytes(whole[:-3])
    with pytest.raises(StudioError, match="its end is missing") as caught:
        shelf.import_(source, "story")
    assert caught.value.status == 3
    source = writer(tmp_path / "config")
    (source / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(StudioError, match=r"config\.json is damaged"):
        shelf.import_(source, "story")


@pytest.mark.parametrize("when", ["copy", "describe", "interrupt"])
def test_an_import_that_fails_leaves_nothing(
    shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    source = writer(tmp_path / "model")

    def full(*_args: object) -> None:
        raise KeyboardInterrupt if when == "interrupt" else OSError(28, "No space left on device")

    if when == "describe":
        monkeypatch.setattr(storage, "write_synced", full)
    else:
        monkeypatch.setattr(storage, "copy", full)
    with pytest.raises(KeyboardInterrupt if when == "interrupt" else StudioError, match=None):
        shelf.import_(source, "story")
    assert list((tmp_path / "own").iterdir()) == []


def test_an_import_says_how_far_it_is_and_can_be_given_up(
    shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "COPY_CHUNK", 10)
    source = writer(tmp_path / "tiny")
    heard: list[tuple[int, int]] = []
    shelf.import_(source, "story", report=lambda done, total: heard.append((done, total)))
    whole = sum(path.stat().st_size for path in source.iterdir())
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    assert heard[-1] == (whole, whole)

    def stop(done: int, _total: int) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.import_(source, "story", report=stop)
    assert [entry.name for entry in (tmp_path / "own").iterdir()] == ["tiny"]


def test_an_import_larger_than_the_disk_is_refused_before_copying(
    shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = writer(tmp_path / "model")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 10, 0))  # type: ignore[attr-defined]
    with pytest.raises(StudioError, match="Free some space"):
        shelf.import_(source, "story")
    assert list((tmp_path / "own").iterdir()) == []


def test_what_killed_imports_left_is_swept_and_what_others_write_is_not(shelf: Catalog, tmp_path: Path) -> None:
    own = tmp_path / "own"
    killed = own / f"{installed.STAGING}killed"
    killed.mkdir(parents=True)
    (killed / "model.safetensors").write_bytes(b"half")
    (own / f"{installed.STAGING}killed.lock").touch()
    with storage.staging(own, installed.STAGING) as alive:
        shelf.import_(writer(tmp_path / "model"), "story")
        assert not killed.exists()
        assert alive.exists()
    assert [entry.name for entry in own.iterdir()] == [shelf.models()[0].folder.name]


def test_remove(shelf: Catalog, tmp_path: Path) -> None:
    bundle(tmp_path / "bundled" / "story-starter")
    source = writer(tmp_path / "model")
    tensors(source / "model.safetensors", "other")
    model = shelf.import_(source, "story")
    shelf.remove(model.id)
    assert list((tmp_path / "own").iterdir()) == []
    assert (tmp_path / "model" / "model.safetensors").exists()
    with pytest.raises(BadInput, match="cannot be removed"):
        shelf.remove("story-starter")
    with pytest.raises(BadInput, match="no model"):
        shelf.remove(model.id)
    assert [model.id for model in shelf.models()] == ["story-starter"]


def test_every_bundled_model_is_what_it_says() -> None:
    shelf = Catalog()
    for model in shelf.models():
        assert shelf.verify(model) == []
        assert model.size == weights.fingerprint(model.folder)[0]
        assert model.sha256
        assert model.licence
        assert "id" in tomllib.loads((model.folder / "model.toml").read_text(encoding="utf-8"))
    assert shelf.warnings == []
    assert {folder.parent.name for folder in RESOURCES.glob("models/*/model.toml")} == {m.id for m in shelf.models()}


def test_weights_are_called_as_the_libraries_call_them(shelf: Catalog, tmp_path: Path) -> None:
    folder = writer(tmp_path / "shouting")
    (folder / "model.safetensors").rename(folder / "MODEL.SAFETENSORS")  # no library would load it, and none check it
    with pytest.raises(BadInput, match="holds no"):
        shelf.import_(folder, "story")


def test_a_followed_catalog_answers_from_memory(
    shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle(tmp_path / "bundled" / "story-starter")
    for number in range(20):
        bundle(tmp_path / "own" / f"mine-{number}")
    end = shelf.follow(lambda: None, seconds=60)
    try:
        assert len(shelf.models()) == 21
        with disk_reads(monkeypatch) as reads:
            assert shelf.default("story").id == "story-starter"
            assert shelf.get("mine-7").title == "Mine-7"
            assert len(shelf.models("story")) == 21
            assert shelf.warnings == []
        assert reads == []
    finally:
        end()
    with disk_reads(monkeypatch) as reads:
        assert len(shelf.models()) == 21
    assert reads, "unfollowed it looks at the folders"


def test_every_folder_is_looked_at_once(shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle(tmp_path / "bundled" / "story-starter")
    bundle(tmp_path / "own" / "mine")
    assert len(shelf.models()) == 2
    with disk_reads(monkeypatch) as reads:
        assert len(shelf.models()) == 2
    assert len(reads) == len(set(reads))


def test_what_has_not_changed_is_not_read_again(
    shelf: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [bundle(tmp_path / "own" / f"mine-{number}") for number in range(5)]
    assert len(shelf.models()) == 5
    read: list[Path] = []
    real = installed.read_model
    monkeypatch.setattr(installed, "read_model", lambda folder, **kwargs: read.append(folder) or real(folder, **kwargs))
    bundle(folders[2], title="Another title")
    bundle(tmp_path / "own" / "new")
    assert [model.title for model in shelf.models()] == ["Another title", "Mine-0", "Mine-1", "Mine-3", "Mine-4", "New"]
    assert read == [folders[2], tmp_path / "own" / "new"]


def test_what_another_process_changes_is_news(shelf: Catalog, tmp_path: Path) -> None:
    bundle(tmp_path / "own" / "mine")
    news = threading.Semaphore(0)
    end = shelf.follow(news.release, seconds=0.01)
    try:
        assert [model.id for model in shelf.models()] == ["mine"]
        bundle(tmp_path / "own" / "theirs")
        assert news.acquire(timeout=20)
        assert [model.id for model in shelf.models()] == ["mine", "theirs"]
        shutil.rmtree(tmp_path / "own" / "mine")
        assert news.acquire(timeout=20)
        assert [model.id for model in shelf.models()] == ["theirs"]
    finally:
        end()


def test_a_model_that_has_just_come_is_found_by_its_id(shelf: Catalog, tmp_path: Path) -> None:
    end = shelf.follow(lambda: None, seconds=60)
    try:
        assert shelf.models() == []
        bundle(tmp_path / "own" / "mine")
        assert shelf.get("mine").title == "Mine"
        assert [model.id for model in shelf.models()] == ["mine"]
    finally:
        end()
