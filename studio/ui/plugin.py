"""A medium's part of the window: what its package, studio.ui.<name>, adds to its page, the menus and the training."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass

from studio.backends.medium import Medium


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a medium brings, each as "module:name", imported when it is first shown; empty for nothing.

    `inspector` is a `PanelInspector`, the side panel of its page; `commands` a sequence of `Command` for menus and
    palette; `training_page` what makes the page on which its models are trained, from the studio, its bridge and what
    opens the panel of a medium.
    """

    inspector: str = ""
    commands: str = ""
    training_page: str = ""


def plugin(medium: Medium) -> Plugin:
    """The PLUGIN of the medium's module in the window; one that brings nothing where there is no such module."""
    name = medium.plugin_module
    if importlib.util.find_spec(name) is None:
        return Plugin()
    return importlib.import_module(name).PLUGIN
