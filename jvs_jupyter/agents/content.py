"""The content of one file for an agent: a part of it, as text where it is text."""

from __future__ import annotations

import base64
from typing import Any, BinaryIO

BYTES = 32_768
_LONGEST_CHARACTER = 4


def part(file: BinaryIO, size: int, offset: int, limit: int) -> dict[str, Any]:
    """Return up to ``limit`` bytes from ``offset`` on, whole characters where they are UTF-8, and the next offset or None.

    A part is checked as a whole file of a snapshot is: what the manifest does not say is never returned.
    """
    if offset or limit < size:
        file.seek(offset)
    data = file.read(limit)
    encoding, text, used = _encoded(data, last=offset + len(data) >= size)
    end = offset + used
    return {
        "size": size,
        "offset": offset,
        "encoding": encoding,
        "content": text,
        "next_offset": end if end < size else None,
    }


def as_text(data: bytes) -> str | None:
    """Return a whole file's text; None where it is binary."""
    encoding, text, _ = _encoded(data, last=True)
    return text if encoding == "utf-8" else None


def _encoded(data: bytes, *, last: bool) -> tuple[str, str, int]:
    """Return encoding, text, and how many of the bytes are in it: a character that is cut at the end is left for later."""
    for cut in range(1 if last else min(_LONGEST_CHARACTER, max(len(data), 1))):
        try:
            text = data[: len(data) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return "utf-8", text, len(data) - cut
        break
    return "base64", base64.b64encode(data).decode("ascii"), len(data)
