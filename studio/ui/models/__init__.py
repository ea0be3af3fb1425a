"""The models page: finding, getting and looking after models."""
