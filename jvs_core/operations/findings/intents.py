"""Findings about operations that were cut short."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

INTENT_ABANDONED = Kind(
    "W_INTENT_ABANDONED", "warning", "an operation was cut short", "clean_intents", "undoes or completes it"
)
RESTORE_ABANDONED = Kind(
    "W_INTENT_ABANDONED",
    "warning",
    "an in-place restore was cut short",
    "finish_restore",
    "completes it; so does the next command under the lock",
)
RESTORE_OF_ANOTHER = Kind(
    "W_RESTORE_OF_ANOTHER",
    "warning",
    "an in-place restore of another user was cut short; in-place restores of that worktree wait for it",
    "set_aside",
    "snapshots what lies there, so that the restore is void; or its user runs `jvs doctor --repair finish_restore`",
)
INTENT_OF_ANOTHER = Kind(
    "W_INTENT_OF_ANOTHER",
    "warning",
    "an operation of another user was cut short; nobody carries out what another user wrote",
    None,
    "its user runs `jvs doctor --repair-runtime`",
)
INTENT_AHEAD = Kind(
    "W_INTENT_AHEAD",
    "warning",
    "the sign of life of an operation lies in the future, so whether it still runs is not known; gc and the repairs leave alone what it names",
    None,
    "set the clocks of both machines; or, if nobody works on it, its user removes the file from .jvs/intents",
)
INTENT_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "an intent cannot be read",
    "clean_intents",
    "sets it aside as `….unreadable`",
)
