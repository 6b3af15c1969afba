"""Publishing a snapshot: twelve steps, each of which may be the last.

Until step 9 nothing is visible and everything made is removed again on failure. From step 9 on every artefact and
the intent are kept, and ``doctor`` completes the snapshot from them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jvs_core import canonical, clock, files
from jvs_core.control import catalog, control_folders
from jvs_core.control.audit import ledger
from jvs_core.control.layout import CELLS
from jvs_core.control.lock import critical
from jvs_core.control.lock.lease import Lease
from jvs_core.control.records import journal, worktree
from jvs_core.errors import Conflict, FencingMismatch, JvsError, NotFound, WorktreeNotFound
from jvs_core.model import Descriptor, HashValue, Head, Intent, Ready, Worktree
from jvs_core.operations import cells, damage, locking, stored
from jvs_core.operations.context import Context, step
from jvs_core.payload import manifest
from jvs_core.payload.copy.captured import Capture, Consistency, PreviousSnapshot
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.payload.manifest.lines import path_of
from jvs_core.payload.tree.entry import printable
from jvs_core.payload.tree.walk import Scan
from jvs_core.progress import Progress


@dataclass(frozen=True)
class Request:
    """What a snapshot was asked to be; ``snapshot_id`` was reserved before, or is None."""

    note: str
    tags: tuple[str, ...]
    consistency: Consistency
    cells: bytes | None = None
    snapshot_id: str | None = None


def publish(
    ctx: Context,
    name: str,
    request: Request,
    lease: Lease,
    progress: Progress,
    *,
    found: Scan | None = None,
) -> Descriptor:
    """Run the twelve steps for worktree ``name`` under ``lease``; ``found`` is a scan of it made just now, if any."""
    with step(progress, "check"):
        record = ctx.worktree(name)
        locking.check(ctx, lease)
        engine = ctx.engine()
        if not ctx.layout.worktree(name).is_dir():
            raise WorktreeNotFound(f"the folder of worktree {name!r} is missing", hint="jvs doctor")
        control_folders.close(ctx.layout, ctx.layout.worktree(name))
    snapshot_id = request.snapshot_id or catalog.new_id()
    with step(progress, "intent"):
        intent = journal.begin(
            ctx.layout,
            ctx.settings,
            "snapshot",
            worktree=name,
            worktree_id=record.worktree_id,
            snapshot_id=snapshot_id,
            fencing_token=lease.token,
            parent_snapshot_id=record.head_snapshot_id,
            note=request.note,
        )
    temporary = ctx.layout.snapshots / f"{snapshot_id}{files.TEMPORARY_SUFFIX}"
    # What another writer fenced before the head moved is withdrawn; any other failure leaves all for the recovery.
    head: Head | None = None
    try:
        with journal.standing(ctx.layout, intent), files.watching(ctx.layout.snapshots) as sync:
            descriptor = _prepare(
                ctx, name, record, request, lease, engine, snapshot_id, found, sync, progress
            )
        with files.uninterrupted(), ctx.critical():
            with step(progress, "fence"):
                locking.check(ctx, lease)
                journal.require(ctx.layout, intent)
                _require_unmoved(ctx, name, record)
            with step(progress, "publish"):
                critical.require(ctx.layout.repository_lock)
                with journal.standing(ctx.layout, intent):
                    files.rename_new(temporary, ctx.layout.snapshot(snapshot_id))
                files.sync_folder(ctx.layout.snapshots)
                with step(progress, "catalog"):
                    _catalogue(ctx, descriptor)
                with step(progress, "head"):
                    locking.check(ctx, lease)
                    head = _move_head(ctx, name, record, descriptor)
                with step(progress, "audit"):
                    _log(ctx, name, descriptor, head)
                journal.complete(ctx.layout, intent)
    except BaseException as error:
        if head is None and isinstance(error, Conflict | NotFound):
            _withdraw(ctx, snapshot_id, intent)
        if not ctx.layout.snapshot(snapshot_id).exists():
            _discard(ctx, engine, snapshot_id, intent)
        journal.leave(ctx.layout, intent)
        raise
    return descriptor


def _prepare(
    ctx: Context,
    name: str,
    record: Worktree,
    request: Request,
    lease: Lease,
    engine: SnapshotEngine,
    snapshot_id: str,
    found: Scan | None,
    sync: Callable[[Sequence[Path]], None],
    progress: Progress,
) -> Descriptor:
    temporary = ctx.layout.snapshots / f"{snapshot_id}{files.TEMPORARY_SUFFIX}"
    payload = temporary / "payload"
    with step(progress, "clone"):
        files.make_folder(temporary, mode=ctx.layout.folder_mode, durable=False)
        capture = engine.capture(
            ctx.layout.worktree(name),
            payload,
            index=ctx.index(record.worktree_id),
            previous=_previous(ctx, record, engine),
            consistency=request.consistency,
            progress=progress,
            found=found,
        )
    with step(progress, "manifest", len(capture.entries)):
        written = manifest.write(temporary / "manifest", capture.entries, capture.lines)
        mode = _private_mode(ctx, name)
        if mode is not None:
            files.set_mode(temporary / "manifest", mode)
        root_hash = HashValue(value=manifest.root_hash(capture.entries))
        if request.cells is not None:
            files.write_new(temporary / CELLS, request.cells, mode=mode)
    with step(progress, "settle"):
        engine.settle(temporary)
    with step(progress, "descriptor"):
        descriptor = _describe(
            ctx, name, record, request, lease, snapshot_id, capture, root_hash, written.sha256
        )
        draft = ctx.layout.descriptors / f"{snapshot_id}.json{files.TEMPORARY_SUFFIX}"
        files.write_new(draft, catalog.encode(descriptor), mode=ctx.layout.file_mode, durable=False)
    with step(progress, "ready"):
        assert descriptor.descriptor_checksum is not None
        ready = Ready(
            snapshot_id=snapshot_id,
            created_at=descriptor.created_at,
            engine=descriptor.engine,
            descriptor_checksum=descriptor.descriptor_checksum,
            payload_root_hash=root_hash,
        )
        marker = temporary / ".READY"
        files.write_new(
            marker, canonical.dumps(ready.to_json()) + b"\n", mode=ctx.layout.file_mode, durable=False
        )
        sync([draft, draft.parent, marker, temporary])
    return descriptor


def recover(
    ctx: Context,
    name: str,
    record: Worktree | None,
    descriptor: Descriptor,
    progress: Progress,
    *,
    move_head: bool,
) -> None:
    """Carry out what a crash left of steps 10 to 12; the caller is in the critical section.

    ``record`` is the worktree, None where it is gone. A head that was moved already goes into the log.
    """
    with step(progress, "catalog"):
        _catalogue(ctx, descriptor)
    head = None
    with step(progress, "head"):
        if record is not None and move_head:
            head = _move_head(ctx, name, record, descriptor)
        elif record is not None and record.head_snapshot_id == descriptor.snapshot_id:
            head = record.head
    with step(progress, "audit"):
        _log(ctx, name, descriptor, head, recovered=True)


def _catalogue(ctx: Context, descriptor: Descriptor) -> None:
    final = ctx.layout.descriptor(descriptor.snapshot_id)
    critical.require(ctx.layout.repository_lock)
    if not final.exists():
        files.rename_durable(final.with_name(final.name + files.TEMPORARY_SUFFIX), final)


def _move_head(ctx: Context, name: str, record: Worktree, descriptor: Descriptor) -> Head:
    return worktree.move(
        ctx.layout,
        name,
        record,
        operation="snapshot",
        token=descriptor.fencing_token,
        snapshot_id=descriptor.snapshot_id,
        undo=record.undo,
    )


def _log(ctx: Context, name: str, descriptor: Descriptor, head: Head | None, **details: object) -> None:
    assert descriptor.descriptor_checksum is not None
    ctx.audit(
        "snapshot",
        worktree=name,
        worktree_id=descriptor.worktree_id,
        snapshot_id=descriptor.snapshot_id,
        fencing_token=descriptor.fencing_token,
        target=descriptor.snapshot_id,
        reason=descriptor.note or None,
        details={
            "descriptor_checksum": descriptor.descriptor_checksum.value,
            "payload_root_hash": descriptor.payload_root_hash.value,
            "parent_snapshot_id": descriptor.parent_snapshot_id,
            **({} if head is None else {"head": head.to_json()}),
            **details,
        },
    )


def _previous(ctx: Context, record: Worktree, engine: SnapshotEngine) -> PreviousSnapshot | None:
    head = record.head_snapshot_id
    if head is None or engine.name not in ("reflink-copy", "copy"):
        return None
    # A head that is damaged or thinned out shares nothing, and none what verify found damaged; the new snapshot is whole.
    try:
        descriptor = stored.descriptor_of(ctx.layout, head)
        doubtful = damage.doubtful(ctx, descriptor)
    except JvsError:
        return None
    if doubtful is None:
        return None

    def lines() -> Iterator[bytes]:
        try:
            found = stored.lines(ctx.layout, descriptor)
        except JvsError:
            return iter(())
        return (line for line in found if path_of(line) not in doubtful) if doubtful else found

    return PreviousSnapshot(ctx.layout.payload(head), descriptor.files, lines)


def _describe(
    ctx: Context,
    name: str,
    record: Worktree,
    request: Request,
    lease: Lease,
    snapshot_id: str,
    capture: Capture,
    root_hash: HashValue,
    manifest_sha256: str,
) -> Descriptor:
    file_count, byte_count = manifest.totals(capture.entries)
    changed = [f"changed while it was read: {printable(path)}" for path in capture.changed_meanwhile]
    descriptor = Descriptor(
        snapshot_id=snapshot_id,
        worktree_id=record.worktree_id,
        worktree=name,
        parent_snapshot_id=record.head_snapshot_id,
        created_at=clock.timestamp(int(snapshot_id[:13])),
        note=request.note,
        tags=request.tags,
        engine=capture.engine,
        requested_engine=ctx.requested_engine,
        consistency_level=request.consistency,
        fencing_token=lease.token,
        holder_id=lease.record.holder_id,
        files=file_count,
        bytes=byte_count,
        degraded=(*capture.degraded, *changed),
        payload_root_hash=root_hash,
        manifest_hash=HashValue(value=manifest_sha256),
        cells_hash=None if request.cells is None else cells.digest(request.cells),
        integrity_state="verified",
    )
    return descriptor.changed(descriptor_checksum=catalog.checksum(descriptor).model_dump())


def _private_mode(ctx: Context, name: str) -> int | None:
    """Return the mode of what tells what is in worktree ``name``: not for the group that cannot look into it."""
    mode = ctx.layout.file_mode
    if mode is not None and not os.stat(ctx.layout.worktree(name)).st_mode & stat.S_IRGRP:
        return mode & 0o700
    return mode


def _withdraw(ctx: Context, snapshot_id: str, intent: Intent) -> None:
    """Take back what was put in place of a snapshot that lost its head to another writer before the log knew it.

    In a critical section of its own, and only while the intent stands: others may have completed the snapshot meanwhile.
    A crash in between, or a failure, leaves the intent, and ``doctor`` completes the snapshot without moving a head.
    """
    final, place = ctx.layout.descriptor(snapshot_id), ctx.layout.snapshot(snapshot_id)
    if not place.exists():
        return
    with suppress(OSError, JvsError), files.uninterrupted(), ctx.critical():
        journal.require(ctx.layout, intent)
        if snapshot_id in ledger.read(ctx.layout).snapshots:
            return
        if final.exists():
            files.rename_durable(final, final.with_name(final.name + files.TEMPORARY_SUFFIX))
        files.rename_durable(place, place.with_name(place.name + files.TEMPORARY_SUFFIX))


def _require_unmoved(ctx: Context, name: str, record: Worktree) -> None:
    """Make sure, before anything is published, that the head which was seen is there still and can be followed."""
    now = ctx.worktree(name)
    worktree.require_room(name, now)
    if (now.worktree_id, now.head.number) != (record.worktree_id, record.head.number):
        raise FencingMismatch(
            f"the head of worktree {name!r} moved to {now.head_snapshot_id} while this snapshot was taken",
            hint="look at jvs history, then take the snapshot again",
        )


def _discard(ctx: Context, engine: SnapshotEngine, snapshot_id: str, intent: Intent) -> None:
    """Remove what an unpublished snapshot made; what cannot be removed keeps its intent, for ``doctor``."""
    with suppress(OSError, JvsError):
        draft = ctx.layout.descriptors / f"{snapshot_id}.json{files.TEMPORARY_SUFFIX}"
        files.unlink(draft, missing_ok=True)
        engine.remove(ctx.layout.snapshots / f"{snapshot_id}{files.TEMPORARY_SUFFIX}")
        journal.complete(ctx.layout, intent)
