"""Findings about worktrees and where they stand."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

WORKTREE_LOST = Kind(
    "E_WORKTREE_NOT_FOUND",
    "error",
    "`main` is not registered, or the folder of a worktree is missing",
    None,
    "restore its head to a new worktree with `jvs restore`, or restore the folder from a backup",
)
WORKTREE_UNREGISTERED = Kind(
    "E_WORKTREE_NOT_FOUND",
    "error",
    "a worktree that the log knows is not registered; gc refuses to work",
    None,
    "restore its folder in `.jvs/worktrees` from a backup, or release it with `jvs worktree remove --force`",
)
WORKTREE_EMPTY = Kind(
    "W_WORKTREE_MISSING",
    "warning",
    "the folder of a worktree without a snapshot is missing; some ways of moving a repository lose empty folders",
    "clean_tmp",
    "creates the empty folder",
)
WORKTREE_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "the configuration of a worktree cannot be read",
    None,
    "restore it from a backup",
)
HEAD_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "the record of a worktree's head cannot be read",
    "advance_head",
    "moves it to `.jvs/aside`, and writes the head that the log names",
)
WORKTREE_ESCAPES = Kind(
    "E_PATH_ESCAPE",
    "error",
    "a symbolic link is in the place of a worktree",
    None,
    "put the folder back in its place",
)
WORKTREE_UNKNOWN = Kind(
    "W_WORKTREE_UNKNOWN",
    "warning",
    "a folder in `worktrees/` that is not a worktree",
    None,
    "move it out of the repository",
)
REPOSITORY_INSIDE = Kind(
    "W_REPOSITORY_INSIDE",
    "warning",
    "a worktree holds another repository, a folder `.jvs`: its history is in no snapshot, and commands there use it",
    None,
    "move the folder that holds `.jvs` out of the worktree",
)
HEAD_MISSING = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "the head of a worktree is missing or was removed",
    None,
    "restore the snapshot from a backup",
)
HEAD_FOREIGN = Kind(
    "E_HEAD_FOREIGN",
    "error",
    "the head or undo stack of a worktree differs from the log; gc refuses to work",
    "advance_head",
    "writes a new head, with its undo stack, from the log",
)
LABELS_FOREIGN = Kind(
    "E_LABELS_FOREIGN",
    "error",
    "the labels or the base of a worktree differ from the log; gc refuses to work",
    "advance_head",
    "writes them again from the log",
)
