"""Making an existing worktree equal to a snapshot in place."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from jvs_core.errors import EngineFailed
from jvs_core.payload.copy.put import Placed, PutJob, is_overtaken, mismatch, temporary_name
from jvs_core.payload.inplace.steps import Link, Steps, plan
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.entry import FOLDER, SYMLINK, Entry, printable
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.seen import Seen
from jvs_core.payload.work import pool
from jvs_core.payload.work.batches import cut
from jvs_core.progress import SILENT, Progress

__all__ = ["Applied", "Steps", "apply", "plan"]

SET = 500

T = TypeVar("T")


@dataclass
class Applied:
    """What came of steps: entries whose attributes were refused, and names where an edit overtook the plan."""

    refused: list[bytes] = field(default_factory=list)
    overtaken: list[bytes] = field(default_factory=list)

    def losses(self) -> list[str]:
        """Return what could not be kept, one line each."""
        if not self.refused:
            return []
        paths = sorted(self.refused)
        return [f"attributes refused by the file system on {len(paths)} entries: {listed(paths)}"]


def apply(
    worktree: Path,
    payload: Path,
    steps: Steps,
    *,
    check: Callable[[], None] = lambda: None,
    progress: Progress = SILENT,
) -> Applied:
    """Carry out ``steps`` in ``worktree``; return what did not go as planned.

    ``check`` is called before each set of changes and stops the work by raising. Every file arrives by rename, after
    its content was held against the manifest, so each is whole at any time; a crash or failure leaves some of the
    steps undone and perhaps temporary names, which planning again finds. A file that was written to, or came to be,
    since the steps were planned stays as it is and is named: then look, plan and apply again. Sockets, devices and
    repositories stay, and so do the folders they are in.

    Raises PayloadHashMismatch, NoSpace or EngineFailed, with the path.
    """
    progress.started("converge", len(steps.fill) + len(steps.link) + len(steps.mend) + len(steps.remove))
    done = Applied()
    with Folders(worktree) as folders, Folders(worktree) as firsts, Folders(payload) as payloads:
        guarded = _Guarded(folders, steps.seen, done.overtaken)
        _apply_each(steps.open_up, check, lambda path: os.fchmod(folders.at(path), 0o700))
        _apply_each(steps.clear, check, lambda entry: guarded.remove(entry, must=True))
        _apply_each(steps.make, check, guarded.make_folder)
        if done.overtaken:  # it stands where a folder is to be
            return done
        _fill(worktree, payload, steps, check, progress, done)
        _apply_each(steps.link, check, lambda link: guarded.link(firsts, link))
        _apply_each(steps.mend, check, lambda entry: guarded.mend(payloads, entry, done.refused))
        _apply_each(steps.remove, check, lambda entry: guarded.remove(entry, must=False))
        _apply_each(steps.settle, check, lambda entry: _settle(folders, payloads, entry, done.refused))
    progress.advanced(len(steps.link) + len(steps.mend) + len(steps.remove))
    progress.finished("converge")
    return done


def _apply_each(items: Sequence[T], check: Callable[[], None], act: Callable[[T], object]) -> None:
    for number, item in enumerate(items):
        if number % SET == 0:
            check()
        try:
            act(item)
        except OSError as error:
            raise translate(error, _path_of(item)) from error


def _path_of(item: object) -> bytes:
    if isinstance(item, Link):
        return item.entry.path
    return item.path if isinstance(item, Entry) else bytes(item) if isinstance(item, bytes) else b""


def _fill(
    worktree: Path,
    payload: Path,
    steps: Steps,
    check: Callable[[], None],
    progress: Progress,
    applied: Applied,
) -> None:
    if not steps.fill:
        return
    entries, seen = steps.fill, steps.seen

    def done(batch: list[tuple[Entry, Seen | None]], placed: Placed) -> None:
        applied.refused.extend(placed.refused)
        applied.overtaken.extend(placed.overtaken)
        progress.advanced(len(batch))

    sizes = [entry.size for entry in entries]
    job = PutJob(os.path.abspath(os.fsencode(payload)), os.path.abspath(os.fsencode(worktree)), "reflink")
    batches = (
        [(entries[position], seen.get(entries[position].path)) for position in part] for part in cut(sizes)
    )
    pool.run(job, batches, count=pool.processes(len(entries), sum(sizes)), done=done, before=check)


@dataclass(frozen=True)
class _Guarded:
    """Changes in a worktree that leave alone, and name, what is not as it was ``seen``."""

    folders: Folders
    seen: Mapping[bytes, Seen]
    overtaken: list[bytes]

    def stands(self, entry: Entry, parent: int, name: bytes) -> bool:
        if is_overtaken(parent, name, self.seen.get(entry.path)):
            self.overtaken.append(entry.path)
            return False
        return True

    def make_folder(self, entry: Entry) -> None:
        folder, name = split(entry.path)
        parent = self.folders.at(folder)
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            if not _is_folder(parent, name) and self.stands(entry, parent, name):
                os.unlink(name, dir_fd=parent)  # a socket or device, which no plan lists
                os.mkdir(name, 0o700, dir_fd=parent)

    def remove(self, entry: Entry, *, must: bool) -> None:
        """Remove one entry that may be gone; a folder that holds something else by now stays, unless it is in the way."""
        folder, name = split(entry.path)
        try:
            parent = self.folders.at(folder)
            if entry.kind == FOLDER:
                self.folders.forget(entry.path)
                os.rmdir(name, dir_fd=parent)
            elif self.stands(entry, parent, name):
                os.unlink(name, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                if must and not self.overtaken:
                    raise EngineFailed(
                        f"{printable(entry.path)} is to be replaced, but holds what no snapshot keeps "
                        "(a socket, device, mount or repository), or what was made in it meanwhile",
                        hint="move it away and run the command again",
                        path=entry.path,
                    ) from error
            elif error.errno not in GONE:
                raise

    def link(self, firsts: Folders, link: Link) -> None:
        """Give a file one more name, over what was seen there."""
        folder, name = split(link.entry.path)
        first_folder, first_name = split(link.first)
        target = self.folders.at(folder)
        if link.first in self.overtaken or not self.stands(link.entry, target, name):
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
            os.rename(temporary, name, src_dir_fd=target, dst_dir_fd=target)
        finally:
            with suppress(
                FileNotFoundError
            ):  # renaming one name of a file over another of the same does nothing
                os.unlink(temporary, dir_fd=target)

    def mend(self, payloads: Folders, entry: Entry, refused: list[bytes]) -> None:
        """Give an entry with the right content its attributes, without opening it: its mode may forbid that."""
        folder, name = split(entry.path)
        parent = self.folders.at(folder)
        if not self.stands(entry, parent, name):
            return
        if entry.kind == SYMLINK:
            attributes.apply_to_name(parent, name, None, entry.uid, entry.gid, entry.mtime_ns)
            return
        xattrs: attributes.Xattrs = ()
        if entry.xattrs:
            found = attributes.read_xattrs(attributes.below(payloads.at(folder), name))
            xattrs = attributes.granted(found, entry.xattrs)
            if attributes.digest(xattrs) != entry.xattrs:
                raise mismatch(entry)
        fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if os.fstat(fd).st_mode & 0o170000 == 0o120000:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if attributes.apply_to_handle(fd, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs):
                refused.append(entry.path)
        finally:
            os.close(fd)


def _is_folder(parent: int, name: bytes) -> bool:
    return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode & 0o170000 == 0o040000


def _settle(folders: Folders, payloads: Folders, entry: Entry, refused: list[bytes]) -> None:
    xattrs = attributes.read_xattrs(payloads.at(entry.path)) if entry.xattrs else ()
    target = folders.at(entry.path)
    if attributes.apply_to_fd(target, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs, clear=True):
        refused.append(entry.path)
