"""The story page: what a model writes into the text on the stage."""

from studio.ui.commands import CREATE, Command
from studio.ui.plugin import Plugin

COMMANDS = (Command("continue", "Continue at the c&ursor", CREATE, "Ctrl+Shift+Return", line=True),)

PLUGIN = Plugin(inspector="studio.ui.story.continuation:ContinueAtCursor", commands="studio.ui.story:COMMANDS")
