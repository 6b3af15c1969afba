"""The manifest: a line for each entry of a payload, and the root hash over all."""
