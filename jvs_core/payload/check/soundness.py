"""Is a stored payload still what its manifest says? A look at every inode; content only where something moved."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jvs_core.payload.copy.materialize import mismatch
from jvs_core.payload.tree.content import Changed, hash_fd, open_regular
from jvs_core.payload.tree.entry import FILE, SYMLINK, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.stat_comparison import FORMS, look, place
from jvs_core.payload.work.threads import each


def hold_against(payload: Path, entries: Sequence[Entry], *, threads: int = 1) -> list[Entry]:
    """Hold ``payload`` against its manifest ``entries``; return those of which only time or owner have moved.

    Kind, mode (not of the top folder), size, link target and time of each entry are compared; where the time or
    owner is another, the content is read and compared too. Raises PayloadHashMismatch, naming the paths, when anything but time and owner
    differs.
    """
    moved: list[int] = []
    forms = [FORMS[entry.kind] | entry.mode for entry in entries]

    def same(position: int, st: os.stat_result) -> bool:
        entry = entries[position]
        if st.st_mode != forms[position] and not (entry.kind == SYMLINK and stat.S_ISLNK(st.st_mode)):
            return not position and stat.S_ISDIR(st.st_mode)
        if st.st_mtime_ns != entry.mtime_ns or st.st_uid != entry.uid or st.st_gid != entry.gid:
            moved.append(position)
        return entry.kind != FILE or st.st_size == entry.size

    differences = look(payload, entries, same, threads=threads)
    wrong = set(differences.paths())
    touched = [entries[position] for position in sorted(moved)]
    suspects = [entry for entry in touched if entry.kind == FILE]
    suspects.extend(entry for entry in entries if entry.kind == SYMLINK)
    suspects = [entry for entry in suspects if entry.path not in wrong]

    @contextmanager
    def opened() -> Iterator[Callable[[Entry], bool]]:
        with Folders(payload) as folders:
            yield lambda entry: _equal(folders, entry)

    for entry, equal in zip(suspects, each(suspects, opened, threads), strict=True):
        if not equal:
            wrong.add(entry.path)
    if wrong:
        raise mismatch(sorted(wrong))
    return touched


def hold_each(payload: Path, entries: Sequence[Entry], *, threads: int = 1, content: bool = False) -> None:
    """Hold single ``entries`` of ``payload`` against it, as ``hold_against`` does a whole one; with ``content`` read all.

    Raises PayloadHashMismatch.
    """

    @contextmanager
    def opened() -> Iterator[Callable[[Entry], bool]]:
        with Folders(payload) as folders:
            yield lambda entry: _as_recorded(folders, entry, content=content)

    sound = each(entries, opened, threads)
    wrong = {entry.path for entry, good in zip(entries, sound, strict=True) if not good}
    if wrong:
        raise mismatch(sorted(wrong))


def _as_recorded(folders: Folders, entry: Entry, *, content: bool) -> bool:
    parent, name = split(entry.path)
    try:
        folder = folders.at(parent)
        st = os.stat(name, dir_fd=folder, follow_symlinks=False) if entry.path else os.fstat(folder)
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, entry.path, reading=True) from error
        return False
    if entry.kind == SYMLINK:
        return stat.S_ISLNK(st.st_mode) and _equal(folders, entry)
    if st.st_mode != FORMS[entry.kind] | entry.mode:
        return not entry.path and stat.S_ISDIR(st.st_mode)
    if entry.kind != FILE:
        return True
    untouched = not content and (st.st_mtime_ns, st.st_uid, st.st_gid) == (
        entry.mtime_ns,
        entry.uid,
        entry.gid,
    )
    return st.st_size == entry.size and (untouched or _equal(folders, entry))


def _equal(folders: Folders, entry: Entry) -> bool:
    try:
        folder, name = place(folders, entry.path)
        if entry.kind == SYMLINK:
            return os.readlink(name, dir_fd=folder) == entry.target
        fd, _ = open_regular(name, folder)
        try:
            return hash_fd(fd, entry.size) == entry.sha256
        finally:
            os.close(fd)
    except Changed:
        return False
    except OSError as error:
        raise translate(error, entry.path, reading=True) from error
