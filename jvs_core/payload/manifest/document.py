"""The manifest: every entry of a payload with its hash and metadata, one line each, and the root hash over it.

Format 1 is a file of bytes. Its first line is ``jvs-manifest 1``, its last ``end N`` with the number of entries;
between them is one line an entry, sorted by path bytes, the top folder first::

    kind mode uid gid size mtime_ns link_group xattrs sha256 path [target]

separated by tabs. ``mode`` is octal, the digests are hexadecimal or ``-`` for none, the top folder's path is ``.``,
``target`` is there for symbolic links only. In path and target a backslash, tab and newline are written ``\\\\``,
``\\t`` and ``\\n``; all other bytes stand as they are. There is exactly one way to write a list of entries, and
``read`` accepts no other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from jvs_core import files, regular
from jvs_core.errors import DescriptorCorrupt, PartialSnapshot
from jvs_core.faults import storage_error
from jvs_core.payload.manifest.lines import encode, record
from jvs_core.payload.manifest.parser import Parser
from jvs_core.payload.tree.entry import FILE, Entry
from jvs_core.payload.tree.faults import making
from jvs_core.payload.work.collector import held_back

HEADER = b"jvs-manifest 1\n"
CHUNK = 1000


class Written(NamedTuple):
    """What ``write`` wrote: the SHA-256 of the whole file (hex), its size in bytes, the number of entries."""

    sha256: str
    size: int
    entries: int


def write(path: Path, entries: Sequence[Entry], lines: Sequence[bytes | None] = ()) -> Written:
    """Write ``entries`` to the new file ``path`` and make it durable (the folder's own entry is the caller's to sync).

    ``lines``, parallel to ``entries`` where given, holds what ``encode`` made of them already. A crash leaves a file
    without its closing line, which ``read`` refuses. Raises AlreadyExists when ``path`` exists; nothing is overwritten.
    """
    digest = hashlib.sha256()
    size = 0
    with making(path):
        fd = files.open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with open(fd, "wb", buffering=0) as file:
            for chunk in _chunks(entries, lines):
                digest.update(chunk)
                size += len(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[file.write(view) :]
            os.fsync(file.fileno())
    return Written(digest.hexdigest(), size, len(entries))


def encoded(entries: Sequence[Entry]) -> bytes:
    """Return the bytes of the manifest of ``entries``, as ``write`` writes it."""
    return b"".join(_chunks(entries, ()))


@held_back()
def read(path: Path, *, sha256: str | None = None) -> Sequence[Entry]:
    """Read the manifest ``path``; with ``sha256`` (hex) check the whole file against it first.

    Raises
    ------
    PartialSnapshot
        The file is missing or ends early.
    DescriptorCorrupt
        Its digest is not ``sha256``, or a line is not one that ``write`` could have written; the message has the
        line number.
    """
    with _open(path, sha256) as file, _reading(path):
        return Parser(path).read(file, HEADER)


def read_lines(path: Path, *, sha256: str) -> Iterator[bytes]:
    """Return the lines of the manifest ``path``, one an entry, once the file's digest is ``sha256`` (hex).

    Raises PartialSnapshot when it is missing, DescriptorCorrupt when it has another digest, and at its end when it is no
    manifest that was written whole. The form of the lines is not looked at.
    """
    return _lines(_open(path, sha256), path)


def _open(path: Path, sha256: str | None) -> IO[bytes]:
    """Open a manifest; where ``sha256`` is given, its digest must be that."""
    with _reading(path):
        file = open(regular.open_regular(path), "rb", buffering=1 << 20)  # noqa: SIM115 - the caller closes it
        try:
            if sha256 is not None and _digest_of(file) != sha256:
                raise DescriptorCorrupt(
                    f"the manifest {path} is not the one that JVS recorded", path=str(path)
                )
            file.seek(0)
        except BaseException:
            file.close()
            raise
    return file


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise PartialSnapshot(f"no manifest at {path}", path=str(path)) from error
    except OSError as error:
        raise storage_error(error, str(path)) from error


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    count = 0
    with file, _reading(path):
        if file.readline() == HEADER:
            for line in file:
                if line.startswith(b"end "):
                    if line == b"end %d\n" % count and not file.read(1):
                        return
                    break
                yield line[:-1]
                count += 1
    raise DescriptorCorrupt(f"{path} is not a manifest of format 1", path=str(path))


def root_hash(entries: Sequence[Entry]) -> str:
    """Return the payload root hash (hex) of ``entries``.

    SHA-256 over one record for each entry but the top folder: path, kind, mode, size, link target, content hash,
    with the lengths of path and target written before them. Times, owners, extended attributes and link groups
    stay out, so equal content has an equal hash on every engine and file system.
    """
    remaining = iter(entries)
    return root_hash_of(
        b"".join(
            [
                record(path, kind.encode(), mode, size, target, sha)
                for path, kind, mode, _, _, size, _, target, _, _, sha in chunk
                if path
            ]
        )
        for chunk in iter(lambda: list(islice(remaining, CHUNK)), [])
    )


def root_hash_of(records: Iterable[bytes]) -> str:
    """Return the payload root hash (hex) of the ``record`` of each entry but the top folder, many of them at a time."""
    digest = RootHash()
    for some in records:
        digest.add(some)
    return digest.hexdigest()


class RootHash:
    """The payload root hash of records that come one after the other."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256(b"jvs-root 1\n")

    def add(self, records: bytes) -> None:
        """Add the next ``records``, any number of them."""
        self._digest.update(records)

    def hexdigest(self) -> str:
        """Return the hash (hex) of all so far."""
        return self._digest.hexdigest()


def totals(entries: Iterable[Entry]) -> tuple[int, int]:
    """Return the number of regular files and the sum of their sizes in bytes."""
    count = total = 0
    for entry in entries:
        if entry.kind == FILE:
            count += 1
            total += entry.size
    return count, total


def _digest_of(file: IO[bytes]) -> str:
    state = hashlib.sha256()
    while data := file.read(1 << 20):
        state.update(data)
    return state.hexdigest()


def _chunks(entries: Sequence[Entry], lines: Sequence[bytes | None]) -> Iterable[bytes]:
    yield HEADER
    for start in range(0, len(entries), CHUNK):
        part = entries[start : start + CHUNK]
        if lines:
            ready = lines[start : start + CHUNK]
            made = [line or encode([entry])[0] for entry, line in zip(part, ready, strict=True)]
        else:
            made = encode(part)
        yield b"\n".join([*made, b""])
    yield b"end %d\n" % len(entries)
