"""Verifying: descriptor, READY marker, manifest, every byte of the payload, lineage, refs and the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jvs_core.control import audit, catalog, journal, refs
from jvs_core.errors import (
    AuditChainBroken,
    JvsError,
    LineageBroken,
    PartialSnapshot,
    RefBroken,
    SnapshotNotFound,
)
from jvs_core.model import Descriptor
from jvs_core.operations import ledger as ledgers
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.operations.ledger import Ledger
from jvs_core.payload import manifest, reading
from jvs_core.payload.entry import FILE, Entry, text
from jvs_core.payload.index import Digests
from jvs_core.payload.tree import scan
from jvs_core.progress import Progress
from jvs_core.results import AuditReport, SnapshotReport, VerifyReport

_DAMAGED_SHOWN = 1000
Inodes = dict[tuple[int, int], Digests]


def verify(ctx: Context, snapshot_ids: Sequence[str] | None, progress: Progress) -> VerifyReport:
    """Verify the snapshots ``snapshot_ids``, or with None every snapshot and the repository against its log.

    A damaged snapshot never stops the check of the others. Only the inodes of one snapshot before the current one
    are remembered, so memory does not grow with the number of snapshots.
    """
    ledger = ledgers.read(ctx.layout)
    every = snapshot_ids is None
    wanted = catalog.ids(ctx.layout) if snapshot_ids is None else list(snapshot_ids)
    reports: list[SnapshotReport] = []
    seen: Inodes = {}
    for snapshot_id in wanted:
        report, seen = _verify_one(ctx, snapshot_id, ledger, seen, progress)
        reports.append(report)
    if every:
        reports.extend(_missing(ctx, ledger, wanted))
    log = verify_log(ctx, ledger, refs_too=every)
    return VerifyReport(
        ok=log.ok and not any(report.tamper_detected for report in reports), snapshots=reports, audit=log
    )


def _verify_one(
    ctx: Context, snapshot_id: str, ledger: Ledger, seen: Inodes, progress: Progress
) -> tuple[SnapshotReport, Inodes]:
    try:
        descriptor = catalog.read(ctx.layout, snapshot_id)
    except SnapshotNotFound:
        raise
    except JvsError as error:
        return _damaged(snapshot_id, error.code, error.message, checksum=False, payload=False), seen
    if catalog.is_expired(ctx.layout, snapshot_id):
        return SnapshotReport(snapshot_id=snapshot_id, expired=True), seen
    try:
        _against_log(ctx, descriptor, ledger)
        _require_parent(ctx, descriptor)
        snapshot = stored.load(ctx.layout, snapshot_id)
        if manifest.root_hash(snapshot.entries) != descriptor.payload_root_hash.value:
            raise PartialSnapshot(f"the manifest of {snapshot_id} does not give its root hash")
        found, seen = _read_payload(snapshot, seen, progress)
    except JvsError as error:
        lineage = error.code in ("E_LINEAGE_BROKEN", "E_AUDIT_CHAIN_BROKEN")
        return _damaged(snapshot_id, error.code, error.message, checksum=True, payload=lineage), seen
    damaged, drifted = _hold_against(snapshot.entries, found)
    if damaged:
        message = f"{len(damaged)} paths are not as the manifest says"
        return (
            _damaged(
                snapshot_id, "E_PAYLOAD_HASH_MISMATCH", message, checksum=True, payload=False, paths=damaged
            ),
            seen,
        )
    if drifted:
        message = f"content is sound; times, owners or attributes of {len(drifted)} paths are not as kept"
        return (
            SnapshotReport(
                snapshot_id=snapshot_id, severity="warning", message=message, drifted_paths=_shown(drifted)
            ),
            seen,
        )
    return SnapshotReport(snapshot_id=snapshot_id), seen


def _read_payload(snapshot: stored.Stored, seen: Inodes, progress: Progress) -> tuple[list[Entry], Inodes]:
    found = scan(snapshot.payload, must_read=False)
    files = [position for position, entry in enumerate(found.entries) if entry.kind == FILE]
    progress.started("verify", len(files))
    unseen = [position for position in files if found.stamps[position][:2] not in seen]
    progress.advanced(len(files) - len(unseen))
    digests: list[Digests | None] = [None] * len(found.entries)
    for position, digest in zip(unseen, reading.read(found, unseen), strict=True):
        digests[position] = digest
    for position in files:
        if digests[position] is None:
            digests[position] = seen.get(found.stamps[position][:2])
    progress.finished("verify")
    inodes = {
        found.stamps[position][:2]: digest for position in files if (digest := digests[position]) is not None
    }
    return reading.filled(found, digests), inodes


def _hold_against(wanted: Iterable[Entry], found: Iterable[Entry]) -> tuple[list[bytes], list[bytes]]:
    """Return the paths whose content or form differ, and those of which only times, owner or attributes do."""
    present = {entry.path: entry for entry in found}
    damaged: list[bytes] = []
    drifted: list[bytes] = []
    for entry in wanted:
        other = present.pop(entry.path, None)
        if entry == other:
            continue
        if other is None or (entry.path and _form(entry) != _form(other)):
            damaged.append(entry.path)
        else:
            drifted.append(entry.path)
    return sorted([*damaged, *present]), drifted


def _form(entry: Entry) -> tuple[object, ...]:
    return entry.kind, entry.mode, entry.size, entry.target, entry.sha256


def _against_log(ctx: Context, descriptor: Descriptor, ledger: Ledger) -> None:
    logged = ledger.snapshots.get(descriptor.snapshot_id)
    if logged is None:
        pending, _ = journal.pending(ctx.layout)
        if any(intent.snapshot_id == descriptor.snapshot_id for intent in pending):
            return  # published, but a crash came before its audit record: doctor completes it
        raise AuditChainBroken(f"snapshot {descriptor.snapshot_id} is not in the audit log")
    assert descriptor.descriptor_checksum is not None
    if logged != (descriptor.descriptor_checksum.value, descriptor.payload_root_hash.value):
        raise AuditChainBroken(f"the descriptor of {descriptor.snapshot_id} is not the one that was logged")


def _require_parent(ctx: Context, descriptor: Descriptor) -> None:
    parent = descriptor.parent_snapshot_id
    if parent is not None and not catalog.exists(ctx.layout, parent):
        raise LineageBroken(f"the parent {parent} of {descriptor.snapshot_id} is missing")


def _missing(ctx: Context, ledger: Ledger, present: Iterable[str]) -> list[SnapshotReport]:
    gone = sorted(set(ledger.snapshots) - set(present) - ledger.removed)
    return [
        _damaged(
            snapshot_id,
            "E_PARTIAL_SNAPSHOT",
            "logged, but gone without gc",
            checksum=False,
            payload=ctx.layout.payload(snapshot_id).is_dir(),
        )
        for snapshot_id in gone
    ]


def verify_log(ctx: Context, ledger: Ledger, *, refs_too: bool) -> AuditReport:
    """Walk the log's chain to its head; with ``refs_too`` hold the refs against it."""
    records = 0
    previous = ""
    try:
        for line in audit.lines(ctx.layout):
            record = audit.parse_line(line)
            records += 1
            if record.seq != records or record.prev_hash != previous:
                return AuditReport(
                    ok=False, records=records, error=f"E_AUDIT_CHAIN_BROKEN: break at record {records}"
                )
            previous = record.record_hash
        head = audit.read_head(ctx.layout)
        if records < head["seq"] or (records == head["seq"] and previous != head["head_hash"]):
            return AuditReport(
                ok=False, records=records, error="E_AUDIT_CHAIN_BROKEN: the end of the log is cut off"
            )
        if refs_too:
            _refs_against_log(ctx, ledger)
    except JvsError as error:
        return AuditReport(ok=False, records=records, error=f"{error.code}: {error.message}")
    return AuditReport(ok=True, records=records, error=None)


def _refs_against_log(ctx: Context, ledger: Ledger) -> None:
    present = {ref.name: ref.snapshot_id for ref in refs.read_all(ctx.layout)}
    for name in sorted(present.keys() | ledger.refs.keys()):
        if present.get(name) != ledger.refs.get(name):
            raise RefBroken(f"ref {name!r} names {present.get(name)}, the log says {ledger.refs.get(name)}")
        if not catalog.exists(ctx.layout, present[name]):
            raise RefBroken(f"ref {name!r} names {present[name]}, which does not exist")


def _damaged(
    snapshot_id: str, code: str, message: str, *, checksum: bool, payload: bool, paths: Sequence[bytes] = ()
) -> SnapshotReport:
    return SnapshotReport(
        snapshot_id=snapshot_id,
        checksum_valid=checksum,
        payload_hash_valid=payload,
        tamper_detected=True,
        severity="critical",
        damaged_paths=_shown(paths),
        code=code,
        message=message,
    )


def _shown(paths: Sequence[bytes]) -> list[str]:
    return [text(path) for path in paths[:_DAMAGED_SHOWN]]
