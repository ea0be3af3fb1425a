"""The latent directions saved with a model: listed, renamed, deleted.

They lie beside the model's own weights, or in the person's own folder where the model came with the studio:
`directions.json` says what they are and holds a unit vector [w_dim] each (no safetensors, which would change what the
model's weights are recognised by), and `directions/<id>.png` shows what each does, from -3 to +3 standard deviations.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.errors import BadInput, StudioError
from studio.library.asset import without_surrogates
from studio.models import weights
from studio.models.model import Model
from studio.system import storage

LIST, PREVIEWS, LOCK = weights.ADDED, weights.ADDED_PREVIEWS, ".directions.lock"
LIMIT = 400
ALIKE = 0.995  # of the cosine: the same direction found again


@dataclass(frozen=True, slots=True)
class SavedDirection:
    """`id` is what requests name, `name` what a person does. `layers` is a group of layers or "all"; `std` the
    standard deviation of the model's faces along it. `vector` is a unit vector [w_dim]."""

    id: str
    name: str
    method: str
    layers: str
    std: float
    preview: Path
    vector: NDArray[np.float32] = field(compare=False, repr=False)


def directions_folder(model: Model) -> Path:
    """The folder that holds a model's directions."""
    if model.beside is not None:
        return model.beside
    if model.bundled:
        raise StudioError("There is no folder to save directions of {title} in.", title=model.title)
    return model.folder


def directions(model: Model) -> list[SavedDirection]:
    """The directions of a model, as they were found. StudioError where their list is damaged."""
    return _read(directions_folder(model))[0]


def change_stamp(model: Model) -> tuple[int, int]:
    """Changes whenever the directions do."""
    try:
        found = (directions_folder(model) / LIST).stat()
    except (OSError, StudioError):
        return 0, 0
    return found.st_mtime_ns, found.st_size


def add(
    model: Model, method: str, layers: str, found: Sequence[tuple[NDArray[np.float32], float]]
) -> tuple[list[SavedDirection], list[SavedDirection]]:
    """Save directions (unit vector, std); those that are there already stay as they are.

    Returns the directions that now stand for `found`, in that order, and which of them are new.
    """
    folder = directions_folder(model)
    with storage.disk_errors_as("The directions could not be saved"):
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder):
            return _add_unlocked(model, folder, method, layers, found)


def _add_unlocked(
    model: Model, folder: Path, method: str, layers: str, found: Sequence[tuple[NDArray[np.float32], float]]
) -> tuple[list[SavedDirection], list[SavedDirection]]:
    listed, given = _read(folder)
    standing: list[SavedDirection] = []
    new: list[SavedDirection] = []
    for vector, std in found:
        again = next((one for one in listed if one.layers == layers and _same_direction(one.vector, vector)), None)
        if again is None:
            if len(listed) >= LIMIT:
                raise BadInput(
                    "{title} has {limit} directions already.",
                    "Delete those that are of no use.",
                    title=model.title,
                    limit=LIMIT,
                )
            given[method] = 1 + max(
                [given.get(method, 0), *(_number(one.id) for one in listed if one.method == method)]
            )
            id = f"{method}-{given[method]}"
            preview = folder / PREVIEWS / f"{id}.png"
            again = SavedDirection(id, _free_title(listed), method, layers, std, preview, vector.astype("<f4"))
            listed.append(again)
            new.append(again)
        standing.append(again)
    _write(folder, listed, given)
    return standing, new


def rename(model: Model, id: str, name: str) -> SavedDirection:
    """Give a direction the name that a person calls it by. BadInput where there is no such direction, or no name."""
    clean = without_surrogates(" ".join(name.split())[:60].rstrip())
    if not clean:
        raise BadInput("A direction needs a name.", "Say what it changes, such as Smile.")
    folder = directions_folder(model)
    with storage.disk_errors_as("The name could not be saved"), _lock(folder):
        listed, given = _read(folder)
        at = _index(model, listed, id)
        listed[at] = replace(listed[at], name=clean)
        _write(folder, listed, given)
    return listed[at]


def remove(model: Model, id: str) -> None:
    """Forget a direction. Faces that were moved along it keep their pictures but cannot be made again."""
    folder = directions_folder(model)
    with storage.disk_errors_as("The direction could not be deleted"), _lock(folder):
        listed, given = _read(folder)
        gone = listed.pop(_index(model, listed, id))
        given[gone.method] = max(given.get(gone.method, 0), _number(id))
        _write(folder, listed, given)
    with contextlib.suppress(OSError):  # somebody looks at it, and the direction is forgotten all the same
        gone.preview.unlink(missing_ok=True)


@contextlib.contextmanager
def _lock(folder: Path) -> Generator[None]:
    """One change at a time: directions are found in a process of their own, and named in the window meanwhile."""
    if not folder.is_dir():  # nothing was found yet, and there is nothing to change
        yield
        return
    with storage.FileLock(folder / LOCK):
        yield


def _read(folder: Path) -> tuple[list[SavedDirection], dict[str, int]]:
    """The directions, and the last number that a method has given: what is deleted takes its own along, or a face that
    was moved along it would be moved along another one.
    """
    path = folder / LIST
    if not path.exists():
        return [], {}
    try:
        said = weights.read_json(path)
        given = {str(method): int(number) for method, number in said.get("given", {}).items()}
        return [_direction(folder, row) for row in said["directions"]], given
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StudioError(
            "{path} is damaged: {reason}.", "Delete it and find directions again.", path=path, reason=error
        ) from error


def _write(folder: Path, listed: Sequence[SavedDirection], given: Mapping[str, int]) -> None:
    rows: list[dict[str, Any]] = [
        {
            "id": one.id,
            "name": one.name,
            "method": one.method,
            "layers": one.layers,
            "std": one.std,
            "vector": base64.b64encode(one.vector.astype("<f4").tobytes()).decode("ascii"),
        }
        for one in listed
    ]
    text = json.dumps({"version": 1, "given": given, "directions": rows}, indent=1, ensure_ascii=False) + "\n"
    storage.write_atomic(folder / LIST, text.encode("utf-8"))


def _direction(folder: Path, row: dict[str, Any]) -> SavedDirection:
    id, std = str(row["id"]), float(row["std"])
    if not math.isfinite(std) or std < 0 or not id.replace("-", "").isalnum():
        raise ValueError(f"{id[:40]!r} is no direction")
    layers = str(row["layers"])
    if layers not in ("all", "coarse", "middle", "fine"):
        raise ValueError(f"{layers[:40]!r} names no layers")
    vector = np.frombuffer(base64.b64decode(row["vector"], validate=True), "<f4").copy()
    if not vector.size or not np.isfinite(vector).all():
        raise ValueError(f"{id} holds values that are no numbers")
    return SavedDirection(
        id, str(row["name"]), str(row["method"]), layers, std, folder / PREVIEWS / f"{id}.png", vector
    )


def _free_title(listed: Sequence[SavedDirection]) -> str:
    """The name of a direction that nobody has looked at yet."""
    names = {one.name for one in listed}
    return storage.numbered_name("Direction", names.__contains__, len(listed) + 1)


def _index(model: Model, listed: Sequence[SavedDirection], id: str) -> int:
    for at, one in enumerate(listed):
        if one.id == id:
            return at
    raise BadInput("{title} has no direction {id!r}.", "It may have been deleted.", title=model.title, id=id[:60])


def _number(id: str) -> int:
    tail = id.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0


def _same_direction(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.shape == b.shape and abs(float(a @ b)) > ALIKE * float(np.linalg.norm(a) * np.linalg.norm(b))
