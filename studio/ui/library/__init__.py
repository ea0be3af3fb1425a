"""The library page, and works wherever they are shown: grid, details, actions, import."""
