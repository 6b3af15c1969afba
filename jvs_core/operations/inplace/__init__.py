"""In-place restore: the way there, carrying it out, completing it after a crash, and single paths."""
