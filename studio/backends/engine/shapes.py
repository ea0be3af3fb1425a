"""Runs networks whose weights have no numbers: of what weights take part in, only the shapes are computed."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

META = torch.device("meta")


class ShapeMode(TorchDispatchMode):
    """Computes with tensors on torch's meta device as if they were on the CPU, without their numbers.

    Tensors that no weight took part in have numbers as usual: tokens, masks, steps of a scheduler, noise. Whatever
    meets a tensor without numbers has none either, until it is moved to the CPU by name: then some are made up. Raises
    what torch raises where shapes do not fit together.
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.overloadpacket is torch.ops.aten.to:  # under inference_mode it comes here whole
            with self:
                return func.decompose(*args, **kwargs)
        tensors = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, torch.Tensor)]
        if not any(one.is_meta for one in tensors):  # what is made for a network has numbers too
            return func(*args, **tree_map_only(torch.device, _on_cpu, kwargs))
        if func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.item.default):
            return numbers_like(args[0]).item()
        if func is torch.ops.aten._to_copy.default and kwargs.get("device", META) != META:
            return numbers_like(args[0], kwargs.get("dtype"))
        if func is torch.ops.aten.embedding.default and not args[1].is_meta:
            F.embedding(args[1], torch.empty(len(args[0]), 1))  # an IndexError for a row that is not there
        if func in (torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default, torch.ops.aten.index_put.default):
            args = (args[0], [*_whole(args[1])], *args[2:])
        if "device" in kwargs:
            kwargs = {**kwargs, "device": META}
        args, given = tree_map_only(torch.Tensor, lambda one: one.to(META), (args, kwargs))
        made = func(*args, **given)
        return tensors[0] if func._schema.is_mutable and made is args[0] else made


def _on_cpu(device: torch.device) -> torch.device:
    return torch.device("cpu") if device == META else device


def _whole(indices: list[torch.Tensor | None]) -> Iterator[torch.Tensor | None]:
    """The indices with masks as the numbers of their places, without which the shape is not known."""
    for one in indices:
        if one is not None and one.dtype == torch.bool and not one.is_meta:
            yield from one.nonzero().unbind(1)
        else:
            yield one


def numbers_like(shape: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Numbers between 0 and 1 of that shape, the same every time; zeros for a type of whole numbers."""
    dtype = dtype or shape.dtype
    if not dtype.is_floating_point:
        return torch.zeros(shape.shape, dtype=dtype)
    return torch.rand(shape.shape, generator=torch.Generator().manual_seed(0)).to(dtype)


@contextlib.contextmanager
def numbers_after(network: Any, *methods: str) -> Iterator[None]:
    """Has what these methods of `network` return be made up of numbers: NaN where a number that goes in is not finite.

    What they are given a second time, by its shapes, they are not asked again.
    """
    for name in methods:
        setattr(network, name, _remembered(getattr(network, name)))
    try:
        yield
    finally:
        for name in methods:
            delattr(network, name)


def _remembered(method: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[str, Any] = {}

    @functools.wraps(method)  # its parameters are looked at
    def returned(*args: Any, **kwargs: Any) -> Any:
        leaves, spec = tree_flatten((args, kwargs))
        tensors = [one for one in leaves if isinstance(one, torch.Tensor)]
        finite = all(bool(one.isfinite().all()) for one in tensors if not one.is_meta)
        asked = f"{[(one.shape, one.dtype) if isinstance(one, torch.Tensor) else one for one in leaves]} {spec}"
        if asked not in known:
            known[asked] = method(*args, **kwargs)
        return tree_map_only(torch.Tensor, functools.partial(_filled, finite=finite), known[asked])

    return returned


def _filled(tensor: torch.Tensor, finite: bool) -> torch.Tensor:
    numbers = numbers_like(tensor) if tensor.is_meta else tensor
    return numbers if finite or not numbers.is_floating_point() else torch.full_like(numbers, torch.nan)
