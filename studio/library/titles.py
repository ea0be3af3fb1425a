"""Titles and short descriptions of works, from their requests. `translate` translates labels of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from studio.library.asset import default_title
from studio.schema.fields import Choice
from studio.schema.request import Request

if TYPE_CHECKING:
    from studio.library.asset import Asset

Translate = Callable[[str], str]


def describe(request: Mapping[str, Any], translate: Translate = str) -> str:
    """A request in a few words: its prompt, or else what it makes, its choices and its seed."""
    prompt, chosen = _prompt_and_choices(request, translate)
    return prompt or " · ".join([*chosen, *_seed_text(request, translate)])


def describe_settings(request: Mapping[str, Any], translate: Translate = str) -> str:
    """The same without the seed, for settings that are used with any: empty where nothing else was asked for."""
    prompt, chosen = _prompt_and_choices(request, translate)
    return prompt or " · ".join([*chosen, *(_seed_text(request, translate) if request.get("latent") else [])])


def short_description(request: Mapping[str, Any], translate: Translate = str) -> str:
    """A shorter description, for narrow places: the seed only where there is nothing else to say."""
    prompt, chosen = _prompt_and_choices(request, translate)
    return prompt or " · ".join(chosen or _seed_text(request, translate))


def title_of(asset: Asset, fallback: str, translate: Translate = str) -> str:
    """The title of a work, or `fallback`, or the name of its file. After the default title of a request stands what it
    makes, so that the face and the sheet of a character have different titles.
    """
    title, kind = without_marks(asset.title), _request_type(asset.request)
    if title and kind is not None and kind.work and asset.title == default_title(asset.request):
        return f"{title} · {translate(kind.work)}"
    return title or fallback or asset.path.name


def without_marks(title: str) -> str:
    """The title without the marks of a heading, `# `, which the first line of a story may have."""
    marks, _, rest = title.partition(" ")
    return title if marks.strip("#") else rest.strip()


def _request_type(request: Mapping[str, Any]) -> type[Request] | None:
    return Request.kinds.get(str(request.get("kind")))


def _seed_text(request: Mapping[str, Any], translate: Translate) -> list[str]:
    if request.get("latent"):
        return [translate("Matched to a picture")]  # the seed had no effect
    kind = _request_type(request)
    if kind is None or kind.keeps_medium:  # an enlarged picture depends on no seed
        return []
    return [translate("Seed {n}").format(n=request.get("seed", 0))]


def _prompt_and_choices(request: Mapping[str, Any], translate: Translate) -> tuple[str, list[str]]:
    """The prompt of a request on one line; without one, what it makes and the first two of its choices."""
    prompt = str(request.get("prompt", "")).strip()
    if prompt.startswith("# "):
        prompt = prompt.partition("\n")[0]  # the heading is enough
    prompt = prompt.lstrip("# \n").strip()
    kind = _request_type(request)
    if prompt or kind is None:
        return " ".join(prompt.split()), []
    chosen = [
        translate(dict(note.options).get(request[name], str(request[name])))
        for name, note in kind.fields()
        if isinstance(note, Choice) and not note.advanced and request.get(name, "any") != "any"
    ]
    return "", [*([translate(kind.work)] if kind.work else []), *chosen[:2]]
