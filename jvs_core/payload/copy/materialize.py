"""Making a writable worktree out of a snapshot's payload, which is held against its manifest on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jvs_core.errors import PayloadHashMismatch
from jvs_core.payload.changes.hashing import hash_files
from jvs_core.payload.copy.capture import described
from jvs_core.payload.copy.replica import Hint, Plan, replicate
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.content import Method
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.walk import Scan, Stamp, scan
from jvs_core.payload.work import pool
from jvs_core.payload.work.collector import held_back
from jvs_core.progress import Progress

UNREAD = bytes(32)  # stands for a digest that nobody asks for


@held_back()
def materialize_tree(
    source: Path, entries: Sequence[Entry], target: Path, *, method: Method, progress: Progress
) -> list[str]:
    """Clone the payload ``source`` to the new folder ``target``; see ``SnapshotEngine.materialize``."""
    with pool.standby(len(entries)) as waiting:
        found = check(source, entries, progress)
        wanted, given_up = owned(entries, payload=source)
        # Only the link count of a payload's file ever changes, when another snapshot shares it; that moves ctime.
        stamps = [Stamp(stamp.dev, stamp.ino, -1) for stamp in found.stamps]
        plan = Plan(
            source,
            target,
            wanted,
            stamps,
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

    What changes or vanishes meanwhile is named in the answer.
    """
    found = scan(source, progress)
    wanted, given_up = owned(found.entries)
    plan = Plan(source, target, wanted, found.stamps, method, hint=lambda position: Hint("make", UNREAD))
    replica = replicate(plan, progress)
    changed = sorted(replica.changed.union(found.changed))
    moving = [f"changed while it was copied: {listed(changed)}"] if changed else []
    return [*described(found.left_out), *given_up, *replica.degraded(), *moving]


def check(source: Path, entries: Sequence[Entry], progress: Progress) -> Scan:
    """Hold the payload ``source`` against its manifest; return its scan.

    Kind, mode, size and link target must be as recorded, with no entry missing or too many. The content of files
    whose time or owner is not as recorded is hashed.

    Raises PayloadHashMismatch with the paths.
    """
    found = scan(source, progress)
    damaged: list[bytes] = [entry.path for entry in found.left_out]
    doubtful: list[Entry] = []
    if [entry.path for entry in found.entries] == [entry.path for entry in entries]:
        for is_now, was in zip(found.entries, entries, strict=True):
            if is_now[:7] == was[:7] and is_now.target == was.target:
                continue
            if (
                is_now.kind != was.kind
                or (is_now.path and is_now.mode != was.mode)
                or is_now.size != was.size
                or is_now.target != was.target
            ):
                damaged.append(was.path)
            elif was.kind == FILE:
                doubtful.append(was)
    else:
        here = {entry.path for entry in found.entries}
        damaged.extend(here.symmetric_difference(entry.path for entry in entries))
    read = hash_files(source, doubtful, progress=progress) if doubtful else []
    pairs = zip(doubtful, read, strict=True)
    damaged.extend(was.path for was, now in pairs if now is None or now.sha256 != was.sha256)
    if damaged:
        raise mismatch(sorted(damaged))
    return found


def mismatch(paths: Sequence[bytes]) -> PayloadHashMismatch:
    """Return the error that names the damaged ``paths``."""
    return PayloadHashMismatch(
        f"the snapshot is not what its manifest says: {listed(paths)}",
        hint="jvs verify",
        paths=list(paths),
    )
