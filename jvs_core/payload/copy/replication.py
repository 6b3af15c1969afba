"""Making a second tree like the first: folders, then files in parallel, then links, then the folders' attributes."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jvs_core import anchored
from jvs_core.payload.copy import hard_links
from jvs_core.payload.copy.copying import Answer, Batch, CopyJob
from jvs_core.payload.copy.linking import LinkJob, Names, batches
from jvs_core.payload.copy.replica import NOTHING_KNOWN, Plan, Replica
from jvs_core.payload.copy.transfer import Transfer
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry
from jvs_core.payload.tree.faults import GONE, making, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.packed import duplicate
from jvs_core.payload.tree.packed import gone as gone_of
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import cut
from jvs_core.progress import Progress


def make_top(target: Path) -> None:
    """Make the new folder ``target``, private to its owner and without inherited setgid bit or ACL."""
    with making(target), anchored.parent(target) as (folder, name):
        os.mkdir(name, 0o700, dir_fd=folder)
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        for name in ("system.posix_acl_default", "system.posix_acl_access"):
            with suppress(OSError):
                os.removexattr(fd, name)
        os.fchmod(fd, 0o700)
    finally:
        os.close(fd)


def replicate(plan: Plan, progress: Progress) -> Replica:
    """Make everything of ``plan`` in the new folder ``plan.target``.

    A failure leaves part of it. Raises AlreadyExists, UnsupportedFile, NoSpace or EngineFailed with the path.
    """
    replica = Replica(duplicate(plan.entries))
    progress.started("clone", len(plan.entries))
    make_top(plan.target)
    make_folders(plan.target, plan.entries)
    leaders, names = hard_links.leaders(plan.entries)
    leaders = _link(plan, leaders, progress)
    while leaders:
        _run(plan, leaders, replica, progress)
        leaders = _next_leaders(plan, leaders, names, replica)
    if names:
        with Folders(plan.source) as sources, Folders(plan.target) as first, Folders(plan.target) as other:
            replica.changed |= hard_links.link(
                sources, first, other, plan.entries, plan.stamps, names, replica.entries
            )
    _finish_folders(plan, replica)
    progress.finished("clone")
    return replica


def make_folders(target: Path, entries: Sequence[Entry]) -> None:
    """Make all folders of ``entries`` below ``target``, private to their owner until they are complete."""
    with Folders(target) as targets:
        for entry in entries:
            if entry.kind == FOLDER and entry.path:
                folder, name = split(entry.path)
                try:
                    os.mkdir(name, 0o700, dir_fd=targets.at(folder))
                except OSError as error:
                    raise translate(error, entry.path) from error


def _next_leaders(plan: Plan, leaders: Sequence[int], names: hard_links.Names, replica: Replica) -> list[int]:
    missing = gone_of(replica.entries)
    lost = [position for position in leaders if position in missing] if missing else []
    with Folders(plan.source) as sources:
        following, gone = hard_links.next_leaders(sources, plan.entries, lost, names)
    for position in gone:
        replica.entries[position] = None
        replica.changed.add(plan.entries[position].path)
    return following


def _link(plan: Plan, leaders: Sequence[int], progress: Progress) -> Sequence[int]:
    """Make the files that the previous snapshot has as further names of its own; return the positions still to make."""
    entries, shared = plan.entries, plan.shared
    if plan.previous is None or not any(shared):
        return leaders
    chosen = array("Q", (p for p in leaders if shared[p] and entries[p].kind == FILE))
    if not chosen:
        return leaders
    job = LinkJob(*(os.path.abspath(os.fsencode(path)) for path in (plan.source, plan.target, plan.previous)))
    refused: set[int] = set()

    def done(batch: list[Names], answer: list[int]) -> None:
        refused.update(answer)
        progress.advanced(sum(len(names.positions) for names in batch) - len(answer))

    count = pool.processes(len(chosen), 0)
    pool.run(
        job,
        batches(plan.entries, plan.stamps, plan.adapted, chosen),
        count=count,
        done=done,
        waiting=plan.waiting,
    )
    linked = bytearray(len(entries))
    for position in chosen:
        linked[position] = position not in refused
    return array("Q", (position for position in leaders if not linked[position]))


def _run(plan: Plan, positions: Sequence[int], replica: Replica, progress: Progress) -> None:
    """Make the entries at ``positions``, spread over processes where that pays."""
    job = CopyJob(
        os.path.abspath(os.fsencode(plan.source)),
        os.path.abspath(os.fsencode(plan.target)),
        plan.method,
        plan.writeback,
        os.path.abspath(os.fsencode(plan.previous)) if plan.previous is not None else None,
        plan.held,
        plan.seal,
    )
    usual = _usual(plan)
    entries, made = plan.entries, replica.entries

    def done(batch: Batch, answer: Answer) -> None:
        answers = iter(answer)
        for _, items in batch:
            for item in items:
                result, position = next(answers), item[0]
                old = entries[position]
                if isinstance(result, bytes):
                    if result and (result != old.sha256 or old.xattrs):
                        made[position] = tuple.__new__(Entry, (*old[:9], b"", result))
                else:
                    replica.note(position, old, result, usual)
        progress.advanced(len(answer))

    sizes = array("Q", (entries[position].size for position in positions))
    count = pool.processes(len(positions), sum(sizes))
    pool.run(job, _batches(plan, positions, sizes), count=count, done=done, waiting=plan.waiting)


def _usual(plan: Plan) -> tuple[str, ...]:
    """Return the ways in which content comes over when nothing is lost; on JuiceFS ``copy_file_range`` shares data."""
    if plan.method == "copy":
        return ("copy",)
    return ("reflink", "copy_file_range") if juicefs.mount_at(plan.target) else ("reflink",)


def _batches(plan: Plan, positions: Sequence[int], sizes: Sequence[int]) -> Iterator[Batch]:
    entries, stamps, hint = plan.entries, plan.stamps, plan.hint
    for chosen in cut(sizes):
        grouped: dict[bytes, list[tuple[Any, ...]]] = {}
        for index in chosen:
            position = positions[index]
            path, kind, mode, uid, gid, size, mtime_ns, target, _, xattrs, _ = entries[position]
            folder, _, name = path.rpartition(b"/")
            known: tuple[Any, ...] = hint(position) if kind == FILE else NOTHING_KNOWN
            if plan.held:
                known = (*known[:2], xattrs, *known[3:])
            stamp = tuple(stamps[position])
            item = (position, name, kind, stamp, size, mtime_ns, mode, uid, gid, target, *known)
            grouped.setdefault(folder, []).append(item)
        yield list(grouped.items())


def _finish_folders(plan: Plan, replica: Replica) -> None:
    """Give the folders their attributes, the deepest first, for nothing is made in them any more."""
    transfer = Transfer(plan.method, held=plan.held)
    folders = [position for position, entry in enumerate(plan.entries) if entry.kind == FOLDER]
    with Folders(plan.source) as sources, Folders(plan.target) as targets:
        for position in reversed(folders):
            entry = plan.entries[position]
            try:
                source = sources.at(entry.path)
            except OSError as error:
                if error.errno not in GONE:
                    raise translate(error, entry.path, reading=True) from error
                source = None
            try:
                made = transfer.folder(entry, plan.stamps[position], source, targets.at(entry.path))
            except OSError as error:
                raise translate(error, entry.path) from error
            if made.changed or made.refused or made.drifted or made.xattrs or entry.xattrs:
                replica.note(position, entry, made, ())
