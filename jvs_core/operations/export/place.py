"""Where an export goes: its kind by its name, and a temporary name beside it until it is whole and durable."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from jvs_core import files, syncing
from jvs_core.control.layout import Layout
from jvs_core.errors import AlreadyExists, InputError, JvsError, PathEscape, PathNotFound
from jvs_core.payload.engines import plain_copy

Kind = Literal["tar", "tar.gz", "tar.zst", "zip", "folder"]

_ENDINGS: dict[str, Kind] = {
    ".tar": "tar",
    ".tar.gz": "tar.gz",
    ".tgz": "tar.gz",
    ".tar.zst": "tar.zst",
    ".tzst": "tar.zst",
    ".zip": "zip",
}
_OTHERS = (
    ".tar.xz",
    ".tar.bz2",
    ".tar.lz",
    ".txz",
    ".tbz2",
    ".tbz",
    ".7z",
    ".rar",
    ".gz",
    ".zst",
    ".xz",
    ".bz2",
)
_PREFIX = ".jvs-export-"


def kind_of(place: Path) -> Kind:
    """Return what kind of export the name of ``place`` asks for. Raises InputError for archives of other kinds."""
    name = place.name.lower()
    if name == "-":
        raise InputError(
            "an export needs a regular file, which gets its name when it is complete", hint="-o FILE.tar.zst"
        )
    for ending in sorted(_ENDINGS, key=len, reverse=True):
        if name.endswith(ending) and name != ending:
            return _ENDINGS[ending]
    if name.endswith(_OTHERS):
        raise InputError(
            f"{place.name!r} is not a supported kind of file",
            hint="end the name in .tar.zst, .tar.gz, .tar or .zip, or give a folder",
        )
    return "folder"


def require_free(layout: Layout, place: Path) -> None:
    """Make sure that something can be made at ``place``, before anything is read.

    Raises AlreadyExists, PathNotFound where its folder is not there, InputError in the control plane.
    """
    if os.path.lexists(place):
        raise AlreadyExists(f"{place} already exists", hint="choose another name, or remove it first")
    if not place.parent.is_dir():
        raise PathNotFound(f"{place.parent} is not a folder", hint=f"mkdir -p {place.parent}")
    if Path(os.path.realpath(place.parent)).is_relative_to(os.path.realpath(layout.control)):
        raise InputError(f"{place} is inside .jvs", hint="choose another folder")


class HashedFile:
    """A file that is written from its beginning to its end, hashed on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._count = 0

    def write(self, data: bytes | memoryview, /) -> int:
        """Write all of ``data``."""
        self._file.write(data)
        self._digest.update(data)
        self._count += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._count

    def flush(self) -> None:
        """Write out what is buffered."""
        self._file.flush()

    def hexdigest(self) -> str:
        """Return the SHA-256 of what was written."""
        return self._digest.hexdigest()


@contextmanager
def new_file(place: Path) -> Iterator[IO[bytes]]:
    """Yield a file to write, which gets the name ``place`` at the end of the block, durable and never over anything.

    A failure leaves nothing. A crash leaves a file ``.jvs-export-….tmp`` beside it at most. Raises AlreadyExists.
    """
    temporary = _temporary(place)
    fd = files.open_file(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        with open(fd, "w+b", buffering=1 << 20) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        files.rename_durable(temporary, place)
    except BaseException:
        with suppress(OSError, PathEscape):
            files.unlink(temporary)
        raise


@contextmanager
def new_folder(place: Path) -> Iterator[Path]:
    """Yield the path of a folder to make, which gets the name ``place`` at the end of the block, as ``new_file`` does."""
    temporary = _temporary(place)
    try:
        with syncing.watching(place.parent) as sync:
            yield temporary
            plain_copy.ENGINE.settle(temporary)
            sync([])
        files.rename_durable(temporary, place)
    except BaseException:
        with suppress(OSError, JvsError):
            plain_copy.ENGINE.remove(temporary)
        raise


def _temporary(place: Path) -> Path:
    return place.with_name(f"{_PREFIX}{secrets.token_hex(8)}.tmp")
