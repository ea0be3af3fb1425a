"""The story engine: loading, generation and training of language models in torch."""
