"""Listing snapshots, newest first, and what is said of each."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from jvs_core import clock
from jvs_core.control import catalog
from jvs_core.control.records import annotation, refs
from jvs_core.errors import DescriptorCorrupt, PathEscape, SnapshotNotFound
from jvs_core.results import HistoryItem, SnapshotDetails

if TYPE_CHECKING:
    from jvs_core.model import Descriptor
    from jvs_core.operations.context import Context


def history(
    ctx: Context,
    name: str,
    *,
    limit: int | None,
    every: bool,
    tag: str | None,
    before: str | None,
    unreadable: list[str] | None = None,
    among: Container[str] | None = None,
    auto: bool = True,
    grep: str | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> list[HistoryItem]:
    """Return the lineage of a worktree's head, or every snapshot, newest first, those after ``before`` left out.

    With ``among`` only those; without ``auto`` none that was made unasked; with ``grep`` those with this text in their note,
    upper and lower case alike; with ``since_ms`` and ``until_ms`` those taken from then on, and up to then. Reads no more
    descriptors than it returns, unless any of these or ``tag`` is given. What is wrong with those of ``every`` snapshot that
    cannot be read, and with edits of notes and tags, goes to ``unreadable``, where that is given. Raises SnapshotNotFound,
    LineageBroken, DescriptorCorrupt.
    """
    if every:
        found = _all(ctx, before, unreadable)
    else:
        head = ctx.worktree(name).head_snapshot_id
        start = head if before is None else catalog.peek(ctx.layout, before).parent_snapshot_id
        found = catalog.lineage(ctx.layout, start)
    if among is not None:
        found = (descriptor for descriptor in found if descriptor.snapshot_id in among)
    if not auto:
        found = (descriptor for descriptor in found if descriptor.kind != "auto")
    if since_ms is not None or until_ms is not None:
        found = (
            descriptor
            for descriptor in found
            if (since_ms or 0) <= clock.parse(descriptor.created_at)
            and (until_ms is None or clock.parse(descriptor.created_at) <= until_ms)
        )
    edited = set(annotation.ids(ctx.layout))
    found = (_edited(ctx, descriptor, edited, unreadable) for descriptor in found)
    if tag is not None:
        found = (descriptor for descriptor in found if tag in descriptor.tags)
    if grep is not None:
        wanted = grep.casefold()
        found = (descriptor for descriptor in found if wanted in descriptor.note.casefold())
    named = refs_by_snapshot(ctx)
    return [
        HistoryItem(
            descriptor=descriptor,
            refs=named.get(descriptor.snapshot_id, []),
            expired=catalog.is_expired(ctx.layout, descriptor.snapshot_id),
        )
        for descriptor in islice(found, within(limit))
    ]


def within(limit: int | None) -> int | None:
    """Return a limit that counts no further than a machine can."""
    return None if limit is None else min(limit, sys.maxsize)


def _edited(
    ctx: Context, descriptor: Descriptor, edited: Container[str], unreadable: list[str] | None
) -> Descriptor:
    """Return a descriptor as shown; as it was made where its edits are unreadable and the caller collects problems."""
    try:
        return catalog.shown(ctx.layout, descriptor, edited)
    except (DescriptorCorrupt, PathEscape) as error:
        if unreadable is None:
            raise
        unreadable.append(error.message)
        return descriptor


def _all(ctx: Context, before: str | None, unreadable: list[str] | None) -> Iterator[Descriptor]:
    # An id starts with the snapshot's time: their order is that of the times, and nothing need be read to know it.
    for snapshot_id in reversed(catalog.ids(ctx.layout)):
        if before is not None and snapshot_id >= before:
            continue
        try:
            yield catalog.peek(ctx.layout, snapshot_id)
        except DescriptorCorrupt as error:
            if unreadable is None:
                raise
            unreadable.append(error.message)


def beginning(ctx: Context, prefix: str, limit: int) -> list[Descriptor]:
    """Return the newest snapshots whose id begins with ``prefix``; reads no more descriptors than ``limit``.

    One that cannot be read is left out.
    """
    found = []
    for snapshot_id in islice(
        (i for i in reversed(catalog.ids(ctx.layout)) if i.startswith(prefix)), within(max(limit, 0))
    ):
        with suppress(DescriptorCorrupt, SnapshotNotFound):
            found.append(_edited(ctx, catalog.peek(ctx.layout, snapshot_id), {snapshot_id}, []))
    return found


def refs_by_snapshot(ctx: Context) -> dict[str, list[str]]:
    """Return the names of each snapshot that has any, as far as they can be read."""
    named: dict[str, list[str]] = {}
    for ref in refs.REFS.readable(ctx.layout)[0]:
        named.setdefault(ref.snapshot_id, []).append(ref.name)
    return named


def show(ctx: Context, snapshot_id: str) -> SnapshotDetails:
    """Return one snapshot in full."""
    return SnapshotDetails(
        descriptor=catalog.show(ctx.layout, snapshot_id),
        refs=refs_by_snapshot(ctx).get(snapshot_id, []),
        path=str(ctx.layout.payload(snapshot_id)),
        expired=catalog.is_expired(ctx.layout, snapshot_id),
    )
