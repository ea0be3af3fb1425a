"""The avatar engine: networks, projection, morphs and training in torch."""
