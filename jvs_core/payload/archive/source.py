"""Entries of a payload as an archive takes them: a file's content, checked as it is read, and extended attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from jvs_core.errors import PayloadHashMismatch
from jvs_core.payload.archive import losses, sparse
from jvs_core.payload.archive.losses import Losses
from jvs_core.payload.archive.sparse import Segment
from jvs_core.payload.check.checked_file import CheckedFile, open_held
from jvs_core.payload.check.comparison import mismatch
from jvs_core.payload.tree import attributes
from jvs_core.payload.tree.attributes import Xattrs
from jvs_core.payload.tree.entry import SYMLINK, Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.folders import Folders

_SPECIAL = 0o6000


class Content(NamedTuple):
    """A file that is open: read to its end it is what the manifest says, or raises. ``segments`` None stands for all."""

    stream: CheckedFile
    segments: list[Segment] | None
    damaged: Callable[[], PayloadHashMismatch]


class Source:
    """A payload whose entries are archived; what cannot be kept goes to ``losses``."""

    def __init__(self, payload: Path, found: Losses) -> None:
        self._folders = Folders(payload)
        self.losses = found

    def close(self) -> None:
        """Close the payload."""
        self._folders.close()

    def mode(self, entry: Entry) -> int:
        """Return the mode that others get: without setuid and setgid, which would mean rights of theirs."""
        if entry.mode & _SPECIAL and entry.kind != SYMLINK:
            self.losses.add(losses.SPECIAL, entry.path)
        return entry.mode & 0o1777

    @contextmanager
    def content(self, entry: Entry) -> Iterator[Content]:
        """Open the file ``entry``. Raises PayloadHashMismatch, with its path, where it is not what the manifest says."""

        def damaged() -> PayloadHashMismatch:
            return mismatch([entry.path])

        fd, st = open_held(self._folders, entry, damaged)
        with CheckedFile(fd, entry, damaged) as stream:
            try:
                segments = sparse.segments(fd, st)
            except OSError as error:
                raise translate(error, entry.path, reading=True) from error
            yield Content(stream, segments, damaged)

    def xattrs(self, entry: Entry) -> Xattrs:
        """Return the extended attributes of ``entry`` that its manifest vouches for, capabilities apart."""
        if not entry.xattrs:
            return ()
        try:
            found = attributes.read_xattrs(attributes.at(self._folders, entry.path))
        except OSError as error:
            if error.errno in GONE:
                raise mismatch([entry.path]) from error
            raise translate(error, entry.path, reading=True) from error
        kept, drifted = attributes.kept_as(found, entry.mode, entry.xattrs)
        if drifted:
            self.losses.add(losses.DRIFTED, entry.path)
        others = attributes.without_capability(kept)
        if others != kept and not entry.mode & _SPECIAL:
            self.losses.add(losses.SPECIAL, entry.path)
        return tuple(pair for pair in others if self._is_named(pair[0], entry))

    def _is_named(self, name: str, entry: Entry) -> bool:
        try:
            name.encode()
        except UnicodeEncodeError:
            self.losses.add(losses.UNNAMED, entry.path)
            return False
        return True
