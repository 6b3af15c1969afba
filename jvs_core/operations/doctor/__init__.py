"""What is wrong with a repository: finding it, and mending it."""
