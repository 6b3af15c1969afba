"""Noticing that something changed in a worktree, by inotify where it tells, without looking at any file.

Each folder costs a watch, of which the kernel gives a user so many; known caches are not watched, links not followed. Where
there are too many folders, or the file system may be changed from elsewhere, who waits has to look once in a while: ``why``
says so. A program that maps a file or keeps it open shows at its next close only.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from jvs_core.errors import WorktreeNotFound
from jvs_core.payload.tree import mounts
from jvs_core.payload.tree.entry import CONTROL
from jvs_core.payload.tree.exclude_rules import CACHE_FOLDERS, TAG_NAME
from jvs_core.payload.tree.faults import GONE
from jvs_core.payload.tree.folders import FOLDER_FLAGS
from jvs_core.wording import counted

if TYPE_CHECKING:
    from inotify_simple import INotify

MOST_FOLDERS = 200_000
_SETTLE_S = 0.5
_TAG = os.fsdecode(TAG_NAME)
_SHARE = 0.005  # of the time may go into finding the folders again of which events were lost
# File systems that another host may change without an event here.
_SHARED = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "gpfs", "beegfs", "glusterfs")
_OVER_THE_LIMIT = (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Watch:
    """Watches the folders of one worktree, from its making to ``close``; for a ``with`` block.

    ``why`` is None if every change that this kernel makes shows. Otherwise it says why you have to look as well.
    """

    def __init__(self, root: Path) -> None:
        self.why: str | None = None
        self._root = os.fsencode(root)
        self._notify: INotify | None = None
        self._paths: dict[int, bytes] = {}
        self._missed = False
        self._again_at = 0.0
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    @property
    def folders(self) -> int:
        """How many folders are watched."""
        return len(self._paths)

    @property
    def is_lost(self) -> bool:
        """Whether the worktree itself is gone, or its file system is; a new watch may find it again."""
        return self._notify is not None and not self._paths

    def wait(self, timeout_s: float) -> bool:
        """Wait for a change, up to ``timeout_s`` seconds; return whether there was one.

        Of many changes it wakes once, a moment after the first. Without inotify it only waits.
        """
        if self._notify is None:
            time.sleep(max(timeout_s, 0))
            return False
        if self._missed and time.monotonic() >= self._again_at:
            self._follow_all()
        deadline = time.monotonic() + timeout_s
        while self._notify is not None and (left := deadline - time.monotonic()) > 0:
            events = self._notify.read(timeout=round(left * 1000), read_delay=round(_SETTLE_S * 1000))
            heeded = [self._heeds(event.wd, event.mask, os.fsencode(event.name)) for event in events]
            if any(heeded):
                return True
        return False

    def close(self) -> None:
        """Watch nothing any more."""
        if self._notify is not None:
            self._notify.close()
            self._notify = None
        self._paths.clear()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        try:
            mount = mounts.mount_of(Path(os.fsdecode(self._root)))
        except OSError as error:
            raise WorktreeNotFound(f"{os.fsdecode(self._root)} is missing", hint="jvs doctor") from error
        try:
            from inotify_simple import INotify, flags
        except ImportError:
            self.why = "the package inotify-simple is not installed"
            return
        self._flags = flags
        self._mask = (
            flags.CLOSE_WRITE | flags.ATTRIB | flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO
            | flags.DELETE_SELF | flags.ONLYDIR | flags.EXCL_UNLINK
        )  # fmt: skip
        try:
            self._notify = INotify()
            self._add(b"")
        except OSError as error:
            if error.errno not in _OVER_THE_LIMIT:
                raise
            self._give_up(error)
            return
        if mount is not None and (mount.kind in _SHARED or mount.kind.startswith("fuse")):
            self.why = f"{mount.kind} does not report what other hosts change"

    def _give_up(self, error: OSError) -> None:
        count = counted(len(self._paths), "folder")
        self.close()
        self.why = (
            f"the system watches at most {count} for this user: {os.strerror(error.errno or 0)}"
            " (sysctl fs.inotify.max_user_watches, fs.inotify.max_user_instances)"
        )

    def _add(self, top: bytes) -> None:
        """Watch the folder ``top`` and all below it that are no known caches; what is gone by then is left out."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            waiting += [folder + b"/" + name if folder else name for name in self._watched(folder)]

    def _watched(self, folder: bytes) -> list[bytes]:
        """Watch one folder; return the names of those in it that are to be watched, too."""
        assert self._notify is not None
        if len(self._paths) >= MOST_FOLDERS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            fd = self._open(folder)
        except OSError as error:
            if error.errno in (*GONE, errno.EACCES, errno.ELOOP):
                return []
            raise
        try:
            inner = []
            with os.scandir(fd) as entries:
                for entry in entries:
                    if folder and entry.name == _TAG:
                        return []
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(os.fsencode(entry.name))
            # Through the open folder: no name on the way can be exchanged for a link.
            self._paths[self._notify.add_watch(f"/proc/self/fd/{fd}", self._mask)] = folder
        except FileNotFoundError:
            return []
        finally:
            os.close(fd)
        return [name for name in inner if not _is_left_out(name)]

    def _open(self, folder: bytes) -> int:
        fd = os.open(self._root, FOLDER_FLAGS)
        for name in folder.split(b"/") if folder else ():
            try:
                inner = os.open(name, FOLDER_FLAGS, dir_fd=fd)
            finally:
                os.close(fd)
            fd = inner
        return fd

    def _heeds(self, watch: int, mask: int, name: bytes) -> bool:
        """Follow what an event says of folders; return whether it is of a change that counts."""
        flags = self._flags
        if mask & flags.Q_OVERFLOW:
            self._missed = True
            return True
        if mask & flags.IGNORED:
            self._paths.pop(watch, None)
            return True
        folder = self._paths.get(watch)
        if folder is None or _is_left_out(name):
            return False
        if mask & flags.ISDIR and mask & (flags.CREATE | flags.MOVED_TO) and name:
            self._follow(folder + b"/" + name if folder else name)
        return True

    def _follow_all(self) -> None:
        """Find the folders whose making was missed, since more changed at once than the kernel remembers."""
        began = time.monotonic()
        self._missed = False
        self._follow(b"")
        now = time.monotonic()
        self._again_at = now + (now - began) / _SHARE

    def _follow(self, folder: bytes) -> None:
        if self._notify is None:
            return
        try:
            self._add(folder)
        except OSError as error:
            if error.errno not in _OVER_THE_LIMIT:
                raise
            self._give_up(error)


def _is_left_out(name: bytes) -> bool:
    return name in CACHE_FOLDERS or name == CONTROL
