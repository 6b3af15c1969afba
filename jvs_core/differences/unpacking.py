"""Reading packed bytes piece by piece, with a bound on what comes out and on the memory that it takes."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import Any, BinaryIO

from jvs_core.differences.bounds import MB, Unreadable

_PIECE = 1 << 16
_LZMA_MEMORY = 128 * MB
_MARKS = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x78\x01", "zlib"), (b"\x78\x9c", "zlib"),
          (b"\x78\xda", "zlib"), (b"\x78\x5e", "zlib"), (b"\x5d\x00\x00", "lzma"))  # fmt: skip
PACKED_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


def packing(head: bytes) -> str:
    """Return how a file is packed, by its first bytes, or ``""``."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), "")


class Unpacked(io.RawIOBase):
    """What comes out of packed bytes; more than ``most`` raises Unreadable."""

    def __init__(self, source: BinaryIO, how: str, most: int) -> None:
        self._source = source
        self._how = how
        self._left = most
        self._most = most
        self._decoder = _decoder(how)
        self._ended = False
        self._waiting = b""

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Unpack as much as there is room for."""
        view = memoryview(buffer)
        while not self._ended:
            piece = self._next(min(len(view), _PIECE))
            if piece:
                self._left -= len(piece)
                if self._left < 0:
                    raise Unreadable(f"it unpacks to more than {self._most / MB:,.0f} MB")
                view[: len(piece)] = piece
                return len(piece)
        return 0

    def _next(self, room: int) -> bytes:
        """Return up to ``room`` bytes; nothing where more input is needed, or at the end."""
        if self._decoder.eof:
            self._waiting = self._decoder.unused_data or self._source.read(_PIECE)
            if packing(self._waiting) != self._how:  # another member follows, else padding
                self._ended = True
                return b""
            self._decoder = _decoder(self._how)
        needs_input = getattr(self._decoder, "needs_input", True)
        if not self._waiting and needs_input:
            self._waiting = self._source.read(_PIECE)
            if not self._waiting:
                self._ended = True
                return b""
        data, self._waiting = self._waiting, b""
        piece: bytes = self._decoder.decompress(data, room)
        self._waiting = getattr(self._decoder, "unconsumed_tail", b"")
        return piece


def _decoder(how: str) -> Any:
    if how in ("gzip", "zlib"):
        return zlib.decompressobj(31 if how == "gzip" else 15)
    if how == "bzip2":
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_LZMA_MEMORY)
