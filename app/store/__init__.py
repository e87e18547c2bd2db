"""SQLite and the settings files: the only room with SQL."""
