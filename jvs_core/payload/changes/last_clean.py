"""The state of a worktree when it was last found to be equal to its head: while it stands so, no manifest is read.

It is a cache, in which a wrong "equal" must be impossible. So it has the trust of the stat index, and nothing beyond:
that any change to an inode moves its ``ctime``, or another of the numbers that a walk sees. A state is kept only where
that was so for every entry; see ``LastClean.keep``. Whatever is wrong with the file (missing, damaged, another's), it
behaves as if nothing was kept.
"""

from __future__ import annotations

import marshal
import os
import secrets
import stat
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from jvs_core import regular
from jvs_core.errors import JvsError
from jvs_core.payload.changes.writeback import clock_devices, probe_clock
from jvs_core.payload.changes.writeback_time import WritebackTime

if TYPE_CHECKING:
    from jvs_core.payload.changes.index import StatIndex
    from jvs_core.payload.tree.walk import Scan

# Raised when what a state is made of changes, or what is asked of a worktree.
VERSION = b"2"
_HEX = sha256().digest_size * 2
_WITHOUT_REFERENCES = 2
_AT_ONCE = 1000
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def state(found: Scan) -> str:
    """Return a hash over all that a walk saw: of each entry path, kind, mode, owner, size, time, target, links and inode.

    What the walk left out counts by its path, since a difference that lies in it is none.
    """
    digest = sha256()
    for rows in (found.entries, found.stamps, found.left_out):
        # Every value says where it ends, so no two trees are written alike; what is one object is written out each time.
        digest.update(marshal.dumps(len(rows)))
        coming = iter(rows)
        while some := [tuple(row) for row in islice(coming, _AT_ONCE)]:
            digest.update(marshal.dumps(some, _WITHOUT_REFERENCES))
    return digest.hexdigest()


class LastClean:
    """What is kept in the file ``path`` for one worktree and one ``question``; with None nothing is kept.

    The question is all else that the answer rests on: which snapshot, which rules, who asks. Make the object before
    the walk: where it will have to keep a state, the clock of ``clock_folder``'s file system is read now. Not for two
    threads at once. Several processes may use one file; the last to keep a state wins.
    """

    def __init__(self, path: Path | None, question: bytes, clock_folder: Path) -> None:
        self.path = path
        self.clock_folder = clock_folder
        self.question = sha256(VERSION + question).hexdigest()
        self.kept = self._read()
        self.began_ns = probe_clock(clock_folder) if path is not None and not self.kept else 0

    def is_still(self, found: Scan) -> bool:
        """Return whether a worktree is as it was when the question was last answered with: there is no difference."""
        return bool(self.kept) and not found.changed and state(found) == self.kept

    def is_after(self, ctime_ns: int) -> bool:
        """Return whether a file of the repository that was last touched then cannot change without its ``ctime`` moving."""
        return bool(self.kept) or ctime_ns < self.began_ns

    def keep(self, found: Scan, index: StatIndex, *, with_attributes: bool) -> None:
        """Keep the state ``found``, in which no difference was found, if whatever changes later must change it.

        For the content of files that is what ``index`` says of all of them (and of their extended attributes, where
        those were asked for). For links and folders, which have no pages that wait to be written back, it is so if
        their ``ctime`` is older than the clock was before the walk. An older state that is not this one any more goes:
        its clock was not read, and the next look will do that. A crash leaves the old file, the new one, or none.
        """
        if self.path is None:
            return
        if self.kept:
            self.forget()
            return
        before = WritebackTime(self.began_ns, clock_devices(found, self.clock_folder))
        if found.changed or not all(map(before.covers, found.stamps)):
            return
        if not index.knows_all(found, with_attributes=with_attributes):
            return
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            fd = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            with open(fd, "w", encoding="ascii") as file:
                file.write(f"{self.question} {state(found)}\n")
            os.replace(temporary, self.path)
        except OSError:  # no cache costs time, nothing else
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def forget(self) -> None:
        """Delete the file."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _read(self) -> str:
        """Return the state that is kept for the question; ``""`` where there is none, or others could have written it."""
        if self.path is None:
            return ""
        try:
            data, about = regular.read_with_status(self.path, most=2 * _HEX + 2)
        except (OSError, JvsError):
            return ""
        if about.st_uid != os.geteuid() or about.st_mode & _OTHERS_WRITE or about.st_nlink != 1:
            return ""
        question, _, kept = data.decode("ascii", "replace").partition(" ")
        return kept.rstrip("\n") if question == self.question and len(kept) == _HEX + 1 else ""
