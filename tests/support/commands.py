"""Command lines that tests share."""

from __future__ import annotations

# Every command that only reads, for a repository whose head and the one before it hold ``a.txt``.
READING: tuple[list[str], ...] = (
    ["info"],
    ["status"],
    ["history"],
    ["history", "--all"],
    ["show", "HEAD"],
    ["ls", "HEAD"],
    ["cat", "HEAD", "a.txt"],
    ["compare", "HEAD~1", "HEAD"],
    ["compare", "HEAD~1"],
    ["compare", "HEAD~1", "--patch", "--stat"],
    ["lock", "status"],
    ["worktree", "list"],
    ["worktree", "path", "main"],
    ["ref", "list"],
    ["verify", "--all"],
    ["doctor"],
    ["doctor", "--strict"],
    ["gc", "pins"],
    ["audit", "log"],
    ["audit", "checkpoint"],
)
