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


class ShareRead(Result):
    """One of the shares: when all snapshots that have it had it read last, as far as is remembered; None where not all had.

    ``never_read`` counts the snapshots of which it was never read.
    """

    share: int
    last_read_at: str | None
    never_read: int


class Subset(Result):
    """Which share of all contents was read, and when each was last read.

    ``files`` counts those of all snapshots, ``files_read`` those of them whose content belongs to the share. ``last_read``
    has for each snapshot since when all of it has been read; None where some of it never was. ``remembered`` is false where
    this could not be written down.
    """

    share: int
    of: int
    files: int
    files_read: int
    shares: list[ShareRead]
    last_read: dict[str, str | None]
    remembered: bool


class SubsetReport(VerifyReport):
    """What verifying found when only a share of the contents was read."""

    subset: Subset
