"""One writer a worktree: leases on disk, the caller's session, and short critical sections."""
