"""Answers of the operations, one class each, whose ``to_json()`` is the contract's JSON.

Paths inside a payload are text with other bytes as ``\\udc80`` to ``\\udcff`` escapes. Sizes are bytes.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jvs_core.model import Descriptor, LeaseRecord


class Result(BaseModel):
    """A frozen answer."""

    model_config = ConfigDict(frozen=True, defer_build=True, populate_by_name=True, serialize_by_alias=True)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain JSON values."""
        return self.model_dump()


class _Made(Result):
    """Files that were brought somewhere; ``degraded``, which is not in the JSON, says in words what got lost."""

    degraded: tuple[str, ...] = Field(default=(), exclude=True)


class Initialized(_Made):
    """A new repository."""

    repo_root: str
    repo_id: str
    format_version: int
    main_path: str
    snapshot_engine: str


class RepositoryInfo(Result):
    """What a repository is and how it is set."""

    repo_root: str
    repo_id: str
    format_version: int
    snapshot_engine: str
    default_isolation: str
    default_consistency: str
    lease_duration_ms: int
    renew_interval_ms: int
    max_clock_skew_ms: int
    total_snapshots: int
    total_worktrees: int


class Changes(Result):
    """Paths that are new, different or gone, each list sorted."""

    added: list[str]
    modified: list[str]
    removed: list[str]

    @property
    def any(self) -> bool:
        """Whether there is any change."""
        return bool(self.added or self.modified or self.removed)


class Unfinished(Result):
    """An in-place restore or undo that stands unfinished: ``under_way``, or cut short.

    Of the ``total`` paths that it changes, ``restored`` are as it wants them, both None where that cannot be told. ``own`` says whether the caller began it.
    """

    operation: Literal["restore", "undo"]
    snapshot_id: str
    holder_id: str
    started_at: str
    under_way: bool
    own: bool
    restored: int | None
    total: int | None


class Status(Result):
    """A worktree against its head, and the in-place restore that stands ``unfinished`` there, if any."""

    worktree: str
    path: str
    head_snapshot_id: str | None
    lock_state: Literal["free", "held", "expired"]
    clean: bool
    added: list[str]
    modified: list[str]
    removed: list[str]
    unfinished: Unfinished | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the status; ``unfinished`` only where something is."""
        return self.model_dump(exclude=None if self.unfinished else {"unfinished"})


class Comparison(Result):
    """Two snapshots, or a snapshot and a worktree, whose name is then in ``to``."""

    from_: str = Field(alias="from")
    to: str
    added: list[str]
    modified: list[str]
    removed: list[str]


class SnapshotDetails(Result):
    """One snapshot in full."""

    descriptor: Descriptor
    refs: list[str]
    path: str
    expired: bool

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor's fields with ``refs`` and ``path`` beside them."""
        shown = {**self.descriptor.to_json(), "refs": self.refs, "path": self.path}
        return {**shown, "expired": True} if self.expired else shown


class HistoryItem(Result):
    """One snapshot in a history."""

    descriptor: Descriptor
    refs: list[str]
    expired: bool

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor, with ``expired`` where retention removed the payload."""
        shown = self.descriptor.to_json()
        return {**shown, "expired": True} if self.expired else shown


class TreeEntry(Result):
    """One entry of a snapshot's payload; ``mode`` is octal text, ``sha256`` None for all but regular files."""

    path: str
    type: Literal["file", "directory", "symlink", "fifo"]
    mode: str
    size: int
    mtime: str
    sha256: str | None
    target: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry; ``target`` only for symbolic links."""
        shown = self.model_dump()
        if self.target is None:
            del shown["target"]
        return shown


class Restored(_Made):
    """A snapshot put back as a new worktree."""

    snapshot_id: str
    worktree: str
    path: str


class Extracted(_Made):
    """A file or folder copied out of a snapshot."""

    snapshot_id: str
    path: str


class RestoredInPlace(_Made):
    """A worktree made equal to a snapshot, and the snapshot that holds what it was."""

    snapshot_id: str
    worktree: str
    path: str
    pre_restore_snapshot_id: str | None
    added: list[str]
    modified: list[str]
    removed: list[str]


class LockStatus(Result):
    """The state of a worktree's lock, with its record unless it is free."""

    state: Literal["free", "held", "expired"]
    lock: LeaseRecord | None

    def to_json(self) -> dict[str, Any]:
        """Return state and lock record, without the holder's secret."""
        return {"state": self.state, "lock": self.lock.to_json() if self.lock else None}


class WorktreeCreated(_Made):
    """A new worktree."""

    worktree: str
    path: str
    base_snapshot_id: str | None


class WorktreeInfo(Result):
    """One worktree in a listing."""

    name: str
    path: str
    head_snapshot_id: str | None
    base_snapshot_id: str | None
    isolation: str
    lock_state: Literal["free", "held", "expired"]
    labels: dict[str, str] = Field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the worktree; ``labels`` only where it has any."""
        return self.model_dump(exclude=None if self.labels else {"labels"})


class SnapshotReport(Result):
    """What verifying one snapshot found; ``code`` and ``message`` say what is wrong, None where nothing is."""

    snapshot_id: str
    checksum_valid: bool = True
    payload_hash_valid: bool = True
    tamper_detected: bool = False
    severity: Literal["none", "warning", "critical"] = "none"
    damaged_paths: list[str] = Field(default_factory=list)
    drifted_paths: list[str] = Field(default_factory=list)
    expired: bool = False
    code: str | None = None
    message: str | None = None


class AuditReport(Result):
    """What verifying the audit log found."""

    ok: bool
    records: int
    error: str | None


class VerifyReport(Result):
    """What verifying found: snapshots in the order of their ids, and the log."""

    ok: bool
    snapshots: list[SnapshotReport]
    audit: AuditReport


class GcCandidate(Result):
    """A snapshot that gc would remove, and the bytes that its removal gives back after those listed before it."""

    snapshot_id: str
    bytes: int


class GcKept(Result):
    """A snapshot that gc leaves alone, and why."""

    snapshot_id: str
    reasons: list[str]


class GcPlan(Result):
    """What a gc run would remove and keep, newest first; snapshots thinned out before are in neither list.

    ``protected_by_…`` are numbers of snapshots. ``notes`` say what the estimate leaves out.
    """

    plan_id: str
    candidate_count: int
    candidates: list[GcCandidate]
    protected_by_pin: int
    protected_by_lineage: int
    protected_by_ref: int
    kept: list[GcKept]
    deletable_bytes_estimate: int
    notes: list[str]


class GcFailure(Result):
    """A candidate that was not removed, and why: ``CODE: message``."""

    snapshot_id: str
    error: str


class GcRun(Result):
    """What a gc run removed. ``notes`` say where ``reclaimed_bytes`` is an estimate and what is still held."""

    plan_id: str
    deleted: list[str]
    failed: list[GcFailure]
    reclaimed_bytes: int
    notes: list[str]


class Finding(Result):
    """Something that is not as it should be, and the repair that mends it, None where only a person can.

    ``action``, which is not in the JSON, says what the repair does, or what a person can do.
    """

    code: str
    severity: Literal["error", "warning", "info"]
    target: str
    message: str
    repair: str | None
    action: str = Field(default="", exclude=True)


class DoctorReport(Result):
    """What the doctor found, after the repairs asked for."""

    healthy: bool
    findings: list[Finding]
    repaired: list[str] = Field(default_factory=list)


class RequirementResult(Result):
    """One requirement held against a file system; ``reason`` says why it failed or was skipped."""

    id: str
    title: str
    status: Literal["PASS", "FAIL", "SKIP"]
    reason: str | None
    facts: dict[str, Any]


class ConformanceReport(Result):
    """All requirements of a profile; ``passed`` and ``failed`` count them."""

    profile: Literal["dev", "release"]
    passed: int
    failed: int
    results: list[RequirementResult]
