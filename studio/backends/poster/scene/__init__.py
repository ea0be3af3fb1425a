"""Posters as scenes: elements that stand somewhere, drawn as flat vectors, and the words that ask for them."""

SCENE = "scene"
"""What config.json calls a model of scenes."""
