"""Capturing a worktree file by file: the method behind the engines ``reflink-copy`` and ``copy``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from stat import S_IFREG, S_ISGID, S_ISUID

from jvs_core.errors import ConsistencyUnavailable
from jvs_core.payload import attributes, juicefs, pool
from jvs_core.payload.collector import held_back
from jvs_core.payload.doubtful import Doubtful
from jvs_core.payload.engines.base import Capture, Consistency, EngineName, PreviousSnapshot
from jvs_core.payload.entry import FILE, Entry, printable
from jvs_core.payload.faults import listed
from jvs_core.payload.index import Recalled, StatIndex
from jvs_core.payload.lines import compare, decode, encode
from jvs_core.payload.linking import Owner
from jvs_core.payload.reading import attributes_now
from jvs_core.payload.removal import remove_tree
from jvs_core.payload.replica import Hint, Plan, Replica, make_top, replicate
from jvs_core.payload.transfer import Method
from jvs_core.payload.tree import LeftOut, Scan, require_readable, scan
from jvs_core.payload.writeback import write_back
from jvs_core.progress import Progress

# Whose everything that is brought out of a snapshot becomes, None where the manifest decides; see ``owned_by``.
_OWNER: ContextVar[tuple[int, int] | None] = ContextVar("_OWNER", default=None)


@contextmanager
def owned_by(owner: tuple[int, int] | None) -> Iterator[None]:
    """Let what is brought out of a snapshot in the block belong to ``owner`` (uid, gid), and no file be setuid or setgid.

    For root in a repository that others can write: what a manifest says of owners and such modes is no authority there.
    None lets the manifest decide.
    """
    token = _OWNER.set(owner)
    try:
        yield
    finally:
        _OWNER.reset(token)


def to_amend(entries: Sequence[Entry], moved: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the entries whose attributes are to be set in a clone of a whole tree, and a line on what is not kept.

    ``moved`` are those whose attributes are not as the manifest has them.
    """
    if _OWNER.get() is None:
        return list(moved), []
    granted, lines = _granted(entries, {})
    changed = {
        new.path: new for old, new in zip(entries, granted, strict=True) if old is not new and old != new
    }
    now = {entry.path: entry for entry in granted}
    others = [changed.pop(entry.path, now[entry.path]) for entry in moved]
    return [*others, *changed.values()], lines


@held_back()
def capture_tree(
    source: Path,
    target: Path,
    *,
    engine: EngineName,
    method: Method,
    index: StatIndex,
    previous: PreviousSnapshot | None,
    consistency: Consistency,
    progress: Progress,
    found: Scan | None = None,
) -> Capture:
    """Copy ``source`` to the new folder ``target``; see ``SnapshotEngine.capture``.

    Every entry is looked at once more after the walk has ended and what it found was written back, when it is copied
    or later; one that is then still as the walk saw it was so at that moment, mapped pages included. If all are, the
    target is the tree of that one moment. If not, a ``quiesced`` capture starts again, once; a ``best_effort`` one
    names them.
    """
    for last in (consistency == "best_effort", True):
        with pool.standby(previous.files if previous else 0) as waiting:
            capture = _attempt(source, target, engine, method, index, previous, progress, found, waiting)
        found = None
        if not capture.changed_meanwhile or consistency == "best_effort":
            return capture
        if not last:
            remove_tree(target)
    paths = list(capture.changed_meanwhile)
    raise ConsistencyUnavailable(
        f"changed while the snapshot was taken: {listed(paths)}",
        hint="stop what writes there, or use --consistency best_effort",
        paths=paths,
    )


def _attempt(
    source: Path,
    target: Path,
    engine: EngineName,
    method: Method,
    index: StatIndex,
    previous: PreviousSnapshot | None,
    progress: Progress,
    found: Scan | None,
    waiting: pool.Standby,
) -> Capture:
    found = scan(source, progress) if found is None else require_readable(found)
    recalled = attributes_now(found, index.recall(found), threads=juicefs.THREADS)
    unknown = recalled.unknown(found)
    moment = write_back(found, unknown, target.parent)
    doubtful = Doubtful(found, unknown, moment)
    owned_entries, given_up = owned(found.entries)
    entries = _known(owned_entries, recalled)
    hints = _Hints(entries, recalled, previous)
    make_top(target)
    plan = Plan(
        source,
        target,
        entries,
        found.stamps,
        method,
        moment,
        previous.payload if previous else None,
        hints.shared,
        _adapted(found.entries, owned_entries),
        hints.of,
        waiting,
    )
    replica = replicate(plan, progress)
    changed = replica.changed.union(found.changed, doubtful.changed(replica.entries))
    index.learn(_learnable(found, replica, changed), recalled, moment)
    made, lines = _lined(entries, replica, hints)
    return Capture(
        engine=engine,
        entries=made,
        lines=lines,
        degraded=[*described(found.left_out), *given_up, *replica.degraded()],
        changed_meanwhile=sorted(changed),
        left_out=[entry.path for entry in found.left_out],
    )


def _known(entries: Sequence[Entry], recalled: Recalled) -> list[Entry]:
    """Fill in the digests that are known in full."""
    return [
        entry
        if known is None or known.xattrs is None
        else tuple.__new__(Entry, (*entry[:9], known.xattrs, known.sha256))
        for entry, known in zip(entries, recalled.digests, strict=True)
    ]


def _lined(
    planned: Sequence[Entry], replica: Replica, hints: _Hints
) -> tuple[Sequence[Entry], Sequence[bytes | None]]:
    """Return the entries made, and beside each the line that it has already because it is as it was planned."""
    made = [entry for entry in replica.entries if entry is not None]
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
        self.lines = encode(entries) if previous else []
        self.equal, self.others = compare(self.lines, previous.lines() if previous else ())
        self.shared = bytearray(self.equal)
        for position, entry in enumerate(entries):
            if entry.link_group and entry.kind == FILE and previous:
                # Its line also has the number of its group, which moves with the groups before it.
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
        """Return the entry of the previous snapshot that is equal as far as is known, None if none is."""
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
        """The names whose link group is not the same in both."""
        shared = [entry for entry, same in zip(self.entries, self.equal, strict=True) if same]
        return _unequal_groups(self.entries, [*shared, *map(decode, self.others.values())])


def _unequal_groups(entries: Sequence[Entry], previous: Sequence[Entry]) -> frozenset[bytes]:
    """Return the names whose link group does not have the very same names in both: a group is shared whole or not."""
    now, before = _groups(entries), _groups(previous)
    alone: tuple[bytes, ...] = ()
    return frozenset(
        path for path in now.keys() | before.keys() if now.get(path, alone) != before.get(path, alone)
    )


def _groups(entries: Sequence[Entry]) -> dict[bytes, tuple[bytes, ...]]:
    members: dict[int, list[bytes]] = {}
    for entry in entries:
        if entry.link_group:
            members.setdefault(entry.link_group, []).append(entry.path)
    return {path: tuple(paths) for paths in members.values() for path in paths}


def owned(
    entries: Sequence[Entry], present: Mapping[bytes, Entry] | None = None
) -> tuple[Sequence[Entry], list[str]]:
    """Return ``entries`` with the owners and modes that a copy by this process can have, and a line on what is lost.

    ``present`` are the entries that lie where the copy goes: what has owner and mode of the manifest already keeps them.
    """
    granted, dropped = _granted(entries, present or {})
    kept, lost = _with_owners(granted)
    return kept, [*dropped, *lost]


def _granted(entries: Sequence[Entry], present: Mapping[bytes, Entry]) -> tuple[Sequence[Entry], list[str]]:
    """Return ``entries`` with nothing that only the manifest says of owners, setuid and setgid; see ``owned_by``.

    What is replaced keeps the owner of what lies there.
    """
    owner = _OWNER.get()
    if owner is None:
        return entries, []
    granted: list[Entry] = []
    owners: list[bytes] = []
    special: list[bytes] = []
    for entry in entries:
        here = present.get(entry.path)
        if here is not None and _is_same(here, entry):
            granted.append(entry)
            continue
        uid, gid = owner if here is None else (here.uid, here.gid)
        mode = entry.mode & ~(S_ISUID | S_ISGID) if entry.kind == FILE else entry.mode & ~S_ISUID
        if (uid, gid) != (entry.uid, entry.gid):
            owners.append(entry.path)
        if mode != entry.mode:
            special.append(entry.path)
        granted.append(entry._replace(mode=mode, uid=uid, gid=gid))
    lines = [f"owner or group not kept on {len(owners)} entries: {listed(owners)}"] if owners else []
    lines += [f"setuid or setgid not kept on {len(special)} files: {listed(special)}"] if special else []
    return granted, lines


def _is_same(here: Entry, entry: Entry) -> bool:
    """Return whether an entry lies there already, to the letter: then nothing is given to anybody."""
    return (here.kind, here.mode, here.uid, here.gid, here.sha256, here.target) == (
        (entry.kind, entry.mode, entry.uid, entry.gid, entry.sha256, entry.target)
    )


def _with_owners(entries: Sequence[Entry]) -> tuple[Sequence[Entry], list[str]]:
    rights = attributes.ownership()
    if rights.anything:
        return entries, []
    adapted: list[Entry] = []
    lost: list[bytes] = []
    for entry in entries:
        mode, uid, gid = rights.keep(entry.mode, entry.uid, entry.gid)
        if (uid, gid) != (entry.uid, entry.gid):
            lost.append(entry.path)
            adapted.append(entry._replace(mode=mode, uid=uid, gid=gid))
        else:
            adapted.append(entry)
    if not lost:
        return entries, []
    return adapted, [f"owner or group not kept on {len(lost)} entries (needs root): {listed(lost)}"]


def _adapted(found: Sequence[Entry], owned_entries: Sequence[Entry]) -> dict[int, Owner]:
    """Return mode, with the kind of file, and owner of those that ``owned`` changed."""
    if owned_entries is found:
        return {}
    pairs = enumerate(zip(found, owned_entries, strict=True))
    return {
        position: (S_IFREG | new.mode, new.uid, new.gid) for position, (old, new) in pairs if old is not new
    }


def described(left_out: Sequence[LeftOut]) -> list[str]:
    """Return a line for each entry that no snapshot keeps."""
    return [f"{kind} left out: {printable(path)}" for path, kind in left_out]


def whole_groups(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Number link groups anew where members went missing, as a manifest demands: from 1, in path order, two or more."""
    if not any(entry.link_group for entry in entries):
        return entries
    counts: dict[int, int] = {}
    for entry in entries:
        if entry.link_group:
            counts[entry.link_group] = counts.get(entry.link_group, 0) + 1
    numbers: dict[int, int] = {}
    whole: list[Entry] = []
    for entry in entries:
        if entry.link_group:
            many = counts[entry.link_group] > 1
            number = numbers.setdefault(entry.link_group, len(numbers) + 1) if many else 0
            whole.append(entry if number == entry.link_group else entry._replace(link_group=number))
        else:
            whole.append(entry)
    return whole


def _learnable(found: Scan, replica: Replica, changed: set[bytes]) -> Scan:
    """Return the scan with the digests that belong to the states it saw."""
    return replace(
        found,
        entries=[
            old if new is None or old.path in changed else new
            for old, new in zip(found.entries, replica.entries, strict=True)
        ],
    )
