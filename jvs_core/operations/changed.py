"""What each snapshot changed, seen from the one before, as a list of snapshots shows it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from jvs_core.operations import change_index
from jvs_core.operations.change_index import ChangeIndex
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path
from jvs_core.payload.tree.entry import text
from jvs_core.progress import SILENT, Progress
from jvs_core.results import SnapshotChange, SnapshotChanges

_JOINED = "FROM changes JOIN paths ON number = changes.path"


def bring_up_to_date(ctx: Context, within_s: float | None, progress: Progress) -> bool:
    """Bring the index up to date and return whether it is. See ``Index.update``."""
    with change_index.opened(ctx, progress, within_s=within_s) as index:
        return index.complete


def of(
    ctx: Context, snapshots: Iterable[str], limit: int, within_s: float | None
) -> dict[str, SnapshotChanges]:
    """Return what each of these snapshots changed, as far as it is known. See ``Index.of``."""
    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        return {each: _of(index, each, limit) for each in snapshots if each in index.bases}


def ancestry(ctx: Context, name: str, within_s: float | None) -> list[str]:
    """Return the snapshots that led to where worktree ``name`` stands, newest first, also those whose manifests are gone.

    Raises WorktreeNotFound.
    """
    each = ctx.worktree(name).head_snapshot_id
    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        about = index.about
    found: dict[str, None] = {}
    while each is not None and each not in found and each in about:
        found[each] = None
        each = about[each].parent
    return list(found)


def touching(ctx: Context, path: str, within_s: float | None) -> set[str]:
    """Return the snapshots that changed ``path``, or anything below it. Raises PathEscape."""
    inner = payload_path(path)
    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        return index.changed_in(inner) if inner else set(index.bases)


def naming(ctx: Context, word: str, within_s: float | None) -> set[str]:
    """Return the snapshots that changed a file with ``word`` in its path, in whatever case."""
    sought = word.casefold()

    def holds(path: bytes) -> bool:
        return sought in os.fsdecode(path).casefold()

    with change_index.opened(ctx, SILENT, within_s=within_s) as index:
        index.database.create_function("holds", 1, holds, deterministic=True)
        rows = index.database.execute(f"SELECT DISTINCT snapshot {_JOINED} WHERE holds(paths.path)")
        return {snapshot_id for (snapshot_id,) in rows}


def _of(index: ChangeIndex, snapshot_id: str, limit: int) -> SnapshotChanges:
    rows = index.database.execute(
        f"SELECT paths.path, kind {_JOINED} WHERE snapshot = ? ORDER BY paths.path", (snapshot_id,)
    ).fetchall()
    base = index.bases[snapshot_id]
    return SnapshotChanges(
        total=len(rows), paths=[_shown(index, base, path, kind) for path, kind in rows[:limit]]
    )


def _shown(index: ChangeIndex, base: str | None, path: bytes, kind: str | None) -> SnapshotChange:
    if kind is None:
        return SnapshotChange(path=text(path), change="removed")
    return SnapshotChange(path=text(path), change="modified" if _had(index, path, base) else "added")


def _had(index: ChangeIndex, path: bytes, snapshot_id: str | None) -> bool:
    """Return whether a snapshot has ``path``: whether the last on its way that changed it did not remove it."""
    kinds = dict(
        index.database.execute(f"SELECT snapshot, kind {_JOINED} WHERE paths.path = ?", (path,)).fetchall()
    )
    seen: set[str] = set()
    while snapshot_id is not None and snapshot_id not in seen and snapshot_id not in kinds:
        seen.add(snapshot_id)
        snapshot_id = index.bases.get(snapshot_id)
    return snapshot_id is not None and kinds.get(snapshot_id) is not None
