"""Hard links to files of the previous snapshot that did not change; runs in worker processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from jvs_core.payload.tree import hard_link
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.sealing import seal_linked

if TYPE_CHECKING:
    from jvs_core.payload.tree.entry import Entry
    from jvs_core.payload.tree.stamp import Stamp

BATCH_NAMES = 250
Owner = tuple[int, int, int]
"""``st_mode``, uid and gid."""


class Names(NamedTuple):
    """Names of one folder and, parallel to them, the inode numbers and ``ctime`` that the scan saw.

    ``owned`` has the positions whose mode and owner in the target are not those of the source. There is one list a
    field, since pickling one tuple a name would cost as much as the link.
    """

    folder: bytes
    device: int
    positions: list[int]
    names: list[bytes]
    inodes: list[int]
    ctimes: list[int]
    owned: dict[int, Owner]


class LinkJob(NamedTuple):
    """Links files of ``previous`` into ``target``, whose folders exist; looks at ``source`` again.

    All three are absolute paths. A file is not linked, and its position returned, where the previous snapshot lacks it,
    it differs there, or ``source`` changed since the scan. A failure leaves the links made so far. Raises NoSpace or
    EngineFailed, with the path.
    """

    source: bytes
    target: bytes
    previous: bytes

    @contextmanager
    def open(self) -> Iterator[Callable[[list[Names]], list[int]]]:
        """Open the trees; yield the function that does a batch and returns the positions that were not linked."""
        with (
            Folders(self.source) as source,
            Folders(self.target) as target,
            Folders(self.previous) as previous,
        ):

            def work(batch: list[Names]) -> list[int]:
                return [position for names in batch for position in _link(names, source, target, previous)]

            yield work


def _link(names: Names, sources: Folders, targets: Folders, previous: Folders) -> list[int]:
    target = targets.at(names.folder)
    try:
        source, link_from = sources.at(names.folder), previous.at(names.folder)
    except OSError:
        return names.positions
    refused = []
    device, owned, look = names.device, names.owned, os.stat
    seen = zip(names.positions, names.names, names.inodes, names.ctimes, strict=True)
    for position, name, inode, ctime in seen:
        try:
            if not hard_link.link(link_from, name, target):
                refused.append(position)
                continue
            made = look(name, dir_fd=target, follow_symlinks=False)
            try:
                now = look(name, dir_fd=source, follow_symlinks=False)
            except OSError as error:
                if error.errno not in GONE:
                    raise
                now = None
            if (
                now is None
                or now.st_ctime_ns != ctime
                or now.st_ino != inode
                or now.st_dev != device
                or made.st_mtime_ns != now.st_mtime_ns
                or made.st_size != now.st_size
                or not _is_as(made, owned.get(position) or _owner(now), target, name)
            ):
                os.unlink(name, dir_fd=target)
                refused.append(position)
        except OSError as error:
            raise translate(error, b"/".join(filter(None, (names.folder, name)))) from error
    return refused


def _is_as(made: os.stat_result, owner: Owner, folder: int, name: bytes) -> bool:
    """Say whether a file that was linked has the owner wanted, and is sealed now."""
    mode, uid, gid = owner
    return made.st_uid == uid and made.st_gid == gid and seal_linked(folder, name, made, mode)


def _owner(now: os.stat_result) -> Owner:
    return now.st_mode, now.st_uid, now.st_gid


def batches(
    entries: Sequence[Entry], stamps: Sequence[Stamp], owned: Mapping[int, Owner], positions: Sequence[int]
) -> Iterator[list[Names]]:
    """Cut the files at ``positions`` into batches; ``owned`` has those with another owner or mode in the target."""
    for start in range(0, len(positions), BATCH_NAMES):
        batch: dict[tuple[bytes, int], Names] = {}
        for position in positions[start : start + BATCH_NAMES]:
            folder, _, name = entries[position].path.rpartition(b"/")
            device, inode, ctime = stamps[position]
            names = batch.get((folder, device))
            if names is None:
                names = batch[folder, device] = Names(folder, device, [], [], [], [], {})
            names.positions.append(position)
            names.names.append(name)
            names.inodes.append(inode)
            names.ctimes.append(ctime)
            if position in owned:
                names.owned[position] = owned[position]
        yield list(batch.values())
