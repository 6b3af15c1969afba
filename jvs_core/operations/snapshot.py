"""Taking a snapshot, as a person asks for it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from jvs_core.control import catalog
from jvs_core.control.records import journal
from jvs_core.errors import AlreadyExists, ConsistencyUnavailable, InputError, IntegrityError
from jvs_core.model import SNAPSHOT_ID, Descriptor, Kind
from jvs_core.operations import compare
from jvs_core.operations import locking as locks
from jvs_core.operations.inplace import unfinished
from jvs_core.operations.publication import Request
from jvs_core.operations.refs import check_tag, check_text

if TYPE_CHECKING:
    from jvs_core.control.lock.lease import Lease
    from jvs_core.operations.context import Context
    from jvs_core.operations.locking import Locking
    from jvs_core.payload.copy.captured import Consistency
    from jvs_core.progress import Progress

Demand = Literal["quiesced", "best_effort", "prefer_quiesced"]


def take(
    ctx: Context,
    name: str,
    *,
    note: str,
    tags: tuple[str, ...],
    consistency: Demand,
    kind: Kind = "user",
    cells: bytes | None = None,
    locking: Locking,
    progress: Progress,
    snapshot_id: str | None = None,
) -> Descriptor:
    """Take a snapshot of worktree ``name``, in the session's turn and under its lock. See ``Repository.snapshot``."""
    request = _checked(note, tags, consistency, kind)
    request = replace(request, cells=cells, snapshot_id=_free(ctx, snapshot_id))
    with _writing(ctx, name, locking, progress) as lease:
        return _publish(ctx, name, request, consistency, lease, progress)


def take_if_changed(
    ctx: Context,
    name: str,
    *,
    note: str,
    tags: tuple[str, ...],
    consistency: Demand,
    kind: Kind = "user",
    cells: bytes | None = None,
    locking: Locking,
    progress: Progress,
) -> Descriptor | None:
    """Take a snapshot as ``take`` does if worktree ``name`` changed; else return None. See ``Repository.snapshot_if_changed``.

    The look needs no lock. Under the lock it is repeated only where the head moved since: of several callers that saw the
    same change one makes the snapshot.
    """
    request = replace(_checked(note, tags, consistency, kind), cells=cells)
    seen = ctx.worktree(name).head.number
    if not _changed(ctx, name, progress):
        return None
    with _writing(ctx, name, locking, progress) as lease:
        if ctx.worktree(name).head.number != seen and not _changed(ctx, name, progress):
            return None
        return _publish(ctx, name, request, consistency, lease, progress)


@contextmanager
def _writing(ctx: Context, name: str, locking: Locking, progress: Progress) -> Iterator[Lease]:
    """Hold the lock for the block, in which no in-place restore stands unfinished that the caller can finish."""
    with locks.writing(ctx, name, locking, purpose="snapshot") as lease:
        unfinished.warn_of_another(ctx, name)
        if journal.pending(ctx.layout)[0]:
            from jvs_core.operations.inplace import pending  # all of restoring comes with it

            pending.finish_pending(ctx, name, lease, progress)
        yield lease


def _publish(
    ctx: Context, name: str, request: Request, consistency: Demand, lease: Lease, progress: Progress
) -> Descriptor:
    from jvs_core.operations.publish import publish  # where nothing changed there is nothing to publish

    try:
        return publish(ctx, name, request, lease, progress)
    except ConsistencyUnavailable:
        if consistency != "prefer_quiesced":
            raise
    return publish(ctx, name, replace(request, consistency="best_effort"), lease, progress)


def _changed(ctx: Context, name: str, progress: Progress) -> bool:
    """Return whether the worktree differs from its head; one that is damaged holds nothing for sure, and differs."""
    try:
        return compare.differs(ctx, name, progress)
    except IntegrityError as error:
        logging.getLogger("jvs").warning(
            "the newest snapshot cannot be compared, so JVS takes a new one: %s", error.message
        )
        return True


def _free(ctx: Context, snapshot_id: str | None) -> str | None:
    if snapshot_id is None:
        return None
    if not re.fullmatch(SNAPSHOT_ID[1:-1], snapshot_id):
        raise InputError(f"not a snapshot id: {snapshot_id!r}", hint="get one from reserve_snapshot_id()")
    if catalog.exists(ctx.layout, snapshot_id):
        raise AlreadyExists(f"snapshot {snapshot_id} already exists")
    return snapshot_id


def _checked(note: str, tags: tuple[str, ...], consistency: Demand, kind: Kind) -> Request:
    check_text(note, "note")
    for tag in tags:
        check_tag(tag)
    if consistency not in get_args(Demand):
        raise InputError(
            f"unknown consistency {consistency!r}", hint="one of: " + ", ".join(get_args(Demand))
        )
    if kind not in get_args(Kind):
        raise InputError(f"unknown kind of snapshot {kind!r}", hint="one of: " + ", ".join(get_args(Kind)))
    first: Consistency = "best_effort" if consistency == "best_effort" else "quiesced"
    return Request(note, tuple(dict.fromkeys(tags)), first, kind)
