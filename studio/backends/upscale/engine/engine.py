"""The upscaling engine: enlarges pictures by the networks of Real-ESRGAN."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from studio.backends.engine.device import device, free_memory, translate_out_of_memory
from studio.backends.upscale.engine.networks import DenseBlock, RrdbNet, SrvggNet, network
from studio.backends.upscale.engine.tiles import enlarge
from studio.backends.upscale.requests import UpscaleRequest, check_files
from studio.errors import BadInput
from studio.jobs.job import Progress, Report
from studio.media import images
from studio.media.payloads import Image, Payload
from studio.models import weights
from studio.models.resources import Resources
from studio.schema.request import Request

TILES = {"srvgg": 256, "rrdb": 96}
"""The side of a tile in pixels. A cancel waits for a tile of the compact network, and for a block of the deep one."""


class UpscaleEngine:
    """Engine of UpscaleRequest."""

    def __init__(self) -> None:
        self._network: SrvggNet | RrdbNet | None = None
        self._tile = 0
        self._progress = Progress("enlarging")
        self._report: Report = lambda _: None

    def load(self, resources: Resources, report: Report) -> None:
        """Load `model.folder`. StudioError for what is no upscaler or is damaged."""
        model = resources.main
        if model is None:
            raise BadInput("Upscaling needs a model.", "`studio models list` shows the models there are.")
        report(Progress("loading"))
        check_files(model.folder)
        config = weights.read_json(model.folder / "config.json")
        with translate_out_of_memory():
            made = network(config["model_type"], config)
            made.load_state_dict(load_file(model.folder / "model.safetensors"))
            # bfloat16 has no more than 256 steps from black to white.
            dtype = torch.float16 if device().type == "cuda" else torch.float32
            made = made.eval().requires_grad_(False).to(device(), dtype)
            made = made.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        for block in made.modules():
            if isinstance(block, DenseBlock):
                block.register_forward_pre_hook(lambda *_: self._report(self._progress))
        self._network, self._tile = made, TILES[config["model_type"]]
        report(Progress("loading", 1, 1))

    def run(self, request: Request, report: Report) -> Sequence[Payload]:
        """One Image, `factor` times as wide and high. Animated pictures give their first."""
        assert isinstance(request, UpscaleRequest)
        assert self._network is not None
        if not request.picture:
            raise BadInput("Choose a picture to enlarge.")
        factor = int(request.factor)
        picture = images.read(Path(request.picture.path)).pixels
        height, width = picture.shape[:2]
        if height * width * factor**2 > images.PIXEL_LIMIT:
            raise BadInput(
                "The picture would have {width:,} x {height:,} pixels.",
                "Pictures up to {limit} million pixels can be made.",
                width=width * factor,
                height=height * factor,
                limit=images.PIXEL_LIMIT // 10**6,
            )

        def after(done: int, total: int) -> None:
            self._progress = Progress("enlarging", done, total)
            report(self._progress)

        self._report = report
        with translate_out_of_memory(), torch.inference_mode():
            return [Image(enlarge(self._network, picture, factor, self._tile, after))]

    def close(self) -> None:
        self._network = None
        free_memory()
