"""The commands that the avatar page brings to the menus."""

from __future__ import annotations

from studio.ui.commands import CREATE, Command

COMMANDS = (
    Command("faces", "New &faces", CREATE, "Ctrl+Shift+F", line=True),
    Command("near", "&More like this", CREATE, "Ctrl+Shift+M"),
    Command("keep", "&Save this face", CREATE, "Ctrl+Shift+K"),
    Command("identity", "Save c&haracter", CREATE, "Ctrl+Shift+I"),
    Command("expressions", "E&xpressions", CREATE, "Ctrl+Shift+X"),
    Command("sheet", "C&haracter sheet", CREATE, "Ctrl+Shift+H"),
)
