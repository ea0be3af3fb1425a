"""The avatar page: the face being edited, and the tools beside the stage that edit it."""

from studio.ui.commands import CREATE, Command
from studio.ui.plugin import Plugin

COMMANDS = (
    Command("faces", "New &faces", CREATE, "Ctrl+Shift+F", line=True),
    Command("near", "&More like this", CREATE, "Ctrl+Shift+M"),
    Command("keep", "&Save this face", CREATE, "Ctrl+Shift+K"),
    Command("identity", "Save c&haracter", CREATE, "Ctrl+Shift+I"),
    Command("expressions", "E&xpressions", CREATE, "Ctrl+Shift+X"),
    Command("sheet", "C&haracter sheet", CREATE, "Ctrl+Shift+H"),
)

PLUGIN = Plugin(
    inspector="studio.ui.avatar.inspector:AvatarInspector",
    commands="studio.ui.avatar:COMMANDS",
    training_page="studio.ui.avatar.training.page:training_page",
)
