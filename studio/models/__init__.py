"""The models there are: the catalog, detection of what a file is, and headers of weights."""
