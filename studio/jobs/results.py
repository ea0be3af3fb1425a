"""Stores the results of jobs: works in the library, trained models in the catalog."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import studio
from studio.errors import NOTHING, Message, StudioError
from studio.jobs.job import Cancelled, Job
from studio.jobs.worker import EngineResult
from studio.library.library import Asset, Embed, Library
from studio.library.verify import medium_of
from studio.media import temp_clips
from studio.media.payloads import Bundle, Clip, Image, Text, Weights
from studio.media.provenance import ModelOrigin, Provenance
from studio.models.catalog import Catalog
from studio.models.importing import AlreadyInstalled
from studio.schema.nested import models_by_role, works_of
from studio.schema.request import Request, TrainRequest


class ResultStore:
    """`embed` returns the metadata setting, `closing` whether the studio closes. `changed(kind)` is called after works
    or models were added.
    """

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
        """Save what a job made and return the results for its future: works, or models. Those of a live job are not
        saved: they stay in `job.pending`. Raises StudioError where saving fails, Cancelled for the clip of a cancelled
        live job.
        """
        job.pending = list(result.payloads)
        job.device_info, job.partial = dict(result.device_info), partial
        if job.live:
            if job.cancelling and any(isinstance(payload, Clip) for payload in job.pending):
                self.discard(job)
                raise Cancelled
            return list(job.pending)
        if isinstance(job.request, TrainRequest):
            return self._import_models(job, job.request, partial)
        return self._add_to_library(job, partial=partial)

    def unsaved(self, job: Job) -> EngineResult | None:
        """What a job has taken over from one whose saving failed; None where it has to make it. Raises Cancelled with
        the results where that one was cancelled.
        """
        if not job.pending:
            return None
        if job.partial:
            raise Cancelled(job.pending)
        return EngineResult(job.pending, job.device_info)

    def save(self, job: Job) -> list[Asset]:
        """Add the results of a live job, or those whose saving failed, to the library; returns all works of the job."""
        return self._add_to_library(job, partial=job.partial)

    def discard(self, job: Job) -> None:
        """Drop the unsaved results of a job and delete their temporary files."""
        for payload in job.pending:
            for each in payload.payloads if isinstance(payload, Bundle) else (payload,):
                if isinstance(each, Clip):
                    temp_clips.discard(each)
        job.pending = []

    def _import_models(self, job: Job, request: TrainRequest, partial: bool) -> list[Weights]:
        """Import the trained models into the catalog if the training has a title and was not cancelled."""
        models = [payload for payload in job.pending if isinstance(payload, Weights)]
        if not request.title or self._closing() or (partial and not job.keep_model):
            return models
        imported: list[Weights] = []
        for weights in models:
            try:
                model = self._catalog.import_(weights.folder, request.medium, accept_licence=True)
            except AlreadyInstalled as error:  # resumed and stopped before anything changed
                model, job.duplicate_of = error.model, error.model.title
            imported.append(Weights(model.folder))
        self._changed("models")
        return imported

    def _add_to_library(self, job: Job, *, partial: bool) -> list[Asset]:
        """Add `job.pending` one by one, so that a second attempt adds only what is left."""
        request = job.request
        others = {role: self._origin(id) for role, id in models_by_role(request).items() if role}
        provenance = Provenance(
            studio=studio.__version__,
            model=self._origin(request.model),
            models=others,
            libraries=_library_versions(),
            seed=request.seed,
            device=job.device_info.get("device", ""),
            extra={name: fact for name, fact in job.device_info.items() if name != "device"},
        )
        changed = self._changed_work(request)
        parents = job.parents or ((changed.id,) if changed is not None else ())
        try:
            while job.pending:
                medium = request.medium
                if request.keeps_medium:
                    medium = changed.medium if changed is not None else _medium_of(job.pending[0])
                asset = self._library.add(
                    job.pending[0],
                    medium=medium,
                    request=_request_of(job.pending[0], request),
                    provenance=replace(provenance, remark=_remark_of(job.pending[0])),
                    parents=parents,
                    partial=partial,
                    embed=self._embed(),
                )
                job.saved.append(asset)
                del job.pending[0]
        finally:
            if job.saved:
                self._changed("library")
        works, job.saved = job.saved, []
        return works

    def _changed_work(self, request: Request) -> Asset | None:
        """The work of the library that a request changes; None for one that makes a new work, and for other files."""
        if not request.keeps_medium:
            return None
        for key in works_of(request):
            if key.id:
                with contextlib.suppress(StudioError):  # deleted while it was used
                    return self._library.get(key.id)
        return None

    def _origin(self, id: str) -> ModelOrigin:
        try:
            model = self._catalog.get(id)
        except StudioError:  # removed while it was used; the work is there all the same
            return ModelOrigin(id)
        return ModelOrigin(model.id, model.family, model.licence, model.sha256)


def _request_of(payload: Any, request: Request) -> dict[str, Any]:
    """The request to embed: the payload's own if it names one, else the one that was run."""
    if isinstance(payload, Bundle):
        payload = payload.main
    own = payload.request if isinstance(payload, Image | Clip) else ""
    return Request.from_json(json.loads(own)).to_json() if own else request.to_json()


def _medium_of(payload: Any) -> str:
    """The medium of a payload that was made from a file which is no work."""
    return medium_of({}, payload.main if isinstance(payload, Bundle) else payload)


def _remark_of(payload: Any) -> Message:
    """The engine's remark on this payload."""
    if isinstance(payload, Bundle):
        payload = payload.main
    return payload.remark if isinstance(payload, Image | Text) else NOTHING


@functools.cache
def _library_versions() -> dict[str, str]:
    """Versions of the libraries that affect results, read without importing them."""
    from importlib import metadata  # slow to import, and not needed at start

    names = ("torch", "diffusers", "transformers", "numpy")
    return {name: metadata.version(name) for name in names}
