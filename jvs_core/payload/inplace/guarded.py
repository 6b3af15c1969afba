"""Single changes in a worktree; a file that changed since the scan is left alone and named."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from jvs_core.errors import EngineFailed
from jvs_core.payload.check.comparison import mismatch
from jvs_core.payload.copy.put import temporary_name
from jvs_core.payload.inplace import taking
from jvs_core.payload.inplace.steps import Link
from jvs_core.payload.inplace.taking import Overtaken, Taken
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.entry import FOLDER, SYMLINK, Entry, printable
from jvs_core.payload.tree.faults import GONE
from jvs_core.payload.tree.file_state import FileState
from jvs_core.payload.tree.folders import Folders, split


@dataclass(frozen=True)
class Guarded:
    """Changes of one name at a time; ``overtaken`` collects the names left alone, ``taken`` what was taken out.

    ``taken`` is sorted by folder. ``refused`` collects the entries whose extended attributes the file system refused,
    ``drifted`` those whose payload has others than the manifest says.
    """

    folders: Folders
    seen: Mapping[bytes, FileState]
    overtaken: list[bytes]
    refused: list[bytes]
    drifted: list[bytes]
    taken: dict[bytes, list[Taken]]

    def make_folder(self, entry: Entry) -> None:
        """Make a folder where none is."""
        folder, name = split(entry.path)
        parent = self.folders.at(folder)
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not _is_folder(parent, name) and self._stands(entry, parent, name):
                os.unlink(name, dir_fd=parent)  # a socket or device, which no plan lists
                os.mkdir(name, 0o700, dir_fd=parent)

    def remove(self, entry: Entry, *, must: bool) -> None:
        """Remove one entry, if it is there; a folder that holds something new stays, unless it is in the way."""
        folder, name = split(entry.path)
        try:
            parent = self.folders.at(folder)
            if entry.kind == FOLDER:
                self._remove_folder(entry.path, parent, name)
            else:
                self._keep(taking.remove(parent, name, entry.path, self.seen.get(entry.path)))
        except Overtaken:
            self.overtaken.append(entry.path)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                if must and not self.overtaken:
                    raise EngineFailed(
                        f"{printable(entry.path)} cannot be replaced: it contains something that no snapshot can keep (a socket, device, mount or repository), or that somebody just made",
                        hint="move it away and run the command again",
                        path=entry.path,
                    ) from error
            elif error.errno not in GONE:
                raise

    def link(self, firsts: Folders, link: Link) -> None:
        """Give a file one more name, in place of the file that was seen there."""
        path = link.entry.path
        folder, name = split(path)
        first_folder, first_name = split(link.first)
        target = self.folders.at(folder)
        if link.first in self.overtaken:
            return
        temporary = temporary_name()
        os.link(
            first_name,
            temporary,
            src_dir_fd=firsts.at(first_folder),
            dst_dir_fd=target,
            follow_symlinks=False,
        )
        try:
            self._keep(taking.replace(target, name, temporary, path, self.seen.get(path)))
        except Overtaken:
            self.overtaken.append(path)
            return
        if link.fresh:
            os.utime(name, dir_fd=target, follow_symlinks=False)

    def mend(self, payloads: Folders, entry: Entry) -> None:
        """Give an entry with the right content its attributes, without opening it: its mode may forbid that."""
        folder, name = split(entry.path)
        parent = self.folders.at(folder)
        if not self._stands(entry, parent, name):
            return
        if entry.kind == SYMLINK:
            attributes.apply_to_name(parent, name, None, entry.uid, entry.gid, None)
            return
        xattrs = self._kept(payloads, entry)
        with attributes.handle(self.folders, entry.path) as handle:
            if attributes.apply_to_handle(handle, entry.mode, entry.uid, entry.gid, xattrs):
                self.refused.append(entry.path)

    def settle(self, payloads: Folders, entry: Entry) -> None:
        """Give a folder its attributes."""
        xattrs = self._kept(payloads, entry)
        target = self.folders.at(entry.path)
        if attributes.apply_to_fd(target, entry.mode, entry.uid, entry.gid, None, xattrs, clear=True):
            self.refused.append(entry.path)

    def _kept(self, payloads: Folders, entry: Entry) -> attributes.Xattrs:
        """Return the extended attributes of an entry, read from the payload."""
        if not entry.xattrs:
            return ()
        folder, name = split(entry.path)
        try:
            if entry.kind == FOLDER:
                found = attributes.read_xattrs(payloads.at(entry.path))
            else:
                found = attributes.read_xattrs(attributes.below(payloads.at(folder), name))
        except OSError as error:
            if error.errno not in GONE:
                raise
            raise mismatch([entry.path]) from error
        xattrs, drifted = attributes.kept_as(found, entry.mode, entry.xattrs)
        if drifted:
            self.drifted.append(entry.path)
        return xattrs

    def _remove_folder(self, path: bytes, parent: int, name: bytes) -> None:
        self.folders.forget(path)
        try:
            os.rmdir(name, dir_fd=parent)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            inside = self.taken.pop(path, [])  # it may hold nothing but these
            if not inside:
                raise
            self.overtaken.extend(taking.give_up(self.folders, inside))
            self.folders.forget(path)
            os.rmdir(name, dir_fd=parent)

    def _keep(self, taken: Taken | None) -> None:
        if taken is not None:
            self.taken.setdefault(split(taken.path)[0], []).append(taken)

    def _stands(self, entry: Entry, parent: int, name: bytes) -> bool:
        if taking.is_overtaken(parent, name, self.seen.get(entry.path)):
            self.overtaken.append(entry.path)
            return False
        return True


def _is_folder(parent: int, name: bytes) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
