"""What a face is made of, as frozen values: what fits its model, where sliders rest, faces near it; no widgets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence

from studio.backends.avatar import sliders
from studio.backends.avatar.capabilities import ModelCapabilities
from studio.backends.avatar.requests import AvatarRequest, AvatarSheetRequest, DirectionStep, SliderValue, Variation
from studio.errors import StudioError
from studio.library.identities import NAME_LIMIT
from studio.library.library import Asset
from studio.models.catalog import Catalog, Model
from studio.schema.request import SEED_LIMIT, Request, fresh_seed

CANDIDATES = 16
Change = Callable[[AvatarRequest], AvatarRequest]
"""What a tool does to a face."""


def model_for(catalog: Catalog, face: AvatarRequest) -> Model:
    """The model that draws a face. Raises StudioError where there is none."""
    return catalog.get(face.model) if face.model else catalog.default("avatar")


def fit_to_model(face: AvatarRequest, model: ModelCapabilities) -> AvatarRequest:
    """A face as another model can draw it: without what only the one before knew."""
    bare = face.replace(traits=(), slides=(), mix=(), latent="")
    if face.style not in ("any", *model.styles):
        bare = bare.replace(style="any")
    if not model.noise:
        bare = bare.replace(noise="const")
    return bare.replace(label=-1) if face.label >= model.classes else bare


def drop_latent_if_changed(before: AvatarRequest, now: AvatarRequest) -> AvatarRequest:
    """The face that a person asks for who gives one that was found in a picture another seed, style or class: no longer
    the found one, which none of these changes."""
    same = (before.seed, before.style, before.label) == (now.seed, now.style, now.label)
    return now if same or now.latent != before.latent else now.replace(latent="", traits=())


def random_faces(face: AvatarRequest) -> list[AvatarRequest]:
    """Sixteen other faces with the sliders of this one; of a found face, whose sliders only say what it is, none."""
    plain = face.replace(near=(), latent="", traits=() if face.latent else face.traits, name="")
    start = fresh_seed()
    return [plain.replace(seed=(start + at) % SEED_LIMIT) for at in range(CANDIDATES)]


def similar_faces(face: AvatarRequest, spread: float) -> list[AvatarRequest]:
    """Sixteen faces like this one. Raises BadInput where the way here has too many steps already."""
    return [face.replace(near=(*face.near, Variation(fresh_seed(), spread))) for _ in range(CANDIDATES)]


def with_direction(face: AvatarRequest, direction: str, amount: float) -> AvatarRequest:
    """The same face moved along a direction by so many standard deviations; by none where that is 0."""
    others = tuple(slide for slide in face.slides if slide.direction != direction)
    return face.replace(slides=(*others, DirectionStep(direction, amount)) if amount else others)


def direction_amount(face: AvatarRequest, direction: str) -> float:
    return next((slide.amount for slide in reversed(face.slides) if slide.direction == direction), 0.0)


def reset_slider(face: AvatarRequest, name: str, rest: Sequence[SliderValue]) -> AvatarRequest:
    """The face with one slider where it rests: where `rest` has it, else where the seed drew it."""
    found = next((trait.value for trait in rest if trait.name == name), None)
    if found is not None:
        return sliders.with_trait(face, name, found)
    return face.replace(traits=tuple(trait for trait in face.traits if trait.name != name))


def moved_sliders(face: AvatarRequest, rest: Sequence[SliderValue]) -> set[str]:
    """The sliders that stand elsewhere than they rest."""
    resting = {trait.name: trait.value for trait in rest}
    return {trait.name for trait in face.traits if resting.get(trait.name) != trait.value}


def face_of(asset: Asset) -> AvatarRequest | None:
    """The face that a work shows, of a character sheet its person, called by the work's title where it has no name of
    its own; None where it is no face."""
    try:
        request = Request.from_json(asset.request) if asset.request else None
    except StudioError:
        return None
    if isinstance(request, AvatarSheetRequest) and request.face:
        return parse_face(request.face).replace(name=request.name or asset.title[:NAME_LIMIT])
    if not isinstance(request, AvatarRequest):
        return None
    return request if request.name else request.replace(name=asset.title[:NAME_LIMIT])


def unnamed(face: AvatarRequest) -> AvatarRequest:
    """The face as a row of another request names it: nothing of how large or by what name."""
    return dataclasses.replace(face, name="", size="native")


def parse_face(face: str) -> AvatarRequest:
    """The face that a row of a request names, which was checked when the row was made."""
    request = Request.from_json(json.loads(face))
    assert isinstance(request, AvatarRequest)
    return request


def face_json(face: AvatarRequest, name: str = "") -> str:
    """The face as a row names it; under a name where the row is to show one."""
    return json.dumps(unnamed(face).replace(name=name).to_json(), ensure_ascii=False)
