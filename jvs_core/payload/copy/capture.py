"""Capturing a worktree file by file: the method behind the engines ``reflink-copy`` and ``copy``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from stat import S_IFREG

from jvs_core.payload.changes.index import Recalled
from jvs_core.payload.changes.racy_files import RacyFiles
from jvs_core.payload.changes.reading import attributes_now, with_digests
from jvs_core.payload.changes.writeback import write_back
from jvs_core.payload.copy.captured import Capture, CaptureRequest, EngineName, PreviousSnapshot, unavailable
from jvs_core.payload.copy.linking import Owner
from jvs_core.payload.copy.replica import Hint, Plan, Replica
from jvs_core.payload.copy.replication import replicate
from jvs_core.payload.manifest.lines import compare, decode, encode, encoded
from jvs_core.payload.tree import juicefs
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.content import Method
from jvs_core.payload.tree.entry import FILE, Entry, printable
from jvs_core.payload.tree.exclude_rules import EXCLUDED
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.link_groups import whole_groups
from jvs_core.payload.tree.packed import present, worth
from jvs_core.payload.tree.removal import remove_tree
from jvs_core.payload.tree.walk import REPOSITORY, LeftOut
from jvs_core.payload.work import pool
from jvs_core.payload.work.collector import held_back
from jvs_core.wording import counted


@held_back()
def capture_tree(request: CaptureRequest, *, engine: EngineName, method: Method) -> Capture:
    """Copy a worktree file by file; see ``SnapshotEngine.capture``.

    After the walk has ended and dirty pages were written back, every entry is looked at again when it is copied, or
    later. An entry that is still as the walk saw it was so at the end of the walk, mapped pages included. If all are,
    the target is the tree at that one time. If not, a ``quiesced`` capture starts again, once; a ``best_effort`` one
    names them.
    """
    for last in (False, True):
        with pool.standby(request.previous.files if request.previous else 0) as waiting:
            capture = _attempt(request, engine, method, waiting)
        request = replace(request, found=None)
        if not capture.changed_meanwhile or request.consistency == "best_effort":
            return capture
        if not last:
            remove_tree(request.target)
    raise unavailable(capture.changed_meanwhile)


def _attempt(request: CaptureRequest, engine: EngineName, method: Method, waiting: pool.Standby) -> Capture:
    source, target, index, previous = request.source, request.target, request.index, request.previous
    found = request.scan()
    recalled = attributes_now(found, index.recall(found), threads=juicefs.THREADS)
    unknown = recalled.unknown(found)
    writeback = write_back(found, unknown, target.parent)
    racy = RacyFiles(found, unknown, writeback)
    owned_entries, given_up = owned(found.entries)
    entries = present(with_digests(owned_entries, recalled, complete=True))
    hints = _Hints(entries, recalled, previous)
    plan = Plan(
        source,
        target,
        entries,
        found.stamps,
        method,
        writeback,
        previous.payload if previous else None,
        hints.shared,
        _adapted(found.entries, owned_entries),
        hints.of,
        waiting=waiting,
        seal=True,
    )
    replica = replicate(plan, request.progress)
    changed = replica.changed.union(found.changed, racy.changed(replica.entries))
    index.learn(found, replica.entries, recalled, writeback, changed=changed)
    made, lines = _lined(entries, replica, hints)
    return Capture(
        engine=engine,
        entries=made,
        lines=lines,
        degraded=[*described(found.left_out), *given_up, *replica.degraded()],
        changed_meanwhile=sorted(changed),
        left_out=[entry.path for entry in found.left_out],
    )


def _lined(
    planned: Sequence[Entry], replica: Replica, hints: _Hints
) -> tuple[Sequence[Entry], Sequence[bytes | None]]:
    """Return the entries made, and parallel to them the manifest lines of those that are as planned, else None."""
    made = present(replica.entries)
    whole = whole_groups(made)
    if not hints.lines or whole != made or len(made) < len(planned):
        return whole, ()
    lines = zip(planned, made, hints.lines, strict=True)
    return made, [line if entry is plan else None for plan, entry, line in lines]


class _Hints:
    """What the index and the previous snapshot say about each file."""

    def __init__(
        self, entries: Sequence[Entry], recalled: Recalled, previous: PreviousSnapshot | None
    ) -> None:
        self.entries = entries
        self.recalled = recalled.digests
        self.previous = previous
        # Of very many the lines are made again where they are written, rather than all held until then.
        self.lines = encode(entries) if previous and not worth(len(entries)) else []
        lines = self.lines or (encoded(entries) if previous else ())
        self.equal, self.others = compare(
            lines, previous.lines() if previous else (), len(entries) if previous else 0
        )
        self.shared = bytearray(self.equal)
        for position, entry in enumerate(entries):
            if entry.link_group and entry.kind == FILE and previous:
                # Its line has the number of its group, which changes when groups before it come or go.
                self.shared[position] = self.complete(position) and self.likely(position) is not None

    def of(self, position: int) -> Hint:
        known = self.recalled[position]
        sha, xattrs = known if known is not None else (b"", None)
        if self.previous is None or self.complete(position):
            return Hint("make", sha, xattrs)
        old = self.likely(position)
        return (
            Hint("make", sha, xattrs) if old is None else Hint("check", sha, xattrs, old.sha256, old.xattrs)
        )

    def complete(self, position: int) -> bool:
        known = self.recalled[position]
        return known is not None and known.xattrs is not None

    def likely(self, position: int) -> Entry | None:
        """Return the previous snapshot's entry at this path if nothing known of the file differs from it, else None."""
        entry, known = self.entries[position], self.recalled[position]
        sha, xattrs = known if known is not None else (b"", None)
        old = self.before(position)
        if (
            old is None
            or old[1:7] != entry[1:7]
            or (sha and old.sha256 != sha)
            or (xattrs is not None and old.xattrs != xattrs)
            or bool(old.link_group) != bool(entry.link_group)
            or (entry.link_group and entry.path in self.split_groups)
        ):
            return None
        return old

    def before(self, position: int) -> Entry | None:
        """Return what the previous snapshot has at the same path."""
        if self.equal[position]:
            return self.entries[position]
        line = self.others.get(self.entries[position].path)
        return None if line is None else decode(line)

    @cached_property
    def split_groups(self) -> frozenset[bytes]:
        """The names whose link group has other names in the previous snapshot."""
        shared = [entry for entry, same in zip(self.entries, self.equal, strict=True) if same]
        return _unequal_groups(self.entries, [*shared, *map(decode, self.others.values())])


def _unequal_groups(entries: Sequence[Entry], previous: Sequence[Entry]) -> frozenset[bytes]:
    """Return the names whose link group has other names in the other list: only whole groups can be shared."""
    now, before = _groups(entries), _groups(previous)
    earlier = {path: names for names in before.values() for path in names}
    equal: set[bytes] = set()
    for names in now.values():
        if earlier.get(names[0], []) == names:
            equal.update(names)
    return frozenset(path for groups in (now, before) for names in groups.values() for path in names) - equal


def _groups(entries: Sequence[Entry]) -> dict[int, list[bytes]]:
    """Return the names of each link group, sorted."""
    members: dict[int, list[bytes]] = {}
    for entry in entries:
        if entry.link_group:
            members.setdefault(entry.link_group, []).append(entry.path)
    for names in members.values():
        names.sort()
    return members


def _adapted(found: Sequence[Entry], owned_entries: Sequence[Entry]) -> dict[int, Owner]:
    """Return mode, with the kind of file, and owner of those that ``owned`` changed."""
    if owned_entries is found:
        return {}
    pairs = enumerate(zip(found, owned_entries, strict=True))
    return {
        position: (S_IFREG | new.mode, new.uid, new.gid)
        for position, (old, new) in pairs
        if old[2:5] != new[2:5]
    }


def described(left_out: Sequence[LeftOut]) -> list[str]:
    """Return a line for each entry that no snapshot can keep, and one for all repositories."""
    lines = [
        f"{kind} left out: {printable(path)}" for path, kind in left_out if kind not in (REPOSITORY, EXCLUDED)
    ]
    repositories = [path for path, kind in left_out if kind == REPOSITORY]
    if repositories:
        what = counted(len(repositories), "repository", "repositories")
        lines.append(f"{what} left out, with their history: {listed(repositories)}")
    return lines
