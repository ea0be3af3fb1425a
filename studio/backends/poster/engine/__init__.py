"""The poster engine: diffusers pipelines, scenes, previews and training in torch."""
