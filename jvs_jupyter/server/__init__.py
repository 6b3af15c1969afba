"""The Jupyter Server extension: snapshots over REST, events, and checkpoints."""
