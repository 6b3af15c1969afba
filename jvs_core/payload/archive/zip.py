"""Entries of a payload as a zip file, as far as it can hold them; what it cannot is named.

Links are written as Info-ZIP does, which ``unzip`` makes links again. Times are in whole seconds, and UTC where a program
reads the extended time stamp.
"""

from __future__ import annotations

import re
import stat
import time
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from struct import pack
from typing import IO

from jvs_core.payload.archive import contents, losses
from jvs_core.payload.archive.losses import Losses
from jvs_core.payload.archive.source import Source
from jvs_core.payload.tree.entry import FIFO, FILE, FOLDER, SYMLINK, Entry
from jvs_core.progress import Progress

_PIECE = 1 << 20
_LEVEL = 6
_LONGEST_NAME = 65_535
_UNIX = 3
_EXTENDED_TIME = 0x5455
_FIRST, _LAST = 315_532_800, 4_354_819_199  # the times that the old field can hold: 1980 to 2107
_MISREAD = re.compile(r"[\\\x00-\x1f\x7f]")
_KINDS = {FILE: stat.S_IFREG, FOLDER: stat.S_IFDIR, SYMLINK: stat.S_IFLNK}


def write(
    sink: IO[bytes],
    payload: Path,
    entries: Sequence[Entry],
    top: str,
    extra: dict[str, bytes],
    time_s: int,
    progress: Progress,
) -> list[str]:
    """Write the files ``extra`` by name, then ``entries`` below the folder ``top``; return what could not be kept.

    ``sink`` must be able to seek. Raises as ``tar.write``.
    """
    found = Losses()
    first: set[int] = set()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
        closing(Source(payload, found)) as source,
    ):
        for name, data in extra.items():
            archive.writestr(_described(name, time_s, stat.S_IFREG | 0o644), data)
        for entry in entries:
            name = contents.name_of(entry.path, top)
            if not can_hold(entry, name):
                found.add(losses.FIFOS if entry.kind == FIFO else losses.NAMES, entry.path)
                continue
            if entry.xattrs:
                found.add(losses.XATTRS, entry.path)
            if entry.link_group and entry.link_group in first:
                found.add(losses.LINKED, entry.path)
            first.add(entry.link_group)
            seconds = entry.mtime_ns // 10**9
            if not _FIRST <= seconds <= _LAST:
                found.add(losses.TIMES, entry.path)
            info = _described(
                name + "/" * (entry.kind == FOLDER), seconds, _KINDS[entry.kind] | source.mode(entry)
            )
            if entry.kind == FILE:
                info.file_size = entry.size
                with (
                    source.content(entry) as content,
                    archive.open(info, "w", force_zip64=entry.size >= zipfile.ZIP64_LIMIT // 2) as member,
                ):
                    while data := content.stream.read(_PIECE):
                        member.write(data)
                        progress.advanced(len(data))
            else:
                archive.writestr(info, entry.target)
    return found.lines()


def can_hold(entry: Entry, name: str) -> bool:
    """Say whether a zip file can have ``entry`` under ``name``.

    A backslash separates folders for some programs that unpack it, and others leave control characters out.
    """
    try:
        return entry.kind != FIFO and not _MISREAD.search(name) and len(name.encode()) < _LONGEST_NAME
    except UnicodeEncodeError:
        return False


def _described(name: str, seconds: int, mode: int) -> zipfile.ZipInfo:
    held = min(max(seconds, _FIRST), _LAST)
    info = zipfile.ZipInfo(name, time.gmtime(held)[:6])
    info.create_system = _UNIX
    info.external_attr = mode << 16 | 0x10 * stat.S_ISDIR(mode)
    info.compress_type = zipfile.ZIP_DEFLATED if stat.S_ISREG(mode) else zipfile.ZIP_STORED
    if 0 <= held < 1 << 31:
        info.extra = pack("<HHBi", _EXTENDED_TIME, 5, 1, held)
    return info
