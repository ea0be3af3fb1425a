"""The command line: one module for each group of verbs. No Qt, no torch."""
