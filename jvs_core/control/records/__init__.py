"""Records: one way to list, read, write and remove them, and one module a kind."""
