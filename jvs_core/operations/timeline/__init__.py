"""Automatic history: when snapshots are taken unasked, which of them stay, and what was deleted."""
