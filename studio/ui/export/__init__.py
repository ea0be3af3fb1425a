"""The export dialog: style, sizes, preview, and what it remembers."""
