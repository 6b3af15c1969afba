"""Exchanging one path of a worktree for a complete copy, unless it changed since it was scanned."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from jvs_core import files, syncing
from jvs_core.errors import (
    ConsistencyUnavailable,
    JvsError,
)
from jvs_core.operations.inplace.plan import Present
from jvs_core.payload.copy.single import changed_since, remove_leftover, state
from jvs_core.payload.inplace.taking import Overtaken, Swap
from jvs_core.payload.tree.entry import Entry, is_below
from jvs_core.payload.tree.faults import listed
from jvs_core.payload.tree.file_state import FileState
from jvs_core.payload.tree.folders import Folders

State = dict[bytes, FileState]


@contextmanager
def exchange(present: Present, here: bytes, target: Path, temporary: Path) -> Iterator[Swap[State]]:
    """Yield the exchange of ``temporary``, which is complete, with ``target``; a copy that was not used is removed."""
    made, copied = _inode(temporary), state(temporary)

    def path(called: bytes) -> Path:
        return target.with_name(os.fsdecode(called))

    def is_made(called: bytes) -> bool:
        return _inode(path(called)) == made and state(path(called)) == copied

    def look(called: bytes) -> State | None:
        seen = state(path(called))
        return None if changed_since(present.scan, here, path(called)) else seen

    def drop(called: bytes) -> None:
        remove_leftover(target.parent, os.fsdecode(called))

    with Folders(target.parent) as folders:
        swap = Swap(folders.top, os.fsencode(target.name), os.fsencode(temporary.name), is_made, look, drop)
        try:
            yield swap
        except BaseException:
            with suppress(OSError, JvsError):
                if is_made(swap.made):
                    drop(swap.made)
            raise


@contextmanager
def swapped(swap: Swap[State], present: Present, here: bytes, target: Path) -> Iterator[State | None]:
    """Put the copy at ``target``, durable; yield the state of what was taken out, which a failure puts back."""
    try:
        left = swap.carry_out(there=True)
    except Overtaken:
        require_unchanged(present, here, target)
        raise _overtaken([here]) from None
    try:
        syncing.sync_folder(target.parent)
        yield left
    except BaseException:
        if left is not None:
            swap.put_back()
        elif swap.is_made(swap.name):
            swap.drop(swap.name)
        syncing.sync_folder(target.parent)
        raise


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = files.status(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def below(present: Present, here: bytes) -> dict[bytes, Entry]:
    """Return what is at and below a path, by the path relative to it."""
    return {
        entry.path[len(here) + 1 :]: entry for entry in present.scan.entries if is_below(entry.path, here)
    }


def require_unchanged(present: Present, here: bytes, now: Path) -> None:
    """Raise ConsistencyUnavailable where what is ``now`` at a path changed since it was scanned as ``here``."""
    changed = changed_since(present.scan, here, now)
    if changed:
        raise _overtaken(changed)


def _overtaken(changed: Sequence[bytes]) -> ConsistencyUnavailable:
    return ConsistencyUnavailable(
        f"not replaced, because it changed in the meantime or no snapshot can keep it: {listed(changed)}",
        hint="stop the program that writes to it (or move sockets, devices and repositories away), then run the command again",
    )
