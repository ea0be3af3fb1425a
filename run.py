#!/usr/bin/env python3
"""Starts the studio from its source folder, in a Python environment of its own that it prepares beside this file, once.

Standard library only; Python 3.6 and later can read it, so that one that is too old is told so in words.

    python3 run.py            the window; without a display, the demo into ./demo
    python3 run.py --bare     the same, without fetching the real models first
    python3 run.py test       every check and test; with arguments, pytest alone with them
    python3 run.py ...        the command line: python3 run.py make avatar --seed 7
"""

import sys

try:
    import collections
    import contextlib
    import hashlib
    import importlib.util
    import json
    import os
    import platform
    import re
    import shutil
    import subprocess
    import tempfile
    import threading
    import time
    import urllib.request
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import IO
except ImportError as incomplete:  # as in Debian's python3-minimal
    sys.exit(
        f"This Python lacks a part of its standard library ({incomplete}). Install the whole of it; "
        "on Debian and Ubuntu: sudo apt install python3 python3-venv"
    )

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "studio-ready.json"
MODELS = VENV / "studio-models-asked-for"
REAL = VENV / "studio-real-models"
UNFINISHED = VENV / "studio-unfinished"
LOG = VENV / "studio-setup.log"
LOCK = ROOT / ".setup.lock"
TORCH_WHEELS = "https://download.pytorch.org/whl/"
# Newest first; the first that has our version is taken. Only Windows needs it: the plain Linux wheels bring CUDA.
CUDA_WHEELS = ("cu132", "cu130", "cu129", "cu128", "cu126")


class Failed(Exception):
    """The environment cannot be prepared; the message says why and what to do."""


def main(words: "list[str]") -> int:
    for stream in (sys.stdout, sys.stderr):
        # A folder's name may have letters that this terminal cannot show; better a question mark than no start.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        versions = supported_versions((ROOT / "pyproject.toml").read_text("utf-8"))
        python = fitting_python(sys.version_info[:2], versions, shutil.which, version_of)
        if python is not None:
            return follow([*python, str(ROOT / "run.py"), *words])
        bare = words[:1] == ["--bare"]
        words = words[1:] if bare else words
        testing = words[:1] == ["test"]
        prepare({"dev", "train"} if testing else set())
        if testing:
            return test(words[1:], bare)
        if not words and not bare:
            bring_models()
        return follow([str(venv_python()), "-P", "-m", "studio", *words])
    except Failed as error:
        print(error, file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("\nStopped. The next start takes it from there.", file=sys.stderr)
        return 130


def supported_versions(pyproject: str) -> "tuple[tuple[int, int], tuple[int, int]]":
    """The Python versions that pyproject.toml claims: from the first, up to but without the second."""
    found = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', pyproject)
    if found is None:
        raise Failed("pyproject.toml does not say which Python it needs; this copy of the studio is damaged.")
    return (3, int(found[1])), (3, int(found[2]))


def fitting_python(
    running: "tuple[int, int]",
    versions: "tuple[tuple[int, int], tuple[int, int]]",
    which: "Callable[[str], str | None]",
    version_of: "Callable[[list[str]], tuple[int, int] | None]",
) -> "list[str] | None":
    """None where the running Python fits, else the command of the newest that does; Failed where there is none."""
    low, end = versions
    if low <= running < end:
        return None
    launcher = which("py")  # Windows has no programs named after versions, but this one
    for minor in range(end[1] - 1, low[1] - 1, -1):
        program = which(f"python3.{minor}")
        for command in ([program] if program else None, [launcher, f"-3.{minor}"] if launcher else None):
            # A program of that name may be another one, or a stand-in for one that is not installed.
            if command is not None and version_of(command) == (3, minor):
                return command
    wanted = f"Python 3.{low[1]}" if end[1] == low[1] + 1 else f"Python 3.{low[1]} to 3.{end[1] - 1}"
    raise Failed(
        f"The studio runs on {wanted}; this is Python {running[0]}.{running[1]}, and no other was found. Install one "
        f"of them, from your system's packages (sudo apt install python3.{low[1]} python3.{low[1]}-venv, or a newer "
        "one) or from https://www.python.org/downloads/, and start run.py again: it finds it by itself."
    )


def version_of(command: "list[str]") -> "tuple[int, int] | None":
    """The version that a Python answers with; None where it does not run."""
    code = "import sys; print('%d %d' % sys.version_info[:2])"
    try:
        answer = subprocess.check_output([*command, "-c", code], stderr=subprocess.DEVNULL, timeout=30)
        major, minor = answer.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def has_nvidia() -> bool:
    """Whether NVIDIA's driver runs here; cheap, since every start asks."""
    if platform.system() == "Windows":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "nvcuda.dll").exists()
    return Path("/proc/driver/nvidia/version").exists()


def torch_wheels(system: str, nvidia: bool, version: str, listing: "Callable[[str], str | None]") -> "str | None":
    """The page of PyTorch's own wheels to install from, or None for the plain index.

    Linux without NVIDIA takes the CPU build, which the plain index does not have; Windows with NVIDIA the CUDA build,
    which it does not have either. `listing(page)` is the page's text, or None where it is out of reach.
    """
    if system == "Linux" and not nvidia:
        pages = ("cpu",)
    elif system == "Windows" and nvidia:
        pages = CUDA_WHEELS
    else:
        return None
    for page in pages:
        text = listing(TORCH_WHEELS + page + "/torch/")
        if text is None:
            return None
        if f"torch-{version}" in text:
            return TORCH_WHEELS + page
    return None


def fetch(address: str) -> "str | None":
    """The text at `address`; None after one short try."""
    try:
        with urllib.request.urlopen(address, timeout=4) as answer:
            return answer.read().decode("utf-8", "replace")
    except (OSError, ValueError):
        return None


def requirements_of(extras: "set[str]") -> "list[str]":
    """The requirements of pyproject.toml, with those of `extras`."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    more = [line for name in sorted(extras) for line in project["optional-dependencies"][name]]
    return [*project["dependencies"], *more]


def built_for() -> str:
    """What an environment is built for; for anything else it is made anew."""
    return f"Python {platform.python_version()} {platform.machine()} {'CUDA' if has_nvidia() else 'CPU'}"


def digest() -> str:
    texts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def environment_exists(running: "tuple[int, int]") -> bool:
    """Whether .venv holds an environment of the running Python."""
    try:
        made = re.search(r"^version\s*=\s*(\d+)\.(\d+)", (VENV / "pyvenv.cfg").read_text("utf-8"), re.M)
    except OSError:
        return False
    return made is not None and (int(made[1]), int(made[2])) == running and venv_python().exists()


def plan(stamp: "dict[str, object] | None", whole: bool, extras: "set[str]", now: "dict[str, str]") -> str:
    """What to do: "nothing", "add" packages to what is there, or make all "anew" where it is not `whole`."""
    if not whole:
        return "anew"
    if stamp is None:
        return "add"
    if stamp.get("ground") != now["ground"]:
        return "anew"
    had = stamp.get("extras")
    fits = stamp.get("digest") == now["digest"] and isinstance(had, list) and extras <= set(had)
    return "nothing" if fits else "add"


def read_stamp() -> "dict[str, object] | None":
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None


def what_to_do(extras: "set[str]") -> str:
    now = {"ground": built_for(), "digest": digest()}
    whole = environment_exists(sys.version_info[:2]) and not UNFINISHED.exists()
    return plan(read_stamp(), whole, extras, now)


def prepare(extras: "set[str]") -> None:
    """Make the environment what pyproject.toml and constraints.txt say; returns at once where it is."""
    if what_to_do(extras) == "nothing":
        return
    with only_one() as lock:
        what = what_to_do(extras)
        if what == "nothing":
            return
        before = read_stamp()
        had = before.get("extras") if before else None
        extras = extras | (set(had) if isinstance(had, list) else set())
        if what == "anew" or not has_pip():
            what = "anew"
            refuse_what_cannot_work()
            clear(VENV)
        VENV.mkdir(exist_ok=True)
        UNFINISHED.touch()
        STAMP.unlink(missing_ok=True)
        print("Preparing the studio's own Python environment in .venv; this is needed once and takes some minutes.")
        install(what == "anew", extras, lock)
        STAMP.write_text(json.dumps({"ground": built_for(), "digest": digest(), "extras": sorted(extras)}), "utf-8")
        UNFINISHED.unlink()


def has_pip() -> bool:
    """Whether the environment can install packages; one that another tool has made may not."""
    command = [str(venv_python()), "-m", "pip", "--version"]
    quiet = subprocess.DEVNULL
    try:
        return subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, check=False).returncode == 0
    except OSError:
        return False


def refuse_what_cannot_work() -> None:
    """Raise Failed, with what to do, where no environment can be made."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Failed(
            f"This Python cannot make environments: it has no {' and no '.join(missing)}. On Debian and Ubuntu: "
            f"sudo apt install {package}; elsewhere install the whole Python, from https://www.python.org/downloads/"
        )
    if os.pathsep in str(ROOT):
        raise Failed(f"Python cannot work in a folder with {os.pathsep!r} in its path: {ROOT}. Rename or move it.")


def clear(folder: Path) -> None:
    """Remove a folder, or the link or file that stands in its place."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def install(anew: bool, extras: "set[str]", lock: int) -> None:
    requirements = requirements_of(extras)
    version = next(line.partition("==")[2] for line in requirements if line.startswith("torch=="))
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    # Always pip of the environment: that of a system may be forbidden to install anything. No setting of the user's may
    # send packages elsewhere.
    pip = [str(venv_python()), "-m", "pip", "install", "--no-user", *quiet]
    if anew:
        step("Making the environment", [sys.executable, "-m", "venv", str(VENV)], lock)
        wheels = torch_wheels(platform.system(), has_nvidia(), version, fetch)
        if wheels is not None:
            build = wheels.rpartition("/")[2]
            command = [*pip, "--no-deps", "--retries=1", f"--index-url={wheels}", f"torch=={version}"]
            if not step(f"Installing PyTorch ({build} build)", command, lock, must=False):
                print("PyTorch's own index did not answer; the usual one is used instead.")
    step("Installing packages", [*pip, "-c", str(ROOT / "constraints.txt"), *requirements], lock)


def step(title: str, command: "list[str]", lock: int, must: bool = True) -> bool:
    """Run one command, its output in the log; show what it does and for how long. Raises Failed with the log's end."""
    # The child holds the lock too: killed here, pip would go on for a while, and the next start must wait for it.
    keep = () if os.name == "nt" else (lock,)
    start, told = time.monotonic(), 0.0
    terminal = sys.stdout.isatty()
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=str(ROOT), pass_fds=keep
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                elapsed = time.monotonic() - start
                if terminal:
                    print(f"\r  {title}: {elapsed:.0f} s  {last_line()[:60]:60}", end="", flush=True)
                elif elapsed - told >= 20:
                    told = elapsed
                    print(f"  {title}: {elapsed:.0f} s  {last_line()[:60]}", flush=True)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    done = process.returncode == 0
    said = f"  {title}: {'done' if done else 'failed'} after {time.monotonic() - start:.0f} s"
    print(f"\r{said:110}" if terminal else said, flush=True)
    if not done and must:
        tail = "\n".join("    " + line for line in LOG.read_text("utf-8", "replace").splitlines()[-15:])
        raise Failed(f"{title} failed. The end of {LOG}:\n{tail}\nMend that and start again; what was fetched is kept.")
    return done


def last_line() -> str:
    """What pip is at, from the end of its log."""
    with LOG.open("rb") as log:
        log.seek(max(0, LOG.stat().st_size - 4000))
        lines = log.read().decode("utf-8", "replace").split("\n")
    telling = ("Collecting", "Downloading", "Using cached", "Installing", "Building")
    return next((line.strip() for line in reversed(lines) if line.strip().startswith(telling)), "")


@contextlib.contextmanager
def only_one() -> "Iterator[int]":
    """Hold the lock of this folder while preparing; waits, and says so, while another start does."""
    try:
        file = LOCK.open("a+")
    except OSError as error:
        words = f"{ROOT} cannot be written to ({error.strerror}). Copy the studio to a folder of your own."
        raise Failed(words) from None
    with file:
        said = False
        while not locked(file.fileno()):
            if not said:
                print("Another start is preparing the studio; waiting for it.", flush=True)
                said = True
            time.sleep(0.5)
        yield file.fileno()


def locked(number: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def bring_models() -> None:
    """Fetch the real models that are offered first, once; the studio runs without them, and offers them again."""
    headless = platform.system() == "Linux" and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY")
    if headless or MODELS.exists():  # the demo keeps to the starters
        return
    print("Fetching real models, once; --bare skips this, and Models > Available offers them later.", flush=True)
    fetch_models(studio_environment())
    MODELS.touch()


def fetch_models(environment: "dict[str, str]") -> None:
    """Fetch the models that are offered first and are not there; says why where it cannot."""
    command = [str(venv_python()), "-P", "-m", "studio", "models", "get", "--first"]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)


def studio_environment() -> "dict[str, str]":
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    # What a person types here; the help and the hints of the command line say it.
    return {**os.environ, "PYTHONPATH": path, "STUDIO_PROGRAM": "python3 run.py"}


def follow(command: "list[str]") -> int:
    """Become `command`, in the user's own folder; on Windows, wait for it."""
    environment = studio_environment()
    sys.stdout.flush()
    if os.name != "nt":
        os.execve(command[0], command, environment)
    process = subprocess.Popen(command, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child heard it too, and ends in its own way


def pytest(words: "list[str]") -> "list[str]":
    return [str(venv_python()), "-m", "pytest", *words]


def test(words: "list[str]", bare: bool) -> int:
    """Every check, each whatever the others said, and pytest last; with `words`, pytest alone with them.

    The tests of the real models run where these can be had, unless `bare`.
    """
    checks = {
        "ruff": ["-m", "ruff", "check", "."],
        "pyright": ["-m", "basedpyright", "--level", "error"],
        "import-linter": [
            *("-c", "from importlinter.cli import lint_imports_command as lint; lint()"),
            *("--no-logo", "--no-cache"),
        ],
    }
    failed = False
    for name, command in {} if words else checks.items():
        print(f"== {name}", flush=True)
        failed |= subprocess.run([str(venv_python()), *command], cwd=str(ROOT), check=False).returncode != 0
    print("== pytest" + (" (a check above failed, so this run fails whatever comes)" if failed else ""), flush=True)
    if words:
        return int(failed | (subprocess.run(pytest(words), cwd=str(ROOT), check=False).returncode != 0))
    if not bare:
        fetch_models({**studio_environment(), "STUDIO_HOME": str(REAL)})
        os.environ["STUDIO_REAL_MODELS"] = str(REAL / "models")
    return int(failed | test_parts())


def test_parts() -> bool:
    """Run the tests in parts, two at a time, each in a process of its own; whether any failed.

    The window's must not share a process with torch, as the window itself does not; the core's are faster without it.
    One of the two shows at once what pytest says, the other when all is done.
    """
    # The longest first, so that both end at about the same time: of a processor's work the window takes nearly a half,
    # the engines a third, the core a sixth, and the rest what remains.
    apart = ["tests/ui", "tests/backends", "tests/core"]
    parts = [*([part] for part in apart), ["tests", *(f"--ignore={part}" for part in apart)]]
    waiting = collections.deque(parts)
    running = set[subprocess.Popen[bytes]]()
    passed = list[list[str]]()

    def work(said: "IO[bytes] | None") -> None:
        with contextlib.suppress(IndexError):
            while True:
                part = waiting.popleft()
                errors = None if said is None else subprocess.STDOUT
                process = subprocess.Popen(pytest(part), cwd=str(ROOT), stdout=said, stderr=errors)
                running.add(process)
                if process.wait() == 0:
                    passed.append(part)
                running.remove(process)

    with tempfile.TemporaryFile() as said:
        beside = threading.Thread(target=work, args=(said,))
        beside.start()
        try:
            work(None)
        except BaseException:
            waiting.clear()
            for process in list(running):
                process.kill()
            raise
        finally:
            beside.join()
            said.seek(0)
            sys.stdout.write(said.read().decode("utf-8", "replace"))
    return len(passed) < len(parts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
