"""The library: every work that was made or imported, its files, index, checks, titles and identities."""
