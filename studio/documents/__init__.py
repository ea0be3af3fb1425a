"""What a person edits for days: documents, their files and their versions."""
