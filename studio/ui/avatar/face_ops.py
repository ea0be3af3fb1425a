"""Pure functions on faces (`AvatarRequest`): fit to a model, sliders at rest, similar faces, faces as JSON."""

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
from studio.models.catalog import Catalog
from studio.models.model import Model
from studio.schema.fields import SEED_LIMIT
from studio.schema.request import Request, fresh_seed

CANDIDATES = 16
Change = Callable[[AvatarRequest], AvatarRequest]
"""An edit: returns the face with something changed."""


def model_for(catalog: Catalog, face: AvatarRequest) -> Model:
    """The model that draws a face: the one it names, else the default. Raises StudioError if there is none."""
    return catalog.get(face.model) if face.model else catalog.default("avatar")


def fit_to_model(face: AvatarRequest, model: ModelCapabilities) -> AvatarRequest:
    """The face without what this model cannot draw: edits, styles, noise and classes of the model before."""
    bare = face.replace(traits=(), slides=(), mix=(), latent="")
    if face.style not in ("any", *model.styles):
        bare = bare.replace(style="any")
    if not model.noise:
        bare = bare.replace(noise="const")
    return bare.replace(label=-1) if face.label >= model.classes else bare


def drop_latent_if_changed(before: AvatarRequest, now: AvatarRequest) -> AvatarRequest:
    """If seed, style or class of a projected face was edited, drop its latent, which would override them."""
    same = (before.seed, before.style, before.label) == (now.seed, now.style, now.label)
    return now if same or now.latent != before.latent else now.replace(latent="", traits=())


def random_faces(face: AvatarRequest) -> list[AvatarRequest]:
    """Other seeds with the sliders of this face; without those of a projected face, which only describe it."""
    start_face = face.replace(near=(), latent="", traits=() if face.latent else face.traits, name="")
    start = fresh_seed()
    return [start_face.replace(seed=(start + at) % SEED_LIMIT) for at in range(CANDIDATES)]


def similar_faces(face: AvatarRequest, spread: float) -> list[AvatarRequest]:
    """Random variations of this face, `spread` 0 to 1 apart. Raises BadInput if it has too many steps already."""
    return [face.replace(near=(*face.near, Variation(fresh_seed(), spread))) for _ in range(CANDIDATES)]


def with_direction(face: AvatarRequest, direction: str, amount: float) -> AvatarRequest:
    """The face moved along a direction by `amount` standard deviations; 0 removes the direction."""
    others = tuple(slide for slide in face.slides if slide.direction != direction)
    return face.replace(slides=(*others, DirectionStep(direction, amount)) if amount else others)


def direction_amount(face: AvatarRequest, direction: str) -> float:
    return next((slide.amount for slide in reversed(face.slides) if slide.direction == direction), 0.0)


def reset_slider(face: AvatarRequest, name: str, rest: Sequence[SliderValue]) -> AvatarRequest:
    """The face with one slider back at its value in `rest`, else at the value that the seed drew."""
    found = next((trait.value for trait in rest if trait.name == name), None)
    if found is not None:
        return sliders.with_trait(face, name, found)
    return face.replace(traits=tuple(trait for trait in face.traits if trait.name != name))


def moved_sliders(face: AvatarRequest, rest: Sequence[SliderValue]) -> set[str]:
    """The names of sliders that are not at their resting values."""
    resting = {trait.name: trait.value for trait in rest}
    return {trait.name for trait in face.traits if resting.get(trait.name) != trait.value}


def face_of(asset: Asset) -> AvatarRequest | None:
    """The face that a work or a character sheet shows, named after the work's title if it has no name of its own;
    None if the work was not made by a face model."""
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
    """The face at the network's own size and without a name, neither of which changes who it is."""
    return dataclasses.replace(face, name="", size="native")


def same_face(one: AvatarRequest, other: AvatarRequest) -> bool:
    """Whether two are the same face, whatever their names; a model that is not named is the default."""
    return unnamed(one).replace(model="") == unnamed(other).replace(model="")


def parse_face(face: str) -> AvatarRequest:
    """The face that a row of another request holds as JSON, which was checked when the row was made."""
    request = Request.from_json(json.loads(face))
    assert isinstance(request, AvatarRequest)
    return request


def face_json(face: AvatarRequest, name: str = "") -> str:
    """The face as JSON for a row of another request, with `name` if the row shows one."""
    return json.dumps(unnamed(face).replace(name=name).to_json(), ensure_ascii=False)
