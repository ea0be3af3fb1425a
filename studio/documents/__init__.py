"""Documents that a person edits: a database for each, with edits and versions."""
