"""Remembering what `verify` found damaged, so that nothing is copied from it until it is repaired."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from jvs_core.control import catalog, control_folders
from jvs_core.control.lock import critical
from jvs_core.control.records import damages
from jvs_core.control.records.damages import DAMAGES
from jvs_core.errors import JvsError, UnsupportedFile
from jvs_core.model import MOST_DAMAGED, Descriptor
from jvs_core.operations.context import Context
from jvs_core.operations.stored import Stored
from jvs_core.payload.tree.entry import FILE
from jvs_core.results import SnapshotReport

_WAIT_S = 5.0


def note(ctx: Context, reports: Sequence[SnapshotReport], *, whole: bool = True) -> None:
    """Remember which of the snapshots that were verified are damaged, and forget those that are whole.

    Where not the ``whole`` of them was read, nothing is forgotten, nor is damage known to be all there is.

    Only the payload and its manifest count: damage of a descriptor or the log shows anyway, and files that the caller
    may not read prove nothing. A caller who may not write to the repository remembers nothing.
    """
    with suppress(JvsError, OSError):
        known = set(DAMAGES.keys(ctx.layout))
        damaged = [report for report in reports if _is_damaged(ctx, report)]
        sound = [
            report.snapshot_id
            for report in reports
            if whole and report.severity != "critical" and report.snapshot_id in known
        ]
        if not damaged and not sound:
            return
        control_folders.complete(ctx.layout)
        with critical.exclusive(ctx.layout.repository_lock, wait_s=_WAIT_S, mode=ctx.layout.lock_mode):
            for snapshot_id in sound:
                DAMAGES.remove(ctx.layout, snapshot_id, missing_ok=True)
            for report in damaged:
                paths = [path.encode("utf-8", "surrogateescape") for path in report.damaged_paths]
                damages.remember(
                    ctx.layout,
                    report.snapshot_id,
                    by=ctx.settings.holder_id,
                    code=str(report.code),
                    paths=paths,
                    complete=whole and 0 < len(paths) < MOST_DAMAGED,
                )


def _is_damaged(ctx: Context, report: SnapshotReport) -> bool:
    return (
        report.severity == "critical"
        and report.checksum_valid
        and not report.payload_hash_valid
        and report.code != UnsupportedFile.code
        and not catalog.is_expired(ctx.layout, report.snapshot_id)
    )


def possibly_damaged(ctx: Context, head: Descriptor) -> frozenset[bytes] | None:
    """Return the paths that may be damaged in ``head`` too; None where that may be any path.

    Snapshots share files under the same path, so what is damaged in one may be in the next, which nobody verified yet.
    A snapshot that was made after the damage was remembered shares nothing of it.
    """
    found, broken = DAMAGES.readable(ctx.layout)
    if broken:
        return None
    for record in found:
        older = head.created_at <= record.found_at
        if not record.complete and (older or record.snapshot_id == head.snapshot_id):
            return None
    return frozenset(path for record in found for path in damages.paths_of(record))


def require_whole(ctx: Context, stored: Stored) -> None:
    """Read again what is remembered as damaged, before a snapshot is restored as a whole.

    Raises PayloadHashMismatch where it is not as the manifest says.
    """
    snapshot_id = stored.descriptor.snapshot_id
    if not DAMAGES.exists(ctx.layout, snapshot_id):
        return
    try:
        record = DAMAGES.find(ctx.layout, snapshot_id)
    except JvsError:
        record = None
    paths = set(damages.paths_of(record)) if record is not None and record.complete else None
    stored.require_whole(
        [entry for entry in stored.entries if entry.kind == FILE and (paths is None or entry.path in paths)]
    )
