"""Whether a model and a request fit this machine."""
