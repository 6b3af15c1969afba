"""Safe restore: a snapshot put back as a new worktree; nothing existing is touched."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jvs_core import clock, files, syncing
from jvs_core.control import catalog
from jvs_core.control.lock import critical
from jvs_core.control.names import check_worktree_name
from jvs_core.control.records import journal, worktree
from jvs_core.errors import AlreadyExists, JvsError, WorktreeNotFound
from jvs_core.interrupts import uninterrupted
from jvs_core.model import Intent, Worktree
from jvs_core.operations import damage, stored
from jvs_core.operations.context import Context, step
from jvs_core.payload.engines.base import SnapshotEngine
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress
from jvs_core.results import Restored


def to_new_worktree(ctx: Context, snapshot_id: str, *, name: str | None, progress: Progress) -> Restored:
    """Restore a snapshot to a new worktree, named after the snapshot and the time unless ``name`` is given."""
    name = (
        f"restore-{snapshot_id[:8]}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        if name is None
        else name
    )
    degraded = new_worktree(ctx, name, snapshot_id, operation="restore", progress=progress)
    return Restored(
        snapshot_id=snapshot_id, worktree=name, path=str(ctx.layout.worktree(name)), degraded=tuple(degraded)
    )


@held_back()
def new_worktree(
    ctx: Context,
    name: str,
    base: str | None,
    *,
    operation: str,
    labels: Mapping[str, str] | None = None,
    progress: Progress,
) -> list[str]:
    """Make the worktree ``name`` equal to snapshot ``base`` (None: empty), under a temporary name until complete.

    Returns what of the snapshot could not be kept, one line each.

    A crash leaves at most an intent and a hidden folder that ``doctor`` removes.

    Raises
    ------
    NameInvalid, AlreadyExists
        The name is no name, or taken.
    SnapshotExpired, DescriptorCorrupt, PartialSnapshot, PayloadHashMismatch
        The snapshot cannot be restored; nothing was made.
    """
    name = check_worktree_name(name)
    target = ctx.layout.worktree(name)
    _require_free(ctx, name, target)
    source = None if base is None else stored.load(ctx.layout, base)
    engine = ctx.engine()
    temporary = target.with_name(f".{name}.{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}")
    with step(progress, "intent"), ctx.critical():
        if base is not None:
            catalog.require_kept(ctx.layout, base)  # from here on the intent keeps it from gc
        intent = ctx.begin(
            operation,
            worktree=name,
            snapshot_id=base,
            temporary=temporary.name,
        )
    record: Worktree | None = None
    published = False
    degraded: list[str] = []
    try:
        with journal.standing(ctx.layout, intent), syncing.watching(ctx.layout.snapshots) as sync:
            with step(progress, "clone", len(source.entries) if source else None):
                if source is None:
                    engine.make_worktree(temporary)
                else:
                    damage.require_whole(ctx, source)
                    with source.read(), ctx.bringing():
                        degraded = engine.materialize(
                            source.payload,
                            source.entries,
                            temporary,
                            since_ns=clock.parse(source.descriptor.created_at) * 1_000_000,
                            progress=progress,
                        )
            with step(progress, "settle"):
                engine.settle(temporary)
                sync([])
        with uninterrupted(), ctx.critical():
            journal.require(ctx.layout, intent)
            _require_free(ctx, name, target)
            with step(progress, "register"):
                record = worktree.register(ctx.layout, name, base=base, operation=operation, labels=labels)
            with step(progress, "publish"):
                critical.require(ctx.layout.repository_lock)
                published = True
                with journal.standing(ctx.layout, intent):
                    files.rename_durable(temporary, target)
            with step(progress, "audit"):
                ctx.audit(
                    operation,
                    worktree=name,
                    worktree_id=record.worktree_id,
                    snapshot_id=base,
                    target=base or name,
                    details={
                        "head": record.head.to_json(),
                        **({"labels": dict(labels)} if labels else {}),
                        **({"degraded": degraded} if degraded else {}),
                    },
                )
            journal.complete(ctx.layout, intent)
    except BaseException:
        # Somebody else may have made a worktree of that name: only what is under the own temporary name is this one.
        if not published or os.path.lexists(temporary):
            _discard(ctx, engine, name, temporary, intent, record)
        raise
    return degraded


def _require_free(ctx: Context, name: str, target: Path) -> None:
    if os.path.lexists(target) or ctx.layout.worktree_config(name).parent.exists():
        raise AlreadyExists(
            f"worktree {name!r} already exists", hint="choose another name; jvs worktree list"
        )


def _discard(
    ctx: Context, engine: SnapshotEngine, name: str, temporary: Path, intent: Intent, made: Worktree | None
) -> None:
    """Remove what an unfinished restore made; what cannot be removed keeps its intent, for ``doctor``."""
    with suppress(OSError, JvsError):
        if made is not None:
            with suppress(WorktreeNotFound), ctx.critical():
                if ctx.worktree(name).worktree_id == made.worktree_id:
                    worktree.unregister(ctx.layout, name)
        engine.remove(temporary)
        journal.complete(ctx.layout, intent)
