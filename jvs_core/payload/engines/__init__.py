"""Snapshot engines: ways to copy a tree on one file system, behind one protocol (``base``)."""
