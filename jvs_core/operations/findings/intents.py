"""Findings about operations that were cut short."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

INTENT_ABANDONED = Kind(
    "W_INTENT_ABANDONED", "warning", "an operation was interrupted", "clean_intents", "undoes or completes it"
)
RESTORE_ABANDONED = Kind(
    "W_INTENT_ABANDONED",
    "warning",
    "an in-place restore was interrupted",
    "finish_restore",
    "completes it; the next command that takes the lock does so too",
)
RESTORE_OF_ANOTHER = Kind(
    "W_RESTORE_OF_ANOTHER",
    "warning",
    "an in-place restore of another user was interrupted; in-place restores of that worktree wait for it",
    "set_aside",
    "takes a snapshot of the worktree as it is, and cancels the restore; or the other user runs `jvs doctor --repair finish_restore`",
)
INTENT_OF_ANOTHER = Kind(
    "W_INTENT_OF_ANOTHER",
    "warning",
    "an operation of another user was interrupted; only that user can finish it",
    None,
    "the other user runs `jvs doctor --repair-runtime`",
)
INTENT_AHEAD = Kind(
    "W_INTENT_AHEAD",
    "warning",
    "the sign of life of an operation is in the future, so JVS cannot know whether it still runs; gc and the repairs do not touch what it names",
    None,
    "set the clocks of both machines; if the operation no longer runs, its user can remove the file from `.jvs/intents`",
)
INTENT_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "an intent cannot be read",
    "clean_intents",
    "renames it to `….unreadable`",
)
