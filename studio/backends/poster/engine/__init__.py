"""The poster engine: diffusers pipelines, previews and training in torch."""
