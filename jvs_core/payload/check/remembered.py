"""The files with hard links that were read, of payloads inspected before."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from heapq import merge
from itertools import islice

from jvs_core.payload.check.evidence import Evidence
from jvs_core.payload.check.inode_stamps import SIZE
from jvs_core.payload.tree.packed import worth

_DIGEST = 16
# How many stamps are sorted at once: a list of them takes five times what a column does.
_RUN = 50_000


class Remembered:
    """The right line for each inode that was read, at most ``most`` of them: the oldest are forgotten.

    Of very many files only a hash of the line is kept, in columns: enough to know that another line is the right one, too.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lines: dict[bytes, bytes] = {}
        self._layers: list[_Layer] = []

    def __bool__(self) -> bool:
        return bool(self._lines or self._layers)

    def right(self, stamp: bytes, line: bytes) -> bytes | None:
        """Return the line that is right for the inode ``stamp``, None where that is not known; ``line`` is what is expected."""
        known = self._lines.get(stamp)
        if known is None and self._layers and stamp:
            digest = _digest(line)
            return line if any(layer.get(stamp) == digest for layer in reversed(self._layers)) else None
        return known

    def take(self, lines: Sequence[bytes], evidence: Evidence) -> None:
        """Remember what was found for ``lines``."""
        if worth(len(lines)):
            layer = _Layer(lines, evidence)
            self._layers.append(layer)
            while len(self._layers) > 1 and sum(map(len, self._layers)) > self._most:
                self._layers.pop(0)
            if len(layer) > self._most or not len(layer):
                self._layers.pop()
            return
        known = self._lines
        known.update(zip(evidence.inodes, lines, strict=True))
        known.update((evidence.inodes[position], line) for position, line in evidence.other.items() if line)
        missing = [position for position, line in evidence.other.items() if not line]
        for inode in [b"", *(evidence.inodes[position] for position in (*evidence.failures, *missing))]:
            known.pop(inode, None)
        for inode in list(islice(known, max(0, len(known) - self._most))):
            del known[inode]


class _Layer:
    """What was found for one manifest: stamps in order, and parallel to them the hashes of the right lines."""

    def __init__(self, lines: Sequence[bytes], evidence: Evidence) -> None:
        inodes = evidence.inodes
        runs = [_in_order(evidence, start) for start in range(0, len(inodes), _RUN)]
        self._stamps = bytearray()
        self._digests = bytearray()
        for position in merge(*runs, key=inodes.__getitem__):
            self._stamps += inodes[position]
            self._digests += _digest(evidence.other.get(position) or lines[position])

    def __len__(self) -> int:
        return len(self._stamps) // SIZE

    def get(self, stamp: bytes) -> bytes | None:
        low, high = 0, len(self)
        stamps = self._stamps
        while low < high:
            middle = (low + high) // 2
            if stamps[middle * SIZE : (middle + 1) * SIZE] < stamp:
                low = middle + 1
            else:
                high = middle
        if stamps[low * SIZE : (low + 1) * SIZE] != stamp:
            return None
        return bytes(self._digests[low * _DIGEST : (low + 1) * _DIGEST])


def _in_order(evidence: Evidence, start: int) -> array[int]:
    """Return which of the next ``_RUN`` positions were read, in the order of their stamps."""
    some = enumerate(evidence.inodes[start : start + _RUN], start)
    found = [(inode, position) for position, inode in some if inode and _is_read(position, evidence)]
    return array("Q", (position for _, position in sorted(found)))


def _is_read(position: int, evidence: Evidence) -> bool:
    return position not in evidence.failures and evidence.other.get(position, b"") is not None


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=_DIGEST).digest()
