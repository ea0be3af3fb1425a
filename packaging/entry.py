"""The packaged program: the studio, and the Python that it starts its engine processes and measurements with."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import runpy
import sys


def main(words: list[str]) -> int:
    """Run the studio, or what Python would run: `[-X faulthandler] -m MODULE WORDS` or `-c CODE WORDS`.

    In a packaged program sys.executable is this file, and the studio starts its children with it as everywhere.
    """
    if words[:2] == ["-X", "faulthandler"]:
        faulthandler.enable()
        words = words[2:]
    if words[:1] == ["-m"] and len(words) > 1:
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return 0
    if words[:1] == ["-c"] and len(words) > 1:
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
        return 0
    from studio.__main__ import main as studio

    return studio(words)


def give_back_library_path() -> None:
    """Let the programs of the system that the studio starts find the system's libraries, not the packaged ones."""
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)  # PyInstaller keeps there what it replaces
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    elif getattr(sys, "frozen", False):
        os.environ.pop("LD_LIBRARY_PATH", None)


if __name__ == "__main__":
    multiprocessing.freeze_support()
    give_back_library_path()
    os.environ.setdefault("STUDIO_PROGRAM", "aigc-studio")  # what a person types here; help and hints say it
    sys.exit(main(sys.argv[1:]))
