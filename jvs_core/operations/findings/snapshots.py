"""Findings about snapshots, their descriptors, their content and their annotations."""

from __future__ import annotations

from jvs_core.operations.findings.kind import Kind

SNAPSHOT_AHEAD = Kind(
    "W_SNAPSHOT_AHEAD",
    "warning",
    "a snapshot is from the future: the clock of its host was ahead. No retention rule counts it, and gc keeps it",
    None,
    "set the clock of that host; when the snapshot's time is reached, it counts like any other",
)
DESCRIPTOR_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "a descriptor or READY marker cannot be read or does not match its checksum",
    None,
    "restore it from a backup",
)
SNAPSHOT_PARTIAL = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "a snapshot lacks its READY marker, payload or manifest",
    None,
    "restore it from a backup",
)
SNAPSHOT_DAMAGED = Kind(
    "E_PAYLOAD_HASH_MISMATCH",
    "error",
    "`jvs verify` found a snapshot damaged",
    "heal",
    "reads it again, and repairs it from other snapshots and worktrees that hold the same content",
)
SNAPSHOT_UNHEALED = Kind(
    "E_PAYLOAD_HASH_MISMATCH",
    "error",
    "a snapshot is damaged, and no snapshot or worktree had everything needed to heal it",
    None,
    "put a file with that content into a worktree, then run `jvs doctor --repair heal`; or restore the snapshot from a backup",
)
DAMAGE_UNREADABLE = Kind(
    "W_DAMAGE_UNREADABLE",
    "warning",
    "the record of a snapshot's damage cannot be read; until it is repaired, new snapshots share nothing with older ones",
    "heal",
    "reads the snapshot again, heals it, and removes the record",
)
SNAPSHOT_LOST = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "a snapshot that the log knows is missing, and gc did not remove it",
    None,
    "restore it from a backup",
)
SNAPSHOT_FOREIGN = Kind(
    "E_AUDIT_CHAIN_BROKEN",
    "error",
    "a whole snapshot that neither the log nor an intent knows: somebody planted it, or took it while the repository was copied",
    None,
    "move it out of the repository; if it is yours, `jvs doctor --repair audit_repair` accepts it and moves no head",
)
DESCRIPTOR_FOREIGN = Kind(
    "E_AUDIT_CHAIN_BROKEN",
    "error",
    "a descriptor differs from the log",
    None,
    "restore it from a backup",
)
SNAPSHOT_UNKNOWN = Kind(
    "E_PARTIAL_SNAPSHOT",
    "error",
    "a snapshot folder without a descriptor",
    "set_aside",
    "moves it to `.jvs/aside`, and deletes nothing",
)
PARENT_MISSING = Kind(
    "E_LINEAGE_BROKEN", "error", "the parent of a snapshot is missing", None, "restore it from a backup"
)
CIRCLE = Kind(
    "E_LINEAGE_BROKEN",
    "error",
    "a snapshot is its own ancestor",
    None,
    "restore the descriptors from a backup",
)
SNAPSHOT_UNFINISHED = Kind(
    "W_SNAPSHOT_UNFINISHED",
    "warning",
    "a snapshot is complete, but a crash came before its descriptor, the head or the log was written",
    "advance_head",
    "writes what is missing: descriptor, head, log",
)
ANNOTATION_DAMAGED = Kind(
    "E_DESCRIPTOR_CORRUPT",
    "error",
    "an edit of a snapshot's note and tags cannot be read",
    "advance_head",
    "writes it from the log, and moves what was in its place to `.jvs/aside`",
)
ANNOTATION_FOREIGN = Kind(
    "E_ANNOTATION_FOREIGN",
    "error",
    "an edit of a snapshot's note and tags differs from the log: changed, missing or planted; gc refuses to work",
    "advance_head",
    "writes it from the log, and moves what is not in the log to `.jvs/aside`",
)
