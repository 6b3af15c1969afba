"""Verifying: descriptor, READY marker, manifest, every byte of the payload, lineage, refs and the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jvs_core.control import catalog
from jvs_core.control.audit import ledger as ledgers
from jvs_core.control.audit.ledger import Ledger
from jvs_core.control.records import tombstones
from jvs_core.errors import (
    AuditChainBroken,
    IntegrityError,
    JvsError,
    LineageBroken,
    PartialSnapshot,
    PayloadHashMismatch,
    SnapshotExpired,
    SnapshotNotFound,
    UnsupportedFile,
)
from jvs_core.faults import DENIED
from jvs_core.model import Checkpoint, Descriptor
from jvs_core.operations import cells, damage, stored, subsets
from jvs_core.operations.at_rest import at_rest, own_intents
from jvs_core.operations.context import Context
from jvs_core.operations.log import report as audit
from jvs_core.payload import manifest
from jvs_core.payload.check.comparison import Comparison
from jvs_core.payload.check.evidence import Share
from jvs_core.payload.check.inspection import Inspection
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import text
from jvs_core.payload.tree.faults import EXHAUSTED
from jvs_core.payload.tree.packed import worth
from jvs_core.payload.work import pool
from jvs_core.payload.work.collector import held_back
from jvs_core.payload.work.threads import ahead
from jvs_core.progress import Progress
from jvs_core.results import SnapshotReport, VerifyReport
from jvs_core.wording import counted

_DAMAGED_SHOWN = 1000


@dataclass(frozen=True)
class _Prepared:
    """A snapshot whose records agree, and the lines of its manifest; None where they are very many, and not to wait in memory."""

    descriptor: Descriptor
    lines: Sequence[bytes] | None


def verify(
    ctx: Context,
    snapshot_ids: Sequence[str] | None,
    progress: Progress,
    *,
    since: Checkpoint | None = None,
    key: Path | None = None,
    subset: str | None = None,
) -> VerifyReport:
    """Verify the snapshots ``snapshot_ids``, or with None every snapshot and the repository against its log.

    The log must extend the checkpoint ``since``, signed by the public key in the file ``key``. A damaged snapshot never
    stops the check of the others, and is remembered where the caller may write. Of a ``subset`` of all contents (see
    ``subsets``) only those are read. A file that snapshots share is read once. Memory holds two manifests, and the lines of
    those files of earlier ones that have several names.

    Raises EngineFailed when the work itself fails (a process of it was killed, say), which says nothing about a snapshot.
    """
    every = snapshot_ids is None
    share = None if subset is None else subsets.share_of(ctx, subset)
    log = audit.check(ctx, refs_too=every, since=since, key=key)
    wanted = catalog.ids(ctx.layout) if snapshot_ids is None else list(snapshot_ids)
    ledger = ledgers.read(
        ctx.layout
    )  # after the listing: what was published by then is in it, or has an intent
    reports: list[SnapshotReport] = []
    counts = subsets.Counts()
    threads = juicefs.THREADS if juicefs.mount_at(ctx.layout.control) else 0
    with pool.standby(0 if threads else _files(ctx, wanted[:1]), here=False) as waiting, held_back():
        inspection = Inspection(threads=threads, waiting=waiting, share=share)
        preparing = [partial(_prepare, ctx, snapshot_id, ledger) for snapshot_id in wanted]
        for number, (snapshot_id, prepared) in enumerate(zip(wanted, ahead(preparing), strict=True), 1):
            try:
                found = prepared()
                if isinstance(found, _Prepared) and found.lines is None:
                    found = _prepare(ctx, snapshot_id, ledger, any_size=True)
                if isinstance(found, _Prepared):
                    last = number == len(wanted)
                    found = _inspect(ctx, found, ledger, inspection, progress, counts, remember=not last)
            except SnapshotNotFound:
                if not every:
                    raise
                continue  # gone since the listing: by gc, or it is reported as missing
            reports.append(found)
    if every:
        reports.extend(_missing(ctx))
    damage.note(ctx, reports, whole=share is None)
    answer = VerifyReport(
        ok=log.ok and not any(report.severity == "critical" for report in reports),
        snapshots=reports,
        audit=log,
    )
    if share is not None:
        return subsets.report(ctx, answer, share, counts)
    subsets.remember(ctx, Share(1, 1), reports)
    return answer


def _files(ctx: Context, snapshot_ids: Sequence[str]) -> int:
    """Return how many files the snapshots have, as far as that can be read."""
    try:
        return sum(catalog.read(ctx.layout, snapshot_id).files for snapshot_id in snapshot_ids)
    except JvsError:
        return 0


def _prepare(
    ctx: Context, snapshot_id: str, ledger: Ledger, *, any_size: bool = False
) -> _Prepared | SnapshotReport:
    """Check the records of a snapshot; return what its payload is to be compared with, or what is wrong already."""
    try:
        descriptor = catalog.read(ctx.layout, snapshot_id)
    except SnapshotNotFound:
        raise
    except JvsError as error:
        _require_about_it(error)
        return _unread(snapshot_id, error, checksum=False)
    if catalog.is_expired(ctx.layout, snapshot_id):
        return _thinned(ctx, descriptor, ledger)
    try:
        _against_log(ctx, descriptor, ledger)
        _require_parent(ctx, descriptor)
        stored.require_agreement(descriptor, catalog.read_ready(ctx.layout, snapshot_id))
        waits = worth(descriptor.files) and not any_size
        lines = None if waits else manifest.held_lines(stored.lines(ctx.layout, descriptor))
        cells.checked(ctx.layout, descriptor)
        return _Prepared(descriptor, lines)
    except (LineageBroken, AuditChainBroken) as error:
        return _still(ctx, ledger, _damaged(snapshot_id, error.code, error.message, payload=True))
    except JvsError as error:
        _require_about_it(error)
        return _still(ctx, ledger, _unread(snapshot_id, error))


def _thinned(ctx: Context, descriptor: Descriptor, ledger: Ledger) -> SnapshotReport:
    """Report on a snapshot with a tombstone: its descriptor is the one logged, and the log says that gc removed it."""
    snapshot_id = descriptor.snapshot_id
    try:
        tombstones.TOMBSTONES.find(ctx.layout, snapshot_id)
        _against_log(ctx, descriptor, ledger)
        if not _is_removed(ctx, snapshot_id, ledger):
            if not ctx.layout.snapshot(snapshot_id).is_dir() and not ctx.layout.trash(snapshot_id).is_dir():
                raise PartialSnapshot("it has a tombstone, but the log does not say that gc removed it")
            return SnapshotReport(
                snapshot_id=snapshot_id,
                expired=True,
                severity="warning",
                message="gc did not complete its removal; jvs doctor can undo the removal",
            )
    except JvsError as error:
        _require_about_it(error)
        return _damaged(snapshot_id, error.code, error.message)
    return SnapshotReport(snapshot_id=snapshot_id, expired=True)


def _is_removed(ctx: Context, snapshot_id: str, ledger: Ledger) -> bool:
    """Return whether the log says that gc removed a snapshot, by now."""
    if snapshot_id in ledger.removed:
        return True
    with at_rest(ctx):
        return snapshot_id in ledgers.read(ctx.layout).removed


def _require_about_it(error: JvsError) -> None:
    """Raise an error that says nothing about a snapshot: that this process has no more descriptors, say."""
    if isinstance(error.__cause__, OSError) and error.__cause__.errno in EXHAUSTED:
        raise error


def _inspect(
    ctx: Context,
    prepared: _Prepared,
    ledger: Ledger,
    inspection: Inspection,
    progress: Progress,
    counts: subsets.Counts,
    *,
    remember: bool,
) -> SnapshotReport:
    """Compare the whole payload of a snapshot with its manifest."""
    taken = prepared.descriptor
    assert prepared.lines is not None
    snapshot_id = taken.snapshot_id
    try:
        found = inspection.inspect(
            ctx.layout.payload(snapshot_id),
            prepared.lines,
            files=taken.files,
            size=taken.bytes,
            progress=progress,
            remember=remember,
        )
        counts.add(taken.files, found.unread)
        if not found.sound:
            # Where a line is malformed, it is the manifest that is damaged.
            stored.load(ctx.layout, snapshot_id)
        if found.root_hash not in ("", taken.payload_root_hash.value):
            raise PartialSnapshot(f"the manifest of {snapshot_id} does not match its root hash")
    except (IntegrityError, SnapshotExpired) as error:
        return _still(ctx, ledger, _unread(snapshot_id, error))
    if found.wrong:
        return _still(ctx, ledger, _wrong(snapshot_id, found))
    if found.drifted:
        message = (
            f"the content is right, but modes, times, owners or attributes of {counted(len(found.drifted), 'path')} changed: "
            "jvs doctor --repair payload_modes"
        )
        return SnapshotReport(
            snapshot_id=snapshot_id,
            severity="warning",
            message=message,
            drifted_paths=_shown(found.drifted),
        )
    return SnapshotReport(snapshot_id=snapshot_id)


def _wrong(snapshot_id: str, found: Comparison) -> SnapshotReport:
    """Report damage; what could only not be read is told by its own error, and is no sign that anybody changed it."""
    if not found.damaged:
        error = next(iter(found.unreadable.values()))
        return _damaged(snapshot_id, error.code, error.message, paths=found.wrong, tampered=False)
    message = f"{counted(len(found.damaged), 'path differs', 'paths differ')} from the manifest"
    if found.unreadable:
        message += f", {len(found.unreadable)} cannot be read"
    return _damaged(snapshot_id, PayloadHashMismatch.code, message, paths=found.wrong)


def _still(ctx: Context, ledger: Ledger, report: SnapshotReport) -> SnapshotReport:
    """Return a report of damage, unless gc took the snapshot meanwhile. Raises SnapshotNotFound when nothing is left of it."""
    if catalog.is_expired(ctx.layout, report.snapshot_id) and _is_removed(ctx, report.snapshot_id, ledger):
        return SnapshotReport(snapshot_id=report.snapshot_id, expired=True)
    if not catalog.exists(ctx.layout, report.snapshot_id):
        raise SnapshotNotFound(f"no snapshot {report.snapshot_id}")
    return report


def _unread(snapshot_id: str, error: JvsError, *, checksum: bool = True) -> SnapshotReport:
    """Report what could not be read; what this user may not read is no sign that anybody changed it."""
    if isinstance(error.__cause__, OSError) and error.__cause__.errno in DENIED:
        return _damaged(snapshot_id, UnsupportedFile.code, error.message, checksum=checksum, tampered=False)
    return _damaged(snapshot_id, error.code, error.message, checksum=checksum)


def _against_log(ctx: Context, descriptor: Descriptor, ledger: Ledger) -> None:
    logged = ledger.snapshots.get(descriptor.snapshot_id)
    if logged is None:
        if any(intent.snapshot_id == descriptor.snapshot_id for intent in own_intents(ctx)):
            return  # a crash came before its audit record: doctor completes it
        with at_rest(ctx):
            logged = ledgers.read(ctx.layout).snapshots.get(descriptor.snapshot_id)  # published by now
    if logged is None:
        raise AuditChainBroken(f"snapshot {descriptor.snapshot_id} is not in the audit log")
    assert descriptor.descriptor_checksum is not None
    if logged != (descriptor.descriptor_checksum.value, descriptor.payload_root_hash.value):
        raise AuditChainBroken(f"the descriptor of {descriptor.snapshot_id} differs from the log")


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
            "in the log, but missing, and gc did not remove it",
            checksum=False,
            payload=ctx.layout.payload(snapshot_id).is_dir(),
        )
        for snapshot_id in gone
    ]


def _damaged(
    snapshot_id: str,
    code: str,
    message: str,
    *,
    checksum: bool = True,
    payload: bool = False,
    paths: Sequence[bytes] = (),
    tampered: bool = True,
) -> SnapshotReport:
    return SnapshotReport(
        snapshot_id=snapshot_id,
        checksum_valid=checksum,
        payload_hash_valid=payload,
        tamper_detected=tampered,
        severity="critical",
        damaged_paths=_shown(paths),
        code=code,
        message=message,
    )


def _shown(paths: Sequence[bytes]) -> list[str]:
    return [text(path) for path in paths[:_DAMAGED_SHOWN]]
