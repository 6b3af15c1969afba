"""Copying files and trees, with every byte checked or hashed."""
