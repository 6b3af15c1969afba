"""What others can do to a repository: other writers, other users, other hosts, and whoever wrote its records."""
