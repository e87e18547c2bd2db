"""Markdown, code and formulas into blocks, coloured runs and SVG, without Qt."""
