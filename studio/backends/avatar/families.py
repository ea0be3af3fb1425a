"""Families of networks that draw faces, and what a model can do, as its config.json says: styles, classes, noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.backends.avatar.memory import demand
from studio.errors import StudioError
from studio.models import weights
from studio.models.families import Family, Mark
from studio.models.model import Model


@dataclass(frozen=True, slots=True)
class ModelCapabilities:
    """The styles of a model, its number of classes, and whether it has learned noise."""

    styles: tuple[str, ...] = ()
    classes: int = 0
    noise: bool = True

    @property
    def has_attributes(self) -> bool:
        """Whether its drawings had attributes, and so it has named sliders and styles."""
        return bool(self.styles)


def capabilities_of(model: Model) -> ModelCapabilities:
    """What a model's config says it can do. Nothing where the config cannot be read: loading it will say why."""
    try:
        said = weights.read_json(model.folder / "config.json")
        # Models from before this was written down: a StyleGAN2 may know noise, a StyleGAN3 has none (2106.12423).
        noise = bool(said.get("noise", said.get("family") != "stylegan3"))
        if "attributes" in said:
            return ModelCapabilities(
                styles=tuple(str(style["name"]) for style in said["attributes"]["styles"]), noise=noise
            )
        return ModelCapabilities(classes=int(said.get("shape", {}).get("c_dim", 0)), noise=noise)
    except (StudioError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return ModelCapabilities()


def unused_fields(model: Model) -> frozenset[str]:
    """The fields that change nothing with this model: noise, where it has learned none."""
    return frozenset() if capabilities_of(model).noise else frozenset({"noise"})


def suited_size(model: Model) -> dict[str, Any]:
    """The network's own size, unless it draws drawings: their crisp edges are what the enlargement is made for."""
    return {} if capabilities_of(model).has_attributes else {"size": "native"}


# Their own tools draw with the full variety and fixed noise, as the request does.
FAMILIES = tuple(
    Family(
        name,
        title,
        (Mark("checkpoint", name),),
        unused=unused_fields,
        defaults_of=suited_size,
        demand=demand,
    )
    for name, title in (("stylegan2", "StyleGAN2 network"), ("stylegan3", "StyleGAN3 network"))
)
