""" "Send to": which media can take the prompt, title or text of a work."""

from __future__ import annotations

from studio.backends import MEDIA
from studio.library.library import Asset
from studio.media import codecs
from studio.media.payloads import Text
from studio.ui.widgets.text import tr

LINE = 200  # characters of a text that stand for it elsewhere


def home_medium(asset: Asset) -> str:
    """The medium whose page shows the work: its own; for an imported file the first fitting one with a prompt."""
    if any(each.name == asset.medium for each in MEDIA):
        return asset.medium
    stage = "text" if _written(asset) else "audio" if asset.is_audio else "image"
    fitting = [each.name for each in MEDIA if each.stage == stage]
    return next((name for name in fitting if name in _with_prompt()), fitting[0])


def targets(asset: Asset) -> list[str]:
    """The media with a prompt that can take words of this work; its own only for texts, to continue them."""
    takes = _with_prompt()
    if _written(asset):
        return takes
    return [name for name in takes if name != home_medium(asset)] if _asked(asset) else []


def obstacle(asset: Asset) -> str:
    """Why no other page can take anything of this work; empty if one can."""
    if targets(asset):
        return ""
    return tr("There is no text to send. Give it a title to send that.")


def words(asset: Asset, medium: str) -> str:
    """The words for the brief of that medium. Raises StudioError where a text cannot be read."""
    if not _written(asset):
        said = _asked(asset)
        return f"# {said}\n\n" if _writes(medium) else said
    made = codecs.read(asset.path)
    text = made.text if isinstance(made, Text) else ""
    if _writes(medium):
        return text
    heading, _, rest = text.partition("\n") if text.startswith("#") else ("", "", text)
    line = heading.lstrip("# ").strip() or next((line for line in rest.splitlines() if line.strip()), "")
    return line.strip()[:LINE]


def _with_prompt() -> list[str]:
    return [each.name for each in MEDIA if "prompt" in dict(each.default_task.request.fields())]


def _writes(medium: str) -> bool:
    """Whether the medium makes texts."""
    return any(each.name == medium and each.stage == "text" for each in MEDIA)


def _written(asset: Asset) -> bool:
    return asset.path.suffix in codecs.TEXT_SUFFIXES


def _asked(asset: Asset) -> str:
    """The prompt of a work, else the title that a person gave it."""
    prompt = str(asset.request.get("prompt", "")).strip()
    return " ".join((prompt or asset.title).split())


def offers(asset: Asset) -> list[tuple[str, str]]:
    """The media of `targets`, each with what a menu says of it."""
    titles = {each.name: tr(each.title) for each in MEDIA}
    return [
        (
            name,
            tr("{panel}: continue from here").format(panel=titles[name])
            if name == home_medium(asset)
            else titles[name],
        )
        for name in targets(asset)
    ]
