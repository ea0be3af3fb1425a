"""The scheduler of Stable Audio Open for machines without torchsde, which the one of diffusers needs."""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.schedulers.scheduling_edm_dpmsolver_multistep import EDMDPMSolverMultistepScheduler


class CosineSdeScheduler(EDMDPMSolverMultistepScheduler):
    """What diffusers' CosineDPMSolverMultistepScheduler does, with noise from the work's own generator.

    Its steps are those of SDE-DPM-Solver++ (arXiv 2211.01095) in the variables of arXiv 2206.00364, with the noise
    level told to the network as atan(sigma) * 2 / pi. Both draw the noise of a step as increments of a Brownian motion
    over steps that do not overlap: independent normal numbers, which need no tree of the whole motion. So the works are
    others for the same seed, and alike as works of two seeds are.
    """

    @register_to_config
    def __init__(
        self,
        sigma_min: float = 0.3,
        sigma_max: float = 500,
        sigma_data: float = 1.0,
        sigma_schedule: Any = "exponential",
        num_train_timesteps: int = 1000,
        solver_order: int = 2,
        prediction_type: Any = "v_prediction",
        rho: float = 7.0,
        solver_type: Any = "midpoint",
        lower_order_final: bool = True,
        euler_at_final: bool = False,
        final_sigmas_type: Any = "zero",
    ) -> None:
        super().__init__(
            sigma_min=sigma_min,
            sigma_max=sigma_max,
            sigma_data=sigma_data,
            sigma_schedule=sigma_schedule,
            num_train_timesteps=num_train_timesteps,
            solver_order=solver_order,
            prediction_type=prediction_type,
            rho=rho,
            solver_type=solver_type,
            lower_order_final=lower_order_final,
            euler_at_final=euler_at_final,
            final_sigmas_type=final_sigmas_type,
            algorithm_type="sde-dpmsolver++",
        )

    def precondition_noise(self, sigma: float | torch.Tensor) -> torch.Tensor:
        """What the network is told of a noise level: 0 for none, 1 for nothing but noise."""
        return torch.as_tensor(sigma).atan() / math.pi * 2
