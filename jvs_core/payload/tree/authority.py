"""Which owners, special modes and capabilities of a manifest files get when they are restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from stat import S_ISGID, S_ISUID
from typing import NamedTuple

from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.packed import duplicate, held, present
from jvs_core.payload.tree.walk import CAP_SETFCAP, has_capability
from jvs_core.wording import counted

SPECIAL = S_ISUID | S_ISGID


class Authority(NamedTuple):
    """What a manifest decides: ``special``: setuid, setgid and capabilities; whose everything becomes, if not its own."""

    special: bool = True
    owner: tuple[int, int] | None = None


ALL = Authority()
_AUTHORITY: ContextVar[Authority] = ContextVar("_AUTHORITY", default=ALL)


@contextmanager
def believing(authority: Authority) -> Iterator[None]:
    """Let manifests decide no more than ``authority`` of what is brought out of snapshots in the block."""
    token = _AUTHORITY.set(authority)
    try:
        yield
    finally:
        _AUTHORITY.reset(token)


def owned(
    entries: Sequence[Entry],
    *,
    present: Mapping[bytes, Entry] | None = None,
    payload: Path | None = None,
) -> tuple[Sequence[Entry], list[str]]:
    """Return ``entries`` with the owners, modes and attributes that a copy can have, and a line on each kind of loss.

    ``present`` are the entries that lie where the copy goes: what is as the manifest says keeps all that it has, and what
    is replaced keeps its owner. In ``payload`` is looked which files have capabilities.
    """
    granted, dropped = entries_granted(entries, present or {}, payload)
    kept, lost = with_owners(granted)
    return kept, [*dropped, *lost]


def entries_granted(
    entries: Sequence[Entry], present: Mapping[bytes, Entry], payload: Path | None
) -> tuple[Sequence[Entry], list[str]]:
    """Return ``entries`` with nothing that only the manifest says of owners, setuid, setgid and capabilities."""
    authority = _AUTHORITY.get()
    if authority.special and authority.owner is None:
        return entries, []
    capable = _capable(entries, payload)
    if authority.owner is None and not capable and not any(entry.mode & SPECIAL for entry in entries):
        return entries, []
    owners: list[bytes] = []
    special: list[bytes] = []

    def grant(entry: Entry) -> Entry:
        if authority.owner is None and not entry.mode & SPECIAL and entry.path not in capable:
            return entry
        here = present.get(entry.path)
        if here is not None and _is_same(here, entry):
            return entry
        one = _without_special(entry, capable)
        if one is not entry:
            special.append(entry.path)
        if authority.owner is None:
            return one
        uid, gid = authority.owner if here is None else (here.uid, here.gid)
        if (uid, gid) == (entry.uid, entry.gid):
            return one
        owners.append(entry.path)
        return one._replace(uid=uid, gid=gid)

    granted = held(grant(entry) for entry in entries)
    if not owners and not special:
        return entries, []
    lines = (
        [f"owner or group not kept on {counted(len(owners), 'entry', 'entries')}: {listed(owners)}"]
        if owners
        else []
    )
    if special:
        lines.append(
            f"setuid, setgid or capabilities not kept on {counted(len(special), 'file')}: {listed(special)}"
        )
    return granted, lines


def _without_special(entry: Entry, capable: Mapping[bytes, bytes]) -> Entry:
    """Return ``entry`` as it is without special rights. A folder keeps setgid, which hands on a group and no right."""
    mode = entry.mode & ~SPECIAL if entry.kind == FILE else entry.mode & ~S_ISUID
    xattrs = capable.get(entry.path, entry.xattrs)
    if (mode, xattrs) == (entry.mode, entry.xattrs):
        return entry
    return entry._replace(mode=mode, xattrs=xattrs)


def _capable(entries: Sequence[Entry], payload: Path | None) -> dict[bytes, bytes]:
    """Return, for each file that has capabilities in ``payload``, the digest of its other attributes."""
    found: dict[bytes, bytes] = {}
    candidates = [entry for entry in entries if entry.xattrs and entry.kind == FILE]
    if payload is None or not candidates or not has_capability(CAP_SETFCAP):
        return found
    with suppress(FileNotFoundError), Folders(payload) as folders:
        for entry in candidates:
            folder, name = split(entry.path)
            try:
                found_here = attributes.read_xattrs(attributes.below(folders.at(folder), name))
                xattrs = attributes.with_mode(found_here, entry.mode)
            except OSError as error:
                if error.errno in GONE:  # whoever brings it says so
                    continue
                raise translate(error, entry.path, reading=True) from error
            others = attributes.without_capability(xattrs)
            if others != xattrs:
                found[entry.path] = attributes.digest(others)
    return found


def _is_same(here: Entry, entry: Entry) -> bool:
    """Return whether an entry lies there already, to the letter: then nothing is given to anybody."""
    return (here.kind, here.mode, here.uid, here.gid, here.sha256, here.target, here.xattrs) == (
        (entry.kind, entry.mode, entry.uid, entry.gid, entry.sha256, entry.target, entry.xattrs)
    )


def with_owners(entries: Sequence[Entry]) -> tuple[Sequence[Entry], list[str]]:
    """Return ``entries`` with the owners that this process may give, and a line on those that it may not."""
    rights = attributes.ownership()
    if rights.anything:
        return entries, []
    adapted = duplicate(entries)
    lost: list[bytes] = []
    for position, entry in enumerate(entries):
        mode, uid, gid = rights.keep(entry.mode, entry.uid, entry.gid)
        if (uid, gid) != (entry.uid, entry.gid):
            lost.append(entry.path)
            adapted[position] = entry._replace(mode=mode, uid=uid, gid=gid)
    if not lost:
        return entries, []
    return present(adapted), [
        f"owner or group not kept on {counted(len(lost), 'entry', 'entries')} (needs root): {listed(lost)}"
    ]
