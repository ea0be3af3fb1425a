"""Models of other programs: found where these keep them, told apart by their headers, and used without a copy."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFWriter
from safetensors.numpy import save_file

from studio.backends import families
from studio.errors import BadInput, StudioError
from studio.models import weights
from studio.models.catalog import Catalog
from studio.models.importing import AlreadyInstalled
from studio.models.sources import program_folders, programs
from studio.models.sources.program_folders import ModelPlace
from studio.models.sources.programs import FoundModel, ModelScan

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ODD_HOME = "Ящик 図 é"


def toy_gguf(path: Path, seed: int = 0, licence: str = "apache-2.0", architecture: str = "llama") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(path, architecture)
    writer.add_block_count(1)
    writer.add_embedding_length(32)
    writer.add_context_length(128)
    writer.add_token_list(["<s>", "a"])
    if licence:
        writer.add_license(licence)
    writer.add_tensor("blk.0.weight", np.random.default_rng(seed).random((3, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def toy_tensors(path: Path, seed: int = 0, name: str = "weight") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.random.default_rng(seed).random(5000, np.float32)}, path)
    return path


def toy_folder(folder: Path, seed: int = 0, config: Mapping[str, Any] = LLAMA, licence: str = "mit") -> Path:
    toy_tensors(folder / "model.safetensors", seed)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n", encoding="utf-8")
    return folder


def in_hub(hub: Path, repo: str, source: Path, commit: str = COMMIT) -> Path:
    """The files of a folder as a Hugging Face cache keeps them: blobs, and a snapshot of relative links to them."""
    place = hub / f"models--{repo.replace('/', '--')}"
    snapshot = place / "snapshots" / commit
    (place / "blobs").mkdir(parents=True, exist_ok=True)
    (place / "refs").mkdir(exist_ok=True)
    (place / "refs" / "main").write_text(commit, encoding="utf-8")
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        blob = place / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        blob.write_bytes(file.read_bytes())
        link = snapshot / file.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return snapshot


def in_ollama(models: Path, name: str, tag: str, source: Path, **layers: str) -> Path:
    """A model as Ollama keeps it: a manifest, and blobs named by their sha256."""
    blobs = models / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)

    def stored(raw: bytes) -> str:
        digest = hashlib.sha256(raw).hexdigest()
        (blobs / f"sha256-{digest}").write_bytes(raw)
        return f"sha256:{digest}"

    listed = [{"mediaType": f"{program_folders.OLLAMA_LAYER}model", "digest": stored(source.read_bytes())}]
    listed += [
        {"mediaType": f"{program_folders.OLLAMA_LAYER}{kind}", "digest": stored(text.encode())}
        for kind, text in layers.items()
    ]
    manifest = models / "manifests" / "registry.ollama.ai" / "library" / name / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": listed}), encoding="utf-8")
    return manifest


def look(*places: ModelPlace, folders: tuple[Path, ...] = (), **more: Any) -> ModelScan:
    return programs.scan(families(), folders, places, **more)


def usable(scan: ModelScan) -> dict[str, str]:
    return {one.title: one.medium for one in scan.models if one.why_not is None}


def reasons(scan: ModelScan) -> dict[str, str]:
    return {one.title: str(one.why_not) for one in scan.models if one.why_not is not None}


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file below a folder, and that of every folder: what a change would change."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        stat = path.lstat()
        found[str(path)] = (stat.st_size, stat.st_mtime_ns)
    return found


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(bundled=tmp_path / "bundled", own=tmp_path / ODD_HOME / "models", families=families())


def test_the_hugging_face_cache(tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    in_hub(hub, "owner/small-writer", toy_folder(tmp_path / "source"))
    two = tmp_path / "two"
    toy_gguf(two / "q4.gguf", 1)
    toy_gguf(two / "q8.gguf", 2)
    in_hub(hub, "owner/many", two)
    in_hub(hub, "other/encoder", toy_folder(tmp_path / "bert", config={"model_type": "bert"}))
    (hub / "datasets--owner--words").mkdir()
    (hub / "models--owner--nothing").mkdir()
    found = look(ModelPlace(program_folders.HUB, hub))
    assert usable(found) == {"owner/small-writer": "story", "owner/many q4": "story", "owner/many q8": "story"}
    assert "which the studio cannot run" in reasons(found)["other/encoder"]
    assert {one.program for one in found.models} == {"Hugging Face"}
    assert next(one for one in found.models if one.title == "owner/small-writer").licence == "mit"


def test_broken_links_of_a_hub_are_said(tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    snapshot = in_hub(hub, "owner/cut", toy_folder(tmp_path / "source"))
    (snapshot / "model.safetensors").resolve().unlink()
    files = tmp_path / "file"
    toy_gguf(files / "one.gguf")
    single = in_hub(hub, "owner/gone", files)
    (single / "one.gguf").resolve().unlink()
    found = look(ModelPlace(program_folders.HUB, hub))
    assert usable(found) == {}
    assert "model.safetensors" in reasons(found)["owner/cut"]
    assert "one.gguf" in reasons(found)["owner/gone"]


def test_the_snapshot_that_main_names_is_taken(tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    old = in_hub(hub, "owner/writer", toy_folder(tmp_path / "a", 1), "a" * 40)
    new = in_hub(hub, "owner/writer", toy_folder(tmp_path / "b", 2), "b" * 40)
    assert [one.path for one in look(ModelPlace(program_folders.HUB, hub)).models] == [new]
    (hub / "models--owner--writer" / "refs" / "main").write_text("../../../../etc", encoding="utf-8")
    assert {one.path for one in look(ModelPlace(program_folders.HUB, hub)).models} <= {old, new}


def test_comfyui_and_its_further_paths(tmp_path: Path) -> None:
    comfy, extra = tmp_path / "ComfyUI", tmp_path / "更多 模型"
    toy_tensors(comfy / "models" / "vae" / "nice.safetensors", 1)
    toy_tensors(comfy / "models" / "text_encoders" / "t5.safetensors", 2)
    toy_tensors(comfy / "models" / "loras" / "style.safetensors", 3, "unet.lora_up.weight")
    toy_tensors(comfy / "models" / "checkpoints" / "unknown.safetensors", 4)
    toy_gguf(extra / "llm" / "writer.gguf")
    (comfy / "extra_model_paths.yaml").write_text(
        f"mine:\n  base_path: {extra}\n  is_default: true\n  llm: |\n    llm/\n    nowhere\nempty:\n", encoding="utf-8"
    )
    found = look(ModelPlace(program_folders.COMFY, comfy))
    assert usable(found) == {"writer": "story"}
    said = reasons(found)
    assert "nice is a VAE" in said["nice"]
    assert "text encoder" in said["t5"]
    assert "LoRA" in said["style"]
    assert "does not know" in said["unknown"]


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "!!python/object/apply:os.system ['touch hacked']", "x: " * 500])
def test_odd_further_paths_cost_nothing(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy_gguf(tmp_path / "comfy" / "models" / "llm" / "writer.gguf")
    (tmp_path / "comfy" / "extra_model_paths.yaml").write_text(text, encoding="utf-8")
    assert usable(look(ModelPlace(program_folders.COMFY, tmp_path / "comfy"))) == {"writer": "story"}
    assert not (tmp_path / "hacked").exists()


def test_paths_that_no_file_can_have_cost_nothing(tmp_path: Path) -> None:
    odd = ["a\0b", "\ud800", "~no-such-user/x", "x" * 5000, "$NOTHING/y"]
    toy_gguf(tmp_path / "comfy" / "models" / "writer.gguf", 1)
    sections = {f"s{at}": {"base_path": path, "checkpoints": path} for at, path in enumerate(odd)}
    (tmp_path / "comfy" / "extra_model_paths.yaml").write_text(json.dumps(sections), encoding="utf-8")
    toy_gguf(tmp_path / "invoke" / "models" / "second.gguf", 2)
    (tmp_path / "invoke" / "databases").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "invoke" / "databases" / "invokeai.db")) as db:
        db.execute("CREATE TABLE models (id TEXT PRIMARY KEY, config TEXT)")
        rows = [(str(at), json.dumps({"path": path})) for at, path in enumerate(odd)]
        db.executemany("INSERT INTO models VALUES (?, ?)", [*rows, ("list", "[]"), ("none", None), ("blob", b"\xff")])
        db.commit()
    (tmp_path / "lm").mkdir()
    for path in odd:
        (tmp_path / "lm" / "settings.json").write_text(json.dumps({"downloadsFolder": path}), encoding="utf-8")
        found = look(
            ModelPlace(program_folders.COMFY, tmp_path / "comfy"),
            ModelPlace(program_folders.INVOKE, tmp_path / "invoke"),
            ModelPlace(program_folders.LM_STUDIO, tmp_path / "lm"),
        )
        assert usable(found) == {"writer": "story", "second": "story"}
        environ = {"HF_HOME": path, "OLLAMA_MODELS": path}
        assert look(*program_folders.usual_places(environ, tmp_path)[:3]).models == []


def test_a1111_and_forge(tmp_path: Path) -> None:
    for seed, name in enumerate(("webui", "forge")):
        toy_tensors(tmp_path / name / "models" / "Stable-diffusion" / f"{name}.safetensors", seed)
        toy_tensors(tmp_path / name / "models" / "VAE" / f"{name} vae.safetensors", seed + 10)
    (tmp_path / "forge" / "modules_forge").mkdir()
    found = look(folders=(tmp_path / "webui", tmp_path / "forge"))
    assert {one.title: one.program for one in found.models} == {
        "webui": "A1111",
        "webui vae": "A1111",
        "forge": "Forge",
        "forge vae": "Forge",
    }
    assert "is a VAE" in reasons(found)["webui vae"]


def test_invokeai_by_its_database_and_its_folder(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "invokeai", tmp_path / "elsewhere"
    toy_folder(root / "models" / "key-1", 1)
    toy_gguf(root / "models" / "only" / "in-folder.gguf", 2)
    toy_gguf(elsewhere / "in-place.gguf", 3)
    (root / "databases").mkdir()
    rows = [
        {"path": "key-1", "name": "Its name", "type": "main"},
        {"path": str(elsewhere / "in-place.gguf"), "name": "In place"},
        {"path": "../../secret", "name": "Climber"},
        {"path": "gone/file.gguf", "name": "Gone"},
    ]
    db = sqlite3.connect(root / "databases" / "invokeai.db")
    db.execute("CREATE TABLE models (id TEXT PRIMARY KEY, config TEXT)")
    db.executemany("INSERT INTO models VALUES (?, ?)", [(str(at), json.dumps(row)) for at, row in enumerate(rows)])
    db.execute("INSERT INTO models VALUES ('bad', '{')")
    db.commit()
    db.close()
    before = contents(root)
    found = look(ModelPlace(program_folders.INVOKE, root))
    assert usable(found) == {"Its name": "story", "In place": "story", "in-folder": "story"}
    assert len(found.notes) == 1
    assert "outside of its folder" in str(found.notes[0])
    assert contents(root) == before


def test_a_damaged_database_leaves_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "invokeai"
    toy_gguf(root / "models" / "writer.gguf")
    (root / "databases").mkdir()
    (root / "databases" / "invokeai.db").write_bytes(b"no database" * 100)
    found = look(ModelPlace(program_folders.INVOKE, root))
    assert usable(found) == {"writer": "story"}
    assert "cannot be read" in str(found.notes[0])


def test_lm_studio_and_the_folder_in_its_settings(tmp_path: Path) -> None:
    home, other = tmp_path / ".lmstudio", tmp_path / "big disk"
    toy_gguf(other / "publisher" / "repo" / "writer-Q4_K_M.gguf", 1)
    toy_gguf(other / "publisher" / "repo" / "mmproj-writer.gguf", 2, architecture="clip")
    home.mkdir()
    (home / "settings.json").write_text(json.dumps({"downloadsFolder": str(other)}), encoding="utf-8")
    found = look(ModelPlace(program_folders.LM_STUDIO, home))
    assert usable(found) == {"writer-Q4_K_M": "story"}
    assert "eye or ear" in reasons(found)["mmproj-writer"]
    (home / "settings.json").write_text("{", encoding="utf-8")
    toy_gguf(home / "models" / "a" / "b" / "own.gguf", 3)
    assert usable(look(ModelPlace(program_folders.LM_STUDIO, home))) == {"own": "story"}


def test_ollama(tmp_path: Path) -> None:
    models = tmp_path / ".ollama" / "models"
    source = toy_gguf(tmp_path / "source.gguf", 1, licence="")
    in_ollama(models, "writer", "1b", source, license="MIT License\n\nCopyright", template="{{ .Prompt }}")
    with_lora = toy_gguf(tmp_path / "lora.gguf", 2)
    in_ollama(models, "mine", "latest", with_lora, adapter="GGUF lora")
    found = look(ModelPlace(program_folders.OLLAMA, models))
    assert usable(found) == {"writer:1b": "story"}
    assert "LoRA" in reasons(found)["mine:latest"]
    assert next(one for one in found.models if one.title == "writer:1b").licence == "mit"


def test_manifests_that_are_broken_or_climb_are_refused(tmp_path: Path) -> None:
    models = tmp_path / "models"
    manifest = in_ollama(models, "writer", "1b", toy_gguf(tmp_path / "source.gguf"))
    manifest.with_name("broken").write_text("{", encoding="utf-8")
    secret = toy_gguf(tmp_path / "secret")
    layer = {"mediaType": f"{program_folders.OLLAMA_LAYER}model", "digest": f"sha256:../../{secret.name}"}
    manifest.with_name("climbs").write_text(json.dumps({"layers": [layer]}), encoding="utf-8")
    manifest.with_name("cloud").write_text(json.dumps({"layers": []}), encoding="utf-8")
    manifest.with_name("list").write_text("[]", encoding="utf-8")
    found = look(ModelPlace(program_folders.OLLAMA, models))
    assert usable(found) == {"writer:1b": "story"}
    assert all(secret not in one.files for one in found.models)
    said = " ".join(map(str, found.notes))
    assert "broken is damaged" in said
    assert "climbs names a file outside" in said


def test_koboldcpp_is_a_folder_that_the_user_names(tmp_path: Path) -> None:
    toy_gguf(tmp_path / "kobold" / "模型 with spaces.gguf")
    (tmp_path / "kobold" / "koboldcpp-linux-x64").write_bytes(b"x")
    found = look(folders=(tmp_path / "kobold",))
    assert [(one.program, one.title) for one in found.models] == [("KoboldCpp", "模型 with spaces")]


def test_text_encoders_are_no_writers(tmp_path: Path) -> None:
    toy_gguf(tmp_path / "embed.gguf", architecture="nomic-bert")
    assert reasons(look(folders=(tmp_path,))) == {
        "embed": "embed.gguf is a text encoder: it reads texts and writes none."
    }


def test_parts_of_a_file_are_one_model_and_a_missing_one_is_said(tmp_path: Path) -> None:
    for number in (1, 2):
        toy_gguf(tmp_path / "whole" / f"big-0000{number}-of-00002.gguf", number)
    toy_gguf(tmp_path / "cut" / "big-00001-of-00002.gguf", 3)
    found = look(folders=(tmp_path,))
    assert [len(one.files) for one in found.models if one.why_not is None] == [2]
    assert [str(one.why_not) for one in found.models if one.why_not] == ["big-00002-of-00002.gguf is missing."]


def test_circles_hidden_folders_and_depth_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_gguf(tmp_path / "a" / "writer.gguf")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    toy_gguf(tmp_path / ".hidden" / "no.gguf", 2)
    monkeypatch.setattr(program_folders, "DEPTH", 3)
    toy_gguf(tmp_path / "1" / "2" / "3" / "4" / "deep.gguf", 3)
    toy_gguf(tmp_path / "1" / "2" / "3" / "edge.gguf", 4)
    assert usable(look(folders=(tmp_path,))) == {"writer": "story", "edge": "story"}


def test_too_many_files_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text("x", encoding="utf-8")
    toy_gguf(tmp_path / "z.gguf")
    monkeypatch.setattr(program_folders, "FILES", 20)
    found = look(folders=(tmp_path,))
    assert found.models == []
    assert "too large to be looked at" in str(found.notes[0])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    toy_gguf(tmp_path / "open" / "writer.gguf")
    (tmp_path / "shut").mkdir(mode=0)
    found = look(folders=(tmp_path,))
    assert usable(found) == {"writer": "story"}
    assert "shut cannot be read" in str(found.notes[0])


def test_a_folder_that_cannot_be_listed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_gguf(tmp_path / "open" / "writer.gguf")
    (tmp_path / "shut").mkdir()
    real = os.scandir

    def refusing(path: Any) -> Any:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(program_folders.os, "scandir", refusing)
    found = look(folders=(tmp_path,))
    assert usable(found) == {"writer": "story"}
    assert "shut cannot be read" in str(found.notes[0])


def test_a_disk_that_does_not_answer_holds_up_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_gguf(tmp_path / "good" / "writer.gguf")
    (tmp_path / "dead").mkdir()
    woken, real = threading.Event(), os.scandir

    def hanging(path: Any) -> Any:
        if Path(path).name == "dead":
            woken.wait(60)
        return real(path)

    monkeypatch.setattr(program_folders.os, "scandir", hanging)
    monkeypatch.setattr(programs, "SILENCE", 0.3)
    try:
        found = look(folders=(tmp_path / "dead", tmp_path / "good"))
    finally:
        woken.set()
    assert usable(found) == {"writer": "story"}
    assert "dead does not answer" in str(found.notes[0])


def test_a_scan_is_cancelled_while_a_disk_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    woken, real = threading.Event(), os.scandir

    def hanging(path: Any) -> Any:
        woken.wait(60)
        return real(path)

    class Stop(Exception):
        pass

    calls = []

    def report(found: int, folder: str) -> None:
        calls.append(folder)
        if len(calls) > 2:
            raise Stop

    monkeypatch.setattr(program_folders.os, "scandir", hanging)
    begun = time.monotonic()
    try:
        with pytest.raises(Stop):
            look(folders=(tmp_path,), report=report)
    finally:
        woken.set()
    assert time.monotonic() - begun < 30


def test_one_file_under_two_programs_is_one_entry(tmp_path: Path) -> None:
    file = toy_gguf(tmp_path / "kobold" / "writer.gguf", 1)
    (tmp_path / "kobold" / "koboldcpp").write_bytes(b"x")
    (tmp_path / ".lmstudio" / "models" / "a" / "b").mkdir(parents=True)
    os.link(file, tmp_path / ".lmstudio" / "models" / "a" / "b" / "hard.gguf")
    in_ollama(tmp_path / "ollama", "writer", "1b", file)  # a copy
    tuned = toy_gguf(tmp_path / "kobold" / "tuned.gguf", 2)
    assert tuned.stat().st_size == file.stat().st_size  # and the same header
    found = look(
        ModelPlace(program_folders.LM_STUDIO, tmp_path / ".lmstudio"),
        ModelPlace(program_folders.OLLAMA, tmp_path / "ollama"),
        folders=(tmp_path / "kobold",),
    )
    assert {one.title: (one.program, *one.also) for one in found.models} == {
        "writer": ("KoboldCpp", "LM Studio", "Ollama"),
        "tuned": ("KoboldCpp",),
    }


def test_what_the_studio_has_is_marked_and_its_own_folder_left_out(tmp_path: Path, catalog: Catalog) -> None:
    file = toy_gguf(tmp_path / "models" / "writer.gguf", 1)
    other = toy_gguf(tmp_path / "models" / "other.gguf", 2)
    model = catalog.import_(file, "story")
    found = catalog.scan([tmp_path], usual=False)
    assert {one.path: one.installed for one in found.models} == {file: model.id, other: ""}
    linked = catalog.link(next(one for one in found.models if one.path == other))
    again = catalog.scan([tmp_path], usual=False)
    assert {one.path: one.installed for one in again.models} == {file: model.id, other: linked.id}


def test_environment_variables_and_the_usual_places(tmp_path: Path) -> None:
    (tmp_path / ".lmstudio-home-pointer").write_text(str(tmp_path / "lm"), encoding="utf-8")
    environ = {
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "OLLAMA_MODELS": str(tmp_path / "ollama"),
        "INVOKEAI_ROOT": str(tmp_path / "invoke"),
        "COMFYUI_PATH": str(tmp_path / "comfy"),
    }
    places = program_folders.usual_places(environ, tmp_path)
    found = {
        (place.program, str(place.folder.relative_to(tmp_path)))
        for place in places
        if place.folder.is_relative_to(tmp_path)
    }
    assert {
        ("Hugging Face", "hf/hub"),
        ("Hugging Face", "hub"),
        ("Hugging Face", ".cache/huggingface/hub"),
        ("Ollama", "ollama"),
        ("Ollama", ".ollama/models"),
        ("InvokeAI", "invoke"),
        ("InvokeAI", "invokeai"),
        ("ComfyUI", "comfy"),
        ("ComfyUI", "ComfyUI"),
        ("LM Studio", "lm"),
        ("LM Studio", ".lmstudio"),
        ("A1111", "stable-diffusion-webui"),
    } <= found


@pytest.mark.parametrize("kind", ["folder", "file", "ollama", "parts", "hub"])
def test_a_model_is_linked_and_nothing_of_the_program_changes(tmp_path: Path, catalog: Catalog, kind: str) -> None:
    there = tmp_path / "программа 模型"
    if kind == "folder":
        toy_folder(there / "nice writer")
    elif kind == "file":
        name = "a" + "名" * 83 + ".gguf"
        assert len(name.encode()) == 255  # more no file system takes
        toy_gguf(there / name)
    elif kind == "ollama":
        in_ollama(there, "writer", "1b", toy_gguf(tmp_path / "source.gguf"))
    elif kind == "hub":
        in_hub(there, "owner/small-writer", toy_folder(tmp_path / "source"))
    else:
        for number in (1, 2):
            toy_gguf(there / f"big-0000{number}-of-00002.gguf", number)
    before = contents(there)
    (found,) = catalog.scan([there], usual=False).models
    seen: list[tuple[int, int]] = []
    model = catalog.link(found, report=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (found.size, found.size)
    assert model.linked
    assert model.unavailable is None
    assert catalog.get(model.id) == model
    files = [path for path in model.folder.rglob("*") if not path.is_dir()]
    assert {path.name for path in files if not path.is_symlink()} == {"model.toml"}
    heavy = weights.weight_files(model.folder)
    assert heavy
    assert model.size == sum(path.stat().st_size for path in heavy)
    assert weights.fingerprint(model.folder) == (model.size, model.sha256)
    assert catalog.verify(model) == []
    families()[model.medium][0].check_files(model.folder)
    assert contents(there) == before
    with pytest.raises(AlreadyInstalled):
        catalog.link(found)
    catalog.remove(model.id)
    assert not model.folder.exists()
    assert contents(there) == before


def test_a_copy_of_a_linked_model_has_the_same_name_in_works(tmp_path: Path, catalog: Catalog) -> None:
    folder = toy_folder(tmp_path / "writer")
    linked = catalog.link(programs.find(folder, families(), "Folder"))
    sha256 = linked.sha256
    catalog.remove(linked.id)
    assert catalog.import_(folder, "story").sha256 == sha256


def test_a_model_toml_of_the_program_is_never_written_to(tmp_path: Path, catalog: Catalog) -> None:
    folder = toy_folder(tmp_path / "trained")
    (folder / "model.toml").write_text('medium = "story"\nfamily = "llama"\ntitle = "Theirs"\n', encoding="utf-8")
    before = contents(folder)
    model = catalog.link(programs.find(folder, families()))
    assert model.title == "Theirs"
    assert contents(folder) == before
    assert not (model.folder / "model.toml").is_symlink()


def test_a_licence_that_limits_must_be_accepted(tmp_path: Path, catalog: Catalog) -> None:
    found = programs.find(toy_gguf(tmp_path / "writer.gguf", licence="llama3"), families())
    with pytest.raises(BadInput, match="may limit"):
        catalog.link(found)
    assert catalog.link(found, accept_licence=True).licence == "llama3"


def test_what_cannot_run_is_not_linked(tmp_path: Path, catalog: Catalog) -> None:
    found = programs.find(toy_gguf(tmp_path / "eye.gguf", architecture="clip"), families())
    with pytest.raises(BadInput, match="eye or ear"):
        catalog.link(found)
    bad = toy_gguf(tmp_path / "writer.gguf")
    found = programs.find(bad, families())
    bad.write_bytes(bad.read_bytes()[:-100])
    with pytest.raises(StudioError, match="damaged"):
        catalog.link(found)
    assert catalog.models() == []
    assert not [path for path in (tmp_path / ODD_HOME / "models").rglob("*") if path.name != ".lock"]


def test_a_cancelled_link_leaves_nothing(tmp_path: Path, catalog: Catalog) -> None:
    found = programs.find(toy_folder(tmp_path / "writer"), families())

    class Stop(Exception):
        pass

    def report(_done: int, _total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        catalog.link(found, report=report)
    assert catalog.models() == []
    assert list((tmp_path / ODD_HOME / "models").iterdir()) == []
    assert (tmp_path / "writer" / "model.safetensors").is_file()


def no_symlinks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_more: Any) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(os, "symlink", refuse)


def test_without_symbolic_links_hard_ones_are_made(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tmp_path / "hub"
    in_hub(hub, "owner/writer", toy_folder(tmp_path / "source"))
    (found,) = catalog.scan([hub], usual=False).models
    before = {path.name: path.read_bytes() for path in found.files}
    no_symlinks(monkeypatch)
    model = catalog.link(found)
    assert not any(path.is_symlink() for path in model.folder.rglob("*"))
    assert catalog.verify(catalog.get(model.id)) == []
    assert (model.folder / "model.safetensors").samefile(found.path / "model.safetensors")
    catalog.remove(model.id)
    assert {path.name: path.read_bytes() for path in found.files} == before


def test_without_any_links_it_is_said(tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    found = programs.find(toy_folder(tmp_path / "writer"), families())
    no_symlinks(monkeypatch)

    def refuse(*_args: Any, **_more: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StudioError, match="allows no links") as caught:
        catalog.link(found)
    assert "import the model" in str(caught.value.advice)
    assert catalog.models() == []


def test_two_programs_titles_and_names_are_kept(tmp_path: Path, catalog: Catalog) -> None:
    in_ollama(tmp_path / "ollama", "qwen", "0.6b", toy_gguf(tmp_path / "source.gguf"))
    (found,) = catalog.scan([tmp_path / "ollama"], usual=False).models
    model = catalog.link(found)
    assert (model.id, model.title, model.source) == ("qwen-0.6b", "qwen:0.6b", "linked from Ollama")
    assert [path.name for path in weights.weight_files(model.folder)] == ["model.gguf"]
    assert isinstance(found, FoundModel)
