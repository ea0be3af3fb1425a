"""The title of a work that nobody has named, from its request.

`say` puts the studio's own words into a person's language.
"""

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


def short_description(request: Mapping[str, Any], translate: Translate = str) -> str:
    """The same in fewer words, for where there is little room: the seed only where nothing else was asked for."""
    prompt, chosen = _prompt_and_choices(request, translate)
    return prompt or " · ".join(chosen or _seed_text(request, translate))


def title_of(asset: Asset, fallback: str, translate: Translate = str) -> str:
    """The title of a work; a person's sheet or walk is told from the person's face. One without a title is called by
    these `words`, or by its file.
    """
    title, kind = asset.title.lstrip("# "), _request_type(asset.request)
    if title and kind is not None and kind.work and asset.title == default_title(asset.request):
        return f"{title} · {translate(kind.work)}"
    return title or fallback or asset.path.name


def _request_type(request: Mapping[str, Any]) -> type[Request] | None:
    return Request.kinds.get(str(request.get("kind")))


def _seed_text(request: Mapping[str, Any], say: Translate) -> list[str]:
    if request.get("latent"):
        return [say("Matched to a picture")]  # which it is of whatever seed
    return [say("Seed {n}").format(n=request.get("seed", 0))] if _request_type(request) is not None else []


def _prompt_and_choices(request: Mapping[str, Any], say: Translate) -> tuple[str, list[str]]:
    """The prompt of a request on one line, and else what it makes and the first two of its choices."""
    prompt = str(request.get("prompt", "")).strip()
    if prompt.startswith("# "):
        prompt = prompt.partition("\n")[0]  # a title says enough
    prompt = prompt.lstrip("# \n").strip()
    kind = _request_type(request)
    if prompt or kind is None:
        return " ".join(prompt.split()), []
    chosen = [
        say(dict(note.options).get(request[name], str(request[name])))
        for name, note in kind.fields()
        if isinstance(note, Choice) and not note.advanced and request.get(name, "any") != "any"
    ]
    return "", [*([say(kind.work)] if kind.work else []), *chosen[:2]]
