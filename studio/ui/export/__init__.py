"""The window's way to export a picture: the dialog, its parts, and what it remembers."""
