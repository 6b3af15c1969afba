"""In-place restore: its plan, carrying it out, completing it after a crash, and single paths."""
