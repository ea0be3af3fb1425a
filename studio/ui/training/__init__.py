"""Training a model on your own pictures: form, dataset check, progress."""
