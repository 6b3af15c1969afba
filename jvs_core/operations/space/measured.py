"""What folders take on disk, and worktrees beyond their newest snapshot. Links are not followed; nothing else is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jvs_core.errors import PathEscape
from jvs_core.faults import DENIED
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import GONE
from jvs_core.payload.tree.folders import Folders

_SECTOR = 512


@dataclass
class Taken:
    """What was found below a folder: bytes on disk, and of them those of files that have names elsewhere, too.

    ``closed`` counts the folders that the caller may not read, whose content is not in it.
    """

    bytes: int = 0
    linked_bytes: int = 0
    closed: int = 0
    _links: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def add(self, found: os.stat_result) -> None:
        """Count a file or folder; one of several names once."""
        own = found.st_blocks * _SECTOR
        if stat.S_ISDIR(found.st_mode) or found.st_nlink == 1:
            self.bytes += own
            return
        seen = self._links.setdefault((found.st_dev, found.st_ino), [0, found.st_nlink, own])
        if not seen[0]:
            self.bytes += own
            self.linked_bytes += own
        seen[0] += 1
        if seen[0] == seen[1]:
            self.linked_bytes -= own

    @property
    def own_bytes(self) -> int:
        """What goes with the folder."""
        return self.bytes - self.linked_bytes


@dataclass
class Working:
    """A worktree: what it takes on disk, and what of it no snapshot shares."""

    bytes: int = 0
    own_bytes: int = 0
    closed: int = 0


def taken(top: Path, *, leave_out: Callable[[bytes], bool] = lambda path: False) -> Taken:
    """Measure all below ``top``, nothing where it does not exist; ``leave_out`` names folders that are not entered."""
    found = Taken()
    for _, each in _walk(top, found, leave_out):
        found.add(each)
    return found


def working(top: Path, newest: Sequence[Entry], *, shares: bool) -> Working:
    """Measure a worktree; where the engine ``shares`` blocks, files like those in the ``newest`` snapshot are not its own.

    A file is like that one by its size and time. Read no content.
    """
    known = {entry.path: (entry.size, entry.mtime_ns) for entry in newest if entry.kind == FILE}
    found, own = Taken(), Taken()
    for path, each in _walk(top, found, lambda path: False):
        found.add(each)
        if not (
            shares and stat.S_ISREG(each.st_mode) and known.get(path) == (each.st_size, each.st_mtime_ns)
        ):
            own.add(each)
    return Working(found.bytes, own.bytes, found.closed)


def _walk(
    top: Path, counts: Taken, leave_out: Callable[[bytes], bool]
) -> Iterator[tuple[bytes, os.stat_result]]:
    """Yield all below ``top``, each folder before what is in it, however deep. What vanishes meanwhile is left out."""
    try:
        folders = Folders(top)
    except OSError as error:
        counts.closed += error.errno in DENIED
        return
    except PathEscape:  # a link where a folder belongs: what it leads to is not the repository's
        return
    with folders:
        pending = [b""]
        while pending:
            path = pending.pop()
            try:
                folder = folders.at(path)
                names = os.listdir(folder)
            except OSError as error:
                if error.errno not in DENIED and error.errno not in GONE:
                    raise
                counts.closed += error.errno in DENIED
                continue
            for name in map(os.fsencode, names):
                inner = path + b"/" + name if path else name
                try:
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except OSError as error:
                    if error.errno not in DENIED and error.errno not in GONE:
                        raise
                    continue
                yield inner, found
                if stat.S_ISDIR(found.st_mode) and not leave_out(inner):
                    pending.append(inner)
