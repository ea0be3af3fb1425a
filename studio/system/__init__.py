"""The system around the studio: crash-safe files, folders, logs, signals, staying awake."""
