"""Work on many files spread over processes and threads."""
