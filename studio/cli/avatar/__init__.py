"""The commands and flags that only faces have: identities, expressions, and the directions of a model."""
