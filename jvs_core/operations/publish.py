"""Publishing a snapshot: twelve steps, each of which may be the last.

Until step 9 nothing is visible and everything made is removed again on failure. From step 9 on every artefact and
the intent are kept, and ``doctor`` completes the snapshot from them.
"""

from __future__ import annotations

from contextlib import suppress

from jvs_core import files, syncing
from jvs_core.control import catalog, control_folders
from jvs_core.control.audit import ledger
from jvs_core.control.lock import critical
from jvs_core.control.lock.lease import Lease
from jvs_core.control.records import journal, worktree
from jvs_core.errors import Conflict, FencingMismatch, JvsError, NotFound, WorktreeNotFound
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Descriptor, Head, Intent, Worktree
from jvs_core.operations import locking, preparation
from jvs_core.operations.context import Context, step
from jvs_core.operations.publication import Publication, Request, drafted
from jvs_core.payload.tree.walk import Scan
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress


@held_back()
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
        snapshot_id = request.snapshot_id or catalog.new_id()
        new = Publication(ctx, name, record, request, lease, engine, snapshot_id, progress, found)
        if not new.worktree.is_dir():
            raise WorktreeNotFound(f"the folder of worktree {name!r} is missing", hint="jvs doctor")
        control_folders.close(ctx.layout, new.worktree)
    with new.step("intent"):
        intent = new.begin()
    # What another writer fenced before the head moved is withdrawn; any other failure leaves all for the recovery.
    head: Head | None = None
    try:
        with journal.standing(ctx.layout, intent), syncing.watching(ctx.layout.snapshots) as sync:
            descriptor = preparation.prepare(new, sync)
        with uninterrupted(), ctx.critical():
            with new.step("fence"):
                locking.check(ctx, lease)
                journal.require(ctx.layout, intent)
                _require_unmoved(new)
            with new.step("publish"):
                critical.require(ctx.layout.repository_lock)
                with journal.standing(ctx.layout, intent):
                    files.rename_new(new.temporary, new.place)
                syncing.sync_folder(ctx.layout.snapshots)
                with new.step("catalog"):
                    _catalogue(ctx, descriptor)
                with new.step("head"):
                    locking.check(ctx, lease)
                    head = _move_head(ctx, name, record, descriptor)
                with new.step("audit"):
                    _log(ctx, name, descriptor, head)
                journal.complete(ctx.layout, intent)
    except BaseException as error:
        if head is None and isinstance(error, Conflict | NotFound):
            _withdraw(new, intent)
        if not new.place.exists():
            _discard(new, intent)
        journal.leave(ctx.layout, intent)
        raise
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
        files.rename_durable(drafted(final), final)


def _move_head(ctx: Context, name: str, record: Worktree, descriptor: Descriptor) -> Head:
    return worktree.move(
        ctx.layout,
        name,
        record,
        operation="snapshot",
        token=descriptor.fencing_token,
        snapshot_id=descriptor.snapshot_id,
        undo=record.undo,
        redo=record.redo,
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


def _withdraw(new: Publication, intent: Intent) -> None:
    """Take back what was put in place of a snapshot that lost its head to another writer before the log knew it.

    In a critical section of its own, and only while the intent stands: others may have completed the snapshot meanwhile.
    A crash in between, or a failure, leaves the intent, and ``doctor`` completes the snapshot without moving a head.
    """
    if not new.place.exists():
        return
    layout = new.ctx.layout
    with suppress(OSError, JvsError), uninterrupted(), new.ctx.critical():
        journal.require(layout, intent)
        if new.snapshot_id in ledger.read(layout).snapshots:
            return
        if new.descriptor.exists():
            files.rename_durable(new.descriptor, new.draft)
        files.rename_durable(new.place, new.temporary)


def _require_unmoved(new: Publication) -> None:
    """Make sure, before anything is published, that the head which was seen is there still and can be followed."""
    now = new.ctx.worktree(new.name)
    worktree.require_room(new.name, now)
    if (now.worktree_id, now.head.number) != (new.record.worktree_id, new.record.head.number):
        raise FencingMismatch(
            f"the head of worktree {new.name!r} moved to {now.head_snapshot_id} while JVS took this snapshot",
            hint="check jvs history, then take the snapshot again",
        )


def _discard(new: Publication, intent: Intent) -> None:
    """Remove what an unpublished snapshot made; what cannot be removed keeps its intent, for ``doctor``."""
    with suppress(OSError, JvsError):
        files.unlink(new.draft, missing_ok=True)
        new.engine.remove(new.temporary)
        journal.complete(new.ctx.layout, intent)
