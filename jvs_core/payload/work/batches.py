"""Cutting much work into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BATCH_FILES = 200
BATCH_BYTES = 16 << 20


def cut(sizes: Sequence[int], files: int = BATCH_FILES) -> Iterator[list[int]]:
    """Cut the positions of ``sizes`` into batches of at most ``files`` items or ``BATCH_BYTES`` bytes.

    What is larger than a batch goes alone and first, the largest before the others, so that the processes end together.
    """
    large = [position for position, length in enumerate(sizes) if length > BATCH_BYTES]
    for position in sorted(large, key=sizes.__getitem__, reverse=True):
        yield [position]
    batch: list[int] = []
    filled = 0
    for position, length in enumerate(sizes):
        if length > BATCH_BYTES:
            continue
        if batch and (len(batch) >= files or filled + length > BATCH_BYTES):
            yield batch
            batch, filled = [], 0
        batch.append(position)
        filled += length
    if batch:
        yield batch
