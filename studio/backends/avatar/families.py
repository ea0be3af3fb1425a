"""Families of networks that draw faces."""

from __future__ import annotations

from studio.backends.avatar.capabilities import ignored_noise
from studio.models.families import Family, Mark

FAMILIES = (
    Family("stylegan2", "StyleGAN2 network", (Mark("checkpoint", "stylegan2"),), ignored=ignored_noise),
    Family("stylegan3", "StyleGAN3 network", (Mark("checkpoint", "stylegan3"),), ignored=ignored_noise),
    Family("stylegan3-t", "StyleGAN3 network", ignored=ignored_noise),
    Family("stylegan3-r", "StyleGAN3 network", ignored=ignored_noise),
    Family("stylegan", "StyleGAN network", ignored=ignored_noise),
)
