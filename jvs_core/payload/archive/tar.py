"""Entries of a payload as a tar file of the pax format, the same bytes for the same entries.

It holds everything that a manifest keeps but owners (all belongs to root, so that whoever unpacks it gets files of their
own), setuid, setgid and capabilities: names as bytes, times in nanoseconds, hard links, symbolic links, FIFOs, holes,
extended attributes and access lists.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from jvs_core.payload.archive import access_list, contents, losses, sparse
from jvs_core.payload.archive.losses import Losses
from jvs_core.payload.archive.source import Content, Source
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry
from jvs_core.progress import Progress

_PIECE = sparse.BLOCK * 16
_TYPES = {
    FILE: tarfile.REGTYPE,
    FOLDER: tarfile.DIRTYPE,
    SYMLINK: tarfile.SYMTYPE,
    FIFO: tarfile.FIFOTYPE,
}
_LISTS = {
    "system.posix_acl_access": "SCHILY.acl.access",
    "system.posix_acl_default": "SCHILY.acl.default",
}
_NS = 10**9


class Sink(Protocol):
    """What takes the bytes of a tar file, and knows how many it took."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of ``data``."""

    def tell(self) -> int:
        """Return how many bytes were taken."""


def write(
    sink: Sink,
    payload: Path,
    entries: Sequence[Entry],
    top: str,
    extra: dict[str, bytes],
    time_s: int,
    progress: Progress,
) -> list[str]:
    """Write the files ``extra`` by name, then ``entries`` below the folder ``top``; return what could not be kept.

    Raises PayloadHashMismatch, with the path, for a file that is not what its entry says; EngineFailed or
    UnsupportedFile for one that cannot be read; OSError of the sink. What was written by then is no whole archive.
    """
    found = Losses()
    for name, data in extra.items():
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(data), time_s, 0o644
        sink.write(_head(info) + data + _padding(len(data)))
    first: dict[int, str] = {}
    with closing(Source(payload, found)) as source:
        for entry in entries:
            name = contents.name_of(entry.path, top)
            info = _described(source, entry, name)
            if entry.link_group and entry.link_group in first:
                info.type, info.linkname, info.size = tarfile.LNKTYPE, first[entry.link_group], 0
                sink.write(_head(info))
            elif entry.kind == FILE:
                first[entry.link_group] = name
                with source.content(entry) as content:
                    _write_file(sink, info, content, progress)
            else:
                sink.write(_head(info))
    sink.write(bytes(2 * tarfile.BLOCKSIZE))
    sink.write(bytes(-sink.tell() % tarfile.RECORDSIZE))
    return found.lines()


def _described(source: Source, entry: Entry, name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = _TYPES[entry.kind]
    info.mode = source.mode(entry)
    info.linkname = os.fsdecode(entry.target)
    info.size = entry.size
    seconds, nanoseconds = divmod(entry.mtime_ns, _NS)
    info.mtime = seconds
    headers = {}
    if nanoseconds:
        sign, whole = ("-", abs(entry.mtime_ns)) if entry.mtime_ns < 0 else ("", entry.mtime_ns)
        headers["mtime"] = f"{sign}{whole // _NS}.{whole % _NS:09d}"
    for attribute, value in source.xattrs(entry):
        if attribute in _LISTS:
            text = access_list.as_text(value)
            if text is None:
                source.losses.add(losses.DRIFTED, entry.path)
            else:
                headers[_LISTS[attribute]] = text
        else:
            quoted = attribute.replace("%", "%25").replace("=", "%3D")
            headers[f"SCHILY.xattr.{quoted}"] = os.fsdecode(value)
    info.pax_headers = headers
    return info


def _write_file(sink: Sink, info: tarfile.TarInfo, content: Content, progress: Progress) -> None:
    size, segments = info.size, content.segments
    if segments is None:
        sink.write(_head(info))
        while data := content.stream.read(_PIECE):
            sink.write(data)
            progress.advanced(len(data))
        sink.write(_padding(size))
        return
    folder, _, base = info.name.rpartition("/")
    info.pax_headers = {
        **info.pax_headers,
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": info.name,
        "GNU.sparse.realsize": str(size),
    }
    info.name = f"{folder}/GNUSparseFile.0/{base}"
    held = sparse.tar_map(segments, size)
    length = sum(count for _, count in segments)
    info.size = len(held) + length
    sink.write(_head(info) + held)
    _write_segments(sink, segments, content, progress)
    sink.write(_padding(length))


def _write_segments(
    sink: Sink, segments: Sequence[tuple[int, int]], content: Content, progress: Progress
) -> None:
    """Write the data of a sparse file. All of it is read, and what stands where the map has holes must be zeros."""
    ahead = iter([*segments, (1 << 64, 0)])
    start, length = next(ahead)
    position = 0
    while data := _block(content):
        while position >= start + length:
            start, length = next(ahead)
        if position >= start:
            sink.write(data)
        elif sparse.any_data(data):
            raise content.damaged()
        position += len(data)
        progress.advanced(len(data))


def _block(content: Content) -> bytes:
    data = content.stream.read(sparse.BLOCK) or b""
    while data and len(data) < sparse.BLOCK and (more := content.stream.read(sparse.BLOCK - len(data))):
        data += more
    return data


def _head(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
