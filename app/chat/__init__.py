"""Use cases: what a person does with a conversation. No Qt, no SQL text, no MLX."""
