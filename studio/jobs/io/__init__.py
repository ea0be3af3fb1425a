"""Tasks of the I/O lane, which needs no engine process: imports, downloads, models that lie elsewhere."""
