"""The system around the studio: files that survive a crash, folders, logs, signals, staying awake."""
