"""The Muon optimizer, for the weight matrices inside a network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that pulls singular values towards 1 in five rounds (Jordan et al. 2024)."""


class Muon(torch.optim.Optimizer):
    """Momentum whose every step is made orthogonal (K. Jordan et al. 2024, "Muon: an optimizer for hidden layers").

    For matrices `[out, in]` that lie between other layers, and kernels `[out, in, h, w]`, taken as `[out, in h w]`;
    embeddings, outputs and vectors belong to AdamW. Steps are scaled by 0.2 sqrt(max(out, in)) to be as large as
    AdamW's (Liu et al. 2025, arXiv 2502.16982, equation 4). torch's own class computes in bfloat16, which a CPU without
    it emulates at a twentieth of the speed; this one computes in the parameters' type, all matrices of a shape at once.
    """

    def __init__(
        self, parameters: Iterable[torch.Tensor], lr: float, *, momentum: float = 0.95, weight_decay: float = 0.05
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step with the gradients there are."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[torch.Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in alike.items():
                moves = torch.stack(
                    [self._nesterov(parameter, group["momentum"]).flatten(1) for parameter in parameters]
                )
                length = -group["lr"] * 0.2 * max(moves.shape[1:]) ** 0.5
                for parameter, move in zip(parameters, orthogonal(moves), strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(move.view(shape), alpha=length)

    def _nesterov(self, parameter: torch.Tensor, momentum: float) -> torch.Tensor:
        """Nesterov's look ahead: the gradient and the mean of those before it."""
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state["mean"] = torch.zeros_like(parameter)
        assert parameter.grad is not None
        state["mean"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(state["mean"], momentum)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """`[N, out, in]`, each with its singular values pulled to about 1 (0.7 to 1.2) by five Newton-Schulz rounds."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x
