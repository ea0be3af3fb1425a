"""Picture sizes of social networks.

Networks change them quietly, and scale what they are given. The numbers are those that size guides of 2025 agree on;
each comment names the page of the network where it keeps its own, or "common practice" where it publishes none and
uploads of this size are shown without loss.
"""

from __future__ import annotations

from dataclasses import dataclass


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
