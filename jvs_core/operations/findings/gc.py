"""Findings about what gc planned, removed, and left behind."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

GC_UNFINISHED = Kind(
    "W_GC_UNFINISHED",
    "warning",
    "a gc run was interrupted before it logged this removal",
    "clean_tmp",
    "undoes the removal: the snapshot is whole again. Or run the plan again",
)
GC_TRASH = Kind(
    "W_GC_TRASH",
    "warning",
    "a gc run was interrupted before it deleted all files of a snapshot that it removed",
    "clean_tmp",
    "deletes the rest",
)
GC_STRAY = Kind(
    "W_GC_STRAY",
    "warning",
    "a snapshot is in gc's trash without a tombstone",
    "clean_tmp",
    "moves it back to its place, if nothing else is there",
)
STUB_LOST = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "the descriptor of a thinned snapshot is missing, damaged or differs from the log",
    "clean_tmp",
    "writes it again from the tombstone, if the tombstone is sound",
)
TOMBSTONE_FOREIGN = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "the payload of a snapshot is missing; a tombstone says that gc removed it, but the log does not",
    None,
    "restore the snapshot from a backup, and remove the tombstone",
)
TOMBSTONE_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT", "error", "a tombstone cannot be read", None, "restore it from a backup"
)
PLAN_DAMAGED = Kind(
    "W_GC_PLAN_DAMAGED",
    "warning",
    "a gc plan cannot be read",
    "clean_tmp",
    "removes it; then make a new plan",
)
PLAN_OPEN = Kind(
    "W_GC_PLAN_OPEN", "info", "a gc plan older than 30 days was never run", "clean_tmp", "removes it"
)
