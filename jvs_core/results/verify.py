"""What verifying snapshots and the audit log found."""

from __future__ import annotations

from typing import Literal

from jvs_core.results.result import Result
from jvs_core.validated import Field


class SnapshotReport(Result):
    """The result of verifying one snapshot; ``code`` and ``message`` say what is wrong, None if nothing is.

    If it is ``critical`` without ``tamper_detected``, something could not be read, so JVS knows nothing about
    it.
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
    """The result of verifying the audit log."""

    ok: bool
    records: int
    error: str | None


class VerifyReport(Result):
    """The result of verifying: the snapshots in the order of their ids, and the log."""

    ok: bool
    snapshots: list[SnapshotReport]
    audit: AuditReport


class ShareRead(Result):
    """One of the shares, and when it was last read.

    The time is when all snapshots that have the share had it read last, as far as JVS remembers; None if not
    all had it read. ``never_read`` counts the snapshots whose part of the share was never read.
    """

    share: int
    last_read_at: str | None
    never_read: int


class Subset(Result):
    """Which share of all contents was read now, and when each share was last read.

    ``files`` counts the files of all snapshots, ``files_read`` those whose content belongs to this share.
    ``last_read`` has, for each snapshot, the time since when all of it has been read; None if some of it was
    never read. ``remembered`` is false if JVS could not write this down.
    """

    share: int
    of: int
    files: int
    files_read: int
    shares: list[ShareRead]
    last_read: dict[str, str | None]
    remembered: bool


class SubsetReport(VerifyReport):
    """The result of verifying if only a share of the contents was read."""

    subset: Subset
