"""Changes of a model's files: a value in their JSON, drawn by a seed or named by a test; weights cut, or in two."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 10**9, 10**30, -0.5, 1.5, 1e300, float("nan"), "", "x", "../x", "x" * 5000,
    [], [0], ["x"], [[1]], {}, {"x": 1}, {"x": {"y": []}},
)  # fmt: skip
REMOVED = object()


def change(folder: Path, seed: int, files: str = "*.json") -> str:
    """Changes one value, or removes or adds a key, in a file of `folder` that fits `files`; returns what was done."""
    draw = random.Random(seed)
    paths = sorted(path for path in folder.rglob(files) if "vocab" not in path.name and path.name != "tokenizer.json")
    path = draw.choice(paths)
    data = json.loads(path.read_text(encoding="utf-8"))
    places = [(data, "added"), *_places(data)]
    holder, key = draw.choice(places)
    value = draw.choice((*VALUES, REMOVED))
    if value is REMOVED:
        holder.pop(key, None) if isinstance(holder, dict) else holder.pop(key)
    else:
        holder[key] = value
    path.write_text(json.dumps(data), encoding="utf-8")
    return f"{seed}: {path.relative_to(folder)}: {key} = {'(removed)' if value is REMOVED else repr(value)[:40]}"


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Each place of a value: the dict or list that holds it, and its key or index."""
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _places(data[key])


def set_in(name: str, *way: str, **values: Any) -> Callable[[Path], None]:
    """Sets keys in the table at `way` in a JSON file of the folder."""

    def change(folder: Path) -> None:
        whole = json.loads((folder / name).read_text(encoding="utf-8"))
        table = whole
        for each in way:
            table = table[each]
        table.update(values)
        (folder / name).write_text(json.dumps(whole), encoding="utf-8")

    return change


def cut(name: str) -> Callable[[Path], object]:
    """Takes the end off a file of the folder."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-100])


def in_two(path: Path) -> None:
    """Splits weights into two files and an index of them, as large models come."""
    found = load_file(path)
    path.unlink()
    listed: dict[str, str] = {}
    for number in (1, 2):
        name = f"{path.stem}-0000{number}-of-00002.safetensors"
        some = {tensor: found[tensor] for tensor in sorted(found)[number - 1 :: 2]}
        save_file(some, path.with_name(name), metadata={"format": "pt"})
        listed |= dict.fromkeys(some, name)
    index = {"metadata": {}, "weight_map": listed}
    path.with_name(f"{path.name}.index.json").write_text(json.dumps(index), encoding="utf-8")
