"""One studio of the soak, in its own process: does random things until it is told to end or is killed.

It says on standard output what it is about to do and what came of it, a JSON object a line. `soak` starts it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from studio.bench.measurement import BenchSettings
from studio.documents import document
from studio.errors import StudioError
from studio.export.compose import PictureStyle
from studio.export.job import ExportJob
from studio.export.task import ExportRequest, order_to_json
from studio.jobs.io.imports import ImportedFiles, ImportPath, ModelImportRequest, WorkImportRequest
from studio.jobs.job import Cancelled, Job
from studio.library.asset import LibraryQuery
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Audio, Image, Text
from studio.schema.request import Request
from studio.studio import Studio
from studio.system.paths import AppPaths

ENGINE = "studio.jobs.worker"  # what stands in the command of an engine's process
PATIENCE = 240.0  # seconds until a job counts as stuck, if its engine has not worked for WORKED of them
WORKED, ROUNDS = 1.0, 4  # how often one is waited for; on a busy machine an engine loads for minutes
WORKS = 400  # from here on works are deleted rather than made
SMALL = {"avatar": {}, "poster": {"steps": 4, "width": 128, "height": 128}, "story": {"tokens": 40},
         "music": {"seconds": 3.0}}  # fmt: skip
"""What makes a request of each medium cheap."""
WORDS = ("lighthouse", "fox", "harbour", "snow", "灯塔", "月亮", "bridge", "storm", "garden", "train")


class UnexpectedOutcome(Exception):
    """Something that should have failed did not, or the other way round."""


class SoakStudio:
    """The studio, and what is done with it. `folder` holds `home`, where it lives, and `inputs` and `out` beside it."""

    def __init__(self, folder: Path, seed: int, kills: bool, setting: BenchSettings) -> None:
        self.folder, self.random, self._kills, self._setting = folder, random.Random(seed), kills, setting
        self.studio = Studio(
            AppPaths.under(folder / "home"),
            media=setting.media(),
            bundled=setting.bundled,
            platform=setting.platform,
        )
        self.studio.change_settings(threads=1)
        actions: list[tuple[Callable[[], object], float]] = [
            (self.make, 24), (self.edit_work, 10), (self.cancel, 8), (self.export, 6), (self.mark, 8), (self.search, 8),
            (self.bin, 7), (self.restore, 4), (self.delete, 2), (self.import_good, 6), (self.import_bad, 5),
            (self.edit_document, 5), (self.import_model, 0.7), (self.command, 1.5), (self.kill_engine, 3 * kills),
        ]  # fmt: skip
        self._actions = [action for action, _ in actions]
        self._weights = [weight for _, weight in actions]

    def go_on(self, ended: Callable[[], bool]) -> None:
        """Do one thing after another until `ended`."""
        while not ended():
            (action,) = self.random.choices(self._actions, self._weights)
            if self.studio.library.count() > WORKS:
                action = self.delete
            say(doing=action.__name__)
            try:
                outcome = action() or "done"
            except StudioError as error:
                outcome = f"refused: {error.template}"
            except Exception as error:  # noqa: BLE001 - what nobody expected is what the soak looks for
                say(surprise=f"{action.__name__}: {type(error).__name__}: {error}"[:500])
                outcome = "surprise"
            say(did=action.__name__, outcome=outcome)

    def settle(self) -> None:
        """Wait for what the studio does by itself after its start: restored jobs, and the sweep."""
        deadline = time.monotonic() + PATIENCE
        while any(not job.has_ended for job in self.studio.queue.jobs()) or _sweeping():
            if time.monotonic() > deadline:
                say(surprise="the studio did not settle after its start")
                return
            time.sleep(0.05)
        for job in self.studio.queue.jobs():
            self._note_works(job)

    def make(self) -> str:
        medium = self.random.choice(list(self.studio.media.values()))
        request = medium.default_task.request(seed=self._seed(), **SMALL.get(medium.name, {}))
        if hasattr(request, "prompt"):
            request = request.replace(prompt=" ".join(self.random.sample(WORDS, 3)))
        return self._wait(self.studio.submit(request))

    def edit_work(self) -> str:
        """Make a work again, changed."""
        work = self._any_work(lambda each: each.request.get("kind") in self.studio.media)
        if work is None:
            return "nothing to edit"
        request = Request.from_json(work.request).replace(seed=self._seed())
        return self._wait(self.studio.submit(request, parents=[work.id]))

    def cancel(self) -> str:
        medium = self.random.choice(list(self.studio.media.values()))
        request = medium.default_task.request(**SMALL.get(medium.name, {}))
        group = self.studio.submit_group([request.replace(seed=self._seed()) for _ in range(3)], "candidates")
        time.sleep(self.random.uniform(0, 1.5))
        self.studio.queue.cancel(group.id)
        return ", ".join(sorted({self._wait(job) for job in group.jobs}))

    def kill_engine(self) -> str:
        medium = self.random.choice(list(self.studio.media.values()))
        job = self.studio.submit(medium.default_task.request(seed=self._seed(), **SMALL.get(medium.name, {})))
        time.sleep(self.random.uniform(0, 2))
        for child in psutil.Process().children():
            if ENGINE in " ".join(child.cmdline()):
                child.kill()
        return self._wait(job)

    def export(self) -> str:
        work = self._any_work(lambda each: each.path.suffix == ".png")
        if work is None:
            return "nothing to export"
        out = self.folder / "out" / f"export-{self.random.randrange(10**9)}"
        to = out / "all.zip" if self.random.random() < 0.5 else out
        out.mkdir(parents=True)
        order = ExportJob(PictureStyle(), self.random.choice([("512",), ("128", "256"), ("icons",)]), "png")
        request = ExportRequest(source=work.id, order=order_to_json(order), to=str(to), name="soak")
        outcome = self._wait(self.studio.submit(request))
        shutil.rmtree(out)
        return outcome

    def mark(self) -> None:
        work = self._any_work()
        if work is not None:
            library, word = self.studio.library, self.random.choice(WORDS)
            self.random.choice([
                lambda: library.favourite([work.id], not work.favourite),
                lambda: library.tag([work.id], add=[word]),
                lambda: library.tag([work.id], remove=work.tags),
                lambda: library.collect([work.id], word, self.random.random() < 0.5),
                lambda: library.rename(work.id, f"A {word}"),
            ])()  # fmt: skip

    def search(self) -> None:
        library, word = self.studio.library, self.random.choice(WORDS)
        library.page(LibraryQuery(text=word))
        library.count(LibraryQuery(medium="poster", tag=word))
        for work in library.page(limit=10):
            library.thumbnail(work.id)

    def bin(self) -> None:
        works = self._works()
        self.studio.library.bin([work.id for work in self.random.sample(works, min(3, len(works)))])

    def restore(self) -> None:
        works = self._works(binned=True)
        self.studio.library.restore([work.id for work in self.random.sample(works, min(2, len(works)))])

    def delete(self) -> None:
        works = self._works(binned=True) or self._works()
        chosen = [work.id for work in self.random.sample(works, min(20, len(works)))]
        say(removing=chosen)
        self.studio.library.bin(chosen)
        self.studio.library.delete(chosen)

    def import_good(self) -> str:
        place = self.folder / "inputs" / f"good-{self._seed()}"
        place.mkdir(parents=True)
        dice = np.random.default_rng(self._seed())
        codecs.write(Image(dice.integers(0, 256, (32, 32, 3), dtype=np.uint8)), place / "picture.png")
        codecs.write(Audio(dice.uniform(-0.1, 0.1, (1, 4000)).astype(np.float32), 8000), place / "sound.wav")
        codecs.write(Text(" ".join(self.random.choices(WORDS, k=20))), place / "text.md")
        work = self._any_work()
        if work is not None:  # a copy of what is there already
            shutil.copy(work.path, place / f"again{work.path.suffix}")
        job = self.studio.submit(WorkImportRequest(paths=(ImportPath(path=str(place)),)))
        outcome = self._wait(job)
        shutil.rmtree(place)
        failed = _imported(job).failed
        if failed:
            raise UnexpectedOutcome(f"good files were refused: {failed}")
        return outcome

    def import_bad(self) -> str:
        place = self.folder / "inputs" / f"bad-{self._seed()}"
        place.mkdir(parents=True)
        noise = self.random.randbytes(3000)
        picture = place / "cut.png"
        codecs.write(Image(np.frombuffer(noise[:2700], np.uint8).reshape(30, 30, 3)), picture)
        picture.write_bytes(picture.read_bytes()[: self.random.randrange(1000)])
        (place / "noise.png").write_bytes(noise)
        (place / "page.mp3").write_text("<html><body>not found</body></html>")
        (place / "empty.wav").write_bytes(b"")
        (place / "noise.mp4").write_bytes(noise)
        job = self.studio.submit(WorkImportRequest(paths=(ImportPath(path=str(place)),)))
        outcome = self._wait(job)
        shutil.rmtree(place)
        if _imported(job).works:
            raise UnexpectedOutcome(f"bad files were imported: {[work.title for work in _imported(job).works]}")
        return outcome

    def import_model(self) -> str:
        """Import a changed copy of a starter, and remove it; or one whose weights are cut."""
        starter = self.studio.catalog.default(self.random.choice(list(self.studio.media)))
        place = self.folder / "inputs" / f"model-{self._seed()}"
        shutil.copytree(starter.folder, place, ignore=shutil.ignore_patterns("model.toml"))
        config = next((place / name for name in ("config.json", "model_index.json") if (place / name).is_file()), None)
        if config is not None:
            config.write_text(json.dumps({**json.loads(config.read_text()), "_soak": self._seed()}))
        cut = self.random.random() < 0.5
        if cut:
            weights = self.random.choice(sorted(place.rglob("*.safetensors")))
            weights.write_bytes(weights.read_bytes()[:-1000])
        job = self.studio.submit(
            ModelImportRequest(path=str(place), target=starter.medium, licence="Apache-2.0", accept_licence=True)
        )
        try:
            outcome = self._wait(job)
            if outcome == "done":
                self.studio.catalog.remove(job.future.result()[0].id)
                if cut:
                    raise UnexpectedOutcome(f"cut weights of {starter.id} were imported")
        finally:
            shutil.rmtree(place)
        return outcome

    def edit_document(self) -> None:
        found = document.listing(self.studio.paths.documents)
        opened = (
            document.Document(self.random.choice(found).folder)
            if len(found) >= 3
            else document.Document.create(self.studio.paths.documents, "soak", "Soak", {"lines": []})
        )
        with opened:
            for _ in range(5):
                lines = [*opened.content["lines"], " ".join(self.random.choices(WORDS, k=8))][-50:]
                opened.edit({"lines": lines})
            opened.undo()
            opened.flush()
            if self.random.random() < 0.2:
                opened.save_version()
                for old in opened.versions()[20:]:
                    opened.delete_version(old.number)

    def command(self) -> str:
        """Run a command in another process on the same home; half of them are killed on the way."""
        words = self.random.choice([
            ["library", "list", "--json"], ["library", "verify"], ["library", "rebuild"], ["models", "list"],
            ["make", "avatar", "--count", "2"],
        ])  # fmt: skip
        killed_after = self.random.uniform(0.2, 6) if self._kills and self.random.random() < 0.5 else None
        if self._setting.engine and words[0] == "make":
            words = ["library", "list"]  # the command line has the real engines only
        started = subprocess.Popen(
            [sys.executable, "-m", "studio", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder / "out",
        )
        try:
            _, said = started.communicate(timeout=killed_after or PATIENCE)
        except subprocess.TimeoutExpired:
            started.kill()
            started.communicate()
            if killed_after is None:
                raise UnexpectedOutcome(f"{words} did not end") from None
            return f"{words[1]} killed"
        if started.returncode or b"Traceback" in said:
            raise UnexpectedOutcome(f"{words}: {started.returncode} {said.decode('utf-8', 'replace')[-300:]}")
        return f"{words[1]} done"

    def _wait(self, job: Job) -> str:
        """What became of a job, once it has ended; its works are reported."""
        try:
            outlast(job)
            outcome = "done"
        except (Cancelled, CancelledError):
            outcome = "cancelled"
        except TimeoutError:
            raise UnexpectedOutcome(f"{job.request.kind} did not end, {job.progress}") from None
        except StudioError as error:
            outcome = f"refused: {error.template}"
        self._note_works(job)
        return outcome

    def _note_works(self, job: Job) -> None:
        error = job.future.exception()
        results: Sequence[Any] = job.future.result() if error is None else getattr(error, "assets", ())
        works = [work for each in results for work in getattr(each, "works", [each]) if isinstance(work, Asset)]
        if works:
            say(added=[work.id for work in works])

    def _works(self, binned: bool = False) -> list[Asset]:
        return self.studio.library.page(LibraryQuery(binned=binned), limit=2 * WORKS)

    def _any_work(self, fits: Callable[[Asset], bool] = lambda _work: True) -> Asset | None:
        works = [work for work in self._works() if fits(work)]
        return self.random.choice(works) if works else None

    def _seed(self) -> int:
        return self.random.randrange(2**31)


def say(**told: Any) -> None:
    """A JSON object as a line on standard output, at once."""
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _imported(job: Job) -> ImportedFiles:
    result = job.future.result()[0]
    assert isinstance(result, ImportedFiles)
    return result


def outlast(job: Job) -> None:
    """Wait until the job has ended; what it failed with passes through. TimeoutError where it is stuck."""
    for left in reversed(range(ROUNDS)):
        worked = engine_seconds()
        try:
            job.future.result(PATIENCE)
            return
        except TimeoutError:
            if not left or engine_seconds() - worked < WORKED:
                raise
            say(waiting=job.request.kind)


def engine_seconds() -> float:
    """Seconds of processor time that the processes below this one have used."""
    seconds = 0.0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            seconds += sum(child.cpu_times()[:2])
    return seconds


def _sweeping() -> bool:
    return any(thread.name == "leftovers" for thread in threading.enumerate())


def main(told: dict[str, Any]) -> None:
    """`told`: folder, seed, kills (whether engines and commands are killed), act (else it only opens and settles),
    bundled, engine. Ends when standard input does.
    """
    ended = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        ended.set()

    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    threading.Thread(target=listen, daemon=True).start()
    setting = BenchSettings(bundled=Path(told["bundled"]), engine=told["engine"])
    soak = SoakStudio(Path(told["folder"]), told["seed"], told["kills"], setting)
    soak.settle()
    say(settled=[str(warning) for warning in (*soak.studio.warnings, *soak.studio.library.notices)])
    if told["act"]:
        soak.go_on(ended.is_set)
    else:
        problems = [f"{one.path}: {one.message}" for one in soak.studio.library.verify()]
        ids = [*soak.studio.library.ids(), *soak.studio.library.ids(LibraryQuery(binned=True))]
        say(problems=problems, works=ids)
    soak.studio.close()
    say(closed=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
