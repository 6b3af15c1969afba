"""Whether a payload is what its manifest says."""
