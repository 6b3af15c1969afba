"""Checks of the audit log, and of the repository against a sound log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from jvs_core.control import catalog
from jvs_core.control.audit.ledger import Ledger
from jvs_core.errors import JvsError
from jvs_core.operations import findings, leftovers
from jvs_core.operations.context import Context
from jvs_core.operations.gc import aftermath
from jvs_core.operations.log import lost
from jvs_core.results import AuditReport, Finding


def chain(report: AuditReport) -> Iterator[Finding]:
    """Yield the damage of the log, if any."""
    if not report.ok:
        yield findings.AUDIT_BROKEN.at(".jvs/audit", report.error or "")


def against(ctx: Context, ledger: Ledger) -> Iterator[Finding]:
    """Yield what differs from the log, which must be sound: a gap in a damaged log proves nothing."""
    for snapshot_id, _ in leftovers.unfinished(ctx, ledger):
        yield findings.SNAPSHOT_UNFINISHED.at(snapshot_id, f"snapshot {snapshot_id} was not completed")
    for snapshot_id in leftovers.foreign(ctx, ledger):
        yield findings.SNAPSHOT_FOREIGN.at(
            snapshot_id, f"snapshot {snapshot_id} is neither in the log nor in an intent"
        )
    for snapshot_id in catalog.ids(ctx.layout):
        if catalog.is_expired(ctx.layout, snapshot_id):
            continue  # gc's: what it left is checked against the log with its tombstone
        with suppress(JvsError, OSError):
            checksum = catalog.read(ctx.layout, snapshot_id).descriptor_checksum
            logged = ledger.snapshots.get(snapshot_id)
            if logged is not None and checksum is not None and checksum.value != logged[0]:
                yield findings.DESCRIPTOR_FOREIGN.at(
                    snapshot_id, f"the descriptor of {snapshot_id} differs from the log"
                )
    for snapshot_id in aftermath.unexplained(ctx, ledger):
        yield findings.TOMBSTONE_FOREIGN.at(
            snapshot_id,
            f"the payload of {snapshot_id} is missing, and the log does not say that gc removed it",
        )
    for loss in lost.find(ctx, ledger):
        yield loss.kind.at(loss.target, loss.message)
