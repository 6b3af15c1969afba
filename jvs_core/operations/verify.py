"""Verifying: descriptor, READY marker, manifest, every byte of the payload, lineage, refs and the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jvs_core.control import catalog, journal
from jvs_core.errors import (
    AuditChainBroken,
    JvsError,
    LineageBroken,
    PartialSnapshot,
    SnapshotNotFound,
)
from jvs_core.model import Checkpoint, Descriptor
from jvs_core.operations import audit, cells, stored
from jvs_core.operations import ledger as ledgers
from jvs_core.operations.context import Context
from jvs_core.operations.ledger import Ledger
from jvs_core.payload import juicefs, manifest, pool
from jvs_core.payload.collector import held_back
from jvs_core.payload.entry import Entry, text
from jvs_core.payload.parser import Lines
from jvs_core.payload.shared import SharedFiles
from jvs_core.payload.threads import ahead
from jvs_core.payload.tree import Scan, scan
from jvs_core.progress import Progress
from jvs_core.results import SnapshotReport, VerifyReport

_DAMAGED_SHOWN = 1000


@dataclass(frozen=True)
class _Prepared:
    """A snapshot whose records agree, with its payload as a walk found it."""

    snapshot: stored.Stored
    found: Scan


def verify(
    ctx: Context,
    snapshot_ids: Sequence[str] | None,
    progress: Progress,
    *,
    since: Checkpoint | None = None,
    key: Path | None = None,
) -> VerifyReport:
    """Verify the snapshots ``snapshot_ids``, or with None every snapshot and the repository against its log.

    The log must extend the checkpoint ``since``, signed by the public key in the file ``key``. A damaged snapshot never
    stops the check of the others. A file that snapshots share is read once. Memory holds two snapshots, and of the
    files of earlier ones those that later ones share.
    """
    every = snapshot_ids is None
    log = audit.check(ctx, refs_too=every, since=since, key=key)
    wanted = catalog.ids(ctx.layout) if snapshot_ids is None else list(snapshot_ids)
    ledger = ledgers.read(
        ctx.layout
    )  # after the listing: what was published by then is in it, or has an intent
    reports: list[SnapshotReport] = []
    threads = juicefs.THREADS if juicefs.mount_at(ctx.layout.control) else 0
    lines: Lines = {}
    with pool.standby(0 if threads else _files(ctx, wanted[:1]), here=False) as waiting, held_back():
        shared = SharedFiles(threads=threads, waiting=waiting)
        for prepared in ahead([partial(_prepare, ctx, snapshot_id, ledger, lines) for snapshot_id in wanted]):
            try:
                found = prepared()
            except SnapshotNotFound:
                if not every:
                    raise
                continue  # gone since the listing: by gc, or it is reported as missing
            reports.append(found if isinstance(found, SnapshotReport) else _read(found, shared, progress))
    if every:
        reports.extend(_missing(ctx))
    return VerifyReport(
        ok=log.ok and not any(report.tamper_detected for report in reports), snapshots=reports, audit=log
    )


def _files(ctx: Context, snapshot_ids: Sequence[str]) -> int:
    """Return how many files the snapshots have, as far as that can be read."""
    try:
        return sum(catalog.read(ctx.layout, snapshot_id).files for snapshot_id in snapshot_ids)
    except JvsError:
        return 0


def _prepare(ctx: Context, snapshot_id: str, ledger: Ledger, lines: Lines) -> _Prepared | SnapshotReport:
    """Check all of a snapshot but the bytes of its files; return what is to be read, or what is wrong already."""
    try:
        descriptor = catalog.read(ctx.layout, snapshot_id)
    except SnapshotNotFound:
        raise
    except JvsError as error:
        return _damaged(snapshot_id, error.code, error.message, checksum=False, payload=False)
    if catalog.is_expired(ctx.layout, snapshot_id):
        return SnapshotReport(snapshot_id=snapshot_id, expired=True)
    try:
        _against_log(ctx, descriptor, ledger)
        _require_parent(ctx, descriptor)
        snapshot = stored.load(ctx.layout, snapshot_id, lines)
        cells.checked(ctx.layout, descriptor)
        if manifest.root_hash(snapshot.entries) != descriptor.payload_root_hash.value:
            raise PartialSnapshot(f"the manifest of {snapshot_id} does not give its root hash")
        return _Prepared(snapshot, scan(snapshot.payload, must_read=False))
    except JvsError as error:
        if catalog.is_expired(ctx.layout, snapshot_id):  # gc took it meanwhile
            return SnapshotReport(snapshot_id=snapshot_id, expired=True)
        lineage = error.code in ("E_LINEAGE_BROKEN", "E_AUDIT_CHAIN_BROKEN")
        return _damaged(snapshot_id, error.code, error.message, checksum=True, payload=lineage)


def _read(prepared: _Prepared, shared: SharedFiles, progress: Progress) -> SnapshotReport:
    """Read the files of a snapshot and hold the whole tree against its manifest."""
    snapshot_id = prepared.snapshot.descriptor.snapshot_id
    try:
        found = shared.read(prepared.found, progress)
    except JvsError as error:
        return _damaged(snapshot_id, error.code, error.message, checksum=True, payload=False)
    damaged, drifted = _hold_against(prepared.snapshot.entries, found)
    if damaged:
        message = f"{len(damaged)} paths are not as the manifest says"
        return _damaged(
            snapshot_id, "E_PAYLOAD_HASH_MISMATCH", message, checksum=True, payload=False, paths=damaged
        )
    if drifted:
        message = f"content is sound; times, owners or attributes of {len(drifted)} paths are not as kept"
        return SnapshotReport(
            snapshot_id=snapshot_id, severity="warning", message=message, drifted_paths=_shown(drifted)
        )
    return SnapshotReport(snapshot_id=snapshot_id)


def _hold_against(wanted: Sequence[Entry], found: Sequence[Entry]) -> tuple[list[bytes], list[bytes]]:
    """Return the paths whose content or form differ, and those of which only times, owner or attributes do."""
    if len(wanted) == len(found):
        differing = [(entry, other) for entry, other in zip(wanted, found, strict=True) if entry != other]
        wanted, found = [entry for entry, _ in differing], [other for _, other in differing]
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
        if any(intent.snapshot_id == descriptor.snapshot_id for intent in journal.pending(ctx.layout)[0]):
            return  # being published, or a crash came before its audit record: doctor completes it
        logged = ledgers.read(ctx.layout).snapshots.get(
            descriptor.snapshot_id
        )  # completed since it was listed
    if logged is None:
        raise AuditChainBroken(f"snapshot {descriptor.snapshot_id} is not in the audit log")
    assert descriptor.descriptor_checksum is not None
    if logged != (descriptor.descriptor_checksum.value, descriptor.payload_root_hash.value):
        raise AuditChainBroken(f"the descriptor of {descriptor.snapshot_id} is not the one that was logged")


def _require_parent(ctx: Context, descriptor: Descriptor) -> None:
    parent = descriptor.parent_snapshot_id
    if parent is not None and not catalog.exists(ctx.layout, parent):
        raise LineageBroken(f"the parent {parent} of {descriptor.snapshot_id} is missing")


def _missing(ctx: Context) -> list[SnapshotReport]:
    ledger = ledgers.read(ctx.layout)  # once more: gc may have run meanwhile
    gone = sorted(set(ledger.snapshots) - set(catalog.ids(ctx.layout)) - ledger.removed)
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
