"""What becomes of what jobs made: works in the library, models among a person's own, or nothing; runs no job."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, Literal

import studio
from studio.jobs.job import Cancelled, Job
from studio.jobs.worker import EngineResult
from studio.library.library import Asset, Embed, Library
from studio.media import temp_clips
from studio.media.payloads import Clip, Image, Weights
from studio.models.catalog import AlreadyInstalled, Catalog
from studio.schema.request import Request, TrainRequest


class ResultStore:
    """`embed` says how metadata go into files, `closing` whether the studio ends; `changed` hears of what has grown."""

    def __init__(
        self,
        library: Library,
        catalog: Catalog,
        *,
        embed: Callable[[], Embed],
        closing: Callable[[], bool],
        changed: Callable[[Literal["library", "models"]], object],
    ) -> None:
        self._library, self._catalog = library, catalog
        self._embed, self._closing, self._changed = embed, closing, changed

    def store(self, job: Job, result: EngineResult, partial: bool) -> list[Any]:
        """What a job has made, and facts of it: kept, and what its future gets. A live one's waits in the job.

        Raises StudioError where it cannot be kept, and Cancelled for a clip of a live job that nobody waits for.
        """
        job.pending = list(result.payloads)
        job.device_info = dict(result.device_info)
        if job.live:
            if job.cancelling and any(isinstance(payload, Clip) for payload in job.pending):
                self.discard(job)
                raise Cancelled
            return list(job.pending)
        if isinstance(job.request, TrainRequest):
            return self._import_models(job, job.request, partial)
        return self._add_to_library(job, partial=partial)

    def save(self, job: Job) -> list[Asset]:
        """Add to the library what a live job made, or what could not be saved when it was made; all works of it."""
        return self._add_to_library(job, partial=False)

    def discard(self, job: Job) -> None:
        """Nobody wants what a job made and the library does not have: the files of its clips go."""
        for payload in job.pending:
            if isinstance(payload, Clip):
                temp_clips.discard(payload)
        job.pending = []

    def _import_models(self, job: Job, request: TrainRequest, partial: bool) -> list[Weights]:
        """The trained model, among the person's own where it has a name and was not broken off."""
        models = [payload for payload in job.pending if isinstance(payload, Weights)]
        if not request.title or self._closing() or (partial and not job.keep_model):
            return models
        taken: list[Weights] = []
        for made in models:
            try:
                model = self._catalog.import_(made.folder, request.medium, accept_licence=True)
            except AlreadyInstalled as error:  # gone on with and stopped before it learnt more
                model, job.duplicate_of = error.model, error.model.title
            taken.append(Weights(model.folder))
        self._changed("models")
        return taken

    def _add_to_library(self, job: Job, *, partial: bool) -> list[Asset]:
        """The works of a job. What is in the library leaves `job.made` at once: a next try adds only the rest."""
        request = job.request
        model = self._catalog.get(request.model)
        provenance = {
            "studio": studio.__version__,
            "model": {"id": model.id, "family": model.family, "licence": model.licence, "sha256": model.sha256},
            "libraries": _library_versions(),
            "seed": request.seed,
            **job.device_info,
        }
        try:
            while job.pending:
                asset = self._library.add(
                    job.pending[0],
                    medium=request.medium,
                    request=_request_of(job.pending[0], request),
                    provenance=provenance | _remark_of(job.pending[0]),
                    parents=job.parents,
                    partial=partial,
                    embed=self._embed(),
                )
                job.saved.append(asset)
                del job.pending[0]
        finally:
            if job.saved:
                self._changed("library")
        kept, job.saved = job.saved, []
        return kept


def _request_of(payload: Any, request: Request) -> dict[str, Any]:
    """The request that makes this payload again: its own where it says one, else the one that was run."""
    own = payload.request if isinstance(payload, Image | Clip) else ""
    return Request.from_json(json.loads(own)).to_json() if own else request.to_json()


def _remark_of(payload: Any) -> dict[str, str]:
    """What its engine had to say of this payload."""
    return {"remark": payload.remark} if isinstance(payload, Image) and payload.remark else {}


@functools.cache
def _library_versions() -> dict[str, str]:
    """Versions of what decides how a work comes out, read without importing any of it."""
    from importlib import metadata  # slow to load, and the window need not wait for it

    names = ("torch", "diffusers", "transformers", "numpy")
    return {name: metadata.version(name) for name in names}
