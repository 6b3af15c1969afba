"""Findings about leases."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

LOCK_UNREADABLE = Kind(
    "W_LOCK_UNREADABLE",
    "info",
    "the newest lease of a worktree cannot be read",
    None,
    "the next `jvs lock acquire` replaces it",
)
LOCK_DEAD = Kind(
    "W_LOCK_DEAD",
    "info",
    "the lease of a worktree expired without a release",
    None,
    "the next `jvs lock acquire` takes it over",
)
LOCK_SUPERSEDED = Kind(
    "W_LOCK_SUPERSEDED",
    "info",
    "many old leases that newer ones replaced",
    "clean_locks",
    "removes all but the newest",
)
LOCK_REPLACED = Kind(
    "E_LOCK_REPLACED",
    "error",
    "something other than a file is in the place of `.jvs/locks/repository`; JVS can write nothing",
    None,
    "remove it, or move it away: the next command creates the file",
)
LOCK_STRAY = Kind(
    "W_LOCK_STRAY",
    "warning",
    "a file that is not a lease, among the leases of a worktree",
    "clean_locks",
    "removes it if nobody changed it for a day",
)
LOCK_ORPHAN = Kind(
    "W_LOCK_ORPHAN", "info", "leases of a worktree that no longer exists", "clean_locks", "removes them"
)
