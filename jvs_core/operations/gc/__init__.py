"""Garbage collection: what may go, why the rest stays, and taking it away."""
