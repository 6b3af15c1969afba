"""Automatic history: snapshots that nobody asks for, copies before a file goes, and news of what others changed."""
