"""Where a work comes from, in words: what was asked, what made it, with which versions; reads nothing but the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.library.library import Asset
from studio.ui.pages.licences import terms
from studio.ui.widgets.text import clock, moment, request_lines, size, tr

Lines = list[tuple[str, str]]


def summary(asset: Asset) -> str:
    parts = [moment(asset.created)]
    if asset.width and asset.height:
        parts.append(f"{asset.width} × {asset.height}")
    if asset.seconds is not None:
        parts.append(clock(asset.seconds))
    if asset.partial:
        parts.append(tr("unfinished"))
    return " · ".join(parts)


def request_facts(asset: Asset, called: Callable[[str], str]) -> Lines:
    """The request, and on what terms its model may be used. `called` gives the title of a model."""
    model = str(asset.request.get("model", ""))
    lines = [
        (name, called(value) if value == model and model else value) for name, value in request_lines(asset.request)
    ]
    licence = _model(asset).get("licence")
    _add(lines, tr("Model licence"), terms(licence).name if isinstance(licence, str) and licence else None)
    return lines


def origin_facts(asset: Asset, called: Callable[[str], str]) -> Lines:
    """The rest of the provenance: model, device, versions, or the file that was brought in."""
    given = asset.provenance
    lines: Lines = []
    model = _model(asset)
    if model.get("id") and not asset.request.get("model"):
        lines.append((tr("Model"), called(str(model["id"]))))
    _add(lines, tr("Device"), given.get("device"))
    _add(lines, tr("AIGC Studio"), given.get("studio"))
    libraries = given.get("libraries")
    if isinstance(libraries, Mapping):
        lines.append((tr("Libraries"), ", ".join(f"{name} {version}" for name, version in libraries.items())))
    _add(lines, tr("Weights"), str(model.get("sha256") or "")[:12])
    _add(lines, tr("Imported from"), given.get("imported"))
    lines.append((tr("File"), f"{asset.path.name} · {size(asset.size)}"))
    return lines


def _model(asset: Asset) -> Mapping[str, Any]:
    given = asset.provenance.get("model")
    return given if isinstance(given, Mapping) else {}


def _add(lines: Lines, name: str, value: Any) -> None:
    if isinstance(value, str) and value.strip():
        lines.append((name, value.strip()))
