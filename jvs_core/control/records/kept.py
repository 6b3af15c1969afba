"""Kept copies of single files: the folder ``kept/<worktree>/<id>`` with the file and its record, complete or not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from jvs_core import canonical, files
from jvs_core.control.layout import Layout
from jvs_core.control.lock import critical
from jvs_core.errors import DescriptorCorrupt, JvsError
from jvs_core.model import SNAPSHOT_ID, UUID, KeptCopy

FILE_NAME = "file"
_RECORD = "record.json"
_ID = re.compile(SNAPSHOT_ID[1:-1])
_WORKTREE = re.compile(UUID[1:-1])


def worktrees(layout: Layout) -> list[str]:
    """Return the identities of the worktrees that copies were kept of, those of removed ones too, sorted."""
    return sorted(name for name in layout.listing(layout.kept()) if _WORKTREE.fullmatch(name))


def is_id(text: str) -> bool:
    """Return whether ``text`` has the form of a copy's id, which is that of a snapshot's."""
    return _ID.fullmatch(text) is not None


def ids(layout: Layout, worktree_id: str) -> list[str]:
    """Return the ids of one worktree's copies, oldest first, readable or not."""
    return sorted(name for name in layout.listing(layout.kept(worktree_id)) if _ID.fullmatch(name))


def find(layout: Layout, worktree_id: str, copy_id: str) -> KeptCopy | None:
    """Return the record of a copy; None where there is none.

    Raises DescriptorCorrupt for one that cannot be read, speaks of another copy or names a path outside of a worktree.
    """
    if not is_id(copy_id):
        return None
    called = f"the record of the kept copy {copy_id}"
    try:
        data = layout.read(layout.kept(worktree_id, copy_id) / _RECORD)
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise DescriptorCorrupt(f"{called} is damaged: it is not a folder", hint="jvs doctor") from error
    record = KeptCopy.parse(data, called)
    parts = path_of(record).split(b"/")
    if (record.worktree_id, record.copy_id) != (worktree_id, copy_id) or not _stays_inside(parts):
        raise DescriptorCorrupt(f"{called} names another copy", hint="jvs doctor")
    return record


def readable(layout: Layout, worktree_id: str) -> tuple[list[KeptCopy], dict[str, JvsError]]:
    """Return the records of one worktree's copies, oldest first, and by its id what is wrong with each of the others.

    A folder without a record was never completed, or is being removed.
    """
    found: list[KeptCopy] = []
    broken: dict[str, JvsError] = {}
    for copy_id in ids(layout, worktree_id):
        try:
            record = find(layout, worktree_id, copy_id)
        except (JvsError, OSError) as error:
            broken[copy_id] = (
                error if isinstance(error, JvsError) else DescriptorCorrupt(str(error), hint="jvs doctor")
            )
        else:
            found += [record] if record is not None else []
    return found, broken


def path_of(record: KeptCopy) -> bytes:
    """Return the path in the worktree that a copy was kept of."""
    return bytes.fromhex(record.path)


def write(layout: Layout, folder: Path, record: KeptCopy, *, mode: int | None) -> None:
    """Write the record of a copy into its unpublished ``folder``, durable."""
    files.write_new(folder / _RECORD, canonical.dumps(record.to_json()) + b"\n", mode=mode)


def publish(layout: Layout, drafted: Path, record: KeptCopy) -> None:
    """Give a complete copy its name, durable, in the critical section."""
    critical.require(layout.repository_lock)
    files.rename_durable(drafted, layout.kept(record.worktree_id, record.copy_id))


def claim(layout: Layout, worktree_id: str, copy_id: str, claimed: Path) -> None:
    """Take a copy's name away, durable, in the critical section; then nobody finds it, and it can be deleted."""
    critical.require(layout.repository_lock)
    files.rename_durable(layout.kept(worktree_id, copy_id), claimed)


def leftover_folders(layout: Layout) -> Iterator[str]:
    """Yield the folders, relative to the repository, in which unpublished copies and those that are being removed lie."""
    for worktree_id in worktrees(layout):
        yield f".jvs/kept/{worktree_id}"


def _stays_inside(parts: list[bytes]) -> bool:
    return all(part not in (b"", b".", b"..") and b"\0" not in part for part in parts)
