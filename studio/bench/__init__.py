"""The benches: each measures the studio and prints JSON lines, each figure with its bound."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from studio.bench.measurement import BenchSettings, Measurement
from studio.errors import BadInput, StudioError
from studio.jobs.engine_cache import resolve

__all__ = ["BENCHES", "BenchSettings", "Measurement", "run"]

BENCHES = {
    "window": "studio.bench.window:start",
    "pages": "studio.bench.window:pages",
    "latency": "studio.bench.window:latency",
    "stages": "studio.bench.window:stages",
    "job": "studio.bench.jobs:cost",
    "cancel": "studio.bench.jobs:cancel",
    "queue": "studio.bench.jobs:queue",
    "library": "studio.bench.library:lines",
    "scrolling": "studio.bench.library:scrolling",
    "engines": "studio.bench.engines:overhead",
    "gguf": "studio.bench.engines:gguf",
    "gguf-transformers": "studio.bench.engines:gguf_beside_transformers",
    "upscale": "studio.bench.engines:upscale",
    "drag": "studio.bench.drag:lines",
    "models": "studio.bench.models:lines",
    "download": "studio.bench.downloads:lines",
    "generator": "studio.bench.engines:generator",
    "fit": "studio.bench.fit:lines",
    "import": "studio.bench.engines:checkpoint_import",
}


def run(name: str, write: Callable[[str], None], setting: BenchSettings | None = None) -> bool:
    """Run one bench, or all where `name` is empty; `write` gets each JSON line as it is known.

    Returns whether every bound held. A bench that cannot run says so in a line of its own and does not hold; BadInput
    for a name that is none.
    """
    if name and name not in BENCHES:
        raise BadInput("There is no bench named {name!r:.60}.", "Known: {names}.", name=name, names=", ".join(BENCHES))
    held = True
    for bench in [name] if name else BENCHES:
        lines: Callable[[BenchSettings], Iterator[Measurement]] = resolve(BENCHES[bench])
        try:
            for line in lines(setting or BenchSettings()):
                write(json.dumps(line.to_json(), ensure_ascii=False))
                held &= line.ok
        except (StudioError, OSError) as error:
            write(json.dumps({"bench": bench, "ok": False, "error": str(error)}, ensure_ascii=False))
            held = False
    return held
