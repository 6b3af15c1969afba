"""Snapshotting and pinning a worktree before an in-place restore replaces any of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jvs_core.control.lock.lease import Lease
from jvs_core.errors import PayloadHashMismatch
from jvs_core.operations.context import Context
from jvs_core.operations.inplace import completion
from jvs_core.operations.inplace.plan import Present
from jvs_core.operations.publication import Request
from jvs_core.operations.publish import publish
from jvs_core.operations.stored import Stored
from jvs_core.payload.tree.entry import FOLDER, Entry
from jvs_core.progress import Progress


def save_present(
    ctx: Context,
    name: str,
    lease: Lease,
    note: str,
    progress: Progress,
    present: Present,
    replaced: Callable[[Entry], bool],
) -> str:
    """Return a pinned snapshot of the worktree as it is: its head, or a new one where the worktree differs from that.

    ``present`` is a scan from just before; a new snapshot has what is there when it is taken. Before a head is relied
    on, its copies of what is to be ``replaced`` are read: those in the worktree may be the last good ones.

    Raises PayloadHashMismatch when the head is damaged there.
    """
    record = ctx.worktree(name)
    pre = record.head_snapshot_id
    kept = None if pre is None else ctx.stored(pre)
    if kept is None or pre is None or _differs(kept.entries, present.scan.entries):
        request = Request(note, (completion.PRE_RESTORE_TAG,), "quiesced", "restore")
        pre = publish(ctx, name, request, lease, progress, found=present.found).snapshot_id
    else:
        _require_whole(kept, [entry for entry in kept.entries if entry.kind != FOLDER and replaced(entry)])
    completion.pin(ctx, pre, note)
    return pre


def _require_whole(head: Stored, entries: Sequence[Entry]) -> None:
    try:
        head.require_whole(entries)
    except PayloadHashMismatch as error:
        raise PayloadHashMismatch(
            f"JVS cannot first take a snapshot of the present: {error.message}",
            hint="touch these files and take a snapshot: jvs snapshot --lock",
            **error.facts,
        ) from error


def _differs(head: Sequence[Entry], present: Sequence[Entry]) -> bool:
    """Return whether anything below the top folder differs that a snapshot keeps, times left out."""
    return len(head) != len(present) or any(
        was[:6] != now[:6] or was[7:] != now[7:] for was, now in zip(head[1:], present[1:], strict=True)
    )
