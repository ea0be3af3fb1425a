"""The window around the pages: sidebar, queue, command palette, notifications and what it remembers."""
