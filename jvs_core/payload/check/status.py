"""Checking a payload by the status of its entries; how many files are read depends on the depth."""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from jvs_core.errors import EngineFailed, JvsError, UnsupportedFile
from jvs_core.payload.changes.hashing import hash_files
from jvs_core.payload.check.chosen_paths import ChosenPaths
from jvs_core.payload.check.comparison import Comparison, Depth
from jvs_core.payload.check.extras import extras
from jvs_core.payload.check.matching import unopened
from jvs_core.payload.tree import attributes, content, juicefs
from jvs_core.payload.tree.entry import FILE, SYMLINK, Entry
from jvs_core.payload.tree.faults import EXHAUSTED, GONE, translate
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.link_groups import regrouped
from jvs_core.payload.tree.packed import inodes
from jvs_core.payload.tree.sealing import sealed
from jvs_core.payload.tree.stat_comparison import FORMS, look
from jvs_core.payload.work.pool import WORTH_BYTES
from jvs_core.payload.work.threads import each
from jvs_core.progress import SILENT, Progress

_NEVER = 2**63  # later than any time of change


def check(
    payload: Path,
    entries: Sequence[Entry],
    depth: Depth,
    *,
    since_ns: int = _NEVER,
    progress: Progress = SILENT,
) -> Comparison:
    """Compare the whole ``payload`` with its manifest ``entries``; extended attributes of what was changed after ``since_ns``.

    Raises PartialSnapshot where the payload is not there; EngineFailed or UnsupportedFile where it, or a folder of it,
    cannot be opened, or the process has no more descriptors or memory.
    """
    status = _Status(payload, entries, since_ns)
    with _opening(payload):
        differences = look(payload, entries, status.same, threads=max(1, status.threads))
    status.different.update(differences.changed)
    folders = [path for path, st in differences.extra.items() if stat.S_ISDIR(st.st_mode)]
    inside, unlisted = extras(payload, [*folders, *status.folders], ())
    status.unreadable.update(unlisted)
    status.read(depth, progress)
    return status.comparison(missing=differences.missing, extra=[*differences.extra, *inside], whole=True)


def check_some(payload: Path, entries: Sequence[Entry], depth: Depth) -> Comparison:
    """Compare some ``entries`` of a manifest with the ``payload`` and ignore the others. Raises as ``check``."""
    status = _Status(payload, entries)
    missing = status.each(range(len(entries)), status.look)
    status.read(depth, SILENT)
    return status.comparison(missing=missing)


@contextmanager
def _opening(payload: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unopened(error, os.fsencode(payload)) from error


class _Status:
    """What is known of the entries of one payload."""

    def __init__(self, payload: Path, entries: Sequence[Entry], since_ns: int = _NEVER) -> None:
        self.payload = payload
        self.entries = entries
        with _opening(payload):
            self.threads = juicefs.THREADS if juicefs.mount_at(payload) else 0
        self.forms = array("I", (FORMS[entry.kind] | entry.mode for entry in entries))
        self.inodes = inodes(len(entries))
        self.since_ns = since_ns
        self.late: list[int] = []
        self.drifted: set[int] = set()
        self.sealed = bytearray(len(entries))
        self.different: set[bytes] = set()
        self.folders: list[bytes] = []  # in the place of something else
        self.unreadable: dict[bytes, JvsError] = {}

    def same(self, position: int, st: os.stat_result) -> bool:
        """Say whether a status has the kind and size of the entry; note whether mode, owner or time drifted."""
        entry = self.entries[position]
        self.inodes[position] = st.st_dev, st.st_ino
        mode = st.st_mode
        if mode != self.forms[position]:
            if stat.S_IFMT(mode) != FORMS[entry.kind]:
                if stat.S_ISDIR(mode):
                    self.folders.append(entry.path)
                return False
            if entry.kind == FILE and mode == sealed(self.forms[position]):
                self.sealed[position] = 1
            elif entry.kind != SYMLINK:
                self.drifted.add(position)
        if st.st_mtime_ns != entry.mtime_ns or st.st_uid != entry.uid or st.st_gid != entry.gid:
            self.drifted.add(position)
        if st.st_ctime_ns > self.since_ns and entry.kind != SYMLINK:
            self.late.append(position)
        return entry.kind != FILE or st.st_size == entry.size

    def read(self, depth: Depth, progress: Progress) -> None:
        """Read every link, the attributes of what was changed late, and the files that the ``depth`` asks for."""
        self.each(self.late, self.read_attributes)
        links = self.positions_of(SYMLINK, range(len(self.entries)))
        self.different.update(self.each(links, self.read_link))
        if depth != Depth.LOOK:
            every = depth == Depth.EVERY_BYTE
            files = self.positions_of(FILE, range(len(self.entries)) if every else sorted(self.drifted))
            if files:
                self.read_files(files, progress)

    def positions_of(self, kind: str, among: Sequence[int]) -> list[int]:
        """Return which of the positions ``among`` have entries of ``kind`` that are there as far as is known."""
        entries, inodes, different = self.entries, self.inodes, self.different
        chosen = enumerate(entries) if isinstance(among, range) else ((p, entries[p]) for p in among)
        return [
            position
            for position, entry in chosen
            if entry.kind == kind and inodes[position] and entry.path not in different
        ]

    def read_files(self, positions: Sequence[int], progress: Progress) -> None:
        """Read the files at ``positions``: many bytes in several processes, then what seemed wrong again, here."""
        files = [self.entries[position] for position in positions]
        if not self.threads and sum(entry.size for entry in files) >= WORTH_BYTES:
            with suppress(EngineFailed, UnsupportedFile):  # reading one by one names the file
                digests = hash_files(self.payload, files, progress=progress)
                pairs = zip(positions, files, digests, strict=True)
                positions = [
                    position for position, entry, now in pairs if now is None or now.sha256 != entry.sha256
                ]
        self.different.update(self.each(positions, self.read_file))

    def look(self, folders: Folders, entry: Entry, position: int) -> None:
        parent, name = split(entry.path)
        folder = folders.at(parent)
        st = os.stat(name, dir_fd=folder, follow_symlinks=False) if entry.path else os.fstat(folder)
        if not self.same(position, st):
            self.different.add(entry.path)

    def read_file(self, folders: Folders, entry: Entry, position: int) -> None:
        parent, name = split(entry.path)
        fd, _ = content.open_regular(name, folders.at(parent))
        try:
            if content.hash_fd(fd, entry.size) != entry.sha256:
                self.different.add(entry.path)
        finally:
            os.close(fd)

    def read_attributes(self, folders: Folders, entry: Entry, position: int) -> None:
        found = attributes.with_mode(attributes.read_xattrs(attributes.at(folders, entry.path)), entry.mode)
        if attributes.digest(found) != entry.xattrs:
            self.drifted.add(position)

    def read_link(self, folders: Folders, entry: Entry, position: int) -> None:
        parent, name = split(entry.path)
        if os.readlink(name, dir_fd=folders.at(parent)) != entry.target:
            self.different.add(entry.path)

    def each(self, positions: Sequence[int], act: Callable[[Folders, Entry, int], None]) -> list[bytes]:
        """Call ``act`` for the entries at ``positions``; return the paths of missing ones, and note unreadable ones."""

        def one(folders: Folders, position: int) -> bool:
            entry = self.entries[position]
            try:
                act(folders, entry, position)
            except content.Changed:
                return False
            except OSError as error:
                if error.errno in (*GONE, errno.EINVAL):  # no link by now
                    return False
                failure = translate(error, entry.path, reading=True)
                if error.errno in EXHAUSTED:
                    raise failure from error
                self.unreadable[entry.path] = failure
            return True

        @contextmanager
        def opened() -> Iterator[Callable[[int], bool]]:
            with Folders(self.payload) as folders:
                yield lambda position: one(folders, position)

        with _opening(self.payload):
            there = each(positions, opened, max(1, self.threads))
        found = zip(positions, there, strict=True)
        return [self.entries[position].path for position, is_there in found if not is_there]

    def comparison(
        self, *, missing: Sequence[bytes], extra: Sequence[bytes] = (), whole: bool = False
    ) -> Comparison:
        """Return what was found; hard links can be compared in a ``whole`` payload only."""
        entries = self.entries
        links: list[bytes] = []
        if whole:
            groups = {place: entry.link_group for place, entry in enumerate(entries) if entry.link_group}
            links = [entries[position].path for position in regrouped(self.inodes, groups)]
        drifted = [entries[position].path for position in self.drifted]
        sealed_files = ChosenPaths(entries, self.sealed)
        return Comparison.of(
            missing, extra, self.different, drifted, self.unreadable, regrouped=links, inodes=self.inodes,
            sealed=sealed_files,
        )  # fmt: skip
