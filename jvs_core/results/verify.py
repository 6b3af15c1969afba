"""What verifying snapshots and the audit log found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jvs_core.results.result import Result


class SnapshotReport(Result):
    """What verifying one snapshot found; ``code`` and ``message`` say what is wrong, None where nothing is.

    ``critical`` without ``tamper_detected``: something could not be read, so nothing is known of it.
    """

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
