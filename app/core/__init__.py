"""Values and rules: the standard library and msgspec, no files, threads, Qt, SQL or MLX."""
