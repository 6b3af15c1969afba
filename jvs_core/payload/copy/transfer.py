"""Copying one entry to another place: its content, hashed on the way, and its attributes there."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from jvs_core.payload.changes.writeback_time import NEVER, WritebackTime
from jvs_core.payload.tree import attributes, content, hard_link
from jvs_core.payload.tree.content import Changed, Content, How, Method, State
from jvs_core.payload.tree.entry import FIFO, FILE, SYMLINK, Entry
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.sealing import seal_linked, sealed
from jvs_core.wording import counted

Action = Literal["make", "check"]
_FORMS = {SYMLINK: stat.S_IFLNK, FIFO: stat.S_IFIFO}
_ALWAYS = -1  # any time of change is as late as this


class Item(NamedTuple):
    """One entry to copy: what the scan saw, and what is known of it. ``position`` is the caller's own.

    ``stamp`` is None where any file of this size will do, and its ``ctime_ns`` -1 where no time is compared. ``mode``,
    ``uid`` and ``gid`` are those that the target gets, and so is ``mtime_ns``; None stands for now. ``action`` is
    ``make`` (a new inode) or ``check`` (the previous snapshot's is linked if the content has the digest
    ``previous_sha256`` and the xattrs ``previous_xattrs``). ``xattrs`` is None where they were never read.
    """

    position: int
    name: bytes
    kind: str
    stamp: State | None
    size: int
    mtime_ns: int | None
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
    """The result for an item, where it is more than a digest. It describes the target, not the source.

    ``gone``: nothing was made. ``changed``: the source was not as scanned; the target agrees with this outcome all the
    same. ``refused`` names the extended attributes that could not be set. ``drifted``: the source has others than the
    manifest says, and the target got none of them.
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
    drifted: bool = False


@dataclass(frozen=True)
class Transfer:
    """How entries are copied.

    ``hidden``: nobody else can reach the target yet, and its folder has no default ACL; elsewhere only its owner may
    read a file until it is complete. ``held``: the source is a payload, and the manifest decides on extended
    attributes. ``seal``: the target is a payload, whose files nobody may write; items and outcomes have the modes
    outside of it. ``durable``: each file is fsynced. ``reread``: the digest is that of the copy, read back.
    """

    method: Method
    writeback: WritebackTime = NEVER
    hidden: bool = False
    held: bool = False
    seal: bool = False
    durable: bool = False
    reread: bool = False

    def bring(
        self, item: Item, source: int, target: int, name: bytes, folder: bytes, previous: int = -1
    ) -> bytes | Outcome:
        """Copy ``item`` from ``source``, the open ``folder`` of its tree, to ``name`` in the open folder ``target``.

        A digest alone means: as planned, no extended attributes; ``b""``: wholly as planned. Raises Changed where the
        source is something else, with nothing made; UnsupportedFile where it may not be read; else OSError. Then an
        incomplete ``name`` may be left.
        """
        if item.kind != FILE:
            return self._bring_special(item, source, target, name)
        try:
            expected = item.stamp[:2] if item.stamp is not None else None
            opened, st = content.open_regular(item.name, source, expected)
        except OSError as error:
            path = b"/".join(filter(None, (folder, item.name)))
            raise translate(error, path, reading=True) from error
        try:
            if self.writeback.one_by_one:
                os.fsync(opened)
            xattrs = attributes.read_xattrs(opened) if item.xattrs != b"" else ()
            known = item.sha256
            if item.action == "check":
                known = content.hash_fd(opened, item.size)
                if known == item.previous_sha256 and attributes.digest(xattrs) == item.previous_xattrs:
                    after = os.fstat(opened)
                    if _is_same(after, item, st) and _linked(item, previous, target):
                        return _planned(item)._replace(sha256=known, xattrs=item.previous_xattrs)
            return self.file(item, opened, st, xattrs, target, name, known)
        finally:
            os.close(opened)

    def file(
        self,
        item: Item,
        opened: int,
        st: os.stat_result,
        xattrs: attributes.Xattrs,
        target: int,
        name: bytes,
        known: bytes = b"",
    ) -> bytes | Outcome:
        """Make the file ``name`` of an ``opened`` one, whose content has the digest ``known`` if that is known."""
        drifted = False
        if self.held and (xattrs or item.xattrs):
            xattrs, drifted = attributes.kept_as(xattrs, item.mode, item.xattrs)
        mode = sealed(item.mode) if self.seal else item.mode
        # Only who may write to a file can give it attributes.
        made_with = (mode & 0o777 or 0o400) if self.hidden and not xattrs else 0o600
        made = os.open(name, content.MAKE_FLAGS, made_with, dir_fd=target)
        try:
            brought = self._fill(item, opened, st, made, known)
            now = os.fstat(made)
            strange = now.st_uid != item.uid or now.st_gid != item.gid
            if strange:
                os.fchown(made, item.uid, item.gid)
            refused: tuple[str, ...] = ()
            if xattrs or not self.hidden:
                refused = attributes.set_xattrs(made, xattrs, clear=not self.hidden)
            if strange or xattrs or not self.hidden or now.st_mode & 0o7777 != mode:
                os.fchmod(made, mode)
            if item.mtime_ns is not None:
                os.utime(made, ns=(st.st_atime_ns, item.mtime_ns))
            if self.durable:
                os.fsync(made)
            usual: How = "copy" if self.method == "copy" else "reflink"
            if not xattrs and not brought.changed and brought.how == usual and not drifted:
                return brought.sha256
            kept = attributes.with_mode(attributes.read_xattrs(made) if refused else xattrs, item.mode)
            return Outcome(
                brought.sha256, now.st_size, item.mtime_ns or 0, item.mode, item.uid, item.gid,
                attributes.digest(kept), brought.how, brought.changed, False, refused, drifted,
            )  # fmt: skip
        finally:
            os.close(made)

    def special(
        self, item: Item, xattrs: attributes.Xattrs, target: int, name: bytes, *, changed: bool = False
    ) -> bytes | Outcome:
        """Make the symbolic link or FIFO ``name`` with these attributes; neither is ever opened."""
        drifted = False
        if self.held and (xattrs or item.xattrs):
            xattrs, drifted = attributes.kept_as(xattrs, item.mode, item.xattrs)
        if item.kind == SYMLINK:
            os.symlink(item.target, name, dir_fd=target)
        else:
            os.mkfifo(name, item.mode & 0o777 if self.hidden else 0o600, dir_fd=target)
        refused = attributes.apply_to_name(
            target, name, None if item.kind == SYMLINK else item.mode, item.uid, item.gid, item.mtime_ns,
            xattrs, clear=item.kind == FIFO and not self.hidden,
        )  # fmt: skip
        if not changed and not xattrs and not drifted:
            return b""
        kept = attributes.read_xattrs(attributes.below(target, name)) if refused else xattrs
        return _planned(item)._replace(
            how="", changed=changed, xattrs=attributes.digest(kept), refused=refused, drifted=drifted
        )

    def folder(self, entry: Entry, stamp: State, source: int | None, target: int) -> Outcome:
        """Give an open folder, whose content is complete, the attributes of ``entry``; the source is None if it is
        gone.
        """
        xattrs: attributes.Xattrs = ()
        drifted = steady = False
        if source is not None:
            wanted = entry.xattrs if self.held else None
            xattrs, drifted = attributes.kept_as(attributes.read_xattrs(source), entry.mode, wanted)
            st = os.fstat(source)
            steady = (st.st_dev, st.st_ino) == stamp[:2] and stamp[2] in (-1, st.st_ctime_ns)
        refused = attributes.apply_to_fd(target, entry.mode, entry.uid, entry.gid, entry.mtime_ns, xattrs)
        kept = attributes.read_xattrs(target) if refused else xattrs
        return Outcome(
            b"", 0, entry.mtime_ns, entry.mode, entry.uid, entry.gid, attributes.digest(kept),
            changed=not steady, refused=refused, drifted=drifted,
        )  # fmt: skip

    def _bring_special(self, item: Item, source: int, target: int, name: bytes) -> bytes | Outcome:
        xattrs: attributes.Xattrs = ()
        try:
            leads_to = os.readlink(item.name, dir_fd=source) if item.kind == SYMLINK else b""
            if item.kind == FIFO and item.xattrs != b"":
                xattrs = attributes.read_xattrs(attributes.below(source, item.name))
            st = os.stat(item.name, dir_fd=source, follow_symlinks=False)
        except OSError as error:
            if error.errno in (*GONE, errno.EINVAL):  # EINVAL: no link any more
                raise Changed from error
            raise
        if stat.S_IFMT(st.st_mode) != _FORMS[item.kind]:
            raise Changed
        stamp = item.stamp
        steady = stamp is None or content.same(st, stamp, st.st_size, item.mtime_ns or 0)
        return self.special(item, xattrs, target, name, changed=not steady or leads_to != item.target)

    def _fill(self, item: Item, opened: int, st: os.stat_result, made: int, known: bytes) -> Content:
        stamp = item.stamp or (st.st_dev, st.st_ino, -1)
        now_ns = _ALWAYS if self.reread else self.writeback.on(stamp[0])
        return content.fill(
            opened, st, made, stamp, item.size, item.mtime_ns or 0,
            method=self.method, known=known, now_ns=now_ns,
        )  # fmt: skip


def attribute_losses(refused: Sequence[bytes], drifted: Sequence[bytes]) -> list[str]:
    """Return a line for paths whose attributes the file system refused, and one for those whose had changed."""
    lines = [
        ("the file system refused extended attributes", refused),
        ("left out extended attributes that differ from what the snapshot recorded", drifted),
    ]
    return [
        f"{what}, on {counted(len(paths), 'entry', 'entries')}: {listed(sorted(paths))}"
        for what, paths in lines
        if paths
    ]


def _is_same(now: os.stat_result, item: Item, st: os.stat_result) -> bool:
    stamp = item.stamp or (st.st_dev, st.st_ino, -1)
    return content.same(now, stamp, item.size, item.mtime_ns or 0)


def _linked(item: Item, previous: int, target: int) -> bool:
    """Link the previous snapshot's file, if it still looks as its manifest says."""
    if previous < 0 or not hard_link.link(previous, item.name, target):
        return False
    st = os.stat(item.name, dir_fd=target, follow_symlinks=False)
    if (
        st.st_size == item.size
        and st.st_mtime_ns == item.mtime_ns
        and st.st_uid == item.uid
        and st.st_gid == item.gid
        and seal_linked(target, item.name, st, stat.S_IFREG | item.mode)
    ):
        return True
    os.unlink(item.name, dir_fd=target)
    return False


def _planned(item: Item) -> Outcome:
    return Outcome(
        item.sha256, item.size, item.mtime_ns or 0, item.mode, item.uid, item.gid, item.xattrs or b"", "link"
    )
