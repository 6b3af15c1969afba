"""Files with holes: where their data is, by blocks that are not all zeros, and the form in which tar holds that.

The map goes by content where the file system says that there are holes, so that it is the same on each that keeps them.
"""

from __future__ import annotations

import os

from jvs_core.payload.tree import content

BLOCK = 1 << 16
"""A run of zeros counts as a hole from one such block on, aligned to it."""
_SMALLEST = 4 * BLOCK
_UNIT = 512
_ZEROS = bytes(BLOCK)

Segment = tuple[int, int]
"""Where data begins, and how long it is, in bytes."""


def segments(fd: int, st: os.stat_result) -> list[Segment] | None:
    """Return where the open file has data; None where it has no holes that are worth a map. Raises OSError."""
    if st.st_size < _SMALLEST or not content.sparse(st):
        return None
    found: list[Segment] = []
    last = -1
    for start, stop in content.data_extents(fd, st.st_size):
        for block in range(max(start // BLOCK, last + 1), -(-stop // BLOCK)):
            last = block
            offset = block * BLOCK
            data = os.pread(fd, min(BLOCK, st.st_size - offset), offset)
            if not any_data(data):
                continue
            if found and sum(found[-1]) == offset:
                found[-1] = (found[-1][0], found[-1][1] + len(data))
            else:
                found.append((offset, len(data)))
    return None if found == [(0, st.st_size)] else found


def any_data(data: bytes | memoryview) -> bool:
    """Return whether ``data``, of one block at most, is anything but zeros."""
    return data != _ZEROS[: len(data)]


def tar_map(found: list[Segment], size: int) -> bytes:
    """Return the map that stands before the data of a sparse file in a tar file (GNU's format 1.0), padded to a block."""
    listed = found if found and sum(found[-1]) == size else [*found, (size, 0)]
    text = b"%d\n" % len(listed) + b"".join(b"%d\n%d\n" % segment for segment in listed)
    return text + bytes(-len(text) % _UNIT)
