"""Icon sets for every system from one picture: names, sizes and containers.

Sources: Apple, "App icons" (Human Interface Guidelines) and the ICNS types of `iconutil`; Microsoft, "ICO" (PNG inside
since Windows Vista); Android, "Adaptive icons" (108 dp of which the inner 66 dp are always seen); W3C, "Web
Application Manifest" (maskable icons keep to the inner 80 %).
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator

import numpy as np

from studio.export.compose import PictureStyle, flatten, render
from studio.export.formats import png as png_format
from studio.export.metadata import NO_METADATA, EmbeddedMetadata
from studio.media.payloads import Image

ICNS = (
    ("icp4", 16), ("icp5", 32), ("ic07", 128), ("ic08", 256), ("ic09", 512),
    ("ic11", 32), ("ic12", 64), ("ic13", 256), ("ic14", 512), ("ic10", 1024),
)  # fmt: skip
"""Types of pictures in an .icns file, the second half at two pixels a point, and their sides."""

ICO = (16, 20, 24, 32, 40, 48, 64, 128, 256)
FAVICON = (16, 32, 48)
ANDROID = {"mdpi": 1.0, "hdpi": 1.5, "xhdpi": 2.0, "xxhdpi": 3.0, "xxxhdpi": 4.0}
SAFE_ANDROID = (108 - 66) / 2 / 108
SAFE_WEB = 0.1
WHITE = "#ffffff"
EMPTY = Image(np.zeros((1, 1, 4), np.uint8))

LARGEST = 1024
"""Pixels of a side of the largest icon."""

COUNT = 14 + 3 * len(ANDROID)
"""Files that `files` gives."""


def icon_set(
    picture: Image, style: PictureStyle, title: str, origin: EmbeddedMetadata = NO_METADATA, ground: Image | None = None
) -> Iterator[tuple[str, bytes]]:
    """Every file of the set, below its own folders. `ground`: the work that is the background.

    Where a system cuts icons itself (iOS, Android, maskable web icons), the square is filled: without a background of
    its own it lies on white.
    """
    filled = dataclasses.replace(style, shape="square", ground=style.ground if style.ground != "none" else "colour")
    if style.ground == "none":
        filled = dataclasses.replace(filled, colour=WHITE)

    def png(
        chosen: PictureStyle, side: int, *, of: Image = picture, opaque: bool = False, noted: bool = False
    ) -> bytes:
        image = render(of, chosen, side, side, ground)
        return png_format.encode(flatten(image, WHITE) if opaque else image, origin if noted else NO_METADATA)

    yield "macos/AppIcon.icns", icns({side: png(style, side) for side in {side for _, side in ICNS}})
    yield "windows/app.ico", ico({side: png(style, side) for side in ICO})
    yield "ios/AppIcon.appiconset/icon-1024.png", png(filled, 1024, opaque=True, noted=True)
    yield "ios/AppIcon.appiconset/Contents.json", _json(IOS)
    # Android: two layers that the system moves and cuts, and icons for systems before version 8.
    near = dataclasses.replace(
        style, shape="square", ground="none", padding=min(0.4, SAFE_ANDROID + max(0.0, style.padding) * 66 / 108)
    )
    behind = dataclasses.replace(filled, padding=0.0)
    for density, scale in ANDROID.items():
        folder = f"android/res/mipmap-{density}"
        yield f"{folder}/ic_launcher_foreground.png", png(near, round(108 * scale))
        yield f"{folder}/ic_launcher_background.png", png(behind, round(108 * scale), of=EMPTY)
        yield f"{folder}/ic_launcher.png", png(style, round(48 * scale))
    yield "android/res/mipmap-anydpi-v26/ic_launcher.xml", ADAPTIVE.encode()
    yield "android/play-store-512.png", png(filled, 512, opaque=True, noted=True)
    yield "web/favicon.ico", ico({side: png(style, side) for side in FAVICON})
    for side in (192, 512):
        yield f"web/icon-{side}.png", png(style, side, noted=True)
    safe = dataclasses.replace(filled, padding=min(0.4, max(0.0, style.padding) + SAFE_WEB))
    yield "web/icon-maskable-512.png", png(safe, 512, opaque=True, noted=True)
    yield "web/apple-touch-icon.png", png(filled, 180, opaque=True)
    yield "web/manifest.webmanifest", _json(_manifest(title, filled.colour))
    yield "web/head.html", HEAD.encode()
    yield "README.txt", README.encode()


def icns(pictures: dict[int, bytes]) -> bytes:
    """An Apple icon image of PNG pictures, by their sides."""
    body = b"".join(struct.pack(">4sI", kind.encode(), 8 + len(pictures[side])) + pictures[side] for kind, side in ICNS)
    return struct.pack(">4sI", b"icns", 8 + len(body)) + body


def ico(pictures: dict[int, bytes]) -> bytes:
    """A Windows icon of PNG pictures, by their sides, 256 at most."""
    at = 6 + 16 * len(pictures)
    table, body = struct.pack("<HHH", 0, 1, len(pictures)), b""
    for side in sorted(pictures):
        data = pictures[side]
        table += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(data), at + len(body))
        body += data
    return table + body


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _manifest(title: str, colour: str) -> dict[str, object]:
    icons = [{"src": f"icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"} for side in (192, 512)]
    maskable = {"src": "icon-maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"}
    return {"name": title, "icons": [*icons, maskable], "background_color": colour, "theme_color": colour}


IOS = {
    "images": [{"filename": "icon-1024.png", "idiom": "universal", "platform": "ios", "size": "1024x1024"}],
    "info": {"author": "xcode", "version": 1},
}
ADAPTIVE = """<?xml version="1.0" encoding="utf-8"?>
<adaptive-icon xmlns:android="http://schemas.android.com/apk/res/android">
    <background android:drawable="@mipmap/ic_launcher_background"/>
    <foreground android:drawable="@mipmap/ic_launcher_foreground"/>
</adaptive-icon>
"""
HEAD = """<link rel="icon" href="/favicon.ico" sizes="48x48">
<link rel="icon" href="/icon-192.png" type="image/png" sizes="192x192">
<link rel="apple-touch-icon" href="/apple-touch-icon.png">
<link rel="manifest" href="/manifest.webmanifest">
"""
README = """macos/AppIcon.icns       the icon of a macOS application
windows/app.ico          the icon of a Windows program
ios/AppIcon.appiconset   into the asset catalogue of an Xcode project
android/res              into the res folder of an Android module; play-store-512.png for its page in the store
web                      beside index.html; the lines of head.html go into its head
"""
