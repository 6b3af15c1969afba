"""Finding what in a worktree cannot be changed, before anything is changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from jvs_core.errors import EngineFailed
from jvs_core.payload.inplace.steps import Steps
from jvs_core.payload.tree.entry import FOLDER, Entry, printable
from jvs_core.payload.tree.faults import GONE, NAMED, listed, translate
from jvs_core.payload.tree.flags import fixed
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.mounts import mounts_below
from jvs_core.payload.tree.walk import CAP_DAC_OVERRIDE, CAP_FOWNER, Scan, has_capability

IMMUTABLE, APPEND_ONLY = "immutable", "append-only"
READ_ONLY = "on a read-only file system"
FOREIGN = "of another user"
CLOSED = "not writable"
STICKY = "of another user, in a sticky folder"
MOUNTED = "a mount point"

_WHAT_TO_DO = {
    IMMUTABLE: "chattr -i {}",
    APPEND_ONLY: "chattr -a {}",
    READ_ONLY: "mount it writable",
    FOREIGN: "ask their owner, or root, to change or move them",
    CLOSED: "ask its owner to make it writable for you: {}",
    STICKY: "ask their owner, or root, to move them",
    MOUNTED: "umount {}",
}


class Obstacle(NamedTuple):
    """A path that cannot be changed, and why."""

    path: bytes
    reason: str


def require_changeable(present: Scan, steps: Steps) -> None:
    """Make sure that the file system lets this process carry out ``steps`` in ``present``.

    Raises EngineFailed, which names what is in the way, and says what to do about it.
    """
    found = sorted(obstacles(present, steps))
    if not found:
        return
    shown = ", ".join(f"{_name(path)} ({reason})" for path, reason in found[:NAMED])
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    first = {reason: path for path, reason in reversed(found)}
    todo = "; ".join(
        say.format(_name(first[reason])) for reason, say in _WHAT_TO_DO.items() if reason in first
    )
    raise EngineFailed(
        f"JVS changed nothing, because it cannot change these: {shown}{more}",
        hint=f"{todo}; then run the command again",
        paths=[path for path, _ in found],
    )


def obstacles(present: Scan, steps: Steps) -> list[Obstacle]:
    """Return the entries of ``present`` that keep this process from carrying out ``steps``."""
    here = {entry.path: entry for entry in present.entries}
    mounted = mount_points(present)
    coming = _paths(steps.clear, steps.make, steps.fill, (link.entry for link in steps.link), steps.remove)
    dressed = _paths(steps.mend, steps.settle) | set(steps.open_up)
    look = _Look(here, mounted)
    by_folder: dict[bytes, list[bytes]] = {}
    for path in sorted((coming | dressed) - {b""}):
        by_folder.setdefault(split(path)[0], []).append(path)
    found: list[Obstacle] = []
    with Folders(present.root) as folders:
        if b"" in dressed:
            found += look.top(folders.top)
        for folder, paths in by_folder.items():
            if folder and (folder not in here or here[folder].kind != FOLDER):
                continue  # the steps make it
            try:
                fd = folders.at(folder)
                in_it = [path for path in paths if path in coming]
                if in_it:
                    found += look.folder(folder, fd, in_it)
                for path in paths:
                    if path in here:
                        found += look.entry(fd, path, moved=path in coming, dressed=path in dressed)
            except OSError as error:
                if error.errno not in GONE:  # the step itself reports it
                    raise translate(error, folder) from error
    return list(dict.fromkeys(found))


class _Look:
    """The rights of this process, and the tree that it looks at."""

    def __init__(self, here: Container[bytes], mounted: Container[bytes]) -> None:
        self.here, self.mounted = here, mounted
        self.user = os.geteuid()
        self.owns_all = has_capability(CAP_FOWNER)
        self.opens_all = has_capability(CAP_DAC_OVERRIDE)

    def top(self, fd: int) -> list[Obstacle]:
        return self._dressed(fd, b".", b"", os.fstat(fd))

    def folder(self, path: bytes, fd: int, names: Sequence[bytes]) -> list[Obstacle]:
        """Return what keeps ``names`` from being made or removed in a folder."""
        if os.fstatvfs(fd).f_flag & os.ST_RDONLY:
            return [Obstacle(path, READ_ONLY)]
        if held := fixed(fd, b"."):
            return [Obstacle(path, held)]
        st = os.fstat(fd)
        mine = self.owns_all or st.st_uid == self.user
        if not mine and not self.opens_all and not _may_write(fd):
            return [Obstacle(path, CLOSED)]
        if st.st_mode & stat.S_ISVTX and not mine:
            # The scan does not say: it has the owners that a snapshot would have.
            present = [name for name in names if name in self.here]
            return [
                Obstacle(path, STICKY)
                for path in present
                if os.stat(split(path)[1], dir_fd=fd, follow_symlinks=False).st_uid != self.user
            ]
        return []

    def entry(self, folder: int, path: bytes, *, moved: bool, dressed: bool) -> list[Obstacle]:
        """Return what keeps one entry from being replaced or removed, or from getting other attributes."""
        name = split(path)[1]
        if moved and path in self.mounted:
            return [Obstacle(path, MOUNTED)]
        if dressed:
            return self._dressed(folder, name, path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        held = fixed(folder, name)
        return [Obstacle(path, held)] if held else []

    def _dressed(self, folder: int, name: bytes, path: bytes, st: os.stat_result) -> list[Obstacle]:
        if held := fixed(folder, name):
            return [Obstacle(path, held)]
        if not self.owns_all and st.st_uid != self.user:
            return [Obstacle(path, FOREIGN)]
        return [Obstacle(path, READ_ONLY)] if os.fstatvfs(folder).f_flag & os.ST_RDONLY else []


def _may_write(fd: int) -> bool:
    return os.access(b".", os.W_OK | os.X_OK, dir_fd=fd, effective_ids=True)


def in_mounts(present: Scan, steps: Steps) -> list[str]:
    """Return a line for each mount in ``present`` in which ``steps`` change something: no part of the worktree."""
    changed = sorted(
        _paths(
            steps.clear, steps.make, steps.fill, (link.entry for link in steps.link), steps.mend, steps.remove
        )
    )
    inner: dict[bytes, list[bytes]] = {}
    points = mount_points(present)
    for path in changed:
        above = path
        while above and above not in points:
            above = split(above)[0]
        if above and above != path:
            inner.setdefault(above, []).append(path)
    return [
        f"changed on the file system that is mounted at {printable(point)}: {listed(paths)}"
        for point, paths in sorted(inner.items())
    ]


def mount_points(present: Scan) -> set[bytes]:
    """Return where something is mounted in the tree that was scanned."""
    top = os.fsencode(os.path.realpath(present.root)).rstrip(b"/") + b"/"
    return {mount.point[len(top) :] for mount in mounts_below(present.root)}


def _paths(*groups: Iterable[Entry]) -> set[bytes]:
    return {entry.path for group in groups for entry in group}


def _name(path: bytes) -> str:
    return printable(path) or "the top folder"
