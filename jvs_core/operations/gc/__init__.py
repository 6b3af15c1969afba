"""Garbage collection: which snapshots may be removed, why the others stay, and removing them."""
