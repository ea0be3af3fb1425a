"""The studio's folders: all below STUDIO_HOME if it is set, else the platform's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_HERE = Path(__file__).resolve().parents[1]
# In an installed package the resources are inside of it, in the source tree beside it.
RESOURCES = _HERE / "resources" if (_HERE / "resources").is_dir() else _HERE.parent / "resources"


@dataclass(frozen=True, slots=True)
class AppPaths:
    """The folders of one studio. None of them need exist yet: each is made by what uses it."""

    library: Path
    documents: Path
    models: Path
    config: Path
    state: Path
    logs: Path
    cache: Path
    identities: Path

    @classmethod
    def under(cls, home: Path) -> AppPaths:
        """Everything in one folder, which can be moved, copied or thrown away as a whole."""
        names = ("library", "documents", "models", "config", "state", "logs", "cache", "identities")
        return cls(*(home / name for name in names))

    @classmethod
    def for_user(cls) -> AppPaths:
        """`STUDIO_HOME`, or the platform's own places (platformdirs)."""
        home = os.environ.get("STUDIO_HOME")
        if home:
            return cls.under(Path(home).expanduser().resolve())
        dirs = platformdirs.PlatformDirs("AIGC Studio", appauthor=False)
        return cls(
            library=dirs.user_pictures_path / "AIGC Studio",
            documents=dirs.user_data_path / "documents",
            models=dirs.user_data_path / "models",
            config=dirs.user_config_path,
            state=dirs.user_state_path,
            logs=dirs.user_log_path,
            cache=dirs.user_cache_path,
            identities=dirs.user_data_path / "identities",
        )
