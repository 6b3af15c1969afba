"""Copying single paths out of a snapshot, and the temporary names that an interrupted restore leaves."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jvs_core import files
from jvs_core.errors import AlreadyExists, PartialSnapshot, PathEscape, PathNotFound
from jvs_core.payload.check.comparison import Depth, mismatch
from jvs_core.payload.check.status import check, check_some
from jvs_core.payload.copy.put import LEFTOVER_PREFIX, put
from jvs_core.payload.copy.replica import Hint, Plan
from jvs_core.payload.copy.replication import replicate
from jvs_core.payload.copy.transfer import attribute_losses
from jvs_core.payload.tree.authority import owned
from jvs_core.payload.tree.entry import FOLDER, Entry, is_alike, printable
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.file_state import FileState
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.link_groups import whole_groups
from jvs_core.payload.tree.removal import remove_tree
from jvs_core.payload.tree.walk import Scan, scan
from jvs_core.progress import SILENT, Progress

__all__ = [
    "LEFTOVER_PREFIX",
    "changed_since",
    "extract",
    "extract_part",
    "is_leftover",
    "remove_leftover",
    "state",
]


def changed_since(present: Scan, path: bytes, now: Path) -> list[bytes]:
    """Return the paths, as in ``present``, of what changed in ``now`` since it was scanned at ``path`` of ``present``.

    ``now`` may have been moved since. What is gone is left out; sockets and devices, which exist once only, are named.
    """
    prefix = path + b"/" if path else b""
    seen = {
        entry.path: position
        for position, entry in enumerate(present.entries)
        if entry.path == path or entry.path.startswith(prefix)
    }
    if not os.path.lexists(now):
        return []
    if path in seen and present.entries[seen[path]].kind != FOLDER:
        was = FileState.at(present, seen[path], named=True)
        return [] if was.is_still(os.lstat(now)) else [path]
    try:
        found = scan(now, must_read=False)
    except (PathNotFound, PathEscape):  # another kind of thing by now
        return [path]
    changed = [prefix + other.path for other in found.left_out]
    for position, entry in enumerate(found.entries):
        full = prefix + entry.path if entry.path else path
        before = seen.get(full)
        if before is None or present.entries[before].kind != entry.kind:
            changed.append(full)
        elif entry.kind != FOLDER:
            named = bool(present.entries[before].link_group or entry.link_group)
            if FileState.at(found, position, named=named) != FileState.at(present, before, named=named):
                changed.append(full)
    return sorted(changed)


def state(now: Path) -> dict[bytes, FileState]:
    """Return the state of all but folders at and below ``now``, by relative path; empty where nothing is there."""
    try:
        found = scan(now, must_read=False)
    except (PathNotFound, PathEscape):  # no folder, but a file or a link
        try:
            st = files.status(now)
        except FileNotFoundError:
            return {}
        return {b"": FileState(st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns, -1)}
    return {
        entry.path: FileState.at(found, position, named=True)
        for position, entry in enumerate(found.entries)
        if entry.kind != FOLDER
    }


def is_leftover(path: bytes) -> bool:
    """Say whether ``path`` is, or lies in, something that an interrupted restore left under a temporary name."""
    prefix = os.fsencode(LEFTOVER_PREFIX)
    return any(name.startswith(prefix) for name in path.split(b"/"))


def remove_leftover(parent: Path, name: str) -> None:
    """Remove the temporary ``name`` in ``parent``; no error when it is gone already."""
    remove_tree(parent / name)


def extract(
    payload: Path,
    entries: Sequence[Entry],
    path: bytes,
    target: Path,
    *,
    instead: Mapping[bytes, Entry] | None = None,
) -> list[str]:
    """Make the new ``target`` from one file or folder ``path`` of a snapshot; return what could not be kept.

    It has the times of the snapshot. Where it is to replace the entries ``instead``, whose paths are relative to it,
    files with the same content keep the times of those, and all others have the present time. Every byte is checked
    against the manifest. A failure may leave an incomplete ``target``: give a temporary name, and remove it then.

    Raises PathNotFound, AlreadyExists, PayloadHashMismatch, NoSpace or EngineFailed.
    """
    prefix = path + b"/" if path else b""
    chosen = [
        entry._replace(path=entry.path[len(prefix) :] if entry.path != path else b"")
        for entry in entries
        if entry.path == path or entry.path.startswith(prefix)
    ]
    if not chosen:
        raise PathNotFound(f"no {printable(path)!r} in the snapshot", path=path)
    source = payload / os.fsdecode(path)
    if chosen[0].kind != FOLDER:
        (timed,) = _timed([chosen[0]._replace(link_group=0)], instead)
        (wanted_one,), lost = owned([timed._replace(path=path)], payload=payload)
        return [*lost, *_extract_one(payload, wanted_one, path, target)]
    chosen = list(whole_groups(chosen))
    wanted, lost = owned(_timed(chosen, instead), payload=source)
    try:
        found = check(source, chosen, Depth.LOOK).require_content(below=path)
    except PartialSnapshot as error:
        if not path:
            raise
        raise mismatch([path]) from error  # the manifest has the folder
    return [*lost, *_replicated(Plan(source, target, wanted, found.stamps(), "reflink", held=True), prefix)]


def extract_part(
    payload: Path, entries: Sequence[Entry], target: Path, progress: Progress, *, every_byte: bool = True
) -> list[str]:
    """Make the new folder ``target`` from ``entries``, some of a manifest, the top folder first; return what got lost.

    Every byte is checked; else only what is copied, or drifted in mode, owner or time. Raised is what ``extract`` raises. A
    failure may leave an incomplete ``target``.
    """
    wanted, lost = owned(entries, payload=payload)
    found = check_some(payload, entries, Depth.LOOK if every_byte else Depth.SUSPECT).require_content()
    plan = Plan(payload, target, wanted, found.stamps(), "reflink", held=True)
    if not every_byte:
        plan = replace(plan, hint=lambda position: Hint("make", wanted[position].sha256))
    return [*lost, *_replicated(plan, b"", progress)]


def _replicated(plan: Plan, prefix: bytes, progress: Progress = SILENT) -> list[str]:
    """Carry out ``plan`` and return what could not be kept. Raises PayloadHashMismatch, with paths below ``prefix``."""
    made = replicate(plan, progress)
    damaged = [
        prefix + was.path
        for was, now in zip(plan.entries, made.entries, strict=True)
        if now is None or now.sha256 != was.sha256 or was.path in made.changed
    ]
    if damaged:
        raise mismatch(damaged)
    return made.losses()


def _timed(wanted: Sequence[Entry], instead: Mapping[bytes, Entry] | None) -> Sequence[Entry]:
    if instead is None:
        return wanted
    now_ns = time.time_ns()
    return [
        entry._replace(mtime_ns=here.mtime_ns if here is not None and is_alike(here, entry) else now_ns)
        for entry in wanted
        for here in (instead.get(entry.path),)
    ]


def _extract_one(payload: Path, entry: Entry, path: bytes, target: Path) -> list[str]:
    try:
        with Folders(payload) as payloads, Folders(target.parent) as targets:
            brought = put(payloads, entry, targets.top, os.fsencode(target.name), "reflink")
    except FileExistsError as error:
        raise AlreadyExists(f"{target} already exists", path=str(target)) from error
    except OSError as error:
        raise translate(error, path) from error
    return attribute_losses([path] if brought.refused else [], [path] if brought.drifted else [])
