"""The media the studio knows. Engines are named as strings, so that nothing here imports torch."""

from __future__ import annotations

__all__: list[str] = []
