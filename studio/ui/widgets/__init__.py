"""Widgets, theme and text that every page uses."""
