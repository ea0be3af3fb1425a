"""Networks of random weights in folders, as the catalog finds them: with styles and attributes, with classes, plain."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from studio.backends.avatar.attributes import AttributeTable
from studio.backends.avatar.engine import files
from studio.backends.avatar.engine.engine import AvatarEngine
from studio.backends.avatar.engine.network import Generator, GeneratorShape
from studio.jobs.job import Progress
from studio.models.model import Model
from studio.models.resources import Resources
from studio.schema.request import Request

TABLE = AttributeTable.from_json(
    {
        "styles": [
            {
                "name": "round",
                "count": 12,
                "attributes": [
                    {
                        "name": "hairColor",
                        "kind": "colour",
                        "values": ["#f0e0a0", "#201008", "#804020"],
                        "counts": [4, 4, 4],
                    },
                    {
                        "name": "mouth",
                        "kind": "part",
                        "values": ["smile", "frown", "laughing", "serious"],
                        "counts": [3, 3, 3, 3],
                    },
                    {"name": "glasses", "kind": "part", "values": ["small", "large"], "counts": [3, 3], "none": 6},
                    {
                        "name": "glassesColor",
                        "kind": "colour",
                        "values": ["#ff0000", "#0000ff"],
                        "counts": [3, 3],
                        "none": 6,
                        "with": "glasses",
                    },
                ],
            },
            {
                "name": "square",
                "count": 12,
                "attributes": [
                    {"name": "skinColor", "kind": "colour", "values": ["#804020", "#f0d0b0"], "counts": [6, 6]}
                ],
            },
        ]
    }
)
SHAPE = GeneratorShape(channels=(8, 8, 8), z_dim=6, w_dim=16, c_dim=TABLE.c_dim, layers=2, classes=2)
PLAIN = dataclasses.replace(SHAPE, c_dim=0, classes=0)
CLASSES = dataclasses.replace(SHAPE, c_dim=3, classes=0, planes=3)


def quiet(_progress: Progress) -> None:
    pass


def toy_model(
    folder: Path, shape: GeneratorShape = SHAPE, table: AttributeTable | None = TABLE, **config: Any
) -> Model:
    """A model whose noise can be seen and whose averages are not zero."""
    torch.manual_seed(5)
    network = Generator(shape)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.fill_(0.3)
            elif name.endswith("torgb.weight"):
                parameter.mul_(5)
        network.mapping.w_avg.normal_()
        if shape.classes:
            network.mapping.w_avg_of.normal_()
    folder.mkdir(parents=True)
    files.write(network, folder, table)
    if config:
        path = folder / files.CONFIG
        path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return Model(folder.name, "avatar", "stylegan2", "Toy", "CC0", folder, beside=folder)


def engine_of(model: Model) -> AvatarEngine:
    engine = AvatarEngine()
    engine.load(Resources(model), quiet)
    return engine


def made(engine: AvatarEngine, request: Request, report: Any = quiet) -> Any:
    """The one payload of a request, that has been through JSON on its way."""
    (payload,) = engine.run(Request.from_json(json.loads(json.dumps(request.to_json()))), report)
    return payload
