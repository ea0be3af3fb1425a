"""The poster page: the picture that a poster starts from, and the mask of what is painted anew."""

from studio.ui.commands import CREATE, Command
from studio.ui.plugin import Plugin

COMMANDS = (
    Command("start", "Start from &this picture", CREATE, "Ctrl+Shift+U", icon="poster", line=True),
    Command("mask", "Repaint a &part…", CREATE, "Ctrl+Shift+O", icon="brush"),
)

PLUGIN = Plugin(inspector="studio.ui.poster.inspector:PosterInspector", commands="studio.ui.poster:COMMANDS")
