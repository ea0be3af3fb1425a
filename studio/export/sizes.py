"""The sizes of exported pictures: as people write them, and those of social networks.

A size is written as "original" for the picture's own, a number for a square, "1080x1350", the name of a feed or of a
network, "feeds" for all of them, or "icons" for the icon set.

Networks change them quietly, and scale what they are given. The numbers are those that size guides of 2025 agree on;
each comment names the page of the network where it keeps its own, or "common practice" where it publishes none and
uploads of this size are shown without loss.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from studio.errors import BadInput
from studio.export.compose import SIDE_LIMIT


@dataclass(frozen=True, slots=True)
class Feed:
    """`width` x `height` pixels; `round` where the network itself cuts the picture to a circle."""

    name: str
    network: str
    use: str
    width: int
    height: int
    round: bool = False


FEEDS: tuple[Feed, ...] = (
    # WeChat: developers.weixin.qq.com, "Official account: account settings" (avatar), "Cover of an article" (2.35:1).
    Feed("wechat-profile", "WeChat", "Profile", 640, 640),
    Feed("wechat-cover", "WeChat", "Article cover", 900, 383),
    Feed("wechat-moments", "WeChat", "Moments", 1080, 1080),  # common practice: one cell of nine
    # Weibo: common practice; kefu.weibo.com names only the file size.
    Feed("weibo-profile", "Weibo", "Profile", 400, 400, round=True),
    Feed("weibo-post", "Weibo", "Post", 1080, 1080),
    Feed("weibo-cover", "Weibo", "Cover", 980, 300),
    # Xiaohongshu: creator.xiaohongshu.com, "Publishing notes": 3:4 is shown largest.
    Feed("xiaohongshu-profile", "Xiaohongshu", "Profile", 400, 400, round=True),
    Feed("xiaohongshu-post", "Xiaohongshu", "Note", 1080, 1440),
    # Douyin: creator.douyin.com, "Publishing": 9:16, cover of the same shape.
    Feed("douyin-profile", "Douyin", "Profile", 720, 720, round=True),
    Feed("douyin-cover", "Douyin", "Video cover", 1080, 1920),
    # Instagram: help.instagram.com, "Image resolution of photos you share": width 1080, ratio 1.91:1 to 4:5.
    Feed("instagram-profile", "Instagram", "Profile", 720, 720, round=True),
    Feed("instagram-square", "Instagram", "Square", 1080, 1080),
    Feed("instagram-portrait", "Instagram", "Portrait", 1080, 1350),
    Feed("instagram-story", "Instagram", "Story and reel", 1080, 1920),
    # X: help.x.com, "How to customise your profile": 400 x 400 and 1500 x 500.
    Feed("x-profile", "X", "Profile", 400, 400, round=True),
    Feed("x-post", "X", "Post", 1600, 900),
    Feed("x-header", "X", "Header", 1500, 500),
    # YouTube: support.google.com/youtube, "Manage your channel branding" and "Add video thumbnails".
    Feed("youtube-profile", "YouTube", "Profile", 800, 800, round=True),
    Feed("youtube-thumbnail", "YouTube", "Thumbnail", 1280, 720),
    Feed("youtube-banner", "YouTube", "Banner", 2560, 1440),
    # LinkedIn: linkedin.com/help, "Image specifications": 400 x 400, 1200 x 627, 1584 x 396.
    Feed("linkedin-profile", "LinkedIn", "Profile", 400, 400, round=True),
    Feed("linkedin-post", "LinkedIn", "Post", 1200, 627),
    Feed("linkedin-banner", "LinkedIn", "Banner", 1584, 396),
    # TikTok: support.tiktok.com, "Changing your profile": at least 20 x 20; shown at up to 720 on large screens.
    Feed("tiktok-profile", "TikTok", "Profile", 720, 720, round=True),
    Feed("tiktok-video", "TikTok", "Video cover", 1080, 1920),
    # Mastodon: docs.joinmastodon.org, "Setting up your profile": 400 x 400 and 1500 x 500.
    Feed("mastodon-profile", "Mastodon", "Profile", 400, 400),
    Feed("mastodon-header", "Mastodon", "Header", 1500, 500),
    # Discord: support.discord.com: avatars of 128 and more, emoji of 128, server icons of 512.
    Feed("discord-profile", "Discord", "Profile", 512, 512, round=True),
    Feed("discord-emoji", "Discord", "Emoji", 128, 128),
    # Slack: slack.com/help, "Upload a profile photo": 512 x 512 at least, 1024 at most; "Add custom emoji": 128.
    Feed("slack-profile", "Slack", "Profile", 1024, 1024),
    Feed("slack-emoji", "Slack", "Emoji", 128, 128),
    # GitHub: docs.github.com, "Personalising your profile" (500 x 500) and "Social media preview" (1280 x 640).
    Feed("github-profile", "GitHub", "Profile", 500, 500, round=True),
    Feed("github-preview", "GitHub", "Social preview", 1280, 640),
)

BY_NAME = {feed.name: feed for feed in FEEDS}

BY_WORD = {
    "original": ["original"],
    "icons": ["icons"],
    "feeds": list(BY_NAME),
    **{feed.network.lower(): [each.name for each in FEEDS if each.network == feed.network] for feed in FEEDS},
    **{name: [name] for name in BY_NAME},
}
"""The sizes that a word stands for."""

_SIZE = re.compile(r"(\d{1,5})(?:\s*[x×]\s*(\d{1,5}))?")


def parse_sizes(text: str) -> tuple[str, ...]:
    """Sizes from words with commas between them, each once. Raises BadInput that names the one at fault."""
    found: list[str] = []
    for word in (word.strip().lower() for word in text.split(",")):
        match = _SIZE.fullmatch(word)
        if word in BY_WORD:
            found += BY_WORD[word]
        elif match:
            wide, high = int(match[1]), int(match[2] or match[1])
            if not (1 <= wide <= SIDE_LIMIT and 1 <= high <= SIDE_LIMIT):
                raise BadInput(
                    "{word} is not a size that can be made.",
                    "Sides go from 1 to {limit:,} pixels.",
                    word=word,
                    limit=SIDE_LIMIT,
                )
            found.append(str(wide) if wide == high else f"{wide}x{high}")
        else:
            raise BadInput(
                "{word!r} is not a size.",
                "Sizes are original, numbers such as 512, pairs such as 1080x1350, feeds, icons, a network such as"
                " instagram, or one of its uses: {names} and so on.",
                word=word[:40],
                names=", ".join(feed.name for feed in FEEDS[:3]),
            )
    return tuple(dict.fromkeys(found))


def size_in_pixels(size: str, original: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """Width and height of a size that is not "icons"; `original` are those of the picture."""
    if size == "original":
        return original
    if size in BY_NAME:
        return BY_NAME[size].width, BY_NAME[size].height
    wide, _, high = size.partition("x")
    return int(wide), int(high or wide)


def networks() -> Sequence[str]:
    """The networks in the order of the table."""
    return tuple(dict.fromkeys(feed.network for feed in FEEDS))
