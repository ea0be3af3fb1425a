"""Training a model of one's own: the folder, the course of the training, and what comes of it."""
