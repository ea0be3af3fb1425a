"""The contract type of the walls in pyproject.toml: patterns over all modules, so that it holds for new ones too."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class Wall(Contract):
    """No module that matches `modules` and not `except` may reach one that matches `forbidden`, directly or by others.

    Patterns are shell patterns over whole dotted names: `studio.backends.*.*` is what lies inside a medium's package.
    """

    modules = fields.ListField(subfield=fields.StringField())
    forbidden = fields.ListField(subfield=fields.StringField())
    vars()["except"] = fields.ListField(subfield=fields.StringField(), required=False, default=[])

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        def matching(patterns: Any) -> set[str]:
            return {name for name in graph.modules if any(fnmatchcase(name, pattern) for pattern in patterns)}

        inside = matching(self.modules) - matching(getattr(self, "except"))
        outside = matching(self.forbidden) - inside
        chains: list[tuple[str, ...]] = []
        # A breach is reported once, for the module that imports the outside.
        for importer in sorted(inside):
            found = (graph.find_shortest_chain(importer=importer, imported=target) for target in sorted(outside))
            chains += [chain for chain in found if chain and not inside.intersection(chain[1:])]
        return ContractCheck(kept=not chains, metadata={"chains": chains})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for chain in check.metadata["chains"]:
            output.print_error(" -> ".join(chain))
