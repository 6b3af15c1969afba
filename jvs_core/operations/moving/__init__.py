"""Repositories that come from elsewhere: clones of others, and what JVS in Go left."""
