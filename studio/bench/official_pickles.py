"""Writes pickles in the layout of the official StyleGAN tools, from tensors; contains none of their code.

A network, and each module in it, is a call of `torch_utils.persistence._reconstruct_persistent_obj` with the module's
`__dict__` and the source text of its class. Whoever has the tensors decides what they are: this knows no torch.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

SOURCE = "raise SystemExit('the source inside a checkpoint was run')\n"
BUFFERS = (
    "noise_const", "resample_filter", "w_avg", "up_filter", "down_filter", "magnitude_ema", "freqs", "phases",
    "transform",
)  # fmt: skip


class PickledModule:
    """A module as the official tools pickle it."""

    def __init__(self, class_name: str, state: dict[str, Any]) -> None:
        self.class_name, self.state = class_name, state

    def __reduce__(self) -> tuple[Any, ...]:
        meta = {
            "type": "class",
            "version": 6,
            "module_src": SOURCE,
            "class_name": self.class_name,
            "state": self.state,
        }
        return _reconstruct_persistent_obj, (to_easy_dict(meta),), None


class EasyDict(dict[str, Any]):
    """A dict by another name."""


def _reconstruct_persistent_obj(_meta: Any) -> None:
    raise AssertionError("a checkpoint was run")


def to_easy_dict(values: Mapping[str, Any]) -> EasyDict:
    return EasyDict(values)


def network(
    tensors: Mapping[str, Any], options: Mapping[str, Any], parameter: Callable[[Any], Any] = lambda tensor: tensor
) -> PickledModule:
    """A generator of the tensors, under official names; `parameter` makes what is learned out of a tensor."""
    tree: dict[str, Any] = {}
    for name, tensor in tensors.items():
        *parents, leaf = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
        place[leaf] = tensor
    return _module(tree, "Generator", options, parameter)


def _module(
    tree: Mapping[str, Any], name: str, options: Mapping[str, Any], parameter: Callable[[Any], Any]
) -> PickledModule:
    parts = {key: _module(value, "Layer", {}, parameter) for key, value in tree.items() if isinstance(value, dict)}
    leaves = {key: value for key, value in tree.items() if not isinstance(value, dict)}
    state = {
        "training": False,
        "_parameters": OrderedDict((key, parameter(leaf)) for key, leaf in leaves.items() if key not in BUFFERS),
        "_buffers": OrderedDict((key, leaf) for key, leaf in leaves.items() if key in BUFFERS),
        "_non_persistent_buffers_set": set(),
        "_forward_hooks": OrderedDict(),
        "_modules": OrderedDict(parts),
        "padding": np.array([10, 10]),
        "gain": np.float64(2.0) ** 0.5,
        "_init_args": (),
        "_init_kwargs": to_easy_dict(options),
    }
    return PickledModule(name, state)


def write(path: Path, networks: Mapping[str, Any], protocol: int = 4) -> None:
    """A .pkl of the networks by name ("G", "D", "G_ema") and what the official tools put beside them."""
    about = {"class_name": "training.dataset.ImageFolderDataset", "path": "photographs.zip", "use_labels": False}
    content = {**networks, "augment_pipe": None, "training_set_kwargs": to_easy_dict(about)}
    with _registered(), path.open("wb") as file:
        pickle.dump(content, file, protocol=protocol)


@contextlib.contextmanager
def _registered() -> Iterator[None]:
    """Pickle looks names up where they claim to be, so for the moment they are there."""
    places = {"torch_utils.persistence": _reconstruct_persistent_obj, "dnnlib.util": EasyDict}
    homes = {one: one.__module__ for one in places.values()}
    modules = {name: ModuleType(name) for module in places for name in (module.partition(".")[0], module)}
    sys.modules.update(modules)
    for module, one in places.items():
        setattr(modules[module], one.__name__, one)
        one.__module__ = module
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        for one, home in homes.items():
            one.__module__ = home
