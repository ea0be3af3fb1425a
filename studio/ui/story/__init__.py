"""What the story medium adds to the window: nothing beyond what its requests say."""

from studio.ui.plugin import Plugin

PLUGIN = Plugin()
