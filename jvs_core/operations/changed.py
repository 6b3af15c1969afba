"""What each snapshot changed, seen from the one before, as a list of snapshots shows it."""

from __future__ import annotations

from collections.abc import Iterable

from jvs_core.operations import change_index
from jvs_core.operations.change_index import Change, ChangeIndex
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path
from jvs_core.payload.tree.entry import text
from jvs_core.progress import SILENT, Progress
from jvs_core.results import SnapshotChange, SnapshotChanges


def bring_up_to_date(ctx: Context, within_s: float | None, progress: Progress) -> bool:
    """Bring the index up to date and return whether it is. See ``Changes.index``."""
    with change_index.opened(ctx, progress, within_s=within_s) as index:
        return index.complete


def of(
    ctx: Context, snapshots: Iterable[str], limit: int, within_s: float | None
) -> dict[str, SnapshotChanges]:
    """Return what each of these snapshots changed, as far as it is known. See ``Changes.of``."""
    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        return {each: _of(index, each, limit) for each in snapshots if each in index.bases}


def ancestry(ctx: Context, name: str, within_s: float | None) -> list[str]:
    """Return the snapshots that led to where worktree ``name`` stands, newest first. Raises WorktreeNotFound."""
    head = ctx.worktree(name).head_snapshot_id
    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        return index.ancestry(head)


def touching(ctx: Context, path: str, within_s: float | None) -> set[str]:
    """Return the snapshots that changed ``path``, or anything below it. Raises PathEscape."""
    inner = payload_path(path)
    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        return index.changed_in(inner) if inner else set(index.bases)


def naming(ctx: Context, word: str, within_s: float | None) -> set[str]:
    """Return the snapshots that changed a file with ``word`` in its path."""
    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        return index.naming(word)


def _of(index: ChangeIndex, snapshot_id: str, limit: int) -> SnapshotChanges:
    found = index.changed_by(snapshot_id)
    base = index.bases[snapshot_id]
    return SnapshotChanges(total=len(found), paths=[_shown(index, base, each) for each in found[:limit]])


def _shown(index: ChangeIndex, base: str | None, change: Change) -> SnapshotChange:
    if change.kind is None:
        return SnapshotChange(path=text(change.path), change="removed")
    known = base is not None and index.had(change.path, base)
    return SnapshotChange(path=text(change.path), change="modified" if known else "added")
