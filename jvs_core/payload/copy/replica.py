"""A second tree like the first: folders, then files in parallel, then links, then the folders' attributes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from jvs_core import anchored
from jvs_core.errors import AlreadyExists
from jvs_core.payload.changes.writeback_time import NEVER, Moment
from jvs_core.payload.copy.copying import Action, Answer, Batch, CopyJob, Outcome
from jvs_core.payload.copy.linking import LinkJob, Names, Owner, batches
from jvs_core.payload.tree import attributes, juicefs
from jvs_core.payload.tree.content import Method
from jvs_core.payload.tree.entry import FILE, FOLDER, Entry
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import Stamp
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import cut
from jvs_core.progress import Progress


class Hint(NamedTuple):
    """What is known of a file before it is copied; the fields are those of ``Item``."""

    action: Action = "make"
    sha256: bytes = b""
    xattrs: bytes | None = None
    previous_sha256: bytes = b""
    previous_xattrs: bytes = b""


NOTHING_KNOWN = Hint()


@dataclass
class Replica:
    """What a replication made.

    ``entries`` is parallel to those asked for and describes the target; None stands for one that is not in it
    because it had gone. ``changed`` names what was not as scanned. ``degraded`` is one line for each thing lost.
    """

    entries: list[Entry | None]
    changed: set[bytes] = field(default_factory=set)
    refused: list[bytes] = field(default_factory=list)
    unshared: dict[str, list[bytes]] = field(default_factory=dict)

    def losses(self) -> list[str]:
        """Return what could not be kept, one line each."""
        if not self.refused:
            return []
        paths = sorted(self.refused)
        return [f"extended attributes refused by the file system on {len(paths)} entries: {listed(paths)}"]

    def degraded(self) -> list[str]:
        """Return what could not be kept or not be shared, one line each."""
        lines = self.losses()
        for how, paths in sorted(self.unshared.items()):
            way = (
                "copied, sharing no blocks"
                if how == "copy"
                else "cloned with copy_file_range, FICLONE being refused"
            )
            lines.append(f"{len(paths)} files were {way}: {listed(sorted(paths))}")
        return lines


@dataclass(frozen=True)
class Plan:
    """What to replicate: ``entries`` (their mode and owner as the target gets them) found at ``source``.

    ``stamps`` is parallel; a ``ctime_ns`` of -1 is not compared, which is for sources that nobody changes; of others
    ``moment`` says what they tell. ``shared``,
    parallel too where given, says which files the snapshot ``previous`` has as they are wanted; ``adapted`` has the
    ``st_mode`` and owner of those that differ from their source. ``hint`` is asked with the position of every other
    regular file. ``waiting`` are processes that may do the work.
    """

    source: Path
    target: Path
    entries: Sequence[Entry]
    stamps: Sequence[Stamp]
    method: Method
    moment: Moment = NEVER
    previous: Path | None = None
    shared: bytearray = field(default_factory=bytearray)
    adapted: Mapping[int, Owner] = field(default_factory=dict)
    hint: Callable[[int], Hint] = lambda position: NOTHING_KNOWN
    waiting: pool.Standby = field(default_factory=list)


def make_top(target: Path) -> None:
    """Make the new folder ``target``, private to its owner and without inherited setgid bit or ACL."""
    try:
        with anchored.parent(target) as (folder, name):
            os.mkdir(name, 0o700, dir_fd=folder)
            fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileExistsError as error:
        raise AlreadyExists(f"{target} exists already", path=str(target)) from error
    except OSError as error:
        raise translate(error, os.fsencode(target)) from error
    try:
        for name in ("system.posix_acl_default", "system.posix_acl_access"):
            with suppress(OSError):
                os.removexattr(fd, name)
        os.fchmod(fd, 0o700)
    finally:
        os.close(fd)


def replicate(plan: Plan, progress: Progress) -> Replica:
    """Make everything of ``plan`` below the empty folder ``plan.target``.

    A failure leaves part of it. Raises UnsupportedFile, NoSpace or EngineFailed with the path.
    """
    replica = Replica(list(plan.entries))
    progress.started("clone", len(plan.entries))
    make_folders(plan)
    leaders, groups = _leaders(plan.entries)
    leaders = _link(plan, leaders, progress)
    while leaders:
        _run(plan, leaders, replica, progress)
        leaders = _next_leaders(plan, leaders, groups, replica)
    _link_followers(plan, groups, replica)
    _finish_folders(plan, replica)
    progress.finished("clone")
    return replica


def make_folders(plan: Plan) -> None:
    """Make all folders, private to their owner until they are complete."""
    with Folders(plan.target) as targets:
        for entry in plan.entries:
            if entry.kind == FOLDER and entry.path:
                folder, name = split(entry.path)
                try:
                    os.mkdir(name, 0o700, dir_fd=targets.at(folder))
                except OSError as error:
                    raise translate(error, entry.path) from error


def _leaders(entries: Sequence[Entry]) -> tuple[list[int], dict[int, deque[int]]]:
    """Return the positions to make, one for each inode, and for each link group the positions of all its names."""
    leaders = []
    groups: dict[int, deque[int]] = {}
    for position, entry in enumerate(entries):
        if entry.kind == FOLDER:
            continue
        if entry.link_group:
            if entry.link_group in groups:
                groups[entry.link_group].append(position)
                continue
            groups[entry.link_group] = deque([position])
        leaders.append(position)
    return leaders, groups


def _next_leaders(
    plan: Plan, leaders: Sequence[int], groups: dict[int, deque[int]], replica: Replica
) -> list[int]:
    """Return another name of each link group whose leader, one of ``leaders``, had gone: the first that is still there."""
    lost = [position for position in leaders if replica.entries[position] is None]
    following = []
    with Folders(plan.source) as sources:
        for members in (groups[group] for p in lost if (group := plan.entries[p].link_group)):
            while len(members) > 1 and replica.entries[members[0]] is None:
                members.popleft()
                if _is_there(sources, plan.entries[members[0]].path):
                    following.append(members[0])
                    break
                replica.changed.add(plan.entries[members[0]].path)
                replica.entries[members[0]] = None
    return following


def _is_there(folders: Folders, path: bytes) -> bool:
    folder, name = split(path)
    try:
        os.stat(name, dir_fd=folders.at(folder), follow_symlinks=False)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, path, reading=True) from error
        return False
    return True


def _link(plan: Plan, leaders: list[int], progress: Progress) -> list[int]:
    """Make the files that the previous snapshot has as further names of its own; return the positions still to make."""
    entries, shared = plan.entries, plan.shared
    chosen = [p for p in leaders if shared[p] and entries[p].kind == FILE] if any(shared) else []
    if not chosen or plan.previous is None:
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
    linked = set(chosen) - refused
    return [position for position in leaders if position not in linked]


def _run(plan: Plan, positions: list[int], replica: Replica, progress: Progress) -> None:
    """Make the entries at ``positions``, spread over processes where that pays."""
    job = CopyJob(
        os.path.abspath(os.fsencode(plan.source)),
        os.path.abspath(os.fsencode(plan.target)),
        plan.method,
        plan.moment,
        os.path.abspath(os.fsencode(plan.previous)) if plan.previous is not None else None,
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
                    _note(replica, position, old, result, usual)
        progress.advanced(len(answer))

    size = sum(entries[position].size for position in positions)
    count = pool.processes(len(positions), size)
    pool.run(job, _batches(plan, positions), count=count, done=done, waiting=plan.waiting)


def _usual(plan: Plan) -> tuple[str, ...]:
    """Return the ways in which content comes over when nothing is lost; on JuiceFS ``copy_file_range`` shares data."""
    if plan.method == "copy":
        return ("copy",)
    return ("reflink", "copy_file_range") if juicefs.mount_at(plan.target) else ("reflink",)


def _note(replica: Replica, position: int, old: Entry, result: Outcome, usual: tuple[str, ...]) -> None:
    """Record what became of an item that did not go as most do."""
    if result.changed:
        replica.changed.add(old.path)
    if result.gone:
        replica.entries[position] = None
        return
    replica.entries[position] = old._replace(
        mode=result.mode, uid=result.uid, gid=result.gid, size=result.size, mtime_ns=result.mtime_ns,
        xattrs=result.xattrs, sha256=result.sha256,
    )  # fmt: skip
    if result.refused:
        replica.refused.append(old.path)
    if result.how not in ("", "link", *usual):
        replica.unshared.setdefault(result.how, []).append(old.path)


def _batches(plan: Plan, positions: list[int]) -> Iterator[Batch]:
    entries, stamps, hint = plan.entries, plan.stamps, plan.hint
    for chosen in cut([entries[position].size for position in positions]):
        grouped: dict[bytes, list[tuple[Any, ...]]] = {}
        for index in chosen:
            position = positions[index]
            path, kind, mode, uid, gid, size, mtime_ns, target, _, _, _ = entries[position]
            folder, _, name = path.rpartition(b"/")
            known = hint(position) if kind == FILE else NOTHING_KNOWN
            stamp = tuple(stamps[position])
            item = (position, name, kind, stamp, size, mtime_ns, mode, uid, gid, target, *known)
            grouped.setdefault(folder, []).append(item)
        yield list(grouped.items())


def _link_followers(plan: Plan, groups: dict[int, deque[int]], replica: Replica) -> None:
    """Give the files of several names their other names."""
    if not groups:
        return
    with Folders(plan.source) as sources, Folders(plan.target) as first, Folders(plan.target) as other:
        for members in groups.values():
            leader = replica.entries[members[0]]
            for position in islice(members, 1, None):
                entry = plan.entries[position]
                if leader is None:
                    replica.entries[position] = None
                    continue
                folder, name = split(entry.path)
                try:
                    st = os.stat(name, dir_fd=sources.at(folder), follow_symlinks=False)
                    stamp = plan.stamps[position]
                    steady = (st.st_dev, st.st_ino) == stamp[:2] and stamp.ctime_ns in (-1, st.st_ctime_ns)
                except OSError as error:
                    if error.errno not in GONE:
                        raise translate(error, entry.path, reading=True) from error
                    steady = False
                if not steady:
                    replica.changed.add(entry.path)
                leader_folder, leader_name = split(leader.path)
                try:
                    os.link(
                        leader_name, name, src_dir_fd=first.at(leader_folder), dst_dir_fd=other.at(folder),
                        follow_symlinks=False,
                    )  # fmt: skip
                except OSError as error:
                    raise translate(error, entry.path) from error
                replica.entries[position] = leader._replace(path=entry.path)


def _finish_folders(plan: Plan, replica: Replica) -> None:
    """Give the folders their attributes, the deepest first, for nothing is made in them any more."""
    with Folders(plan.source) as sources, Folders(plan.target) as targets:
        for position in range(len(plan.entries) - 1, -1, -1):
            entry = plan.entries[position]
            if entry.kind != FOLDER:
                continue
            xattrs: attributes.Xattrs = ()
            try:
                source = sources.at(entry.path)
                xattrs = attributes.read_xattrs(source)
                st, stamp = os.fstat(source), plan.stamps[position]
                steady = (st.st_dev, st.st_ino) == stamp[:2] and stamp.ctime_ns in (-1, st.st_ctime_ns)
            except OSError as error:
                if error.errno not in GONE:
                    raise translate(error, entry.path, reading=True) from error
                steady = False
            if not steady:
                replica.changed.add(entry.path)
            try:
                target = targets.at(entry.path)
                refused = attributes.apply_to_fd(
                    target, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs
                )
                kept = attributes.read_xattrs(target) if refused else xattrs
            except OSError as error:
                raise translate(error, entry.path) from error
            if refused:
                replica.refused.append(entry.path)
            if kept or entry.xattrs:
                replica.entries[position] = entry._replace(xattrs=attributes.digest(kept))
