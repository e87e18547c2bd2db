"""The window and its parts, real Qt offscreen."""
