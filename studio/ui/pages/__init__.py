"""Pages that are opened rarely: models, settings, diagnostics, about, welcome. Each is imported when first shown."""
