"""Avatar models on disk: config.json and model.safetensors, checked before use."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.engine import stylegan3
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.checkpoints.stylegan3_layers import StyleGAN3Shape
from studio.errors import Message, StudioError

FAMILY, VERSION = "stylegan2", 1
FAMILIES = {FAMILY: (GeneratorShape, Generator), "stylegan3": (StyleGAN3Shape, stylegan3.StyleGAN3Generator)}
"""By what config.json calls them: the class of its shape, and of its network."""

Network = Generator | stylegan3.StyleGAN3Generator
HALVED = 4  # resolutions that imported networks compute in half precision on a graphics card, as they were trained
WEIGHTS, CONFIG = "model.safetensors", "config.json"
AGAIN = "Fetch or import the model again."


@dataclass(frozen=True)
class AvatarConfig:
    """What config.json says. `table` names the styles and attributes a seed draws; None for plain pictures.

    `shape` is a GeneratorShape or a StyleGAN3Shape, as `family` says. `z` is how a seed draws its latent: "randomstate"
    as the official tools do (NumPy RandomState(seed).randn), "own" as the studio's own networks do.
    """

    shape: Any
    table: AttributeTable | None
    family: str = FAMILY
    z: str = "own"

    @property
    def styles(self) -> tuple[str, ...]:
        return () if self.table is None else tuple(style.name for style in self.table.styles)


def write(generator: Generator, folder: Path, table: AttributeTable | None) -> None:
    """Weights as fp16, and everything needed to use them. The picture is premultiplied RGBA in [-1, 1]."""
    tensors = {name: tensor.detach().cpu().half().contiguous() for name, tensor in generator.state_dict().items()}
    config = {
        "medium": "avatar",
        "family": FAMILY,
        "licence": "own",
        "version": VERSION,
        "noise": any(bool(tensor) for name, tensor in tensors.items() if name.endswith(".noise_strength")),
        "shape": dataclasses.asdict(generator.shape),
    }
    if table is not None:
        config["attributes"] = table.to_json()
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def read_config(folder: Path) -> AvatarConfig:
    """Raises StudioError where the file is missing, damaged or of another kind."""
    path = folder / CONFIG
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["family"] not in FAMILIES or data["version"] > VERSION:
            raise StudioError(
                "{path} describes a {family} of version {version}.",
                "Update the studio.",
                path=path,
                family=data["family"],
                version=data["version"],
            )
        table = AttributeTable.from_json(data["attributes"]) if "attributes" in data else None
        shape = FAMILIES[data["family"]][0].from_json(data["shape"])
        z = data.get("z", "own")
        if z not in ("own", "randomstate") or shape.planes not in (3, 4):
            raise ValueError("it describes a network of an unknown kind")
        if table is not None and table.c_dim != shape.c_dim:
            raise ValueError("network and attributes disagree")
    except OSError as error:
        raise StudioError("{path} cannot be read: {reason}.", AGAIN, path=path, reason=error.strerror) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudioError("{path} is damaged: {reason}.", AGAIN, path=path, reason=error) from error
    return AvatarConfig(shape, table, data["family"], z)


def open_network(folder: Path, on: torch.device | None = None) -> tuple[Network, AvatarConfig]:
    """The network of a model folder, ready to draw on a device (none: the processor), and what its config says.

    Raises StudioError for weights that are missing, damaged or do not fit their config.
    """
    config = read_config(folder)
    with torch.device("meta"):
        network: Network = FAMILIES[config.family][1](config.shape)
    load_into(network, folder, config)
    network = network.to(on or "cpu").eval().requires_grad_(False)
    if on is not None and on.type == "cuda" and config.z == "randomstate":
        network.synthesis.halved = HALVED
    return network, config


def load_into(generator: Network, folder: Path, config: AvatarConfig) -> None:
    """Fill a network from model.safetensors. Raises StudioError unless every tensor is there, fits and is finite."""
    path = folder / WEIGHTS
    if config.shape != generator.shape:
        raise StudioError(
            "{path} was made for a network of another size.", "Choose another model to start from.", path=path
        )
    wanted = generator.state_dict()
    tensors = read_weights(path, wanted, Message("does not fit its config.json"))
    generator.load_state_dict(tensors, assign=any(one.is_meta for one in wanted.values()))


def read_weights(path: Path, wanted: Mapping[str, Tensor], unfit: Message) -> dict[str, Tensor]:
    """The tensors of a safetensors file, float32. Raises StudioError unless all that are wanted are there, no others,
    all of the same shapes and finite; `unfit` says what is wrong with a file of others."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            there = set(file.keys())
            wrong = sorted(there ^ set(wanted)) or sorted(
                name for name in there if tuple(file.get_slice(name).get_shape()) != tuple(wanted[name].shape)
            )
            if wrong:
                raise StudioError("{path} {unfit}, at {where}.", AGAIN, path=path, unfit=unfit, where=wrong[0])
            tensors = {name: file.get_tensor(name).float() for name in there}
    except FileNotFoundError as error:
        raise StudioError("The weights of this model are missing: {path}.", AGAIN, path=path) from error
    except (OSError, SafetensorError) as error:
        raise StudioError("{path} is damaged: {reason}.", AGAIN, path=path, reason=error) from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise StudioError(
                "{path} is damaged: {name} holds values that are no numbers.", AGAIN, path=path, name=name
            )
    return tensors


def to_straight_alpha(picture: Tensor) -> NDArray[np.uint8]:
    """Premultiplied RGBA [N, 4, H, W] in [-1, 1] -> uint8 [N, H, W, 4], straight alpha."""
    x = (picture.detach().float().cpu().permute(0, 2, 3, 1).numpy() + 1) / 2
    alpha = x[..., 3:].clip(0, 1)
    # What is almost clear or almost solid is meant to be.
    alpha = ((alpha - 0.02) / 0.96).clip(0, 1)
    colour = (x[..., :3] / np.maximum(alpha, 1 / 255)).clip(0, 1) * (alpha > 0)
    return (np.concatenate([colour, alpha], axis=3) * 255).round().astype(np.uint8)
