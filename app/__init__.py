"""Lemma: a private desk for reasoning with Magistral."""

NAME = "Lemma"
VERSION = "0.1.0"
