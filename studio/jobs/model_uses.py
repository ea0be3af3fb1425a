"""What depends on a model: works that cannot be made again without it, characters, documents and directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from studio.errors import StudioError
from studio.library.identities import Identities
from studio.library.library import Library
from studio.models import weights
from studio.models.catalog import Catalog
from studio.models.model import Model, ModelUses


def model_uses(model: Model, catalog: Catalog, library: Library, identities: Identities, documents: Path) -> ModelUses:
    """What depends on a model. Where another model has the same weights, works and characters are made with that one.
    `documents` is the folder that documents lie in.
    """
    from studio.documents import document  # the window starts sooner without it

    directions = _directions(model)
    twins = [one for one in catalog.models(model.medium) if one.id != model.id and one.sha256 == model.sha256]
    if model.sha256 and any(one.unavailable is None for one in twins):
        return ModelUses(directions=directions)
    characters = [one.name for one in (*identities.all(), *identities.binned()) if one.face.model == model.id]
    titles = [one.title for one in document.naming(documents, model.id)]
    return ModelUses(library.count_made_with(model.id), tuple(characters), tuple(titles), directions)


def _directions(model: Model) -> int:
    if model.beside is None:
        return 0
    path = model.beside / weights.ADDED
    try:
        listed: Any = weights.read_json(path).get("directions") if path.is_file() else []
    except (StudioError, OSError):
        return 0
    return len(cast("list[Any]", listed)) if isinstance(listed, list) else 0
