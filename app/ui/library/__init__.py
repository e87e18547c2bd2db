"""The model library: what is on the disk, on its way, or to be had."""
