"""The audit log: its files, its chain, checkpoints of it, and what it says must be there."""
