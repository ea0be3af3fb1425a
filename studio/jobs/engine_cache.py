"""LRU cache of loaded engines, bounded by the memory that their models take."""

from __future__ import annotations

import gc
import importlib
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from studio.errors import OutOfMemory, StudioError
from studio.jobs.job import Progress, Report
from studio.jobs.usage import NOT_MEASURED, PeakMemory, Usage
from studio.models import weights
from studio.schema.nested import map_works
from studio.schema.request import TrainRequest
from studio.system import memory

if TYPE_CHECKING:
    from studio.media.payloads import Payload
    from studio.models.resources import Resources
    from studio.schema.request import Request

# Half-precision weights are widened to 32 bits on most processors, and running needs memory besides.
MEMORY_PER_WEIGHT_BYTE = 2.5
PLATFORM = "studio.backends.engine.device:configure"
CARD_PEAK = "studio.backends.engine.device:card_peak"

EngineKey = tuple[str, tuple[tuple[str, str, str], ...]]


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Settings of an engine process. `budget` is in bytes of memory for models; 0 is half of the machine's.

    `context` is the number of tokens that language models look back at (0: the engine's own), `gpu_layers` how many
    layers of them a graphics card computes (-1: as many as it holds). `platform` ("module:function") configures device,
    threads and these, and returns a description of the device.
    """

    device: str = "auto"
    threads: int = 0
    budget: int = 0
    context: int = 0
    gpu_layers: int = -1
    platform: str = PLATFORM


def resolve(name: str) -> Any:
    """Import the object named "module:attribute"."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


class EngineCache:
    """Engines by name and (role, id, fingerprint) of each model, with their bytes. Not thread-safe.

    `alone` says that nothing but engines runs in this process, so that its memory is theirs; `usage` is what the last
    run used.
    """

    def __init__(self, limits: EngineLimits, *, alone: bool = False) -> None:
        self._limits, self._alone = limits, alone
        self.usage = NOT_MEASURED
        self._loading = 0.0
        import psutil  # only the engine's process needs it

        self._budget = limits.budget or psutil.virtual_memory().total // 2
        self._engines: OrderedDict[EngineKey, tuple[Any, int]] = OrderedDict()
        self._device_info: Mapping[str, str] | None = None

    @property
    def device_info(self) -> Mapping[str, str]:
        """The device, as the platform function describes it; empty before the first run."""
        return self._device_info or {}

    def run(self, engine: str, resources: Resources, request: Request, report: Report) -> Sequence[Payload]:
        """Run a request; loads and evicts engines as needed. Out of memory, it evicts all others and tries again.

        A training is not tried again: it would restart from the beginning.
        """
        self.usage, self._loading = NOT_MEASURED, 0.0
        if not self._alone or isinstance(request, TrainRequest):
            return self._run(engine, resources, request, report)
        share = 1.0

        def watch(progress: Progress) -> None:
            nonlocal share
            if progress.done and progress.total:  # some engines report their start alone, which says nothing of the end
                share = min(1.0, progress.done / progress.total)
            report(progress)

        began = time.perf_counter()
        with PeakMemory().measured() as peak:
            payloads = self._run(engine, resources, request, watch)
        running = time.perf_counter() - began - self._loading
        memory = self._card_peak() or peak.bytes
        self.usage = Usage(memory if len(self._engines) == 1 else 0, self._loading, running, share)
        return payloads

    def _card_peak(self) -> int:
        """The most that the graphics card held since it was last asked; 0 where none is used."""
        return resolve(CARD_PEAK)() if self._limits.platform == PLATFORM and self._device_info is not None else 0

    def _run(self, engine: str, resources: Resources, request: Request, report: Report) -> Sequence[Payload]:
        request = map_works(request, lambda _, key: replace(key, path=str(resources.works[key.name])))
        report(Progress("loading"))
        if self._device_info is None and self._limits.platform:
            self._device_info = resolve(self._limits.platform)(
                self._limits.device, self._limits.threads, self._limits.context, self._limits.gpu_layers
            )
        # The fingerprint too: an id may be reused for another version after its model was removed.
        key = (engine, tuple((role, model.id, model.fingerprint) for role, model in resources.models.items()))
        try:
            return self._loaded(key, resources, report).run(request, report)
        except OutOfMemory:
            if isinstance(request, TrainRequest):
                raise
            report(Progress("making room"))
        # Outside the handler: the exception would keep the buffers of the failed attempt alive.
        self.clear()
        return self._loaded(key, resources, report).run(request, report)

    def clear(self) -> None:
        while self._engines:
            self._evict_oldest()

    def _loaded(self, key: EngineKey, resources: Resources, report: Report) -> Any:
        if key in self._engines:
            self._engines.move_to_end(key)
            return self._engines[key][0]
        need = int(sum(model.size for model in resources.models.values()) * MEMORY_PER_WEIGHT_BYTE)
        self._evict_until_fits(need)
        before, began = _process_bytes(), time.perf_counter()
        engine = resolve(key[0])()
        try:
            for model in resources.models.values():
                for file in weights.weight_files(model.folder):
                    weights.check_file(file)
            engine.load(resources, report)
        except BaseException as error:
            if isinstance(error, StudioError):
                error.mend = error.mend or "models"  # another model may work
            engine.close()
            _release_memory()
            raise
        self._engines[key] = (engine, max(need, _process_bytes() - before))
        self._loading += time.perf_counter() - began
        self._evict_until_fits(0, keep=1)
        return engine

    def _evict_until_fits(self, need: int, keep: int = 0) -> None:
        while len(self._engines) > keep and sum(size for _, size in self._engines.values()) + need > self._budget:
            self._evict_oldest()

    def _evict_oldest(self) -> None:
        _, (engine, _) = self._engines.popitem(last=False)
        engine.close()
        del engine
        _release_memory()


def _process_bytes() -> int:
    import psutil

    return psutil.Process().memory_info().rss


def _release_memory() -> None:
    gc.collect()
    memory.return_freed()
