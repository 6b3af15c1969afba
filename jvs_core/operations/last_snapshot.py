"""The last snapshot of a worktree that is removed by force: what no snapshot holds is kept before it goes."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from jvs_core import clock
from jvs_core.control.records import pins
from jvs_core.errors import Conflict, IntegrityError, JvsError, UnsavedChanges
from jvs_core.operations import compare, snapshot
from jvs_core.operations.context import Context
from jvs_core.operations.locking import Locking
from jvs_core.payload.tree.faults import listed
from jvs_core.progress import Progress

TAG = "pre-remove"


def keep(ctx: Context, name: str, progress: Progress) -> str | None:
    """Snapshot worktree ``name``, under its lock, where it differs from its head, pin that, and return its id.

    The pin is there for 30 days, or gc would take the snapshot: nothing descends from it. A crash leaves the snapshot as
    the head of the worktree, which stays. Raises what a snapshot does: then the worktree has to stay, too.
    """
    if not _differs(ctx, name, progress):
        return None
    note = f"before worktree {name} was removed"
    try:
        made = snapshot.take(
            ctx,
            name,
            note=note,
            tags=(TAG,),
            consistency="prefer_quiesced",
            kind="restore",
            locking=Locking(take=True),
            progress=progress,
        )
    except Conflict:
        raise
    except JvsError as error:
        folder = ctx.layout.worktree(name)
        raise type(error)(
            f"worktree {name!r} stays, because it has changes and JVS cannot take a last snapshot of it: {error.message}",
            hint=f"{error.hint or 'see why'}; or delete what nobody needs in {folder}, then run it again",
            **error.facts,
        ) from error
    with ctx.critical():
        pins.create(
            ctx.layout,
            made.snapshot_id,
            reason=note,
            by=ctx.settings.holder_id,
            expires_at=clock.timestamp(clock.now_ms() + pins.UNDO_MS),
        )
    for line in made.degraded:
        logging.getLogger("jvs").warning("the last snapshot of worktree %r: %s", name, line)
    return made.snapshot_id


def require_unchanged(ctx: Context, name: str, folder: Path, progress: Progress) -> None:
    """Raise UnsavedChanges where worktree ``name``, which lies in ``folder``, changed since its last snapshot."""
    try:
        changed = compare.unsaved(ctx, name, progress, folder=folder).paths
    except IntegrityError:  # a head that is damaged was as good as the worktree when that was looked at
        return
    if changed:
        raise UnsavedChanges(
            f"worktree {name!r} stays, because it changed after its last snapshot: {listed([os.fsencode(path) for path in changed])}",
            hint="stop the program that writes there, then run it again",
        )


def _differs(ctx: Context, name: str, progress: Progress) -> bool:
    try:
        unsaved = compare.unsaved(ctx, name, progress)
        if unsaved.repositories:
            inside = listed([os.fsencode(path) for path in unsaved.repositories])
            logging.getLogger("jvs").warning(
                "worktree %r contains a repository that no snapshot holds; JVS removes it too: %s",
                name,
                inside,
            )
        if unsaved.paths:
            return True
        head = ctx.worktree(name).head_snapshot_id
        if head is not None:
            ctx.stored(head).require_sound([])
    except IntegrityError:  # the worktree may be the last good copy
        return True
    return False
