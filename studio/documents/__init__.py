"""Documents that a person edits: their files, edits and versions."""
