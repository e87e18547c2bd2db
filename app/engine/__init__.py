"""The desktop's side of the engine: starts, feeds, watches and restarts the worker."""
