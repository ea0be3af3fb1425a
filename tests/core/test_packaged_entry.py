"""The entry of the packaged program acts as the Python that the studio starts its children with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import studio

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "packaging" / "entry.py"


def entered(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    return subprocess.run(
        [sys.executable, str(ENTRY), *words],
        env=environment,
        input="",
        capture_output=True,
        text=True,
        check=False,
    )


def test_arguments_go_to_the_command_line() -> None:
    done = entered("--version")
    assert (done.returncode, done.stdout) == (0, f"AIGC Studio {studio.__version__}\n"), done.stderr


def test_hints_name_the_packaged_program() -> None:
    environment = {"STUDIO_PROGRAM": ""}
    done = entered("-c", "import os; print(os.environ['STUDIO_PROGRAM'])", **environment)
    assert done.stdout == "\n"  # what is set stays
    clean = {name: value for name, value in os.environ.items() if name != "STUDIO_PROGRAM"}
    code = "import os; print(os.environ['STUDIO_PROGRAM'])"
    told = subprocess.run(
        [sys.executable, str(ENTRY), "-c", code], env=clean, capture_output=True, text=True, check=True
    )
    assert told.stdout == "aigc-studio\n"


@pytest.mark.parametrize("before", [(), ("-X", "faulthandler")])
def test_runs_a_module_as_python_does(before: tuple[str, ...], tmp_path: Path) -> None:
    code = "import faulthandler, sys; print(__name__, sys.argv[1:], faulthandler.is_enabled())\n"
    (tmp_path / "told.py").write_text(code)
    done = entered(*before, "-m", "told", "a", "b", PYTHONPATH=str(tmp_path))
    assert done.stdout == f"__main__ ['a', 'b'] {bool(before)}\n", done.stderr


def test_runs_code_as_python_does() -> None:
    done = entered("-c", "import sys; print(__name__, sys.argv); sys.exit(4)", "x")
    assert (done.returncode, done.stdout) == (4, "__main__ ['-c', 'x']\n"), done.stderr


def test_an_engine_process_ends_with_its_pipe() -> None:
    done = entered("-X", "faulthandler", "-m", "studio.jobs.worker")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_its_folder_hides_no_library() -> None:
    """`packaging` is a library too; a folder of that name wins over it as soon as it is a package itself."""
    assert not (ENTRY.parent / "__init__.py").exists()
