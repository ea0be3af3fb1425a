"""Runs inside the process that is measured: the window, its stages, its library page, and one studio of the soak."""
