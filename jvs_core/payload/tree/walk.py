"""Walking a tree: every entry with its status; no link is followed, and only folders are opened."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import NamedTuple

from jvs_core.errors import PathNotFound, UnsupportedFile
from jvs_core.faults import DENIED
from jvs_core.payload.tree import juicefs, virtual
from jvs_core.payload.tree.btrfs import is_placeholder
from jvs_core.payload.tree.entry import CONTROL, FIFO, FILE, FOLDER, SYMLINK, Entry
from jvs_core.payload.tree.exclude_rules import EXCLUDED, NOTHING, ExcludeRules
from jvs_core.payload.tree.faults import GONE, listed, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.packed import Gathering, duplicate, present
from jvs_core.payload.tree.stamp import Stamp
from jvs_core.payload.work.collector import held_back
from jvs_core.payload.work.threads import unfold
from jvs_core.progress import SILENT, Progress

KINDS = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: SYMLINK, stat.S_IFIFO: FIFO}
LEFT_OUT = {stat.S_IFSOCK: "socket", stat.S_IFBLK: "block device", stat.S_IFCHR: "character device"}
REPOSITORY = "repository"
_Folder = tuple[bytes, os.stat_result]
LOST_AND_FOUND = b"lost+found"
CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_SETFCAP = 0, 1, 2, 3, 31


class LeftOut(NamedTuple):
    """An entry that no snapshot keeps, and what it is in words: of those of ``LEFT_OUT``, virtual, ``EXCLUDED`` or ``REPOSITORY``.

    The last is a folder called ``.jvs``, with all that is in it: put back, it would belong to whoever restores it, and be
    believed as the repository of their own that it is not.
    """

    path: bytes
    kind: str


@dataclass(frozen=True)
class Scan:
    """A tree as one walk found it.

    ``entries`` is sorted by path bytes, the top folder (``b""``) first; ``stamps`` is parallel to it. Digests are
    empty until ``describe`` or an engine fills them in. ``nested`` names the folders that lie on another device than
    the top (mounts, btrfs subvolumes); their content is part of ``entries``. ``changed`` names what vanished or was
    swapped for something else while the walk ran, and is not in ``entries``. ``exclude`` is what the walk left out on
    purpose.
    """

    root: Path
    entries: Sequence[Entry]
    stamps: Sequence[Stamp]
    left_out: Sequence[LeftOut] = ()
    nested: Sequence[bytes] = ()
    changed: Sequence[bytes] = ()
    exclude: ExcludeRules = NOTHING

    def excluded(self) -> list[bytes]:
        """Return the paths that were left out on purpose, folders for all that is in them."""
        return [each.path for each in self.left_out if each.kind == EXCLUDED]


def has_capability(number: int) -> bool:
    """Say whether this process may ignore the permission check that Linux capability ``number`` stands for."""
    try:
        with open("/proc/thread-self/status", "rb") as status:
            for line in status:
                if line.startswith(b"CapEff:"):
                    return bool(int(line.split()[1], 16) >> number & 1)
    except OSError:
        pass
    return os.geteuid() == 0


@held_back()
def scan(
    root: Path, progress: Progress = SILENT, *, must_read: bool = True, exclude: ExcludeRules = NOTHING
) -> Scan:
    """Walk ``root`` and return all that it holds but for what ``exclude`` leaves out, which is not looked at.

    With ``must_read`` every file is checked to be readable by the effective user. Folders must be readable in any
    case.

    Raises
    ------
    UnsupportedFile
        Files or folders cannot be read; the message names the first ten, ``facts["paths"]`` all.
    PathNotFound
        ``root`` is not a folder.
    """
    progress.started("scan")
    walk = _Walk(progress, exclude)
    try:
        with Folders(root) as folders:
            walk.begin(folders)
            unfold((b"", walk.top), walk.opened, juicefs.THREADS if juicefs.mount_at(root) else 1)
    except OSError as error:
        if error.errno in GONE:
            raise PathNotFound(f"no folder {root}", path=str(root)) from error
        raise translate(error, os.fsencode(root), reading=True) from error
    entries, stamps = walk.gathered.sorted(walk.leave_out_tagged())
    if walk.linked:
        entries = _with_link_groups(entries, walk.linked)
    found = Scan(
        root, entries, stamps, sorted(walk.left_out), sorted(walk.nested), sorted(walk.changed), exclude
    )
    _refuse([*walk.unreadable, *(_unreadable_files(found) if must_read else ())])
    progress.finished("scan")
    return found


def require_readable(found: Scan) -> Scan:
    """Return ``found``, a scan made without ``must_read``, once that is made up for. Raises UnsupportedFile as ``scan`` does."""
    _refuse(_unreadable_files(found))
    return found


def _refuse(unreadable: Sequence[bytes]) -> None:
    if unreadable:
        paths = sorted(unreadable)
        raise UnsupportedFile(
            f"cannot read {listed(paths)}",
            hint="make them readable, or move them out of the worktree",
            paths=paths,
        )


def _unreadable_files(found: Scan) -> list[bytes]:
    """Return the files of ``found`` that the effective user may not read; what is gone by now is none of them."""
    if has_capability(CAP_DAC_OVERRIDE) or has_capability(CAP_DAC_READ_SEARCH):
        return []
    user = os.geteuid()
    unreadable = []
    with Folders(found.root) as folders:
        for entry in found.entries:
            if entry.kind != FILE:
                continue
            if entry.uid == user:  # the owner's bits are exact; an ACL cannot change them
                readable = bool(entry.mode & stat.S_IRUSR)
            else:
                readable = _may_read(folders, entry.path)
            if not readable:
                unreadable.append(entry.path)
    return unreadable


def _may_read(folders: Folders, path: bytes) -> bool:
    folder, name = split(path)
    try:
        parent = folders.at(folder)
        if os.access(name, os.R_OK, dir_fd=parent, effective_ids=True):
            return True
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        return error.errno in GONE
    return False


class _Walk:
    """The state of one walk."""

    folders: Folders
    top: os.stat_result

    def __init__(self, progress: Progress, exclude: ExcludeRules) -> None:
        self.progress = progress
        self.thread, self.reported = get_ident(), 0
        self.gathered = Gathering()
        self.rows = self.gathered.rows
        self.left_out: list[LeftOut] = []
        self.nested: list[bytes] = []
        self.changed: list[bytes] = []
        self.unreadable: list[bytes] = []
        self.linked: dict[bytes, tuple[int, int]] = {}
        self.devices = virtual.Devices()
        self.exclude = exclude
        self.tagged: list[bytes] = []

    def begin(self, folders: Folders) -> None:
        self.folders = folders
        self.top = os.fstat(folders.top)
        self.device = self.top.st_dev
        self.add(b"", FOLDER, self.top)

    @contextmanager
    def opened(self) -> Iterator[Callable[[_Folder], Sequence[_Folder]]]:
        with self.folders.again() as folders:
            yield lambda folder: self.visit(folders, *folder)

    def visit(self, folders: Folders, path: bytes, seen: os.stat_result) -> Sequence[_Folder]:
        pending: list[_Folder] = []
        try:
            fd = folders.at(path)
            here = os.fstat(fd)
            if (here.st_dev, here.st_ino) != (seen.st_dev, seen.st_ino):
                self.changed.append(path)
            elif path and self.exclude.is_tagged(fd):
                self.tagged.append(path)
            else:
                self.list(path, fd, pending, virtual.names_in(here))
        except OSError as error:
            if error.errno in DENIED:
                self.unreadable.append(path)
            elif error.errno in GONE:
                self.changed.append(path)
            else:
                raise translate(error, path, reading=True) from error
        if get_ident() == self.thread:  # a receiver of progress hears from one thread only
            self.gathered.settle()
            self.progress.advanced(len(self.gathered) - self.reported)
            self.reported = len(self.gathered)
        return pending

    def folder(
        self, path: bytes, name: bytes, st: os.stat_result, parent: int, pending: list[_Folder]
    ) -> None:
        if what := self.not_taken(name, st, parent):
            self.left_out.append(LeftOut(path, what))
            return
        if st.st_dev != self.device:
            self.nested.append(path)
        self.add(path, FOLDER, st)
        pending.append((path, st))

    def list(self, path: bytes, fd: int, pending: list[_Folder], suspect: frozenset[bytes]) -> None:
        prefix = path + b"/" if path else b""
        encoding, surrogates = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
        rows, new = self.rows, tuple.__new__
        exclude = self.exclude or None
        folder, link, regular = stat.S_IFDIR, stat.S_IFLNK, stat.S_IFREG
        with os.scandir(fd) as listing:
            for item in listing:
                name = item.name.encode(encoding, surrogates)
                child = prefix + name
                try:
                    st = item.stat(follow_symlinks=False)
                except FileNotFoundError:
                    self.changed.append(child)
                    continue
                except OSError as error:
                    if error.errno in (*DENIED, *GONE):
                        raise
                    raise translate(error, child, reading=True) from error
                form = st.st_mode & 0o170000
                if (
                    exclude is not None
                    and name != CONTROL
                    and exclude.leaves_out(child, folder=form == folder)
                ):
                    self.left_out.append(LeftOut(child, EXCLUDED))
                    continue
                if name in suspect and virtual.is_of_juicefs(name, st):
                    self.left_out.append(LeftOut(child, "virtual file of JuiceFS"))
                elif form == regular and st.st_nlink == 1:
                    fields = (
                        child, FILE, st.st_mode & 0o7777, st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns,
                        b"", 0, b"", b"",
                    )  # fmt: skip
                    stamp = (st.st_dev, st.st_ino, st.st_ctime_ns)
                    rows.append((child, new(Entry, fields), new(Stamp, stamp)))
                elif form == folder:
                    self.folder(child, name, st, fd, pending)
                elif form == link:
                    try:
                        self.add(child, SYMLINK, st, os.readlink(name, dir_fd=fd))
                    except OSError:
                        self.changed.append(child)
                elif form in KINDS:
                    self.add(child, KINDS[form], st)
                else:
                    self.left_out.append(LeftOut(child, LEFT_OUT.get(form, "unknown kind of file")))

    def leave_out_tagged(self) -> frozenset[bytes]:
        """Take back the folders that turned out to be caches when they were opened, and return them."""
        tagged = frozenset(self.tagged)
        if tagged:
            self.nested = [path for path in self.nested if path not in tagged]
            self.left_out += [LeftOut(path, EXCLUDED) for path in tagged]
        return tagged

    def not_taken(self, name: bytes, st: os.stat_result, parent: int) -> str:
        """Return what a folder is that no snapshot keeps, ``""`` for any other.

        What fsck found is no part of a workspace where it is root's alone, and the caller is not root.
        """
        if name == CONTROL:
            return REPOSITORY
        if st.st_dev != self.device and (kind := self.devices.made_up(st.st_dev)):
            return f"virtual file system ({kind})"
        if is_placeholder(st, parent):
            return "place of a subvolume that this snapshot does not contain"
        closed = name == LOST_AND_FOUND and st.st_uid == 0 and not st.st_mode & 0o077 and os.geteuid() != 0
        return "folder that the file system itself uses" if closed else ""

    def add(self, path: bytes, kind: str, st: os.stat_result, target: bytes = b"") -> None:
        size = st.st_size if kind == FILE else 0
        entry = Entry(path, kind, st.st_mode & 0o7777, st.st_uid, st.st_gid, size, st.st_mtime_ns, target)
        self.rows.append((path, entry, Stamp(st.st_dev, st.st_ino, st.st_ctime_ns)))
        if st.st_nlink > 1 and kind != FOLDER:
            self.linked[path] = (st.st_dev, st.st_ino)


def _with_link_groups(entries: Sequence[Entry], linked: dict[bytes, tuple[int, int]]) -> Sequence[Entry]:
    """Return ``entries`` with the inodes that have several names in the tree numbered, in path order."""
    numbered = duplicate(entries)
    names: dict[tuple[int, int], int] = {}
    for inode in linked.values():
        names[inode] = names.get(inode, 0) + 1
    numbers: dict[tuple[int, int], int] = {}
    for position, entry in enumerate(entries):
        shared = linked.get(entry.path)
        if shared is not None and names[shared] > 1:
            numbered[position] = entry._replace(link_group=numbers.setdefault(shared, len(numbers) + 1))
    return present(numbered)
