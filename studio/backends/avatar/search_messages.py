"""Messages about a projection's result: nothing near was found, or another drawing style."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from studio.backends.avatar.requests import STYLES
from studio.errors import NOTHING, Message

NEAR = 0.45
"""Times as unlike as other faces of its style a face may be at most, to be the one in the picture."""

FAR = Message(
    "This model cannot draw this picture: it only draws the styles it was trained on. This is its closest face."
)
UNREAD = Message("This face is hardly closer to the picture than any other face of the model.")
LOST = 0.85  # the same as NEAR where no encoder reads the picture, and only what is bent until it fits can be judged
PLAIN = 0.75  # times as unlike as the best face of the style that was asked for one of the style that is seen may be


def nothing_near(unlike: float, others: Sequence[float], *, read: bool) -> Message:
    """The message for a face at this distance from its picture, when `others` of its style are so far from it; empty
    where it is near. `read`: an encoder has read the picture.
    """
    share = unlike / max(1e-9, median(others))
    if read:
        return FAR if share > NEAR else NOTHING
    return UNREAD if share > LOST else NOTHING


def another_style(seen: str, asked: str, unlike: float, best: float, others: Sequence[float]) -> Message:
    """What is to be said where the face as seen in one style is so unlike the picture, and the best one of the style
    that was asked for is so; empty where nothing speaks against the choice."""
    if seen == asked or unlike > PLAIN * best or nothing_near(unlike, others, read=True):
        return NOTHING
    titles = dict(STYLES)
    return Message(
        "This looks like {seen}; it was matched in {asked}, because that style was chosen.",
        seen=Message.of(titles.get(seen, seen)),
        asked=Message.of(titles.get(asked, asked)),
    )
