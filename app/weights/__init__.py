"""What the files of a model say, read without loading a weight: the ground under the worker and the model library."""
