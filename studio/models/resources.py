"""The models and the files of works that a request names, found before it is sent to its engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio.models.model import Model


@dataclass(frozen=True, slots=True)
class Resources:
    """What one request needs.

    `main` is the model of the field `model`, None where the task needs none; `others` are further models by role (the
    `role` of their `ModelId`); `works` are the files of works by `WorkKey.name`.
    """

    main: Model | None = None
    others: Mapping[str, Model] = field(default_factory=dict[str, Model])
    works: Mapping[str, Path] = field(default_factory=dict[str, Path])

    @property
    def models(self) -> dict[str, Model]:
        """All models by role, `main` first, whose role is empty."""
        main = {} if self.main is None else {"": self.main}
        return main | {role: self.others[role] for role in sorted(self.others)}
