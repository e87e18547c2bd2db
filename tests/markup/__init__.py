"""Tests of Markdown, code and formulas without Qt."""
