"""Training a model, for every medium that brings a form and a check of its data: page, progress, unfinished runs."""
