"""Copying batches of entries from a payload into a worktree; each is complete before it gets its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from jvs_core.payload.copy.put import put, temporary_name
from jvs_core.payload.inplace import taking
from jvs_core.payload.inplace.taking import Overtaken, Taken
from jvs_core.payload.tree.content import Method
from jvs_core.payload.tree.entry import Entry
from jvs_core.payload.tree.faults import GONE, translate
from jvs_core.payload.tree.file_state import FileState
from jvs_core.payload.tree.folders import Folders, split


class Placed(NamedTuple):
    """The result of a batch: entries that lost attributes, paths that were edited meanwhile, and what was taken out."""

    refused: list[bytes]
    drifted: list[bytes]
    overtaken: list[bytes]
    taken: list[Taken]


@dataclass(frozen=True)
class PutJob:
    """Puts batches of entries into ``target``, each complete under a temporary name and then given its own.

    Each comes with the state that was seen at its name, None for nothing; a file that changed since is left alone. A
    crash leaves each entry as it was or replaced, and temporary names beside them; a failure puts back what its batch
    replaced. What is put has the present time, so that programs that compare times notice.
    """

    payload: bytes
    target: bytes
    method: Method

    @contextmanager
    def open(self) -> Iterator[Callable[[Sequence[tuple[Entry, FileState | None]]], Placed]]:
        """Open both trees; yield the function that does a batch."""
        with Folders(self.payload) as sources, Folders(self.target) as targets:

            def work(batch: Sequence[tuple[Entry, FileState | None]]) -> Placed:
                placed = Placed([], [], [], [])
                try:
                    for entry, seen in batch:
                        _place(sources, targets, entry, seen, self.method, placed)
                except Exception:
                    taking.take_back(targets, placed.taken)
                    raise
                return placed

            yield work


def _place(
    sources: Folders, targets: Folders, entry: Entry, seen: FileState | None, method: Method, placed: Placed
) -> None:
    folder, name = split(entry.path)
    temporary = temporary_name()
    try:
        target = targets.at(folder)
        try:
            brought = put(sources, entry, target, temporary, method, now=True)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=target)
            raise
        taken = taking.replace(target, name, temporary, entry.path, seen)
    except Overtaken:
        placed.overtaken.append(entry.path)
        return
    except OSError as error:
        if error.errno not in GONE:
            raise translate(error, entry.path) from error
        placed.overtaken.append(entry.path)  # the folder was removed meanwhile
        return
    if taken is not None:
        placed.taken.append(taken)
    if brought.refused:
        placed.refused.append(entry.path)
    if brought.drifted:
        placed.drifted.append(entry.path)
