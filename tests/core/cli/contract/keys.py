"""The keys of each JSON answer, as the contract lists them; ``MORE`` are those that JVS adds to it."""

from __future__ import annotations

from typing import Any

CHANGES = "added modified removed"
DESCRIPTOR = (
    "snapshot_id worktree_id worktree parent_snapshot_id created_at note tags engine requested_engine "
    "consistency_level fencing_token holder_id files bytes degraded payload_root_hash descriptor_checksum "
    "integrity_state schema"
)
LOCK = (
    "lock_id worktree worktree_id holder_id session_id purpose acquired_at last_renewed_at lease_expires_at "
    "lease_duration_ms renew_interval_ms max_clock_skew_ms steal_grace_ms fencing_token"
)
KEYS = {
    "init": "repo_root repo_id format_version main_path snapshot_engine",
    "info": "repo_root repo_id format_version snapshot_engine default_isolation default_consistency "
    "lease_duration_ms renew_interval_ms max_clock_skew_ms total_snapshots total_worktrees",
    "status": f"worktree path head_snapshot_id lock_state clean {CHANGES}",
    "snapshot": DESCRIPTOR,
    "unchanged": "created head_snapshot_id",
    "annotate": f"{DESCRIPTOR} annotations",
    "show": f"{DESCRIPTOR} refs path",
    "entry": "path type mode size mtime sha256",
    "found": "path versions in_worktree",
    "version": "snapshot_id size sha256",
    "compare": f"from to {CHANGES} renamed",
    "restore": "snapshot_id worktree path",
    "restore path": "snapshot_id path",
    "in place": f"snapshot_id worktree path pre_restore_snapshot_id {CHANGES}",
    "lock": LOCK,
    "lock status": "state lock",
    "worktree create": "worktree path base_snapshot_id",
    "worktree": "name path head_snapshot_id base_snapshot_id isolation lock_state",
    "verify": "ok snapshots audit",
    "verified": "snapshot_id checksum_valid payload_hash_valid tamper_detected severity damaged_paths",
    "verified log": "ok records error",
    "doctor": "healthy findings",
    "finding": "code severity target message repair",
    "gc plan": "plan_id candidate_count candidates protected_by_pin protected_by_lineage protected_by_ref kept "
    "deletable_bytes_estimate",
    "gc run": "plan_id deleted failed reclaimed_bytes",
    "checkpoint": "origin seq head_hash created_at",
    "conformance": "profile passed failed results",
    "ref": "name snapshot_id note created_at created_by",
    "pin": "pin_id snapshot_id reason created_at created_by expires_at lineage",
}
MORE = {
    "snapshot": "manifest_hash kind",
    "annotate": "manifest_hash kind",
    "show": "manifest_hash kind",
    "verified": "drifted_paths expired code message",
    "found": "last_snapshot_id removed_in",
    "doctor": "repaired",
    "gc plan": "notes",
    "gc run": "notes",
}


def require(value: Any, name: str) -> Any:
    """Make sure that an answer has exactly the keys of its kind, and return it."""
    assert set(value) == set(f"{KEYS[name]} {MORE.get(name, '')}".split()), name
    return value
