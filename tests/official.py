"""Official networks for tests: the toy weights of tests/parity, wrapped as the official tools write them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from studio.bench import official_pickles

PARITY = Path(__file__).parent / "parity"
NETWORKS = ("stylegan2-ada-64", "stylegan2-ada-64-conditional", "stylegan3-t-64", "stylegan3-r-64")


@dataclass(frozen=True)
class Toy:
    """A network, a latent, and the picture that the official code made of it."""

    path: Path
    tensors: dict[str, Tensor]
    options: dict[str, Any]
    seed: int
    psi: float
    label: int
    picture: Tensor

    def pickle(self, path: Path, protocol: int = 4, **tensors: Any) -> Path:
        """Write a .pkl as the official tools do; `tensors` replace the network's own (dots as __)."""
        changed = self.tensors | {name.replace("__", "."): tensor for name, tensor in tensors.items()}
        network = official_pickles.network(changed, self.options, parameter)
        # The other networks in the file, which are not read.
        other = official_pickles.network({"b4.conv.weight": torch.zeros(4)}, {}, parameter)
        official_pickles.write(path, {"G": other, "D": other, "G_ema": network}, protocol)
        return path


def parameter(tensor: Any) -> Any:
    """The tensor as a parameter; a stand-in for a tensor is returned unchanged."""
    return nn.Parameter(tensor, requires_grad=False) if isinstance(tensor, Tensor) else tensor


def toy(name: str) -> Toy:
    path = PARITY / f"{name}.safetensors"
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a file, not a dict
    expected = {name: tensors.pop(name) for name in list(tensors) if name.startswith("expected.")}
    c = expected.get("expected.c")
    return Toy(
        path,
        tensors,
        json.loads(about["init_kwargs"]),
        int(about["seed"]),
        float(about["truncation_psi"]),
        -1 if c is None else int(c.argmax()),
        expected["expected.image"],
    )
