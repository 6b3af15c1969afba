"""Bringing files and trees from one place to another, known byte for byte."""
