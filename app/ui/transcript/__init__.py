"""The transcript: what was asked, thought and answered. `view.Transcript` is its whole outward surface."""
