"""Taking a snapshot, as a person asks for it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal, get_args

from jvs_core.control import catalog
from jvs_core.errors import AlreadyExists, ConsistencyUnavailable, InputError
from jvs_core.model import SNAPSHOT_ID, Descriptor
from jvs_core.operations import locking as locks
from jvs_core.operations.context import Context
from jvs_core.operations.inplace import pending, unfinished
from jvs_core.operations.locking import Locking
from jvs_core.operations.publication import Request
from jvs_core.operations.publish import publish
from jvs_core.operations.refs import check_tag, check_text
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
    cells: bytes | None = None,
    locking: Locking,
    progress: Progress,
    snapshot_id: str | None = None,
) -> Descriptor:
    """Take a snapshot of worktree ``name``, in the session's turn and under its lock. See ``Repository.snapshot``."""
    request = replace(_checked(note, tags, consistency), cells=cells, snapshot_id=_free(ctx, snapshot_id))
    with locks.writing(ctx, name, locking, purpose="snapshot") as lease:
        unfinished.warn_of_another(ctx, name)
        pending.finish_pending(ctx, name, lease, progress)
        try:
            return publish(ctx, name, request, lease, progress)
        except ConsistencyUnavailable:
            if consistency != "prefer_quiesced":
                raise
        return publish(ctx, name, replace(request, consistency="best_effort"), lease, progress)


def _free(ctx: Context, snapshot_id: str | None) -> str | None:
    if snapshot_id is None:
        return None
    if not re.fullmatch(SNAPSHOT_ID[1:-1], snapshot_id):
        raise InputError(f"not a snapshot id: {snapshot_id!r}", hint="reserve one with reserve_snapshot_id()")
    if catalog.exists(ctx.layout, snapshot_id):
        raise AlreadyExists(f"snapshot {snapshot_id} exists already")
    return snapshot_id


def _checked(note: str, tags: tuple[str, ...], consistency: Demand) -> Request:
    check_text(note, "note")
    for tag in tags:
        check_tag(tag)
    if consistency not in get_args(Demand):
        raise InputError(
            f"unknown consistency {consistency!r}", hint="one of: " + ", ".join(get_args(Demand))
        )
    first: Consistency = "best_effort" if consistency == "best_effort" else "quiesced"
    return Request(note, tuple(dict.fromkeys(tags)), first)
