"""Compressed snapshots of JVS in Go, unpacked into a folder: each file ``NAME.gz`` that it made becomes ``NAME`` again."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jvs_core import files
from jvs_core.errors import PayloadHashMismatch, UnsupportedFile
from jvs_core.payload.copy.replication import make_folders, make_top
from jvs_core.payload.tree import content
from jvs_core.payload.tree.content import CHUNK, MAKE_FLAGS
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry, printable
from jvs_core.payload.tree.faults import translate
from jvs_core.payload.tree.folders import Folders, split

SUFFIX = b".gz"
USUAL_MODES = (0o644, 0o664, 0o600, 0o640, 0o755, 0o775, 0o660, 0o666, 0o777)
_PACKED_MODE = 0o600
_GZIP = 16 + zlib.MAX_WBITS


def is_packed(entry: Entry) -> bool:
    """Say whether JVS in Go compressed a file: it gave these its own mode, and left alone what was called so before."""
    named = entry.path.endswith(SUFFIX) and entry.path.rpartition(b"/")[2] != SUFFIX
    return entry.kind == FILE and named and entry.mode & 0o777 == _PACKED_MODE


def plain(path: bytes) -> bytes:
    """Return the path that a packed file had."""
    return path[: -len(SUFFIX)]


@contextmanager
def unpacked(source: Path, entries: Sequence[Entry], target: Path) -> Iterator[None]:
    """Make ``entries`` of ``source`` in the new folder ``target``, packed ones unpacked; times are kept.

    Raises UnsupportedFile where that takes more than half of the free space, PayloadHashMismatch for what is no gzip file.
    """
    if os.path.lexists(target):
        files.remove_any(target)
    make_top(target)
    make_folders(target, entries)
    room = os.statvfs(target)
    left = room.f_bavail * room.f_frsize // 2
    try:
        with Folders(source) as sources, Folders(target) as targets:
            for entry in entries:
                if entry.kind != FOLDER:
                    left -= _bring(entry, sources, targets, left)
        yield
    finally:
        files.remove_any(target)


def _bring(entry: Entry, sources: Folders, targets: Folders, left: int) -> int:
    """Make one entry; return how many bytes it has."""
    folder, name = split(entry.path)
    try:
        there, here = sources.at(folder), targets.at(folder)
        if entry.kind == SYMLINK:
            os.symlink(entry.target, name, dir_fd=here)
        elif entry.kind == FIFO:
            os.mkfifo(name, 0o600, dir_fd=here)
        if entry.kind != FILE:
            return 0
        packed = is_packed(entry)
        opened, _ = content.open_regular(name, there)
        try:
            made = os.open(plain(name) if packed else name, MAKE_FLAGS, 0o600, dir_fd=here)
            try:
                size = _fill(opened, made, left, packed=packed, path=entry.path)
                os.utime(made, ns=(entry.mtime_ns, entry.mtime_ns))
            finally:
                os.close(made)
        finally:
            os.close(opened)
    except content.Changed as error:
        raise PayloadHashMismatch(f"{printable(entry.path)} changed while JVS read it") from error
    except FileExistsError as error:
        raise PayloadHashMismatch(f"{printable(entry.path)} exists both packed and unpacked") from error
    except OSError as error:
        raise translate(error, entry.path) from error
    return size


def _fill(opened: int, made: int, left: int, *, packed: bool, path: bytes) -> int:
    size = 0
    for chunk in _inflated(opened, path) if packed else _chunks(opened):
        size += len(chunk)
        if size > left:
            raise UnsupportedFile(
                f"{printable(path)} and the files before it need more than half of the free space when unpacked",
                hint="import to a larger file system",
            )
        files.write_all(made, chunk)
    return size


def _chunks(opened: int) -> Iterator[bytes]:
    while data := os.read(opened, CHUNK):
        yield data


def _inflated(opened: int, path: bytes) -> Iterator[bytes]:
    """Yield what a file of one or more gzip members holds, each piece of bounded size."""
    state = zlib.decompressobj(_GZIP)
    try:
        for data in _chunks(opened):
            rest = data
            while rest:
                if state.eof:
                    state = zlib.decompressobj(_GZIP)
                yield state.decompress(rest, CHUNK)
                rest = state.unconsumed_tail or state.unused_data
        while not state.eof:
            piece = state.decompress(state.unconsumed_tail, CHUNK)
            if not piece:
                raise zlib.error("it is incomplete")
            yield piece
    except zlib.error as error:
        raise PayloadHashMismatch(f"{printable(path)} is not a gzip file: {error}") from error
