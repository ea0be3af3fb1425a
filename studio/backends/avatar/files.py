"""Avatar models on disk: config.json and model.safetensors, checked before anything is believed; knows no requests."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from studio.backends.avatar.attributes import Table
from studio.backends.avatar.network import Generator, Shape
from studio.errors import StudioError

FAMILY, VERSION = "stylegan2", 1
WEIGHTS, CONFIG = "model.safetensors", "config.json"
AGAIN = "Fetch or import the model again."


@dataclass(frozen=True)
class Config:
    """What config.json says. `table` names the styles and attributes a seed draws; None for plain pictures."""

    shape: Shape
    table: Table | None

    @property
    def styles(self) -> tuple[str, ...]:
        return () if self.table is None else tuple(style.name for style in self.table.styles)


def write(generator: Generator, folder: Path, table: Table | None) -> None:
    """Weights as fp16, and everything needed to use them. The picture is premultiplied RGBA in [-1, 1]."""
    tensors = {name: tensor.detach().cpu().half().contiguous() for name, tensor in generator.state_dict().items()}
    config = {
        "medium": "avatar",
        "family": FAMILY,
        "licence": "own",
        "version": VERSION,
        "shape": dataclasses.asdict(generator.shape),
    }
    if table is not None:
        config["attributes"] = table.to_json()
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def read_config(folder: Path) -> Config:
    """Raises StudioError where the file is missing, damaged or of another kind."""
    path = folder / CONFIG
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["family"] != FAMILY or data["version"] > VERSION:
            raise StudioError(
                f"{path} describes a {data['family']} of version {data['version']}.", "Update the studio."
            )
        table = Table.from_json(data["attributes"]) if "attributes" in data else None
        shape = Shape.from_json(data["shape"])
        if shape.planes != 4 or (table.c_dim if table else 0) != shape.c_dim:
            raise ValueError("network and attributes disagree")
    except OSError as error:
        raise StudioError(f"{path} cannot be read: {error.strerror}.", AGAIN) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudioError(f"{path} is damaged: {error}.", AGAIN) from error
    return Config(shape, table)


def load_into(generator: Generator, folder: Path, config: Config) -> None:
    """Fill a network from model.safetensors. Raises StudioError unless every tensor is there, fits and is finite."""
    path = folder / WEIGHTS
    if config.shape != generator.shape:
        raise StudioError(f"{path} was made for a network of another size.", "Choose another model to start from.")
    wanted = generator.state_dict()
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            there = set(file.keys())
            wrong = sorted(there ^ set(wanted)) or sorted(
                name for name in there if tuple(file.get_slice(name).get_shape()) != tuple(wanted[name].shape)
            )
            if wrong:
                raise StudioError(f"{path} does not fit its config.json, at {wrong[0]}.", AGAIN)
            tensors = {name: file.get_tensor(name).float() for name in there}
    except FileNotFoundError as error:
        raise StudioError(f"The weights of this model are missing: {path}.", AGAIN) from error
    except (OSError, SafetensorError) as error:
        raise StudioError(f"{path} is damaged: {error}.", AGAIN) from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise StudioError(f"{path} is damaged: {name} holds values that are no numbers.", AGAIN)
    generator.load_state_dict(tensors)


def straight(picture: Tensor) -> NDArray[np.uint8]:
    """Premultiplied RGBA [N, 4, H, W] in [-1, 1] -> uint8 [N, H, W, 4], straight alpha."""
    x = (picture.detach().float().cpu().permute(0, 2, 3, 1).numpy() + 1) / 2
    alpha = x[..., 3:].clip(0, 1)
    # What is almost clear or almost solid is meant to be.
    alpha = ((alpha - 0.02) / 0.96).clip(0, 1)
    colour = (x[..., :3] / np.maximum(alpha, 1 / 255)).clip(0, 1) * (alpha > 0)
    return (np.concatenate([colour, alpha], axis=3) * 255).round().astype(np.uint8)
