"""Music: sound made by an audio language model. No torch here; it stays below the package engine."""
