"""The engine process: the only rooms where mlx, mlx_lm and the tokenizer are imported."""
