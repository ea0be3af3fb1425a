"""The music engine: codec, prior, mastering and training in torch."""
