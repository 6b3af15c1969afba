"""Compressed files, the same bytes for the same content; zstd comes with Python from 3.14 on, before that as a package."""

from __future__ import annotations

import gzip
import importlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from jvs_core.errors import InputError

_GZIP_LEVEL = 6
_ZSTD_LEVEL = 6
# Output does not depend on how many threads there are, but on whether there is one beside the caller's.
_THREADS = 2
_WINDOW_LOG = 27  # no more than 128 MiB of memory for who reads it


def zstd() -> Any:
    """Return the module for zstd files. Raises InputError, saying what to install, where there is none."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise InputError("this Python has no zstd", hint="pip install backports.zstd, or end the name in .tar.gz")


@contextmanager
def compressed(sink: IO[bytes], kind: str) -> Iterator[IO[bytes]]:
    """Yield what compresses into ``sink``: ``tar.zst``, ``tar.gz``, or anything else as it is."""
    if kind == "tar.gz":
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, sink, mtime=0) as file:
            yield cast(IO[bytes], file)
    elif kind == "tar.zst":
        library = zstd()
        parameter = library.CompressionParameter
        options = {
            parameter.compression_level: _ZSTD_LEVEL,
            parameter.checksum_flag: 1,
            parameter.nb_workers: _THREADS,
        }
        with library.ZstdFile(sink, "wb", options=options) as file:
            yield file
    else:
        yield sink


def decompressed(file: IO[bytes]) -> IO[bytes]:
    """Return what reads ``file``, which is at its beginning, decompressed as its first bytes say."""
    head = file.read(4)
    file.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=file, mode="rb"))
    if head == b"\x28\xb5\x2f\xfd":
        library = zstd()
        limit = {library.DecompressionParameter.window_log_max: _WINDOW_LOG}
        return cast(IO[bytes], library.ZstdFile(file, "rb", options=limit))
    return file


def faults() -> tuple[type[Exception], ...]:
    """Return the errors by which a compressed file shows that it is damaged."""
    known: tuple[type[Exception], ...] = (gzip.BadGzipFile, EOFError, zlib.error)
    try:
        return (*known, zstd().ZstdError)
    except InputError:
        return known
