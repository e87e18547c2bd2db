"""The store, on real files and real processes."""
