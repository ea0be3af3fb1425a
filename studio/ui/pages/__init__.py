"""The pages that are opened rarely: models, diagnostics, about, welcome. Each is imported when it is first shown."""
