"""The doctor: what it finds missing, what it advises, and what never stands in a report."""

from __future__ import annotations

import ctypes.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from studio.cli.tools import findings_text
from studio.models.catalog import Catalog
from studio.schema import settings
from studio.support import credits, diagnostics, hardware
from studio.support.diagnostics import DiagnosticFinding
from studio.system import log
from studio.system.paths import AppPaths
from tests.core.cli_runs import Runs
from tests.studios import starters

TORCH = {"device": "cpu", "threads": 2, "cpu": "AVX2", "built for": "processors only", "cards": []}


@pytest.fixture
def places(home: Path) -> AppPaths:
    return AppPaths.under(home)


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Catalog:
    """A machine on which all is well, whatever this one is; no child process is started."""
    outputs = {"-c": json.dumps(TORCH), "nvidia-smi": "", "fc-list": "a\nb\n"}

    def output(command: Sequence[str], _seconds: float) -> str | None:
        return next((words for key, words in outputs.items() if any(key in word for word in command)), None)

    monkeypatch.setattr(hardware, "output", output)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: f"lib{name}.so")
    monkeypatch.setattr(diagnostics.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("DISPLAY", ":0")
    return Catalog(starters(tmp_path / "starters"), tmp_path / "own")


def missing(findings: Sequence[DiagnosticFinding]) -> dict[str, DiagnosticFinding]:
    return {finding.name: finding for finding in findings if finding.missing}


def test_a_healthy_machine_misses_nothing(places: AppPaths, healthy: Catalog) -> None:
    found = diagnostics.examine(places, healthy)
    assert set(missing(found)) <= {"memory"}
    assert not any(finding.essential for finding in found)
    sections = {finding.section for finding in found}
    assert {"Studio", "Machine", "Graphics", "Libraries", "Sound", "Models", "Folders"} <= sections
    assert not places.library.exists()
    words = findings_text(found)
    assert all(str(finding.value) in words for finding in found)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these are asked for on Linux only")
def test_each_finding_says_how_to_mend_it(places: AppPaths, healthy: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _name: None)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    answers = {"-c": None, "nvidia-smi": "NVIDIA H1, 8000 MiB, 1.2\n", "fc-list": ""}

    def output(command: list[str], _seconds: float) -> str | None:
        return next(answer for key, answer in answers.items() if any(key in word for word in command))

    monkeypatch.setattr(hardware, "output", output)
    lacks = missing(diagnostics.examine(places, healthy))
    assert "libportaudio2" in str(lacks["PortAudio"].remedy)
    assert "command line" in str(lacks["display"].missing)
    for package in ("libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxcb-shape0"):
        assert package in str(lacks["system libraries"].remedy)
    assert "fonts-dejavu" in str(lacks["fonts"].remedy)
    assert lacks["torch"].essential


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these are asked for on Linux only")
def test_what_a_packaged_studio_contains_is_not_missing(
    places: AppPaths, healthy: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "libxkbcommon.so.0").touch()
    monkeypatch.setattr(diagnostics, "RESOURCES", tmp_path / "resources")
    monkeypatch.setattr(ctypes.util, "find_library", lambda _name: None)
    packages = str(missing(diagnostics.examine(places, healthy))["system libraries"].remedy)
    assert "libegl1" in packages
    assert "libgssapi-krb5-2" in packages
    assert "libxkbcommon0" not in packages


def test_a_graphics_card_that_torch_does_not_use_is_found(
    places: AppPaths, healthy: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDIO_DEVICE", raising=False)
    monkeypatch.setattr(hardware, "nvidia", lambda: ["NVIDIA H1, 8000 MiB, 1.2"])
    lacks = missing(diagnostics.examine(places, healthy))
    assert "does not use it" in str(lacks["use of the card"].missing)
    assert "run.py" in str(lacks["use of the card"].remedy)


def test_little_disk_space_memory_and_no_models_are_found(
    places: AppPaths, healthy: Catalog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hardware, "free_gb", lambda _folder: 0.5)
    little = psutil.virtual_memory()._replace(total=2_000_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    lacks = missing(diagnostics.examine(places, Catalog(tmp_path / "nothing", tmp_path / "own")))
    assert "Only 0.5 GB" in str(lacks["library"].missing)
    assert "2.0 GB" in str(lacks["memory"].missing)
    assert lacks["starters"].essential


def test_unusable_folders_damaged_models_and_settings_are_found(places: AppPaths, healthy: Catalog) -> None:
    places.library.parent.mkdir(parents=True)
    places.state.write_text("a file where a folder is needed", encoding="utf-8")
    (healthy.get("avatar-starter").folder / "model.safetensors").write_bytes(b"torn")
    places.config.mkdir()
    (places.config / "settings.toml").write_text("theme = 3", encoding="utf-8")
    lacks = missing(diagnostics.examine(places, healthy))
    assert lacks["state"].essential
    assert "damaged" in str(lacks["avatar-starter"].missing)
    assert "theme" in str(lacks["settings"].missing)


def test_a_report_names_no_person_and_no_machine(
    places: AppPaths, healthy: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnostics.getpass, "getuser", lambda: "Ada.Lovelace")
    monkeypatch.setattr(diagnostics.platform, "node", lambda: "adas-laptop")
    monkeypatch.setenv("HOME", "/home/ada.lovelace")
    places.logs.mkdir(parents=True)
    log.crash_path(places.logs).write_text(
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x7f (most recent call first):\n"
        '  File "/home/ada.lovelace/secret project/studio/ui/stage.py", line 12 in paint\n',
        encoding="utf-8",
    )
    log.path(places.logs).write_text("2026 ERROR studio: my secret garden\n", encoding="utf-8")
    places.config.mkdir()
    (places.config / "settings.toml").write_text("[", encoding="utf-8")
    found = diagnostics.examine(places, healthy)
    found.append(
        DiagnosticFinding("Test", "odd | name", "at /home/ada.lovelace/x by ADA.LOVELACE on adas-laptop\nnext")
    )
    words = diagnostics.report(found, places)
    assert "stage.py:12 paint" in words
    assert "Segmentation fault" in words
    assert "errors logged (studio) | 1" in words
    for secret in ("ada", "lovelace", "secret", "garden", str(places.library.parent)):
        assert secret not in words.lower(), words
    rows = [line for line in words.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {4}


def test_a_report_names_no_own_folder_and_model(places: AppPaths, healthy: Catalog, tmp_path: Path) -> None:
    in_the_way = tmp_path / "Ada Lovelace"
    in_the_way.write_text("a file where a folder is needed", encoding="utf-8")
    models = tmp_path / "Weights of Ada"
    own = models / "my-sister"
    own.mkdir(parents=True)
    (own / "model.toml").write_text("medium = ", encoding="utf-8")
    settings.save(
        places.config / "settings.toml",
        settings.Settings(library_folder=str(in_the_way / "works"), models_folder=str(models)),
    )
    found = diagnostics.examine(places, Catalog(next(iter(healthy.models())).folder.parent, models))
    words = diagnostics.report(found, places)
    assert "library cannot be written to: <library>." in words
    assert "<models>/<one>" in words
    for secret in ("Ada", "sister"):
        assert secret not in words, words


def test_a_crash_of_an_engine_is_reported_with_its_frames(places: AppPaths, healthy: Catalog) -> None:
    places.logs.mkdir(parents=True)
    log.crash_path(places.logs, "worker-device").write_text(
        'Fatal Python error: Aborted\n\n  File "/x/old.py", line 1 in old\n\n'
        'Fatal Python error: Segmentation fault\n\n  File "/x/network.py", line 7 in forward\n\n'
        f"Extension modules: {', '.join(f'torch._C.part{n}' for n in range(500))} (total: 500)\n",
        encoding="utf-8",
    )
    words = diagnostics.report(diagnostics.examine(places, healthy), places)
    assert "crash of worker-device" in words
    assert "Segmentation fault: network.py:7 forward" in words


def test_torch_is_asked_in_a_child_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    def output(command: Sequence[str], _seconds: float) -> str:
        asked.append(command)
        return "a library said hello\n" + json.dumps(TORCH) + "\n"

    monkeypatch.setattr(hardware, "output", output)
    assert hardware.ask_torch() == TORCH
    assert asked[0][0] == sys.executable
    compile(asked[0][2], "script", "exec")


def test_asking_does_not_import_torch_here() -> None:
    code = (
        "import sys; from studio.support import hardware\n"
        'hardware.output = lambda *_: \'{"device": "cpu"}\'\n'
        "assert hardware.ask_torch() == {'device': 'cpu'}\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_commands_that_fail_or_hang_give_none(tmp_path: Path) -> None:
    assert hardware.output([str(tmp_path / "nothing")], 5) is None
    assert hardware.output([sys.executable, "-c", "raise SystemExit(1)"], 20) is None
    assert hardware.output([sys.executable, "-c", "import time; time.sleep(9)"], 0.2) is None
    assert hardware.output([sys.executable, "-c", "print('yes')"], 20) == "yes\n"


def test_the_verbs_doctor_and_about_print_json(
    capsys: pytest.CaptureFixture[str], healthy: Catalog, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    run = Runs(capsys)
    monkeypatch.setattr("studio.cli.context.CliContext.catalog", lambda _desk: healthy)
    ended = run("doctor")
    assert ended.status == 0
    assert "Graphics" in ended.out
    report = run("doctor", "--report")
    assert report.out.startswith("### AIGC Studio report")
    findings: list[dict[str, Any]] = run("doctor", "--json").json["findings"]
    assert {"section", "name", "value", "missing", "remedy", "essential"} == set(findings[0])
    home.mkdir(exist_ok=True)
    (home / "library").write_text("in the way", encoding="utf-8")
    assert run("doctor").status == 3


def test_about_names_licences_and_credits(capsys: pytest.CaptureFixture[str], healthy: Catalog) -> None:
    parts = credits.parts(healthy)
    assert (parts[0].name, parts[0].licence) == ("AIGC Studio", "Apache-2.0")
    libraries = {part.name.lower(): part for part in parts if part.kind == "library"}
    assert {"torch", "numpy", "diffusers", "transformers"} <= set(libraries)
    assert all(part.version and part.licence for part in libraries.values())
    assert libraries["numpy"].licence.startswith("BSD-3-Clause")
    assert [part.name for part in parts if part.kind == "model"] == sorted(m.title for m in healthy.models())
    run = Runs(capsys)
    assert {part["name"] for part in run("about", "--json").json["parts"]} >= {"AIGC Studio", "numpy"}
    assert "Libraries" in run("about").out


def test_the_doctor_loads_no_engine_library() -> None:
    script = (
        "import sys, json; from studio.support import credits, diagnostics, hardware\n"
        "from studio.models.catalog import Catalog; from studio.system.paths import AppPaths\n"
        "hardware.output = lambda *_: None\n"
        "diagnostics.examine(AppPaths.for_user(), Catalog()); credits.parts(Catalog())\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'PySide6'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    root = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
