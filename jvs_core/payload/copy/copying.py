"""A batch of files brought from one tree to another: the work that ``pool`` spreads over processes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from jvs_core.payload.changes.writeback_time import Moment
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree import content as transfer
from jvs_core.payload.tree.content import Changed, How, Method, State
from jvs_core.payload.tree.entry import FIFO, FILE, SYMLINK
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders
from jvs_core.payload.tree.sealing import seal_linked, sealed

Action = Literal["make", "check"]


class Item(NamedTuple):
    """One entry to bring over: what the scan saw of it, and what is known. ``position`` is the caller's own.

    ``mode``, ``uid`` and ``gid`` are those that the target gets, or has outside where it is sealed. ``action`` is ``make`` (a new inode) or ``check`` (the
    previous snapshot's is linked if the content has the digest ``previous_sha256`` and the xattrs
    ``previous_xattrs``). ``xattrs`` is None where they were never read.
    """

    position: int
    name: bytes
    kind: str
    stamp: State
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    target: bytes = b""
    action: Action = "make"
    sha256: bytes = b""
    xattrs: bytes | None = None
    previous_sha256: bytes = b""
    previous_xattrs: bytes = b""


class Outcome(NamedTuple):
    """What became of an item, where it is more than a digest. It describes the target, not the source.

    ``gone``: nothing was made. ``changed``: the source was not what the scan saw; the target is self-consistent all
    the same. ``refused`` names the extended attributes that could not be set.
    """

    sha256: bytes = b""
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    xattrs: bytes = b""
    how: How = ""
    changed: bool = False
    gone: bool = False
    refused: tuple[str, ...] = ()


Batch = list[tuple[bytes, list[tuple[Any, ...]]]]
"""Folders, and in each the fields of items in the order of ``Item``: plain tuples, which cost a fifth to pickle."""

Answer = list[bytes | Outcome]
"""Parallel to a batch's items in order; the bare digest means: as planned, no extended attributes; ``b""``: wholly as planned."""


@dataclass(frozen=True)
class CopyJob:
    """Copies batches of items between three trees given by absolute paths; the folders of ``target`` exist.

    ``seal`` is for the payload of a snapshot, whose files nobody may write; answers tell the modes that they have outside.
    A failure leaves the items done so far. Raises UnsupportedFile, NoSpace or EngineFailed, with the path.
    """

    source: bytes
    target: bytes
    method: Method
    moment: Moment
    previous: bytes | None = None
    seal: bool = False

    @contextmanager
    def open(self) -> Iterator[Callable[[Batch], Answer]]:
        """Open the trees; yield the function that does a batch."""
        with ExitStack() as stack:
            source = stack.enter_context(Folders(self.source))
            target = stack.enter_context(Folders(self.target))
            previous = stack.enter_context(Folders(self.previous)) if self.previous else None
            yield _Copier(self, source, target, previous).batch


class _Copier:
    def __init__(self, job: CopyJob, source: Folders, target: Folders, previous: Folders | None) -> None:
        self.method = job.method
        self.seal = job.seal
        self.usual: How = "copy" if job.method == "copy" else "reflink"
        self.moment = job.moment
        self.sources, self.targets, self.previous = source, target, previous

    def batch(self, batch: Batch) -> Answer:
        answers: Answer = []
        for path, items in batch:
            self.target = self.targets.at(path)
            self.link_from = self._previous_folder(path)
            try:
                self.source = self.sources.at(path)
            except OSError as error:
                if error.errno not in GONE:
                    raise translate(error, path, reading=True) from error
                answers.extend([Outcome(gone=True, changed=True)] * len(items))
                continue
            for item in map(Item._make, items):
                try:
                    answers.append(self.one(item))
                except Changed:
                    answers.append(Outcome(gone=True, changed=True))
                except OSError as error:
                    raise translate(error, path + b"/" + item.name if path else item.name) from error
        return answers

    def _previous_folder(self, path: bytes) -> int:
        if self.previous is not None:
            try:
                return self.previous.at(path)
            except OSError:
                pass  # that file is made anew, as any file that cannot be linked
        return -1

    def one(self, item: Item) -> bytes | Outcome:
        if item.kind != FILE:
            return self.special(item)
        return self.make(item)

    def make(self, item: Item) -> bytes | Outcome:
        try:
            source, st = transfer.open_regular(item.name, self.source, item.stamp[:2])
        except OSError as error:
            raise translate(error, item.name, reading=True) from error
        try:
            if self.moment.one_by_one:
                os.fsync(source)
            xattrs = attributes.read_xattrs(source) if item.xattrs != b"" else ()
            known = item.sha256
            if item.action == "check":
                known = transfer.hash_fd(source, item.size)
                if known == item.previous_sha256 and attributes.digest(xattrs) == item.previous_xattrs:
                    after = os.fstat(source)
                    if transfer.same(after, item.stamp, item.size, item.mtime_ns) and self.linked(item):
                        return self.planned(item)._replace(sha256=known, xattrs=item.previous_xattrs)
            mode = sealed(item.mode) if self.seal else item.mode
            # Only who may write to it can give a file attributes.
            first = 0o600 if xattrs else mode & 0o777 or 0o400
            target = os.open(item.name, transfer.MAKE_FLAGS, first, dir_fd=self.target)
            try:
                return self.fill(item, source, st, target, mode, xattrs, known)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def fill(
        self,
        item: Item,
        source: int,
        st: os.stat_result,
        target: int,
        mode: int,
        xattrs: attributes.Xattrs,
        known: bytes,
    ) -> bytes | Outcome:
        content = transfer.fill(
            source, st, target, item.stamp, item.size, item.mtime_ns,
            method=self.method, known=known, now_ns=self.moment.on(item.stamp[0]),
        )  # fmt: skip
        made = os.fstat(target)
        strange = made.st_uid != item.uid or made.st_gid != item.gid
        if strange:
            os.fchown(target, item.uid, item.gid)
        refused = attributes.set_xattrs(target, xattrs) if xattrs else ()
        if strange or xattrs or made.st_mode & 0o7777 != mode:
            os.fchmod(target, mode)
        os.utime(target, ns=(st.st_atime_ns, item.mtime_ns))
        if not xattrs and not content.changed and content.how == self.usual:
            return content.sha256
        kept = attributes.with_mode(attributes.read_xattrs(target) if refused else xattrs, item.mode)
        return Outcome(
            content.sha256, made.st_size, item.mtime_ns, item.mode, item.uid, item.gid, attributes.digest(kept),
            content.how, content.changed, False, refused,
        )  # fmt: skip

    def linked(self, item: Item) -> bool:
        """Link the previous snapshot's file, if it still looks as its manifest says."""
        if self.link_from < 0 or not transfer.link(self.link_from, item.name, self.target):
            return False
        st = os.stat(item.name, dir_fd=self.target, follow_symlinks=False)
        if (
            st.st_size == item.size
            and st.st_mtime_ns == item.mtime_ns
            and st.st_uid == item.uid
            and st.st_gid == item.gid
            and seal_linked(self.target, item.name, st, stat.S_IFREG | item.mode)
        ):
            return True
        os.unlink(item.name, dir_fd=self.target)
        return False

    def planned(self, item: Item) -> Outcome:
        return Outcome(
            item.sha256, item.size, item.mtime_ns, item.mode, item.uid, item.gid, item.xattrs or b"", "link"
        )

    def special(self, item: Item) -> bytes | Outcome:
        """Make a symbolic link or FIFO; it is never opened."""
        xattrs: attributes.Xattrs = ()
        try:
            if item.kind == FIFO:
                xattrs = attributes.read_xattrs(attributes.below(self.source, item.name))
                now = b""
            else:
                now = os.readlink(item.name, dir_fd=self.source)
            st = os.stat(item.name, dir_fd=self.source, follow_symlinks=False)
        except OSError as error:
            if error.errno in (*GONE, 22):  # EINVAL: no link any more
                raise Changed from error
            raise
        changed = now != item.target or not transfer.same(st, item.stamp, st.st_size, item.mtime_ns)
        if item.kind == SYMLINK:
            os.symlink(item.target, item.name, dir_fd=self.target)
        else:
            os.mkfifo(item.name, item.mode & 0o777, dir_fd=self.target)
        refused = attributes.apply_to_name(
            self.target,
            item.name,
            None if item.kind == SYMLINK else item.mode,
            item.uid,
            item.gid,
            item.mtime_ns,
            xattrs,
        )
        if not changed and not xattrs:
            return b""
        kept = attributes.read_xattrs(attributes.below(self.target, item.name)) if refused else xattrs
        return self.planned(item)._replace(
            how="", changed=changed, xattrs=attributes.digest(kept), refused=refused
        )
