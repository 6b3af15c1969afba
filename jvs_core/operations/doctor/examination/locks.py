"""Checks of leases."""

from __future__ import annotations

from collections.abc import Iterator

from jvs_core.control.lock import lease_files, lock
from jvs_core.control.lock.lease import describe_holder, state_of
from jvs_core.control.records import worktree
from jvs_core.errors import JvsError
from jvs_core.operations import findings, leftovers
from jvs_core.operations.context import Context
from jvs_core.results import Finding

MANY_LEASES = 100  # every acquisition leaves one, and a few cost nothing


def held(ctx: Context) -> Iterator[Finding]:
    """Yield leases that ran out, that are too many, that cannot be read, and that belong to no worktree."""
    known = set()
    for name in worktree.names(ctx.layout):
        try:
            record = worktree.get(ctx.layout, name)
        except JvsError:
            return  # any lease may belong to the worktree that cannot be read
        known.add(record.worktree_id)
        try:
            given = lease_files.tokens(ctx.layout, record.worktree_id)
            strays = lease_files.strays(ctx.layout, record.worktree_id)
        except JvsError as error:
            yield findings.FOLDER_REPLACED.at(f".jvs/locks/{record.worktree_id}", error.message)
            continue
        for stray in strays:
            yield findings.LOCK_STRAY.at(f".jvs/locks/{record.worktree_id}/{stray}", "this is not a lease")
        try:
            newest = lock.current(ctx.layout, record.worktree_id)
        except JvsError as error:
            yield findings.LOCK_UNREADABLE.at(name, error.message)
            continue
        if newest is not None and state_of(newest) == "expired":
            yield findings.LOCK_DEAD.at(name, f"its lease expired: {describe_holder(newest)}")
        if len(given) > MANY_LEASES:
            yield findings.LOCK_SUPERSEDED.at(name, f"{len(given) - 1} old leases that newer ones replaced")
    for name in leftovers.names(ctx.layout, ".jvs/locks"):
        if name != "repository" and name not in known:
            yield findings.LOCK_ORPHAN.at(f".jvs/locks/{name}", "leases of a worktree that no longer exists")
