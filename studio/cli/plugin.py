"""What a medium adds to the command line: verbs, actions of `studio models`, and flags of `studio make`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from studio.errors import Message
from studio.schema.request import Request

if TYPE_CHECKING:
    import argparse

    from studio.backends.medium import Medium
    from studio.cli.context import CliContext
    from studio.studio import Studio


def _no_parsers(_actions: Any) -> None:
    pass


class MakeFlags:
    """Flags of `studio make` that are no fields of a request; these add none."""

    def add(self, parser: argparse.ArgumentParser, kind: type[Request]) -> None:
        """Add those that requests of this kind have."""

    def known(self, values: argparse.Namespace, context: CliContext) -> dict[str, Any]:
        """The values of fields that they stand for; the fields' own flags change them."""
        return {}

    def warnings(self, values: argparse.Namespace, known: Mapping[str, Any], request: Request) -> Sequence[Message]:
        """What to say of the request that flags and `known` values have become."""
        return ()

    def requests(self, values: argparse.Namespace, studio: Studio, requests: list[Request]) -> list[Request]:
        """The requests to run in place of these."""
        return requests


NO_FLAGS = MakeFlags()


@dataclass(frozen=True, slots=True)
class CliPlugin:
    """What a medium adds. `add_verbs` and `add_model_actions` get the subparsers of `studio` and of `studio models`.

    `use` is how its models are used, the words before `--model`; empty for `make` and the medium's name.
    """

    add_verbs: Callable[[Any], object] = _no_parsers
    add_model_actions: Callable[[Any], object] = _no_parsers
    make_flags: MakeFlags = NO_FLAGS
    use: tuple[str, ...] = ()


def cli_plugin(medium: Medium) -> CliPlugin:
    """The PLUGIN of the medium's module in the command line; one that adds nothing where there is no such module."""
    if importlib.util.find_spec(medium.cli_module) is None:
        return CliPlugin()
    return importlib.import_module(medium.cli_module).PLUGIN
