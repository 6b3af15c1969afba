"""Notebooks: reading them, aligning their cells, comparing their outputs."""
