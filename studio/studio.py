"""The studio: submit requests, subscribe to changes, close. Joins lanes, library, catalog, settings and queue file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from studio.backends import MEDIA, PAGELESS, TASKS, families
from studio.backends.medium import Medium, Task, find_task
from studio.errors import BadInput, Message, StudioError
from studio.jobs.engine_cache import PLATFORM, EngineLimits
from studio.jobs.io.host import IO_WORKERS, IoContext, IoHost
from studio.jobs.job import Cancelled, Group, Job, JobGroup, Progress
from studio.jobs.leftovers import LeftoverSweep
from studio.jobs.model_uses import model_uses
from studio.jobs.queue import JobQueue
from studio.jobs.queue_store import QueueStore
from studio.jobs.results import ResultStore
from studio.jobs.worker import EngineResult, OnProgress, ProcessHost, ThreadHost
from studio.library.identities import Identities
from studio.library.library import Asset, Embed, Library
from studio.library.used_works import UsedWorks
from studio.media import temp_clips
from studio.models.catalog import Catalog
from studio.models.fit.demand import Machine
from studio.models.fit.estimate import Fit, FitCheck
from studio.models.fit.history import RunHistory
from studio.models.model import Model, ModelUses
from studio.models.resources import Resources
from studio.schema import settings as settings_file
from studio.schema.nested import AnyRequest, models_by_role, works_of
from studio.schema.request import Request, TrainRequest
from studio.system.paths import RESOURCES, AppPaths

if TYPE_CHECKING:
    from studio.support.speed import MeasuredSpeed

log = logging.getLogger(__name__)

NO_WAITS: Mapping[int, Mapping[int, str]] = {}


@dataclass(frozen=True, slots=True)
class News:
    """A change of some kind. Read the new state from the studio: news may be skipped, outcomes arrive as futures."""

    kind: Literal["job", "queue", "library", "models", "identities", "settings"]
    job: Job | None = None


class Studio:
    """One open studio.

    `isolated=False` runs engines in threads of this process. `persist_queue=False` does not use the queue file, as the
    command line does. `bundled` is the folder of the models that come with the studio.
    """

    def __init__(
        self,
        paths: AppPaths,
        *,
        isolated: bool = True,
        persist_queue: bool = True,
        media: Sequence[Medium] = (*MEDIA, *PAGELESS),
        tasks: Sequence[Task] = TASKS,
        bundled: Path = RESOURCES / "models",
        platform: str = PLATFORM,
    ) -> None:
        self.paths = paths
        self.media = {medium.name: medium for medium in media}
        self._tasks = tuple(tasks)
        self.settings, self.warnings = settings_file.load(paths.config / "settings.toml")
        own = self.settings
        self.library = Library(settings_file.folder(own.library_folder, paths.library))
        self._used_works = UsedWorks(self.library)
        self.catalog = Catalog(bundled, settings_file.folder(own.models_folder, paths.models), families(media))
        self.identities = Identities(paths.identities, lambda: self._publish(News("identities")))
        self._listeners: list[Callable[[News], None]] = []
        self._listeners_lock = threading.Lock()
        self._results = ResultStore(
            self.library,
            self.catalog,
            embed=self._embed,
            closing=lambda: self.queue.closing,
            changed=lambda kind: self._publish(News(kind)),
        )
        queue_store = QueueStore(paths.state / "queue.sqlite") if persist_queue else None
        if queue_store is not None and queue_store.warning:
            self.warnings.append(queue_store.warning)
        self.fit = FitCheck(RunHistory(paths.state / "runs.sqlite"), families(media), self._machine, self._enlarged)
        self._engines: ProcessHost | None = None
        self._speed: MeasuredSpeed | None = None
        self._speed_lock = threading.Lock()
        self.queue = JobQueue(
            queue_store,
            lane_of=lambda request: self.task(request).lane,
            resolve=self._resolve,
            works=self.library.get_many,
            discard=self.discard,
            record=self._record,
            typical=lambda request: self.fit.seconds(request, self._model_timed(request)),
            job_changed=lambda job: self._publish(News("job", job)),
            queue_changed=lambda: self._publish(News("queue")),
        )
        self._limits = limits = EngineLimits(
            own.device, own.threads, int(own.memory_budget_gb * 2**30), own.context, own.gpu_layers, platform
        )
        self._add_engine_lane("device", limits, isolated=isolated, nice=10)
        self._add_engine_lane("training", limits, isolated=isolated, nice=19)
        self._add_io_lane()
        temp_clips.remove_stale()
        self.warnings += self.queue.restore()
        owns_queue = queue_store is not None and queue_store.owned
        self._sweep: LeftoverSweep | None = None
        if owns_queue:
            self._sweep = LeftoverSweep(paths, self.catalog, self._used_works, self.queue.requests)
        self._end_following = self.catalog.follow(lambda: self._publish(News("models")))
        self._reading_history = threading.Thread(target=self.fit.history.read, name="run history", daemon=True)
        self._reading_history.start()

    def submit(
        self,
        request: Request,
        *,
        parents: Sequence[str] = (),
        replaces: str | None = None,
        live: bool = False,
        after: Sequence[str] | Mapping[str, str] = (),
    ) -> Job:
        """Queue a request and return immediately. Raises BadInput where its model does not exist.

        Live jobs are not stored in the queue file, and their results are not added to the library: the future gets the
        payloads, and `save` adds them. `replaces` names a live control: a new job cancels older ones of that name.
        A job starts when the jobs `after` (ids) are done; it is cancelled when one of them fails or is cancelled. With
        a mapping the first work of each fills the field (a WorkRef) of this name, unless the name is empty.
        """
        job = Job(self._resolve(request), parents=parents, live=live, replaces=replaces, after=after)
        self.queue.put([job])
        return job

    def submit_group(
        self,
        requests: Sequence[Request],
        kind: str,
        *,
        title: str = "",
        parents: Sequence[str] | Mapping[int, Sequence[str]] = (),
        after: Sequence[str] | Mapping[str, str] = (),
        waits: Mapping[int, Mapping[int, str]] = NO_WAITS,
    ) -> JobGroup:
        """Queue requests that belong together, in one transaction: all or none. `kind` is "candidates", "batch", or
        another word for what they are together. `parents` and `after` hold for each, as in `submit`; a mapping of
        `parents` is by position.

        `waits` says which requests, by position, wait for earlier ones of the group, and which field (a WorkRef) gets
        the work of each, or an empty name: with {2: {0: "picture"}} the third takes the result of the first.
        """
        group = Group(kind, title)
        by_position = parents if isinstance(parents, Mapping) else dict.fromkeys(range(len(requests)), parents)
        jobs = [
            Job(self._resolve(request), parents=by_position.get(member, ()), group=group, member=member)
            for member, request in enumerate(requests)
        ]
        outside = after if isinstance(after, Mapping) else dict.fromkeys(after, "")
        for member, job in enumerate(jobs):
            inside = waits.get(member, {})
            if not all(0 <= earlier < member for earlier in inside):
                raise BadInput("A request of a group can only wait for one before it.")
            job.wait_for({**outside, **{jobs[earlier].id: name for earlier, name in inside.items()}})
        return self.queue.put_group(group, jobs)

    def save(self, job: Job) -> list[Asset]:
        """Add the results of a live job, or those whose saving failed, to the library; returns all works of the job."""
        return self._results.save(job)

    def discard(self, job: Job) -> None:
        """Drop the unsaved results of a job and delete their temporary files."""
        self._results.discard(job)

    def change_settings(self, **changes: Any) -> None:
        """Change and save settings. Those of the machine and of folders take effect after a restart."""
        self.settings = settings_file.change(self.paths.config / "settings.toml", self.settings, **changes)
        self._publish(News("settings"))

    def subscribe(self, listener: Callable[[News], None]) -> Callable[[], None]:
        """Call `listener` with all news, from any thread. Returns a function that unsubscribes."""
        with self._listeners_lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._listeners_lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def task(self, request: Request) -> Task:
        """The task that runs a request. BadInput where this studio has none."""
        medium = self.media.get(request.medium)
        return find_task(medium.tasks if medium is not None else self._tasks, request)

    def uses_of(self, model: Model) -> ModelUses:
        """What depends on a model. Reads the library and all documents: not for the window's own thread."""
        return model_uses(model, self.catalog, self.library, self.identities, self.paths.documents)

    def fits(self, request: Request) -> Fit | None:
        """How a request fits this machine now; None where it has no model here, or is not for an engine. Reads files
        and asks the system: not for the window's own thread.
        """
        try:
            if self.task(request).lane != "device":
                return None
            model = self.catalog.listed(request.model) if request.model else self.catalog.default(request.medium)
        except StudioError:
            return None
        if model is None:
            return None
        fit = self.fit.of(request, model)
        if fit.verdict == "no" and fit.smaller is None:
            other = self.fit.other_model(request.replace(model=model.id), self.catalog.models(model.medium))
            if other is not None:
                choice = Message("{title}", title=other.title)
                fit = replace(fit, smaller=request.replace(model=other.id), choice=choice)
        return fit

    def close(self) -> None:
        """Refuse new jobs, cancel all others (see JobQueue.close), and release everything."""
        self.queue.close()
        self._end_following()
        self._reading_history.join()
        if self._sweep is not None:
            self._sweep.close()
        self.library.close()

    def _add_engine_lane(self, name: str, limits: EngineLimits, *, isolated: bool, nice: int) -> None:
        log_file = self.paths.logs / f"worker-{name}.log"
        host = ProcessHost(limits, nice=nice, log=log_file) if isolated else ThreadHost(limits)

        def run(job: Job, on_progress: OnProgress) -> EngineResult:
            made = self._results.unsaved(job)
            if made is not None:
                return made
            self._keep_works(job, on_progress)
            request = job.request
            result = host.run(job, self.task(request).engine, self._resources(request), on_progress)
            job.usage = result.usage
            return result

        if name == "device" and isinstance(host, ProcessHost):
            self._engines = host
        self.queue.add_lane(name, host, run=run, store=self._results.store)

    def _add_io_lane(self) -> None:
        host = IoHost(IoContext(self.library, self.catalog, self._embed, lambda kind: self._publish(News(kind))))
        self.queue.add_lane(
            "io",
            host,
            run=lambda job, on_progress: host.run(job, self.task(job.request).engine, on_progress),
            store=lambda _job, result, _partial: list(result.payloads),
            workers=IO_WORKERS,
            exclusive=lambda job: job.request.kind,
            pausable=False,
        )

    def _machine(self) -> Machine:
        """This machine as engines use it; what their process holds counts as free: it gives way to the next model."""
        from studio.support import hardware  # the window starts without these
        from studio.support.speed import MeasuredSpeed

        limits, engines = self._limits, self._engines
        found = hardware.machine(limits.device)
        if self._engines is not None and limits.platform:
            with self._speed_lock:
                if self._speed is None:
                    self._speed = MeasuredSpeed(self.paths.state / "speed.json", limits.threads)
            found = self._speed.of(found)
        held = hardware.held(engines.pid, found.device) if engines is not None else 0
        beside = hardware.held(engines.pid, "cpu") if engines is not None and found.ram_total else 0
        return replace(
            found,
            free=found.free + held,
            ram_free=found.ram_free + beside,
            context=limits.context,
            gpu_layers=limits.gpu_layers,
        )

    def _enlarged(self, request: Request) -> tuple[int, int]:
        """The size of the picture that a request enlarges; zeros where it enlarges none, or that is not there."""
        from studio.media import images  # the window starts without it

        try:
            if not self.task(request).enlarges:
                return (0, 0)
            found = self._used_works.found(request)
            paths = [Path(key.path) if key.path else self._used_works.files(found)[key.name] for key in works_of(found)]
        except StudioError:
            return (0, 0)
        return images.size(paths[0].expanduser()) if paths else (0, 0)

    def _model_timed(self, request: Request) -> Model | None:
        """The model by whose runs the time of a request is told; a training's depends on its data."""
        return None if isinstance(request, TrainRequest) else self.catalog.listed(request.model)

    def _record(self, job: Job) -> None:
        used = job.usage
        model = self._model_timed(job.request)
        self.fit.record(job.request, model, job.seconds, used.memory, used.loading, used.running, used.share)

    def _embed(self) -> Embed:
        return cast(Embed, self.settings.embed_metadata)

    def files_used(self, request: Request) -> Mapping[str, Path]:
        """The files of the works that a request names, by `WorkKey.name`. BadInput where one is missing."""
        return self._used_works.files(request)

    def keep_used(self, request: AnyRequest) -> AnyRequest:
        """The request with the files that it names by their paths copied into the library, and named by sha256. Reads
        them whole. BadInput for what is damaged or missing, StudioError for disks that fail.
        """
        return self._used_works.kept(request)

    def _keep_works(self, job: Job, on_progress: OnProgress) -> None:
        """Copy files that the request uses and that are no works into the library, so that it names them by sha256."""
        if not any(key.path for key in works_of(job.request)):
            return

        def check(_bytes: int) -> None:
            if job.cancelling:
                raise Cancelled

        on_progress(Progress("reading"))
        job.request = self._used_works.kept(job.request, check)
        self.queue.update()

    def _resources(self, request: Request) -> Resources:
        models = {role: self._model(id) for role, id in models_by_role(request).items()}
        return Resources(models.pop("", None), models, self._used_works.files(request))

    def _model(self, id: str) -> Model:
        model = self.catalog.get(id)
        if not (model.folder / "model.toml").is_file():  # removed a moment ago, by another process
            self.catalog.refresh()
            model = self.catalog.get(id)
        self.catalog.demand_usable(model)
        return model

    def _resolve(self, request: Request) -> Request:
        """The request with its model chosen and its works named, within the limits of the model's family."""
        if self.task(request).lane == "io":
            return request
        request = self._with_model(self._used_works.found(request))
        models = {role: self.catalog.get(id) for role, id in models_by_role(request).items()}
        for model in models.values():
            if model.unavailable is not None:
                raise StudioError(model.unavailable, mend="models")
        if "" in models:
            self.media[request.medium].family(models[""].family).check(request)
        return request

    def _with_model(self, request: Request) -> Request:
        if request.model:
            if self.catalog.get(request.model).medium != request.medium:
                raise BadInput(
                    "The model {model} is not for {medium}.",
                    "`studio models list` shows what is.",
                    mend="models",
                    model=request.model,
                    medium=request.medium,
                )
            return request
        if isinstance(request, TrainRequest):
            return request
        return request.replace(model=self.catalog.default(request.medium).id)

    def _publish(self, news: News) -> None:
        with self._listeners_lock:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(news)
            except Exception:
                log.exception("a listener failed")
