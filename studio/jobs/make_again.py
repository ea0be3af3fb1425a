"""The requests of works that are to be made again: finds their models and works, and names those that are missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from studio.errors import BadInput, Message, StudioError
from studio.library.library import Asset, Library
from studio.library.used_works import UsedWorks
from studio.media.provenance import Provenance
from studio.models.catalog import Catalog
from studio.schema.fields import ModelId
from studio.schema.request import Request, fresh_seed


@dataclass(slots=True)
class RepeatedWorks:
    """Requests that make works again, with the parents that each new work gets, and why other works cannot be made."""

    requests: list[Request] = field(default_factory=list[Request])
    parents: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    errors: list[StudioError] = field(default_factory=list[StudioError])


def works_to_repeat(works: Iterable[Asset], catalog: Catalog, library: Library, *, vary: bool) -> RepeatedWorks:
    """The requests that make works once more, or with `vary` one variation of each, whose parent is the work."""
    found = RepeatedWorks()
    for work in works:
        try:
            if not work.request:
                raise BadInput("{name} does not say how it was made.", name=work.title or work.id)
            request = request_to_repeat(Request.from_json(work.request), work.provenance, catalog, library)
        except StudioError as error:
            found.errors.append(error)
            continue
        found.requests.append(request.replace(seed=fresh_seed()) if vary else request)
        found.parents.append((work.id,) if vary else work.parents)
    return found


def request_to_repeat(request: Request, provenance: Provenance, catalog: Catalog, library: Library) -> Request:
    """The request with the ids that its models have here: one that was imported under another id is found by the sha256
    of its weights. Raises BadInput that names every model, work and file that is missing, or one of another kind than
    its field takes.
    """
    missing: list[Message] = []
    ids: dict[str, str] = {}
    for name, each in request.fields():
        id = str(getattr(request, name))
        if not isinstance(each, ModelId) or not id:
            continue
        origin = provenance.models.get(each.role) if each.role else provenance.model
        sha256 = origin.sha256 if origin is not None and origin.id == id else ""
        found = catalog.find(id, sha256)
        if found is None:
            missing.append(_named(each.label, id, sha256))
        elif found.id != id:
            ids[name] = found.id
    no_model = bool(missing)
    used = UsedWorks(library)
    missing += [_named(label, key.id or key.path, key.sha256) for label, key in used.missing(request)]
    if missing:
        raise BadInput(
            "What this request needs is missing: {missing}.",
            "Import it again." if no_model else "Import it again, or restore it from the bin.",
            mend="models" if no_model else "",
            missing=reduce(lambda first, rest: Message("{first}, {rest}", first=first, rest=rest), missing),
        )
    used.found(request)  # refuses what its field does not take
    return request.replace(**ids)


def _named(label: str, id: str, sha256: str) -> Message:
    """What is missing: what it is for, its id, and the first digits of its sha256, as far as they are known."""
    what = Message.of(label)
    if id and sha256:
        return Message("{what} {id} (sha256 {sha256})", what=what, id=id, sha256=sha256[:12])
    if id:
        return Message("{what} {id}", what=what, id=id)
    return Message("{what} (sha256 {sha256})", what=what, sha256=sha256[:12])
