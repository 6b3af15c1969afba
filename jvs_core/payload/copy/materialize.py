"""Making a writable worktree from the payload of a snapshot, which is checked against its manifest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jvs_core.payload.check.comparison import Depth, mismatch
from jvs_core.payload.check.status import check
from jvs_core.payload.copy.capture import described
from jvs_core.payload.copy.replica import Hint, Plan
from jvs_core.payload.copy.replication import replicate
from jvs_core.payload.copy.unsealing import unsealed
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.content import UNREAD, Method
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.walk import scan
from jvs_core.payload.work import pool
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress


@held_back()
def materialize_tree(
    source: Path, entries: Sequence[Entry], target: Path, *, method: Method, progress: Progress
) -> list[str]:
    """Clone the payload ``source`` to the new folder ``target``; see ``SnapshotEngine.materialize``."""
    with pool.standby(len(entries)) as waiting:
        found = check(source, entries, Depth.SUSPECT, progress=progress).require_content()
        wanted, given_up = owned(entries, payload=source)
        plan = Plan(
            source,
            target,
            wanted,
            found.stamps(),
            method,
            hint=lambda position: Hint("make", entries[position].sha256),
            held=True,
            waiting=waiting,
        )
        replica = replicate(plan, progress)
    if replica.changed:
        raise mismatch(sorted(replica.changed))
    return [*given_up, *replica.degraded()]


@held_back()
def adopt_tree(source: Path, target: Path, *, method: Method, progress: Progress) -> list[str]:
    """Clone any folder ``source`` to the new folder ``target``; see ``SnapshotEngine.adopt``.

    What changes or vanishes meanwhile is named in the answer. A snapshot's payload is cloned as a worktree of it would be.
    """
    found = scan(source, progress)
    wanted, given_up = owned(unsealed(source, found.entries))
    plan = Plan(source, target, wanted, found.stamps, method, hint=lambda position: Hint("make", UNREAD))
    replica = replicate(plan, progress)
    changed = sorted(replica.changed.union(found.changed))
    moving = [f"changed while it was copied: {listed(changed)}"] if changed else []
    return [*described(found.left_out), *given_up, *replica.degraded(), *moving]
