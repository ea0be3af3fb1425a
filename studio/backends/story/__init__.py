"""Stories: text written by a language model. No torch here; it stays below the package engine."""
