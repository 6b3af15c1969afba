"""What an export holds, read from a zip file, a tar file or a folder. All of it comes from somebody else.

Nothing is unpacked under a name of its own: the files of the proof are copied to numbered ones, as far as a proof can be
long, and everything else is only read.
"""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Protocol, cast

from jvs_core import regular
from jvs_core.errors import DescriptorCorrupt, InputError
from jvs_core.operations.proof.making import FOLDER
from jvs_core.payload.archive.compression import decompressed, faults
from jvs_core.payload.tree import content
from jvs_core.payload.tree.entry import FIFO, FILE, SYMLINK, is_below
from jvs_core.payload.tree.entry import FOLDER as DIRECTORY
from jvs_core.payload.tree.folders import Folders, split
from jvs_core.payload.tree.walk import scan

MOST_MEMBERS = 10_000_000
_LONGEST_PROOF = 1 << 32
_LONGEST_READ = 1 << 24
_LONGEST_TARGET = 1 << 16
_PIECE = 1 << 20
_PREFIX = f"{FOLDER}/"
_TAR_KINDS = {tarfile.DIRTYPE: DIRECTORY, tarfile.SYMTYPE: SYMLINK, tarfile.FIFOTYPE: FIFO}
LINK = "h"


@dataclass(frozen=True)
class Member:
    """An entry of an export: its name, its kind (``h`` for another name of the file ``target``), what a link says."""

    name: str
    kind: str
    target: str
    open: Callable[[], IO[bytes]]


class Members(Protocol):
    """An export that is open."""

    is_zip: bool

    def proof(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield the files of the proof with their content, to be read before the next one is asked for."""

    def others(self) -> Iterator[Member]:
        """Yield everything else, after ``proof`` has ended; what is opened is read before the next one is asked for."""


@dataclass
class Spool:
    """The files of a proof, copied to where they can be read in any order."""

    folder: Path
    places: dict[str, Path] = field(default_factory=dict)
    twice: bool = False

    def fill(self, members: Members) -> None:
        """Copy the files of the proof. Raises InputError where they are longer than any proof."""
        left = _LONGEST_PROOF
        for name, stream in members.proof():
            self.twice = self.twice or name in self.places
            place = self.folder / str(len(self.places))
            self.places[name] = place
            with place.open("wb") as sink:
                while piece := stream.read(_PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise InputError(f"its proof is longer than {_LONGEST_PROOF} bytes")
                    sink.write(piece)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Members, Spool]]:
    """Open an export. Raises InputError where it is none that can be read."""
    with ExitStack() as close:
        try:
            if path.is_dir():
                members: Members = _Folder(path)
            else:
                file = close.enter_context(open(regular.open_regular(path, follow=True), "rb"))
                if file.read(2) == b"PK":
                    members = _Zip(close.enter_context(zipfile.ZipFile(file)))
                else:
                    members = _Tar(file)
            spool = Spool(Path(close.enter_context(tempfile.TemporaryDirectory(prefix="jvs-proof-"))))
            spool.fill(members)
            yield members, spool
        except FileNotFoundError as error:
            raise InputError(f"no file {path}") from error
        except (
            zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, EOFError, zlib.error, ValueError,
        ) as error:  # fmt: skip
            raise InputError(f"{path} is not a sound zip or tar file: {error}") from error
        except DescriptorCorrupt as error:
            raise InputError(error.message) from error


class _Zip:
    is_zip = True

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._infos = archive.infolist()
        _require_few(len(self._infos))

    def proof(self) -> Iterator[tuple[str, IO[bytes]]]:
        for info in self._infos:
            if _is_of_zip_proof(info):
                with self._archive.open(info) as stream:
                    yield info.filename, stream

    def others(self) -> Iterator[Member]:
        for info in self._infos:
            if _is_of_zip_proof(info) or (info.filename.startswith(_PREFIX) and info.is_dir()):
                continue
            kind, target = FILE, ""
            if info.is_dir():
                kind = DIRECTORY
            elif stat.S_ISLNK(info.external_attr >> 16):
                kind = SYMLINK
                with self._archive.open(info) as stream:
                    target = os.fsdecode(stream.read(_LONGEST_TARGET))
            yield Member(info.filename.rstrip("/"), kind, target, partial(self._archive.open, info))


class _Tar:
    is_zip = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._of_proof: set[int] = set()

    def proof(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield the files of the proof, which JVS writes first; where something else comes first, all are gone through."""
        found = False
        for number, (archive, info) in enumerate(self._walk()):
            if info.name.startswith(_PREFIX) and (info.isreg() or info.isdir()):
                self._of_proof.add(number)
                stream = archive.extractfile(info)
                if stream is not None:
                    found = True
                    with stream:
                        yield info.name, stream
            elif found:
                return

    def others(self) -> Iterator[Member]:
        for number, (archive, info) in enumerate(self._walk()):
            if number in self._of_proof or (info.name == FOLDER and info.isdir()):
                continue
            if info.islnk():
                yield Member(info.name, LINK, info.linkname, _nothing)
            elif info.isreg():
                yield Member(info.name, FILE, "", partial(_content, archive, info))
            else:
                yield Member(info.name, _TAR_KINDS.get(info.type, "?"), info.linkname, _nothing)

    def _walk(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        self._file.seek(0)
        stream = cast(IO[bytes], _Forward(decompressed(self._file)))
        with tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape") as archive:
            count = 0
            while (info := archive.next()) is not None:
                count += 1
                _require_few(count)
                archive.members.clear()  # type: ignore[attr-defined]  # not in typeshed
                yield archive, info


class _Folder:
    is_zip = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = scan(path, must_read=False).entries
        _require_few(len(self._entries))

    def proof(self) -> Iterator[tuple[str, IO[bytes]]]:
        for entry in self._entries:
            if entry.path.startswith(os.fsencode(_PREFIX)) and entry.kind == FILE:
                with self._open(entry.path) as stream:
                    yield os.fsdecode(entry.path), stream

    def others(self) -> Iterator[Member]:
        for entry in self._entries:
            of_proof = entry.kind in (FILE, DIRECTORY) and is_below(entry.path, os.fsencode(FOLDER))
            if entry.path and not of_proof:
                yield Member(
                    os.fsdecode(entry.path),
                    entry.kind,
                    os.fsdecode(entry.target),
                    partial(self._open, entry.path),
                )

    def _open(self, path: bytes) -> IO[bytes]:
        folder, name = split(path)
        with Folders(self._path) as folders:
            try:
                fd, _ = content.open_regular(name, folders.at(folder))
            except content.Changed as error:
                raise InputError(f"{os.fsdecode(path)!r} changed while JVS read it") from error
        return open(fd, "rb")


class _Forward:
    """A stream as tarfile reads it: to its end, skipping what is not wanted, and no more at once than is sensible."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or position < self._position:
            raise tarfile.StreamError("seeking backwards")
        while position > self._position and self.read(min(position - self._position, _PIECE)):
            pass
        return self._position

    def read(self, count: int) -> bytes:
        if not 0 <= count <= _LONGEST_READ:
            raise tarfile.ReadError("a header that is too long")
        pieces: list[bytes] = []
        try:
            while count and (piece := self._stream.read(count)):
                pieces.append(piece)
                count -= len(piece)
                self._position += len(piece)
        except faults() as error:
            raise tarfile.ReadError(f"its compressed data is damaged: {error}") from error
        return b"".join(pieces)


def _is_of_zip_proof(info: zipfile.ZipInfo) -> bool:
    return (
        info.filename.startswith(_PREFIX) and not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
    )


def _require_few(count: int) -> None:
    if count > MOST_MEMBERS:
        raise InputError(f"it holds more than {MOST_MEMBERS} entries")


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return cast(IO[bytes], archive.extractfile(info))


def _nothing() -> IO[bytes]:
    raise InputError("no content")
