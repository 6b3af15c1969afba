"""What changed in a worktree since it was last looked at."""
