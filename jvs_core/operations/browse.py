"""Looking at a repository and at what its snapshots hold."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

from jvs_core.control import catalog
from jvs_core.control.records import annotation, refs, worktree
from jvs_core.errors import DescriptorCorrupt, PathEscape, SnapshotNotFound
from jvs_core.model import FORMAT_VERSION, Descriptor
from jvs_core.operations import stored
from jvs_core.operations.context import Context
from jvs_core.operations.inplace.targets import payload_path, require
from jvs_core.payload.tree.entry import FILE, FOLDER, KIND_NAMES, SYMLINK, Entry, text
from jvs_core.results import HistoryItem, RepositoryInfo, SnapshotDetails, TreeEntry


def info(ctx: Context) -> RepositoryInfo:
    """Return what the repository is and how it is set."""
    lease = ctx.config.lease
    return RepositoryInfo(
        repo_root=str(ctx.layout.root),
        repo_id=ctx.repo_id,
        format_version=FORMAT_VERSION,
        snapshot_engine=ctx.engine_name(),
        default_isolation="exclusive",
        default_consistency="quiesced",
        lease_duration_ms=lease.duration_ms,
        renew_interval_ms=lease.renew_interval_ms,
        max_clock_skew_ms=lease.max_clock_skew_ms,
        total_snapshots=len(catalog.ids(ctx.layout)),
        total_worktrees=len(worktree.names(ctx.layout)),
    )


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
) -> list[HistoryItem]:
    """Return the lineage of a worktree's head, or every snapshot, newest first, those after ``before`` left out.

    With ``among`` only those; without ``auto`` none that was made unasked. Reads no more descriptors than it returns, unless
    any of these or ``tag`` is given. What is wrong with those of ``every`` snapshot that
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
    edited = set(annotation.ids(ctx.layout))
    found = (_edited(ctx, descriptor, edited, unreadable) for descriptor in found)
    if tag is not None:
        found = (descriptor for descriptor in found if tag in descriptor.tags)
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


def ls(ctx: Context, snapshot_id: str, path: str, *, recursive: bool) -> list[TreeEntry]:
    """Return the entries of one folder of a snapshot, or the one entry that ``path`` is, from its manifest."""
    entries = stored.look(ctx.layout, snapshot_id).entries
    inner = payload_path(path)
    chosen = require(entries, inner, snapshot_id)
    if chosen.kind != FOLDER:
        return [shown(chosen)]
    prefix = inner + b"/" if inner else b""
    return [
        shown(entry)
        for entry in entries
        if entry.path
        and entry.path.startswith(prefix)
        and (recursive or b"/" not in entry.path[len(prefix) :])
    ]


def stat(ctx: Context, snapshot_id: str, path: str) -> TreeEntry:
    """Return the one entry of a snapshot that ``path`` is, from its manifest. Raises PathNotFound."""
    inner = payload_path(path)
    return shown(require(stored.look(ctx.layout, snapshot_id).entries, inner, snapshot_id))


def shown(entry: Entry) -> TreeEntry:
    """Return an entry of a manifest as people and programs see it."""
    return TreeEntry.model_validate(
        {
            "path": text(entry.path),
            "type": KIND_NAMES[entry.kind],
            "mode": f"{entry.mode:04o}",
            "size": entry.size,
            "mtime": _time(entry.mtime_ns),
            "sha256": entry.sha256.hex() if entry.kind == FILE else None,
            "target": text(entry.target) if entry.kind == SYMLINK else None,
        }
    )


def _time(ns: int) -> str:
    seconds, fraction = divmod(ns, 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"@{seconds}.{fraction:09d}"  # beyond the calendar's years 1 to 9999
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
