"""The standard streams of the process: what is written to them arrives, or fails in a way that can be told."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TextIO

_CHUNK = 1 << 20


class Unwritten(Exception):
    """Stdout is closed, or the place that it leads to took no more."""

    def __init__(self, cause: OSError) -> None:
        super().__init__()
        self.cause = cause


def occupy() -> None:
    """Put the null device in the place of closed streams, which the next file that is opened would take else."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def write_lines(lines: Iterable[str]) -> None:
    """Print the lines to stdout as they come; a terminal sees each at once. Raises Unwritten, BrokenPipeError."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    for line in lines:
        with _written() as stream:
            _write(stream, (without_raw_bytes(line) if terminal else line) + "\n")
            if terminal:
                stream.flush()
    if sys.stdout is not None:
        with _written() as stream:
            stream.flush()


def copy(source: BinaryIO) -> None:
    """Print bytes to stdout as they are. Raises Unwritten, BrokenPipeError, and what ``source`` raises."""
    while chunk := source.read(_CHUNK):
        with _written() as stream:
            stream.buffer.write(chunk)
    with _written() as stream:
        stream.buffer.flush()


def write_error(start: str, lines: Iterable[str]) -> None:
    """Print lines to stderr, each after ``start``; nobody can be told that nobody can be told."""
    stream = sys.stderr
    if stream is None:
        return
    with suppress(OSError):
        _write(stream, "".join(f"{start}{without_raw_bytes(line)}\n" for line in lines))
        stream.flush()


def silence() -> None:
    """Keep the interpreter from complaining, at its end, that stdout cannot be written."""
    if sys.stdout is None:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        return
    finally:
        os.close(null)


@contextmanager
def _written() -> Iterator[TextIO]:
    if sys.stdout is None:
        raise Unwritten(OSError(errno.EBADF, "closed"))
    try:
        yield sys.stdout
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritten(error) from error


def _write(stream: TextIO, text: str) -> None:
    data = text.encode(stream.encoding or "utf-8", "jvs-output")
    raw = getattr(stream, "buffer", None)
    if raw is None:
        stream.write(data.decode(stream.encoding or "utf-8", "backslashreplace"))
    else:
        raw.write(data)


def without_raw_bytes(text: str) -> str:
    """Show bytes that are not UTF-8 as ``\\xNN``: a terminal may take them for control characters."""
    return text.encode("utf-8", "jvs-output").decode("utf-8", "backslashreplace")


def _as_bytes(error: UnicodeError) -> tuple[bytes, int]:
    """Encode what an encoding lacks: escaped bytes as themselves, anything else as a backslash escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    parts = [
        bytes([ord(c) - 0xDC00]) if "\udc80" <= c <= "\udcff" else c.encode("ascii", "backslashreplace")
        for c in error.object[error.start : error.end]
    ]
    return b"".join(parts), error.end


codecs.register_error("jvs-output", _as_bytes)
