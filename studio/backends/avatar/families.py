"""Families of networks that draw faces."""

from __future__ import annotations

from studio.backends.avatar.capabilities import unused_fields
from studio.models.families import Family, Mark

# Their own tools draw with the full variety and fixed noise, as the request does: none has defaults of its own.
FAMILIES = (
    Family("stylegan2", "StyleGAN2 network", (Mark("checkpoint", "stylegan2"),), unused=unused_fields),
    Family("stylegan3", "StyleGAN3 network", (Mark("checkpoint", "stylegan3"),), unused=unused_fields),
)
