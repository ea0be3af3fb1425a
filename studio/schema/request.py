"""Requests: frozen values that decide one work, and the JSON they are kept as."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

from studio.errors import BadInput
from studio.schema.fields import SEED_LIMIT, Checked, Field, Flag, FreeText, ModelId, PathTo, Range, Seed, field, shown


@dataclass(frozen=True, kw_only=True)
class Request(Checked):
    """Everything that decides one work. Subclasses add fields with `field(default, Field)` and set `kind` and `medium`.

    `kind` names the class in JSON ("avatar", "avatar.train"); `medium` the panel it belongs to; `work` says what it
    makes where that is not what the medium is about; `keeps_identity` that it is of somebody who can be kept as a
    character; `keeps_medium` that it changes a work, and what it makes belongs to the medium of that work. Values are
    checked and made canonical on construction; BadInput names the field at fault. Keys of a newer studio's file that
    this one does not know are kept in `unknown`, as canonical JSON text, and written back by `to_json`.
    """

    kind: ClassVar[str]
    medium: ClassVar[str]
    work: ClassVar[str] = ""
    keeps_identity: ClassVar[bool] = False
    keeps_medium: ClassVar[bool] = False
    kinds: ClassVar[dict[str, type[Request]]] = {}

    seed: int = field(
        0, Seed(label="Seed", help="Number that controls the randomness; the same seed gives the same result.")
    )
    model: str = field("", ModelId(label="Model", help="The model to use; empty uses the default one."))
    unknown: str = dataclasses.field(default="{}", repr=False)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        kind = cls.__dict__.get("kind")
        if kind is not None:
            Request.kinds[kind] = cls

    @classmethod
    def fields(cls) -> Iterator[tuple[str, Field]]:
        """The fields a person may set, in the order they are shown: those of every request last."""
        return iter(sorted(super().fields(), key=lambda pair: pair[0] in ("seed", "model")))

    def replace(self, **changes: Any) -> Self:
        return dataclasses.replace(self, **changes)

    def candidates(self, many: int) -> list[Self]:
        """`many` requests with consecutive seeds, starting with this one's; seed 0 follows the last seed.

        Where the request has a `name`, they are numbered: X, X 2, X 3.
        """
        known = dict(self.fields()).get("name")
        name = str(getattr(self, "name", ""))
        made = [self.replace(seed=(self.seed + at) % SEED_LIMIT) for at in range(many)]
        if not (isinstance(known, FreeText) and name):
            return made
        ends = ["", *(f" {number}" for number in range(2, many + 1))]
        return [each.replace(name=name[: known.limit - len(end)] + end) for each, end in zip(made, ends, strict=True)]

    @property
    def storable(self) -> Self:
        """The request as it may be written to a disk: without secrets."""
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain values, `kind` first; unknown keys of a newer version last."""
        values = {name: each.plain(getattr(self, name)) for name, each in self.fields()}
        return {"kind": self.kind, **values, **json.loads(self.unknown)}

    @staticmethod
    def from_json(data: Any) -> Request:
        """The request that `to_json` described. Raises BadInput for a kind or a value that cannot be."""
        if not isinstance(data, Mapping):
            raise BadInput("This is not a request.", "A request is a JSON object with the key `kind`.")
        data = cast("Mapping[str, Any]", data)
        cls = Request.kinds.get(str(data.get("kind")))
        if cls is None:
            kinds = ", ".join(sorted(Request.kinds))
            raise BadInput(
                "Nothing here can make {kind}.", "Known kinds: {kinds}.", kind=shown(data.get("kind")), kinds=kinds
            )
        known = dict(cls.fields())
        values = {name: data[name] for name in known if name in data}
        rest = {name: value for name, value in data.items() if name not in known and name != "kind"}
        try:
            unknown = json.dumps(rest, sort_keys=True, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            # Python's reader accepts NaN, which is not valid JSON and could not be written back.
            raise BadInput("A field that this studio does not know holds invalid JSON.", "Remove it.") from error
        return cls(**values, unknown=unknown)


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Request):
    """Learn a model of one medium from a folder; `model` is the one to start from, empty for a new one."""

    model: str = field("", ModelId(label="Model", help="The model to start from; empty trains a new one."))
    data: str = field("", PathTo(label="Data", help="The folder with the training data.", folder=True))
    out: str = field("", PathTo(label="Output folder", help="The folder for checkpoints and the model.", folder=True))
    minutes: float = field(
        60.0, Range(label="Minutes", help="How long to train.", low=0.01, high=60 * 24 * 14, step=0.5, unit="minutes")
    )
    resume: bool = field(False, Flag(label="Resume", help="Continue from the last checkpoint in the output folder."))
    title: str = field(
        "", FreeText(label="Name", help="Adds the finished model to the studio under this name.", limit=80)
    )


def fresh_seed() -> int:
    return random.SystemRandom().randrange(SEED_LIMIT)
