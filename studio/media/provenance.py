"""How a work was made: one typed value, its JSON, and the note that is embedded in files.

The JSON stands in sidecars under "provenance" and in the note. What another version wrote there and this one has no
field for stays in `extra` and is written back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from studio.errors import NOTHING, Message

Embed = Literal["all", "provenance", "none"]
"""What is embedded in files: the request and the provenance, the provenance alone, or nothing."""

_MODEL_FIELDS = ("id", "family", "licence", "sha256")


@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """The model that made a work; `sha256` is that of its weights. Unknown facts are empty."""

    id: str
    family: str = ""
    licence: str = ""
    sha256: str = ""

    def to_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in _MODEL_FIELDS if getattr(self, name)}

    @classmethod
    def from_json(cls, value: object) -> ModelOrigin | None:
        """None for what another studio wrote and this one cannot hold."""
        facts = _texts(value)
        if facts is None or not facts.get("id") or facts.keys() - set(_MODEL_FIELDS):
            return None
        return cls(**facts)


@dataclass(frozen=True, slots=True)
class Background:
    """The work that is the background of an exported picture; `request` is None where it was left out."""

    request: Mapping[str, Any] | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a work was made. What is not known is empty.

    `studio` and `libraries` are versions, `device` what computed it, `imported` the name of the imported file, `edited`
    and `exported` whether it is an edit or an export of another work, `remark` the engine's message to the person.
    `models` are the further models of the request by role, such as "lora".
    """

    studio: str = ""
    model: ModelOrigin | None = None
    models: Mapping[str, ModelOrigin] = field(default_factory=dict[str, ModelOrigin], hash=False)
    libraries: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    seed: int | None = None
    device: str = ""
    imported: str = ""
    edited: bool = False
    exported: bool = False
    background: Background | None = None
    remark: Message = field(default=NOTHING, hash=False)
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)

    def to_json(self) -> dict[str, Any]:
        """Only what is known; `from_json` gives the same value back."""
        data: dict[str, Any] = {}
        if self.studio:
            data["studio"] = self.studio
        if self.model is not None:
            data["model"] = self.model.to_json()
        if self.models:
            data["models"] = {role: origin.to_json() for role, origin in self.models.items()}
        if self.libraries:
            data["libraries"] = dict(self.libraries)
        if self.seed is not None:
            data["seed"] = self.seed
        if self.device:
            data["device"] = self.device
        if self.remark:
            data["remark"] = str(self.remark)  # which older studios read
            if self.remark.params:
                data["remark_message"] = self.remark.to_json()
        if self.imported:
            data["imported"] = self.imported
        data.update({name: True for name in ("edited", "exported") if getattr(self, name)})
        if self.background is not None:
            request = {} if self.background.request is None else {"request": dict(self.background.request)}
            data["background"] = {**request, "provenance": self.background.provenance.to_json()}
        return {**data, **self.extra}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Provenance:
        """Reads what any version wrote. A value of an unexpected type stays in `extra`; nothing raises."""
        rest = dict(data)
        values: dict[str, Any] = {}
        for name in ("studio", "device", "imported"):
            if isinstance(rest.get(name), str) and rest[name]:
                values[name] = rest.pop(name)
        for name in ("edited", "exported"):
            if rest.get(name) is True:
                values[name] = rest.pop(name)
        if type(rest.get("seed")) is int:
            values["seed"] = rest.pop("seed")
        model = ModelOrigin.from_json(rest.get("model"))
        if model is not None:
            values["model"] = model
            del rest["model"]
        models = _models(rest.get("models"))
        if models:
            values["models"] = models
            del rest["models"]
        libraries = _texts(rest.get("libraries"))
        if libraries:
            values["libraries"] = libraries
            del rest["libraries"]
        remark = _remark(rest)
        if remark is not None:
            values["remark"] = remark
            rest.pop("remark", None)
            rest.pop("remark_message", None)
        background = _background(rest.get("background"))
        if background is not None:
            values["background"] = background
            del rest["background"]
        return cls(**values, extra=rest)


def embedded_note(request: Mapping[str, Any], provenance: Provenance, embed: Embed) -> dict[str, Any] | None:
    """The note to embed in a file, for `codecs.write` and for exports; None for no note."""
    if embed == "none":
        return None
    note: dict[str, Any] = {"provenance": provenance.to_json()}
    if embed == "provenance":
        if "background" in note["provenance"]:
            note["provenance"]["background"].pop("request", None)
    elif request:
        note["request"] = dict(request)
    return note


def parse_note(note: Mapping[str, Any] | None) -> tuple[dict[str, Any], Provenance]:
    """The request (empty where there is none) and the provenance in a note, as `codecs.read_note` gives it."""
    parts = [(note or {}).get(name) for name in ("request", "provenance")]
    request, provenance = (cast("dict[str, Any]", part) if isinstance(part, dict) else {} for part in parts)
    return request, Provenance.from_json(provenance)


def _texts(value: object) -> dict[str, str] | None:
    """The value if it is an object that holds texts only."""
    if not isinstance(value, dict):
        return None
    entries = cast("dict[str, object]", value)
    if not all(isinstance(entry, str) for entry in entries.values()):
        return None
    return cast("dict[str, str]", value)


def _models(value: object) -> dict[str, ModelOrigin] | None:
    """The models by role; None unless all of them can be held."""
    if not isinstance(value, dict):
        return None
    found = {role: ModelOrigin.from_json(each) for role, each in cast("dict[str, object]", value).items()}
    known = {role: origin for role, origin in found.items() if origin is not None}
    return known if len(known) == len(found) else None


def _remark(data: Mapping[str, Any]) -> Message | None:
    message, sentence = data.get("remark_message"), data.get("remark")
    if isinstance(message, dict):
        try:
            return Message.from_json(cast("dict[str, Any]", message))
        except ValueError:
            pass
    return Message.of(sentence) if isinstance(sentence, str) and sentence else None


def _background(value: object) -> Background | None:
    if not isinstance(value, dict):
        return None
    data = cast("dict[str, Any]", value)
    request, provenance = data.get("request"), data.get("provenance")
    if not isinstance(provenance, dict) or data.keys() - {"request", "provenance"}:
        return None
    if request is not None and not isinstance(request, dict):
        return None
    return Background(cast("dict[str, Any] | None", request), Provenance.from_json(cast("dict[str, Any]", provenance)))
