"""Finding what is wrong with a repository, and repairing it."""
