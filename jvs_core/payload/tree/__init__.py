"""A tree of files: walking it, its entries, their attributes, and removing it."""
