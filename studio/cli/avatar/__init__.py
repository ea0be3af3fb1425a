"""The commands and flags that only faces have: identities, expressions, and the directions of a model."""

from studio.cli.avatar import directions, identities
from studio.cli.plugin import CliPlugin

PLUGIN = CliPlugin(identities.add, directions.add, identities.FaceFlags())
